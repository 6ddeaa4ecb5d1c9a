//! What connects one process to the broker, and how the process dies: between any two waits for the broker.
//!
//! A process acts on the world only through the broker and through answers to its callers. So a process whose calls to the broker never
//! return again, and whose callers are told that the connection is gone, has been killed: in the middle of whatever it was doing, with
//! everything it knew lost. It can also be frozen (nothing returns for a while), or read its own stream late.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use voordeur_eventlog::{
    AppendError, Appended, Broker, Bucket, BucketError, BucketName, Commit, ConsumerName, Deadline, Delivery,
    Entry, EventLog, FollowError, Followed, Position, ReadError, Recorded, StreamName, Subject, Usage,
    Version, WakeupError, Wakeups, memory::MemoryBroker, topology, wakeup::Backlog,
};

#[derive(Debug, Default)]
struct State {
    frozen_until: Option<Instant>,
    late_until: Option<Instant>,
    /// Dies at the n-th call to the broker from now, before the broker hears of it or after it answered.
    dies: Option<(u64, bool)>,
    calls: u64,
}

#[derive(Debug, Default)]
struct Line {
    dead: CancellationToken,
    state: Mutex<State>,
}

/// The lifeline of one process. Clones are the same line.
#[derive(Debug, Clone, Default)]
pub struct Lifeline(Arc<Line>);

enum Fate {
    Lives,
    DiesBefore,
    DiesAfter,
}

impl Lifeline {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is it the line of the same process?
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Dies now.
    pub fn kill(&self) {
        self.0.dead.cancel();
    }

    /// Dies at the n-th call to the broker from now.
    pub fn kill_at(&self, calls: u64, after: bool) {
        self.state().dies = Some((calls, after));
    }

    /// Nothing returns for a while.
    pub fn freeze(&self, time: Duration) {
        self.state().frozen_until = Some(Instant::now() + time);
    }

    /// Streams that it follows come late for a while; everything else works.
    pub fn delay(&self, time: Duration) {
        self.state().late_until = Some(Instant::now() + time);
    }

    /// From now on nothing happens to it.
    pub fn spare(&self) {
        let mut state = self.state();
        (state.frozen_until, state.late_until, state.dies) = (None, None, None);
    }

    /// Is it dead?
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.0.dead.is_cancelled()
    }

    /// Neither dead nor frozen nor late.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let state = self.state();
        let over = |moment: Option<Instant>| moment.is_none_or(|moment| moment <= Instant::now());
        !self.is_dead() && over(state.frozen_until) && over(state.late_until)
    }

    /// Waits for its death.
    pub async fn death(&self) {
        self.0.dead.cancelled().await;
    }

    fn fate(&self) -> Fate {
        let mut state = self.state();
        state.calls += 1;
        match &mut state.dies {
            Some((0, true)) => Fate::DiesAfter,
            Some((0, false)) => Fate::DiesBefore,
            Some((left, _)) => {
                *left -= 1;
                Fate::Lives
            }
            None => Fate::Lives,
        }
    }

    async fn thaw(&self) {
        loop {
            let until = self.state().frozen_until;
            match until {
                Some(moment) if moment > Instant::now() => sleep_until(moment).await,
                _ => return,
            }
        }
    }

    /// A call to the broker. The dead wait for ever.
    async fn through<T>(&self, call: impl Future<Output = T>) -> T {
        let fate = self.fate();
        if matches!(fate, Fate::DiesBefore) {
            self.kill();
        }
        let answered = async {
            self.thaw().await;
            let answer = call.await;
            // The answer of a broker that it reached just before it was killed.
            if matches!(fate, Fate::DiesAfter) {
                self.kill();
            }
            self.thaw().await;
            answer
        };
        tokio::select! {
            biased;
            () = self.death() => std::future::pending().await,
            answer = answered => if self.is_dead() { std::future::pending().await } else { answer },
        }
    }

    /// A stream of the broker.
    fn stream<T: Send + 'static>(&self, items: BoxStream<'static, T>) -> BoxStream<'static, T> {
        stream::unfold((self.clone(), items), |(line, mut items)| async move {
            let next = async {
                let item = items.next().await;
                loop {
                    let late = line.state().late_until;
                    match late {
                        Some(moment) if moment > Instant::now() => sleep_until(moment).await,
                        _ => break,
                    }
                }
                line.thaw().await;
                item
            };
            let item = tokio::select! {
                biased;
                () = line.death() => std::future::pending().await,
                item = next => item?,
            };
            Some((item, (line, items)))
        })
        .boxed()
    }

    /// The broker as this process reaches it.
    #[must_use]
    pub fn broker(&self, broker: MemoryBroker) -> Arc<dyn Broker> {
        Arc::new(Reached { line: self.clone(), inner: broker })
    }
}

/// One port of the broker, at the end of a line.
struct Reached<T> {
    line: Lifeline,
    inner: T,
}

