//! The twin of the broker in memory: the same ports, the same answers, the same troubles on request. Deterministic under a paused
//! clock and one thread; a seed decides every fault.
//!
//! A clone is the same broker in the same process; [`MemoryBroker::for_another_process`] is what a replica elsewhere has. What it does not have: authentication, and messages that
//! survive the process.

mod backup;
mod bucket;
mod faults;
mod log;
mod state;
mod wakeup;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use voordeur_kernel::{Clock, Timestamp};

pub use backup::{BucketBackup, StreamBackup};
pub use faults::Faults;

use crate::{
    Broker, Bucket, BucketName, ConsumerName, Deadline, EventLog, GroupFigures, GroupSettings, StreamName,
    Subject, Wakeups,
    group::{Lane, Lanes},
    shown::Shown,
    topology::{Change, Settings, TopologyError},
};
use faults::Dice;
use state::{State, Table};

/// Whose answers the twin gives, where one replica and three differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// One replica: the expected version is compared before the commit id.
    #[default]
    Single,
    /// Three replicas: the commit id is recognised first.
    Replicated,
}

/// A broker in memory.
#[derive(Clone)]
pub struct MemoryBroker {
    inner: Arc<Inner>,
    /// The group committers of one process.
    lanes: Arc<Lanes>,
}

struct Inner {
    settings: Settings,
    flavour: Flavour,
    clock: Option<Arc<dyn Clock>>,
    started: tokio::time::Instant,
    state: Mutex<State>,
    /// Counts changes, to wake whoever waits.
    changes: Shown<u64>,
}

impl fmt::Debug for MemoryBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBroker").field("flavour", &self.inner.flavour).finish_non_exhaustive()
    }
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new()
    }
}

/// How to make a [`MemoryBroker`] that differs from the default.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Settings of the topology.
    pub settings: Settings,
    /// Whose answers it gives.
    pub flavour: Flavour,
    /// What goes wrong.
    pub faults: Faults,
    /// Tells when messages are stored. Without one: 2026-01-05T08:00:00Z plus what the runtime's clock has run.
    pub clock: Option<Arc<dyn Clock>>,
    /// Start without streams, consumers and buckets.
    pub empty: bool,
    /// When appends share a write.
    pub group: GroupSettings,
}

/// 2026-01-05T08:00:00Z, a Monday morning.
const FIRST_MOMENT: i64 = 1_767_600_000;

impl MemoryBroker {
    /// A broker without faults, with the topology in place. Needs a running tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// A broker with faults, with the topology in place.
    #[must_use]
    pub fn with_faults(faults: Faults) -> Self {
        Self::with_options(Options { faults, ..Options::default() })
    }

    /// A broker to measure.
    #[must_use]
    pub fn with_options(options: Options) -> Self {
        let state = State::new(options.faults);
        let inner = Arc::new(Inner {
            settings: options.settings,
            flavour: options.flavour,
            clock: options.clock,
            started: tokio::time::Instant::now(),
            state: Mutex::new(state),
            changes: Shown::new(0),
        });
        let broker = Self { inner, lanes: Arc::new(Lanes::new(options.group)) };
        if !options.empty {
            let now = broker.inner.now();
            broker.inner.lock().apply(&broker.inner.settings, now);
        }
        broker
    }

    /// The same broker, as another process has it: with group committers of its own.
    #[must_use]
    pub fn for_another_process(&self) -> Self {
        let lanes = Arc::new(Lanes::new(self.lanes.settings().clone()));
        Self { inner: Arc::clone(&self.inner), lanes }
    }

    /// The group committer of a stream.
    pub(crate) fn lane(&self, stream: StreamName) -> Lane {
        self.lanes.lane(stream, || Arc::new(log::Single::new(Arc::clone(&self.inner), stream)))
    }

    /// Cuts or restores the connection of everybody. While it is cut nothing is taken in and nothing is delivered.
    pub fn set_available(&self, available: bool) {
        self.inner.change(|state| state.available = available);
    }

    /// From now on other faults; the dice go on.
    pub fn set_faults(&self, faults: Faults) {
        self.inner.change(|state| state.faults = faults);
    }

    /// The next attempts are stored, but their acknowledgements are lost.
    pub fn lose_acknowledgements(&self, count: u32) {
        self.inner.change(|state| state.lose_next = count);
    }

    /// Changes the bound of a stream.
    pub fn limit(&self, stream: StreamName, bytes_max: u64) {
        self.inner.change(|state| {
            if let Some(table) = state.streams.get_mut(&stream) {
                table.bytes_max = bytes_max;
            }
        });
    }

    /// Deletes a stream with everything in it.
    pub fn delete(&self, stream: StreamName) {
        self.inner.change(|state| state.streams.remove(&stream));
    }

