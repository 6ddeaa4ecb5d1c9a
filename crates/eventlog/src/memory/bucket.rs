//! A bucket in memory.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::sleep;

use super::{Inner, LOST_AFTER, state::Values};
use crate::{
    Bucket, BucketError, BucketName, Deadline, Entry, ReadError,
    resolve::{self, BatchOutcome, BucketAttempts, Outcome},
};

pub(super) struct MemoryBucket {
    inner: Arc<Inner>,
    name: BucketName,
}

impl fmt::Debug for MemoryBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBucket").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What became of one write.
enum Fate<T> {
    Answered(T),
    NotTaken,
    Unanswered,
}

impl MemoryBucket {
    pub(super) const fn new(inner: Arc<Inner>, name: BucketName) -> Self {
        Self { inner, name }
    }

    async fn read_values<T>(
        &self,
        deadline: Deadline,
        read: impl Fn(&Values) -> T,
    ) -> Result<T, BucketError> {
        let jitter = self.jitter();
        let answer = resolve::until_answered(deadline, jitter, || {
            let result = if self.inner.refuses() {
                Err(ReadError::Unavailable)
            } else {
                let state = self.inner.lock();
                let missing = format!("bucket {} is missing; run `voordeur streams apply`", self.name);
                state.buckets.get(&self.name).map(&read).ok_or(ReadError::Broken(missing))
            };
            async move { result }
        });
        answer.await.map_err(|error| match error {
            ReadError::Unavailable | ReadError::TimedOut => BucketError::Unavailable,
            ReadError::Broken(text) => BucketError::Broken(text),
        })
    }

    /// What becomes of a write in the troubles of this moment.
    async fn troubled<T>(&self, write: impl FnOnce() -> T + Send) -> Fate<T> {
        tokio::task::yield_now().await;
        if self.inner.refuses() {
            return Fate::NotTaken;
        }
        let (lost, unanswered) = self.inner.with_dice(|dice, faults| {
            (dice.chance(faults.lost_requests), dice.chance(faults.lost_acknowledgements))
        });
        let outcome = if lost { None } else { Some(write()) };
        match outcome {
            Some(outcome) if !unanswered => Fate::Answered(outcome),
            _ => {
                drop(outcome);
                sleep(LOST_AFTER).await;
                Fate::Unanswered
            }
        }
    }

    fn put(&self, key: &str, value: Bytes, expected: u64) -> Outcome {
        self.inner.change(|state| match state.buckets.get_mut(&self.name) {
            Some(values) => values.put(key, value, expected),
            None => Outcome::NotTaken,
        })
    }

    fn check(key: &str) -> Result<(), BucketError> {
        if resolve::is_key(key) { Ok(()) } else { Err(BucketError::BadKey) }
    }
}

#[async_trait]
impl BucketAttempts for MemoryBucket {
    async fn attempt(&self, key: &str, value: Bytes, expected: u64, _: Deadline) -> Outcome {
        match self.troubled(|| self.put(key, value, expected)).await {
            Fate::Answered(outcome) => outcome,
            Fate::NotTaken => Outcome::NotTaken,
            Fate::Unanswered => Outcome::Ambiguous,
        }
    }

    async fn attempt_all(&self, entries: &[(String, Bytes)], _: Deadline) -> BatchOutcome {
        let put_all = || {
            self.inner.change(|state| match state.buckets.get_mut(&self.name) {
                Some(values) => values.put_all(entries),
                None => BatchOutcome::NotTaken,
            })
        };
        match self.troubled(put_all).await {
            Fate::Answered(outcome) => outcome,
            Fate::NotTaken => BatchOutcome::NotTaken,
            Fate::Unanswered => BatchOutcome::Ambiguous,
        }
    }

    async fn read(&self, key: &str, deadline: Deadline) -> Result<Option<Entry>, BucketError> {
        self.read_values(deadline, |values| values.get(key)).await
    }

    fn jitter(&self) -> u32 {
        self.inner.with_dice(|dice, _| dice.thousandth())
    }
}

#[async_trait]
impl Bucket for MemoryBucket {
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
        // Waits for a moment at which the broker answers; removing twice is no different.
        self.read_values(deadline, |_| ()).await?;
        self.inner.change(|state| {
            if let Some(values) = state.buckets.get_mut(&self.name) {
                values.entries.remove(key);
            }
        });
        Ok(())
    }

    async fn keys(&self, prefix: &str, deadline: Deadline) -> Result<Vec<String>, BucketError> {
        self.read_values(deadline, |values| {
            values.entries.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
        })
        .await
    }

    fn watch(&self, key: &str) -> BoxStream<'static, Option<Entry>> {
        let start = (Arc::clone(&self.inner), self.name, key.to_owned(), None::<u64>);
        stream::unfold(start, |(inner, name, key, mut told)| async move {
            loop {
                let counted = inner.count();
                let now = {
                    let state = inner.lock();
                    state.available.then(|| state.buckets.get(&name).and_then(|values| values.get(&key)))
                };
                match now {
                    Some(Some(entry)) if told != Some(entry.revision) => {
                        told = Some(entry.revision);
                        return Some((Some(entry), (inner, name, key, told)));
                    }
                    Some(None) if told.is_some() => return Some((None, (inner, name, key, None))),
                    _ => inner.changed(counted).await,
                }
            }
        })
        .boxed()
    }
}
