//! From events to the episode.

use voordeur_kernel::{ChildAlias, CommandId, CommitId, TaskId, Timestamp};

use crate::{
    deadline::{Deadline, Work},
    event::{Actor, Change, Event, SignalJoined},
    ledger::{Facts, Ledger, Unwritable},
    life::{ChangeKind, Phase, next_phase},
    standing::{Standing, standing},
};

/// An episode: who it is about, and every fact in the order in which they became known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Episode {
    ledger: Ledger,
    /// Soonest first; few, so they are kept as they are written: some nine bytes each.
    deadlines: Box<[Waiting]>,
    made_by_people: u32,
    phase: Phase,
    last: ChangeKind,
}

/// A deadline in sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Waiting {
    due_ms: i64,
    work: Work,
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
    /// It names a fact that is not there.
    #[error("{0:?} names a fact that is not of this episode")]
    UnknownFact(ChangeKind),
    /// A goal or a referral has another id than the fact that brings it.
    #[error("{0:?} has another id than the fact that brings it")]
    ForeignId(ChangeKind),
    /// It is about another child.
    #[error("{0:?} is about another child")]
    OtherChild(ChangeKind),
    /// A moment in no calendar of a child.
    #[error("{0:?} has a moment beyond the calendar")]
    Moment(ChangeKind),
}

impl Episode {
    /// The child, by its alias.
    #[must_use]
    pub const fn child(&self) -> ChildAlias {
        self.ledger.child()
    }

    /// 1 for the first episode of this child.
    #[must_use]
    pub const fn child_ordinal(&self) -> u32 {
        self.ledger.child_ordinal()
    }

    /// Where its work stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What its last event was.
    #[must_use]
    pub const fn last_change(&self) -> ChangeKind {
        self.last
    }

    /// Is there work on it?
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Events so far.
    #[must_use]
    pub const fn events(&self) -> u32 {
        self.ledger.len()
    }

    /// Events that people made: the version that a person saw.
    #[must_use]
    pub const fn made_by_people(&self) -> u32 {
        self.made_by_people
    }

    /// The facts, in the order in which they became known.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        self.ledger.facts()
    }

    /// The facts with corrections applied, in the order in which they became known.
    #[must_use]
    pub fn standing(&self) -> Vec<Standing> {
        standing(self.facts())
    }

    /// Every moment that it waits for, soonest first.
    pub fn deadlines(&self) -> impl Iterator<Item = Deadline> + '_ {
        self.deadlines.iter().map(|waiting| Deadline {
            due: Timestamp::from_millisecond(waiting.due_ms).unwrap_or(Timestamp::MAX),
            work: waiting.work,
        })
    }

    /// The commit that a command made, when it is known.
    #[must_use]
    pub fn commit_of(&self, command: CommandId) -> Option<CommitId> {
        self.facts().of_command(command)
    }

    /// Signals with their tasks, in the order in which they became known, voided ones included.
    pub fn signals(&self) -> impl Iterator<Item = SignalJoined> + '_ {
        self.facts().filter_map(|fact| joining(fact.change))
    }

    /// Is this one of its tasks?
    #[must_use]
    pub fn has_task(&self, task: TaskId) -> bool {
        self.signals().any(|signal| signal.task == task)
    }

    /// Does it name episodes of other aliases? Voided links as well.
    #[must_use]
    pub fn links(&self) -> bool {
        self.facts().any(|fact| matches!(fact.change, Change::EpisodesLinked { .. }))
    }

    /// Bytes that it takes in memory, with what it points to.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.ledger.heap() + size_of_val(&*self.deadlines)
    }
}

/// The signal in an event that brings one.
pub(crate) fn joining(change: Change) -> Option<SignalJoined> {
    match change {
        Change::Opened(opened) => Some(opened.signal),
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
            ledger: Ledger::new(opened.child, opened.child_ordinal),
            deadlines: Box::default(),
            made_by_people: 0,
            phase: to,
            last: kind,
        },
        (None, _) => return Err(BadHistory::Step { phase, change: kind }),
    };
    check(&episode, &event.change, commit)?;
    episode.ledger.push(event, commit).map_err(|problem| match problem {
        Unwritable::Moment => BadHistory::Moment(kind),
        Unwritable::UnknownFact => BadHistory::UnknownFact(kind),
        Unwritable::UnknownTask => BadHistory::UnknownTask(kind),
    })?;
    if let Some(deadlines) = &event.deadlines {
        let waiting = deadlines
            .iter()
            .map(|deadline| Waiting { due_ms: deadline.due.as_millisecond(), work: deadline.work });
        episode.deadlines = waiting.collect();
    }
    episode.made_by_people =
        episode.made_by_people.saturating_add(u32::from(matches!(event.meta.actor, Actor::Person(..))));
    episode.last = kind;
    episode.phase = match &event.change {
        // When the closing itself was wrong, the work goes on; and the other way round.
        Change::Corrected(_) => phase_of(&episode),
        _ => to,
    };
    Ok(episode)
}

/// The last closing or signal that counts says where the work stands.
fn phase_of(episode: &Episode) -> Phase {
    let standing = episode.standing();
    let last = standing.iter().filter(|fact| !fact.voided).rev().find_map(|fact| match fact.change.kind() {
        ChangeKind::Closed => Some(Phase::Closed),
        ChangeKind::Opened | ChangeKind::SignalJoined => Some(Phase::Open),
        _ => None,
    });
    last.unwrap_or(Phase::Open)
}

fn check(episode: &Episode, change: &Change, commit: CommitId) -> Result<(), BadHistory> {
    let kind = change.kind();
    match change {
        Change::SignalJoined(joined) if episode.has_task(joined.task) => Err(BadHistory::TaskTwice),
        Change::GoalSet(goal) if goal.goal != commit => Err(BadHistory::ForeignId(kind)),
        Change::ReferralRequested { referral, .. } if *referral != commit => Err(BadHistory::ForeignId(kind)),
        Change::WorkDue { child, .. } if *child != episode.child() => Err(BadHistory::OtherChild(kind)),
        Change::GoalScored { goal: of, .. }
        | Change::ReferralDecided { referral: of, .. }
        | Change::CareEnded { referral: of, .. }
        | Change::ReferralReviewed { referral: of, .. }
        | Change::Corrected(crate::event::Correction { target: of, .. })
            if *of == commit =>
        {
            Err(BadHistory::UnknownFact(kind))
        }
        _ => Ok(()),
    }
}
