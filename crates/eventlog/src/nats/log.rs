//! A stream of histories at the broker.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::json;

use super::{
    Core,
    api::{self, StreamInfo},
    chance, follow,
};
use crate::{
    AppendError, Appended, Commit, Deadline, EventLog, FollowError, Followed, Position, ReadError, Recorded,
    StreamName, Subject, Usage, Version,
    group::Lane,
    resolve::{self, Attempts, BatchOutcome, Member, Outcome, until_answered},
    wire,
};

/// Single requests to a stream.
#[derive(Clone)]
pub(super) struct Single {
    core: Arc<Core>,
    stream: StreamName,
}

pub(super) struct NatsLog {
    single: Single,
    /// Appends go through here, together where that is faster.
    lane: Lane,
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog").field("stream", &self.single.stream).finish_non_exhaustive()
    }
}

impl NatsLog {
    pub(super) const fn new(single: Single, lane: Lane) -> Self {
        Self { single, lane }
    }
}

impl Single {
    pub(super) const fn new(core: Arc<Core>, stream: StreamName) -> Self {
        Self { core, stream }
    }

    async fn info(&self, deadline: Deadline) -> Result<StreamInfo, ReadError> {
        let info = until_answered(deadline, chance(), || async {
            Ok(self.core.stream_info(self.stream.as_str(), deadline).await?)
        })
        .await?;
        self.core.remember(self.stream, &info.created);
        Ok(info)
    }

    async fn message(
        &self,
        which: &serde_json::Value,
        deadline: Deadline,
    ) -> Result<Option<Recorded>, ReadError> {
        until_answered(deadline, chance(), || async {
            Ok(self.core.message(self.stream.as_str(), which, deadline).await?.map(api::recorded))
        })
        .await
    }
}

#[async_trait]
impl Attempts for Single {
    fn stream(&self) -> StreamName {
        self.stream
    }

    async fn attempt(
        &self,
        subject: &Subject,
        expected: Version,
        commit: &Commit,
        deadline: Deadline,
    ) -> Outcome {
        let headers = wire::headers(commit, expected);
        self.core.publish(subject.as_str(), headers, commit.data.clone(), deadline).await
    }

    async fn attempt_batch(&self, members: &[&Member], deadline: Deadline) -> BatchOutcome {
        let messages = members.iter().map(|member| {
            let headers = wire::headers(&member.commit, member.expected);
            (member.subject.as_str().to_owned(), headers, member.commit.data.clone())
        });
        self.core.publish_batch(messages.collect(), deadline).await
    }

    async fn history_from(
        &self,
        subject: &Subject,
        from: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError> {
        let mut history = Vec::new();
        let mut from = from.max(1);
        while let Some(message) =
            self.message(&json!({"seq": from, "next_by_subj": subject.as_str()}), deadline).await?
        {
            from = message.sequence + 1;
            history.push(message);
        }
        Ok(history)
    }

    async fn incarnation(&self, deadline: Deadline) -> Result<Arc<str>, ReadError> {
        match self.core.remembered(self.stream) {
            Some(incarnation) => Ok(incarnation),
            None => Ok(self.info(deadline).await?.created),
        }
    }

    fn jitter(&self) -> u32 {
        chance()
    }
}

#[async_trait]
impl EventLog for NatsLog {
    fn stream(&self) -> StreamName {
        self.single.stream
    }

    async fn append(
        &self,
        subject: &Subject,
        expected: Version,
        commit: Commit,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        resolve::append(&self.lane, subject, expected, &commit, deadline).await
    }

    async fn history(
        &self,
        subject: &Subject,
        at_least: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError> {
        let history = self.single.history_from(subject, 1, deadline).await?;
        if history.last().is_some_and(|last| last.sequence >= at_least) || at_least == 0 {
            return Ok(history);
        }
        // The history ends before `at_least`, which may be right: then the stream itself does not. A leader that was deposed and
        // does not know it yet may answer with less; wait for one that has it, then read again.
        until_answered(deadline, chance(), || async {
            let end = self.single.info(deadline).await?.state.last_seq;
            if end >= at_least { Ok(()) } else { Err(ReadError::Unavailable) }
        })
        .await?;
        self.single.history_from(subject, 1, deadline).await
    }

    async fn last(&self, subject: &Subject, deadline: Deadline) -> Result<Option<Recorded>, ReadError> {
        self.single.message(&json!({"last_by_subj": subject.as_str()}), deadline).await
    }

    async fn end(&self, deadline: Deadline) -> Result<Position, ReadError> {
        let info = self.single.info(deadline).await?;
        Ok(Position { stream: self.single.stream, incarnation: info.created, sequence: info.state.last_seq })
    }

    async fn usage(&self, deadline: Deadline) -> Result<Usage, ReadError> {
        let info = self.single.info(deadline).await?;
        Ok(Usage {
            bytes: info.state.bytes,
            // Without a bound the broker says -1.
            bytes_max: u64::try_from(info.config.max_bytes).unwrap_or(0),
            messages: info.state.messages,
            last_sequence: info.state.last_seq,
        })
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, FollowError>> {
        follow::follow(Arc::clone(&self.single.core), self.single.stream, after)
    }
}
