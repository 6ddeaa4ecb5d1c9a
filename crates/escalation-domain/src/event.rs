//! Events of an episode. Codes and keys only.
//!
//! The id of a fact is the commit under which it was stored; goals and referrals are known by the id of the fact that brought them.

use jiff::civil::Date;
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, DataKeyId, EpisodeId, OrganisationKey,
    ProfessionalKey, Role, SafetyLevel, SignalId, TaskId, Timestamp,
};

use crate::{
    deadline::{Deadline, Work},
    words::{
        Baseline, CareEndReason, CloseReason, CorrectionReason, DomainStatus, FollowUpSource, Funding,
        FurtherHelp, GoalScore, HandOverMoment, ImminentMark, LeavingDestination, NeedStatus,
        OtherDestination, OutcomeInformant, Participant, PlaceDestination, ReferralDecision, ReviewVerdict,
        SupportKind, TaskOutcome, Toelaatbaarheid, Verwijzer, WithdrawalScope, WordSet,
    },
};

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

impl Actor {
    /// The person, when it is one.
    #[must_use]
    pub const fn person(&self) -> Option<&ProfessionalKey> {
        if let Self::Person(key, _) = self { Some(key) } else { None }
    }
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
    /// When it happened. What people record has the precision of a day: the start of that day in Europe/Amsterdam.
    pub effective_at: Timestamp,
    /// Every moment that the episode waits for after this event, soonest first; `None` when the event moves none.
    pub deadlines: Option<Vec<Deadline>>,
    /// More work on the task that the change names, when it happened there: the task that did it. It stands in the log, for who reads that;
    /// what an episode decides on and shows does not look at it.
    pub continued_by: Option<TaskId>,
    /// What happened.
    pub change: Change,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// The first signal on the child.
    Opened(Opened),
    /// A further signal inside the window.
    SignalJoined(SignalJoined),
    /// Somebody was reached for the first time.
    FirstContact {
        /// The task it belongs to: the one that a signal asked for.
        task: TaskId,
    },
    /// One of its tasks was completed, or more work on one. The episode stays open.
    TaskCompleted {
        /// Which: the one that a signal asked for.
        task: TaskId,
        /// What it came to.
        outcome: TaskOutcome,
    },
    /// Is a referral considered?
    BaselineAssessed(Judgement),
    /// A goal was set.
    GoalSet(Goal),
    /// How far a goal was reached.
    GoalScored {
        /// The fact that set it.
        goal: CommitId,
        /// How far.
        score: GoalScore,
        /// Did parents score along?
        with_parents: bool,
    },
    /// Support by the embedded professional.
    SupportGiven {
        /// Where it went.
        kind: SupportKind,
        /// 1-1440.
        minutes: u16,
        /// What pays for it.
        funding: Funding,
    },
    /// A specialist thought along. No referral.
    SpecialistConsulted {
        /// 0-1440; 0 when it is not known.
        minutes: u16,
        /// What pays for it.
        funding: Funding,
    },
    /// Somebody asked for specialist care or special education.
    ReferralRequested {
        /// This fact itself.
        referral: CommitId,
        /// Where to.
        destination: Destination,
        /// Who refers.
        verwijzer: Verwijzer,
    },
    /// A request was decided on.
    ReferralDecided {
        /// The fact that requested it.
        referral: CommitId,
        /// The decision.
        decision: ReferralDecision,
    },
    /// Care began.
    CareStarted {
        /// The fact that requested it; this fact itself when no request is known.
        referral: CommitId,
        /// Where.
        destination: Destination,
        /// Who referred; may be left out when the request says it.
        verwijzer: Option<Verwijzer>,
    },
    /// Care ended.
    CareEnded {
        /// The fact that requested or began it.
        referral: CommitId,
        /// How.
        reason: CareEndReason,
    },
    /// Was the referral needed?
    ReferralReviewed {
        /// The fact that requested or began it.
        referral: CommitId,
        /// Who reviewed; of the receiving provider it is the key by which that provider knows her.
        reviewer: ProfessionalKey,
        /// What she finds.
        verdict: ReviewVerdict,
        /// Is she of the provider that received the child?
        of_receiving_provider: bool,
    },
    /// A report to Veilig Thuis was made by a person. Neutral.
    VeiligThuisReported,
    /// The child left the centre. From opvang to school in the same centre is no leaving.
    ChildLeft {
        /// Where it went.
        destination: LeavingDestination,
    },
    /// Consent was withdrawn. It works forward.
    ConsentWithdrawn {
        /// How far.
        scope: WithdrawalScope,
    },
    /// Somebody asked how it goes, in both domains.
    FollowUpChecked(Check),
    /// Youth care in the sense of the Jeugdwet began here.
    YouthCareStarted,
    /// A warm hand-over is due at some moment in the child's life.
    HandOverPlanned {
        /// Which.
        moment: HandOverMoment,
        /// The day on which the professional is to be reminded.
        on: Date,
    },
    /// Two aliases turned out to be one child. Stands in the episode that began later.
    EpisodesLinked {
        /// The episode that began earlier.
        earlier: EpisodeId,
    },
    /// A moment of the episode came.
    WorkDue {
        /// What is to be done.
        work: Work,
        /// Where the child is: the centre of its newest signal.
        centre: CentreKey,
        /// The child.
        child: ChildAlias,
    },
    /// It was closed.
    Closed(Closing),
    /// An earlier event was wrong.
    Corrected(Correction),
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

/// A baseline judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// The answer.
    pub baseline: Baseline,
    /// Chance of a referral within 12 months if nothing extra is done here, 0-100.
    pub probability_percent: u8,
    /// Roles that took part beside the professional.
    pub took_part: WordSet<Participant>,
    /// Why it is imminent.
    pub marks: WordSet<ImminentMark>,
    /// An independent second judgement.
    pub second: bool,
    /// Version of the follow-up plan that holds for this episode; 0 when it was recorded without one.
    pub plan_version: u32,
}

