//! The port of the log: histories under subjects, one decision per message.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use voordeur_kernel::{CommitId, ErrorKind, Timestamp};

use crate::{Deadline, StreamName};

/// The subject of one history, for instance `voordeur.signal.v1.0011…`. Tokens of `A-Za-z0-9_-`, separated by dots, no wildcards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Arc<str>);

/// Text that is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 1-200 characters: tokens of A-Z a-z 0-9 _ - with single dots between them")]
pub struct BadSubject;

impl Subject {
    /// Reads a subject.
    ///
    /// # Errors
    /// When it has empty tokens, wildcards, white space or other characters.
    pub fn parse(text: &str) -> Result<Self, BadSubject> {
        let token =
            |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if text.len() <= 200 && text.split('.').all(token) { Ok(Self(text.into())) } else { Err(BadSubject) }
    }

    /// The subject of a stored message: also one that we would not write must be read and passed by.
    pub(crate) fn unchecked(text: &str) -> Self {
        Self(text.into())
    }

    /// The subject of a history: a prefix of the topology and one token.
    ///
    /// # Errors
    /// When the token is none.
    pub fn of(prefix: &str, token: &str) -> Result<Self, BadSubject> {
        Self::parse(&format!("{prefix}.{token}"))
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last token: the key of the history.
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or_default()
    }

    /// What stands before the last token.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(prefix, _)| prefix)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Version of a history: the stream sequence of its last message, 0 while there is none. It grows, but not by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u64);

impl Version {
    /// There is no such history yet.
    pub const ABSENT: Self = Self(0);
}

/// A place in one life of a stream: everything up to and including `sequence`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The stream.
    pub stream: StreamName,
    /// Which life of the stream: the moment it was made, as the broker prints it.
    pub incarnation: Arc<str>,
    /// Stream sequence; 0 is before the first message.
    pub sequence: u64,
}

/// A header of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Name, case-sensitive.
    pub name: String,
    /// Value, one line.
    pub value: String,
}

/// One decision, ready to be stored: one event, one message.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Becomes `Nats-Msg-Id` and `ce-id`. The same id means: the very same decision.
    pub id: CommitId,
    /// Becomes `ce-type`: the kind of history, for instance `nl.voordeur.signal.v1`; never what happened.
    pub kind: &'static str,
    /// Becomes `ce-source`: the service, for instance `voordeur/intake`.
    pub source: &'static str,
    /// Becomes `ce-time`.
    pub time: Timestamp,
    /// The event as protobuf.
    pub data: Bytes,
    /// `traceparent` and `tracestate`, where there are any.
    pub trace: Vec<Header>,
    /// A safety signal: it never waits for a batch, and is never turned away because others wait.
    pub urgent: bool,
}

/// A stored message.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its history.
    pub subject: Subject,
    /// Its stream sequence; also the version of its history after it.
    pub sequence: u64,
    /// When the broker stored it.
    pub stored_at: Timestamp,
    /// Commit id, when the message has a readable one.
    pub commit: Option<CommitId>,
    /// `ce-type`, empty when there is none.
    pub kind: String,
    /// The payload.
    pub data: Bytes,
    /// Every header, for parking a message whole and for trace context.
    pub headers: Arc<[Header]>,
}

impl Recorded {
    /// Is it the first of its history? The broker stored it under the condition that there was nothing before it, and keeps that
    /// condition with it. `false` means: not known to be.
    #[must_use]
    pub fn is_first(&self) -> bool {
        crate::wire::was_first(&self.headers)
    }
}

/// An append succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Where our commit stands.
    pub position: Position,
    /// It had been stored before, by an earlier attempt.
    pub already_stored: bool,
}

/// Why an append did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The history is at another version, and our commit is not in it. Nothing was stored.
    #[error("the history has moved on; catch up and decide again")]
    Conflict,
    /// The stream is full. Nothing was stored.
    #[error("the stream is full; free space or raise its limit")]
    Full,
    /// The event is larger than the bound. Nothing was stored.
    #[error("the event is too large")]
    TooLarge,
    /// More appends wait here already than there is room for. Nothing was stored; later it works.
    #[error("too many appends wait already; try again in a moment")]
    Busy,
    /// The broker cannot be reached or has no leader. Nothing was stored, as far as any attempt told.
    #[error("the broker is not available")]
    Unavailable,
    /// The deadline passed while an attempt was unsettled: it may be stored now or later. The same commit may be sent again.
    #[error("the deadline passed; the outcome is unknown")]
    Unknown,
    /// The broker answered something that should not be.
    #[error("the broker refused the append: {0}")]
    Broken(String),
}

