//! Wake-ups of the stream TASKS: each reads the whole history of its task and brings the child's episode up to it.
//!
//! Deliveries may come in any order, any number of times, to any replica. What is decided is derived from the task's history, so
//! every replica makes the same commit, and what is known already is not stored again.

use std::sync::Arc;

use async_trait::async_trait;
use voordeur_escalation_domain::{Action, Actor, Command, Refusal, Word as _};
use voordeur_eventlog::{
    Deadline, Recorded,
    fold::{ExecuteError, Expect},
    worker::{Handler, HandlerError},
};
use voordeur_kernel::{EpisodeId, ErrorKind, TaskId, Timestamp};

use crate::{
    codec::SERVICE,
    office::Office,
    task_facts::{self, TaskFacts},
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
        let facts = task_facts::read(task, &history)
            .map_err(|field| error(ErrorKind::Invalid, "UNREADABLE", field))?;
        let Some(facts) = facts else { return Ok(()) };
        let (episode, mut known) = self.take_signal(&facts, deadline).await?;
        if let Some(at) = facts.first_contact {
            let key = format!("contact:{task}:{}", at.as_nanosecond());
            let action = Action::RecordContact { task };
            let act = Act { key, action, effective_at: at, urgent: false };
            known = self.give(episode, Expect::Known, act, deadline).await.map_err(failed)? && known;
        }
        if let Some((at, outcome)) = facts.completed {
            let action = Action::RecordCompletion { task, outcome };
            let act = Act { key: format!("completion:{task}"), action, effective_at: at, urgent: false };
            known = self.give(episode, Expect::Known, act, deadline).await.map_err(failed)? && known;
        }
        tracing::debug!(known, "episode follows its task");
        Ok(())
    }
}

/// An act before it is decided.
struct Act {
    key: String,
    action: Action,
    effective_at: Timestamp,
    urgent: bool,
}

impl TaskReaction {
    /// Opens the child's episode or joins the running one; returns which, and whether that was known already.
    async fn take_signal(
        &self,
        facts: &TaskFacts,
        deadline: Deadline,
    ) -> Result<(EpisodeId, bool), HandlerError> {
        let task = facts.signal.task;
        let of_task = self.office.with_task(facts.child, task, deadline).await;
        if let Some(episode) = of_task.map_err(|cause| failed(cause.into()))? {
            return Ok((episode, true));
        }
        let known = self.office.known_of(facts.child);
        let from = known.max(1);
        for child_ordinal in from..from + ENDED_MAX {
            let episode = self.office.deriver.episode_id(facts.child, child_ordinal);
            // The fold may lie behind: then the compare-and-set tells, and the loser joins.
            let expect = if child_ordinal <= known { Expect::Known } else { Expect::New };
            let act = Act {
                key: format!("signal:{task}"),
                action: Action::TakeSignal {
                    child: facts.child,
                    child_ordinal,
                    signal: facts.signal.clone(),
                },
                effective_at: facts.came_at,
                urgent: facts.signal.safety.is_safety(),
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
            Action::RecordContact { task } => content.extend(task.as_bytes()),
            Action::RecordCompletion { task, outcome } => {
                content.extend(task.as_bytes());
                // Its place in the list, from 0.
                content.push(outcome.number().saturating_sub(1));
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
