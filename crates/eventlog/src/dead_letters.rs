//! Messages that could not be handled: each is a history of its own, `voordeur.dead.v1.<service>.<stream>.<sequence>`, so that
//! parking the same message twice is settled by compare-and-set, and trying again is one more event.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use prost::Message as _;
use voordeur_contracts::{
    common::{Actor, actor::Who},
    convert::to_wire_time,
    event::{
        self, DeadLetterEvent, EventMeta, MessageParked, ReplayFailed, ReplayRequested, ReplaySucceeded,
        dead_letter_event::Change,
    },
};
use voordeur_kernel::{Clock, CommitId, ErrorKind, limits};

use crate::{
    AppendError, Commit, Deadline, EventLog, Followed, Header, ReadError, Recorded, StreamName, Subject,
    Version, wire,
};

/// `ce-type` of these histories.
pub const KIND: &str = "nl.voordeur.dead.v1";

/// Why a message could not be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Stable code, for instance `UNREADABLE`.
    pub reason: String,
    /// What went wrong, without anything of the payload.
    pub detail: String,
}

/// Where a parked message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits for an operator.
    Parked,
    /// It is going to be tried again.
    ReplayRequested,
    /// It was handled after all.
    Handled,
}

/// A parked message with its history.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its history.
    pub subject: Subject,
    /// Version of the history.
    pub version: Version,
    /// The service that could not handle it.
    pub service: String,
    /// Where the message stands that could not be handled.
    pub stream: StreamName,
    /// Its sequence there.
    pub sequence: u64,
    /// The newest cause.
    pub cause: Cause,
    /// How often it was tried again.
    pub replays: u32,
    /// Where it stands.
    pub standing: Standing,
    /// The message, whole.
    pub message: Recorded,
    events: u32,
}

/// Why a dead letter could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// There is no such dead letter.
    #[error("there is no such dead letter; `voordeur dead-letters list` shows which there are")]
    NotFound,
    /// It was handled already, or is being tried.
    #[error("it is not waiting: it was handled already or is being tried again")]
    NotWaiting,
    /// Its history cannot be read.
    #[error("the dead letter itself cannot be read: {0}")]
    Unreadable(String),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log cannot be written.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl DeadLetterError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::NotWaiting => ErrorKind::Refused,
            Self::Unreadable(_) => ErrorKind::Broken,
            Self::Read(error) => error.kind(),
            Self::Append(error) => error.kind(),
        }
    }
}

/// The dead letters of every service.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
}

