//! Who is still to be told what, from the events of tasks alone; and how far she was told by mail.

use std::collections::{BTreeSet, HashMap};

use voordeur_contracts::event::{TaskEvent, TaskState};
use voordeur_eventlog::Recorded;
use voordeur_kernel::{ProfessionalKey, TaskId, Timestamp};
use voordeur_routing_domain::{
    notice::{Hands, is_safety, notices},
    task::Actor,
    words::NoticeReason,
};

use super::codec::{Told, Wire};
use crate::codec::{read, read_task};

/// One thing to tell somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Whom.
    pub(crate) to: ProfessionalKey,
    /// About which task.
    pub(crate) task: TaskId,
    /// Why.
    pub(crate) reason: NoticeReason,
    /// Place in TASKS of the event that asks for it.
    pub(crate) sequence: u64,
    /// When that was recorded.
    pub(crate) at: Timestamp,
    /// It went out by mail.
    pub(crate) mailed: bool,
}

/// A claim that is not settled: one replica is sending, or died doing so, or tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The same for every attempt.
    pub(crate) notice_id: [u8; 16],
    /// What is told.
    pub(crate) told: Vec<Told>,
    pub(crate) up_to: u64,
    /// Until then nobody else may try.
    pub(crate) until: Timestamp,
    /// How often it was tried before.
    pub(crate) attempt: u32,
}

impl Claim {
    /// Is anything of it about safety?
    pub(crate) fn is_safety(&self) -> bool {
        self.told.iter().any(|told| is_safety(told.reason))
    }
}

/// How far somebody was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Place of its last event; 0: none yet.
    pub(crate) version: u64,
    /// Number of its events.
    pub(crate) ordinal: u32,
    /// What is not settled: at most one that is about safety, and one that is not.
    pub(crate) claims: Vec<Claim>,
}

#[derive(Debug, Default)]
struct Person {
    tasks: BTreeSet<TaskId>,
    history: History,
}

/// The board. Bounded: what nobody must act on any more is taken off, and a person is told one thing about one task once.
#[derive(Debug, Default)]
pub(crate) struct Board {
    tasks: HashMap<TaskId, Vec<Entry>>,
    people: HashMap<ProfessionalKey, Person>,
}

impl Board {
    /// Takes in an event of a task; what is new.
    pub(crate) fn task_event(&mut self, message: &Recorded, event: &TaskEvent) -> Vec<Entry> {
        // What cannot be read here freezes the history in the fold, with an alarm.
        let Ok(id) = TaskId::parse_hex(message.subject.key()) else { return Vec::new() };
        let Some(standing) = &event.standing else { return Vec::new() };
        let Ok((meta, change)) = read_task(event, message.commit) else { return Vec::new() };
        let Ok(holder) = read::maybe(&standing.holder, "holder", read::person) else { return Vec::new() };
        let Ok(coordinator) = read::person(&standing.coordinator, "coordinator") else { return Vec::new() };
        let state = standing.state();
        if matches!(state, TaskState::Completed | TaskState::Cancelled | TaskState::EnteredInError) {
            self.take_off(id);
            return Vec::new();
        }
        let hands = Hands { holder: holder.as_ref(), coordinator: &coordinator };
        let new: Vec<Entry> = notices(&change, &meta.actor, hands)
            .into_iter()
            .map(|notice| Entry {
                to: notice.to,
                task: id,
                reason: notice.reason,
                sequence: message.sequence,
                at: meta.recorded_at,
                mailed: false,
            })
            .collect();
        let mut entries = self.tasks.remove(&id).unwrap_or_default();
        let people: Vec<_> = entries.iter().map(|entry| entry.to.clone()).collect();
        let acted =
            |person: &ProfessionalKey| matches!(&meta.actor, Actor::Person(actor, _) if actor == person);
        let offered =
            |person: &ProfessionalKey| standing.offered_to.iter().any(|name| name == person.as_str());
        entries.retain(|entry| {
            let hers = holder.as_ref() == Some(&entry.to);
            let stands = match entry.reason {
                NoticeReason::Request => offered(&entry.to),
                NoticeReason::Safety | NoticeReason::SafetyAgain => offered(&entry.to) || hers,
                NoticeReason::Yours | NoticeReason::Reminder => hers,
                NoticeReason::Escalated | NoticeReason::CancellationAsked | NoticeReason::HolderAway => {
                    hers || entry.to == coordinator || offered(&entry.to)
                }
                NoticeReason::TransferAsked | NoticeReason::AskedAlong | NoticeReason::Meeting => true,
            };
            // Who acted on it knows of it, and what is told again is told anew.
            stands
                && !acted(&entry.to)
                && !new.iter().any(|fresh| fresh.to == entry.to && same(fresh.reason, entry.reason))
        });
        entries.extend(new.iter().cloned());
        for person in people.iter().filter(|person| entries.iter().all(|entry| entry.to != **person)) {
            self.off_her_list(person, id);
        }
        for entry in &new {
            self.people.entry(entry.to.clone()).or_default().tasks.insert(id);
        }
        if !entries.is_empty() {
            entries.shrink_to_fit();
            self.tasks.insert(id, entries);
        }
        new
    }

