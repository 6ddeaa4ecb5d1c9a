//! Group commit: many appends that wait at the same time become one write of the broker, behind the same [`crate::EventLog::append`].
//!
//! A broker of one replica that syncs before it acknowledges does one sync for each publish, however many wait. A batch that it takes in as
//! a whole (all or nothing) costs a handful of syncs, so it pays from about a dozen members:
//! - a lone append goes out at once as a plain publish, and so do a few side by side;
//! - what arrives beyond that waits, and leaves as a batch together with whatever else waits by then;
//! - an urgent commit never waits for others; it goes out at once, alone.
//!
//! This sits below the routine that turns single attempts into one answer that can be relied on: what is grouped are attempts. So a
//! batch in doubt is in doubt for each member, and each of them is resolved by looking, as a plain publish would be. A batch
//! that is refused because of one member is halved until what is left goes alone.
//!
//! Nothing here hangs on a caller that stays: who goes away before its turn is taken out of the queue, and who goes away later leaves a
//! batch that runs on without it.

#[cfg(test)]
mod answers;
mod queue;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::yield_now,
    time::{Instant, timeout_at},
};

use crate::{
    Commit, Deadline, ReadError, Recorded, StreamName, Subject, Version,
    resolve::{Attempts, BatchOutcome, Member, Outcome},
};
use queue::{Joined, Queue, Step, Waiting};

/// When appends are grouped, and how many may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// Off: every append is a publish of its own, however many there are.
    pub enabled: bool,
    /// Plain publishes that may be under way at the same time; more wait for a batch.
    pub side_by_side: usize,
    /// So many must wait before a batch is made of them: below this, publishes of their own are faster.
    pub batch_from: usize,
    /// Batches that may be under way at the same time. The broker allows 50 for a stream, of all processes together.
    pub batches_max: usize,
    /// Most members of a batch. The broker takes 1,000.
    pub members_max: usize,
    /// Most bytes of a batch: what is urgent stands behind it on the connection.
    pub bytes_max: usize,
    /// Most appends that may wait; another is turned away as [`crate::AppendError::Busy`].
    pub waiting_max: usize,
    /// Most bytes that may wait.
    pub waiting_bytes_max: usize,
}

impl Default for GroupSettings {
    /// For streams of one replica.
    fn default() -> Self {
        Self {
            enabled: true,
            side_by_side: 8,
            batch_from: 12,
            batches_max: 2,
            members_max: 500,
            bytes_max: 1 << 20,
            waiting_max: 10_000,
            waiting_bytes_max: 32 << 20,
        }
    }
}

impl GroupSettings {
    /// For streams of so many replicas.
    #[must_use]
    pub fn for_replicas(replicas: usize) -> Self {
        let one = Self::default();
        // Replicas sync their shared log, not each message, and keep a batch in memory until it is complete: it pays earlier, and
        // appends that wait behind others that are under way cost more than they spare.
        if replicas > 1 { Self { batch_from: 4, ..one } } else { one }
    }

    /// Every append is a publish of its own.
    #[must_use]
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }
}

/// What the group committer of one stream did since the process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupFigures {
    /// Plain publishes, urgent ones not counted.
    pub plain: u64,
    /// Publishes that went out at once because they were urgent.
    pub urgent: u64,
    /// Batches that were stored.
    pub batches: u64,
    /// Commits in them.
    pub members: u64,
    /// Batches that were refused, mostly because of one member.
    pub refused: u64,
    /// Batches whose outcome was in doubt.
    pub in_doubt: u64,
    /// Appends that were turned away because too many waited.
    pub turned_away: u64,
    /// Appends that wait at this moment.
    pub waiting: u64,
}

#[derive(Default)]
struct Counters {
    plain: AtomicU64,
    urgent: AtomicU64,
    batches: AtomicU64,
    members: AtomicU64,
    refused: AtomicU64,
    in_doubt: AtomicU64,
    turned_away: AtomicU64,
}

fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// The group committers of one process at one broker, one for each stream.
pub(crate) struct Lanes {
    settings: GroupSettings,
    all: Mutex<BTreeMap<StreamName, Lane>>,
}

impl Lanes {
    pub(crate) const fn new(settings: GroupSettings) -> Self {
        Self { settings, all: Mutex::new(BTreeMap::new()) }
    }

    /// The one of a stream.
    pub(crate) fn lane(&self, stream: StreamName, attempts: impl FnOnce() -> Arc<dyn Attempts>) -> Lane {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(stream).or_insert_with(|| Lane::new(self.settings.clone(), attempts())).clone()
    }

    pub(crate) fn figures(&self) -> Vec<(StreamName, GroupFigures)> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(stream, lane)| (*stream, lane.figures())).collect()
    }

    pub(crate) fn settings(&self) -> &GroupSettings {
        &self.settings
    }
}

/// Attempts that are grouped where that is faster. A clone is the same committer.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Shared>);

struct Shared {
    settings: GroupSettings,
    attempts: Arc<dyn Attempts>,
    queue: Mutex<Queue>,
    counters: Counters,
    /// The broker takes no batches: its stream was made without them.
    no_batches: AtomicBool,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("stream", &self.0.attempts.stream()).finish_non_exhaustive()
    }
}

/// What a waiting append is told.
enum Turn {
    /// Go out alone, now.
    Alone(Place),
    /// A batch with it in it went out, and this came of it.
    Settled(Outcome),
}

/// The place of an append that is under way. Until it is dropped nothing else on this subject goes out.
struct Place {
    shared: Arc<Shared>,
    subject: Subject,
    /// It counts among the plain publishes.
    plain: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.queue().leave(&self.subject, self.plain);
        self.shared.go_on();
    }
}

/// The place of a batch that is under way.
struct BatchPlace {
    shared: Arc<Shared>,
    /// It has left, with its members.
    left: bool,
}

impl Drop for BatchPlace {
    fn drop(&mut self) {
        self.shared.queue().batch_ended(!self.left);
        if self.left {
            self.shared.go_on();
        } else {
            // The runtime dropped it before it ever ran: another one would fare the same.
            self.shared.abandon();
        }
    }
}

/// An append in the queue; it leaves the queue with its caller.
struct Ticket {
    shared: Arc<Shared>,
    number: u64,
    turn: oneshot::Receiver<Turn>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.shared.queue().withdraw(self.number) {
            self.shared.go_on();
        }
    }
}

impl Ticket {
    /// Waits for its turn, at most until the deadline.
    async fn turn(mut self, deadline: Deadline) -> Turn {
        match timeout_at(deadline, &mut self.turn).await {
            Ok(Ok(turn)) => turn,
            // The batch was dropped with the runtime: nobody can tell.
            Ok(Err(_)) => Turn::Settled(Outcome::Ambiguous),
            Err(_) => {
                if self.shared.queue().withdraw(self.number) {
                    self.shared.go_on();
                    return Turn::Settled(Outcome::NotTaken);
                }
                match self.turn.try_recv() {
                    Ok(Turn::Settled(outcome)) => Turn::Settled(outcome),
                    // Its turn came with the deadline: it did not go out.
                    Ok(Turn::Alone(_)) => Turn::Settled(Outcome::NotTaken),
                    Err(_) => Turn::Settled(Outcome::Ambiguous),
                }
            }
        }
    }
}

/// A member of a batch that is under way.
struct Passenger {
    member: Member,
    turn: oneshot::Sender<Turn>,
    place: Place,
}

impl Passenger {
    fn settle(self, outcome: Outcome) {
        // Free before the caller hears of it, so that what it appends next finds the way clear.
        drop(self.place);
        // Whoever does not wait any more was not promised anything.
        let _ = self.turn.send(Turn::Settled(outcome));
    }

    fn go_alone(mut self) {
        self.place.plain = true;
        self.place.shared.queue().one_more_plain();
        let _ = self.turn.send(Turn::Alone(self.place));
    }
}

