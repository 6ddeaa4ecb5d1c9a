//! Events of a signal on the wire, and back.

use bytes::Bytes;
use voordeur_contracts::{
    common::{Actor as WireActor, Person, actor::Who},
    convert::from_wire_time,
    event::{self, SignalEvent, signal_event::Change as WireChange},
};
use voordeur_intake_domain::{
    AnswerStatus, Helped, WithdrawReason,
    life::{Actor, Answer, Change, Event, Meta, signal::Sealed},
    submission::Certainty,
};
use voordeur_kernel::{CommandId, CommitId, OrganisationKey, ProfessionalKey, Role, TaskId};

use super::{
    event_parts::{open_sealed, read_received, required, sealed, write_received},
    number, time,
};

/// Where an event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadEvent(pub(crate) &'static str);

/// An event of a signal on the wire.
#[must_use]
pub fn write(event: &Event) -> SignalEvent {
    SignalEvent { meta: Some(write_meta(&event.meta)), change: Some(write_change(&event.change)) }
}

/// An event from the wire; the commit id travels in the header of its message.
pub(crate) fn read(wire: SignalEvent, commit: CommitId) -> Result<Event, BadEvent> {
    let meta = read_meta(wire.meta.ok_or(BadEvent("meta"))?, commit)?;
    let change = read_change(wire.change.ok_or(BadEvent("change is of a later release"))?)?;
    Ok(Event { meta, change })
}

pub(crate) fn write_actor(actor: &Actor) -> WireActor {
    let who = match actor {
        Actor::Organisation(key) => Who::Organisation(key.to_string()),
        Actor::Person(key, role) => {
            Who::Person(Person { key: key.to_string(), role: number(&Role::ALL, role) })
        }
        Actor::Service(name) => Who::Service(name.clone()),
    };
    WireActor { who: Some(who) }
}

fn read_actor(actor: WireActor) -> Result<Actor, BadEvent> {
    Ok(match actor.who.ok_or(BadEvent("meta.actor"))? {
        Who::Organisation(key) => Actor::Organisation(
            OrganisationKey::parse(&key).map_err(|_| BadEvent("meta.actor.organisation"))?,
        ),
        Who::Person(person) => Actor::Person(
            ProfessionalKey::parse(&person.key).map_err(|_| BadEvent("meta.actor.person"))?,
            required(&Role::ALL, person.role, "meta.actor.person.role")?,
        ),
        Who::Service(name) => Actor::Service(name),
    })
}

fn write_meta(meta: &Meta) -> event::EventMeta {
    event::EventMeta {
        recorded_at: Some(time(meta.recorded_at)),
        actor: Some(write_actor(&meta.actor)),
        command_id: Bytes::copy_from_slice(meta.command.as_bytes()),
        directory_version: meta.directory_version,
        ordinal: meta.ordinal,
    }
}

fn read_meta(meta: event::EventMeta, commit: CommitId) -> Result<Meta, BadEvent> {
    Ok(Meta {
        recorded_at: meta
            .recorded_at
            .as_ref()
            .and_then(from_wire_time)
            .ok_or(BadEvent("meta.recorded_at"))?,
        actor: read_actor(meta.actor.ok_or(BadEvent("meta.actor"))?)?,
        command: CommandId::parse_bytes(&meta.command_id).map_err(|_| BadEvent("meta.command_id"))?,
        commit,
        directory_version: meta.directory_version,
        ordinal: meta.ordinal,
    })
}

fn write_change(change: &Change) -> WireChange {
    let task_bytes = |task: &TaskId| Bytes::copy_from_slice(task.as_bytes());
    match change {
        Change::Received(received) => WireChange::Received(write_received(received)),
        Change::Routed { task } => WireChange::Routed(event::SignalRouted { task: task_bytes(task) }),
        Change::Answered { task, answer } => WireChange::Answered(event::SignalAnswered {
            task: task_bytes(task),
            status: number(AnswerStatus::ALL, &answer.status),
            advice: answer.advice.as_ref().map(sealed),
        }),
        Change::Cancelled { task } => {
            WireChange::Cancelled(event::SignalCancelled { task: task_bytes(task) })
        }
        Change::Withdrawn { reason } => {
            WireChange::Withdrawn(event::SignalWithdrawn { reason: number(WithdrawReason::ALL, reason) })
        }
        Change::Acknowledged { helped, certainty_now } => {
            WireChange::AnswerAcknowledged(event::AnswerAcknowledged {
                helped: number(Helped::ALL, helped),
                certainty_now: certainty_now.map(|certainty| certainty.get().into()),
            })
        }
    }
}

fn read_change(change: WireChange) -> Result<Change, BadEvent> {
    let task = |id: &Bytes| TaskId::parse_bytes(id).map_err(|_| BadEvent("task"));
    Ok(match change {
        WireChange::Received(received) => Change::Received(Box::new(read_received(received)?)),
        WireChange::Routed(routed) => Change::Routed { task: task(&routed.task)? },
        WireChange::Answered(answered) => Change::Answered {
            task: task(&answered.task)?,
            answer: read_answer(answered.status, answered.advice.as_ref())?,
        },
        WireChange::Cancelled(cancelled) => Change::Cancelled { task: task(&cancelled.task)? },
        WireChange::Withdrawn(withdrawn) => {
            Change::Withdrawn { reason: required(WithdrawReason::ALL, withdrawn.reason, "withdrawn.reason")? }
        }
        WireChange::AnswerAcknowledged(acknowledged) => Change::Acknowledged {
            helped: required(Helped::ALL, acknowledged.helped, "answer_acknowledged.helped")?,
            certainty_now: acknowledged
                .certainty_now
                .map(|value| Certainty::new(value).ok_or(BadEvent("answer_acknowledged.certainty_now")))
                .transpose()?,
        },
        // Learnt together with the retention identity that writes it; until then such a history is frozen, which also hides it.
        WireChange::Erased(_) => return Err(BadEvent("erased")),
    })
}

/// A sealed text as the domain keeps it.
pub(crate) fn keep_sealed(text: &voordeur_contracts::common::SealedText) -> Result<Sealed, BadEvent> {
    open_sealed(text, "sealed text")
}

/// A sealed text as the vault opens it.
pub(crate) fn sealed_text(text: &Sealed) -> voordeur_contracts::common::SealedText {
    sealed(text)
}

/// The answer in a task's or a signal's event.
pub(crate) fn read_answer(
    status: i32,
    advice: Option<&voordeur_contracts::common::SealedText>,
) -> Result<Answer, BadEvent> {
    Ok(Answer {
        status: required(AnswerStatus::ALL, status, "answer.status")?,
        advice: advice.map(|text| open_sealed(text, "answer.advice")).transpose()?,
    })
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
