//! What a command comes to: an event, nothing because it is known already, or a refusal that changes nothing.

mod baseline;
mod correction;
mod record;
mod referral;

use voordeur_kernel::{CentreKey, ChildAlias, CommandId, CommitId, EpisodeId, TaskId, Timestamp};

use crate::{
    deadline::{Deadline, Work, day_of},
    event::{Actor, Change, Event, Meta, Opened, SignalJoined},
    evolve::Episode,
    follow_up::{Rules, ask_again, sorted},
    ledger::fits,
    life::{ChangeKind, Phase, next_phase},
    picture::{Picture, picture},
    refusal::Refusal,
    standing::{Standing, counting},
    words::TaskOutcome,
};

/// Most facts of one episode: far more than a year of daily work.
const FACTS_MAX: u32 = 2_000;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// Which act it is; the same id is the same act.
    pub id: CommandId,
    /// Commit that it makes, derived from the act and its content.
    pub commit: CommitId,
    /// Whose history.
    pub episode: EpisodeId,
    /// Who does it.
    pub actor: Actor,
    /// Now.
    pub now: Timestamp,
    /// When it happened; what people record: the start of that day.
    pub effective_at: Timestamp,
    /// Version of the directory it was decided with; 0 when it was not needed.
    pub directory_version: u64,
    /// What the person saw people had done when she decided; 0: not compared.
    pub seen_version: u32,
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
        /// Which task: the one that a signal asked for.
        task: TaskId,
        /// More work on it, when it happened there.
        continued_by: Option<TaskId>,
    },
    /// One of its tasks was completed, or more work on one.
    RecordCompletion {
        /// Which task: the one that a signal asked for.
        task: TaskId,
        /// More work on it, when that was completed.
        continued_by: Option<TaskId>,
        /// What it came to.
        outcome: TaskOutcome,
    },
    /// A moment that the episode waited for came.
    Remind(Deadline),
    /// A person records a fact. New goals and referrals have the commit of the command as their id.
    Record(Change),
    /// A person says that an episode of another alias is of the same child.
    Link(Earlier),
}

/// The episode that began earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Earlier {
    /// Which.
    pub episode: EpisodeId,
    /// Its alias.
    pub child: ChildAlias,
    /// When its first signal came.
    pub opened_at: Timestamp,
    /// Does it have a baseline, so that the child is followed up from there?
    pub judged: bool,
}

/// Decides. `Ok(None)`: it is known already, or changes nothing.
///
/// # Errors
/// Why not.
pub fn decide(episode: Option<&Episode>, command: &Command, rules: &Rules) -> Result<Option<Event>, Refusal> {
    if let Some(known) = episode.and_then(|e| e.commit_of(command.id)) {
        return if known == command.commit { Ok(None) } else { Err(Refusal::OtherContent) };
    }
    if !fits(command.effective_at) || !fits(command.now) {
        return Err(Refusal::BadMoment);
    }
    let decided = match (&command.action, episode) {
        (Action::TakeSignal { child, child_ordinal, signal }, None) => {
            let (child, child_ordinal) = (*child, *child_ordinal);
            Some((Change::Opened(Opened { child, child_ordinal, signal: signal.clone() }), None))
        }
        (Action::Record(_) | Action::Link(_), None) => return Err(Refusal::NotThere),
        (_, None) => return Err(Refusal::UnknownTask),
        (action, Some(episode)) => {
            let case = Case::new(episode, command, rules);
            match action {
                Action::TakeSignal { child, signal, .. } => case.take_signal(*child, signal)?,
                Action::RecordContact { task, .. } => case.contact(*task)?,
                Action::RecordCompletion { task, continued_by, outcome } => {
                    case.completion(*task, *continued_by, *outcome)?
                }
                Action::Remind(deadline) => Some(case.remind(*deadline)?),
                Action::Record(change) => Some(case.record(change)?),
                Action::Link(earlier) => Some(case.link(earlier)?),
            }
        }
    };
    let Some((change, deadlines)) = decided else { return Ok(None) };
    // The table is the last word; what stands above only says no more precisely.
    let phase = episode.map_or(Phase::Absent, Episode::phase);
    if next_phase(phase, change.kind()).is_none() {
        return Err(if change.kind() == ChangeKind::Closed {
            Refusal::AlreadyClosed
        } else {
            Refusal::NotNow
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
        deadlines,
        continued_by: match command.action {
            Action::RecordContact { continued_by, .. } | Action::RecordCompletion { continued_by, .. } => {
                continued_by
            }
            _ => None,
        },
        change,
    }))
}

/// A change, with what the episode waits for after it when that is something else.
type Decided = (Change, Option<Vec<Deadline>>);

/// An episode that is there, with the command that is decided on.
struct Case<'a> {
    episode: &'a Episode,
    command: &'a Command,
    rules: &'a Rules,
    facts: Vec<Standing>,
    picture: Picture,
}

