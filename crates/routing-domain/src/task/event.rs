//! What happened to a task: one decision, one event. Events hold codes, keys and sealed texts.

use std::fmt;

use voordeur_kernel::{
    CommandId, CommitId, DataKeyId, OrganisationKey, ProfessionalKey, Role, TaskId, Timestamp,
};

use super::{About, Away, Colleague, Deadline, Meeting, Offer};
use crate::{
    plan::Plan,
    sight::Sight,
    words::{
        AnswerStatus, AssignReason, AwayReason, CancelReason, ContactKind, ContactWith, DeclineReason,
        ErrorReason, FailReason, HandBackReason, HoldReason, HolderAwayEnd, MeetingEnd, TaskOutcome,
        TransferEnd,
    },
};

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A source system.
    Organisation(OrganisationKey),
    /// A person in a role.
    Person(ProfessionalKey, Role),
    /// One of the services.
    Service(String),
}

impl Actor {
    /// Did a person do it? Only that moves the version that a person compares.
    #[must_use]
    pub const fn is_person(&self) -> bool {
        matches!(self, Self::Person(..))
    }
}

/// What every event carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// The act.
    pub command: CommandId,
    /// The act with its content.
    pub commit: CommitId,
    /// Version of the directory it was decided with; 0 when it was not needed.
    pub directory_version: u64,
    /// The n-th event of its history, from 1.
    pub ordinal: u32,
}

/// A text that only intake can open.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed {
    /// Data key.
    pub key: DataKeyId,
    /// Nonce, ciphertext and tag.
    pub content: Vec<u8>,
    /// Code of its purpose in the contract.
    pub purpose: i32,
    /// The signal or task it is bound to.
    pub owner: [u8; 16],
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.content.len())
    }
}

/// What taking a step of the plan brought.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StepTaken {
    /// Index in the plan.
    pub step: u32,
    /// Steps passed over because nobody was there.
    pub skipped: Vec<u32>,
    /// Offers, when several people could take it.
    pub offers: Vec<Offer>,
    /// One person, when there was only one: it is hers.
    pub assigned_to: Option<ProfessionalKey>,
    /// When the offers end, or are repeated.
    pub respond_by: Option<Timestamp>,
}

/// A task came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// What it is about.
    pub about: About,
    /// Who catches it.
    pub coordinator: ProfessionalKey,
    /// The frozen plan.
    pub plan: Plan,
    /// What the choice saw; `None` in events from before it was kept.
    pub sight: Option<Sight>,
    /// What its first step brought.
    pub first_step: StepTaken,
    /// Earlier tasks on the same child, newest first.
    pub linked: Vec<TaskId>,
    /// Every deadline that runs.
    pub deadlines: Vec<Deadline>,
}

