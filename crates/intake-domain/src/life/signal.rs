//! State, events, commands; decide and evolve.

use voordeur_kernel::{
    AskerId, CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, GroupKey, OrganisationKey,
    ProfessionalKey, Role, SafetyLevel, TaskId, Timestamp,
};

use super::table::{Act, Outcome, Stage, step};
use crate::{
    codes::{
        AgeBand, AnswerStatus, AskedBy, ConcernDuration, GroundKind, Helped, SubjectKind, WithdrawReason,
    },
    consent::Consent,
    submission::{Call, Certainty, Domains, Severity},
};

/// A sealed text as this domain sees it: something to keep and to hand over whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sealed {
    /// Id of the data key.
    pub key: [u8; 16],
    /// The box.
    pub sealed: Vec<u8>,
    /// Purpose, as it stands in the contract.
    pub purpose: i32,
    /// Owner.
    pub owner: [u8; 16],
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A source system.
    Organisation(OrganisationKey),
    /// A person.
    Person(ProfessionalKey, Role),
    /// One of the services.
    Service(String),
}

impl Actor {
    /// Does it count as something that people did?
    #[must_use]
    pub const fn is_people(&self) -> bool {
        !matches!(self, Self::Service(_))
    }
}

/// What every event carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meta {
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Which act.
    pub command: CommandId,
    /// Which commit: the act with its content.
    pub commit: CommitId,
    /// Version of the directory; 0 when it was not needed.
    pub directory_version: u64,
    /// The n-th event of the history, from 1.
    pub ordinal: u32,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// Meta.
    pub meta: Meta,
    /// What was decided.
    pub change: Change,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was accepted.
    Received(Box<Received>),
    /// It has a task.
    Routed {
        /// Which.
        task: TaskId,
    },
    /// It has its answer.
    Answered {
        /// From which task.
        task: TaskId,
        /// The answer.
        answer: Answer,
    },
    /// Its task ended with a cancellation.
    Cancelled {
        /// Which task.
        task: TaskId,
    },
    /// The asker took it back, or asked to.
    Withdrawn {
        /// Why.
        reason: WithdrawReason,
    },
    /// The asker heard the answer.
    Acknowledged {
        /// Did it help?
        helped: Helped,
        /// Certainty now, beside the one of the signal.
        certainty_now: Option<Certainty>,
    },
}

/// What was accepted. Codes, keys and sealed texts only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Received {
    /// Who handed it over.
    pub organisation: OrganisationKey,
    /// At which centre.
    pub centre: CentreKey,
    /// What it is about.
    pub subject: SubjectKind,
    /// The child.
    pub child: Option<ChildAlias>,
    /// The group; also of a child.
    pub group: Option<GroupKey>,
    /// Domains.
    pub domains: Domains,
    /// Severity.
    pub severity: Severity,
    /// Safety.
    pub safety: SafetyLevel,
    /// Since when.
    pub duration: Option<ConcernDuration>,
    /// Who asked.
    pub asked_by: AskedBy,
    /// Certainty of the signaller.
    pub certainty: Option<Certainty>,
    /// Is an answer wanted?
    pub answer_wanted: bool,
    /// Same working day?
    pub urgent: bool,
    /// Why the child may be named.
    pub permission: Option<RecordedPermission>,
    /// What was written.
    pub details: Sealed,
    /// Who may read the answer.
    pub askers: Vec<AskerId>,
    /// Calls.
    pub calls: Vec<Call>,
    /// Age band.
    pub age_band: Option<AgeBand>,
    /// Faults of form that were passed over.
    pub waived: Vec<String>,
}

impl Received {
    /// The domains.
    #[must_use]
    pub fn domains(&self) -> &[ConcernDomain] {
        self.domains.as_slice()
    }
}

/// Permission as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordedPermission {
    /// Key of the processing basis.
    pub processing_basis: String,
    /// Consents.
    pub consents: Vec<Consent>,
    /// Ground.
    pub ground: Option<RecordedGround>,
}

