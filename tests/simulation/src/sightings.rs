//! What watchers saw, compared with what is stored: never an older state of an item after a newer one, never an item that is not
//! theirs, and whenever they are told that they have everything, they have everything.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use voordeur_contracts::{convert::from_wire_time, intake, routing};
use voordeur_intake_domain::life::{Signal, Stage};
use voordeur_kernel::{ProfessionalKey, SignalId, TaskId};
use voordeur_routing_domain::task::{Task, TaskState};

use crate::{
    watchers::{Sighting, Watcher, What},
    world::Broken,
};

/// Every state that each item had, each with the sequence of the event that made it.
#[derive(Default)]
pub struct States {
    pub(crate) tasks: BTreeMap<TaskId, Vec<(u64, Arc<Task>)>>,
    pub(crate) signals: BTreeMap<SignalId, Vec<(u64, Arc<Signal>)>>,
    /// Which tasks about a child were put on record as shown to whom.
    pub(crate) on_record: BTreeSet<(String, Vec<u8>)>,
}

impl States {
    /// The newest event of any signal.
    fn newest_signal(&self) -> Option<u64> {
        self.signals.values().filter_map(|all| all.last()).map(|(at, _)| *at).max()
    }

    /// The last states of a task, for whoever has to find out why.
    pub(crate) fn life_of(&self, id: TaskId) -> String {
        let all = self.tasks.get(&id).map(Vec::as_slice).unwrap_or_default();
        let state = |(at, task): &(u64, Arc<Task>)| {
            let clocks = task.deadlines.iter().map(|d| format!("{} {} {}", d.clock.name(), d.due, d.round));
            let clocks: Vec<String> = clocks.collect();
            format!("{} at {at} ({})", task.state.name(), clocks.join(", "))
        };
        let last: Vec<String> = all.iter().skip(all.len().saturating_sub(TRAIL)).map(state).collect();
        last.join("; ")
    }
}

/// What one watcher knows.
#[derive(Default)]
struct Known {
    watcher: Option<Watcher>,
    /// Place of the newest state that it saw, of each task.
    tasks: BTreeMap<TaskId, usize>,
    list: BTreeMap<TaskId, Box<routing::Task>>,
    /// Sequence of the newest state that it saw, of each signal.
    signals: BTreeMap<SignalId, u64>,
    /// Where it began without a position.
    began: Option<u64>,
    /// The newest event of any signal when the list was begun that it has not been told to be whole.
    listing: Option<u64>,
    /// The same of the lists that were cut before they were whole: what moved by then may only be told when it moves.
    cut: u64,
    caught_up: Option<u64>,
    /// The last things that it saw, for whoever has to find out why.
    trail: VecDeque<String>,
}

/// How many of them.
const TRAIL: usize = 12;

impl What {
    fn words(&self) -> String {
        match self {
            Self::Begins { anew: true } => "begins".to_owned(),
            Self::Begins { anew: false } => "resumes".to_owned(),
            Self::Task(task, at) => {
                format!("{} {:?} v{} at {at:?}", task.task_id, task.state(), task.version)
            }
            Self::Gone(id) => format!("{id} is gone"),
            Self::Signal(signal, at) => format!("{} {:?} at {at:?}", signal.signal_id, signal.status()),
            Self::CaughtUp(at) => format!("everything up to {at:?}"),
        }
    }
}

/// Looks at what watchers saw.
#[derive(Default)]
pub struct Lookout {
    known: BTreeMap<usize, Known>,
    broken: Vec<Broken>,
    /// Items that were seen, and how often somebody had everything.
    pub(crate) seen: u64,
}

impl Lookout {
    /// Looks at what is new.
    pub(crate) fn look(&mut self, states: &States, sightings: Vec<Sighting>) -> Vec<Broken> {
        for sighting in sightings {
            let Sighting { number, watcher, what } = sighting;
            let mut known = self.known.remove(&number).unwrap_or_default();
            known.watcher = Some(watcher.clone());
            self.seen += 1;
            known.trail.push_back(what.words());
            if known.trail.len() > TRAIL {
                known.trail.pop_front();
            }
            let found = match (&watcher, what) {
                (_, What::Begins { anew }) => {
                    known.cut = known.cut.max(known.listing.unwrap_or(0));
                    known.listing = states.newest_signal();
                    if anew {
                        known.cut = 0;
                        // Without a position another replica shows what it knows, which may be less.
                        known.list.clear();
                        known.tasks.clear();
                        known.began = None;
                        known.signals.clear();
                    }
                    Ok(())
                }
                (Watcher::Tasks { .. }, What::Task(task, at)) => known.task(states, &watcher, task, at),
                (_, What::Gone(id)) => {
                    id.parse().map_err(|_| (3, format!("{id} is no task"))).map(|id: TaskId| {
                        known.list.remove(&id);
                    })
                }
                (Watcher::Signals { organisation }, What::Signal(signal, at)) => {
                    known.signal(states, organisation, &signal, at)
                }
                (Watcher::Tasks { .. }, What::CaughtUp(at)) => known.tasks_caught_up(states, &watcher, at),
                (Watcher::Signals { organisation }, What::CaughtUp(at)) => {
                    known.signals_caught_up(states, organisation, at)
                }
                _ => Err((0, "an item of another watch".to_owned())),
            };
            if let Err((promise, what)) = found {
                let trail = Vec::from(known.trail.clone()).join("; ");
                self.broken
                    .push(Broken { promise, what: format!("watcher {number}: {what}; it saw {trail}") });
            }
            self.known.insert(number, known);
        }
        std::mem::take(&mut self.broken)
    }

