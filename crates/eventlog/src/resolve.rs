//! From single attempts, which may end in doubt, to one answer that can be relied on. The broker's client never tries again by
//! itself; this is the one place that does, for the real broker and for its twin in memory.
//!
//! Why it is safe to send the same bytes again: every attempt carries the same commit id and the same expected version. At most one
//! of them can be taken in, since the first that is moves the history past that version.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{
    AppendError, Appended, BucketError, Commit, Deadline, Entry, Position, ReadError, Recorded, StreamName,
    Subject, Version,
};

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Stored now, with this sequence.
    Stored(u64),
    /// The broker has the commit id in its window; the sequence is that of the first time.
    Duplicate(u64),
    /// The history is not at the expected version. One replica answers this before it looks at the commit id, three after.
    WrongLast,
    /// The commit id was refused as part of a batch, which does not say where it stands.
    BatchDuplicate,
    /// The stream is full.
    Full,
    /// The message is too large.
    TooLarge,
    /// No leader, or no connection: surely not taken in.
    NotTaken,
    /// No answer, or one that says "being worked on": it may be stored now, later, or never.
    Ambiguous,
    /// Refused for a reason that should not occur.
    Refused(String),
    /// Turned away before it was sent: too many wait already.
    Busy,
}

/// One commit of several that go out together.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Its history.
    pub(crate) subject: Subject,
    /// The version that its history must have.
    pub(crate) expected: Version,
    /// What is to be stored.
    pub(crate) commit: Commit,
    /// When its caller gives up.
    pub(crate) deadline: Deadline,
}

/// How an attempt at several commits ended. All or nothing was stored, whichever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BatchOutcome {
    /// All were stored now, in the order of the batch; the first has this sequence and the others follow without a gap.
    Stored {
        /// Sequence of the first.
        first: u64,
    },
    /// Nothing was stored.
    Refused(Refusal),
    /// No leader, or no connection: surely not taken in.
    NotTaken,
    /// No answer: all may be stored now, later, or never.
    Ambiguous,
}

/// Why a batch was refused. The broker does not say because of which member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A history is not at the expected version.
    WrongLast,
    /// A history has another message under way, or twice in the batch.
    SubjectTwice,
    /// A commit id is known, or twice in the batch.
    Duplicate,
    /// A commit id is under way.
    InProcess,
    /// The stream would be over its bound.
    Full,
    /// A message is too large.
    TooLarge,
    /// Not all members arrived, or the broker forgot those that did.
    Incomplete,
    /// More members than the broker takes.
    TooMany,
    /// Too many batches are under way.
    Crowded,
    /// The stream takes no batches.
    Disabled,
    /// Something that should not occur.
    Other(String),
}

impl Refusal {
    /// Would a smaller batch, without the member at fault, be taken in?
    pub(crate) const fn is_because_of_a_member(&self) -> bool {
        match self {
            Self::WrongLast
            | Self::SubjectTwice
            | Self::Duplicate
            | Self::InProcess
            | Self::Full
            | Self::TooLarge
            | Self::TooMany => true,
            Self::Incomplete | Self::Crowded | Self::Disabled | Self::Other(_) => false,
        }
    }

    /// Would every other batch be refused as well?
    pub(crate) const fn is_for_ever(&self) -> bool {
        matches!(self, Self::Disabled)
    }
}