/// A ground as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordedGround {
    /// Which.
    pub kind: GroundKind,
    /// Who decided.
    pub decided_by: ProfessionalKey,
    /// Why.
    pub reason: Sealed,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The fixed status.
    pub status: AnswerStatus,
    /// "Wat kun je zelf doen", sealed.
    pub advice: Option<Sealed>,
}

/// A signal as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signal {
    /// What was accepted.
    pub received: Received,
    /// When.
    pub received_at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its answer.
    pub answer: Option<Answer>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// The asker took it back, or asked to.
    pub withdrawal: Option<WithdrawReason>,
    /// What the asker said of the answer.
    pub acknowledged: Option<Helped>,
    /// Acts that made the events, in order.
    pub commands: Vec<(CommandId, CommitId)>,
    /// Events that people made: what a caller sees as the version.
    pub people_version: u32,
}

impl Signal {
    /// Ordinal of the next event.
    #[must_use]
    pub fn next_ordinal(&self) -> u32 {
        u32::try_from(self.commands.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Nothing is expected to happen any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self.stage {
            Stage::Received | Stage::Routed => false,
            Stage::Withdrawn => true,
            Stage::Answered => self.acknowledged.is_some_and(|helped| helped != Helped::TooEarly),
        }
    }

    /// The asker wants it back, and the holder of the task has not decided.
    #[must_use]
    pub fn withdrawal_pending(&self) -> bool {
        self.stage == Stage::Routed && self.withdrawal.is_some()
    }
}

/// A command to a signal that exists or is to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who, when, which act. The ordinal is filled in by [`decide`].
    pub actor: Actor,
    /// When it is decided.
    pub now: Timestamp,
    /// Which act.
    pub command: CommandId,
    /// The act with its content.
    pub commit: CommitId,
    /// Version of the directory; 0 when it was not needed.
    pub directory_version: u64,
    /// What people had done when she decided; 0: not compared.
    pub seen_version: u64,
    /// What is to happen.
    pub change: Change,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such signal.
    #[error("there is no such signal")]
    NoSuchSignal,
    /// The reference was used for other content.
    #[error("this reference was used for another signal")]
    ReferenceReused,
    /// The idempotency key was used for something else.
    #[error("this idempotency key was used for something else")]
    KeyReused,
    /// People did something since she looked.
    #[error("something changed since you looked; look again")]
    VersionChanged,
    /// Not in this stage.
    #[error("{}", not_now(.0))]
    NotNow(&'static str),
    /// The task of another signal.
    #[error("this signal has another task")]
    OtherTask,
}

/// What a person can do with a stable code.
fn not_now(reason: &str) -> &'static str {
    match reason {
        "NOT_ANSWERED" => "there is no answer yet",
        "ALREADY_ANSWERED" => "it is answered already, so it cannot be taken back",
        "ALREADY_ACKNOWLEDGED" => "somebody said already whether the answer helped",
        _ => "this is not possible now",
    }
}

