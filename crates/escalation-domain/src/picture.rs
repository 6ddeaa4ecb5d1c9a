//! What the facts of an episode say together. Worked out from them whenever it is asked for, so that the order in which they became
//! known means nothing.

use std::collections::BTreeSet;

use jiff::{civil::Date, tz::TimeZone};
use voordeur_kernel::{
    CentreKey, CommitId, EpisodeId, ProfessionalKey, SafetyLevel, SignalId, TaskId, Timestamp,
};

use crate::{
    deadline::{Work, day_of, days_after},
    event::{Change, Check, Closing, Judgement, SignalJoined},
    evolve::Episode,
    life::ChangeKind,
    standing::{Standing, counting, first_judgement, judgements, standing},
    words::{TaskOutcome, WithdrawalScope},
};

/// Days of the window, from the baseline judgement.
pub const WINDOW_DAYS: u16 = 365;
/// Days after the first contact within which the baseline is judged, and after the judgement within which it is recorded.
pub const BASELINE_DAYS: u16 = 14;

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
    /// How it ended, once it did: by itself, or when it was not completed, by more work on it.
    pub completed: Option<Completion>,
    /// More work on it that was completed after that, in the order in which it was.
    pub further: Vec<Completion>,
}

/// A baseline judgement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assessment {
    /// The fact.
    pub fact: CommitId,
    /// When it was judged, and when it was recorded: both count for the lock.
    pub at: Moment,
    /// Who judged.
    pub by: Option<ProfessionalKey>,
    /// What.
    pub judgement: Judgement,
}

/// How it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending {
    /// When.
    pub at: Moment,
    /// How.
    pub closing: Closing,
}

/// A withdrawal of consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// When.
    pub at: Moment,
    /// How far.
    pub scope: WithdrawalScope,
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
    /// The second, independent one.
    pub second_baseline: Option<Assessment>,
    /// The first withdrawal of consent; everything of a person is gone when it is of scope all.
    pub withdrawn: Option<Withdrawal>,
    /// The last closing that counts; the episode may have been opened again since.
    pub ended: Option<Ending>,
    /// Episodes of the same child that began earlier.
    pub linked: BTreeSet<EpisodeId>,
}

impl Picture {
    /// The centre of the first signal.
    #[must_use]
    pub fn centre(&self) -> Option<&CentreKey> {
        self.tasks.first().map(|task| &task.centre)
    }

    /// The centre of the newest signal: where the child is.
    #[must_use]
    pub fn newest_centre(&self) -> Option<&CentreKey> {
        self.tasks.last().map(|task| &task.centre)
    }

    /// Every centre that a signal came from.
    #[must_use]
    pub fn centres(&self) -> BTreeSet<&CentreKey> {
        self.tasks.iter().map(|task| &task.centre).collect()
    }

    /// The last day of the window: 365 days after the baseline judgement, or after the first signal while there is none.
    #[must_use]
    pub fn window_ends(&self, zone: &TimeZone) -> Option<Date> {
        let from = self.baseline.as_ref().map(|baseline| baseline.at).or(self.opened)?;
        Some(days_after(day_of(from.effective, zone), WINDOW_DAYS))
    }

    /// The last day on which the baseline can be judged; nothing before the first contact and once it is judged.
    #[must_use]
    pub fn baseline_until(&self, zone: &TimeZone) -> Option<Date> {
        let contact = self.first_contact.filter(|_| self.baseline.is_none())?;
        Some(days_after(day_of(contact.at.effective, zone), BASELINE_DAYS))
    }
}

impl Episode {
    /// What all its facts say.
    #[must_use]
    pub fn picture(&self) -> Picture {
        picture(&self.standing())
    }

    /// What was known at a moment.
    #[must_use]
    pub fn picture_as_known(&self, at: Timestamp) -> Picture {
        picture(&standing(self.facts().filter(|fact| fact.recorded_at <= at)))
    }
}