impl AppendError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict => ErrorKind::Conflict,
            Self::Full | Self::TooLarge | Self::Busy => ErrorKind::TooMuch,
            Self::Unavailable => ErrorKind::Unavailable,
            Self::Unknown => ErrorKind::TimedOut,
            Self::Broken(_) => ErrorKind::Broken,
        }
    }
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The broker cannot be reached or has no leader.
    #[error("the broker is not available")]
    Unavailable,
    /// The deadline passed.
    #[error("the deadline passed while reading")]
    TimedOut,
    /// The broker answered something that should not be.
    #[error("the broker refused the read: {0}")]
    Broken(String),
}

impl ReadError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable => ErrorKind::Unavailable,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Broken(_) => ErrorKind::Broken,
        }
    }
}

/// What following a stream brings.
#[derive(Debug, Clone)]
pub enum Followed {
    /// The next message. Sequences are contiguous.
    Message(Recorded),
    /// Everything that was there when it was asked for has been delivered. Comes at least once after the start, and again
    /// after the follower had to reconnect.
    CaughtUp(Position),
}

/// Following came to an end that cannot be mended by trying again: the process must stop, with an alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// Messages are missing that nobody recorded as purged.
    #[error(
        "{stream}: expected sequence {expected}, found {found}: messages are missing; run `voordeur streams verify` and do what it says"
    )]
    Hole {
        /// The stream.
        stream: StreamName,
        /// The sequence that should have come.
        expected: u64,
        /// The sequence that came.
        found: u64,
    },
    /// The node that leads the stream says itself that it lacks messages.
    #[error(
        "{stream}: {count} messages are missing at the node that leads it; run `voordeur streams verify` and do what it says"
    )]
    Missing {
        /// The stream.
        stream: StreamName,
        /// How many.
        count: u64,
    },
    /// The stream was deleted and made again, or restored: our memory of it is worth nothing.
    #[error("{stream}: this is another incarnation of the stream than the one that was read before")]
    OtherIncarnation {
        /// The stream.
        stream: StreamName,
    },
    /// The stream ends before what we have read: it lost messages.
    #[error("{stream}: ends at {end}, but {read} had been read: it lost messages")]
    EndBelow {
        /// The stream.
        stream: StreamName,
        /// Its last sequence.
        end: u64,
        /// What had been read.
        read: u64,
    },
}

/// How full a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in use.
    pub bytes: u64,
    /// Most bytes it may hold.
    pub bytes_max: u64,
    /// Messages in it.
    pub messages: u64,
    /// Its last sequence.
    pub last_sequence: u64,
}

impl Usage {
    /// Share in use, 0.0-1.0.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of bytes needs no more than 52 bits")]
    pub fn share(&self) -> f64 {
        if self.bytes_max == 0 { 0.0 } else { self.bytes as f64 / self.bytes_max as f64 }
    }
}

/// A stream of histories.
#[async_trait]
pub trait EventLog: Send + Sync + fmt::Debug {
    /// Which stream.
    fn stream(&self) -> StreamName;

    /// Stores one commit at the end of a history, if the history is at `expected`.
    ///
    /// An ambiguous attempt (lost connection, no answer) is repeated with the same bytes until the deadline, and a refusal after it is
    /// resolved by looking for our commit id in the history. So `Ok` means durable, exactly once; `Conflict`, `Full`, `TooLarge` and
    /// `Busy` mean not stored; `Unavailable` means that no attempt was ever taken in; `Unknown` means that nobody can tell yet.
    async fn append(
        &self,
        subject: &Subject,
        expected: Version,
        commit: Commit,
        deadline: Deadline,
    ) -> Result<Appended, AppendError>;

    /// The whole history of a subject, oldest first, read from the stream's leader; empty when there is none. It holds at least
    /// everything up to `at_least` (a stream sequence, 0 for "whatever is there"): a reader that lies behind is an error.
    async fn history(
        &self,
        subject: &Subject,
        at_least: u64,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError>;

    /// The history of a delivered message, at least up to that message. What came later wakes by itself, so the first of a history is all
    /// that need be known of it, and nothing has to be read.
    async fn history_up_to(
        &self,
        message: &Recorded,
        deadline: Deadline,
    ) -> Result<Vec<Recorded>, ReadError> {
        if message.is_first() {
            return Ok(vec![message.clone()]);
        }
        self.history(&message.subject, message.sequence, deadline).await
    }

    /// The newest message of a subject, read from the stream's leader.
    async fn last(&self, subject: &Subject, deadline: Deadline) -> Result<Option<Recorded>, ReadError>;

    /// The end of the stream now, read from its leader.
    async fn end(&self, deadline: Deadline) -> Result<Position, ReadError>;

    /// How full it is.
    async fn usage(&self, deadline: Deadline) -> Result<Usage, ReadError>;

    /// Everything after `after` (`None`: from the first message), in order and without holes, then what comes. Waits through broken
    /// connections; ends only with an error that makes the process stop.
    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, FollowError>>;
}