/// So often the turn is passed on before a batch leaves, so that those who were just answered can come along with their next append.
const GATHERING_ROUNDS: usize = 8;
/// After so many refusals what is refused is not halved any more: too many of its members are at fault.
const REFUSALS_MAX: usize = 8;

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets out what may go. Called after everything that frees a place.
    fn go_on(self: &Arc<Self>) {
        loop {
            let step = self.queue().next_step(!self.no_batches.load(Ordering::Relaxed));
            match step {
                Step::Nothing => return,
                Step::Plain(Waiting { member, turn, .. }) => {
                    let place = Place { shared: Arc::clone(self), subject: member.subject, plain: true };
                    // When its caller went away this very moment, the place is free again.
                    let _ = turn.send(Turn::Alone(place));
                }
                Step::Batch => {
                    let place = BatchPlace { shared: Arc::clone(self), left: false };
                    // Outside a runtime there is nobody to run it; dropping it tells those who wait.
                    let Ok(runtime) = Handle::try_current() else { return };
                    runtime.spawn(Self::batch(place));
                }
            }
        }
    }

    /// Sends everybody away who may leave: nothing can go out from here. They may try again.
    fn abandon(&self) {
        let waiting = self.queue().abandon();
        for Waiting { turn, .. } in waiting {
            let _ = turn.send(Turn::Settled(Outcome::NotTaken));
        }
    }

    async fn batch(mut place: BatchPlace) {
        let shared = Arc::clone(&place.shared);
        let mut seen = 0;
        for _ in 0..GATHERING_ROUNDS {
            let ready = shared.queue().ready();
            if ready == seen || ready >= shared.settings.members_max {
                break;
            }
            seen = ready;
            yield_now().await;
        }
        let boarded = shared.queue().board();
        place.left = true;
        let passengers: Vec<Passenger> = boarded
            .into_iter()
            .map(|Waiting { member, turn, .. }| {
                let subject = member.subject.clone();
                Passenger {
                    member,
                    turn,
                    place: Place { shared: Arc::clone(&shared), subject, plain: false },
                }
            })
            .collect();
        // They may all have gone away meanwhile.
        if !passengers.is_empty() {
            shared.send(passengers).await;
        }
    }

    /// Sends a batch, and parts of it where it is refused.
    async fn send(&self, passengers: Vec<Passenger>) {
        let mut refusals = 0;
        let mut parts = vec![passengers];
        while let Some(mut part) = parts.pop() {
            let members: Vec<&Member> = part.iter().map(|passenger| &passenger.member).collect();
            let deadline = members.iter().map(|member| member.deadline).max().unwrap_or_else(Instant::now);
            let count_of_part = members.len();
            let outcome = if refusals > 0 && count_of_part < self.settings.batch_from.max(2) {
                None
            } else {
                Some(self.attempts.attempt_batch(&members, deadline).await)
            };
            match outcome {
                Some(BatchOutcome::Stored { first }) => {
                    count(&self.counters.batches, 1);
                    count(&self.counters.members, count_of_part);
                    for (passenger, sequence) in part.into_iter().zip(first..) {
                        passenger.settle(Outcome::Stored(sequence));
                    }
                }
                Some(BatchOutcome::NotTaken) => {
                    part.into_iter().for_each(|passenger| passenger.settle(Outcome::NotTaken));
                }
                Some(BatchOutcome::Ambiguous) => {
                    count(&self.counters.in_doubt, 1);
                    part.into_iter().for_each(|passenger| passenger.settle(Outcome::Ambiguous));
                }
                Some(BatchOutcome::Refused(refusal)) => {
                    count(&self.counters.refused, 1);
                    refusals += 1;
                    if refusal.is_for_ever() && !self.no_batches.swap(true, Ordering::Relaxed) {
                        tracing::warn!(
                            stream = %self.attempts.stream(),
                            "the broker takes no batches on this stream, so appends go out one by one; run `voordeur streams apply`"
                        );
                    }
                    if refusal.is_because_of_a_member()
                        && refusals < REFUSALS_MAX
                        && count_of_part >= self.settings.batch_from.max(2)
                    {
                        let rest = part.split_off(count_of_part / 2);
                        parts.push(rest);
                        parts.push(part);
                    } else {
                        part.into_iter().for_each(Passenger::go_alone);
                    }
                }
                None => part.into_iter().for_each(Passenger::go_alone),
            }
        }
    }
}

