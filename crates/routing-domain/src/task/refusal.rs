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
    /// Nobody stands in for herself.
    #[error("nobody stands in for herself")]
    OwnStandIn,
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
            Self::NotThere => ErrorKind::NotFound,
            Self::KeyReused => ErrorKind::AlreadyExists,
            Self::VersionChanged { .. } => ErrorKind::Conflict,
            Self::NotNow { .. }
            | Self::AlreadyTaken
            | Self::CoordinatorCatches
            | Self::HeldAlready
            | Self::NameNotCovered => ErrorKind::Refused,
            Self::NotForYou { .. } => ErrorKind::NotAllowed,
            Self::DateNotAhead
            | Self::NoChildToName
            | Self::OwnStandIn
            | Self::StatusNeeded
            | Self::NobodyAsked
            | Self::NotAnOutcomeOfASignal => ErrorKind::Invalid,
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
        }
    }
}