/// A goal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Goal {
    /// This fact itself.
    pub goal: CommitId,
    /// What it is about.
    pub domain: ConcernDomain,
    /// Was it set with parents?
    pub with_parents: bool,
    /// What it says, sealed by intake.
    pub text: Option<Sealed>,
}

/// A text that only intake can open, bound to a task of the episode, as a note.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed {
    /// Its data key.
    pub key: DataKeyId,
    /// Nonce, ciphertext and tag.
    pub sealed: Box<[u8]>,
    /// The task it is bound to.
    pub owner: TaskId,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key).field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// Where a referral goes, in the field's own code lists. Whether it is an endpoint is decided by the endpoint list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Youth care in the sense of the Jeugdwet.
    Jeugdhulp(Jeugdhulp),
    /// Special education.
    Onderwijs(Toelaatbaarheid),
    /// Medical day-care, or the regular place ends.
    Place(PlaceDestination),
    /// Never an endpoint.
    Other(OtherDestination),
}

/// Youth care in the sense of the Jeugdwet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Jeugdhulp {
    /// CBS Beleidsinformatie Jeugd, hulpvorm: 1-4, 11-14; `None` when it is not known yet.
    pub hulpvorm: Option<u8>,
    /// iJw JZ020: 40-55; `None` when it is not known.
    pub productcategorie: Option<u8>,
    /// Start in a crisis.
    pub crisis: bool,
    /// By order of a court or in the justice frame.
    pub court: bool,
}

/// A follow-up check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Check {
    /// What is said holds until this day.
    pub covers_until: Date,
    /// A referral to youth care?
    pub jeugdhulp: DomainStatus,
    /// A referral to special education?
    pub onderwijs: DomainStatus,
    /// Does the child do well enough?
    pub need: NeedStatus,
    /// Who told.
    pub source: FollowUpSource,
    /// The check that it answers, in days after the baseline; 0 when it was not asked for.
    pub day: u16,
}

/// How an episode was closed, with the national outcome set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Closing {
    /// Why.
    pub reason: CloseReason,
    /// How it ended, in the words of CBS.
    pub end: Option<CareEndReason>,
    /// Usefulness according to the informant, 1-10.
    pub usefulness: Option<u8>,
    /// Who judged it.
    pub informant: Option<OutcomeInformant>,
    /// Zonder hulp verder.
    pub further_help: Option<FurtherHelp>,
    /// Certainty of whoever raised the signal, 0-10: now.
    pub certainty_now: Option<u8>,
    /// And looking back: then.
    pub certainty_then: Option<u8>,
}

impl Closing {
    /// Closed for a reason, and nothing more is said.
    #[must_use]
    pub const fn for_reason(reason: CloseReason) -> Self {
        Self {
            reason,
            end: None,
            usefulness: None,
            informant: None,
            further_help: None,
            certainty_now: None,
            certainty_then: None,
        }
    }
}

/// An earlier event was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Correction {
    /// The fact that was wrong.
    pub target: CommitId,
    /// It counts no more (true), or counts (again) as it says here (false).
    pub void: bool,
    /// Who agreed.
    pub second_person: ProfessionalKey,
    /// Why it was wrong.
    pub reason: Option<CorrectionReason>,
    /// When it happened instead.
    pub effective_at: Option<Timestamp>,
    /// What was judged instead; only for a baseline.
    pub baseline: Option<Baseline>,
}