/// Decides on a command. `Ok(None)`: it has happened already, and nothing is to be stored.
///
/// # Errors
/// Why not.
pub fn decide(signal: Option<&Signal>, command: &Command) -> Result<Option<Event>, Refusal> {
    let Some(signal) = signal else {
        return match &command.change {
            Change::Received(_) => Ok(Some(event(command, 1))),
            _ => Err(Refusal::NoSuchSignal),
        };
    };
    // Before anything else: what is known is answered as it was.
    if let Some((_, commit)) = signal.commands.iter().find(|(known, _)| *known == command.command) {
        return match (*commit == command.commit, &command.change) {
            (true, _) => Ok(None),
            (false, Change::Received(_)) => Err(Refusal::ReferenceReused),
            (false, _) => Err(Refusal::KeyReused),
        };
    }
    if command.seen_version != 0 && command.seen_version != u64::from(signal.people_version) {
        return Err(Refusal::VersionChanged);
    }
    let act = match &command.change {
        // The same signal under another act cannot be: both are derived from the same reference.
        Change::Received(_) => return Err(Refusal::ReferenceReused),
        Change::Routed { task } => {
            own_task(signal, *task)?;
            Act::Route
        }
        Change::Answered { task, .. } => {
            own_task(signal, *task)?;
            Act::Answer
        }
        Change::Cancelled { task } => {
            own_task(signal, *task)?;
            Act::Cancel
        }
        Change::Withdrawn { .. } if signal.withdrawal_pending() => return Ok(None),
        Change::Withdrawn { .. } => Act::Withdraw,
        Change::Acknowledged { .. } if signal.is_closed() && signal.acknowledged.is_some() => {
            return Err(Refusal::NotNow("ALREADY_ACKNOWLEDGED"));
        }
        Change::Acknowledged { .. } => Act::Acknowledge,
    };
    match step(signal.stage, act) {
        // A signal that was cancelled with its task has nothing more to hear of it.
        Outcome::Goes(_) if act == Act::Route && signal.task.is_some() => Ok(None),
        Outcome::Goes(_) => Ok(Some(event(command, signal.next_ordinal()))),
        Outcome::Nothing => Ok(None),
        Outcome::Refused(reason) => Err(Refusal::NotNow(reason)),
    }
}

fn own_task(signal: &Signal, task: TaskId) -> Result<(), Refusal> {
    if signal.task.is_none_or(|own| own == task) { Ok(()) } else { Err(Refusal::OtherTask) }
}

fn event(command: &Command, ordinal: u32) -> Event {
    let meta = Meta {
        recorded_at: command.now,
        actor: command.actor.clone(),
        command: command.command,
        commit: command.commit,
        directory_version: command.directory_version,
        ordinal,
    };
    Event { meta, change: command.change.clone() }
}

/// Why an event cannot be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The first event of a history that has one already.
    #[error("a second beginning of the same history")]
    SecondBeginning,
    /// Another event where there is no history.
    #[error("the beginning of the history is missing")]
    NoBeginning,
}

/// Takes in what was stored. The past cannot be refused: only a history without a beginning, or with two, is no history.
///
/// # Errors
/// When it is no history.
pub fn evolve(signal: Option<Signal>, event: Event) -> Result<Signal, Unfit> {
    let Event { meta, change } = event;
    let mut signal = match (signal, change) {
        (None, Change::Received(received)) => return Ok(begin(*received, &meta)),
        (Some(_), Change::Received(_)) => return Err(Unfit::SecondBeginning),
        (None, _) => return Err(Unfit::NoBeginning),
        (Some(signal), change) => take_in(signal, change, meta.recorded_at),
    };
    note(&mut signal, &meta);
    Ok(signal)
}

fn begin(received: Received, meta: &Meta) -> Signal {
    let mut signal = Signal {
        received,
        received_at: meta.recorded_at,
        stage: Stage::Received,
        task: None,
        answer: None,
        answered_at: None,
        withdrawal: None,
        acknowledged: None,
        commands: Vec::new(),
        people_version: 0,
    };
    note(&mut signal, meta);
    signal
}

fn note(signal: &mut Signal, meta: &Meta) {
    signal.commands.push((meta.command, meta.commit));
    signal.people_version += u32::from(meta.actor.is_people());
}

fn take_in(mut signal: Signal, change: Change, at: Timestamp) -> Signal {
    match change {
        Change::Received(_) => {}
        Change::Routed { task } => {
            signal.task = Some(task);
            signal.stage = Stage::Routed;
        }
        Change::Answered { task, answer } => {
            signal.task = Some(task);
            signal.answer = Some(answer);
            signal.answered_at = Some(at);
            signal.stage = Stage::Answered;
        }
        Change::Cancelled { task } => {
            signal.task = Some(task);
            signal.stage = Stage::Withdrawn;
        }
        Change::Withdrawn { reason } => {
            signal.withdrawal = Some(reason);
            if signal.stage == Stage::Received {
                signal.stage = Stage::Withdrawn;
            }
        }
        Change::Acknowledged { helped, .. } => signal.acknowledged = Some(helped),
    }
    signal
}
