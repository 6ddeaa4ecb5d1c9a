//! From events to the episode.

use voordeur_kernel::{ChildAlias, CommandId, CommitId, TaskId, Timestamp};

use crate::{
    event::{Actor, Change, Event, SignalJoined},
    life::{ChangeKind, Phase, next_phase},
};

/// Something the episode was told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Commit that brought it; corrections name it.
    pub commit: CommitId,
    /// When it happened.
    pub effective_at: Timestamp,
    /// When it became known here.
    pub recorded_at: Timestamp,
    /// What.
    pub change: Change,
}

/// An episode: who it is about, and every fact in the order in which they became known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Episode {
    child: ChildAlias,
    child_ordinal: u32,
    phase: Phase,
    facts: Vec<Fact>,
    commands: Vec<(CommandId, CommitId)>,
    made_by_people: u32,
}

/// A history that cannot be: a damaged one, or one of a later release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHistory {
    /// The ordinal is not the next.
    #[error("event {found} follows on event {after}")]
    Ordinal {
        /// Events so far.
        after: u32,
        /// Ordinal of the event.
        found: u32,
    },
    /// The table of steps has no such step.
    #[error("{change:?} cannot happen while {phase:?}")]
    Step {
        /// Where the episode stands.
        phase: Phase,
        /// What came.
        change: ChangeKind,
    },
    /// It names a task that is not of this episode.
    #[error("{0:?} names a task that is not of this episode")]
    UnknownTask(ChangeKind),
    /// It names a task that joined before.
    #[error("a task joins twice")]
    TaskTwice,
    /// It corrects something that is not there.
    #[error("a correction names an event that is not of this episode")]
    UnknownTarget,
}

impl Episode {
    /// The child, by its alias.
    #[must_use]
    pub const fn child(&self) -> ChildAlias {
        self.child
    }

    /// 1 for the first episode of this child.
    #[must_use]
    pub const fn child_ordinal(&self) -> u32 {
        self.child_ordinal
    }

    /// Where it stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Does it run?
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Events so far.
    #[must_use]
    pub fn events(&self) -> u32 {
        u32::try_from(self.facts.len()).unwrap_or(u32::MAX)
    }

    /// Events that people made: the version that a person saw.
    #[must_use]
    pub const fn made_by_people(&self) -> u32 {
        self.made_by_people
    }

    /// The facts, in the order in which they became known.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The commit that a command made, when it is known.
    #[must_use]
    pub fn commit_of(&self, command: CommandId) -> Option<CommitId> {
        self.commands.iter().find(|(known, _)| *known == command).map(|(_, commit)| *commit)
    }

    /// Signals with their tasks, in the order in which they became known, voided ones included.
    pub fn signals(&self) -> impl Iterator<Item = &SignalJoined> {
        self.facts.iter().filter_map(|fact| joining(&fact.change))
    }

    /// Is this one of its tasks?
    #[must_use]
    pub fn has_task(&self, task: TaskId) -> bool {
        self.signals().any(|signal| signal.task == task)
    }
}

/// The signal in an event that brings one.
pub(crate) const fn joining(change: &Change) -> Option<&SignalJoined> {
    match change {
        Change::Opened(opened) => Some(&opened.signal),
        Change::SignalJoined(joined) => Some(joined),
        _ => None,
    }
}

/// Takes in one event. `commit` is the id under which it was stored.
///
/// # Errors
/// When the history cannot be. Nothing that `decide` gives is ever refused here.
pub fn evolve(episode: Option<Episode>, event: &Event, commit: CommitId) -> Result<Episode, BadHistory> {
    let after = episode.as_ref().map_or(0, Episode::events);
    if event.meta.ordinal != after + 1 {
        return Err(BadHistory::Ordinal { after, found: event.meta.ordinal });
    }
    let kind = event.change.kind();
    let phase = episode.as_ref().map_or(Phase::Absent, |e| e.phase);
    let to = next_phase(phase, kind).ok_or(BadHistory::Step { phase, change: kind })?;
    let mut episode = match (episode, &event.change) {
        (Some(episode), _) => episode,
        (None, Change::Opened(opened)) => Episode {
            child: opened.child,
            child_ordinal: opened.child_ordinal,
            phase: to,
            facts: Vec::new(),
            commands: Vec::new(),
            made_by_people: 0,
        },
        (None, _) => return Err(BadHistory::Step { phase, change: kind }),
    };
    match &event.change {
        Change::SignalJoined(joined) if episode.has_task(joined.task) => return Err(BadHistory::TaskTwice),
        Change::FirstContact { task } | Change::TaskCompleted { task, .. } if !episode.has_task(*task) => {
            return Err(BadHistory::UnknownTask(kind));
        }
        Change::Corrected { target, .. } if !episode.facts.iter().any(|fact| fact.commit == *target) => {
            return Err(BadHistory::UnknownTarget);
        }
        _ => {}
    }
    episode.phase = to;
    episode.facts.push(Fact {
        commit,
        effective_at: event.effective_at,
        recorded_at: event.meta.recorded_at,
        change: event.change.clone(),
    });
    episode.commands.push((event.meta.command, commit));
    episode.made_by_people += u32::from(matches!(event.meta.actor, Actor::Person(..)));
    Ok(episode)
}