impl Lane {
    pub(crate) fn new(settings: GroupSettings, attempts: Arc<dyn Attempts>) -> Self {
        Self(Arc::new(Shared {
            queue: Mutex::new(Queue::new(settings.clone())),
            settings,
            attempts,
            counters: Counters::default(),
            no_batches: AtomicBool::new(false),
        }))
    }

    pub(crate) fn figures(&self) -> GroupFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.0.counters;
        GroupFigures {
            plain: read(&counters.plain),
            urgent: read(&counters.urgent),
            batches: read(&counters.batches),
            members: read(&counters.members),
            refused: read(&counters.refused),
            in_doubt: read(&counters.in_doubt),
            turned_away: read(&counters.turned_away),
            waiting: u64::try_from(self.0.queue().waiting()).unwrap_or(u64::MAX),
        }
    }

    /// Its turn, or why there is none.
    async fn turn(&self, subject: &Subject, expected: Version, commit: &Commit, deadline: Deadline) -> Turn {
        let shared = &self.0;
        let ticket = {
            let mut queue = shared.queue();
            if queue.enter_at_once(subject) {
                let (shared, subject) = (Arc::clone(shared), subject.clone());
                return Turn::Alone(Place { shared, subject, plain: true });
            }
            let member = Member { subject: subject.clone(), expected, commit: commit.clone(), deadline };
            let (sender, turn) = oneshot::channel();
            match queue.join(member, sender) {
                Joined::Waits(number) => Ticket { shared: Arc::clone(shared), number, turn },
                Joined::TooMany => {
                    count(&shared.counters.turned_away, 1);
                    return Turn::Settled(Outcome::Busy);
                }
            }
        };
        // Perhaps it makes a batch full enough to leave.
        shared.go_on();
        ticket.turn(deadline).await
    }
}

#[async_trait]
impl Attempts for Lane {
    fn stream(&self) -> StreamName {
        self.0.attempts.stream()
    }

    fn payload_bytes_max(&self) -> usize {
        self.0.attempts.payload_bytes_max()
    }

    async fn attempt(
        &self,
        subject: &Subject,
        expected: Version,
        commit: &Commit,
        deadline: Deadline,
    ) -> Outcome {
        let shared = &self.0;
        if !shared.settings.enabled || commit.urgent {
            count(if commit.urgent { &shared.counters.urgent } else { &shared.counters.plain }, 1);
            return shared.attempts.attempt(subject, expected, commit, deadline).await;
        }
        match self.turn(subject, expected, commit, deadline).await {
            Turn::Alone(_place) => {
                count(&shared.counters.plain, 1);
                shared.attempts.attempt(subject, expected, commit, deadline).await
            }
            Turn::Settled(outcome) => outcome,
        }
    }

    async fn attempt_batch(&self, members: &[&Member], deadline: Deadline) -> BatchOutcome {
        self.0.attempts.attempt_batch(members, deadline).await
    }

    async fn history_from(
        &self,
        subject: &Subject,
        from: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.0.attempts.history_from(subject, from, deadline).await
    }

    async fn message_at(&self, sequence: u64, deadline: Deadline) -> Result<Option<Recorded>, ReadError> {
        self.0.attempts.message_at(sequence, deadline).await
    }

    async fn incarnation(&self, deadline: Deadline) -> Result<Arc<str>, ReadError> {
        self.0.attempts.incarnation(deadline).await
    }

    fn jitter(&self) -> u32 {
        self.0.attempts.jitter()
    }
}
