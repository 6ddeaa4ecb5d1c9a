//! Tasks follow people: an offer to somebody who is away goes on at once, about a task in hand the coordinator is asked who goes on, and
//! it undoes itself at her return. Away is who was said to be absent, and whom the directory in force does not have any more.
//!
//! A replica whose directory is older than one that a task has seen says nothing about the people of that task: it may not know them yet.
//! Once it has read the newer one it compares everybody again.
//!
//! Every replica compares, and whichever comes first stores the event. It compares when something happened: a new directory (and at
//! the start), a new day (a registration ends at midnight), something that was said about presence, the moment at which an absence
//! begins or ends, the moment at which somebody goes off duty who is asked to take a task over, and more work for somebody. Then only that
//! person is looked at, and only her tasks.

mod turns;

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::Date;
use voordeur_directory::Directory;
use voordeur_eventlog::fold::Held;
use voordeur_kernel::{ChildAlias, ProfessionalKey, Role, TaskId, Timestamp};
use voordeur_routing_domain::{
    task::{Away, Task, TaskState, Wish},
    words::{AssignReason, ClockKind},
};

pub(crate) use turns::Cause;
use turns::{Placed, Turns};

use crate::{
    around::{IsAway, OnDuty},
    machine::{Involved, State, task_subject},
    office::Office,
};

/// Most steps of one look; the next one goes on after them.
const AT_ONCE_MAX: usize = 1_024;

/// What was compared last.
#[derive(Debug, Default)]
pub(crate) struct Following {
    directory: u64,
    day: Option<Date>,
    until: Option<Timestamp>,
    /// When people who are asked to take a task over go off duty or are back from a break.
    duties: Duties,
    /// Because of whom tasks are to be looked at.
    turns: Turns,
    /// Children with tasks that have seen a newer directory than this one: they are looked at when it is there.
    ahead: BTreeSet<ChildAlias>,
}

/// At which moments to look at whom.
type Duties = BTreeSet<(Timestamp, ProfessionalKey)>;

/// What has to be done to a task because of somebody.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) task: TaskId,
    pub(crate) because_of: Cause,
    /// Makes the act the same in every replica.
    pub(crate) purpose: String,
    pub(crate) wish: Wish,
    /// By which it was decided, and by which it is done.
    pub(crate) directory: Arc<Directory>,
}

impl Placed for Step {
    fn place(&self) -> &str {
        &self.purpose
    }
}

impl Following {
    /// Everything that has to be done now.
    pub(crate) fn steps(&mut self, office: &Office, now: Timestamp) -> Vec<Step> {
        let Ok(directory) = office.directory() else { return Vec::new() };
        let day = Some(directory.local_date(now));
        let everybody = self.directory != directory.version() || self.day != day;
        let since = self.until.unwrap_or(Timestamp::MIN);
        let (mut people, children) = office.fold.read(|index, _| {
            let mut people = index.take_stirred();
            if everybody {
                people.extend(index.people());
            } else {
                people.extend(index.moments_between(since, now).cloned());
            }
            (people, index.take_moved())
        });
        while self.duties.first().is_some_and(|(at, _)| *at <= now) {
            people.extend(self.duties.pop_first().map(|(_, person)| person));
        }
        let colleagues: Vec<_> =
            people.iter().flat_map(|person| fellow_coordinators(office, &directory, person, now)).collect();
        // In an order of their own, so that what is simulated goes the same way twice.
        let people: BTreeSet<_> = people.into_iter().chain(colleagues).collect();
        let children: BTreeSet<_> = children.into_iter().collect();
        people.into_iter().for_each(|person| self.turns.add(Cause::Person(person)));
        children.into_iter().for_each(|child| self.turns.add(Cause::Child(child)));
        if self.directory != directory.version() {
            std::mem::take(&mut self.ahead).into_iter().for_each(|child| self.turns.add(Cause::Child(child)));
        }
        (self.directory, self.day, self.until) = (directory.version(), day, Some(now));

        let Self { turns, duties, ahead, .. } = self;
        turns.take(AT_ONCE_MAX, |cause| match cause {
            Cause::Person(person) => about_person(office, &directory, person, now, duties),
            Cause::Child(child) => {
                let tasks = tasks_of_child(office, child);
                if tasks.iter().any(|task| directory.version() < task.directory_version) {
                    ahead.insert(*child);
                }
                let mut steps = links(office, &directory, *child, &tasks);
                steps.extend(same_person(office, &directory, *child, &tasks, now));
                steps
            }
        })
    }

    /// Something could not be done for now: it is looked at again.
    pub(crate) fn again(&mut self, cause: Cause) {
        self.turns.add(cause);
    }
}

