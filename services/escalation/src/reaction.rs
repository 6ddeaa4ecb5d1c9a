//! Wake-ups of the stream TASKS: each reads the whole history of its task and brings the child's episode up to it.
//!
//! Deliveries may come in any order, any number of times, to any replica. What is decided is derived from the task's history, so
//! every replica makes the same commit, and what is known already is not stored again.

use std::sync::Arc;

use async_trait::async_trait;
use voordeur_escalation_domain::{Action, Actor, Command, Refusal, SignalJoined, Word as _};
use voordeur_eventlog::{
    Deadline, Recorded,
    fold::{ExecuteError, Expect},
    worker::{Handler, HandlerError},
};
use voordeur_kernel::{ChildAlias, EpisodeId, ErrorKind, TaskId, Timestamp};

use crate::{
    codec::SERVICE,
    office::Office,
    task_facts::{self, AskedBy, TaskFacts},
    tasks::CONTINUED_MAX,
};

/// Ended episodes of one child that are passed on the way to the running one. A window is a year, so this is far away.
const ENDED_MAX: u32 = 64;

/// Opens and follows episodes.
pub(crate) struct TaskReaction {
    pub(crate) office: Arc<Office>,
}

#[async_trait]
impl Handler for TaskReaction {
    async fn handle(&self, message: &Recorded, deadline: Deadline) -> Result<(), HandlerError> {
        let task = TaskId::parse_hex(message.subject.key())
            .map_err(|_| error(ErrorKind::Invalid, "UNREADABLE", "the subject is no task"))?;
        if task_facts::says_nothing(message) {
            return Ok(());
        }
        let history = self
            .office
            .tasks
            .0
            .history_up_to(message, deadline)
            .await
            .map_err(|cause| error(cause.kind(), "READ", cause.to_string()))?;
        let Some(asked) = self.asked(task, &history, deadline).await? else { return Ok(()) };
        let root = asked.signal.task;
        let (episode, mut known) = self.take_signal(&asked, deadline).await?;
        // What a task continues comes first, so that an episode never hears of more work before it heard of the work.
        for (task, facts) in asked.tasks {
            let continued_by = (task != root).then_some(task);
            if let Some(at) = facts.first_contact {
                let key = format!("contact:{task}:{}", at.as_nanosecond());
                let action = Action::RecordContact { task: root, continued_by };
                let act = Act { key, action, effective_at: at, urgent: false };
                known = self.give(episode, Expect::Known, act, deadline).await.map_err(failed)? && known;
            }
            if let Some((at, outcome)) = facts.completed {
                let action = Action::RecordCompletion { task: root, continued_by, outcome };
                let act = Act { key: format!("completion:{task}"), action, effective_at: at, urgent: false };
                known = self.give(episode, Expect::Known, act, deadline).await.map_err(failed)? && known;
            }
        }
        tracing::debug!(known, "episode follows its task");
        Ok(())
    }
}

/// What a signal asked for.
struct Asked {
    child: ChildAlias,
    /// The signal and its task.
    signal: SignalJoined,
    /// When the signal came.
    came_at: Timestamp,
    /// Its task, then those that continue it, each after the one before, up to the one that moved.
    tasks: Vec<(TaskId, TaskFacts)>,
}

/// An act before it is decided.
struct Act {
    key: String,
    action: Action,
    effective_at: Timestamp,
    urgent: bool,
}

impl TaskReaction {
    /// Reads a task, and through those that it continues back to the signal. Nothing when none is behind it: what an episode asked for itself
    /// tells it nothing by its task, nor does more work on that.
    async fn asked(
        &self,
        task: TaskId,
        history: &[Recorded],
        deadline: Deadline,
    ) -> Result<Option<Asked>, HandlerError> {
        let unreadable = |detail: String| error(ErrorKind::Invalid, "UNREADABLE", detail);
        let mut tasks: Vec<(TaskId, TaskFacts)> = Vec::new();
        let (mut task, mut history) = (task, history.to_vec());
        loop {
            let Some(facts) = task_facts::read(task, &history).map_err(unreadable)? else { return Ok(None) };
            let child = facts.child;
            let other_child = tasks.last().is_some_and(|(_, later)| later.child != child);
            if other_child || tasks.len() >= CONTINUED_MAX {
                return Err(unreadable("standing.trigger.earlier_task is wrong".to_owned()));
            }
            let asked_by = facts.asked_by.clone();
            tasks.push((task, facts));
            match asked_by {
                AskedBy::Signal { signal, came_at } => {
                    tasks.reverse();
                    return Ok(Some(Asked { child, signal, came_at, tasks }));
                }
                AskedBy::EarlierTask(earlier) => {
                    task = earlier;
                    let read = self.office.tasks.history(earlier, deadline).await;
                    history = read.map_err(|problem| error(problem.kind, "READ", problem.message))?;
                    if history.is_empty() {
                        return Err(unreadable("the task that it continues is not there".to_owned()));
                    }
                }
            }
        }
    }

