//! Promises about people who are not there: nobody off duty is asked or alerted, nothing waits for somebody who does not come, whoever is
//! expected to act is there to act or somebody was asked who goes on; and every choice can be made again from what it saw.

use std::{collections::BTreeMap, time::Duration};

use prost::Message as _;
use tokio::time::Instant;
use voordeur_contracts::{
    convert::from_wire_time,
    event::{PresenceEvent, presence_event::Change as Said},
};
use voordeur_directory::Directory;
use voordeur_eventlog::Recorded;
use voordeur_kernel::{Role, TaskId, Timestamp};
use voordeur_routing_domain::{
    ladder::Ladder,
    plan::plan,
    task::{self, Requested, Task, Trigger},
    words::{AwayReason, ClockKind, Urgency},
};

use crate::{hours::scheduled, world::World};

/// What a replica decides on may be so old.
const NEWS: Duration = Duration::from_secs(60);
/// So long something may stand that should not, while all is well enough to mend it.
const BOUND: Duration = Duration::from_secs(90);

/// What one person said about where she is.
#[derive(Debug, Default)]
struct Word {
    /// Absent from, until.
    absences: Vec<(Timestamp, Timestamp)>,
    /// At a centre from, until.
    marks: Vec<(String, Timestamp, Timestamp)>,
    /// When the last word was read.
    read: Option<Instant>,
}

impl Word {
    fn is_absent(&self, at: Timestamp) -> bool {
        self.absences.iter().any(|(from, until)| *from <= at && at < *until)
    }

    fn is_news(&self) -> bool {
        self.read.is_some_and(|read| read.elapsed() < NEWS)
    }
}

/// Looks at who was asked, and at who is expected to act.
#[derive(Default)]
pub(crate) struct Duty {
    words: BTreeMap<String, Word>,
    /// Something that should not stand, since when.
    wrong: BTreeMap<(TaskId, String), Instant>,
    /// Choices that were made again.
    pub(crate) replayed: u64,
    /// People who were asked and looked up.
    pub(crate) asked: u64,
}

type Found = Vec<(u8, String)>;

impl Duty {
    /// Somebody said where she is.
    pub(crate) fn take_presence(&mut self, message: &Recorded, event: &PresenceEvent) {
        let now = event.meta.as_ref().and_then(|meta| meta.recorded_at.as_ref()).and_then(from_wire_time);
        let now = now.expect("every event has its moment");
        let word = self.words.entry(message.subject.key().to_owned()).or_default();
        word.read = Some(Instant::now());
        let ends_now = |absences: &mut Vec<(Timestamp, Timestamp)>| {
            absences.retain_mut(|(from, until)| {
                if *from <= now && now < *until {
                    *until = now;
                }
                from < until
            });
        };
        match event.change.as_ref().expect("a known change") {
            Said::Present(said) => {
                let until = said.until.as_ref().and_then(from_wire_time).expect("until when");
                ends_now(&mut word.absences);
                word.marks.retain(|(centre, _, _)| *centre != said.centre);
                word.marks.push((said.centre.clone(), now, until));
            }
            Said::Absent(said) => {
                let until = said.until.as_ref().and_then(from_wire_time).expect("until when");
                let from = said.from.as_ref().and_then(from_wire_time).unwrap_or(now);
                word.absences.push((from, until));
            }
            Said::Returned(_) => ends_now(&mut word.absences),
            Said::AbsenceWithdrawn(said) => {
                let gone = said.from.as_ref().and_then(from_wire_time);
                word.absences.retain(|(from, _)| Some(*from) != gone);
            }
        }
    }

    /// Is somebody at a centre at some moment from `from` (included) until `until` (not included)?
    fn comes(&self, person: &str, centre: &str, from: Timestamp, until: Timestamp) -> bool {
        let word = self.words.get(person);
        let mut there = scheduled(person, centre, from, until);
        let marks = word.into_iter().flat_map(|word| &word.marks);
        there.extend(marks.filter(|(at, _, _)| at == centre).map(|(_, from, until)| (*from, *until)));
        there.into_iter().any(|(begin, end)| {
            // What is left of these hours after every absence: walk over them from their beginning.
            let (mut at, end) = (begin.max(from), end.min(until));
            while at < end {
                let absence = word
                    .into_iter()
                    .flat_map(|word| &word.absences)
                    .filter(|(from, until)| *from <= at && at < *until)
                    .map(|(_, until)| *until)
                    .max();
                match absence {
                    Some(back) => at = back,
                    None => return true,
                }
            }
            false
        })
    }

