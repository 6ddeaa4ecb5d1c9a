//! Why something may not be done. A refusal changes nothing and says what is allowed instead.

use voordeur_kernel::ErrorKind;

use super::{
    TaskState,
    table::{StepKind, Who},
};

/// Why not. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such task.
    #[error("there is no such task")]
    NotThere,
    /// The same key stood for another act before.
    #[error("this idempotency key was used for another act; take a new one")]
    KeyReused,
    /// Somebody did something meanwhile.
    #[error("somebody changed it since you looked; look again (it is at version {now} now)")]
    VersionChanged {
        /// What people did so far.
        now: u32,
    },
    /// Not in this state.
    #[error("the task is {}; allowed for you now: {}", state.name(), list(allowed))]
    NotNow {
        /// Where it stands.
        state: TaskState,
        /// What the caller may do.
        allowed: Vec<StepKind>,
    },
    /// Somebody else was first.
    #[error("somebody else has taken it")]
    AlreadyTaken,
    /// Not for this person.
    #[error("only for: {}", who.names().join(", "))]
    NotForYou {
        /// For whom.
        who: Who,
    },
    /// The coordinator catches.
    #[error("the coordinator catches what nobody takes: accept it, or assign it")]
    CoordinatorCatches,
    /// She holds it already.
    #[error("this person holds it already")]
    HeldAlready,
    /// A date that has passed.
    #[error("give a moment that is still to come")]
    DateNotAhead,
    /// Somebody waits for an answer.
    #[error("somebody waits for the answer; say which status she hears")]
    StatusNeeded,
    /// Nobody waits for an answer.
    #[error("no signal asked for this work, so nobody waits for an answer; leave status and advice out")]
    NobodyAsked,
    /// This outcome is not for the task of a signal.
    #[error("this outcome is for checks, look-backs and hand-overs; say what the work on the signal came to")]
    NotAnOutcomeOfASignal,
    /// There is no child to name.
    #[error("there is no child to name in this task")]
    NoChildToName,
    /// Nobody consented to that.
    #[error(
        "no consent covers telling this colleague who the child is: consent is for the embedded professionals of the centre; \
         ask without the name"
    )]
    NameNotCovered,
    /// A colleague is asked already.
    #[error("a colleague is asked to take it over already; take that back first, or wait for her answer")]
    TransferAsked,
    /// Nobody is asked.
    #[error("nobody is asked to take it over")]
    NobodyIsAsked,
    /// She is not asked, or not any more.
    #[error("you are not asked to take it over, or not any more")]
    NotAsked,
    /// Nobody off duty is asked.
    #[error("this colleague is not at work at the centre now; ask somebody who is, or the coordinator")]
    ColleagueNotThere,
    /// There is no question who goes on.
    #[error("its holder is not away, or it was said already who goes on")]
    NotAway,
    /// Nobody would be expected to act.
    #[error("its holder does not work here any more, or is not registered any more; assign it to somebody")]
    HolderGone,
    /// One meeting at a time.
    #[error("a meeting is planned already; record first what became of it: held, cancelled or moved")]
    MeetingPlanned,
    /// There is no meeting.
    #[error("no meeting is planned")]
    NoMeeting,
    /// A meeting lies ahead.
    #[error("give a moment that is still to come")]
    MeetingNotAhead,
    /// A meeting with nobody.
    #[error("invite at least one role or person of the team, or the parents")]
    MeetingWithNobody,
    /// It is about a child.
    #[error("this task is about a child; give another reason, or invite the parents")]
    AboutAChild,
    /// It is about no child.
    #[error("this task is about no child, so there are no parents to invite")]
    NoParentsToInvite,
    /// Nobody comes to what was not held.
    #[error("parents can only have come to a meeting that was held")]
    OnlyWhenHeld,
    /// More work on what is not done.
    #[error("this task is still open: there is no further work yet, only this")]
    StillOpen,
    /// Nothing is done with what was taken back.
    #[error("it was cancelled because the signal or the consent was taken back; a new signal is needed")]
    TakenBack,
    /// Nobody stands in for herself.
    #[error("nobody stands in for herself")]
    OwnStandIn,
    /// An absence of no time.
    #[error("this absence would end before it begins; give a later end")]
    EndsBeforeItBegins,
    /// Two absences at one time.
    #[error(
        "this overlaps an absence that was said before; show what is planned, and withdraw that one or say that she is back first"
    )]
    AbsencesOverlap,
    /// Too much is planned.
    #[error("{} absences are planned already; withdraw one first", crate::presence::ABSENCES_MAX)]
    TooManyAbsences,
    /// Nothing is planned for that moment.
    #[error("no absence that begins at this moment was said; show what is planned")]
    NoSuchAbsence,
    /// It runs already.
    #[error("this absence has begun; say that she is back instead")]
    AbsenceBegan,
}

