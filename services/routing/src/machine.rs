//! What routing keeps of its own stream: open tasks, presence, and what has to be found quickly.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    iter,
};

use prost::Message as _;
use voordeur_contracts::event::{PresenceEvent, TaskEvent};
use voordeur_eventlog::{
    Recorded, StreamName, Subject,
    fold::{Machine, Unreadable},
    log::BadSubject,
};
use voordeur_kernel::{CentreKey, ChildAlias, ProfessionalKey, Role, TaskId, Timestamp};
use voordeur_routing_domain::{
    presence::{self, Presence, PresenceChange},
    task::{self, Change, Offer, Task},
    words::DeclineReason,
};

use crate::codec::{presence::read_presence, read_task};

/// State of one history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every history is a task, and states stand behind an Arc"
)]
pub(crate) enum State {
    /// A task with its offers.
    Task(Task),
    /// Presence of one professional.
    Presence(Presence),
}

impl State {
    pub(crate) fn task(&self) -> Option<&Task> {
        if let Self::Task(task) = self { Some(task) } else { None }
    }

    pub(crate) fn presence(&self) -> Option<&Presence> {
        if let Self::Presence(presence) = self { Some(presence) } else { None }
    }
}

/// What is known of one child, also after her tasks have ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChildRecord {
    /// Who held her last task: she knows this child.
    pub(crate) last_holder: Option<ProfessionalKey>,
    /// Her tasks, newest first; the open ones and the latest of the others.
    pub(crate) tasks: Box<[TaskId]>,
    /// Who said that she stands too close.
    pub(crate) too_close: Box<[ProfessionalKey]>,
}

/// What has to be found quickly.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By centre and by the coordinator who catches them.
    by_centre: HashMap<CentreKey, HashMap<ProfessionalKey, BTreeSet<TaskId>>>,
    by_holder: HashMap<ProfessionalKey, BTreeSet<TaskId>>,
    by_offer: HashMap<Offer, BTreeSet<TaskId>>,
    /// Behind a box: half of the places of a table are empty, and children stay.
    children: HashMap<ChildAlias, Box<ChildRecord>>,
    due: BTreeSet<(Timestamp, TaskId)>,
    absences: HashSet<ProfessionalKey>,
}

