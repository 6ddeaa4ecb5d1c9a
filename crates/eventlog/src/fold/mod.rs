//! State in memory: a fold over one whole stream, fenced by compare-and-set.
//!
//! Every replica of a service follows its own stream from the first message and keeps the open histories. A command is decided on
//! that state and appended with the version it was decided on; somebody else's append in between is a conflict, and then we catch up
//! and decide again. So nothing here has to be right about being alone.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use futures_util::StreamExt as _;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use voordeur_kernel::limits;

use crate::{
    AppendError, Commit, Deadline, EventLog, FollowError, Followed, Position, Recorded, Subject, Version,
    shown::Shown,
};

mod from_log;
mod key;
mod outcome;
#[cfg(test)]
mod tests;

use key::{Histories, Key};
pub use outcome::{Change, Digest, ExecuteError, Executed, Expect, FoldError, Held, Unreadable};

/// What a service keeps of its own stream.
pub trait Machine: Send + Sync + 'static {
    /// State of one history.
    type State: Clone + Hash + Send + Sync + 'static;
    /// Whatever has to be found quickly: by centre, by holder, by due moment.
    type Index: Default + Send + Sync + 'static;

    /// Is this history one of this machine? Streams hold histories of several kinds, and a service may fold them apart; what is not
    /// concerned only moves the position.
    fn concerns(subject: &Subject) -> bool {
        let _ = subject;
        true
    }

    /// Takes in one recorded event. Total for events that can be read: the past cannot be refused.
    ///
    /// # Errors
    /// When the event cannot be read; the history then freezes in this replica.
    fn evolve(state: Option<Self::State>, message: &Recorded) -> Result<Self::State, Unreadable>;

    /// Is this history closed, so that it need not stay in memory?
    fn leaves_memory(state: &Self::State) -> bool;

    /// Keeps the index: `before` is what stood there, `after` what stands there now (`None` when it froze). A closed history comes here
    /// once, with its closed state as `after`, and leaves memory after that.
    fn index(
        index: &mut Self::Index,
        subject: &Subject,
        before: Option<&Self::State>,
        after: Option<&Self::State>,
    );
}

struct Inner<M: Machine> {
    histories: Histories<M::State>,
    frozen: HashMap<Subject, String>,
    index: M::Index,
}

/// What is known of one subject beside the fold: whose turn it is, and a version that is ahead of the fold.
struct Turn<S> {
    gate: Arc<tokio::sync::Mutex<()>>,
    ahead: Option<Held<S>>,
}

/// A place in the row for one history.
struct Place<'a, M: Machine> {
    fold: &'a Fold<M>,
    subject: &'a Subject,
    gate: Option<Arc<tokio::sync::Mutex<()>>>,
}

impl<M: Machine> Drop for Place<'_, M> {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            self.fold.leave(self.subject, gate);
        }
    }
}

/// The fold of one stream. See the module.
pub struct Fold<M: Machine> {
    log: Arc<dyn EventLog>,
    inner: RwLock<Inner<M>>,
    turns: Mutex<HashMap<Subject, Turn<M::State>>>,
    position: Shown<Option<Position>>,
    ready: Shown<bool>,
    changes: broadcast::Sender<Change<M::State>>,
}

impl<M: Machine> std::fmt::Debug for Fold<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fold").field("stream", &self.log.stream()).finish_non_exhaustive()
    }
}