/// Single attempts at a log.
#[async_trait]
pub(crate) trait Attempts: Send + Sync {
    /// The stream.
    fn stream(&self) -> StreamName;
    /// Largest payload in bytes.
    fn payload_bytes_max(&self) -> usize {
        crate::wire::payload_bytes_max(self.stream())
    }
    /// One attempt, at most until the deadline.
    async fn attempt(
        &self,
        subject: &Subject,
        expected: Version,
        commit: &Commit,
        deadline: Deadline,
    ) -> Outcome;
    /// One attempt at several commits, all or nothing, at most until the deadline.
    async fn attempt_batch(&self, members: &[&Member], deadline: Deadline) -> BatchOutcome;
    /// The messages of a history from a sequence on, read from the leader.
    async fn history_from(
        &self,
        subject: &Subject,
        from: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError>;
    /// The message with this sequence, whatever its history; `None` when there is none, or not yet where it was read.
    async fn message_at(&self, sequence: u64, deadline: Deadline) -> Result<Option<Recorded>, ReadError>;
    /// Which life of the stream this is.
    async fn incarnation(&self, deadline: Deadline) -> Result<Arc<str>, ReadError>;
    /// 0-999, to spread repeated attempts.
    fn jitter(&self) -> u32;
}

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Growing pauses between attempts.
struct Pauses(Duration);

impl Pauses {
    /// Waits; false when the deadline is nearer than the pause.
    async fn wait(&mut self, deadline: Deadline, jitter: u32) -> bool {
        let pause = self.0 / 2 + self.0 * jitter.min(1000) / 2000;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
        if Instant::now() + pause >= deadline {
            return false;
        }
        sleep(pause).await;
        true
    }
}

/// What looking at the history told about a commit that was refused.
enum Resolved {
    /// It is there.
    Stored(u64),
    /// It is not there, and can no longer come: something else stands after the expected version.
    Superseded,
    /// It is not there, and the history has not visibly moved.
    NotVisible,
    /// Could not look.
    Unknown,
    /// The broker does not let us look.
    Broken(String),
}

async fn resolve(
    attempts: &dyn Attempts,
    subject: &Subject,
    expected: Version,
    commit: &Commit,
    deadline: Deadline,
) -> Resolved {
    match attempts.history_from(subject, 1, deadline).await {
        Ok(history) => match history.iter().find(|message| message.commit == Some(commit.id)) {
            Some(ours) => Resolved::Stored(ours.sequence),
            None if history.iter().any(|message| message.sequence > expected.0) => Resolved::Superseded,
            None => Resolved::NotVisible,
        },
        Err(ReadError::Unavailable | ReadError::TimedOut) => Resolved::Unknown,
        Err(ReadError::Broken(text)) => Resolved::Broken(text),
    }
}

/// Appends one commit; see [`crate::EventLog::append`] for what the answers promise.
pub(crate) async fn append(
    attempts: &dyn Attempts,
    subject: &Subject,
    expected: Version,
    commit: &Commit,
    deadline: Deadline,
) -> Result<Appended, AppendError> {
    if commit.data.len() > attempts.payload_bytes_max() {
        return Err(AppendError::TooLarge);
    }
    let mut pauses = Pauses(FIRST_PAUSE);
    // Known before anything is sent, so that a stored commit can always be reported with its place.
    let incarnation = loop {
        match attempts.incarnation(deadline).await {
            Ok(incarnation) => break incarnation,
            Err(ReadError::Broken(text)) => return Err(AppendError::Broken(text)),
            Err(ReadError::Unavailable | ReadError::TimedOut) => {
                if !pauses.wait(deadline, attempts.jitter()).await {
                    return Err(AppendError::Unavailable);
                }
            }
        }
    };
    let done = |sequence, already_stored| {
        let position =
            Position { stream: attempts.stream(), incarnation: Arc::clone(&incarnation), sequence };
        Ok(Appended { position, already_stored })
    };
    // True once an attempt may have been taken in without our knowing.
    let mut unsettled = false;
    // Refusals whose reason cannot be seen in the history: a version that does not exist, or a reader that lies behind.
    let mut invisible = 0;
    let mut pauses = Pauses(FIRST_PAUSE);
    loop {
        match attempts.attempt(subject, expected, commit, deadline).await {
            Outcome::Stored(sequence) => return done(sequence, false),
            Outcome::Duplicate(sequence) => {
                match duplicate(attempts, subject, commit, sequence, deadline).await {
                    Resolved::Stored(sequence) => return done(sequence, true),
                    Resolved::Superseded => return Err(AppendError::Conflict),
                    Resolved::Broken(text) => return Err(AppendError::Broken(text)),
                    Resolved::NotVisible | Resolved::Unknown => unsettled = true,
                }
            }
            Outcome::WrongLast | Outcome::BatchDuplicate => {
                match resolve(attempts, subject, expected, commit, deadline).await {
                    Resolved::Stored(sequence) => return done(sequence, true),
                    Resolved::Superseded => return Err(AppendError::Conflict),
                    // Either somebody's message, perhaps ours, is between "proposed" and "readable", or the expected version
                    // never existed. The first shows within moments.
                    Resolved::NotVisible if invisible >= 5 && !unsettled => {
                        return Err(AppendError::Conflict);
                    }
                    Resolved::NotVisible => invisible += 1,
                    Resolved::Broken(text) => return Err(AppendError::Broken(text)),
                    Resolved::Unknown => unsettled = true,
                }
            }
            Outcome::TooLarge => return Err(AppendError::TooLarge),
            Outcome::Full if !unsettled => return Err(AppendError::Full),
            Outcome::Refused(text) if !unsettled => return Err(AppendError::Broken(text)),
            // Refused now, but an earlier attempt may be in.
            Outcome::Full | Outcome::Refused(_) => {
                match resolve(attempts, subject, expected, commit, deadline).await {
                    Resolved::Stored(sequence) => return done(sequence, true),
                    Resolved::Superseded => return Err(AppendError::Conflict),
                    Resolved::Broken(text) => return Err(AppendError::Broken(text)),
                    Resolved::NotVisible | Resolved::Unknown => {}
                }
            }
            Outcome::Busy if !unsettled && invisible == 0 => return Err(AppendError::Busy),
            // Turned away with an earlier attempt in doubt: that has to be settled.
            Outcome::NotTaken | Outcome::Busy => {}
            Outcome::Ambiguous => unsettled = true,
        }
        if !pauses.wait(deadline, attempts.jitter()).await {
            return Err(if unsettled || invisible > 0 {
                AppendError::Unknown
            } else {
                AppendError::Unavailable
            });
        }
    }
}

/// The broker says it has this commit id. It keeps ids per stream, not per history, and also of messages that were purged since:
/// so look whether ours stands where it says. Nothing there proves nothing: a leader that was cut off says so of what it never could
/// store, and a node that lies behind does not show it yet. Only our commit in another history is a fault.
async fn duplicate(
    attempts: &dyn Attempts,
    subject: &Subject,
    commit: &Commit,
    sequence: u64,
    deadline: Deadline,
) -> Resolved {
    match attempts.history_from(subject, sequence, deadline).await {
        Ok(history) => match history.iter().find(|message| message.commit == Some(commit.id)) {
            Some(ours) => Resolved::Stored(ours.sequence),
            None if history.is_empty() => match attempts.message_at(sequence, deadline).await {
                Ok(Some(message)) if message.commit == Some(commit.id) && message.subject != *subject => {
                    Resolved::Broken("the commit id is in use outside this history".to_owned())
                }
                Ok(_) => Resolved::NotVisible,
                Err(ReadError::Unavailable | ReadError::TimedOut) => Resolved::Unknown,
                Err(ReadError::Broken(text)) => Resolved::Broken(text),
            },
            None => Resolved::Superseded,
        },
        Err(ReadError::Unavailable | ReadError::TimedOut) => Resolved::Unknown,
        Err(ReadError::Broken(text)) => Resolved::Broken(text),
    }
}

/// Single attempts at a bucket. A bucket has no commit ids: an outcome in doubt is resolved by comparing the value.
#[async_trait]
pub(crate) trait BucketAttempts: Send + Sync {
    /// Writes a value over the revision `expected`; 0 when the key must not be in use.
    async fn attempt(&self, key: &str, value: Bytes, expected: u64, deadline: Deadline) -> Outcome;
    /// Writes several values under keys that are not in use, all or nothing.
    async fn attempt_all(&self, entries: &[(String, Bytes)], deadline: Deadline) -> BatchOutcome;
    /// The newest value, read from the leader.
    async fn read(&self, key: &str, deadline: Deadline) -> Result<Option<Entry>, BucketError>;
    /// 0-999, to spread repeated attempts.
    fn jitter(&self) -> u32;
}

/// Writes one value with compare-and-set; see [`crate::Bucket`] for what the answers promise.
pub(crate) async fn write(
    attempts: &dyn BucketAttempts,
    key: &str,
    value: Bytes,
    expected: u64,
    deadline: Deadline,
) -> Result<u64, BucketError> {
    let mut unsettled = false;
    let mut pauses = Pauses(FIRST_PAUSE);
    loop {
        match attempts.attempt(key, value.clone(), expected, deadline).await {
            Outcome::Stored(revision) | Outcome::Duplicate(revision) => return Ok(revision),
            Outcome::Full => return Err(BucketError::Broken("the bucket is full".to_owned())),
            Outcome::TooLarge => return Err(BucketError::Broken("the value is too large".to_owned())),
            Outcome::Refused(text) => return Err(BucketError::Broken(text)),
            Outcome::WrongLast | Outcome::BatchDuplicate => match attempts.read(key, deadline).await {
                // Creating what is there already with the same value is no conflict; neither is meeting our own write.
                Ok(Some(entry)) if entry.value == value && (unsettled || expected == 0) => {
                    return Ok(entry.revision);
                }
                Ok(_) => return Err(BucketError::Conflict),
                Err(BucketError::Unavailable | BucketError::Unknown) => unsettled = true,
                Err(error) => return Err(error),
            },
            Outcome::NotTaken | Outcome::Busy => {}
            Outcome::Ambiguous => unsettled = true,
        }
        if !pauses.wait(deadline, attempts.jitter()).await {
            return Err(if unsettled { BucketError::Unknown } else { BucketError::Unavailable });
        }
    }
}

/// Writes several values under keys that are not in use; see [`crate::Bucket`] for what the answers promise.
pub(crate) async fn write_all(
    attempts: &dyn BucketAttempts,
    entries: Vec<(String, Bytes)>,
    deadline: Deadline,
) -> Result<(), BucketError> {
    if let [_, _, ..] = entries.as_slice()
        && let BatchOutcome::Stored { .. } = attempts.attempt_all(&entries, deadline).await
    {
        return Ok(());
    }
    // Refused because of one of them, or in doubt: each finds out for itself. Its own value is no conflict, whenever it got there.
    let each = entries
        .into_iter()
        .map(|(key, value)| async move { write(attempts, &key, value, 0, deadline).await.map(|_| ()) });
    join_all(each).await.into_iter().collect()
}

/// Tries a read again until it is answered or the deadline passes.
pub(crate) async fn until_answered<T, F, R>(
    deadline: Deadline,
    jitter: u32,
    mut read: F,
) -> Result<T, ReadError>
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, ReadError>>,
{
    let mut pauses = Pauses(FIRST_PAUSE);
    loop {
        match read().await {
            Err(ReadError::Unavailable) => {
                if !pauses.wait(deadline, jitter).await {
                    return Err(ReadError::Unavailable);
                }
            }
            other => return other,
        }
    }
}

/// Is this a key of a bucket?
pub(crate) fn is_key(key: &str) -> bool {
    let token = |t: &str| {
        !t.is_empty()
            && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'='))
    };
    key.len() <= 200 && key.split('.').all(token)
}

#[cfg(test)]
mod tests;
