//! The life of an episode as data: which event is possible in which phase, who brings it, where it leads. `decide` and `evolve` obey it,
//! and it can be published.

use crate::event::Change;

/// Phases of an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// There is none yet.
    Absent,
    /// It runs.
    Open,
    /// It ended. What happened before the end may still become known.
    Closed,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Absent, Self::Open, Self::Closed];
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// [`Change::Opened`]
    Opened,
    /// [`Change::SignalJoined`]
    SignalJoined,
    /// [`Change::FirstContact`]
    FirstContact,
    /// [`Change::TaskCompleted`]
    TaskCompleted,
    /// [`Change::BaselineAssessed`]
    BaselineAssessed,
    /// [`Change::Closed`]
    Closed,
    /// [`Change::Corrected`]
    Corrected,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Opened,
        Self::SignalJoined,
        Self::FirstContact,
        Self::TaskCompleted,
        Self::BaselineAssessed,
        Self::Closed,
        Self::Corrected,
    ];
}

impl Change {
    /// Which kind of event this is.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::Opened(_) => ChangeKind::Opened,
            Self::SignalJoined(_) => ChangeKind::SignalJoined,
            Self::FirstContact { .. } => ChangeKind::FirstContact,
            Self::TaskCompleted { .. } => ChangeKind::TaskCompleted,
            Self::BaselineAssessed { .. } => ChangeKind::BaselineAssessed,
            Self::Closed { .. } => ChangeKind::Closed,
            Self::Corrected { .. } => ChangeKind::Corrected,
        }
    }
}

/// Who brings an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The service, because a task moved.
    Tasks,
    /// The service, because its moment came.
    Clock,
    /// A professional or coordinator of the centre.
    Professional,
}

/// One possible step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// In this phase …
    pub from: Phase,
    /// … this may happen …
    pub change: ChangeKind,
    /// … brought by one of these …
    pub by: &'static [Who],
    /// … and leads here.
    pub to: Phase,
}

/// Every possible step.
pub const LIFE: [Step; 11] = [
    Step { from: Phase::Absent, change: ChangeKind::Opened, by: &[Who::Tasks], to: Phase::Open },
    Step { from: Phase::Open, change: ChangeKind::SignalJoined, by: &[Who::Tasks], to: Phase::Open },
    Step { from: Phase::Open, change: ChangeKind::FirstContact, by: &[Who::Tasks], to: Phase::Open },
    Step { from: Phase::Open, change: ChangeKind::TaskCompleted, by: &[Who::Tasks], to: Phase::Open },
    Step {
        from: Phase::Open,
        change: ChangeKind::BaselineAssessed,
        by: &[Who::Professional],
        to: Phase::Open,
    },
    Step {
        from: Phase::Open,
        change: ChangeKind::Closed,
        by: &[Who::Clock, Who::Professional],
        to: Phase::Closed,
    },
    Step { from: Phase::Open, change: ChangeKind::Corrected, by: &[Who::Professional], to: Phase::Open },
    // What became known after the end.
    Step { from: Phase::Closed, change: ChangeKind::FirstContact, by: &[Who::Tasks], to: Phase::Closed },
    Step { from: Phase::Closed, change: ChangeKind::TaskCompleted, by: &[Who::Tasks], to: Phase::Closed },
    Step {
        from: Phase::Closed,
        change: ChangeKind::BaselineAssessed,
        by: &[Who::Professional],
        to: Phase::Closed,
    },
    Step { from: Phase::Closed, change: ChangeKind::Corrected, by: &[Who::Professional], to: Phase::Closed },
];

/// Where an event leads; nothing when it is not possible in this phase.
#[must_use]
pub fn next_phase(from: Phase, change: ChangeKind) -> Option<Phase> {
    LIFE.iter().find(|step| step.from == from && step.change == change).map(|step| step.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_stands_in_the_table_once() {
        for (index, step) in LIFE.iter().enumerate() {
            assert!(!step.by.is_empty());
            assert!(LIFE[..index].iter().all(|s| (s.from, s.change) != (step.from, step.change)), "{step:?}");
        }
    }

    #[test]
    fn every_kind_of_event_has_its_place_and_nothing_reopens() {
        for kind in ChangeKind::ALL {
            assert!(LIFE.iter().any(|step| step.change == kind), "{kind:?}");
        }
        assert!(LIFE.iter().all(|step| step.to >= step.from));
    }
}
