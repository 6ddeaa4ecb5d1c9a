//! What a choice of professional sees at its moment. It is kept with the choice, so that the choice can be made again: by the same policy
//! with the same result, or by another one.

use voordeur_kernel::{CentreKey, ConcernDomain, ProfessionalKey, Timestamp};

pub use crate::words::Attendance;

/// Everything that the choice looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sight {
    /// The moment.
    pub at: Timestamp,
    /// The professional who worked with this child last, or whose work it follows on.
    pub known: Option<ProfessionalKey>,
    /// Who catches what nobody takes.
    pub coordinator: ProfessionalKey,
    /// Somebody said that she is absent, and the centre has nobody else who catches.
    pub coordinator_absent: bool,
    /// Everybody who works at the centre, and at neighbours by arrangement, in any order.
    pub people: Vec<Seen>,
}

/// One professional at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Who.
    pub professional: ProfessionalKey,
    /// What she knows about.
    pub expertise: Vec<ConcernDomain>,
    /// Is she there?
    pub attendance: Attendance,
    /// The next moment at which she is there; the moment of the choice when she is there now, `None` when none is known within three weeks.
    pub there_from: Option<Timestamp>,
    /// Is her registration valid?
    pub registered: bool,
    /// Open tasks she holds.
    pub open_tasks: u32,
    /// Minutes a week that she is at the centre; 0 when unknown.
    pub weekly_minutes: u32,
    /// Open tasks from which on others go first; 0: no limit. A preference, never a refusal.
    pub capacity: u32,
    /// She said before that she stands too close to this child.
    pub too_close: bool,
    /// Who takes over while she is absent.
    pub stand_in: Option<ProfessionalKey>,
    /// The neighbouring centre she belongs to, by a recorded arrangement; `None` for the centre itself.
    pub neighbour: Option<CentreKey>,
}

impl Seen {
    /// Does she hold as many tasks as she would?
    #[must_use]
    pub const fn is_at_capacity(&self) -> bool {
        self.capacity > 0 && self.open_tasks >= self.capacity
    }

    /// Does she know about one of these?
    #[must_use]
    pub fn knows_about(&self, domains: &[ConcernDomain]) -> bool {
        domains.iter().any(|domain| self.expertise.contains(domain))
    }
}

impl Sight {
    /// Somebody of the centre itself.
    #[must_use]
    pub fn person(&self, who: &ProfessionalKey) -> Option<&Seen> {
        self.people.iter().find(|seen| seen.professional == *who && seen.neighbour.is_none())
    }

    /// Everybody of the centre itself.
    pub fn own(&self) -> impl Iterator<Item = &Seen> {
        self.people.iter().filter(|seen| seen.neighbour.is_none())
    }
}
