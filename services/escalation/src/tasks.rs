//! Tasks beside the wake-ups: where one stands, what it continues, and which ones an episode has. Routing owns them; this only reads.

use std::{collections::HashMap, sync::Arc};

use prost::Message as _;
use voordeur_chassis::Problem;
use voordeur_contracts::event::{
    TaskEvent, TaskStanding, TaskState, task_event::Change, task_trigger::Source,
};
use voordeur_directory::Directory;
use voordeur_escalation_domain::{Change as EpisodeChange, Word as _, Work};
use voordeur_eventlog::{Deadline, EventLog, Recorded, Subject};
use voordeur_kernel::{ChildAlias, EpisodeId, TaskId};

use crate::office::{Office, State};

/// Prefix of the histories of tasks.
const PREFIX: &str = "voordeur.task.v1";
/// How often work can be continued before nobody looks further back for what asked for it.
pub(crate) const CONTINUED_MAX: usize = 100;

/// The stream of the histories of tasks.
#[derive(Debug, Clone)]
pub(crate) struct TaskHistories(pub(crate) Arc<dyn EventLog>);

impl TaskHistories {
    /// Where a task stands, from its newest event at the leader: not from anything that may lie behind.
    async fn standing(&self, task: TaskId, deadline: Deadline) -> Result<Option<TaskStanding>, Problem> {
        let Some(newest) = self.0.last(&subject(task)?, deadline).await? else { return Ok(None) };
        let event = TaskEvent::decode(newest.data).map_err(|_| unreadable())?;
        event.standing.map(Some).ok_or_else(unreadable)
    }

    /// Tasks that a task was told of, oldest first: those that continue it, and others on the same child.
    async fn linked(&self, task: TaskId, deadline: Deadline) -> Result<Vec<TaskId>, Problem> {
        let history = self.history(task, deadline).await?;
        let mut linked = Vec::new();
        for message in history {
            let event = TaskEvent::decode(message.data).map_err(|_| unreadable())?;
            if let Some(Change::Linked(other)) = event.change {
                linked.push(id(&other.task)?);
            }
        }
        Ok(linked)
    }

    /// The whole history of a task; empty when there is none.
    pub(crate) async fn history(&self, task: TaskId, deadline: Deadline) -> Result<Vec<Recorded>, Problem> {
        Ok(self.0.history(&subject(task)?, 0, deadline).await?)
    }
}

fn subject(task: TaskId) -> Result<Subject, Problem> {
    Subject::of(PREFIX, &task.to_hex()).map_err(|error| Problem::broken(error.to_string()))
}

fn unreadable() -> Problem {
    Problem::broken("the history of a task cannot be read")
}

fn id(bytes: &[u8]) -> Result<TaskId, Problem> {
    TaskId::parse_bytes(bytes).map_err(|_| unreadable())
}

impl Office {
    /// The episode that a task belongs to: by its signal, by the episode that asked for it, or by the task that it continues.
    pub(crate) async fn episode_of_task(
        &self,
        task: TaskId,
        deadline: Deadline,
    ) -> Result<Option<EpisodeId>, Problem> {
        let mut task = task;
        for _ in 0..CONTINUED_MAX {
            let Some(standing) = self.tasks.standing(task, deadline).await? else { return Ok(None) };
            let episode = match standing.trigger.and_then(|trigger| trigger.source) {
                Some(Source::EarlierTask(earlier)) => {
                    task = id(&earlier)?;
                    continue;
                }
                Some(Source::EpisodeCheck(check)) => check.episode,
                Some(Source::HandOver(hand_over)) => hand_over.episode,
                Some(Source::Signal(_)) if !standing.child.is_empty() => {
                    let child = ChildAlias::parse_bytes(&standing.child).map_err(|_| unreadable())?;
                    return Ok(self.with_task(child, task, deadline).await?);
                }
                Some(Source::Signal(_) | Source::Activity(_)) | None => return Ok(None),
            };
            return EpisodeId::parse_bytes(&episode).map(Some).map_err(|_| unreadable());
        }
        Ok(None)
    }

    /// Does somebody of a neighbouring centre hold one of the tasks of an episode at this moment, by an arrangement? A task that has ended
    /// is held by nobody, whoever did it.
    pub(crate) async fn holds_by_arrangement(
        &self,
        directory: &Directory,
        person: &str,
        state: &State,
        deadline: Deadline,
    ) -> Result<bool, Problem> {
        let near = |centre: &str| directory.works_near(person, centre);
        // For nobody else anything is read.
        if !state.episode.signals().any(|signal| near(signal.centre.as_str())) {
            return Ok(false);
        }
        // The newest come last, and are looked at first.
        let mut look: Vec<(TaskId, Option<TaskId>)> =
            self.asked_for(state).into_iter().map(|task| (task, None)).collect();
        while let Some((task, continues)) = look.pop() {
            let Some(standing) = self.tasks.standing(task, deadline).await? else { continue };
            if continues.is_some() && continues != continued(&standing)? {
                continue;
            }
            match standing.state() {
                TaskState::Completed | TaskState::Cancelled | TaskState::EnteredInError => {
                    // Only what has ended is continued.
                    let linked = self.tasks.linked(task, deadline).await?;
                    look.extend(linked.into_iter().map(|other| (other, Some(task))));
                }
                TaskState::Accepted
                | TaskState::InProgress
                | TaskState::OnHold
                | TaskState::CancelRequested
                | TaskState::Failed
                    if standing.holder == person && near(&standing.centre) =>
                {
                    return Ok(true);
                }
                // Of a later release: what is not known gives no right.
                _ => {}
            }
        }
        Ok(false)
    }

    /// Tasks that the signals of an episode, and its moments, asked for.
    fn asked_for(&self, state: &State) -> Vec<TaskId> {
        let mut checks: HashMap<u16, u32> = HashMap::new();
        let mut tasks: Vec<TaskId> = state.episode.signals().map(|signal| signal.task).collect();
        for fact in state.episode.facts() {
            let EpisodeChange::WorkDue { work, .. } = fact.change else { continue };
            tasks.push(match work {
                Work::FollowUp(day) | Work::MissedFollowUp(day) => {
                    let asked_before = checks.entry(day).or_default();
                    let task = self.deriver.task_for_check(state.id, day, *asked_before);
                    *asked_before += 1;
                    task
                }
                Work::HandOver(moment) => self.deriver.task_for_hand_over(state.id, moment.number()),
            });
        }
        tasks
    }
}

/// The task that this one continues.
fn continued(standing: &TaskStanding) -> Result<Option<TaskId>, Problem> {
    match standing.trigger.as_ref().and_then(|trigger| trigger.source.as_ref()) {
        Some(Source::EarlierTask(earlier)) => id(earlier).map(Some),
        _ => Ok(None),
    }
}