    /// Whoever still watches at the end has been told that she has everything there is.
    pub(crate) fn at_the_end(&self, states: &States) -> Vec<Broken> {
        let newest_task = states.tasks.values().filter_map(|all| all.last()).map(|(at, _)| *at).max();
        let newest_signal = states.newest_signal();
        let behind = self.known.iter().filter(|(_, known)| {
            match known.watcher {
                Some(Watcher::Tasks { settled: true, .. }) => known.caught_up < newest_task,
                // She may be nobody here any more.
                Some(Watcher::Tasks { .. }) => false,
                _ => known.caught_up < newest_signal,
            }
        });
        behind
            .map(|(number, known)| Broken {
                promise: 3,
                what: format!("watcher {number} was not brought up to date: {:?}", known.caught_up),
            })
            .collect()
    }
}

type Found = Result<(), (u8, String)>;

impl Known {
    fn task(
        &mut self,
        states: &States,
        watcher: &Watcher,
        seen: Box<routing::Task>,
        at: Option<u64>,
    ) -> Found {
        let id: TaskId = seen.task_id.parse().map_err(|_| (3, format!("{} is no task", seen.task_id)))?;
        let all = states.tasks.get(&id).ok_or_else(|| (3, format!("{id} is not stored")))?;
        let last = self.tasks.get(&id).copied().unwrap_or(0);
        let found = all
            .iter()
            .enumerate()
            .skip(last)
            .find(|(_, (sequence, task))| at.is_none_or(|at| at == *sequence) && shows(&seen, task));
        let Some((place, (_, task))) = found else {
            let older = all.iter().take(last).any(|(_, task)| shows(&seen, task));
            let why = if older { "an older state after a newer one" } else { "a state that it never had" };
            return Err((3, format!("{id}: {why}")));
        };
        self.tasks.insert(id, place);
        let Watcher::Tasks { person, centre, .. } = watcher else { return Ok(()) };
        if task.about.centre.as_str() != *centre {
            return Err((7, format!("{id} is of {} and was shown to {person}", task.about.centre)));
        }
        if !is_hers(watcher, task) {
            return Err((7, format!("{id} is not on the list of {person}, and was shown")));
        }
        if task.about.child.is_some()
            && !states.on_record.contains(&((*person).to_owned(), id.as_bytes().to_vec()))
        {
            return Err((7, format!("{id} is about a child, and that {person} saw it is not on record")));
        }
        self.list.insert(id, seen);
        Ok(())
    }

