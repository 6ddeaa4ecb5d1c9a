//! When the people of a centre are there next, as taking a step of a plan has to know it.

use voordeur_kernel::{ProfessionalKey, Timestamp};

use super::{Change, Task, There};
use crate::words::Attendance;

/// A registered professional of the centre, or of a neighbour by arrangement, about whom no absence stands at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Around {
    /// Who.
    pub professional: ProfessionalKey,
    /// Is she there?
    pub attendance: Attendance,
    /// Since or from when she is there: this moment when she is there now, `None` when no moment is known within three weeks.
    pub from: Option<Timestamp>,
    /// When she goes off duty after that; `None` when no moment is known within three weeks.
    pub until: Option<Timestamp>,
    /// When she is there again after that; `None` when no moment is known within three weeks.
    pub back: Option<Timestamp>,
}

impl Around {
    /// When an offer to her ends that would last until `end`: not later than she goes off duty, unless she is back before its end.
    #[must_use]
    pub fn offer_ends(&self, now: Timestamp, end: Timestamp) -> Timestamp {
        match self.until {
            Some(until) if until > now && until < end && self.back.is_none_or(|back| back >= end) => until,
            _ => end,
        }
    }
}

/// The coordinator who catches a task is absent. Another one catches it; when there is none and nobody else is expected to act, it says so,
/// and nothing moves. `None` when that is not so, or not any more.
pub(super) fn coordinator_away(task: &Task, who: &ProfessionalKey, there: &There) -> Option<Change> {
    if task.coordinator != *who {
        return None;
    }
    if !there.coordinator_absent {
        let another = there.coordinator != *who && there.coordinators.contains(&there.coordinator);
        return another.then(|| Change::CoordinatorReplaced { coordinator: there.coordinator.clone() });
    }
    let nobody_else = !task.expects_others_than(who);
    nobody_else.then(|| Change::NobodyToTell { deadlines: task.deadlines.to_vec() })
}

impl Task {
    /// Does somebody else hold it who is not away, or was somebody else asked?
    #[must_use]
    pub fn expects_others_than(&self, who: &ProfessionalKey) -> bool {
        self.offers.iter().any(|offer| offer.professional != *who)
            || self.who_goes_on().is_none() && self.holder.as_ref().is_some_and(|holder| holder != who)
    }
}