/// One task in memory.
fn task_of(look: &dyn Fn(&voordeur_eventlog::Subject) -> Option<Held<State>>, id: TaskId) -> Option<Task> {
    let held = look(&task_subject(id).ok()?)?;
    held.state.task().cloned()
}

/// These tasks as they stand.
fn tasks_of(office: &Office, which: impl FnOnce(&crate::machine::Index) -> Vec<TaskId>) -> Vec<Task> {
    office.fold.read(|index, look| which(index).into_iter().filter_map(|id| task_of(look, id)).collect())
}

fn about_person(
    office: &Office,
    directory: &Arc<Directory>,
    person: &ProfessionalKey,
    now: Timestamp,
    duties: &mut Duties,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let (involved, said_away) =
        office.fold.read(|index, _| (index.involved(person), !index.away_from(person).is_empty()));
    let mut step = |task: &Task, what: &str, place: String, wish: Wish| {
        let purpose = format!("{what}:{}:{}:{place}", task.id.to_hex(), person.as_str());
        let behind = directory.version() < task.directory_version;
        if behind || task.knows(office.own_act(&purpose).id).is_some() {
            return;
        }
        let (because_of, directory) = (Cause::Person(person.clone()), Arc::clone(directory));
        steps.push(Step { task: task.id, because_of, purpose, wish, directory });
    };
    for Involved { centre, holds, is_asked, catches } in involved {
        let away = office.is_away(directory, person, &centre, now);
        if let Some(away) = &away
            && is_asked
        {
            for task in tasks_of(office, |index| index.offered_at(person, &centre)) {
                let wish = Wish::WithdrawOffer(person.clone(), away.reason);
                step(&task, "withdraw", task.ordinal().to_string(), wish);
            }
        }
        if is_asked {
            let proposed = tasks_of(office, |index| index.proposed_at(person, &centre));
            // Who is asked to take over answers while she is there, and nobody waits for her until she is back.
            let duty = match &away {
                _ if proposed.is_empty() => OnDuty::Always,
                Some(_) => OnDuty::Gone,
                None => office.on_duty(directory, person, &centre, now),
            };
            if let OnDuty::LookAgain(at) = duty {
                duties.insert((at, person.clone()));
            }
            for task in proposed.iter().filter(|_| duty == OnDuty::Gone) {
                let wish = Wish::ColleagueAway(person.clone());
                step(task, "colleague-away", task.ordinal().to_string(), wish);
            }
        }
        if let Some(away) = &away
            && holds
        {
            let news = holder(person, away);
            for task in tasks_of(office, |index| index.held_at(person, &centre)) {
                if !is_known(&task, &news) {
                    step(&task, "away", task.ordinal().to_string(), Wish::HolderAway(news.clone()));
                }
            }
        }
        if catches {
            let mut in_force = directory.coordinators_of(centre.as_str()).peekable();
            let nobody_else = in_force.peek().is_none();
            let still = in_force.any(|coordinator| coordinator.key == *person);
            // Who caught it for a centre that is there no more is away from it for good, whether she left or works elsewhere.
            let closed = nobody_else.then_some(Timestamp::MIN);
            if !still && !nobody_else {
                for task in tasks_of(office, |index| index.caught_at(person, &centre)) {
                    step(&task, "coordinator", task.ordinal().to_string(), Wish::FollowDirectory);
                }
            } else if let Some(begun) = office.absent_since(person, now).or(closed) {
                let another = directory
                    .coordinators_of(centre.as_str())
                    .find(|coordinator| !office.is_absent(&coordinator.key, now));
                let caught = tasks_of(office, |index| index.caught_at(person, &centre));
                let stuck = |task: &Task| another.is_some() || !task.expects_others_than(person);
                for task in caught.into_iter().filter(stuck) {
                    let wish = Wish::CoordinatorAway(person.clone());
                    // That nobody is there is said once, until somebody does something or comes back.
                    let whose = another.map_or("", |coordinator| coordinator.key.as_str());
                    let place = format!("{}:{}:{whose}", begun.as_nanosecond(), task.version);
                    step(&task, "coordinator-away", place, wish);
                }
            }
        }
    }
    if said_away {
        for task in tasks_of(office, |index| index.away_from(person)) {
            if office.is_away(directory, person, &task.about.centre, now).is_none() {
                let wish = Wish::HolderBack(person.clone());
                step(&task, "back", task.ordinal().to_string(), wish);
            }
        }
    }
    steps
}

/// When a coordinator is there, what stands at others of her centres who are absent may be hers.
fn fellow_coordinators(
    office: &Office,
    directory: &Directory,
    person: &ProfessionalKey,
    now: Timestamp,
) -> Vec<ProfessionalKey> {
    let coordinates = directory.person(person.as_str()).filter(|found| found.role == Role::Coordinator);
    let Some(found) = coordinates.filter(|_| !office.is_absent(person, now)) else { return Vec::new() };
    let centres = found.centres.iter();
    centres
        .flat_map(|centre| directory.coordinators_of(centre.as_str()))
        .filter(|other| office.is_absent(&other.key, now))
        .map(|other| other.key.clone())
        .collect()
}

