//! What the facts of an episode say together. Worked out from them whenever it is asked for, so that the order in which they became
//! known means nothing.

use std::collections::BTreeSet;

use voordeur_kernel::{CentreKey, CommitId, SafetyLevel, SignalId, TaskId, Timestamp};

use crate::{
    event::Change,
    evolve::{Episode, Fact, joining},
    words::{Baseline, CloseReason, Participant, TaskOutcome},
};

/// When something happened, and when it became known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// When it happened.
    pub effective: Timestamp,
    /// When it became known.
    pub recorded: Timestamp,
}

/// The first contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Contact {
    /// When.
    pub at: Moment,
    /// For which task.
    pub task: TaskId,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Completion {
    /// When.
    pub at: Moment,
    /// What it came to.
    pub outcome: TaskOutcome,
}

/// One of the episode's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EpisodeTask {
    /// The task.
    pub task: TaskId,
    /// The signal it was made for.
    pub signal: SignalId,
    /// Where.
    pub centre: CentreKey,
    /// Safety of the signal.
    pub safety: SafetyLevel,
    /// Severity of the signal, 1-5.
    pub severity: Option<u8>,
    /// When the signal came.
    pub joined: Moment,
    /// How it ended, once it did.
    pub completed: Option<Completion>,
}

/// The baseline judgement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assessment {
    /// When it was judged, and when it was recorded: both count for the lock.
    pub at: Moment,
    /// The answer.
    pub baseline: Baseline,
    /// Chance of a referral, 0-100.
    pub probability_percent: u8,
    /// Roles that took part.
    pub took_part: Vec<Participant>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending {
    /// When.
    pub at: Moment,
    /// Why.
    pub reason: CloseReason,
}

/// An episode as its facts tell it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Picture {
    /// When its first signal came.
    pub opened: Option<Moment>,
    /// Its tasks, in the order in which their signals came.
    pub tasks: Vec<EpisodeTask>,
    /// The first contact that reached somebody.
    pub first_contact: Option<Contact>,
    /// The first baseline judgement: the first one stands.
    pub baseline: Option<Assessment>,
    /// How it ended.
    pub ended: Option<Ending>,
}

impl Picture {
    /// The centre of the first signal.
    #[must_use]
    pub fn centre(&self) -> Option<&CentreKey> {
        self.tasks.first().map(|task| &task.centre)
    }

    /// Every centre that a signal came from.
    #[must_use]
    pub fn centres(&self) -> BTreeSet<&CentreKey> {
        self.tasks.iter().map(|task| &task.centre).collect()
    }
}

impl Episode {
    /// What all its facts say.
    #[must_use]
    pub fn picture(&self) -> Picture {
        picture(&self.facts().iter().collect::<Vec<_>>())
    }

    /// What was known at a moment.
    #[must_use]
    pub fn picture_as_known(&self, at: Timestamp) -> Picture {
        picture(&self.facts().iter().filter(|fact| fact.recorded_at <= at).collect::<Vec<_>>())
    }
}

fn picture(facts: &[&Fact]) -> Picture {
    let voided = voided(facts);
    let standing: Vec<&Fact> = facts.iter().copied().filter(|fact| !voided.contains(&fact.commit)).collect();
    let tasks = tasks(&standing);
    let first_contact = standing
        .iter()
        .filter_map(|fact| match fact.change {
            Change::FirstContact { task } => Some(Contact { at: moment(fact), task }),
            _ => None,
        })
        .min_by_key(|contact| (contact.at.effective, contact.task, contact.at.recorded));
    let baseline = standing
        .iter()
        .filter_map(|fact| match &fact.change {
            Change::BaselineAssessed { baseline, probability_percent, took_part } => Some((
                (fact.recorded_at, fact.commit),
                Assessment {
                    at: moment(fact),
                    baseline: *baseline,
                    probability_percent: *probability_percent,
                    took_part: took_part.clone(),
                },
            )),
            _ => None,
        })
        .min_by_key(|(key, _)| *key)
        .map(|(_, assessment)| assessment);
    let ended = standing
        .iter()
        .filter_map(|fact| match fact.change {
            Change::Closed { reason } => Some(Ending { at: moment(fact), reason }),
            _ => None,
        })
        .min_by_key(|ending| (ending.at, ending.reason));
    Picture { opened: tasks.first().map(|task| task.joined), tasks, first_contact, baseline, ended }
}

const fn moment(fact: &Fact) -> Moment {
    Moment { effective: fact.effective_at, recorded: fact.recorded_at }
}

/// Commits that count no more: of several corrections of one event the last by (recorded, id) wins.
fn voided(facts: &[&Fact]) -> BTreeSet<CommitId> {
    let mut corrections: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact.change {
            Change::Corrected { target, void, .. } => Some((fact.recorded_at, fact.commit, target, void)),
            _ => None,
        })
        .collect();
    corrections.sort_unstable();
    let mut voided = BTreeSet::new();
    for (_, _, target, void) in corrections {
        if void {
            voided.insert(target);
        } else {
            voided.remove(&target);
        }
    }
    voided
}

fn tasks(facts: &[&Fact]) -> Vec<EpisodeTask> {
    let mut tasks: Vec<EpisodeTask> = facts
        .iter()
        .filter_map(|fact| joining(&fact.change).map(|signal| (fact, signal)))
        .map(|(fact, signal)| EpisodeTask {
            task: signal.task,
            signal: signal.signal,
            centre: signal.centre.clone(),
            safety: signal.safety,
            severity: signal.severity,
            joined: moment(fact),
            completed: completion(facts, signal.task),
        })
        .collect();
    tasks.sort_by_key(|task| (task.joined.effective, task.task));
    tasks
}

/// Completed is final, so there is one; should two be told, the earliest stands.
fn completion(facts: &[&Fact], task: TaskId) -> Option<Completion> {
    facts
        .iter()
        .filter_map(|fact| match fact.change {
            Change::TaskCompleted { task: of, outcome } if of == task => {
                Some(Completion { at: moment(fact), outcome })
            }
            _ => None,
        })
        .min_by_key(|completion| (completion.at, completion.outcome))
}
