//! What routing keeps of its own stream: open tasks, presence, and what has to be found quickly.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    iter,
    ops::Bound,
    sync::{Mutex, PoisonError},
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
    task::{self, Change, Offer, Task, TaskState},
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
    /// The centres of which somebody catches open tasks.
    catches: HashMap<ProfessionalKey, HashSet<CentreKey>>,
    by_holder: ByCentre<ProfessionalKey>,
    by_offer: ByCentre<Offer>,
    /// By the colleague who is asked to take it over.
    by_colleague: ByCentre<ProfessionalKey>,
    /// Tasks of which the holder was said to be away, by her; also those that were left with her.
    away: HashMap<ProfessionalKey, BTreeSet<TaskId>>,
    /// Children stay. In order rather than by hash, since a large table stands half empty after it doubled; and behind a box, since the nodes of
    /// the order have empty places too.
    children: BTreeMap<ChildAlias, Box<ChildRecord>>,
    due: BTreeSet<(Timestamp, TaskId)>,
    /// When absences begin and end, as they were last said; moments that have passed stay until somebody says something.
    moments: BTreeMap<Timestamp, HashSet<ProfessionalKey>>,
    /// People of whom something changed since it was last asked: they have more work, or said something about where they are.
    stirred: Mutex<HashSet<ProfessionalKey>>,
    /// Children of whom a task came into somebody's hands, or a new one was asked for, since it was last asked.
    moved: Mutex<HashSet<ChildAlias>>,
}

/// Open tasks by somebody, and by their centre: whether she is away depends on both.
type ByCentre<K> = HashMap<K, HashMap<CentreKey, BTreeSet<TaskId>>>;

/// What open tasks have to do with somebody at one centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Involved {
    pub(crate) centre: CentreKey,
    pub(crate) holds: bool,
    pub(crate) is_asked: bool,
    pub(crate) catches: bool,
}

impl Index {
    /// People with open tasks, or who are asked for one, or who catch them.
    pub(crate) fn people(&self) -> HashSet<ProfessionalKey> {
        let catching = self.catches.keys();
        let asked = self.by_offer.keys().map(|offer| &offer.professional);
        let holding = self.by_holder.keys().chain(self.by_colleague.keys());
        holding.chain(asked).chain(catching).chain(self.away.keys()).cloned().collect()
    }