fn holder(person: &ProfessionalKey, away: &IsAway) -> Away {
    Away {
        professional: person.clone(),
        reason: away.reason,
        until: away.until,
        stand_in: away.stand_in.clone(),
    }
}

/// Was this said already? What the coordinator answered about the same absence stands.
fn is_known(task: &Task, news: &Away) -> bool {
    task.away().is_some_and(|known| {
        if task.who_goes_on().is_some() {
            known == news
        } else {
            (known.reason, known.until) == (news.reason, news.until)
        }
    })
}

/// Signals on one child know of each other and go to the same person. None when there is only one.
fn tasks_of_child(office: &Office, child: &ChildAlias) -> Vec<Task> {
    let mut tasks = tasks_of(office, |index| {
        let record = index.child(child).filter(|record| record.tasks.len() > 1);
        record.map(|record| record.tasks.to_vec()).unwrap_or_default()
    });
    tasks.sort_by_key(|task| (task.about.received_at, task.id));
    tasks
}

/// Two that came at the same moment were made without knowing of each other: the earlier one hears of the later one.
fn links(office: &Office, directory: &Arc<Directory>, child: ChildAlias, tasks: &[Task]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, earlier) in tasks.iter().enumerate() {
        for later in tasks.iter().skip(index + 1) {
            let purpose = link(earlier.id, later.id);
            let linked = earlier.linked.contains(&later.id) || later.linked.contains(&earlier.id);
            if !linked && earlier.knows(office.own_act(&purpose).id).is_none() {
                let wish = Wish::Link(later.id);
                let (because_of, directory) = (Cause::Child(child), Arc::clone(directory));
                steps.push(Step { task: earlier.id, because_of, purpose, wish, directory });
            }
        }
    }
    steps
}

/// The act of telling an earlier task about a later one.
pub(crate) fn link(earlier: TaskId, later: TaskId) -> String {
    format!("link:{}:{}", earlier.to_hex(), later.to_hex())
}

/// When somebody has taken one of them, the others that are still before several people are hers too. What stands at the coordinator is the
/// coordinator's to give, and a safety signal has to be confirmed by itself.
fn same_person(
    office: &Office,
    directory: &Arc<Directory>,
    child: ChildAlias,
    tasks: &[Task],
    now: Timestamp,
) -> Vec<Step> {
    let in_hand = |task: &&Task| {
        matches!(task.state, TaskState::Accepted | TaskState::InProgress | TaskState::OnHold)
            && task.holder.as_ref() != Some(&task.coordinator)
    };
    // No time is lost on people who are not there: she has to be there before somebody must have taken it.
    let in_time = |task: &Task, holder: &ProfessionalKey| {
        let accept = task.deadline(ClockKind::Accept).filter(|accept| accept.round == 0);
        let latest = accept.map_or(now, |accept| accept.due);
        let centres = directory.person(holder.as_str()).into_iter().flat_map(|found| &found.centres);
        let next = |at| office.look_at(directory, holder, at, now).next.from;
        centres.filter_map(next).any(|from| from <= latest.max(now))
    };
    let newest = tasks.iter().rev().find(in_hand);
    let Some((taken, holder)) = newest.and_then(|task| Some((task, task.holder.as_ref()?))) else {
        return Vec::new();
    };
    let follows = |task: &&Task| {
        task.state == TaskState::Requested
            && directory.version() >= task.directory_version.max(taken.directory_version)
            && !task.about.safety.is_safety()
            && task.about.centre == taken.about.centre
            && task.offers.iter().any(|offer| offer.role == Role::Professional)
            && task.declined.iter().all(|(person, _)| person != holder)
            && office.is_away(directory, holder, &task.about.centre, now).is_none()
            && in_time(task, holder)
    };
    let hers = |task: &Task| Step {
        task: task.id,
        because_of: Cause::Child(child),
        purpose: format!("same-person:{}:{}:{}", task.id.to_hex(), holder.as_str(), task.ordinal()),
        wish: Wish::Assign(holder.clone(), AssignReason::KnowsChild),
        directory: Arc::clone(directory),
    };
    tasks.iter().filter(follows).map(hers).collect()
}

impl Office {
    /// Since when an absence stands.
    fn absent_since(&self, person: &ProfessionalKey, now: Timestamp) -> Option<Timestamp> {
        let state = self.presence(person)?;
        state.presence()?.absent(now).map(|absence| absence.from)
    }
}
