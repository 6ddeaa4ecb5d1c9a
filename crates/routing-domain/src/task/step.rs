//! Taking a step of a frozen plan with the people who are there at this moment.

use voordeur_kernel::{ProfessionalKey, Role, Timestamp};

use super::{About, Around, Command, Offer, Route, RouteStep, StepTaken, Task, There};
use crate::{
    calendar::Calendar,
    plan::is_in_time,
    words::{Attendance, Audience, ClockKind},
};

/// Everything that decides what a step brings.
pub(super) struct Taking<'a> {
    route: &'a Route,
    there: &'a There,
    /// People who are not asked again.
    spared: &'a dyn Fn(&ProfessionalKey) -> bool,
    now: Timestamp,
    calendar: &'a dyn Calendar,
    /// When somebody must have taken it; `None`: that moment has passed, so nobody is waited for any more.
    accept_by: Option<Timestamp>,
}

impl<'a> Taking<'a> {
    /// For a new task.
    pub(super) fn first(
        route: &'a Route,
        about: &About,
        command: &'a Command,
        calendar: &'a dyn Calendar,
    ) -> Self {
        let accept_by = Some(calendar.after(about.received_at, route.clocks().accept));
        Self { route, there: &command.there, spared: &|_| false, now: command.now, calendar, accept_by }
    }

    /// For a task on its way.
    pub(super) fn of(
        task: &'a Task,
        command: &'a Command,
        spared: &'a dyn Fn(&ProfessionalKey) -> bool,
        calendar: &'a dyn Calendar,
    ) -> Self {
        let accept = task.deadline(ClockKind::Accept).filter(|accept| accept.round == 0);
        let accept_by = accept.map(|accept| accept.due);
        Self { route: &task.route, there: &command.there, spared, now: command.now, calendar, accept_by }
    }

    /// The first step from `from` on that finds somebody; steps with nobody there are passed over at once, and it says so.
    pub(super) fn take(&self, from: usize) -> StepTaken {
        let mut skipped = Vec::new();
        for (index, step) in self.route.steps().enumerate().skip(from) {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let (offers, respond_by) = match step.audience {
                Audience::Coordinator => return self.at_coordinator(number, skipped),
                Audience::EverybodyOnDuty => {
                    (self.everybody(), self.calendar.after(self.now, step.respond_within))
                }
                Audience::KnownProfessional
                | Audience::KnownBackInTime
                | Audience::PresentAtCentre
                | Audience::NeighbouringCentre => self.people(&step),
            };
            if offers.is_empty() {
                skipped.push(number);
                continue;
            }
            let respond_by = Some(respond_by);
            return StepTaken { step: number, skipped, offers, assigned_to: None, respond_by };
        }
        // A ladder always ends with a step that catches; this is for the one that was cut short.
        self.at_coordinator(self.route.last(), skipped)
    }

    /// The step that always catches: the coordinator, or everybody on duty for a safety signal.
    pub(super) fn catch(&self) -> StepTaken {
        self.take(usize::try_from(self.route.last()).unwrap_or(usize::MAX))
    }

    fn at_coordinator(&self, step: u32, skipped: Vec<u32>) -> StepTaken {
        let offers = vec![coordinator_offer(&self.there.coordinator)];
        StepTaken { step, skipped, offers, assigned_to: None, respond_by: None }
    }

    /// The people of a step who can be asked now, and when their offers end. Its time runs from the moment at which the first of them is
    /// there, and ends at the latest when the last of them goes off duty without coming back before that end.
    fn people(&self, step: &RouteStep<'_>) -> (Vec<Offer>, Timestamp) {
        let asked: Vec<&ProfessionalKey> =
            step.chosen.iter().filter(|person| self.can_be_asked(person, step)).collect();
        let from = asked.iter().map(|person| self.there_from(person)).min().unwrap_or(self.now);
        let end = self.calendar.after(from.max(self.now), step.respond_within);
        let ends = |person: &&ProfessionalKey| {
            self.there.around(person).map_or(end, |around| around.offer_ends(self.now, end))
        };
        let respond_by = asked.iter().map(ends).max().unwrap_or(end);
        let offer =
            |person: &ProfessionalKey| Offer { professional: person.clone(), role: Role::Professional };
        (asked.into_iter().map(offer).collect(), respond_by)
    }

    fn there_from(&self, person: &ProfessionalKey) -> Timestamp {
        self.there.around(person).and_then(|around| around.from).unwrap_or(self.now)
    }

    fn can_be_asked(&self, person: &ProfessionalKey, step: &RouteStep<'_>) -> bool {
        if (self.spared)(person) {
            return false;
        }
        let neighbour = step.audience == Audience::NeighbouringCentre;
        let Some(around) = self.there.around(person) else {
            return !neighbour && self.there.present.contains(person);
        };
        match (around.attendance, step.audience) {
            (Attendance::Present, _) => true,
            (Attendance::Absent, _) => false,
            (Attendance::LaterToday | Attendance::NotScheduled, _) if self.route.is_patient() => true,
            (_, Audience::NeighbouringCentre) => false,
            (Attendance::LaterToday, _) | (Attendance::NotScheduled, Audience::KnownBackInTime) => {
                self.is_in_time(around, step)
            }
            (Attendance::NotScheduled, _) => false,
        }
    }

    fn is_in_time(&self, around: &Around, step: &RouteStep<'_>) -> bool {
        self.accept_by
            .is_some_and(|accept_by| is_in_time(around.from, step.respond_within, accept_by, self.calendar))
    }

    /// Who is on duty may have changed since the plan was made: a safety signal goes to whoever is there now.
    fn everybody(&self) -> Vec<Offer> {
        let mut offers: Vec<Offer> = self
            .there
            .present
            .iter()
            .filter(|person| **person != self.there.coordinator && !(self.spared)(person))
            .map(|person| Offer { professional: person.clone(), role: Role::Professional })
            .collect();
        offers.sort();
        offers.dedup();
        offers.push(coordinator_offer(&self.there.coordinator));
        offers
    }
}

/// The coordinator's offer: it stands until somebody takes the task.
pub(super) fn coordinator_offer(coordinator: &ProfessionalKey) -> Offer {
    Offer { professional: coordinator.clone(), role: Role::Coordinator }
}
