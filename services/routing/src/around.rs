//! Who is where: the weekly hours of the directory, the calendar of the centre, and what people said on top of them.

use std::sync::Arc;

use jiff::{SignedDuration, civil::Date};
use voordeur_directory::{Directory, Person};
use voordeur_kernel::{CentreKey, ChildAlias, ProfessionalKey, Timestamp};
use voordeur_routing_domain::{
    presence::{self, Absence, Presence, Whereabouts, is_on_working_day, whereabouts},
    sight::{Attendance, Seen, Sight},
    task::{Around, Task, There},
    words::AwayReason,
};

use crate::{
    machine::{ChildRecord, State, presence_subject},
    office::Office,
};

/// How far is looked ahead first.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 4);

/// What is known of one person at one centre at one moment.
pub(crate) struct Looked {
    pub(crate) attendance: Attendance,
    pub(crate) next: Whereabouts,
    /// The absence that stands.
    pub(crate) absence: Option<Absence>,
}

/// Is somebody on duty?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDuty {
    /// No end is known.
    Always,
    /// At this moment she goes, for the day or for a break, or is back.
    LookAgain(Timestamp),
    /// She has gone for the day.
    Gone,
}

/// Somebody is away, until a moment where that is known, with who takes over for her.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IsAway {
    pub(crate) reason: AwayReason,
    pub(crate) until: Option<Timestamp>,
    pub(crate) stand_in: Option<ProfessionalKey>,
}

impl Office {
    /// What somebody said about where she is.
    pub(crate) fn presence(&self, person: &ProfessionalKey) -> Option<Arc<State>> {
        let subject = presence_subject(person).ok()?;
        self.fold.get(&subject).ok().flatten().map(|held| held.state)
    }

    /// Where somebody is, at a moment, as seen from one centre.
    pub(crate) fn look_at(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        centre: &CentreKey,
        now: Timestamp,
    ) -> Looked {
        let state = self.presence(person);
        look_at(directory, state.as_deref().and_then(State::presence), person, centre, now)
    }

    /// Did somebody say that she is absent now?
    pub(crate) fn is_absent(&self, person: &ProfessionalKey, now: Timestamp) -> bool {
        let state = self.presence(person);
        state.as_deref().and_then(State::presence).is_some_and(|presence| presence.absent(now).is_some())
    }

    /// Is somebody away from the open work of a centre? Nobody's hours make her away; the directory in force and absences do.
    pub(crate) fn is_away(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        centre: &CentreKey,
        now: Timestamp,
    ) -> Option<IsAway> {
        let gone = |reason| Some(IsAway { reason, until: None, stand_in: None });
        let today = directory.local_date(now);
        let works_here = directory.works_for_on(person.as_str(), centre.as_str(), today);
        let found = directory.person(person.as_str()).filter(|_| works_here);
        let Some(found) = found else { return gone(AwayReason::LeftCentre) };
        if found.role == voordeur_kernel::Role::Professional && !found.is_registered_on(today) {
            return gone(AwayReason::RegistrationEnded);
        }
        let state = self.presence(person);
        let presence = state.as_deref().and_then(State::presence)?;
        let absence = presence.absent(now)?;
        Some(IsAway {
            reason: AwayReason::Absent,
            until: presence.back_at(now),
            stand_in: absence.stand_in.clone(),
        })
    }

    /// Until when is somebody on duty at a centre, who is asked something there? Coordinators have no hours. A break after which she is back
    /// on the same day is no end.
    pub(crate) fn on_duty(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        centre: &CentreKey,
        now: Timestamp,
    ) -> OnDuty {
        let coordinates = directory.coordinators_of(centre.as_str()).any(|other| other.key == *person);
        if coordinates {
            return OnDuty::Always;
        }
        let Looked { attendance, next, .. } = self.look_at(directory, person, centre, now);
        if attendance == Attendance::Present {
            return next.until.map_or(OnDuty::Always, OnDuty::LookAgain);
        }
        let today = directory.local_date(now);
        let back = next.from.filter(|from| directory.local_date(*from) == today);
        back.map_or(OnDuty::Gone, OnDuty::LookAgain)
    }

    /// Who is there at a centre now. `coordinator` catches when the directory does not know the centre any more.
    pub(crate) fn there(
        &self,
        directory: &Directory,
        centre: &CentreKey,
        coordinator: Option<&ProfessionalKey>,
        now: Timestamp,
    ) -> Option<There> {
        let look = |person: &ProfessionalKey, at: &CentreKey| self.look_at(directory, person, at, now);
        there(directory, centre, coordinator, now, look, |person| self.is_absent(person, now))
    }

    /// Who is there for a task; its own coordinator catches when the directory does not know the centre any more, and when it is older than
    /// the one by which she does.
    pub(crate) fn there_for(&self, directory: &Directory, task: &Task, now: Timestamp) -> There {
        let coordinator_absent = self.is_absent(&task.coordinator, now);
        let caught_by = |coordinators, coordinators_absent| There {
            present: Vec::new(),
            around: Vec::new(),
            coordinator: task.coordinator.clone(),
            coordinator_absent,
            coordinators,
            coordinators_absent,
            directory_version: directory.version(),
        };
        match self.there(directory, &task.about.centre, Some(&task.coordinator), now) {
            None => caught_by(Vec::new(), Vec::new()),
            Some(there) if directory.version() >= task.directory_version => there,
            Some(There { present, around, mut coordinators, coordinators_absent, .. }) => {
                if !coordinators.contains(&task.coordinator) {
                    coordinators.push(task.coordinator.clone());
                }
                There { present, around, ..caught_by(coordinators, coordinators_absent) }
            }
        }
    }

