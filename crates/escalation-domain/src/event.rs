//! Events of an episode. Codes and keys only.

use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, OrganisationKey, ProfessionalKey, Role, SafetyLevel,
    SignalId, TaskId, Timestamp,
};

use crate::words::{Baseline, CloseReason, Participant, TaskOutcome};

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A service, in reaction to something.
    Service(String),
    /// A person, in the role she acted in.
    Person(ProfessionalKey, Role),
    /// A source system.
    Organisation(OrganisationKey),
}

/// What every event carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meta {
    /// When it became known here.
    pub recorded_at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// Which act it is.
    pub command: CommandId,
    /// Version of the directory it was decided with; 0 when it was not needed.
    pub directory_version: u64,
    /// Place in its history, from 1.
    pub ordinal: u32,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// About the event.
    pub meta: Meta,
    /// When it happened.
    pub effective_at: Timestamp,
    /// What happened.
    pub change: Change,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// The first signal on the child.
    Opened(Opened),
    /// A further signal while the episode runs.
    SignalJoined(SignalJoined),
    /// Somebody was reached for the first time.
    FirstContact {
        /// The task it belongs to.
        task: TaskId,
    },
    /// One of its tasks was completed. The episode stays open.
    TaskCompleted {
        /// Which.
        task: TaskId,
        /// What it came to.
        outcome: TaskOutcome,
    },
    /// Is a referral considered?
    BaselineAssessed {
        /// The answer.
        baseline: Baseline,
        /// Chance of a referral within 12 months if nothing extra is done here, 0-100.
        probability_percent: u8,
        /// Roles that took part in the judgement.
        took_part: Vec<Participant>,
    },
    /// It ended.
    Closed {
        /// Why.
        reason: CloseReason,
    },
    /// An earlier event was wrong.
    Corrected {
        /// Commit of that event.
        target: CommitId,
        /// It counts no more (true), or counts again (false).
        void: bool,
        /// Who agreed.
        second_person: ProfessionalKey,
    },
}

/// The first signal on the child.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Opened {
    /// Random alias of the child.
    pub child: ChildAlias,
    /// 1 for the first episode of this child.
    pub child_ordinal: u32,
    /// What opened it.
    pub signal: SignalJoined,
}

/// A signal with the task that was made for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignalJoined {
    /// The signal.
    pub signal: SignalId,
    /// Its task.
    pub task: TaskId,
    /// Where.
    pub centre: CentreKey,
    /// Safety as the signaller weighed it.
    pub safety: SafetyLevel,
    /// Severity 1-5; `None` when it was not asked.
    pub severity: Option<u8>,
}
