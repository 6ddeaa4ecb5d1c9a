//! What a task's history means for the episode. Only reactions to tasks are offered as commands; what professionals record (baseline,
//! closing, corrections) is understood by `evolve` and `picture`.

use voordeur_kernel::{ChildAlias, CommandId, CommitId, TaskId, Timestamp};

use crate::{
    event::{Actor, Change, Event, Meta, Opened, SignalJoined},
    evolve::Episode,
    life::{ChangeKind, Phase, next_phase},
    words::TaskOutcome,
};

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// Which act it is; the same id is the same act.
    pub id: CommandId,
    /// Commit that it makes, derived from the act and its content.
    pub commit: CommitId,
    /// Who does it.
    pub actor: Actor,
    /// Now.
    pub now: Timestamp,
    /// When it happened.
    pub effective_at: Timestamp,
    /// Version of the directory it was decided with; 0 when it was not needed.
    pub directory_version: u64,
    /// What is to be done.
    pub action: Action,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// A signal on the child has a task: opens the episode, or joins it.
    TakeSignal {
        /// The child.
        child: ChildAlias,
        /// Ordinal of this episode, when it is to be opened.
        child_ordinal: u32,
        /// The signal and its task.
        signal: SignalJoined,
    },
    /// A contact of one of its tasks reached somebody.
    RecordContact {
        /// Which task.
        task: TaskId,
    },
    /// One of its tasks was completed.
    RecordCompletion {
        /// Which task.
        task: TaskId,
        /// What it came to.
        outcome: TaskOutcome,
    },
}

/// Why the answer is no. Nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The same act was done before with other content.
    #[error("the same act was recorded with other content")]
    OtherContent,
    /// The episode is about another child.
    #[error("the episode is about another child")]
    OtherChild,
    /// It ended: a new signal opens the child's next episode.
    #[error("the episode has ended; the signal opens the next one")]
    Ended,
    /// The task is not of this episode.
    #[error("the task is not of this episode")]
    UnknownTask,
}

impl Refusal {
    /// Stable code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OtherContent => "OTHER_CONTENT",
            Self::OtherChild => "OTHER_CHILD",
            Self::Ended => "EPISODE_ENDED",
            Self::UnknownTask => "UNKNOWN_TASK",
        }
    }
}

/// Decides. `Ok(None)`: it is known already, nothing changes.
///
/// # Errors
/// Why not.
pub fn decide(episode: Option<&Episode>, command: &Command) -> Result<Option<Event>, Refusal> {
    if let Some(known) = episode.and_then(|e| e.commit_of(command.id)) {
        return if known == command.commit { Ok(None) } else { Err(Refusal::OtherContent) };
    }
    let change = match &command.action {
        Action::TakeSignal { child, child_ordinal, signal } => {
            take_signal(episode, *child, *child_ordinal, signal)?
        }
        Action::RecordContact { task } => contact(episode, *task, command.effective_at)?,
        Action::RecordCompletion { task, outcome } => completion(episode, *task, *outcome)?,
    };
    let Some(change) = change else { return Ok(None) };
    // The table is the last word; what stands above only says no more precisely.
    let phase = episode.map_or(Phase::Absent, Episode::phase);
    if next_phase(phase, change.kind()).is_none() {
        return Err(if change.kind() == ChangeKind::SignalJoined {
            Refusal::Ended
        } else {
            Refusal::UnknownTask
        });
    }
    Ok(Some(Event {
        meta: Meta {
            recorded_at: command.now,
            actor: command.actor.clone(),
            command: command.id,
            directory_version: command.directory_version,
            ordinal: episode.map_or(0, Episode::events) + 1,
        },
        effective_at: command.effective_at,
        change,
    }))
}

fn take_signal(
    episode: Option<&Episode>,
    child: ChildAlias,
    child_ordinal: u32,
    signal: &SignalJoined,
) -> Result<Option<Change>, Refusal> {
    let Some(episode) = episode else {
        return Ok(Some(Change::Opened(Opened { child, child_ordinal, signal: signal.clone() })));
    };
    if episode.child() != child {
        return Err(Refusal::OtherChild);
    }
    if episode.has_task(signal.task) {
        return Ok(None);
    }
    Ok(Some(Change::SignalJoined(signal.clone())))
}

fn contact(episode: Option<&Episode>, task: TaskId, at: Timestamp) -> Result<Option<Change>, Refusal> {
    let episode = episode.filter(|e| e.has_task(task)).ok_or(Refusal::UnknownTask)?;
    // A contact that became known later but was earlier is the first one; ties fall to the lower task, so that order means nothing.
    let earlier = episode.facts().iter().any(|fact| match fact.change {
        Change::FirstContact { task: known } => (fact.effective_at, known) <= (at, task),
        _ => false,
    });
    Ok((!earlier).then_some(Change::FirstContact { task }))
}

fn completion(
    episode: Option<&Episode>,
    task: TaskId,
    outcome: TaskOutcome,
) -> Result<Option<Change>, Refusal> {
    let episode = episode.filter(|e| e.has_task(task)).ok_or(Refusal::UnknownTask)?;
    let known = episode
        .facts()
        .iter()
        .any(|fact| matches!(fact.change, Change::TaskCompleted { task: known, .. } if known == task));
    Ok((!known).then_some(Change::TaskCompleted { task, outcome }))
}