/// What facts say together, corrections applied.
#[must_use]
pub fn picture(all: &[Standing]) -> Picture {
    let tasks = tasks(all);
    let first_contact = counting(all)
        .filter_map(|fact| match fact.change {
            Change::FirstContact { task } => Some(Contact { at: moment(fact), task }),
            _ => None,
        })
        .min_by_key(|contact| (contact.at.effective, contact.task, contact.at.recorded));
    let second_baseline = judgements(all)
        .filter(|(_, judgement)| judgement.second)
        .min_by_key(|(fact, _)| (fact.recorded_at, fact.commit));
    let withdrawn = counting(all)
        .filter_map(|fact| match fact.change {
            Change::ConsentWithdrawn { scope } => Some(Withdrawal { at: moment(fact), scope }),
            _ => None,
        })
        .min_by_key(|withdrawal| (withdrawal.at.effective, withdrawal.scope, withdrawal.at.recorded));
    let ended = counting(all)
        .filter_map(|fact| match fact.change {
            Change::Closed(closing) => {
                Some(((fact.recorded_at, fact.commit), Ending { at: moment(fact), closing }))
            }
            _ => None,
        })
        .max_by_key(|(key, _)| *key)
        .map(|(_, ending)| ending);
    let linked = counting(all)
        .filter_map(|fact| match fact.change {
            Change::EpisodesLinked { earlier } => Some(earlier),
            _ => None,
        })
        .collect();
    Picture {
        opened: tasks.first().map(|task| task.joined),
        tasks,
        first_contact,
        baseline: first_judgement(all).map(assessment),
        second_baseline: second_baseline.map(assessment),
        withdrawn,
        ended,
        linked,
    }
}

fn assessment((fact, judgement): (&Standing, &Judgement)) -> Assessment {
    Assessment { fact: fact.commit, at: moment(fact), by: fact.person().cloned(), judgement: *judgement }
}

const fn moment(fact: &Standing) -> Moment {
    Moment { effective: fact.effective_at, recorded: fact.recorded_at }
}

/// The signal of a fact that brings one.
const fn signal(fact: &Standing) -> Option<&SignalJoined> {
    match &fact.change {
        Change::Opened(opened) => Some(&opened.signal),
        Change::SignalJoined(joined) => Some(joined),
        _ => None,
    }
}

fn tasks(all: &[Standing]) -> Vec<EpisodeTask> {
    let mut tasks: Vec<EpisodeTask> = counting(all)
        .filter_map(|fact| signal(fact).map(|signal| (fact, signal)))
        .map(|(fact, signal)| (fact, signal, completions(all, signal.task)))
        .map(|(fact, signal, completions)| EpisodeTask {
            task: signal.task,
            signal: signal.signal,
            centre: signal.centre.clone(),
            safety: signal.safety,
            severity: signal.severity,
            joined: moment(fact),
            completed: completions.first().copied(),
            further: completions.into_iter().skip(1).collect(),
        })
        .collect();
    tasks.sort_by_key(|task| (task.joined.effective, task.task));
    tasks
}

/// When a task was completed, and more work on it. More work begins after the end, so it is completed after it too.
fn completions(all: &[Standing], task: TaskId) -> Vec<Completion> {
    let mut completions: Vec<Completion> = counting(all)
        .filter_map(|fact| match fact.change {
            Change::TaskCompleted { task: of, outcome } if of == task => {
                Some(Completion { at: moment(fact), outcome })
            }
            _ => None,
        })
        .collect();
    completions.sort_by_key(|completion| (completion.at, completion.outcome));
    completions
}

/// Does a check answer the question of a day after the baseline?
pub(crate) fn answers(check: &Check, baseline_on: Date, day: u16) -> bool {
    check.day == day || check.covers_until >= days_after(baseline_on, day)
}

/// Checks that were asked for again because they were not made, and still are not: days after the baseline.
#[must_use]
pub fn missed_follow_ups(all: &[Standing], zone: &TimeZone) -> Vec<u16> {
    let Some(baseline_on) = first_judgement(all).map(|(fact, _)| fact.day(zone)) else { return Vec::new() };
    let checks: Vec<&Check> = counting(all)
        .filter_map(|fact| match &fact.change {
            Change::FollowUpChecked(check) => Some(check),
            _ => None,
        })
        .collect();
    let missed: BTreeSet<u16> = counting(all)
        .filter_map(|fact| match fact.change {
            Change::WorkDue { work: Work::MissedFollowUp(day), .. } => Some(day),
            _ => None,
        })
        .collect();
    missed.into_iter().filter(|day| !checks.iter().any(|check| answers(check, baseline_on, *day))).collect()
}

/// Facts that people record, as against what tasks and moments bring.
#[must_use]
pub const fn by_people(kind: ChangeKind) -> bool {
    !matches!(
        kind,
        ChangeKind::Opened
            | ChangeKind::SignalJoined
            | ChangeKind::FirstContact
            | ChangeKind::TaskCompleted
            | ChangeKind::WorkDue
    )
}
