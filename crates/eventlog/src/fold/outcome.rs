//! What a fold hands out: states, changes, outcomes and reasons.

use std::sync::Arc;

use voordeur_kernel::ErrorKind;

use crate::{AppendError, Header, Position, ReadError, Subject, Version};

/// An event that this release cannot take in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The payload is damaged or of a later release. Say what, never anything of the content.
    #[error("the event cannot be read: {0}")]
    Event(String),
    /// This is not the first event of its history and there is no state to add it to: the history had left memory. The fold reads it
    /// again from the log.
    #[error("earlier events of the history are needed")]
    EarlierEventsNeeded,
}

/// A history as it stands.
#[derive(Debug)]
pub struct Held<S> {
    /// Its state.
    pub state: Arc<S>,
    /// Its version.
    pub version: Version,
}

impl<S> Clone for Held<S> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), version: self.version }
    }
}

/// A history moved.
#[derive(Debug)]
pub struct Change<S> {
    /// Which one.
    pub subject: Subject,
    /// Sequence of the message that moved it.
    pub sequence: u64,
    /// Its state after it.
    pub state: Arc<S>,
    /// Headers of the message, for its trace context: whoever shows this change links to where it came from.
    pub headers: Arc<[Header]>,
}

impl<S> Clone for Change<S> {
    fn clone(&self) -> Self {
        Self {
            subject: self.subject.clone(),
            sequence: self.sequence,
            state: Arc::clone(&self.state),
            headers: Arc::clone(&self.headers),
        }
    }
}

/// Why the fold cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// It has not read the whole stream yet.
    #[error("still reading the log; try again in a moment")]
    NotReady,
    /// This history holds an event that this release cannot read.
    #[error(
        "this history is frozen: it holds an event that this release cannot read; install a newer release"
    )]
    Frozen,
    /// The wanted position was not reached in time.
    #[error("the deadline passed while catching up")]
    TimedOut,
    /// The wanted position is of another stream or of another life of it.
    #[error("the position is not one of this stream; ask without a position")]
    ForeignPosition,
    /// Reading the history did not succeed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl FoldError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady | Self::Frozen => ErrorKind::Unavailable,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::ForeignPosition => ErrorKind::Invalid,
            Self::Read(error) => error.kind(),
        }
    }
}

/// Why a command did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E> {
    /// The decision was no. Nothing changed.
    #[error("refused")]
    Refused(E),
    /// The state could not be had. Nothing changed.
    #[error(transparent)]
    Fold(FoldError),
    /// The append did not succeed; see its kinds for what that means.
    #[error(transparent)]
    Append(AppendError),
    /// Too many others changed the same history at once. Nothing changed.
    #[error("too many changes of the same history at once; try again")]
    Contended,
}

impl<E> From<FoldError> for ExecuteError<E> {
    fn from(error: FoldError) -> Self {
        Self::Fold(error)
    }
}

/// What to expect of a history before the first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Probably not there: try as its first event without looking. A conflict makes us look and decide again.
    New,
    /// Probably there: look first, in memory and then in the log.
    Known,
}

/// A command took effect, or had done so before.
#[derive(Debug)]
pub struct Executed<S> {
    /// The history after it.
    pub state: Arc<S>,
    /// Its version.
    pub version: Version,
    /// A position from which the effect can be seen.
    pub position: Position,
    /// Whether this call stored something.
    pub changed: bool,
}

/// Fingerprint of what a replica has in memory: equal positions must mean equal digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// How far the fold has read.
    pub position: Option<Position>,
    /// Histories in memory.
    pub histories: usize,
    /// Histories that are frozen.
    pub frozen: usize,
    /// 128 bits over keys, versions and states, in whatever order they are kept.
    pub value: u128,
}
