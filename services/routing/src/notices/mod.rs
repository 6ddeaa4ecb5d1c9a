//! Telling people that they must act: once, at a moment that is theirs, and never about whom.
//!
//! What there is to tell follows from the tasks themselves (`board`), so a lost process loses nothing. How far somebody was told by mail
//! is a history of its own, `voordeur.notice.v1.<person>`: a replica claims by compare-and-set, sends, and records (`sending`). Two replicas
//! never send the same by design; when a sender dies before it recorded, the next attempt carries the same Message-ID. The watch of the
//! gRPC service reads the same board.

pub(crate) mod board;
mod codec;
mod follow;
pub(crate) mod mail;
pub(crate) mod moment;
mod plan;
pub(crate) mod sending;
pub mod smtp;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{Notify, broadcast, watch};
use voordeur_directory::MailAddress;
use voordeur_eventlog::{Position, Subject, log::BadSubject};
use voordeur_kernel::{ProfessionalKey, limits};

pub use codec::{notice_event, write_notice};
pub use mail::Mail;

use board::{Board, Entry};

pub(crate) use follow::follow;
pub(crate) use sending::{Sending, run as send};

/// Histories of how far somebody was told.
pub(crate) const PREFIX: &str = "voordeur.notice.v1";

/// How far somebody was told.
fn subject(person: &ProfessionalKey) -> Result<Subject, BadSubject> {
    Subject::of(PREFIX, person.as_str())
}

/// Why something could not be handed over: a stable code, never what the other side said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotSent {
    /// No connection, or it broke.
    Connection,
    /// No answer in time; it may have arrived.
    NoAnswer,
    /// No secure connection.
    Tls,
    /// Whoever answers cannot show that it is the server.
    Certificate,
    /// It said: not now.
    RefusedForNow,
    /// It said: no.
    Refused,
    /// The address or the settings are no good.
    Unusable,
}

impl NotSent {
    /// Every code.
    pub const ALL: [Self; 7] = [
        Self::Connection,
        Self::NoAnswer,
        Self::Tls,
        Self::Certificate,
        Self::RefusedForNow,
        Self::Refused,
        Self::Unusable,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connection => "CONNECTION",
            Self::NoAnswer => "NO_ANSWER",
            Self::Tls => "TLS",
            Self::Certificate => "CERTIFICATE",
            Self::RefusedForNow => "REFUSED_FOR_NOW",
            Self::Refused => "REFUSED",
            Self::Unusable => "UNUSABLE",
        }
    }

    /// Where an operator looks.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Connection => "does the server of mail.server listen at mail.port?",
            Self::NoAnswer => "the server takes longer than mail.timeout_s",
            Self::Tls => "does mail.tls fit the server: starttls mostly at port 587, tls at port 465?",
            Self::Certificate => {
                "the server's certificate is not trusted: name the authority that signed it with mail.ca_file, and the server with \
                 mail.server as its certificate does; has it expired?"
            }
            Self::RefusedForNow => "the server says what it lacks in its own log",
            Self::Refused => {
                "does the server know mail.from, the user and password, and the address in the directory?"
            }
            Self::Unusable => "look at mail.from, mail.tls and the address in the directory",
        }
    }
}

/// Hands a mail over to who delivers it.
#[async_trait]
pub trait Notifier: Send + Sync + fmt::Debug {
    /// Hands one mail over. `Ok` means that the other side has taken it.
    ///
    /// # Errors
    /// Why it was not, as far as anybody knows, taken.
    async fn send(&self, to: &MailAddress, mail: &Mail) -> Result<(), NotSent>;
}

/// The board, shared, and how to hear of what is new on it.
pub(crate) struct Desk {
    board: Mutex<Board>,
    /// How far the stream was read; `None` until it was read once.
    read: watch::Sender<Option<Position>>,
    news: broadcast::Sender<Entry>,
    wake: Notify,
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            board: Mutex::default(),
            read: watch::Sender::new(None),
            news: broadcast::Sender::new(limits::WATCH_BACKLOG_MAX),
            wake: Notify::new(),
        })
    }

    /// A short look.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything new from now on.
    pub(crate) fn news(&self) -> broadcast::Receiver<Entry> {
        self.news.subscribe()
    }

    /// How far the stream was read, once it was read to its end.
    pub(crate) fn position(&self) -> Option<Position> {
        self.read.borrow().clone()
    }

    /// Waits until a place in the stream was read.
    pub(crate) async fn reached(&self, sequence: u64) {
        let mut read = self.read.subscribe();
        let there = |read: &Option<Position>| read.as_ref().is_some_and(|now| now.sequence >= sequence);
        // The sender lives as long as we do.
        let _ = read.wait_for(there).await;
    }
}
