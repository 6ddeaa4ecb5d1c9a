//! An independent check, from the log alone, that no signal lies anywhere.
//!
//! It reads wire events and nothing else: the standing and the deadlines that every event of a task carries, and the signals. It never
//! asks the code that decides about tasks, so a mistake there shows here. [`Auditor`] is a plain value that is fed message by message, in
//! the order of each stream, and asked at any moment what is wrong; the service keeps one beside its fold, and `voordeur audit` feeds one
//! from the broker.

mod finding;
mod names;
mod rules;
mod signals;
#[cfg(test)]
mod tests;
pub(crate) mod watch;

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use voordeur_contracts::event::{ClockKind, TaskEvent, TaskState, task_event::Change, task_trigger::Source};
use voordeur_eventlog::Recorded;
use voordeur_kernel::{SignalId, TaskId, Timestamp};

pub use finding::{Finding, FindingKind, Report};

use finding::Findings;
use names::{Name, Names};
use rules::{Due, deadlines, is_final, touched};
use signals::Signals;

/// Who the directory in force knows.
pub trait InForce {
    /// Does she work with children's cases at this centre, or at a neighbour whose people may be asked for it?
    fn works_for(&self, person: &str, centre: &str) -> bool;
    /// Is she one of its coordinators?
    fn coordinates(&self, person: &str, centre: &str) -> bool;
}

impl InForce for voordeur_directory::Directory {
    fn works_for(&self, person: &str, centre: &str) -> bool {
        voordeur_directory::Directory::works_for(self, person, centre)
    }

    fn coordinates(&self, person: &str, centre: &str) -> bool {
        self.coordinators_of(centre).any(|coordinator| coordinator.key.as_str() == person)
    }
}

/// A moment at which it is asked what is wrong.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Now.
    pub now: Timestamp,
    /// Seconds that something due may take to get its event: what is younger is in hand.
    pub grace_s: i64,
    /// The directory in force, and since when it is; what depends on it gets the same grace. `None`: not looked at.
    pub directory: Option<(&'a dyn InForce, Timestamp)>,
}

/// What is kept of an open task: about a hundred bytes.
#[derive(Debug)]
struct Open {
    ordinal: u32,
    state: TaskState,
    holder: Name,
    coordinator: Name,
    centre: Name,
    offered: Box<[Name]>,
    deadlines: Box<[Due]>,
}

#[derive(Debug)]
struct Ended {
    ordinal: u32,
    state: TaskState,
}

/// The check. See the module.
#[derive(Debug, Default)]
pub struct Auditor {
    /// In order rather than by hash, since a large table stands half empty after it doubled.
    tasks: BTreeMap<TaskId, Open>,
    /// Tasks that have ended, by the first half of their ids: those are derived with a key, so halves meet as seldom as chance allows.
    ended: HashMap<u64, Ended>,
    signals: Signals,
    names: Names,
    findings: Findings,
    sequence: u64,
}

impl Auditor {
    /// Takes in a message of the stream TASKS; what is no history of a task is passed by.
    pub fn task_message(&mut self, message: &Recorded) {
        self.sequence = self.sequence.max(message.sequence);
        if message.subject.prefix() != crate::machine::TASK_PREFIX {
            return;
        }
        match TaskEvent::decode(&*message.data) {
            Ok(event) => self.task_event(message, &event),
            Err(_) => {
                let task = TaskId::parse_hex(message.subject.key()).ok();
                self.note(FindingKind::Unreadable, task, message.sequence);
            }
        }
    }

    /// Takes in an event of a task that was decoded before.
    pub(crate) fn task_event(&mut self, message: &Recorded, event: &TaskEvent) {
        let sequence = message.sequence;
        self.sequence = self.sequence.max(sequence);
        let id = TaskId::parse_hex(message.subject.key()).ok();
        let (Some(id), Some(meta), Some(standing), Some(change)) =
            (id, &event.meta, &event.standing, &event.change)
        else {
            return self.note(FindingKind::Unreadable, id, sequence);
        };
        if let Some(ended) = self.ended.get_mut(&half(id.as_bytes())) {
            // More work makes a new task; the one that has ended only hears which.
            let goes_on = matches!(change, Change::Linked(_)) && standing.state() == ended.state;
            let gap = meta.ordinal != ended.ordinal.saturating_add(1);
            ended.ordinal = meta.ordinal;
            if gap {
                self.note(FindingKind::OrdinalGap, Some(id), sequence);
            }
            if !goes_on {
                self.note(FindingKind::MovedAfterEnd, Some(id), sequence);
            }
            return;
        }
        let before = self.tasks.remove(&id);
        if meta.ordinal != before.as_ref().map_or(0, |before| before.ordinal).saturating_add(1) {
            self.note(FindingKind::OrdinalGap, Some(id), sequence);
        }
        if let Change::Requested(_) = change {
            let source = standing.trigger.as_ref().and_then(|trigger| trigger.source.as_ref());
            if let Some(Source::Signal(signal)) = source {
                match SignalId::parse_bytes(signal) {
                    Ok(signal) if !self.signals.task_made(signal, id) => {
                        self.findings.add(Finding {
                            signal: Some(signal),
                            ..Finding::of(FindingKind::SignalHasTwoTasks, Some(id), sequence)
                        });
                    }
                    Ok(_) => {}
                    Err(_) => self.note(FindingKind::Unreadable, Some(id), sequence),
                }
            }
        }
        let recorded_at = meta.recorded_at.as_ref().map_or(0, rules::nanoseconds);
        let known = before.as_ref().map_or(&[][..], |before| &before.deadlines);
        let after = match deadlines(change) {
            None => known.to_vec(),
            Some(wire) => {
                let after: Option<Vec<Due>> = wire.iter().map(Due::of).collect();
                let Some(after) = after else {
                    return self.note(FindingKind::Unreadable, Some(id), sequence);
                };
                if let Some(kind) = touched(change, known, &after, recorded_at, before.is_none()) {
                    self.note(kind, Some(id), sequence);
                }
                after
            }
        };
        let state = standing.state();
        if is_final(state) {
            self.ended.insert(half(id.as_bytes()), Ended { ordinal: meta.ordinal, state });
            return;
        }
        let names = &mut self.names;
        let open = Open {
            ordinal: meta.ordinal,
            state,
            holder: names.of(&standing.holder),
            coordinator: names.of(&standing.coordinator),
            centre: names.of(&standing.centre),
            offered: standing.offered_to.iter().map(|name| names.of(name)).collect(),
            deadlines: after.into(),
        };
        self.tasks.insert(id, open);
    }

