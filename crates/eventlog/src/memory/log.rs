//! A stream of histories in memory.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::sleep;
use voordeur_kernel::Timestamp;

use super::{Inner, LOST_AFTER};
use crate::{
    AppendError, Appended, Commit, Deadline, EventLog, FollowError, Followed, Position, ReadError, Recorded,
    StreamName, Subject, Usage, Version,
    group::Lane,
    resolve::{self, Attempts, BatchOutcome, Member, Outcome, Refusal},
};

/// Single requests to a stream.
#[derive(Clone)]
pub(super) struct Single {
    inner: Arc<Inner>,
    stream: StreamName,
}

pub(super) struct MemoryLog {
    single: Single,
    /// Appends go through here, together where that is faster.
    lane: Lane,
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog").field("stream", &self.single.stream).finish_non_exhaustive()
    }
}

/// What chance does to a write.
enum Fate {
    Answered,
    NotTaken,
    AnswerLost,
    RequestLost,
    Late(std::time::Duration),
}

impl MemoryLog {
    pub(super) const fn new(single: Single, lane: Lane) -> Self {
        Self { single, lane }
    }
}

impl Single {
    pub(super) const fn new(inner: Arc<Inner>, stream: StreamName) -> Self {
        Self { inner, stream }
    }

    fn fate(&self) -> Fate {
        let state = &mut *self.inner.lock();
        let faults = state.faults;
        if !state.available || state.dice.chance(faults.unavailable) {
            Fate::NotTaken
        } else if state.lose_next > 0 {
            state.lose_next -= 1;
            Fate::AnswerLost
        } else if state.dice.chance(faults.lost_acknowledgements) {
            Fate::AnswerLost
        } else if state.dice.chance(faults.lost_requests) {
            Fate::RequestLost
        } else if state.dice.chance(faults.late_requests) {
            Fate::Late(LOST_AFTER + state.dice.part(faults.longest_delay))
        } else {
            Fate::Answered
        }
    }

    /// How often everything that was under way was lost.
    fn cuts(&self) -> u64 {
        self.inner.lock().cuts
    }

    fn store(&self, subject: &Subject, expected: Version, commit: &Commit) -> Outcome {
        let now = self.inner.now();
        let flavour = self.inner.flavour;
        self.inner.change(|state| match state.streams.get_mut(&self.stream) {
            Some(table) => table.store(flavour, subject, expected, commit, now),
            // Nobody listens on the subjects of a stream that is not there.
            None => Outcome::NotTaken,
        })
    }

    fn store_batch(&self, members: &[Member]) -> BatchOutcome {
        let now = self.inner.now();
        let id = self.inner.with_dice(|dice, _| format!("{:016x}", dice.roll()));
        self.inner.change(|state| match state.streams.get_mut(&self.stream) {
            Some(table) => table.store_batch(&id, members, now),
            None => BatchOutcome::NotTaken,
        })
    }

    async fn read<T>(
        &self,
        deadline: Deadline,
        read: impl Fn(&super::Table) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let jitter = self.jitter();
        resolve::until_answered(deadline, jitter, || {
            let result = self.read_once(&read);
            async move { result }
        })
        .await
    }

    fn read_once<T>(&self, read: impl Fn(&super::Table) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.inner.refuses() {
            return Err(ReadError::Unavailable);
        }
        match self.inner.lock().streams.get(&self.stream) {
            Some(table) => read(table),
            None => Err(ReadError::Broken(format!(
                "stream {} is missing; run `voordeur streams apply`",
                self.stream
            ))),
        }
    }
}

#[async_trait]
impl Attempts for Single {
    fn stream(&self) -> StreamName {
        self.stream
    }

    async fn attempt(&self, subject: &Subject, expected: Version, commit: &Commit, _: Deadline) -> Outcome {
        // Others get their turn, as they would while a request is under way.
        tokio::task::yield_now().await;
        match self.fate() {
            Fate::Answered => self.store(subject, expected, commit),
            Fate::NotTaken => Outcome::NotTaken,
            Fate::AnswerLost => {
                self.store(subject, expected, commit);
                sleep(LOST_AFTER).await;
                Outcome::Ambiguous
            }
            Fate::RequestLost => {
                sleep(LOST_AFTER).await;
                Outcome::Ambiguous
            }
            Fate::Late(delay) => {
                let (late, subject, commit) = (self.clone(), subject.clone(), commit.clone());
                let cuts = self.cuts();
                tokio::spawn(async move {
                    sleep(delay).await;
                    if late.cuts() == cuts {
                        late.store(&subject, expected, &commit);
                    }
                });
                sleep(LOST_AFTER).await;
                Outcome::Ambiguous
            }
        }
    }

    async fn attempt_batch(&self, members: &[&Member], _: Deadline) -> BatchOutcome {
        tokio::task::yield_now().await;
        let members: Vec<Member> = members.iter().copied().cloned().collect();
        match self.fate() {
            Fate::Answered => self.store_batch(&members),
            Fate::NotTaken => BatchOutcome::NotTaken,
            Fate::AnswerLost => {
                self.store_batch(&members);
                sleep(LOST_AFTER).await;
                BatchOutcome::Ambiguous
            }
            // One of its members is lost on the way, or the last, which asks for the answer.
            Fate::RequestLost if members.len() > 1 && self.inner.with_dice(|dice, _| dice.chance(500)) => {
                BatchOutcome::Refused(Refusal::Incomplete)
            }
            Fate::RequestLost => {
                sleep(LOST_AFTER).await;
                BatchOutcome::Ambiguous
            }
            Fate::Late(delay) => {
                let (late, cuts) = (self.clone(), self.cuts());
                tokio::spawn(async move {
                    sleep(delay).await;
                    if late.cuts() == cuts {
                        late.store_batch(&members);
                    }
                });
                sleep(LOST_AFTER).await;
                BatchOutcome::Ambiguous
            }
        }
    }

