//! Taking a step of a frozen plan with the people who are there at this moment.

use voordeur_kernel::{ProfessionalKey, Role, Timestamp};

use super::{Offer, Route, StepTaken, There};
use crate::{calendar::Calendar, words::Audience};

/// Everything that decides what a step brings.
pub(super) struct Taking<'a> {
    pub(super) route: &'a Route,
    pub(super) there: &'a There,
    /// People who are not asked again.
    pub(super) spared: &'a dyn Fn(&ProfessionalKey) -> bool,
    pub(super) now: Timestamp,
    pub(super) calendar: &'a dyn Calendar,
}

impl Taking<'_> {
    /// The first step from `from` on that finds somebody; steps with nobody there are passed over at once, and it says so.
    pub(super) fn take(&self, from: usize) -> StepTaken {
        let mut skipped = Vec::new();
        for (index, step) in self.route.steps().enumerate().skip(from) {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let offers = match step.audience {
                Audience::Coordinator => return self.at_coordinator(number, skipped),
                Audience::EverybodyOnDuty => self.everybody(),
                Audience::KnownProfessional
                | Audience::KnownBackInTime
                | Audience::PresentAtCentre
                | Audience::NeighbouringCentre => step
                    .chosen
                    .iter()
                    .filter(|person| self.there.present.contains(person) && !(self.spared)(person))
                    .map(|person| Offer { professional: person.clone(), role: Role::Professional })
                    .collect(),
            };
            if offers.is_empty() {
                skipped.push(number);
                continue;
            }
            let respond_by = Some(self.calendar.after(self.now, step.respond_within));
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