    /// It was read up to here, also where nothing is.
    pub fn read_up_to(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// Takes in a message of the stream SIGNALS.
    pub fn signal_message(&mut self, message: &Recorded) {
        if !self.signals.message(message) {
            self.findings.add(Finding::of(FindingKind::Unreadable, None, message.sequence));
        }
    }

    /// How many open tasks it knows.
    #[must_use]
    pub fn open_tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Bytes it takes, as far as it can tell.
    #[must_use]
    pub fn weight(&self) -> usize {
        let open: usize =
            self.tasks.values().map(|open| size_of_val(&*open.offered) + size_of_val(&*open.deadlines)).sum();
        // Nodes are about two thirds full.
        self.tasks.len() * (size_of::<TaskId>() + size_of::<Open>()) * 3 / 2
            + open
            + self.ended.capacity() * (size_of::<(u64, Ended)>() + 1)
            + self.signals.weight()
    }

    /// Everything that is wrong at a moment: what the histories themselves showed, and what stands there now.
    #[must_use]
    pub fn report(&self, moment: Moment<'_>) -> Report {
        let mut findings = self.findings.clone();
        let now = i64::try_from(moment.now.as_nanosecond()).unwrap_or(i64::MAX);
        let grace = moment.grace_s.saturating_mul(rules::SECOND);
        let since = |due: i64| Timestamp::from_nanosecond(due.into()).ok();
        let directory = moment
            .directory
            .filter(|(_, since)| {
                now.saturating_sub(i64::try_from(since.as_nanosecond()).unwrap_or(0)) >= grace
            })
            .map(|(directory, _)| directory);
        let mut oldest_overdue_s = 0;
        for (id, open) in &self.tasks {
            let mut add = |kind, since| {
                findings.add(Finding { since, ..Finding::of(kind, Some(*id), 0) });
            };
            if !open.has_somebody() {
                add(FindingKind::NobodyExpected, None);
            }
            match open.deadlines.iter().map(|deadline| deadline.due).min() {
                None => add(FindingKind::NoDeadline, None),
                Some(due) => {
                    let late = now.saturating_sub(due);
                    oldest_overdue_s = oldest_overdue_s.max(late / rules::SECOND);
                    if late > grace {
                        add(FindingKind::DeadlineOverdue, since(due));
                    }
                }
            }
            if let Some(directory) = directory
                && !self.somebody_known(open, directory)
            {
                add(FindingKind::NotInDirectory, None);
            }
        }
        for (signal, received) in self.signals.without_task() {
            if now.saturating_sub(received) > grace {
                findings.add(Finding {
                    signal: Some(signal),
                    since: since(received),
                    ..Finding::of(FindingKind::SignalWithoutTask, None, 0)
                });
            }
        }
        for (signal, task) in self.signals.unknown() {
            findings.add(Finding {
                signal: Some(signal),
                ..Finding::of(FindingKind::TaskWithoutSignal, Some(task), 0)
            });
        }
        Report {
            findings,
            open_tasks: self.tasks.len(),
            ended_tasks: self.ended.len(),
            signals: self.signals.len(),
            up_to_sequence: self.sequence,
            oldest_overdue_s: oldest_overdue_s.max(0),
        }
    }

    /// Is somebody who is expected to act known? While the coordinator is asked who goes on, it is she.
    fn somebody_known(&self, open: &Open, directory: &dyn InForce) -> bool {
        let text = |name: Name| self.names.text(name);
        let centre = text(open.centre);
        let coordinates = || directory.coordinates(text(open.coordinator), centre);
        let asked = |clock: ClockKind| open.deadlines.iter().any(|deadline| deadline.clock == clock as i32);
        if !open.holder.is_none() {
            // A clock that rang before has told the coordinator.
            let told =
                asked(ClockKind::HolderAway) || open.deadlines.iter().any(|deadline| deadline.round > 0);
            return directory.works_for(text(open.holder), centre) || told && coordinates();
        }
        open.offered.iter().any(|person| directory.works_for(text(*person), centre))
            || open.state == TaskState::CancelRequested && coordinates()
    }

    fn note(&mut self, kind: FindingKind, task: Option<TaskId>, sequence: u64) {
        self.findings.add(Finding::of(kind, task, sequence));
    }
}

impl Open {
    /// Somebody is expected to act: who holds it, who is asked, or who decides whether it ends.
    fn has_somebody(&self) -> bool {
        match self.state {
            TaskState::Requested => !self.offered.is_empty(),
            TaskState::CancelRequested => !self.holder.is_none() || !self.coordinator.is_none(),
            _ => !self.holder.is_none(),
        }
    }
}

/// The first half of an id.
fn half(id: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *id;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