impl Index {
    /// Open tasks of a centre.
    pub(crate) fn at_centre(&self, centre: &CentreKey) -> impl Iterator<Item = TaskId> + '_ {
        self.by_centre.get(centre).into_iter().flat_map(HashMap::values).flatten().copied()
    }

    /// Open tasks whose coordinator is none, by what the caller knows.
    pub(crate) fn left_by_coordinator(
        &self,
        mut in_force: impl FnMut(&CentreKey, &ProfessionalKey) -> bool,
    ) -> impl Iterator<Item = TaskId> {
        self.by_centre
            .iter()
            .flat_map(|(centre, coordinators)| {
                coordinators.iter().map(move |(who, tasks)| (centre, who, tasks))
            })
            .filter(move |(centre, who, _)| !in_force(centre, who))
            .flat_map(|(_, _, tasks)| tasks.iter().copied())
    }

    /// Open tasks that somebody holds.
    pub(crate) fn held_by(&self, person: &ProfessionalKey) -> impl Iterator<Item = TaskId> + '_ {
        self.by_holder.get(person).into_iter().flatten().copied()
    }

    /// How many open tasks somebody holds.
    pub(crate) fn open_work(&self, person: &ProfessionalKey) -> u32 {
        self.by_holder.get(person).map_or(0, |tasks| u32::try_from(tasks.len()).unwrap_or(u32::MAX))
    }

    /// Open tasks with a pending offer to somebody in a role.
    pub(crate) fn offered_to(
        &self,
        person: &ProfessionalKey,
        role: Role,
    ) -> impl Iterator<Item = TaskId> + '_ {
        let offer = Offer { professional: person.clone(), role };
        self.by_offer.get(&offer).into_iter().flatten().copied()
    }

    /// What is known of a child.
    pub(crate) fn child(&self, child: &ChildAlias) -> Option<&ChildRecord> {
        self.children.get(child).map(|record| &**record)
    }

    /// Tasks whose soonest deadline lies at or before a moment, the longest overdue first.
    pub(crate) fn due_at(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, TaskId)> + '_ {
        self.due.iter().take_while(move |(due, _)| *due <= now).copied()
    }

    /// People about whom an absence was said that was not taken back; it may have passed.
    pub(crate) fn absences(&self) -> impl Iterator<Item = &ProfessionalKey> {
        self.absences.iter()
    }

    /// Brings the lists from where an open task stood to where it stands; most events leave most of them alone.
    fn put(&mut self, before: Option<&Task>, after: Option<&Task>) {
        let Some(id) = before.or(after).map(|task| task.id) else { return };
        if before.map(caught_by) != after.map(caught_by) {
            if let Some((centre, coordinator)) = before.map(caught_by)
                && let Some(coordinators) = self.by_centre.get_mut(centre)
            {
                take_out(coordinators, coordinator, id);
                if coordinators.is_empty() {
                    self.by_centre.remove(centre);
                }
            }
            if let Some((centre, coordinator)) = after.map(caught_by) {
                put_in(self.by_centre.entry(centre.clone()).or_default(), coordinator, id);
            }
        }
        let (from, to) =
            (before.and_then(|task| task.holder.as_ref()), after.and_then(|t| t.holder.as_ref()));
        if from != to {
            from.into_iter().for_each(|holder| take_out(&mut self.by_holder, holder, id));
            to.into_iter().for_each(|holder| put_in(&mut self.by_holder, holder, id));
        }
        let (from, to) = (offers(before), offers(after));
        from.iter()
            .filter(|offer| !to.contains(offer))
            .for_each(|offer| take_out(&mut self.by_offer, offer, id));
        to.iter()
            .filter(|offer| !from.contains(offer))
            .for_each(|offer| put_in(&mut self.by_offer, offer, id));
        let soonest =
            |task: Option<&Task>| task.and_then(|task| task.due().first()).map(|soonest| soonest.due);
        let (from, to) = (soonest(before), soonest(after));
        if from != to {
            from.map(|due| self.due.remove(&(due, id)));
            to.map(|due| self.due.insert((due, id)));
        }
    }

    fn remember(&mut self, task: &Task) {
        let Some(child) = task.about.child else { return };
        let record = self.children.entry(child).or_default();
        if !record.tasks.contains(&task.id) {
            let others = record.tasks.iter().copied().take(task::LINKED_MAX - 1);
            record.tasks = iter::once(task.id).chain(others).collect();
        }
        // The coordinator catches; catching is not knowing.
        if let Some(holder) = task.holder.as_ref().filter(|holder| **holder != task.coordinator) {
            record.last_holder = Some(holder.clone());
        }
        for (person, _) in task.declined.iter().filter(|(_, reason)| *reason == DeclineReason::TooClose) {
            if !record.too_close.contains(person) {
                record.too_close = record.too_close.iter().chain([person]).cloned().collect();
            }
        }
    }
}

fn caught_by(task: &Task) -> (&CentreKey, &ProfessionalKey) {
    (&task.about.centre, &task.coordinator)
}

fn open_task(state: Option<&State>) -> Option<&Task> {
    state.and_then(State::task).filter(|task| !task.state.is_final())
}

fn offers(task: Option<&Task>) -> &[Offer] {
    task.map_or(&[], |task| &task.offers)
}

fn put_in<K: std::hash::Hash + Eq + Clone>(map: &mut HashMap<K, BTreeSet<TaskId>>, key: &K, id: TaskId) {
    match map.get_mut(key) {
        Some(set) => drop(set.insert(id)),
        None => drop(map.insert(key.clone(), BTreeSet::from([id]))),
    }
}

fn take_out<K: std::hash::Hash + Eq>(map: &mut HashMap<K, BTreeSet<TaskId>>, key: &K, id: TaskId) {
    if let Some(set) = map.get_mut(key) {
        set.remove(&id);
        if set.is_empty() {
            map.remove(key);
        }
    }
}