    fn tasks_caught_up(&mut self, states: &States, watcher: &Watcher, at: Option<u64>) -> Found {
        let Some(at) = at else { return Ok(()) };
        if self.caught_up.is_some_and(|before| before > at) && self.began.is_some() {
            return Err((3, format!("was brought up to {at} after {:?}", self.caught_up)));
        }
        self.began = self.began.or(Some(at));
        self.caught_up = Some(at);
        if !matches!(watcher, Watcher::Tasks { settled: true, .. }) {
            return Ok(());
        }
        for (id, all) in &states.tasks {
            let Some(place) = all.iter().rposition(|(sequence, _)| *sequence <= at) else { continue };
            let Some((_, newest)) = all.get(place) else { continue };
            let seen = self.list.get(id);
            let ahead = self.tasks.get(id).is_some_and(|seen| *seen > place);
            match seen {
                _ if ahead => {}
                Some(seen) if !shows(seen, newest) => {
                    return Err((
                        3,
                        format!("{id}: an old state stands on a list that was said to be whole"),
                    ));
                }
                Some(_) if !is_hers(watcher, newest) => {
                    return Err((3, format!("{id} left the list, and that was not told")));
                }
                None if is_hers(watcher, newest) => {
                    return Err((3, format!("{id} is missing on a list that was said to be whole")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn signal(
        &mut self,
        states: &States,
        organisation: &str,
        seen: &intake::Signal,
        at: Option<u64>,
    ) -> Found {
        let id: SignalId =
            seen.signal_id.parse().map_err(|_| (1, format!("{} is no signal", seen.signal_id)))?;
        let at = at.ok_or_else(|| (3, format!("{id} came without a position")))?;
        let all = states.signals.get(&id).ok_or_else(|| (1, format!("{id} is not stored")))?;
        let Some((_, signal)) = all.iter().find(|(sequence, _)| *sequence == at) else {
            return Err((3, format!("{id}: nothing happened to it at {at}")));
        };
        if signal.received.organisation.as_str() != organisation {
            return Err((6, format!("{id} is not of {organisation}, and was shown to it")));
        }
        let status = match signal.stage {
            Stage::Received => intake::SignalStatus::Received,
            Stage::Routed => intake::SignalStatus::Routed,
            Stage::Answered => intake::SignalStatus::Answered,
            Stage::Withdrawn => intake::SignalStatus::Withdrawn,
        };
        let same = seen.status() == status
            && seen.version == u64::from(signal.people_version)
            && seen.answer_acknowledged == signal.acknowledged.is_some();
        if !same {
            return Err((3, format!("{id}: a state that it did not have at {at}")));
        }
        if self.signals.insert(id, at).is_some_and(|before| before > at) {
            return Err((3, format!("{id}: an older state after a newer one")));
        }
        Ok(())
    }

    fn signals_caught_up(&mut self, states: &States, organisation: &str, at: Option<u64>) -> Found {
        let at = at.ok_or_else(|| (3, "a sign of life without a position".to_owned()))?;
        let began = *self.began.get_or_insert(at);
        self.caught_up = Some(at);
        self.listing = None;
        for (id, all) in &states.signals {
            let newest = all.iter().rev().find(|(sequence, _)| *sequence <= at);
            let Some((newest, signal)) = newest else { continue };
            // What was finished when it began to watch without a position is not shown.
            let finished = *newest <= began && signal.is_closed();
            // A list that was cut knew a newer state and had not come to it, and the replica where the watcher goes on has not seen
            // that one yet. It is told as soon as it has.
            let moved_on = all.iter().any(|(sequence, _)| *sequence > at && *sequence <= self.cut);
            if signal.received.organisation.as_str() != organisation || finished || moved_on {
                continue;
            }
            if self.signals.get(id).is_none_or(|seen| seen < newest) {
                return Err((
                    3,
                    format!("{id}: everything up to {at} was said to be sent, and {newest} was not"),
                ));
            }
        }
        Ok(())
    }
}

/// Is this what the task looked like?
fn shows(seen: &routing::Task, task: &Task) -> bool {
    let name = |key: Option<&ProfessionalKey>| key.map(ToString::to_string).unwrap_or_default();
    let state = seen.state().as_str_name();
    let deadlines = seen.deadlines.iter().map(|deadline| deadline.due.as_ref().and_then(from_wire_time));
    let moment = |wire: &Option<_>| wire.as_ref().and_then(from_wire_time);
    seen.version == u64::from(task.version)
        && state
            .strip_prefix("TASK_STATE_")
            .is_some_and(|state| state.eq_ignore_ascii_case(task.state.name()))
        && seen.holder == name(task.holder.as_ref())
        && seen.coordinator == task.coordinator.as_str()
        && seen
            .offered_to
            .iter()
            .map(String::as_str)
            .eq(task.offers.iter().map(|offer| offer.professional.as_str()))
        && deadlines.eq(task.deadlines.iter().map(|deadline| Some(deadline.due)))
        && moment(&seen.first_contact_at) == task.first_contact_at
        && moment(&seen.hold_until) == task.hold_until()
        && seen.linked_task_ids.len() == task.linked.len()
        && seen.colleagues_asked.len() == task.colleagues.len()
}

/// Is it on the list that she watches? Written down again here, from the description of the call and not from the service.
fn is_hers(watcher: &Watcher, task: &Task) -> bool {
    let Watcher::Tasks { person, centre, coordinator, whole, settled } = watcher else { return false };
    if task.state.is_final() || task.about.centre.as_str() != *centre {
        return false;
    }
    let held = task.holder.as_ref().is_some_and(|holder| holder.as_str() == *person);
    let offered = task.offers.iter().any(|offer| offer.professional.as_str() == *person);
    let undecided = task.state == TaskState::CancelRequested && task.holder.is_none();
    let proposed = task.transfer().is_some_and(|transfer| transfer.to.as_str() == *person);
    let rang_twice = task.deadlines.iter().any(|deadline| deadline.round > 1);
    // The holder is away, and the coordinator is asked who goes on.
    let asked = task.who_goes_on().is_some();
    // Whether the holder still works there is said by the directory of the moment.
    let perhaps_left = !settled && task.holder.is_some();
    held || offered
        || proposed
        || *coordinator && (*whole || undecided || rang_twice || asked || perhaps_left)
}