    /// Opens the child's episode or joins the running one; returns which, and whether that was known already.
    async fn take_signal(
        &self,
        asked: &Asked,
        deadline: Deadline,
    ) -> Result<(EpisodeId, bool), HandlerError> {
        let task = asked.signal.task;
        let of_task = self.office.with_task(asked.child, task, deadline).await;
        if let Some(episode) = of_task.map_err(|cause| failed(cause.into()))? {
            return Ok((episode, true));
        }
        let known = self.office.known_of(asked.child);
        let from = known.max(1);
        for child_ordinal in from..from + ENDED_MAX {
            let episode = self.office.deriver.episode_id(asked.child, child_ordinal);
            // The fold may lie behind: then the compare-and-set tells, and the loser joins.
            let expect = if child_ordinal <= known { Expect::Known } else { Expect::New };
            let act = Act {
                key: format!("signal:{task}"),
                action: Action::TakeSignal {
                    child: asked.child,
                    child_ordinal,
                    signal: asked.signal.clone(),
                },
                effective_at: asked.came_at,
                urgent: asked.signal.safety.is_safety(),
            };
            match self.give(episode, expect, act, deadline).await {
                Ok(known) => return Ok((episode, known)),
                Err(ExecuteError::Refused(Refusal::Ended)) => {}
                Err(cause) => return Err(failed(cause)),
            }
        }
        Err(error(ErrorKind::Broken, "TOO_MANY_EPISODES", "a child has more episodes than can be"))
    }

    /// Decides and stores; returns whether it was known already.
    async fn give(
        &self,
        episode: EpisodeId,
        expect: Expect,
        act: Act,
        deadline: Deadline,
    ) -> Result<bool, ExecuteError<Refusal>> {
        let urgent = act.urgent;
        let command = self.command(episode, act);
        Ok(!self.office.act(expect, &command, urgent, deadline).await?.changed)
    }

    fn command(&self, episode: EpisodeId, act: Act) -> Command {
        let id = self.office.deriver.command_id("service:escalation", &act.key);
        // The content of an act: which episode, what, and when it happened. Whether it opens or joins is decided by who comes first.
        let mut content = episode.as_bytes().to_vec();
        content.extend(act.effective_at.as_nanosecond().to_be_bytes());
        match &act.action {
            Action::TakeSignal { child, child_ordinal, signal } => {
                content.extend(child.as_bytes());
                content.extend(child_ordinal.to_be_bytes());
                content.extend(signal.signal.as_bytes());
                content.extend(signal.task.as_bytes());
                content.extend([signal.safety as u8, signal.severity.unwrap_or(0)]);
                content.extend(signal.centre.as_str().bytes());
            }
            Action::RecordContact { task, continued_by } => {
                content.extend(task.as_bytes());
                content.extend(continued_by.iter().flat_map(TaskId::as_bytes));
            }
            Action::RecordCompletion { task, continued_by, outcome } => {
                content.extend(task.as_bytes());
                // Its place in the list, from 0.
                content.push(outcome.number().saturating_sub(1));
                content.extend(continued_by.iter().flat_map(TaskId::as_bytes));
            }
            // Of people and of clocks, never of tasks.
            Action::Record(_) | Action::Link(_) | Action::Remind(_) => {}
        }
        Command {
            id,
            commit: self.office.deriver.commit_id(id, &content),
            episode,
            actor: Actor::Service(SERVICE.to_owned()),
            now: self.office.clock.now(),
            effective_at: act.effective_at,
            directory_version: 0,
            seen_version: 0,
            action: act.action,
        }
    }
}

fn error(kind: ErrorKind, reason: &'static str, detail: impl Into<String>) -> HandlerError {
    HandlerError { kind, reason, detail: detail.into() }
}

fn failed(cause: ExecuteError<Refusal>) -> HandlerError {
    match cause {
        // What a task tells is never refused, so this is damage or our own fault: keep the message.
        ExecuteError::Refused(refusal) => error(ErrorKind::Broken, refusal.reason(), refusal.to_string()),
        ExecuteError::Fold(cause) => error(cause.kind(), "FOLD", cause.to_string()),
        ExecuteError::Append(cause) => error(cause.kind(), "APPEND", cause.to_string()),
        ExecuteError::Contended => error(ErrorKind::Conflict, "CONTENDED", "too many changes at once"),
    }
}