    /// People of whom something changed since this was last asked.
    pub(crate) fn take_stirred(&self) -> HashSet<ProfessionalKey> {
        std::mem::take(&mut *self.stirred.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Children with a task that moved since this was last asked.
    pub(crate) fn take_moved(&self) -> HashSet<ChildAlias> {
        std::mem::take(&mut *self.moved.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// People of whom an absence began or ended after one moment and not after another.
    pub(crate) fn moments_between(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = &ProfessionalKey> {
        let passed = (Bound::Excluded(after), Bound::Included(until.max(after)));
        self.moments.range(passed).flat_map(|(_, people)| people)
    }

    /// The centres at which somebody has to do with open tasks.
    pub(crate) fn involved(&self, person: &ProfessionalKey) -> Vec<Involved> {
        let offer = Offer { professional: person.clone(), role: Role::Professional };
        let holds = self.by_holder.get(person).into_iter().flat_map(HashMap::keys);
        let asked = self.by_offer.get(&offer).into_iter().chain(self.by_colleague.get(person));
        let catches = self.catches.get(person).into_iter().flatten();
        let mut at: HashMap<&CentreKey, (bool, bool, bool)> = HashMap::new();
        holds.for_each(|centre| at.entry(centre).or_default().0 = true);
        asked.flat_map(HashMap::keys).for_each(|centre| at.entry(centre).or_default().1 = true);
        catches.for_each(|centre| at.entry(centre).or_default().2 = true);
        let involved = |(centre, (holds, is_asked, catches)): (&CentreKey, _)| Involved {
            centre: centre.clone(),
            holds,
            is_asked,
            catches,
        };
        at.into_iter().map(involved).collect()
    }

    /// Open tasks of a centre that somebody holds.
    pub(crate) fn held_at(&self, person: &ProfessionalKey, centre: &CentreKey) -> Vec<TaskId> {
        self.by_holder.get(person).and_then(|at| at.get(centre)).into_iter().flatten().copied().collect()
    }

    /// Open tasks of a centre with a pending offer to a professional.
    pub(crate) fn offered_at(&self, person: &ProfessionalKey, centre: &CentreKey) -> Vec<TaskId> {
        let offer = Offer { professional: person.clone(), role: Role::Professional };
        self.by_offer.get(&offer).and_then(|at| at.get(centre)).into_iter().flatten().copied().collect()
    }

    /// Open tasks of a centre that somebody is asked to take over.
    pub(crate) fn proposed_at(&self, person: &ProfessionalKey, centre: &CentreKey) -> Vec<TaskId> {
        self.by_colleague.get(person).and_then(|at| at.get(centre)).into_iter().flatten().copied().collect()
    }

    /// Open tasks that somebody is asked to take over.
    pub(crate) fn proposed_to(&self, person: &ProfessionalKey) -> impl Iterator<Item = TaskId> + '_ {
        self.by_colleague.get(person).into_iter().flat_map(HashMap::values).flatten().copied()
    }

    /// Open tasks of a centre that somebody catches as its coordinator.
    pub(crate) fn caught_at(&self, person: &ProfessionalKey, centre: &CentreKey) -> Vec<TaskId> {
        self.by_centre.get(centre).and_then(|at| at.get(person)).into_iter().flatten().copied().collect()
    }

    /// Open tasks of which it was said that their holder, this person, is away.
    pub(crate) fn away_from(&self, person: &ProfessionalKey) -> Vec<TaskId> {
        self.away.get(person).into_iter().flatten().copied().collect()
    }

    /// Open tasks of a centre.
    pub(crate) fn at_centre(&self, centre: &CentreKey) -> impl Iterator<Item = TaskId> + '_ {
        self.by_centre.get(centre).into_iter().flat_map(HashMap::values).flatten().copied()
    }

    /// Open tasks that somebody holds.
    pub(crate) fn held_by(&self, person: &ProfessionalKey) -> impl Iterator<Item = TaskId> + '_ {
        self.by_holder.get(person).into_iter().flat_map(HashMap::values).flatten().copied()
    }

    /// How many open tasks somebody holds.
    pub(crate) fn open_work(&self, person: &ProfessionalKey) -> u32 {
        let tasks = self.by_holder.get(person).map_or(0, |at| at.values().map(BTreeSet::len).sum());
        u32::try_from(tasks).unwrap_or(u32::MAX)
    }

    /// Open tasks with a pending offer to somebody in a role.
    pub(crate) fn offered_to(
        &self,
        person: &ProfessionalKey,
        role: Role,
    ) -> impl Iterator<Item = TaskId> + '_ {
        let offer = Offer { professional: person.clone(), role };
        self.by_offer.get(&offer).into_iter().flat_map(HashMap::values).flatten().copied()
    }

    /// What is known of a child.
    pub(crate) fn child(&self, child: &ChildAlias) -> Option<&ChildRecord> {
        self.children.get(child).map(|record| &**record)
    }

    /// Tasks whose soonest deadline lies at or before a moment, the longest overdue first; those after a place in that order, when one is
    /// given.
    pub(crate) fn due_after(
        &self,
        after: Option<(Timestamp, TaskId)>,
        now: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, TaskId)> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.due.range((from, Bound::Unbounded)).take_while(move |(due, _)| *due <= now).copied()
    }