    /// Everybody of a centre and of its neighbours by arrangement, as the choice wants to see them, and what is known of the child.
    pub(crate) fn sight(
        &self,
        directory: &Directory,
        there: &There,
        centre: &CentreKey,
        child: Option<&ChildAlias>,
        now: Timestamp,
    ) -> (Sight, ChildRecord) {
        let today = directory.local_date(now);
        let people: Vec<(&Person, &CentreKey)> = team(directory, centre, today).collect();
        // One look at the index; presence is asked afterwards, because it stands under the same lock.
        let (record, work): (ChildRecord, Vec<u32>) = self.fold.read(|index, _| {
            let record = child.and_then(|child| index.child(child)).cloned().unwrap_or_default();
            (record, people.iter().map(|(person, _)| index.open_work(&person.key)).collect())
        });
        let look = |person: &ProfessionalKey, at: &CentreKey| self.look_at(directory, person, at, now);
        let sight = sight(directory, there, centre, &record, &work, now, look);
        (sight, record)
    }
}

/// Who is there at a centre. `look` says where somebody is as seen from a centre, `absent` whether she said that she is away.
pub(crate) fn there(
    directory: &Directory,
    centre: &CentreKey,
    coordinator: Option<&ProfessionalKey>,
    now: Timestamp,
    look: impl Fn(&ProfessionalKey, &CentreKey) -> Looked,
    absent: impl Fn(&ProfessionalKey) -> bool,
) -> Option<There> {
    let today = directory.local_date(now);
    let mut present = Vec::new();
    let mut around = Vec::new();
    for (person, at) in team(directory, centre, today).filter(|(person, _)| person.is_registered_on(today)) {
        let looked = look(&person.key, at);
        if looked.attendance == Attendance::Absent {
            continue;
        }
        if looked.attendance == Attendance::Present && at == centre {
            present.push(person.key.clone());
        }
        around.push(Around {
            professional: person.key.clone(),
            attendance: looked.attendance,
            from: looked.next.from,
            until: looked.next.until,
            back: looked.next.back,
        });
    }
    let coordinators: Vec<&ProfessionalKey> =
        directory.coordinators_of(centre.as_str()).map(|person| &person.key).collect();
    // Where there are several, one who is there goes before one who is not.
    let catching = coordinators.iter().find(|person| !absent(person)).or(coordinators.first()).copied();
    let coordinator = catching.or(coordinator)?.clone();
    // Where the centre is not known any more she sees nothing of its tasks, also when she works elsewhere.
    let coordinator_absent = catching.is_none() || absent(&coordinator);
    Some(There {
        present,
        around,
        coordinator,
        coordinator_absent,
        coordinators_absent: coordinators.iter().copied().filter(|person| absent(person)).cloned().collect(),
        coordinators: coordinators.into_iter().cloned().collect(),
        directory_version: directory.version(),
    })
}

/// What a choice sees at a centre. `work` are the open tasks of its [`team`], in that order.
pub(crate) fn sight(
    directory: &Directory,
    there: &There,
    centre: &CentreKey,
    record: &ChildRecord,
    work: &[u32],
    now: Timestamp,
    look: impl Fn(&ProfessionalKey, &CentreKey) -> Looked,
) -> Sight {
    let today = directory.local_date(now);
    let seen = |((person, at), open_tasks): ((&Person, &CentreKey), &u32)| {
        let looked = look(&person.key, at);
        Seen {
            professional: person.key.clone(),
            expertise: person.expertise.iter().copied().collect(),
            attendance: looked.attendance,
            there_from: looked.next.from,
            registered: person.is_registered_on(today),
            open_tasks: *open_tasks,
            weekly_minutes: u32::from(person.hours_per_week.unwrap_or(0)) * 60,
            capacity: person.max_open_tasks.map_or(0, u32::from),
            too_close: record.too_close.contains(&person.key),
            stand_in: looked.absence.and_then(|absence| absence.stand_in),
            neighbour: (at != centre).then(|| at.clone()),
        }
    };
    Sight {
        at: now,
        known: record.last_holder.clone(),
        coordinator: there.coordinator.clone(),
        coordinator_absent: there.coordinator_absent,
        people: team(directory, centre, today).zip(work).map(seen).collect(),
    }
}

/// The professionals of a centre, and of its neighbours by arrangement, each with the centre where she works.
pub(crate) fn team<'d>(
    directory: &'d Directory,
    centre: &'d CentreKey,
    day: Date,
) -> impl Iterator<Item = (&'d Person, &'d CentreKey)> {
    let here = directory.professionals_at(centre.as_str()).map(move |person| (person, centre));
    let neighbours = directory.neighbours_of(centre.as_str(), day).flat_map(move |other| {
        let own = move |person: &&Person| !person.centres.contains(centre);
        directory.professionals_at(other.as_str()).filter(own).map(move |person| (person, other))
    });
    here.chain(neighbours)
}

/// Where somebody is, at a moment, as seen from one centre.
pub(crate) fn look_at(
    directory: &Directory,
    presence: Option<&Presence>,
    person: &ProfessionalKey,
    centre: &CentreKey,
    now: Timestamp,
) -> Looked {
    let within = |end| {
        let scheduled = directory.scheduled_between(person.as_str(), centre.as_str(), now, end);
        whereabouts(presence, centre, scheduled, now)
    };
    // Usually a few days say it all; what is cut off at their end has no stretch after it.
    let soon = now.checked_add(SOON).unwrap_or(Timestamp::MAX);
    let next = Some(within(soon)).filter(|found| found.back.is_some());
    let next = next.unwrap_or_else(|| within(presence::horizon(now)));
    let opening = directory.calendar(centre.as_str());
    let attendance = next.attendance(presence, now, |moment| is_on_working_day(opening, now, moment));
    let absence = presence.and_then(|p| p.absent(now)).cloned();
    Looked { attendance, next, absence }
}
