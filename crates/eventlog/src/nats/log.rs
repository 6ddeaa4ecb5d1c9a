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

    /// Nothing is built on what is left: whoever asked tries again, until the node is repaired or another one leads.
    fn lacks(&self, sequence: u64) -> ReadError {
        tracing::error!(
            stream = %self.stream, sequence,
            "the node that leads the stream lacks a message of a history; run `voordeur streams verify` and do what it says"
        );
        ReadError::Unavailable
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

/// The sequence of a message that is missing in what was read of a history from a sequence on. A node that lost a part of its files leaves
/// out what it lost and says nothing; but every message names the one it came after.
fn missing_in(history: &[Recorded], from: u64) -> Option<u64> {
    let mut before = None;
    for message in history {
        if let Some(expected) = wire::follows(&message.headers)
            && match before {
                Some(before) => expected != before,
                None => expected >= from,
            }
        {
            return Some(expected);
        }
        before = Some(message.sequence);
    }
    None
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
        let first = from.max(1);
        let mut from = first;
        while let Some(message) =
            self.message(&json!({"seq": from, "next_by_subj": subject.as_str()}), deadline).await?
        {
            from = message.sequence + 1;
            history.push(message);
        }
        match missing_in(&history, first) {
            None => Ok(history),
            Some(sequence) => Err(self.lacks(sequence)),
        }
    }

    async fn message_at(&self, sequence: u64, deadline: Deadline) -> Result<Option<Recorded>, ReadError> {
        self.message(&json!({"seq": sequence}), deadline).await
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
        let history = self.single.history_from(subject, 1, deadline).await?;
        if history.last().is_some_and(|last| last.sequence >= at_least) {
            return Ok(history);
        }
        match self.single.message(&json!({"seq": at_least}), deadline).await? {
            Some(message) if message.subject != *subject => Ok(history),
            // It came after all, or it is there and left out: read again.
            Some(_) => Err(ReadError::Unavailable),
            None => Err(self.single.lacks(at_least)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Header;

    fn message(sequence: u64, follows: Option<u64>) -> Recorded {
        let subject = Subject::unchecked("voordeur.signal.v1.x");
        let header = |value: u64| Header { name: wire::EXPECTED_LAST.to_owned(), value: value.to_string() };
        let headers = follows.map(header).into_iter().collect();
        wire::recorded(subject, sequence, api::moment(0), headers, bytes::Bytes::new())
    }

    #[test]
    fn a_message_that_is_left_out_of_a_history_shows_in_the_one_after_it() {
        let history = |all: &[(u64, u64)]| -> Vec<Recorded> {
            all.iter().map(|(sequence, follows)| message(*sequence, Some(*follows))).collect()
        };
        assert_eq!(missing_in(&history(&[(2, 0), (5, 2), (9, 5)]), 1), None);
        assert_eq!(missing_in(&history(&[(2, 0), (9, 5)]), 1), Some(5));
        assert_eq!(missing_in(&history(&[(5, 2), (9, 5)]), 1), Some(2));
        // Read from the middle: what lies before is not looked at.
        assert_eq!(missing_in(&history(&[(5, 2), (9, 5)]), 3), None);
        assert_eq!(missing_in(&history(&[(9, 5)]), 3), Some(5));
        assert_eq!(missing_in(&[message(5, None), message(9, None)], 1), None);
    }
}