impl DeadLetters {
    /// On the log of [`StreamName::DeadLetters`].
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock }
    }

    /// Keeps a message whole. Parking it again changes nothing.
    ///
    /// # Errors
    /// When it could not be stored; then the message must not be acknowledged.
    pub async fn park(
        &self,
        service: &'static str,
        consumer: &str,
        stream: StreamName,
        message: &Recorded,
        cause: &Cause,
        deadline: Deadline,
    ) -> Result<(), DeadLetterError> {
        let subject = subject(service, stream, message.sequence)?;
        let parked = MessageParked {
            stream: stream.to_string(),
            sequence: message.sequence,
            subject: message.subject.to_string(),
            consumer: consumer.to_owned(),
            payload: message.data.clone(),
            headers: message
                .headers
                .iter()
                .map(|header| event::Header { name: header.name.clone(), value: header.value.clone() })
                .collect(),
            reason: cause.reason.clone(),
            detail: cause.detail.clone(),
        };
        match self.append(&subject, Version::ABSENT, 1, service, Change::Parked(parked), deadline).await {
            // It has been parked before: by another replica, or by ourselves before a crash.
            Err(AppendError::Conflict) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One dead letter.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub async fn get(&self, subject: &Subject, deadline: Deadline) -> Result<DeadLetter, DeadLetterError> {
        let history = self.log.history(subject, 0, deadline).await?;
        fold(&history)?.ok_or(DeadLetterError::NotFound)
    }

    /// Every dead letter, in the order in which they were parked; those that were handled only when `handled_too`. One that cannot be
    /// read itself hides no others: it is left out, with an alarm.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn list(&self, handled_too: bool) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let mut histories: Vec<(Subject, Vec<Recorded>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        let mut stream = self.log.follow(None);
        while let Some(next) = stream.next().await {
            match next {
                Ok(Followed::Message(message)) => {
                    let place = *places.entry(message.subject.clone()).or_insert_with(|| {
                        histories.push((message.subject.clone(), Vec::new()));
                        histories.len() - 1
                    });
                    if let Some((_, history)) = histories.get_mut(place) {
                        history.push(message);
                    }
                }
                Ok(Followed::CaughtUp(_)) => break,
                Err(error) => return Err(DeadLetterError::Unreadable(error.to_string())),
            }
        }
        let mut letters = Vec::new();
        for (subject, history) in histories {
            match fold(&history) {
                Ok(letter) => letters.extend(letter),
                Err(error) => {
                    tracing::error!(%subject, %error, "a dead letter cannot be read; it stays where it is")
                }
            }
        }
        letters.retain(|letter| handled_too || letter.standing != Standing::Handled);
        Ok(letters)
    }

    /// Asks the service to try again.
    ///
    /// # Errors
    /// When it is not waiting, or the log cannot be reached.
    pub async fn request_replay(&self, subject: &Subject, deadline: Deadline) -> Result<(), DeadLetterError> {
        let letter = self.get(subject, deadline).await?;
        if letter.standing != Standing::Parked {
            return Err(DeadLetterError::NotWaiting);
        }
        self.settle(&letter, "operations", Change::ReplayRequested(ReplayRequested {}), deadline).await
    }

    /// Notes how trying again ended.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn replayed(
        &self,
        letter: &DeadLetter,
        service: &'static str,
        outcome: Result<(), Cause>,
        deadline: Deadline,
    ) -> Result<(), DeadLetterError> {
        let change = match outcome {
            Ok(()) => Change::ReplaySucceeded(ReplaySucceeded {}),
            Err(cause) => Change::ReplayFailed(ReplayFailed { reason: cause.reason, detail: cause.detail }),
        };
        self.settle(letter, service, change, deadline).await
    }

    async fn settle(
        &self,
        letter: &DeadLetter,
        by: &'static str,
        change: Change,
        deadline: Deadline,
    ) -> Result<(), DeadLetterError> {
        match self.append(&letter.subject, letter.version, letter.events + 1, by, change, deadline).await {
            // Another replica, or another operator, was first with the same step.
            Ok(()) | Err(AppendError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn append(
        &self,
        subject: &Subject,
        expected: Version,
        ordinal: u32,
        by: &'static str,
        change: Change,
        deadline: Deadline,
    ) -> Result<(), AppendError> {
        let now = self.clock.now();
        let id = step_id(subject, ordinal);
        let event = DeadLetterEvent {
            meta: Some(EventMeta {
                recorded_at: Some(to_wire_time(now)),
                actor: Some(Actor { who: Some(Who::Service(by.to_owned())) }),
                command_id: Bytes::copy_from_slice(id.as_bytes()),
                directory_version: 0,
                ordinal,
            }),
            change: Some(change),
        };
        let commit = Commit {
            id,
            kind: KIND,
            source: "voordeur/dead-letters",
            time: now,
            data: event.encode_to_vec().into(),
            trace: Vec::new(),
            urgent: false,
        };
        self.log.append(subject, expected, commit, deadline).await.map(|_| ())
    }
}

/// The history of one parked message.
fn subject(service: &str, stream: StreamName, sequence: u64) -> Result<Subject, DeadLetterError> {
    let prefix = StreamName::DeadLetters.prefixes().first().copied().unwrap_or_default();
    Subject::parse(&format!("{prefix}.{service}.{stream}.{sequence}"))
        .map_err(|error| DeadLetterError::Unreadable(error.to_string()))
}

/// The n-th step of one such history has one id, whoever takes it: nothing secret is in it, so it needs no key.
fn step_id(subject: &Subject, ordinal: u32) -> CommitId {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, subject.as_str(), ordinal).hash(&mut hasher);
        hasher.finish()
    };
    CommitId::from_bytes((u128::from(half(0)) << 64 | u128::from(half(1))).to_be_bytes())
}

fn fold(history: &[Recorded]) -> Result<Option<DeadLetter>, DeadLetterError> {
    let mut letter: Option<DeadLetter> = None;
    for recorded in history {
        let event = DeadLetterEvent::decode(recorded.data.clone())
            .map_err(|error| DeadLetterError::Unreadable(error.to_string()))?;
        let change = event.change.ok_or_else(|| DeadLetterError::Unreadable("an unknown event".into()))?;
        letter = match (letter, change) {
            (None, Change::Parked(parked)) => Some(unpark(recorded, parked)?),
            (Some(letter), change) => Some(DeadLetter {
                version: Version(recorded.sequence),
                events: letter.events + 1,
                ..advance(letter, change)
            }),
            (None, _) => {
                return Err(DeadLetterError::Unreadable("does not begin with a parked message".into()));
            }
        };
    }
    Ok(letter)
}

