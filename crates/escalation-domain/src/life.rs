//! The life of an episode as data: which event is possible in which phase, who brings it, where it leads. `decide` and `evolve` obey it,
//! and docs/episodes.md publishes it.
//!
//! Two things end at different times. The **work** ends when a professional closes the episode, and a clock never does that. The
//! **window** ends by itself: 365 days after the baseline judgement, or after the first signal while there is none. A further signal on
//! the child inside the window joins the episode, whether or not its work was closed meanwhile (then it is open again: a re-entry, and the
//! first judgement stands); a signal after the window, or after consent was withdrawn, opens the child's next episode, whether or not the
//! work of this one was closed. What becomes known later about the days of this window, and up to the follow-on of 730 days, is still
//! recorded here: checks, referrals, care, reviews, leaving and corrections are taken after the end as well.

use crate::event::Change;

/// Phases of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// There is none yet.
    Absent,
    /// Somebody works on it.
    Open,
    /// It was closed. What happened before may still become known, and a signal inside the window opens it again.
    Closed,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Absent, Self::Open, Self::Closed];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

macro_rules! kinds {
    ($($kind:ident = $name:literal,)+) => {
        /// Kinds of events, each as the variant of [`Change`] with its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the variants of Change say what they are")]
        pub enum ChangeKind {
            $($kind,)+
        }

        impl ChangeKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// As it is written: the name of the field in the contract.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            pub(crate) const fn number(self) -> u8 {
                self as u8
            }

            pub(crate) fn of(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }
        }
    };
}

kinds! {
    Opened = "opened",
    SignalJoined = "signal_joined",
    FirstContact = "first_contact",
    TaskCompleted = "task_completed",
    BaselineAssessed = "baseline_assessed",
    GoalSet = "goal_set",
    GoalScored = "goal_scored",
    SupportGiven = "support_given",
    SpecialistConsulted = "specialist_consulted",
    ReferralRequested = "referral_requested",
    ReferralDecided = "referral_decided",
    CareStarted = "care_started",
    CareEnded = "care_ended",
    ReferralReviewed = "referral_reviewed",
    VeiligThuisReported = "veilig_thuis_reported",
    ChildLeft = "child_left",
    ConsentWithdrawn = "consent_withdrawn",
    FollowUpChecked = "follow_up_checked",
    YouthCareStarted = "youth_care_started",
    HandOverPlanned = "hand_over_planned",
    EpisodesLinked = "episodes_linked",
    WorkDue = "work_due",
    Closed = "closed",
    Corrected = "corrected",
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
            Self::BaselineAssessed(_) => ChangeKind::BaselineAssessed,
            Self::GoalSet(_) => ChangeKind::GoalSet,
            Self::GoalScored { .. } => ChangeKind::GoalScored,
            Self::SupportGiven { .. } => ChangeKind::SupportGiven,
            Self::SpecialistConsulted { .. } => ChangeKind::SpecialistConsulted,
            Self::ReferralRequested { .. } => ChangeKind::ReferralRequested,
            Self::ReferralDecided { .. } => ChangeKind::ReferralDecided,
            Self::CareStarted { .. } => ChangeKind::CareStarted,
            Self::CareEnded { .. } => ChangeKind::CareEnded,
            Self::ReferralReviewed { .. } => ChangeKind::ReferralReviewed,
            Self::VeiligThuisReported => ChangeKind::VeiligThuisReported,
            Self::ChildLeft { .. } => ChangeKind::ChildLeft,
            Self::ConsentWithdrawn { .. } => ChangeKind::ConsentWithdrawn,
            Self::FollowUpChecked(_) => ChangeKind::FollowUpChecked,
            Self::YouthCareStarted => ChangeKind::YouthCareStarted,
            Self::HandOverPlanned { .. } => ChangeKind::HandOverPlanned,
            Self::EpisodesLinked { .. } => ChangeKind::EpisodesLinked,
            Self::WorkDue { .. } => ChangeKind::WorkDue,
            Self::Closed(_) => ChangeKind::Closed,
            Self::Corrected(_) => ChangeKind::Corrected,
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

impl Who {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tasks => "service, when a task moved",
            Self::Clock => "service, when its moment came",
            Self::Professional => "professional or coordinator of the centre",
        }
    }
}

/// One possible step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// In this phase …
    pub from: Phase,
    /// … this may happen …
    pub change: ChangeKind,
    /// … brought by …
    pub by: Who,
    /// … and leads here.
    pub to: Phase,
}