impl<T: fmt::Debug> fmt::Debug for Reached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Broker for Reached<MemoryBroker> {
    fn log(&self, stream: StreamName) -> Arc<dyn EventLog> {
        Arc::new(Reached { line: self.line.clone(), inner: self.inner.log(stream) })
    }

    fn wakeups(&self, consumer: ConsumerName) -> Arc<dyn Wakeups> {
        Arc::new(Reached { line: self.line.clone(), inner: self.inner.wakeups(consumer) })
    }

    fn bucket(&self, bucket: BucketName) -> Arc<dyn Bucket> {
        Arc::new(Reached { line: self.line.clone(), inner: self.inner.bucket(bucket) })
    }

    async fn verify(&self, deadline: Deadline) -> Result<(), topology::TopologyError> {
        self.line.through(self.inner.verify(deadline)).await
    }

    async fn apply(&self, deadline: Deadline) -> Result<Vec<topology::Change>, topology::TopologyError> {
        self.line.through(self.inner.apply(deadline)).await
    }

    fn connected(&self) -> bool {
        self.inner.connected()
    }
}

#[async_trait]
impl EventLog for Reached<Arc<dyn EventLog>> {
    fn stream(&self) -> StreamName {
        self.inner.stream()
    }

    async fn append(
        &self,
        subject: &Subject,
        expected: Version,
        commit: Commit,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        self.line.through(self.inner.append(subject, expected, commit, deadline)).await
    }

    async fn history(
        &self,
        subject: &Subject,
        at_least: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.line.through(self.inner.history(subject, at_least, deadline)).await
    }

    async fn last(&self, subject: &Subject, deadline: Deadline) -> Result<Option<Recorded>, ReadError> {
        self.line.through(self.inner.last(subject, deadline)).await
    }

    async fn end(&self, deadline: Deadline) -> Result<Position, ReadError> {
        self.line.through(self.inner.end(deadline)).await
    }

    async fn usage(&self, deadline: Deadline) -> Result<Usage, ReadError> {
        self.line.through(self.inner.usage(deadline)).await
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, FollowError>> {
        self.line.stream(self.inner.follow(after))
    }
}

#[async_trait]
impl Bucket for Reached<Arc<dyn Bucket>> {
    fn name(&self) -> BucketName {
        self.inner.name()
    }

    async fn get(&self, key: &str, deadline: Deadline) -> Result<Option<Entry>, BucketError> {
        self.line.through(self.inner.get(key, deadline)).await
    }

    async fn create(&self, key: &str, value: Bytes, deadline: Deadline) -> Result<u64, BucketError> {
        self.line.through(self.inner.create(key, value, deadline)).await
    }

    async fn create_all(&self, entries: Vec<(String, Bytes)>, deadline: Deadline) -> Result<(), BucketError> {
        self.line.through(self.inner.create_all(entries, deadline)).await
    }

    async fn update(
        &self,
        key: &str,
        value: Bytes,
        revision: u64,
        deadline: Deadline,
    ) -> Result<u64, BucketError> {
        self.line.through(self.inner.update(key, value, revision, deadline)).await
    }

    async fn purge(&self, key: &str, deadline: Deadline) -> Result<(), BucketError> {
        self.line.through(self.inner.purge(key, deadline)).await
    }

    async fn keys(&self, prefix: &str, deadline: Deadline) -> Result<Vec<String>, BucketError> {
        self.line.through(self.inner.keys(prefix, deadline)).await
    }

    fn watch(&self, key: &str) -> BoxStream<'static, Option<Entry>> {
        self.line.stream(self.inner.watch(key))
    }
}

#[async_trait]
impl Wakeups for Reached<Arc<dyn Wakeups>> {
    fn consumer(&self) -> ConsumerName {
        self.inner.consumer()
    }

    async fn next(&self, most: usize) -> Result<Vec<Box<dyn Delivery>>, WakeupError> {
        let deliveries = self.line.through(self.inner.next(most)).await?;
        let carry = |delivery| -> Box<dyn Delivery> {
            Box::new(Reached::<Box<dyn Delivery>> { line: self.line.clone(), inner: delivery })
        };
        Ok(deliveries.into_iter().map(carry).collect())
    }

    async fn backlog(&self, deadline: Deadline) -> Result<Backlog, WakeupError> {
        self.line.through(self.inner.backlog(deadline)).await
    }
}

#[async_trait]
impl Delivery for Reached<Box<dyn Delivery>> {
    fn message(&self) -> &Recorded {
        self.inner.message()
    }

    fn attempt(&self) -> u64 {
        self.inner.attempt()
    }

    async fn acknowledge(self: Box<Self>, deadline: Deadline) -> Result<(), WakeupError> {
        let Self { line, inner } = *self;
        line.through(inner.acknowledge(deadline)).await
    }

    async fn later(self: Box<Self>, delay: Duration) -> Result<(), WakeupError> {
        let Self { line, inner } = *self;
        line.through(inner.later(delay)).await
    }
}