fn advance(letter: DeadLetter, change: Change) -> DeadLetter {
    match change {
        // Parked once more means nothing new.
        Change::Parked(_) => letter,
        Change::ReplayRequested(_) => {
            DeadLetter { standing: Standing::ReplayRequested, replays: letter.replays + 1, ..letter }
        }
        Change::ReplaySucceeded(_) => DeadLetter { standing: Standing::Handled, ..letter },
        Change::ReplayFailed(failed) => DeadLetter {
            standing: Standing::Parked,
            cause: Cause { reason: failed.reason, detail: failed.detail },
            ..letter
        },
    }
}

fn unpark(recorded: &Recorded, parked: MessageParked) -> Result<DeadLetter, DeadLetterError> {
    let broken = |what: &str| DeadLetterError::Unreadable(what.to_owned());
    let headers =
        parked.headers.into_iter().map(|header| Header { name: header.name, value: header.value }).collect();
    let service =
        recorded.subject.as_str().split('.').nth(3).ok_or_else(|| broken("its subject"))?.to_owned();
    // Whatever it stood under: also that nobody could read its subject may be why it was parked.
    let subject = Subject::unchecked(&parked.subject);
    let message = wire::recorded(subject, parked.sequence, recorded.stored_at, headers, parked.payload);
    Ok(DeadLetter {
        subject: recorded.subject.clone(),
        version: Version(recorded.sequence),
        service,
        stream: StreamName::by_name(&parked.stream).ok_or_else(|| broken("its stream"))?,
        sequence: parked.sequence,
        cause: Cause { reason: parked.reason, detail: parked.detail },
        replays: 0,
        standing: Standing::Parked,
        message,
        events: 1,
    })
}

/// How long one step of parking may take.
pub(crate) fn park_deadline() -> Deadline {
    Deadline::now() + limits::REQUEST_TIME_DEFAULT
}

#[cfg(test)]
mod tests {
    use voordeur_kernel::{ManualClock, Timestamp};

    use super::*;
    use crate::{Broker as _, memory::MemoryBroker};

    fn until() -> Deadline {
        Deadline::now() + std::time::Duration::from_secs(10)
    }

    #[tokio::test]
    async fn a_message_under_a_subject_that_we_would_not_write_is_kept_and_shown_too() {
        let broker = MemoryBroker::new();
        broker.apply(until()).await.unwrap();
        let log = broker.log(StreamName::DeadLetters);
        let letters = DeadLetters::new(Arc::clone(&log), Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)));
        let message = |subject: &str, sequence| {
            let subject = Subject::unchecked(subject);
            wire::recorded(subject, sequence, Timestamp::UNIX_EPOCH, Vec::new(), Bytes::from_static(b"x"))
        };
        let cause =
            Cause { reason: "UNREADABLE".to_owned(), detail: "the subject names no signal".to_owned() };
        for (subject, sequence) in [("voordeur.signal.v1.a~b", 1), ("voordeur.signal.v1.ab", 2)] {
            let message = message(subject, sequence);
            letters.park("routing", "c", StreamName::Signals, &message, &cause, until()).await.unwrap();
        }
        // What no release of ours wrote stands among them.
        let strange = Subject::parse("voordeur.dead.v1.routing.SIGNALS.3").unwrap();
        let commit = Commit {
            id: CommitId::from_bytes([9; 16]),
            kind: KIND,
            source: "test",
            time: Timestamp::UNIX_EPOCH,
            data: Bytes::from_static(&[0xff]),
            trace: Vec::new(),
            urgent: false,
        };
        log.append(&strange, Version::ABSENT, commit, until()).await.unwrap();
        let shown = letters.list(false).await.unwrap();
        let subjects: Vec<_> = shown.iter().map(|letter| letter.message.subject.as_str()).collect();
        assert_eq!(subjects, ["voordeur.signal.v1.a~b", "voordeur.signal.v1.ab"]);
        letters.request_replay(&shown[0].subject, until()).await.unwrap();
    }
}
