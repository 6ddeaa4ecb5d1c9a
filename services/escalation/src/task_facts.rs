//! What the whole history of a task says that an episode has to know.

use prost::Message as _;
use voordeur_contracts::event::{TaskEvent, task_event::Change, task_trigger::Source};
use voordeur_escalation_domain::{SignalJoined, TaskOutcome};
use voordeur_eventlog::Recorded;
use voordeur_kernel::{ChildAlias, SafetyLevel, SignalId, TaskId, Timestamp};

use crate::codec::{Read, bad, by_place, centre, id, moment, severity};

/// A task about a child that a signal asked for, or that is more work on an earlier task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFacts {
    /// The child.
    pub child: ChildAlias,
    /// What asked for it.
    pub asked_by: AskedBy,
    /// The earliest contact that reached somebody.
    pub first_contact: Option<Timestamp>,
    /// When it was completed, and what it came to.
    pub completed: Option<(Timestamp, TaskOutcome)>,
}

/// What asked for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedBy {
    /// A signal.
    Signal {
        /// The signal and its task.
        signal: SignalJoined,
        /// When the signal came.
        came_at: Timestamp,
    },
    /// Somebody who found that there was more to do after this task had ended.
    EarlierTask(TaskId),
}

/// Reads the whole history of a task. `None`: it is not about a child, or an episode asked for it itself, so that nothing follows from it.
///
/// A task that was entered in error or cancelled opens an episode all the same: the signal did come, and what was wrong about it is
/// corrected in the episode, by people.
///
/// # Errors
/// Which field is wrong, never what it holds.
pub fn read(task: TaskId, history: &[Recorded]) -> Read<Option<TaskFacts>> {
    let mut facts: Option<TaskFacts> = None;
    for (index, message) in history.iter().enumerate() {
        let event = TaskEvent::decode(&*message.data).or_else(|_| bad("TaskEvent"))?;
        let Some(meta) = &event.meta else { return bad("meta") };
        // What this release cannot read may be a contact or an answer: then nothing is concluded from the history.
        let Some(change) = &event.change else { return bad("change") };
        if index == 0 {
            facts = first(task, &event)?;
        }
        let Some(facts) = &mut facts else { return Ok(None) };
        match change {
            Change::Requested(_) if index > 0 => return bad("change"),
            Change::ContactRecorded(contact) if contact.reached => {
                // Who does not say when, means now.
                let at = contact.at.as_ref().or(meta.recorded_at.as_ref());
                let at = moment(at, "contact_recorded.at")?;
                facts.first_contact = Some(facts.first_contact.map_or(at, |known| known.min(at)));
            }
            Change::Answered(answered) if facts.completed.is_none() => {
                let at = moment(meta.recorded_at.as_ref(), "meta.recorded_at")?;
                let outcome = by_place(answered.outcome, TaskOutcome::ALL, "answered.outcome")?;
                facts.completed = Some((at, outcome));
            }
            _ => {}
        }
    }
    Ok(facts)
}

/// Does this event of a task tell an episode nothing? What does tell something wakes by itself. An event that cannot be read may tell
/// anything.
pub(crate) fn says_nothing(message: &Recorded) -> bool {
    TaskEvent::decode(&*message.data).ok().and_then(|event| event.change).is_some_and(|change| {
        !matches!(change, Change::Requested(_) | Change::ContactRecorded(_) | Change::Answered(_))
    })
}

fn first(task: TaskId, event: &TaskEvent) -> Read<Option<TaskFacts>> {
    let Some(Change::Requested(requested)) = &event.change else { return bad("change") };
    let Some(standing) = &event.standing else { return bad("standing") };
    let Some(source) = standing.trigger.as_ref().and_then(|trigger| trigger.source.as_ref()) else {
        return bad("standing.trigger");
    };
    if standing.child.is_empty() {
        return Ok(None);
    }
    let asked_by = match source {
        Source::Signal(signal) => AskedBy::Signal {
            signal: SignalJoined {
                signal: id(signal, SignalId::parse_bytes, "standing.trigger.signal")?,
                task,
                centre: centre(&standing.centre, "standing.centre")?,
                safety: by_place(requested.safety, &SafetyLevel::ALL, "requested.safety")?,
                severity: severity(requested.severity, "requested.severity")?,
            },
            came_at: moment(requested.received_at.as_ref(), "requested.received_at")?,
        },
        Source::EarlierTask(earlier) => {
            AskedBy::EarlierTask(id(earlier, TaskId::parse_bytes, "standing.trigger.earlier_task")?)
        }
        Source::EpisodeCheck(_) | Source::HandOver(_) | Source::Activity(_) => return Ok(None),
    };
    let child = id(&standing.child, ChildAlias::parse_bytes, "standing.child")?;
    Ok(Some(TaskFacts { child, asked_by, first_contact: None, completed: None }))
}