    /// Brings the lists from where an open task stood to where it stands; most events leave most of them alone.
    fn put(&mut self, before: Option<&Task>, after: Option<&Task>) {
        let Some(id) = before.or(after).map(|task| task.id) else { return };
        if before.map(caught_by) != after.map(caught_by) {
            if let Some((centre, coordinator)) = before.map(caught_by)
                && let Some(coordinators) = self.by_centre.get_mut(centre)
            {
                take_out(coordinators, coordinator, id);
                if !coordinators.contains_key(coordinator)
                    && let Some(centres) = self.catches.get_mut(coordinator)
                {
                    centres.remove(centre);
                    if centres.is_empty() {
                        self.catches.remove(coordinator);
                    }
                }
                if coordinators.is_empty() {
                    self.by_centre.remove(centre);
                }
            }
            if let Some((centre, coordinator)) = after.map(caught_by) {
                put_in(self.by_centre.entry(centre.clone()).or_default(), coordinator, id);
                let centres = self.catches.entry(coordinator.clone()).or_default();
                if !centres.contains(centre) {
                    centres.insert(centre.clone());
                }
                self.stir(coordinator);
            }
        }
        let Some(centre) = before.or(after).map(|task| task.about.centre.clone()) else { return };
        let (from, to) =
            (before.and_then(|task| task.holder.as_ref()), after.and_then(|t| t.holder.as_ref()));
        if let Some(child) = after.and_then(|task| task.about.child)
            && (before.is_none() || from != to)
        {
            self.moved.lock().unwrap_or_else(PoisonError::into_inner).insert(child);
        }
        if from != to {
            from.into_iter().for_each(|holder| leave(&mut self.by_holder, holder, &centre, id));
            to.into_iter().for_each(|holder| enter(&mut self.by_holder, holder, &centre, id));
            to.into_iter().for_each(|holder| self.stir(holder));
        }
        let (from, to) = (colleague(before), colleague(after));
        if from != to {
            from.into_iter().for_each(|person| leave(&mut self.by_colleague, person, &centre, id));
            to.into_iter().for_each(|person| enter(&mut self.by_colleague, person, &centre, id));
            to.into_iter().for_each(|person| self.stir(person));
        }
        let (from, to) = (away(before), away(after));
        if from != to {
            from.into_iter().for_each(|person| take_out(&mut self.away, person, id));
            to.into_iter().for_each(|person| put_in(&mut self.away, person, id));
            to.into_iter().for_each(|person| self.stir(person));
        }
        // What is asked of the coordinator from here on comes to nobody when she is absent.
        if asks_coordinator(after) && !asks_coordinator(before) {
            after.into_iter().for_each(|task| self.stir(&task.coordinator));
        }
        let (from, to) = (offers(before), offers(after));
        from.iter()
            .filter(|offer| !to.contains(offer))
            .for_each(|offer| leave(&mut self.by_offer, offer, &centre, id));
        to.iter().filter(|offer| !from.contains(offer)).for_each(|offer| {
            enter(&mut self.by_offer, offer, &centre, id);
            self.stir(&offer.professional);
        });
        let soonest =
            |task: Option<&Task>| task.and_then(|task| task.due().first()).map(|soonest| soonest.due);
        let (from, to) = (soonest(before), soonest(after));
        if from != to {
            from.map(|due| self.due.remove(&(due, id)));
            to.map(|due| self.due.insert((due, id)));
        }
    }

    /// Something changed about her.
    fn stir(&self, person: &ProfessionalKey) {
        let mut stirred = self.stirred.lock().unwrap_or_else(PoisonError::into_inner);
        if !stirred.contains(person) {
            stirred.insert(person.clone());
        }
    }

    /// Takes in what was said about where somebody is.
    fn said(&mut self, before: Option<&Presence>, after: &Presence) {
        for at in before.into_iter().flat_map(Presence::moments) {
            if let Some(people) = self.moments.get_mut(&at) {
                people.remove(&after.professional);
                if people.is_empty() {
                    self.moments.remove(&at);
                }
            }
        }
        for at in after.moments() {
            self.moments.entry(at).or_default().insert(after.professional.clone());
        }
        self.stir(&after.professional);
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

fn colleague(task: Option<&Task>) -> Option<&ProfessionalKey> {
    task.and_then(Task::transfer).map(|transfer| &transfer.to)
}

fn away(task: Option<&Task>) -> Option<&ProfessionalKey> {
    task.and_then(Task::away).map(|away| &away.professional)
}

/// Is it for the coordinator to say how it goes on: who takes over, or whether it ends?
fn asks_coordinator(task: Option<&Task>) -> bool {
    task.is_some_and(|task| {
        task.who_goes_on().is_some() || task.state == TaskState::CancelRequested && task.holder.is_none()
    })
}

fn enter<K: std::hash::Hash + Eq + Clone>(map: &mut ByCentre<K>, key: &K, centre: &CentreKey, id: TaskId) {
    match map.get_mut(key) {
        Some(at) => put_in(at, centre, id),
        None => drop(map.insert(key.clone(), HashMap::from([(centre.clone(), BTreeSet::from([id]))]))),
    }
}

fn leave<K: std::hash::Hash + Eq>(map: &mut ByCentre<K>, key: &K, centre: &CentreKey, id: TaskId) {
    if let Some(at) = map.get_mut(key) {
        take_out(at, centre, id);
        if at.is_empty() {
            map.remove(key);
        }
    }
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

pub(crate) const TASK_PREFIX: &str = "voordeur.task.v1";
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

    /// How far people were told is kept apart, by [`crate::notices`].
    fn concerns(subject: &Subject) -> bool {
        subject.prefix() != crate::notices::PREFIX
    }

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
            Some(State::Presence(presence)) => index.said(before.and_then(State::presence), presence),
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