impl<M: Machine> Fold<M> {
    /// A fold that has read nothing yet; [`Fold::run`] makes it read.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self {
            log,
            inner: RwLock::new(Inner {
                histories: Histories::new(),
                frozen: HashMap::new(),
                index: M::Index::default(),
            }),
            turns: Mutex::default(),
            position: Shown::new(None),
            ready: Shown::new(false),
            changes: broadcast::Sender::new(limits::WATCH_BACKLOG_MAX),
        })
    }

    /// Reads the stream until it is told to stop.
    ///
    /// # Errors
    /// When the stream lost messages or is another one: the process must stop, with an alarm.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), FollowError> {
        let mut stream = self.log.follow(None);
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                next = stream.next() => next,
            };
            match next {
                Some(Ok(Followed::Message(message))) => {
                    self.take_in(message).await.map_err(|error| self.stopped(error))?;
                }
                Some(Ok(Followed::CaughtUp(position))) => {
                    self.reach(position);
                    self.ready.change(|ready| !std::mem::replace(ready, true));
                }
                Some(Err(error)) => return Err(self.stopped(error)),
                None => return Ok(()),
            }
        }
    }

    /// Until the process has ended, nothing more is decided on what may never have been.
    fn stopped(&self, error: FollowError) -> FollowError {
        self.ready.change(|ready| std::mem::replace(ready, false));
        error
    }

    /// Which stream.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Waits until the whole stream has been read once.
    pub async fn ready(&self) {
        self.ready.until(|ready| ready.then_some(())).await;
    }

    /// Has the whole stream been read once?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.look(|ready| *ready)
    }

    /// How far it has read; `None` before the first word of the broker.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position.look(Option::clone)
    }

    /// Waits until a position has been read.
    ///
    /// # Errors
    /// When the deadline passes first or the position is of another stream or another life of it.
    pub async fn reached(&self, wanted: &Position, deadline: Deadline) -> Result<(), FoldError> {
        if wanted.stream != self.log.stream() {
            return Err(FoldError::ForeignPosition);
        }
        let seen = self.position.until(|now| {
            let now = now.as_ref()?;
            let foreign = now.incarnation != wanted.incarnation;
            (foreign || now.sequence >= wanted.sequence).then_some(foreign)
        });
        match tokio::time::timeout_at(deadline, seen).await {
            Err(_) => Err(FoldError::TimedOut),
            Ok(true) => Err(FoldError::ForeignPosition),
            Ok(false) => Ok(()),
        }
    }

    /// A history that is in memory.
    ///
    /// # Errors
    /// When it is frozen.
    pub fn get(&self, subject: &Subject) -> Result<Option<Held<M::State>>, FoldError> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        if inner.frozen.contains_key(subject) {
            Err(FoldError::Frozen)
        } else {
            Ok(inner.histories.get(&self.key(subject)).cloned())
        }
    }

    /// A history, from memory or else from the log.
    ///
    /// # Errors
    /// When it is frozen, not ready yet, or the log cannot be read.
    pub async fn load(
        &self,
        subject: &Subject,
        deadline: Deadline,
    ) -> Result<Option<Held<M::State>>, FoldError> {
        if !self.is_ready() {
            return Err(FoldError::NotReady);
        }
        if let Some(held) = self.get(subject)? {
            return Ok(Some(held));
        }
        let messages = self.log.history(subject, 0, deadline).await?;
        replay::<M>(&messages).map_err(|_| FoldError::Frozen)
    }

    /// Looks at the index and the states at one and the same moment. Keep it short: the fold waits meanwhile.
    pub fn read<R>(
        &self,
        look: impl FnOnce(&M::Index, &dyn Fn(&Subject) -> Option<Held<M::State>>) -> R,
    ) -> R {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        look(&inner.index, &|subject| inner.histories.get(&self.key(subject)).cloned())
    }

    /// Every change from now on; a reader that falls too far behind is told so by the channel.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change<M::State>> {
        self.changes.subscribe()
    }

    /// Subjects that are frozen, with why.
    #[must_use]
    pub fn frozen(&self) -> Vec<(Subject, String)> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.frozen.iter().map(|(subject, why)| (subject.clone(), why.clone())).collect()
    }

    /// Fingerprint of what is in memory. The fold waits while it is copied, which is a matter of pointers, and not while it is hashed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let (histories, frozen, position) = {
            let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
            let held = inner.histories.iter().map(|(key, held)| (key, held.clone()));
            (held.collect::<Vec<_>>(), inner.frozen.len(), self.position())
        };
        let each = histories.iter().map(|(key, held)| fingerprint(&key.subject(self.log.stream()), held));
        let value = each.fold(0_u128, u128::wrapping_add);
        Digest { position, histories: histories.len(), frozen, value }
    }

    /// Decides on the current state of a history and stores the decision. `decide` gets the state (`None` when there is no such history)
    /// and its version; `Ok(None)` means that there is nothing to store. It may be called several times, and must not have effects.
    ///
    /// # Errors
    /// See [`ExecuteError`]. After [`AppendError::Unknown`] the same command may be given again.
    pub async fn execute<E>(
        &self,
        subject: &Subject,
        expect: Expect,
        deadline: Deadline,
        mut decide: impl FnMut(Option<&M::State>, Version) -> Result<Option<Commit>, E> + Send,
    ) -> Result<Executed<M::State>, ExecuteError<E>> {
        if !self.is_ready() {
            return Err(FoldError::NotReady.into());
        }
        // One unsettled append per history and replica: whoever comes second decides on what the first one made.
        let gate = self.gate(subject);
        let turn = Arc::clone(&gate).lock_owned();
        // Left last, after the turn; also when the caller goes away in the middle.
        let place = Place { fold: self, subject, gate: Some(gate) };
        let Ok(turn) = tokio::time::timeout_at(deadline, turn).await else {
            return Err(FoldError::TimedOut.into());
        };
        let outcome = self.execute_in_turn(subject, expect, deadline, &mut decide).await;
        drop(turn);
        drop(place);
        outcome
    }

    async fn execute_in_turn<E>(
        &self,
        subject: &Subject,
        expect: Expect,
        deadline: Deadline,
        decide: &mut (impl FnMut(Option<&M::State>, Version) -> Result<Option<Commit>, E> + Send),
    ) -> Result<Executed<M::State>, ExecuteError<E>> {
        for round in 0..limits::CONFLICT_ROUNDS_MAX {
            if !self.is_ready() {
                return Err(FoldError::NotReady.into());
            }
            let held = match self.ahead(subject) {
                Some(ahead) => Some(ahead),
                None if expect == Expect::New && round == 0 => self.get(subject)?,
                None => self.load(subject, deadline).await?,
            };
            let version = held.as_ref().map_or(Version::ABSENT, |held| held.version);
            let decision = match decide(held.as_ref().map(|held| &*held.state), version) {
                Ok(decision) => decision,
                // A no stands only on the newest state: on an older one it could be said of a command that has taken effect.
                Err(no) if !self.moved_past(subject, version, deadline).await? => {
                    return Err(ExecuteError::Refused(no));
                }
                Err(_) => continue,
            };
            let Some(commit) = decision else {
                let Some(held) = held else {
                    // Nothing is there and nothing is wanted: only a decision that mistakes absence for success does this.
                    return Err(ExecuteError::Append(AppendError::Broken(
                        "decided nothing on nothing".into(),
                    )));
                };
                let position = self.place(held.version.0);
                return Ok(Executed { state: held.state, version: held.version, position, changed: false });
            };
            // What is in hand when the stream turns out to be another one must not go out again: a restored history may have come back to
            // the very version that this was decided on.
            let appended = tokio::select! {
                biased;
                () = self.ready.until(|ready| (!*ready).then_some(())) => Err(AppendError::Unknown),
                appended = self.log.append(subject, version, commit.clone(), deadline) => appended,
            };
            match appended {
                Ok(appended) if appended.already_stored => {
                    // An earlier attempt had stored it, and others may have gone on since.
                    self.caught_up_to(&appended.position, deadline).await?;
                    let Some(held) = self.load(subject, deadline).await? else {
                        return Err(ExecuteError::Append(AppendError::Broken(
                            "a stored history is gone".into(),
                        )));
                    };
                    return Ok(Executed {
                        state: held.state,
                        version: held.version,
                        position: appended.position,
                        changed: false,
                    });
                }
                Ok(appended) => return self.apply_own(subject, held, commit, appended.position),
                Err(AppendError::Conflict) => self.catch_up(subject, deadline).await?,
                Err(error) => return Err(ExecuteError::Append(error)),
            }
        }
        Err(ExecuteError::Contended)
    }

    /// The state after our own commit, without waiting for the broker to bring it back.
    fn apply_own<E>(
        &self,
        subject: &Subject,
        held: Option<Held<M::State>>,
        commit: Commit,
        position: Position,
    ) -> Result<Executed<M::State>, ExecuteError<E>> {
        let version = Version(position.sequence);
        let message = Recorded {
            subject: subject.clone(),
            sequence: position.sequence,
            stored_at: commit.time,
            commit: Some(commit.id),
            kind: commit.kind.to_owned(),
            data: commit.data,
            headers: commit.trace.into(),
        };
        let before = held.map(|held| Arc::unwrap_or_clone(held.state));
        let state = M::evolve(before, &message)
            .map_err(|error| ExecuteError::Append(AppendError::Broken(format!("our own event: {error}"))))?;
        let state = Arc::new(state);
        // Only until the fold gets there itself. The fold moves its position before it takes this lock, so looking at the position
        // under the lock cannot leave a state behind that nobody would remove.
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if self.position().is_none_or(|now| now.sequence < version.0)
            && let Some(turn) = turns.get_mut(subject)
        {
            turn.ahead = Some(Held { state: Arc::clone(&state), version });
        }
        drop(turns);
        Ok(Executed { state, version, position, changed: true })
    }

    async fn catch_up<E>(&self, subject: &Subject, deadline: Deadline) -> Result<(), ExecuteError<E>> {
        self.moved_past(subject, Version::ABSENT, deadline).await.map(|_| ())
    }

    /// Looks whether a history went on after a version, and if so waits until it was read up to there.
    async fn moved_past<E>(
        &self,
        subject: &Subject,
        version: Version,
        deadline: Deadline,
    ) -> Result<bool, ExecuteError<E>> {
        let Some(last) = self.log.last(subject, deadline).await.map_err(FoldError::Read)? else {
            return Ok(false);
        };
        if last.sequence <= version.0 {
            return Ok(false);
        }
        if let Some(turn) = self.turns.lock().unwrap_or_else(PoisonError::into_inner).get_mut(subject) {
            turn.ahead = None;
        }
        let wanted = self.place(last.sequence);
        self.caught_up_to(&wanted, deadline).await?;
        Ok(true)
    }

    /// Waits for a position that the log itself gave. When that is of another life of the stream, this fold has read the wrong one and is
    /// about to notice; the caller did nothing wrong and may try again elsewhere.
    async fn caught_up_to(&self, wanted: &Position, deadline: Deadline) -> Result<(), FoldError> {
        match self.reached(wanted, deadline).await {
            Err(FoldError::ForeignPosition) => Err(FoldError::NotReady),
            outcome => outcome,
        }
    }

    fn key(&self, subject: &Subject) -> Key {
        Key::of(self.log.stream(), subject)
    }

    fn gate(&self, subject: &Subject) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(subject.clone()).or_insert_with(|| Turn { gate: Arc::default(), ahead: None });
        Arc::clone(&turn.gate)
    }

    /// Forgets the turn of a history that nobody waits for and that the fold has caught up with.
    fn leave(&self, subject: &Subject, gate: Arc<tokio::sync::Mutex<()>>) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        drop(gate);
        if turns.get(subject).is_some_and(|turn| Arc::strong_count(&turn.gate) == 1 && turn.ahead.is_none()) {
            turns.remove(subject);
        }
    }

    fn ahead(&self, subject: &Subject) -> Option<Held<M::State>> {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.get(subject).and_then(|turn| turn.ahead.clone())
    }

    /// A sequence of the life of the stream that we read.
    fn place(&self, sequence: u64) -> Position {
        let incarnation = self
            .position
            .look(|now| now.as_ref().map_or_else(|| "".into(), |now| Arc::clone(&now.incarnation)));
        Position { stream: self.log.stream(), incarnation, sequence }
    }

    fn reach(&self, position: Position) {
        self.position.change(|now| match now {
            // Messages that came after the end was asked for have been read already.
            Some(now) if now.incarnation == position.incarnation && now.sequence > position.sequence => false,
            _ => {
                *now = Some(position);
                true
            }
        });
    }

    async fn take_in(&self, message: Recorded) -> Result<(), FollowError> {
        if !M::concerns(&message.subject) {
            self.advance(message.sequence);
            return Ok(());
        }
        let key = self.key(&message.subject);
        let before = {
            let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
            if inner.frozen.contains_key(&message.subject) {
                drop(inner);
                self.advance(message.sequence);
                return Ok(());
            }
            inner.histories.get(&key).cloned()
        };
        let evolved = M::evolve(before.as_ref().map(|held| M::State::clone(&held.state)), &message);
        let evolved = match evolved {
            Err(Unreadable::EarlierEventsNeeded) => self.evolve_from_log(&message).await?,
            other => other,
        };
        let subject = message.subject.clone();
        let before_state = before.as_ref().map(|held| &*held.state);
        match evolved {
            Ok(state) => {
                let state = Arc::new(state);
                {
                    let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
                    M::index(&mut inner.index, &subject, before_state, Some(&state));
                    if M::leaves_memory(&state) {
                        inner.histories.remove(&key);
                    } else {
                        let held = Held { state: Arc::clone(&state), version: Version(message.sequence) };
                        inner.histories.insert(key, held);
                    }
                    self.advance(message.sequence);
                }
                self.forget_ahead(&subject, message.sequence);
                // Nobody may be listening, which is fine.
                let change = Change { subject, sequence: message.sequence, state, headers: message.headers };
                let _ = self.changes.send(change);
            }
            Err(error) => {
                tracing::error!(
                    stream = %self.log.stream(), sequence = message.sequence, %error,
                    "a history is frozen: install a release that can read its newest event"
                );
                let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
                M::index(&mut inner.index, &subject, before_state, None);
                inner.histories.remove(&key);
                inner.frozen.insert(subject, error.to_string());
                self.advance(message.sequence);
            }
        }
        Ok(())
    }

    fn advance(&self, sequence: u64) {
        // Before the first word that we caught up, nobody knows which life of the stream this is, and nobody asks.
        self.position.change(|now| {
            now.as_mut().is_some_and(|now| {
                now.sequence = now.sequence.max(sequence);
                true
            })
        });
    }

    fn forget_ahead(&self, subject: &Subject, sequence: u64) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get_mut(subject) {
            if turn.ahead.as_ref().is_some_and(|ahead| ahead.version.0 <= sequence) {
                turn.ahead = None;
            }
            if turn.ahead.is_none() && Arc::strong_count(&turn.gate) == 1 {
                turns.remove(subject);
            }
        }
    }
}

/// Folds a whole history as it was read from the log; `None` when it is empty.
///
/// # Errors
/// When one of its events cannot be read.
pub fn replay<M: Machine>(messages: &[Recorded]) -> Result<Option<Held<M::State>>, Unreadable> {
    let mut state = None;
    let mut version = Version::ABSENT;
    for message in messages {
        state = Some(M::evolve(state.take(), message)?);
        version = Version(message.sequence);
    }
    Ok(state.map(|state| Held { state: Arc::new(state), version }))
}

fn fingerprint<S: Hash>(subject: &Subject, held: &Held<S>) -> u128 {
    let half = |salt: u64| {
        // Fixed keys: two replicas, and a release and its rebuild, must agree.
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        subject.as_str().hash(&mut hasher);
        held.version.hash(&mut hasher);
        held.state.hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(0)) << 64 | u128::from(half(1))
}