    /// Takes in an event about how far somebody was told.
    pub(crate) fn notice_event(&mut self, message: &Recorded, person: &ProfessionalKey, event: Wire) {
        let known = self.people.entry(person.clone()).or_default();
        let history = &mut known.history;
        history.version = message.sequence;
        history.ordinal = history.ordinal.saturating_add(1);
        match event {
            Wire::Claimed(claim) => {
                history.claims.retain(|other| other.notice_id != claim.notice_id);
                history.claims.push(claim);
            }
            Wire::Failed { notice_id, again_at, .. } => {
                if let Some(claim) = history.claims.iter_mut().find(|claim| claim.notice_id == notice_id) {
                    claim.until = again_at;
                }
            }
            Wire::Sent { up_to, notice_id } | Wire::PassedOver { up_to, notice_id } => {
                let claims = std::mem::take(&mut history.claims);
                let (settled, rest) =
                    claims.into_iter().partition(|claim: &Claim| claim.notice_id == notice_id);
                history.claims = rest;
                let told: Vec<Told> = Vec::into_iter(settled).flat_map(|claim: Claim| claim.told).collect();
                let tasks: Vec<TaskId> = known.tasks.iter().copied().collect();
                for id in tasks {
                    for entry in self.tasks.get_mut(&id).into_iter().flatten() {
                        let claimed = || {
                            told.iter().any(|told| {
                                told.task == id
                                    && told.reason == entry.reason
                                    && entry.sequence <= told.sequence
                            })
                        };
                        if entry.to == *person && (entry.sequence <= up_to || claimed()) {
                            entry.mailed = true;
                        }
                    }
                }
            }
        }
    }

    /// What somebody was told or is to be told and may still stand, oldest first.
    pub(crate) fn entries(&self, person: &ProfessionalKey) -> Vec<Entry> {
        let Some(known) = self.people.get(person) else { return Vec::new() };
        let mut entries: Vec<Entry> = known
            .tasks
            .iter()
            .filter_map(|id| self.tasks.get(id))
            .flatten()
            .filter(|entry| entry.to == *person)
            .cloned()
            .collect();
        entries.sort_by_key(|entry| (entry.sequence, entry.reason));
        entries
    }

    /// How far somebody was told.
    pub(crate) fn history(&self, person: &ProfessionalKey) -> History {
        self.people.get(person).map(|known| known.history.clone()).unwrap_or_default()
    }

    /// Takes off what does not stand any more, as somebody found who looked at the task itself.
    pub(crate) fn forget(&mut self, gone: &Entry) {
        let Some(entries) = self.tasks.get_mut(&gone.task) else { return };
        entries.retain(|entry| {
            !(entry.to == gone.to && entry.reason == gone.reason && entry.sequence == gone.sequence)
        });
        let still_hers = entries.iter().any(|entry| entry.to == gone.to);
        if entries.is_empty() {
            self.tasks.remove(&gone.task);
        }
        if !still_hers {
            self.off_her_list(&gone.to, gone.task);
        }
    }

    fn take_off(&mut self, id: TaskId) {
        for entry in self.tasks.remove(&id).unwrap_or_default() {
            self.off_her_list(&entry.to, id);
        }
    }

    fn off_her_list(&mut self, person: &ProfessionalKey, id: TaskId) {
        if let Some(known) = self.people.get_mut(person) {
            known.tasks.remove(&id);
            if known.tasks.is_empty() && known.history == History::default() {
                self.people.remove(person);
            }
        }
    }

    /// How many things stand on it.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.tasks.values().map(Vec::len).sum()
    }
}

/// The same thing, said again.
fn same(one: NoticeReason, other: NoticeReason) -> bool {
    one == other || is_safety(one) && is_safety(other)
}