    async fn history_from(
        &self,
        subject: &Subject,
        from: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.read(deadline, |table| Ok(table.history(subject, from))).await
    }

    async fn message_at(&self, sequence: u64, deadline: Deadline) -> Result<Option<Recorded>, ReadError> {
        self.read(deadline, |table| Ok(table.at(sequence))).await
    }

    async fn incarnation(&self, deadline: Deadline) -> Result<Arc<str>, ReadError> {
        self.read(deadline, |table| Ok(Arc::clone(&table.incarnation))).await
    }

    fn jitter(&self) -> u32 {
        self.inner.with_dice(|dice, _| dice.thousandth())
    }
}

#[async_trait]
impl EventLog for MemoryLog {
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
        self.single
            .read(deadline, |table| {
                // There is one leader and it never lies behind; but a caller may ask for what does not exist.
                if table.last_sequence < at_least {
                    return Err(ReadError::Unavailable);
                }
                Ok(table.history(subject, 1))
            })
            .await
    }

    async fn last(&self, subject: &Subject, deadline: Deadline) -> Result<Option<Recorded>, ReadError> {
        self.single.read(deadline, |table| Ok(table.last(subject))).await
    }

    async fn end(&self, deadline: Deadline) -> Result<Position, ReadError> {
        self.single.read(deadline, |table| Ok(table.position(table.last_sequence))).await
    }

    async fn usage(&self, deadline: Deadline) -> Result<Usage, ReadError> {
        self.single
            .read(deadline, |table| {
                Ok(Usage {
                    bytes: table.bytes,
                    bytes_max: table.bytes_max,
                    messages: u64::try_from(table.messages.len()).unwrap_or(u64::MAX),
                    last_sequence: table.last_sequence,
                })
            })
            .await
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, FollowError>> {
        let follower = Follower {
            inner: Arc::clone(&self.single.inner),
            stream: self.single.stream,
            read: after.as_ref().map_or(0, |position| position.sequence),
            incarnation: after.map(|position| position.incarnation),
            last: None,
            cuts: 0,
            connected: false,
            target: None,
            over: false,
        };
        stream::unfold(follower, |mut follower| async move {
            let item = follower.next().await?;
            Some((item, follower))
        })
        .boxed()
    }
}

struct Follower {
    inner: Arc<Inner>,
    stream: StreamName,
    incarnation: Option<Arc<str>>,
    read: u64,
    /// When the message at `read` was stored.
    last: Option<Timestamp>,
    /// How often the connections had been lost when it looked last.
    cuts: u64,
    connected: bool,
    /// What there was when it connected, until everything up to there is delivered.
    target: Option<u64>,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Followed, FollowError>> {
        if self.over {
            return None;
        }
        loop {
            let counted = self.inner.count();
            match self.step() {
                Ok(Some(followed)) => return Some(Ok(followed)),
                Ok(None) => self.inner.changed(counted).await,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
    }

    fn step(&mut self) -> Result<Option<Followed>, FollowError> {
        let state = &mut *self.inner.lock();
        let stream = self.stream;
        let Some(table) = state.streams.get(&stream).filter(|_| state.available) else {
            self.connected = false;
            return Ok(None);
        };
        if std::mem::replace(&mut self.cuts, state.cuts) != state.cuts {
            self.connected = false;
        }
        if *self.incarnation.get_or_insert_with(|| Arc::clone(&table.incarnation)) != table.incarnation {
            return Err(FollowError::OtherIncarnation { stream });
        }
        if table.last_sequence < self.read {
            return Err(FollowError::EndBelow { stream, end: table.last_sequence, read: self.read });
        }
        if !self.connected {
            let there = table.messages.get(&self.read).map(|message| message.stored_at);
            if there.zip(self.last).is_some_and(|(there, read)| there != read) {
                return Err(FollowError::OtherIncarnation { stream });
            }
            self.connected = true;
            self.target = Some(table.last_sequence);
        }
        if table.first_sequence > self.read + 1 {
            return Err(FollowError::Hole { stream, expected: self.read + 1, found: table.first_sequence });
        }
        if self.target.is_some_and(|target| self.read >= target) {
            self.target = None;
            return Ok(Some(Followed::CaughtUp(table.position(self.read))));
        }
        let expected = self.read + 1;
        match table.messages.range(expected..).next() {
            Some((sequence, message)) if *sequence == expected => {
                self.read = expected;
                self.last = Some(message.stored_at);
                if state.dice.chance(state.faults.reconnects) {
                    self.connected = false;
                }
                Ok(Some(Followed::Message(message.clone())))
            }
            Some((sequence, _)) => Err(FollowError::Hole { stream, expected, found: *sequence }),
            None if table.last_sequence >= expected => {
                Err(FollowError::Hole { stream, expected, found: table.last_sequence + 1 })
            }
            None => Ok(None),
        }
    }
}
