//! The two-sided count: every signal has exactly one task, and every task of a signal has its signal.

use std::collections::{HashMap, HashSet};

use prost::Message as _;
use voordeur_contracts::event::{SignalEvent, signal_event::Change};
use voordeur_eventlog::Recorded;
use voordeur_kernel::{SignalId, TaskId};

use super::{half, rules::nanoseconds};

/// Signals and what they have. A signal that is withdrawn counts like any other: its task asks whoever holds it.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Received and without a task yet; when, in nanoseconds.
    waiting: HashMap<SignalId, i64>,
    /// A task is there and the signal was not seen: the two streams are read apart.
    early: HashMap<SignalId, TaskId>,
    /// Halves of the ids of those that have both.
    matched: HashSet<u64>,
}

impl Signals {
    /// `false` when the message cannot be read.
    pub(super) fn message(&mut self, message: &Recorded) -> bool {
        let Ok(signal) = SignalId::parse_hex(message.subject.key()) else { return false };
        let Ok(event) = SignalEvent::decode(&*message.data) else { return false };
        let Some(change) = event.change else { return false };
        if self.matched.contains(&half(signal.as_bytes())) {
            return true;
        }
        let known = self.early.remove(&signal).is_some();
        // Of an erased signal only what came last is left, and nothing is asked of it any more.
        if known || matches!(change, Change::Erased(_)) {
            self.waiting.remove(&signal);
            self.matched.insert(half(signal.as_bytes()));
        } else if let Change::Received(_) = change {
            let received = event.meta.as_ref().and_then(|meta| meta.recorded_at.as_ref());
            let stored = || i64::try_from(message.stored_at.as_nanosecond()).unwrap_or(i64::MAX);
            self.waiting.insert(signal, received.map_or_else(stored, nanoseconds));
        }
        true
    }

    /// A task was made for a signal; `false` when it had one.
    pub(super) fn task_made(&mut self, signal: SignalId, task: TaskId) -> bool {
        if self.matched.contains(&half(signal.as_bytes())) {
            return false;
        }
        if self.waiting.remove(&signal).is_some() {
            return self.matched.insert(half(signal.as_bytes()));
        }
        self.early.insert(signal, task).is_none()
    }

    pub(super) fn without_task(&self) -> impl Iterator<Item = (SignalId, i64)> + '_ {
        self.waiting.iter().map(|(signal, received)| (*signal, *received))
    }

    pub(super) fn unknown(&self) -> impl Iterator<Item = (SignalId, TaskId)> + '_ {
        self.early.iter().map(|(signal, task)| (*signal, *task))
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.matched.len()
    }

    pub(super) fn weight(&self) -> usize {
        self.waiting.capacity() * (size_of::<(SignalId, i64)>() + 1)
            + self.early.capacity() * (size_of::<(SignalId, TaskId)>() + 1)
            + self.matched.capacity() * (size_of::<u64>() + 1)
    }
}