impl<'a> Case<'a> {
    fn new(episode: &'a Episode, command: &'a Command, rules: &'a Rules) -> Self {
        let facts = episode.standing();
        let picture = picture(&facts);
        Self { episode, command, rules, facts, picture }
    }

    /// Facts that count.
    fn counting(&self) -> impl Iterator<Item = &Standing> {
        counting(&self.facts)
    }

    /// The day on which it happened.
    fn on(&self) -> jiff::civil::Date {
        day_of(self.command.effective_at, &self.rules.zone)
    }

    fn today(&self) -> jiff::civil::Date {
        day_of(self.command.now, &self.rules.zone)
    }

    fn day(&self, fact: &Standing) -> jiff::civil::Date {
        fact.day(&self.rules.zone)
    }

    /// The moments, when they are others than before.
    fn moved(&self, deadlines: Vec<Deadline>) -> Option<Vec<Deadline>> {
        let deadlines = sorted(deadlines);
        let before: Vec<Deadline> = self.episode.deadlines().collect();
        (before != deadlines).then_some(deadlines)
    }

    /// The moments without some of them, when there are any such.
    fn without(&self, gone: impl Fn(Work) -> bool) -> Option<Vec<Deadline>> {
        self.moved(self.episode.deadlines().filter(|deadline| !gone(deadline.work)).collect())
    }

    /// Nothing that happens after a withdrawal is processed.
    fn withdrawn_before(&self, on: jiff::civil::Date) -> bool {
        self.picture
            .withdrawn
            .is_some_and(|withdrawal| on > day_of(withdrawal.at.effective, &self.rules.zone))
    }

    /// Did what a task tells happen after consent was withdrawn? People know the day of a withdrawal, a task knows the moment: on that day it
    /// is surely after it once the withdrawal was known here.
    fn after_withdrawal(&self) -> bool {
        let known = self.picture.withdrawn.map(|withdrawal| withdrawal.at);
        self.withdrawn_before(self.on())
            || known.is_some_and(|at| self.command.effective_at > at.effective.max(at.recorded))
    }

    fn take_signal(&self, child: ChildAlias, signal: &SignalJoined) -> Result<Option<Decided>, Refusal> {
        if self.episode.child() != child {
            return Err(Refusal::OtherChild);
        }
        if self.episode.has_task(signal.task) {
            return Ok(None);
        }
        let over = self.picture.window_ends(&self.rules.zone).is_some_and(|last| self.on() > last);
        // A new signal comes with a consent or ground of its own.
        if over || self.picture.withdrawn.is_some_and(|w| self.command.effective_at > w.at.effective) {
            return Err(Refusal::Ended);
        }
        Ok(Some((Change::SignalJoined(signal.clone()), None)))
    }

    fn contact(&self, task: TaskId) -> Result<Option<Decided>, Refusal> {
        if !self.episode.has_task(task) {
            return Err(Refusal::UnknownTask);
        }
        // A contact that became known later but was earlier is the first one; ties fall to the lower task, so that order means nothing.
        let at = self.command.effective_at;
        let earlier = self.facts.iter().any(|fact| match fact.change {
            Change::FirstContact { task: known } => (fact.effective_at, known) <= (at, task),
            _ => false,
        });
        Ok((!earlier && !self.after_withdrawal()).then_some((Change::FirstContact { task }, None)))
    }

    fn completion(
        &self,
        task: TaskId,
        continued_by: Option<TaskId>,
        outcome: TaskOutcome,
    ) -> Result<Option<Decided>, Refusal> {
        if !self.episode.has_task(task) {
            return Err(Refusal::UnknownTask);
        }
        // A task is completed once, and so is each that continues it; which of those are known is told by their commands.
        let known = continued_by.is_none()
            && self.facts.iter().any(
                |fact| matches!(fact.change, Change::TaskCompleted { task: known, .. } if known == task),
            );
        let silent = known || self.after_withdrawal();
        Ok((!silent).then_some((Change::TaskCompleted { task, outcome }, None)))
    }

    fn remind(&self, deadline: Deadline) -> Result<Decided, Refusal> {
        if deadline.due > self.command.now || !self.episode.deadlines().any(|known| known == deadline) {
            return Err(Refusal::NotDue);
        }
        let mut left: Vec<Deadline> = self.episode.deadlines().filter(|known| *known != deadline).collect();
        if let Work::FollowUp(day) = deadline.work {
            // Asked for late, for instance after a long time without the service, it still has its whole time.
            let asked_on = self.today().max(day_of(deadline.due, &self.rules.zone));
            left.extend(ask_again(asked_on, day, self.rules));
        }
        let change = Change::WorkDue {
            work: deadline.work,
            centre: self.centre().ok_or(Refusal::NotThere)?,
            child: self.episode.child(),
        };
        Ok((change, self.moved(left)))
    }

    /// Where the child is; also when every signal was voided.
    fn centre(&self) -> Option<CentreKey> {
        let newest = self.picture.newest_centre().cloned();
        newest.or_else(|| self.episode.signals().last().map(|signal| signal.centre))
    }
}
