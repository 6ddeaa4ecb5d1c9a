//! A bucket at the broker: the layout of NATS key-value (a stream `KV_<bucket>`, subjects `$KV.<bucket>.<key>`), so that its tools can
//! read it. Written by hand, since the client's own sends no id, reads from any replica and resolves nothing.

use std::{fmt, sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{
        Message,
        consumer::{AckPolicy, DeliverPolicy, pull},
        message::StreamMessage,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use super::{
    ATTEMPT_TIME, Core, chance,
    follow::{HEARTBEAT, PULL_TIME, QUIET_TIME},
};
use crate::{
    Bucket, BucketError, BucketName, Deadline, Entry, Header, ReadError,
    resolve::{self, BatchOutcome, BucketAttempts, Outcome, until_answered},
    wire,
};

/// Marks a key that was removed.
const OPERATION: &str = "KV-Operation";

#[derive(Clone)]
pub(super) struct NatsBucket {
    core: Arc<Core>,
    name: BucketName,
    stream: String,
}

impl fmt::Debug for NatsBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBucket").field("name", &self.name).finish_non_exhaustive()
    }
}

fn is_marker(headers: &HeaderMap) -> bool {
    headers.get(OPERATION).is_some_and(|operation| matches!(operation.as_str(), "DEL" | "PURGE"))
}

impl From<ReadError> for BucketError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable | ReadError::TimedOut => Self::Unavailable,
            ReadError::Broken(text) => Self::Broken(text),
        }
    }
}

impl NatsBucket {
    pub(super) fn new(core: Arc<Core>, name: BucketName) -> Self {
        Self { core, name, stream: name.stream() }
    }

    fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    fn check(key: &str) -> Result<(), BucketError> {
        if resolve::is_key(key) { Ok(()) } else { Err(BucketError::BadKey) }
    }

    /// The newest message of a key, markers included.
    async fn newest(&self, key: &str, deadline: Deadline) -> Result<Option<StreamMessage>, ReadError> {
        let which = json!({"last_by_subj": self.subject(key)});
        until_answered(deadline, chance(), || async {
            Ok(self.core.message(&self.stream, &which, deadline).await?)
        })
        .await
    }

    async fn put(&self, key: &str, value: Bytes, expected: u64, deadline: Deadline) -> Outcome {
        let expected = Header { name: wire::EXPECTED_LAST.to_owned(), value: expected.to_string() };
        self.core.publish(&self.subject(key), vec![expected], value, deadline).await
    }

    /// Messages through a consumer of our own: the newest of each subject, and then what comes.
    async fn pull(&self, filter: String, headers_only: bool) -> Result<(pull::Stream, u64), ReadError> {
        let unavailable = || ReadError::Unavailable;
        if !self.core.connected() {
            return Err(unavailable());
        }
        let stream = self.core.context.get_stream_no_info(&self.stream).await.map_err(|_| unavailable())?;
        let consumer = stream.create_consumer(pull::Config {
            deliver_policy: DeliverPolicy::LastPerSubject,
            ack_policy: AckPolicy::None,
            filter_subject: filter,
            headers_only,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: Duration::from_secs(30),
            ..pull::Config::default()
        });
        let consumer = consumer.await.map_err(|_| unavailable())?;
        let waiting = consumer.cached_info().num_pending;
        let pull =
            consumer.stream().max_messages_per_batch(256).expires(PULL_TIME).heartbeat(HEARTBEAT).messages();
        Ok((pull.await.map_err(|_| unavailable())?, waiting))
    }