    /// Deletes a durable consumer.
    pub fn delete_consumer(&self, consumer: ConsumerName) {
        self.inner.change(|state| state.consumers.remove(&consumer));
    }

    /// Deletes a stream and makes it again: another incarnation.
    pub fn recreate(&self, stream: StreamName) {
        let now = self.inner.now();
        let settings = self.inner.settings.clone();
        self.inner.change(|state| {
            state.streams.remove(&stream);
            state.apply(&settings, now);
        });
    }

    /// Loses every message after a sequence, as a broken disk would.
    pub fn truncate(&self, stream: StreamName, end: u64) {
        self.inner.change(|state| state.streams.get_mut(&stream).map(|table| table.truncate(end)));
    }

    /// Loses one message, as a broken disk would.
    pub fn lose(&self, stream: StreamName, sequence: u64) {
        self.inner.change(|state| state.streams.get_mut(&stream).map(|table| table.remove(sequence)));
    }

    /// Every message of a stream, for assertions.
    #[must_use]
    pub fn messages(&self, stream: StreamName) -> Vec<crate::Recorded> {
        self.inner.lock().streams.get(&stream).map(Table::messages).unwrap_or_default()
    }

    /// The messages of a stream after a sequence, for checks that go on where they were.
    #[must_use]
    pub fn messages_after(&self, stream: StreamName, after: u64) -> Vec<crate::Recorded> {
        let state = self.inner.lock();
        let table = state.streams.get(&stream).filter(|table| table.last_sequence > after);
        table
            .map(|table| table.messages.range(after + 1..).map(|(_, m)| m.clone()).collect())
            .unwrap_or_default()
    }

    /// The subjects that a stream holds, in order.
    #[must_use]
    pub fn subjects(&self, stream: StreamName) -> Vec<Subject> {
        self.inner.lock().streams.get(&stream).map(Table::subjects).unwrap_or_default()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of a test elsewhere must not hide behind this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changes.change(|count| {
            *count += 1;
            true
        });
        result
    }

    /// How many changes there were. Whoever looks takes the count first, and then waits for another one.
    fn count(&self) -> u64 {
        self.changes.look(|count| *count)
    }

    /// Waits for a change after those that were counted.
    async fn changed(&self, counted: u64) {
        self.changes.until(|count| (*count != counted).then_some(())).await;
    }

    fn now(&self) -> Timestamp {
        if let Some(clock) = &self.clock {
            return clock.now();
        }
        let elapsed = i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let first = Timestamp::from_second(FIRST_MOMENT).unwrap_or_default();
        first.checked_add(jiff::SignedDuration::from_nanos(elapsed)).unwrap_or(first)
    }

    fn with_dice<R>(&self, throw: impl FnOnce(&mut Dice, &Faults) -> R) -> R {
        let state = &mut *self.lock();
        throw(&mut state.dice, &state.faults)
    }

    /// A moment of trouble: is the broker away, or does chance say so?
    fn refuses(&self) -> bool {
        let state = &mut *self.lock();
        !state.available || state.dice.chance(state.faults.unavailable)
    }
}

/// How long a lost request or answer is waited for.
const LOST_AFTER: Duration = Duration::from_millis(100);

#[async_trait]
impl Broker for MemoryBroker {
    fn log(&self, stream: StreamName) -> Arc<dyn EventLog> {
        Arc::new(log::MemoryLog::new(log::Single::new(Arc::clone(&self.inner), stream), self.lane(stream)))
    }

    fn wakeups(&self, consumer: ConsumerName) -> Arc<dyn Wakeups> {
        Arc::new(wakeup::MemoryWakeups::new(Arc::clone(&self.inner), consumer))
    }

    fn bucket(&self, bucket: BucketName) -> Arc<dyn Bucket> {
        Arc::new(bucket::MemoryBucket::new(Arc::clone(&self.inner), bucket))
    }

    async fn verify(&self, _deadline: Deadline) -> Result<(), TopologyError> {
        let state = self.inner.lock();
        if !state.available {
            return Err(TopologyError::Unavailable("the broker is away".to_owned()));
        }
        let differences = state.differences(&self.inner.settings);
        if differences.is_empty() { Ok(()) } else { Err(TopologyError::Differs(differences)) }
    }

    async fn apply(&self, _deadline: Deadline) -> Result<Vec<Change>, TopologyError> {
        let now = self.inner.now();
        if !self.inner.lock().available {
            return Err(TopologyError::Unavailable("the broker is away".to_owned()));
        }
        Ok(self.inner.change(|state| state.apply(&self.inner.settings, now)))
    }

    fn connected(&self) -> bool {
        self.inner.lock().available
    }

    fn group_figures(&self) -> Vec<(StreamName, GroupFigures)> {
        self.lanes.figures()
    }
}