fn list(steps: &[StepKind]) -> String {
    let names: Vec<&str> = steps.iter().filter_map(|step| step.rpc()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

impl Refusal {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotThere | Self::NoSuchAbsence => ErrorKind::NotFound,
            Self::KeyReused => ErrorKind::AlreadyExists,
            Self::VersionChanged { .. } => ErrorKind::Conflict,
            Self::NotNow { .. }
            | Self::AlreadyTaken
            | Self::CoordinatorCatches
            | Self::HeldAlready
            | Self::AbsencesOverlap
            | Self::TooManyAbsences
            | Self::AbsenceBegan
            | Self::NameNotCovered
            | Self::TransferAsked
            | Self::NobodyIsAsked
            | Self::NotAsked
            | Self::ColleagueNotThere
            | Self::NotAway
            | Self::HolderGone
            | Self::MeetingPlanned
            | Self::NoMeeting
            | Self::StillOpen
            | Self::TakenBack => ErrorKind::Refused,
            Self::NotForYou { .. } => ErrorKind::NotAllowed,
            Self::DateNotAhead
            | Self::NoChildToName
            | Self::OwnStandIn
            | Self::EndsBeforeItBegins
            | Self::StatusNeeded
            | Self::NobodyAsked
            | Self::NotAnOutcomeOfASignal
            | Self::MeetingNotAhead
            | Self::MeetingWithNobody
            | Self::AboutAChild
            | Self::NoParentsToInvite
            | Self::OnlyWhenHeld => ErrorKind::Invalid,
        }
    }

    /// Stable code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotThere => "NO_SUCH_TASK",
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::VersionChanged { .. } => "VERSION_CHANGED",
            Self::NotNow { .. } => "STEP_NOT_ALLOWED",
            Self::AlreadyTaken => "ALREADY_TAKEN",
            Self::NotForYou { .. } => "NOT_YOUR_STEP",
            Self::CoordinatorCatches => "COORDINATOR_CATCHES",
            Self::HeldAlready => "HELD_ALREADY",
            Self::DateNotAhead => "DATE_NOT_AHEAD",
            Self::StatusNeeded => "REQUIRED",
            Self::NobodyAsked => "NOBODY_ASKED",
            Self::NotAnOutcomeOfASignal => "NOT_AN_OUTCOME_OF_A_SIGNAL",
            Self::NoChildToName => "NO_CHILD_TO_NAME",
            Self::NameNotCovered => "NAME_NOT_COVERED",
            Self::OwnStandIn => "OWN_STAND_IN",
            Self::EndsBeforeItBegins => "ENDS_BEFORE_IT_BEGINS",
            Self::AbsencesOverlap => "ABSENCES_OVERLAP",
            Self::TooManyAbsences => "TOO_MANY_ABSENCES",
            Self::NoSuchAbsence => "NO_SUCH_ABSENCE",
            Self::AbsenceBegan => "ABSENCE_BEGAN",
            Self::TransferAsked => "TRANSFER_ASKED",
            Self::NobodyIsAsked => "NO_TRANSFER",
            Self::NotAsked => "NOT_ASKED",
            Self::ColleagueNotThere => "COLLEAGUE_NOT_THERE",
            Self::NotAway => "HOLDER_NOT_AWAY",
            Self::HolderGone => "HOLDER_GONE",
            Self::MeetingPlanned => "MEETING_PLANNED",
            Self::NoMeeting => "NO_MEETING",
            Self::MeetingNotAhead => "DATE_NOT_AHEAD",
            Self::MeetingWithNobody => "MEETING_WITH_NOBODY",
            Self::AboutAChild => "ABOUT_A_CHILD",
            Self::NoParentsToInvite => "NO_CHILD",
            Self::OnlyWhenHeld => "ONLY_WHEN_HELD",
            Self::StillOpen => "STILL_OPEN",
            Self::TakenBack => "TAKEN_BACK",
        }
    }
}