    async fn list(&self, prefix: &str, deadline: Deadline) -> Result<Vec<String>, ReadError> {
        // The consumer may live on a replica that lies behind; the leader says how far it must come.
        let end = self.core.stream_info(&self.stream, deadline).await?.state;
        let (mut messages, waiting) = self.pull(format!("$KV.{}.>", self.name), true).await?;
        let before = format!("$KV.{}.", self.name);
        let (mut keys, mut seen) = (Vec::new(), 0);
        for _ in 0..waiting {
            // One that is lost on its way does not come again: then the list is asked for again.
            let patience = deadline.min(Instant::now() + ATTEMPT_TIME);
            let message = timeout_at(patience, messages.next()).await.map_err(|_| ReadError::Unavailable)?;
            let Some(Ok(message)) = message else { return Err(ReadError::Unavailable) };
            let Ok(info) = message.info() else { return Err(ReadError::Unavailable) };
            seen = seen.max(info.stream_sequence);
            let key = message.subject.strip_prefix(before.as_str()).unwrap_or_default();
            if key.starts_with(prefix) && !message.headers.as_ref().is_some_and(is_marker) {
                keys.push(key.to_owned());
            }
        }
        if end.messages > 0 && seen < end.last_seq {
            return Err(ReadError::Unavailable);
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

#[async_trait]
impl BucketAttempts for NatsBucket {
    async fn attempt(&self, key: &str, value: Bytes, expected: u64, deadline: Deadline) -> Outcome {
        let outcome = self.put(key, value.clone(), expected, deadline).await;
        if outcome != Outcome::WrongLast || expected != 0 {
            return outcome;
        }
        // A key that was removed left a marker, and is free again.
        match self.newest(key, deadline).await {
            Ok(Some(marker)) if is_marker(&marker.headers) => {
                self.put(key, value, marker.sequence, deadline).await
            }
            Ok(_) => Outcome::WrongLast,
            Err(ReadError::Broken(text)) => Outcome::Refused(text),
            Err(_) => Outcome::NotTaken,
        }
    }

    async fn attempt_all(&self, entries: &[(String, Bytes)], deadline: Deadline) -> BatchOutcome {
        let messages = entries.iter().map(|(key, value)| {
            let expected = Header { name: wire::EXPECTED_LAST.to_owned(), value: 0.to_string() };
            (self.subject(key), vec![expected], value.clone())
        });
        self.core.publish_batch(messages.collect(), deadline).await
    }

    async fn read(&self, key: &str, deadline: Deadline) -> Result<Option<Entry>, BucketError> {
        let newest = self.newest(key, deadline).await?;
        Ok(newest.filter(|message| !is_marker(&message.headers)).map(|message| Entry {
            key: key.to_owned(),
            value: message.payload,
            revision: message.sequence,
        }))
    }

    fn jitter(&self) -> u32 {
        chance()
    }
}

#[async_trait]
impl Bucket for NatsBucket {
    fn name(&self) -> BucketName {
        self.name
    }

    async fn get(&self, key: &str, deadline: Deadline) -> Result<Option<Entry>, BucketError> {
        Self::check(key)?;
        self.read(key, deadline).await
    }

    async fn create(&self, key: &str, value: Bytes, deadline: Deadline) -> Result<u64, BucketError> {
        Self::check(key)?;
        resolve::write(self, key, value, 0, deadline).await
    }

    async fn create_all(&self, entries: Vec<(String, Bytes)>, deadline: Deadline) -> Result<(), BucketError> {
        entries.iter().try_for_each(|(key, _)| Self::check(key))?;
        resolve::write_all(self, entries, deadline).await
    }

    async fn update(
        &self,
        key: &str,
        value: Bytes,
        revision: u64,
        deadline: Deadline,
    ) -> Result<u64, BucketError> {
        Self::check(key)?;
        resolve::write(self, key, value, revision, deadline).await
    }

    async fn purge(&self, key: &str, deadline: Deadline) -> Result<(), BucketError> {
        Self::check(key)?;
        let mut unsettled = false;
        loop {
            let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
            // Rolls everything before it up: nothing but the marker stays. Repeating it changes nothing.
            let headers = vec![header(OPERATION, "PURGE"), header("Nats-Rollup", "sub")];
            match self.core.publish(&self.subject(key), headers, Bytes::new(), deadline).await {
                Outcome::Stored(_) | Outcome::Duplicate(_) => return Ok(()),
                Outcome::Ambiguous => unsettled = true,
                Outcome::NotTaken => {}
                other => return Err(BucketError::Broken(format!("{other:?}"))),
            }
            if Instant::now() + Duration::from_millis(100) >= deadline {
                return Err(if unsettled { BucketError::Unknown } else { BucketError::Unavailable });
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn keys(&self, prefix: &str, deadline: Deadline) -> Result<Vec<String>, BucketError> {
        Ok(until_answered(deadline, chance(), || self.list(prefix, deadline)).await?)
    }

    fn watch(&self, key: &str) -> BoxStream<'static, Option<Entry>> {
        if !resolve::is_key(key) {
            return stream::pending().boxed();
        }
        let watcher = Watcher {
            bucket: self.clone(),
            connections: self.core.connections.clone(),
            key: key.to_owned(),
            messages: None,
            told: None,
        };
        stream::unfold(watcher, |mut watcher| async move {
            let entry = watcher.next().await;
            Some((entry, watcher))
        })
        .boxed()
    }
}

struct Watcher {
    bucket: NatsBucket,
    connections: watch::Receiver<u64>,
    key: String,
    messages: Option<pull::Stream>,
    /// The revision that was told last, and whether it was a value.
    told: Option<(u64, bool)>,
}

impl Watcher {
    async fn next(&mut self) -> Option<Entry> {
        loop {
            let Some(messages) = self.messages.as_mut() else {
                self.connections.borrow_and_update();
                match self.bucket.pull(self.bucket.subject(&self.key), false).await {
                    Ok((messages, _)) => self.messages = Some(messages),
                    Err(_) => sleep(ATTEMPT_TIME / 8 + ATTEMPT_TIME * chance() / 8000).await,
                }
                continue;
            };
            // What is lost on its way does not come again: begin anew, with the newest value, after every new connection, and when
            // a look at the leader tells something else than what came.
            let message = tokio::select! {
                biased;
                _ = self.connections.changed() => None,
                message = messages.next() => message,
                () = sleep(QUIET_TIME) => {
                    let newest = self.bucket.newest(&self.key, Instant::now() + ATTEMPT_TIME).await;
                    let told = self.told.map_or(0, |(revision, _)| revision);
                    if newest.is_ok_and(|newest| newest.map_or(0, |message| message.sequence) == told) {
                        continue;
                    }
                    None
                }
            };
            let Some(Ok(message)) = message else {
                self.messages = None;
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            if let Some(told) = self.take(&message) {
                return told;
            }
        }
    }

    /// What a message tells that was not told before.
    #[expect(
        clippy::option_option,
        reason = "nothing to tell is something else than telling that there is nothing"
    )]
    fn take(&mut self, message: &Message) -> Option<Option<Entry>> {
        let revision = message.info().ok()?.stream_sequence;
        let removed = message.headers.as_ref().is_some_and(is_marker);
        let before = self.told.replace((revision, !removed));
        if before.is_some_and(|(told, _)| told == revision) {
            return None;
        }
        if !removed {
            let value = message.payload.clone();
            return Some(Some(Entry { key: self.key.clone(), value, revision }));
        }
        before.is_some_and(|(_, value)| value).then_some(None)
    }
}