/// What happened. `deadlines` are always all deadlines that run after the event, not only the new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A task came to be, with its frozen plan and its first offers.
    Requested(Box<Requested>),
    /// Offers were made anew.
    OffersMade {
        /// What the step brought.
        step: StepTaken,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// One person said no; until offers could be withdrawn, also that she was not there.
    OfferDeclined {
        /// Who.
        professional: ProfessionalKey,
        /// Why.
        reason: DeclineReason,
        /// The next step, when she was the last one asked.
        next_step: Option<StepTaken>,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// Offers passed their time; the next step follows.
    OffersTimedOut {
        /// Who had not answered.
        professionals: Vec<ProfessionalKey>,
        /// The next step.
        next_step: StepTaken,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// One person said yes.
    Accepted {
        /// Who.
        professional: ProfessionalKey,
        /// Whose offers ended by it.
        rescinded: Vec<ProfessionalKey>,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The coordinator gave it to somebody.
    Assigned {
        /// To whom.
        professional: ProfessionalKey,
        /// Why.
        reason: AssignReason,
        /// Whose offers ended by it.
        rescinded: Vec<ProfessionalKey>,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The holder gave it back.
    HandedBack {
        /// Why.
        reason: HandBackReason,
        /// To whom it goes now.
        next_step: StepTaken,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// It waits until a date.
    Held {
        /// For what.
        reason: HoldReason,
        /// Until when.
        until: Timestamp,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// It goes on.
    Resumed {
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// Contact was made or tried.
    ContactRecorded {
        /// How.
        kind: ContactKind,
        /// With whom.
        with: ContactWith,
        /// Was somebody reached?
        reached: bool,
        /// When.
        at: Timestamp,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// Completed with an outcome, and an answer when somebody asked.
    Answered {
        /// What it came to.
        outcome: TaskOutcome,
        /// What the asker hears; `None` when there is none.
        status: Option<AnswerStatus>,
        /// An advice, sealed.
        advice: Option<Sealed>,
    },
    /// A colleague in another role was asked along.
    ColleagueAsked(Colleague),
    /// Somebody would like the task to end.
    CancellationRequested {
        /// Why.
        reason: CancelReason,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The answer to that.
    CancellationDecided {
        /// Does it end?
        confirmed: bool,
        /// Who catches it from here on.
        coordinator: ProfessionalKey,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The holder could not do it; it is the coordinator's.
    Failed {
        /// Why.
        reason: FailReason,
        /// Who holds it from here on.
        coordinator: ProfessionalKey,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// It should never have been there.
    EnteredInError {
        /// Why.
        reason: ErrorReason,
    },
    /// A clock passed its moment.
    ClockRang {
        /// Which.
        deadline: Deadline,
        /// Who is told.
        told: Vec<ProfessionalKey>,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// A clock passed its moment and nobody can be told.
    NobodyToTell {
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// Another task on the same child came after this one.
    Linked {
        /// Which.
        task: TaskId,
    },
    /// The directory names another coordinator: what stood at the one before her is hers.
    CoordinatorReplaced {
        /// Who catches it from here on.
        coordinator: ProfessionalKey,
    },
    /// Somebody with an offer is not there any more.
    OfferWithdrawn {
        /// Who.
        professional: ProfessionalKey,
        /// Absent, or not of the centre any more.
        reason: AwayReason,
        /// The next step, when she was the last one asked.
        next_step: Option<StepTaken>,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The holder is away: who goes on?
    HolderAway {
        /// Who, until when.
        away: Away,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The question who goes on ended: it stays hers.
    HolderAwayEnded {
        /// How.
        end: HolderAwayEnd,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// The holder asks a colleague to take it over.
    TransferProposed {
        /// Whom.
        professional: ProfessionalKey,
        /// Why.
        reason: AssignReason,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// How that ended; a yes makes it the colleague's.
    TransferEnded {
        /// How.
        end: TransferEnd,
        /// Why not, when she declined.
        reason: Option<DeclineReason>,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// A meeting is planned.
    MeetingPlanned {
        /// When and with whom.
        meeting: Meeting,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
    /// What became of it.
    MeetingRecorded {
        /// How it went.
        end: MeetingEnd,
        /// Did the parents come?
        parents_came: bool,
        /// All that run.
        deadlines: Vec<Deadline>,
    },
}

impl Change {
    /// The kind of step in the table.
    #[must_use]
    pub const fn kind(&self) -> super::StepKind {
        use super::StepKind;
        match self {
            Self::Requested(_) => StepKind::Request,
            Self::OffersMade { .. } => StepKind::MakeOffers,
            Self::OfferDeclined { .. } => StepKind::Decline,
            Self::OffersTimedOut { .. } => StepKind::TimeOutOffers,
            Self::Accepted { .. } => StepKind::Accept,
            Self::Assigned { .. } => StepKind::Assign,
            Self::HandedBack { .. } => StepKind::HandBack,
            Self::Held { .. } => StepKind::Hold,
            Self::Resumed { .. } => StepKind::Resume,
            Self::ContactRecorded { .. } => StepKind::RecordContact,
            Self::Answered { .. } => StepKind::Answer,
            Self::ColleagueAsked(_) => StepKind::AskColleague,
            Self::CancellationRequested { .. } => StepKind::RequestCancellation,
            Self::CancellationDecided { .. } => StepKind::DecideCancellation,
            Self::Failed { .. } => StepKind::Fail,
            Self::EnteredInError { .. } => StepKind::MarkEnteredInError,
            Self::ClockRang { .. } => StepKind::RingClock,
            Self::NobodyToTell { .. } => StepKind::TellNobody,
            Self::Linked { .. } => StepKind::Link,
            Self::CoordinatorReplaced { .. } => StepKind::ReplaceCoordinator,
            Self::OfferWithdrawn { .. } => StepKind::WithdrawOffer,
            Self::HolderAway { .. } => StepKind::NoteHolderAway,
            Self::HolderAwayEnded { end, .. } => match end {
                HolderAwayEnd::Returned => StepKind::NoteHolderBack,
                HolderAwayEnd::LeftWithHer => StepKind::LeaveWithHolder,
            },
            Self::TransferProposed { .. } => StepKind::ProposeTransfer,
            Self::TransferEnded { end, .. } => match end {
                TransferEnd::Accepted | TransferEnd::Declined => StepKind::AnswerTransfer,
                TransferEnd::Withdrawn => StepKind::WithdrawTransfer,
                TransferEnd::Lapsed | TransferEnd::ColleagueAway => StepKind::EndTransfer,
            },
            Self::MeetingPlanned { .. } => StepKind::PlanMeeting,
            Self::MeetingRecorded { .. } => StepKind::RecordMeeting,
        }
    }

    /// What taking a step of the plan brought, when this event took one.
    #[must_use]
    pub fn step_taken(&self) -> Option<&StepTaken> {
        match self {
            Self::Requested(requested) => Some(&requested.first_step),
            Self::OffersMade { step, .. } => Some(step),
            Self::OfferDeclined { next_step, .. } | Self::OfferWithdrawn { next_step, .. } => {
                next_step.as_ref()
            }
            Self::OffersTimedOut { next_step, .. } | Self::HandedBack { next_step, .. } => Some(next_step),
            _ => None,
        }
    }
}
