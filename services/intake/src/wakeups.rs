//! Bringing a signal up to its task. A delivery only says that a task moved; its whole history is read.

use std::sync::Arc;

use async_trait::async_trait;
use prost::Message as _;
use voordeur_chassis::{Problem, trace_headers};
use voordeur_contracts::event::{TaskEvent, TaskState, task_event, task_trigger::Source};
use voordeur_eventlog::{
    Deadline, Recorded,
    fold::Expect,
    worker::{Handler, HandlerError},
};
use voordeur_intake_domain::life::{Actor, Answer, Change, Command, decide};
use voordeur_kernel::{ErrorKind, SignalId, TaskId};

use crate::{
    api::{Intake, problem::refusal},
    codec,
    machine::subject_of,
    submit::commit_of,
};

/// Handles wake-ups of tasks.
pub(crate) struct Tasks(pub(crate) Arc<Intake>);

/// What a task's history says about its signal.
#[derive(Debug, PartialEq)]
struct Told {
    signal: SignalId,
    answer: Option<Answer>,
    cancelled: bool,
}

#[async_trait]
impl Handler for Tasks {
    async fn handle(&self, message: &Recorded, deadline: Deadline) -> Result<(), HandlerError> {
        let task =
            TaskId::parse_hex(message.subject.key()).map_err(|_| unreadable("the subject names no task"))?;
        if self.says_nothing_new(task, message) {
            return Ok(());
        }
        let history = self.0.tasks.history_up_to(message, deadline).await;
        let history = history.map_err(|error| failed(error.into()))?;
        let Some(told) = read(&history)? else { return Ok(()) };
        self.bring_up(task, told, deadline).await.map_err(failed)
    }
}

impl Tasks {
    /// Most events of a task end nothing, and its signal knows the task already. What does end it wakes by itself.
    fn says_nothing_new(&self, task: TaskId, message: &Recorded) -> bool {
        let Ok(event) = TaskEvent::decode(message.data.clone()) else { return false };
        let Ok(Some(told)) = told(event) else { return false };
        if told.answer.is_some() || told.cancelled {
            return false;
        }
        let held = subject_of(told.signal).map(|subject| self.0.fold.get(&subject));
        matches!(held, Ok(Ok(Some(held))) if held.state.signal.task == Some(task))
    }

    async fn bring_up(&self, task: TaskId, told: Told, deadline: Deadline) -> Result<(), Problem> {
        self.note(told.signal, task, "routed", Change::Routed { task }, deadline).await?;
        if let Some(answer) = told.answer {
            self.note(told.signal, task, "answered", Change::Answered { task, answer }, deadline).await?;
        } else if told.cancelled {
            self.note(told.signal, task, "cancelled", Change::Cancelled { task }, deadline).await?;
        }
        Ok(())
    }

    async fn note(
        &self,
        signal: SignalId,
        task: TaskId,
        what: &str,
        change: Change,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let intake = &self.0;
        // Every replica that hears of it makes the same act and the same commit.
        let command_id = intake.deriver.command_id("service:intake", &format!("{what} {task}"));
        let command = Command {
            actor: Actor::Service("intake".to_owned()),
            now: intake.clock.now(),
            command: command_id,
            commit: intake.deriver.commit_id(command_id, what.as_bytes()),
            directory_version: 0,
            seen_version: 0,
            change,
        };
        let subject = subject_of(signal).map_err(|_| Problem::broken("a task names no signal"))?;
        let trace = trace_headers();
        intake
            .fold
            .execute(&subject, Expect::Known, deadline, |kept, _| {
                let event = decide(kept.map(|kept| &kept.signal), &command).map_err(refusal)?;
                let urgent = kept.is_some_and(|kept| kept.signal.received.safety.is_safety());
                Ok::<_, Problem>(event.map(|event| commit_of(&event, trace.clone(), urgent)))
            })
            .await?;
        Ok(())
    }
}

/// What a whole history says; `None`: the task is not about a signal.
fn read(history: &[Recorded]) -> Result<Option<Told>, HandlerError> {
    let mut all: Option<Told> = None;
    for message in history {
        let event = TaskEvent::decode(message.data.clone())
            .map_err(|_| unreadable("an event of the task is damaged"))?;
        let Some(newer) = told(event)? else { return Ok(None) };
        let answer = all.and_then(|told| told.answer);
        all = Some(Told { answer: newer.answer.or(answer), ..newer });
    }
    Ok(all)
}

/// What one event says.
fn told(event: TaskEvent) -> Result<Option<Told>, HandlerError> {
    let standing = event.standing.ok_or_else(|| unreadable("an event of the task has no standing"))?;
    let source = standing.trigger.as_ref().and_then(|trigger| trigger.source.as_ref());
    let Some(Source::Signal(signal)) = source else { return Ok(None) };
    let signal = SignalId::parse_bytes(signal).map_err(|_| unreadable("the task names no signal"))?;
    // Also what should never have been there: nobody works on it any more, so the asker must not go on waiting.
    let cancelled = matches!(standing.state(), TaskState::Cancelled | TaskState::EnteredInError);
    let answer = match event.change {
        Some(task_event::Change::Answered(answered)) => {
            let answer = codec::event::read_answer(answered.status, answered.advice.as_ref());
            Some(answer.map_err(|bad| unreadable(bad.0))?)
        }
        _ => None,
    };
    Ok(Some(Told { signal, answer, cancelled }))
}

fn unreadable(what: &str) -> HandlerError {
    HandlerError { kind: ErrorKind::Invalid, reason: "UNREADABLE", detail: what.to_owned() }
}

fn failed(problem: Problem) -> HandlerError {
    HandlerError { kind: problem.kind, reason: problem.reason, detail: problem.message.into_owned() }
}