/// The machine of the stream TASKS.
#[derive(Debug)]
pub(crate) struct Tasks;

const TASK_PREFIX: &str = "voordeur.task.v1";
const PRESENCE_PREFIX: &str = "voordeur.presence.v1";

/// The history of a task.
pub(crate) fn task_subject(id: TaskId) -> Result<Subject, BadSubject> {
    Subject::of(TASK_PREFIX, &id.to_hex())
}

/// The history of somebody's presence.
pub(crate) fn presence_subject(person: &ProfessionalKey) -> Result<Subject, BadSubject> {
    Subject::of(PRESENCE_PREFIX, person.as_str())
}

fn unreadable(what: impl Into<String>) -> Unreadable {
    Unreadable::Event(what.into())
}

/// Reads an event of a task, exactly as the service does.
///
/// # Errors
/// Which field cannot be read, never what it holds.
pub fn task_event(message: &Recorded) -> Result<(task::Meta, Change), Unreadable> {
    let event = TaskEvent::decode(&*message.data).map_err(|_| unreadable("no TaskEvent"))?;
    read_task(&event, message.commit).map_err(unreadable)
}

/// Reads an event of somebody's presence, exactly as the service does.
///
/// # Errors
/// Which field cannot be read, never what it holds.
pub fn presence_event(
    message: &Recorded,
) -> Result<(task::Meta, ProfessionalKey, PresenceChange), Unreadable> {
    let event = PresenceEvent::decode(&*message.data).map_err(|_| unreadable("no PresenceEvent"))?;
    read_presence(&event, message.commit).map_err(unreadable)
}

impl Machine for Tasks {
    type State = State;
    type Index = Index;

    fn evolve(state: Option<State>, message: &Recorded) -> Result<State, Unreadable> {
        match message.subject.prefix() {
            TASK_PREFIX => {
                let id = TaskId::parse_hex(message.subject.key())
                    .map_err(|_| unreadable("the subject is no task"))?;
                let (meta, change) = task_event(message)?;
                let before = match state {
                    Some(State::Task(task)) => Some(task),
                    Some(State::Presence(_)) => return Err(unreadable("the history is of another kind")),
                    None => None,
                };
                if before.is_none() && meta.ordinal > 1 {
                    return Err(Unreadable::EarlierEventsNeeded);
                }
                task::evolve(before, id, &meta, &change)
                    .map(State::Task)
                    .map_err(|e| unreadable(e.to_string()))
            }
            PRESENCE_PREFIX => {
                let (meta, person, change) = presence_event(message)?;
                let before = match state {
                    Some(State::Presence(presence)) => Some(presence),
                    Some(State::Task(_)) => return Err(unreadable("the history is of another kind")),
                    None => None,
                };
                Ok(State::Presence(presence::evolve(before, &person, &meta, &change)))
            }
            _ => Err(unreadable("a subject that this service does not know")),
        }
    }

    fn leaves_memory(state: &State) -> bool {
        state.task().is_some_and(|task| task.state.is_final())
    }

    fn index(index: &mut Index, _: &Subject, before: Option<&State>, after: Option<&State>) {
        index.put(open_task(before), open_task(after));
        match after {
            Some(State::Task(task)) => index.remember(task),
            Some(State::Presence(presence)) => {
                if presence.absence.is_some() {
                    index.absences.insert(presence.professional.clone());
                } else {
                    index.absences.remove(&presence.professional);
                }
            }
            None => {}
        }
    }
}

/// A task after one more message of its history, exactly as the service folds it; for checks over histories.
///
/// # Errors
/// When the message cannot be read, or is not one of a task.
pub fn task_after(before: Option<Task>, message: &Recorded) -> Result<Task, Unreadable> {
    match Tasks::evolve(before.map(State::Task), message)? {
        State::Task(task) => Ok(task),
        State::Presence(_) => Err(unreadable("not a message of a task")),
    }
}

/// The stream of these histories.
pub(crate) const STREAM: StreamName = StreamName::Tasks;