    /// A task moved: who is asked now who was not asked before?
    pub(crate) fn take_task(&mut self, before: Option<&Task>, after: &Task, at: Timestamp) -> Found {
        let mut found = Vec::new();
        // Work that came due by itself waits for the one whose work it follows on.
        let patient = !after.about.trigger.has_asker() && !after.about.safety.is_safety();
        if patient || after.state.is_final() {
            return found;
        }
        let centre = after.about.centre.as_str();
        let known = before.map(|task| &*task.offers).unwrap_or_default();
        let mut asked: Vec<&str> = after
            .offers
            .iter()
            .filter(|offer| offer.role != Role::Coordinator && !known.contains(offer))
            .map(|offer| offer.professional.as_str())
            .collect();
        // Nobody else was there to choose from, and it was hers at once.
        asked.extend(after.holder.as_ref().filter(|_| before.is_none()).map(|holder| holder.as_str()));
        let coordinator = after.coordinator.as_str();
        asked.retain(|person| *person != coordinator);
        let accept = after.deadline(ClockKind::Accept).filter(|deadline| deadline.round == 0);
        let offer = after.deadline(ClockKind::Offer).map(|deadline| deadline.due);
        for person in asked {
            if self.words.get(person).is_some_and(Word::is_news) {
                continue;
            }
            self.asked += 1;
            if after.about.urgency == Urgency::Safety {
                let minute = at.checked_add(jiff::SignedDuration::from_secs(1)).expect("a moment");
                if !self.comes(person, centre, at, minute) {
                    found.push((5, format!("{}: {person} was alerted at {at} and is not on duty", after.id)));
                }
                continue;
            }
            let until = accept.map(|deadline| deadline.due).max(offer);
            if let Some(until) = until.filter(|until| *until > at)
                && !self.comes(person, centre, at, until)
            {
                found.push((
                    2,
                    format!("{}: {person} was asked at {at} and is not there before {until}", after.id),
                ));
            }
        }
        found
    }

    /// The choice again, from what it saw, by the policy of its directory.
    pub(crate) fn replay(&mut self, id: TaskId, requested: &Requested, directory: &Directory) -> Found {
        let Some(sight) = &requested.sight else {
            return vec![(2, format!("{id}: the choice does not say what it saw"))];
        };
        let about = &requested.about;
        let ladder = match about.trigger {
            Trigger::Signal(_) | Trigger::EarlierTask { .. } if about.urgency == Urgency::Safety => {
                Ladder::safety()
            }
            Trigger::Signal(_) | Trigger::EarlierTask { .. } => {
                directory.policy().select(&directory.facts(about)).ladder
            }
            _ => Ladder::follow_up(),
        };
        let calendar = directory.calendar(about.centre.as_str());
        let again = plan(&ladder, &about.domains, about.received_at, sight, calendar.as_ref());
        self.replayed += 1;
        if again == requested.plan {
            Vec::new()
        } else {
            vec![(
                3,
                format!("{id}: another plan from the same sight: {again:?}, and not {:?}", requested.plan),
            )]
        }
    }

    /// Whoever is expected to act can act, or somebody was asked. `well_since`: since when everything has been up.
    pub(crate) fn look<'a>(
        &mut self,
        world: &World,
        tasks: impl Iterator<Item = &'a Task>,
        well_since: Option<Instant>,
    ) -> Found {
        let now = world.now();
        let Some(directory) = world.directory_in_force() else { return Vec::new() };
        let mut standing: BTreeMap<(TaskId, String), u8> = BTreeMap::new();
        for task in tasks {
            for (promise, what) in self.wrongs(task, now, &directory) {
                standing.insert((task.id, what), promise);
            }
        }
        self.wrong.retain(|what, _| standing.contains_key(what));
        let instant = Instant::now();
        for what in standing.keys() {
            self.wrong.entry(what.clone()).or_insert(instant);
        }
        let Some(well_since) = well_since else { return Vec::new() };
        let too_long = |since: &Instant| instant.duration_since((*since).max(well_since)) > BOUND;
        self.wrong
            .iter()
            .filter(|(_, since)| too_long(since))
            .map(|((task, what), _)| {
                let promise = standing.get(&(*task, what.clone())).copied().unwrap_or(2);
                (promise, format!("{task}: {what} ({} s in good order)", BOUND.as_secs()))
            })
            .collect()
    }

    fn wrongs(&self, task: &Task, now: Timestamp, directory: &Directory) -> Found {
        let mut found = Vec::new();
        let centre = task.about.centre.as_str();
        let absent = |person: &str| self.words.get(person).is_some_and(|word| word.is_absent(now));
        let works = |person: &str| directory.works_at(person, centre);
        if directory.coordinators_of(centre).all(|person| person.key != task.coordinator) {
            found.push((2, format!("{} catches it and is no coordinator of {centre}", task.coordinator)));
        }
        if let Some(holder) = task.holder.as_ref().filter(|_| !task.has_failed()) {
            let away = absent(holder.as_str()) || !works(holder.as_str());
            if away && task.away().is_none() {
                found.push((2, format!("{holder} holds it and is away, and nobody was asked who goes on")));
            }
            let asked = task.who_goes_on().is_some_and(|away| away.reason == AwayReason::Absent);
            if !away && asked {
                found.push((2, format!("{holder} is back, and it still asks who goes on")));
            }
        }
        for offer in task.offers.iter().filter(|offer| offer.role != Role::Coordinator) {
            let person = offer.professional.as_str();
            if absent(person) || !works(person) {
                found.push((2, format!("{person} is asked and is away")));
            }
        }
        found
    }
}

/// The choice in an event, when it is one.
pub(crate) fn choice(message: &Recorded) -> Option<Box<Requested>> {
    match voordeur_routing::task_event(message) {
        Ok((_, task::Change::Requested(requested))) => Some(requested),
        _ => None,
    }
}

/// A presence event as it is stored.
pub(crate) fn presence(message: &Recorded) -> PresenceEvent {
    PresenceEvent::decode(message.data.clone()).expect("a presence event")
}