const fn step(from: Phase, change: ChangeKind, by: Who, to: Phase) -> Step {
    Step { from, change, by, to }
}

use ChangeKind as Kind;
use Phase::{Absent, Closed, Open};
use Who::{Clock, Professional, Tasks};

/// Every possible step. One thing is beside it: when the closing itself is voided by a correction, the episode is open again.
pub const LIFE: &[Step] = &[
    step(Absent, Kind::Opened, Tasks, Open),
    step(Open, Kind::SignalJoined, Tasks, Open),
    step(Open, Kind::FirstContact, Tasks, Open),
    step(Open, Kind::TaskCompleted, Tasks, Open),
    step(Open, Kind::BaselineAssessed, Professional, Open),
    step(Open, Kind::GoalSet, Professional, Open),
    step(Open, Kind::GoalScored, Professional, Open),
    step(Open, Kind::SupportGiven, Professional, Open),
    step(Open, Kind::SpecialistConsulted, Professional, Open),
    step(Open, Kind::ReferralRequested, Professional, Open),
    step(Open, Kind::ReferralDecided, Professional, Open),
    step(Open, Kind::CareStarted, Professional, Open),
    step(Open, Kind::CareEnded, Professional, Open),
    step(Open, Kind::ReferralReviewed, Professional, Open),
    step(Open, Kind::VeiligThuisReported, Professional, Open),
    step(Open, Kind::ChildLeft, Professional, Open),
    step(Open, Kind::ConsentWithdrawn, Professional, Open),
    step(Open, Kind::FollowUpChecked, Professional, Open),
    step(Open, Kind::YouthCareStarted, Professional, Open),
    step(Open, Kind::HandOverPlanned, Professional, Open),
    step(Open, Kind::EpisodesLinked, Professional, Open),
    step(Open, Kind::WorkDue, Clock, Open),
    step(Open, Kind::Closed, Professional, Closed),
    step(Open, Kind::Corrected, Professional, Open),
    // A signal inside the window.
    step(Closed, Kind::SignalJoined, Tasks, Open),
    // What became known after the end.
    step(Closed, Kind::FirstContact, Tasks, Closed),
    step(Closed, Kind::TaskCompleted, Tasks, Closed),
    step(Closed, Kind::BaselineAssessed, Professional, Closed),
    step(Closed, Kind::GoalSet, Professional, Closed),
    step(Closed, Kind::GoalScored, Professional, Closed),
    step(Closed, Kind::SupportGiven, Professional, Closed),
    step(Closed, Kind::SpecialistConsulted, Professional, Closed),
    step(Closed, Kind::ReferralRequested, Professional, Closed),
    step(Closed, Kind::ReferralDecided, Professional, Closed),
    step(Closed, Kind::CareStarted, Professional, Closed),
    step(Closed, Kind::CareEnded, Professional, Closed),
    step(Closed, Kind::ReferralReviewed, Professional, Closed),
    step(Closed, Kind::VeiligThuisReported, Professional, Closed),
    step(Closed, Kind::ChildLeft, Professional, Closed),
    step(Closed, Kind::ConsentWithdrawn, Professional, Closed),
    step(Closed, Kind::FollowUpChecked, Professional, Closed),
    step(Closed, Kind::YouthCareStarted, Professional, Closed),
    step(Closed, Kind::EpisodesLinked, Professional, Closed),
    step(Closed, Kind::WorkDue, Clock, Closed),
    step(Closed, Kind::Corrected, Professional, Closed),
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
            assert!(LIFE[..index].iter().all(|s| (s.from, s.change) != (step.from, step.change)), "{step:?}");
        }
    }

    #[test]
    fn every_kind_of_event_has_its_place_and_no_clock_moves_the_work() {
        for (index, kind) in ChangeKind::ALL.iter().enumerate() {
            assert!(LIFE.iter().any(|step| step.change == *kind), "{kind:?}");
            assert_eq!(ChangeKind::of(kind.number()), Some(*kind));
            assert_eq!(usize::from(kind.number()), index);
        }
        assert!(LIFE.iter().filter(|step| step.by == Who::Clock).all(|step| step.from == step.to));
        let reopens: Vec<_> =
            LIFE.iter().filter(|step| step.to < step.from).map(|step| step.change).collect();
        assert_eq!(reopens, [ChangeKind::SignalJoined]);
    }
}
