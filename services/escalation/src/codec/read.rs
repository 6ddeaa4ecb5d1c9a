//! From the wire to the domain: events.

use voordeur_contracts::{
    common,
    event::{self, due_work, episode_event::Change as Wire},
};
use voordeur_escalation_domain::{
    Actor, Change, Deadline, Event, Meta, Opened, SignalJoined, TaskOutcome, Word as _, Work,
    words::HandOverMoment,
};
use voordeur_kernel::{
    ChildAlias, CommandId, Faults, OrganisationKey, ProfessionalKey, Role, SafetyLevel, SignalId, TaskId,
};

use super::{Read, bad, by_place, centre, facts, id, moment, severity};

/// Reads an event of an episode.
///
/// # Errors
/// Which field is wrong, never what it holds.
pub fn read_event(wire: &event::EpisodeEvent) -> Read<Event> {
    let Some(meta) = &wire.meta else { return bad("meta") };
    Ok(Event {
        meta: Meta {
            recorded_at: moment(meta.recorded_at.as_ref(), "meta.recorded_at")?,
            actor: read_actor(meta.actor.as_ref())?,
            command: id(&meta.command_id, CommandId::parse_bytes, "meta.command_id")?,
            directory_version: meta.directory_version,
            ordinal: meta.ordinal,
        },
        effective_at: moment(wire.effective_at.as_ref(), "effective_at")?,
        deadlines: wire.deadlines.as_ref().map(read_deadlines).transpose()?,
        continued_by: match &wire.change {
            Some(Wire::FirstContact(contact)) => more_work(&contact.continued_by, "first_contact")?,
            Some(Wire::TaskCompleted(completed)) => more_work(&completed.continued_by, "task_completed")?,
            _ => None,
        },
        change: wire.change.as_ref().map_or_else(|| bad("change"), read_change)?,
    })
}

/// The task that did more work; empty when it was none.
fn more_work(bytes: &[u8], of: &str) -> Read<Option<TaskId>> {
    let task = || id(bytes, TaskId::parse_bytes, &format!("{of}.continued_by"));
    if bytes.is_empty() { Ok(None) } else { task().map(Some) }
}

fn read_deadlines(wire: &event::EpisodeDeadlines) -> Read<Vec<Deadline>> {
    let one = |wire: &event::EpisodeDeadline| {
        Ok(Deadline {
            due: moment(wire.due.as_ref(), "deadlines.due")?,
            work: read_work(wire.work.as_ref(), "deadlines.work")?,
        })
    };
    wire.deadlines.iter().map(one).collect()
}

fn read_work(wire: Option<&event::DueWork>, field: &str) -> Read<Work> {
    let day = |day: u32| u16::try_from(day).ok().filter(|day| *day > 0);
    let work = match wire.and_then(|wire| wire.work.as_ref()) {
        Some(due_work::Work::FollowUpDay(of)) => day(*of).map(Work::FollowUp),
        Some(due_work::Work::MissedFollowUpDay(of)) => day(*of).map(Work::MissedFollowUp),
        Some(due_work::Work::HandOver(of)) => {
            u8::try_from(*of).ok().and_then(HandOverMoment::of).map(Work::HandOver)
        }
        None => None,
    };
    work.map_or_else(|| bad(field), Ok)
}

fn read_actor(wire: Option<&common::Actor>) -> Read<Actor> {
    match wire.and_then(|actor| actor.who.as_ref()) {
        Some(common::actor::Who::Service(name)) if (1..=64).contains(&name.len()) => {
            Ok(Actor::Service(name.clone()))
        }
        Some(common::actor::Who::Organisation(key)) => {
            OrganisationKey::parse(key).map(Actor::Organisation).or_else(|_| bad("meta.actor.organisation"))
        }
        Some(common::actor::Who::Person(person)) => {
            let key = ProfessionalKey::parse(&person.key).or_else(|_| bad("meta.actor.person.key"))?;
            Ok(Actor::Person(key, by_place(person.role, &Role::ALL, "meta.actor.person.role")?))
        }
        _ => bad("meta.actor"),
    }
}

fn read_change(change: &Wire) -> Read<Change> {
    Ok(match change {
        Wire::Opened(opened) => Change::Opened(Opened {
            child: id(&opened.child, ChildAlias::parse_bytes, "opened.child")?,
            child_ordinal: match opened.child_ordinal {
                0 => return bad("opened.child_ordinal"),
                ordinal => ordinal,
            },
            signal: SignalJoined {
                signal: id(&opened.signal, SignalId::parse_bytes, "opened.signal")?,
                task: id(&opened.task, TaskId::parse_bytes, "opened.task")?,
                centre: centre(&opened.centre, "opened.centre")?,
                safety: by_place(opened.safety, &SafetyLevel::ALL, "opened.safety")?,
                severity: severity(opened.severity, "opened.severity")?,
            },
        }),
        Wire::SignalJoined(joined) => Change::SignalJoined(SignalJoined {
            signal: id(&joined.signal, SignalId::parse_bytes, "signal_joined.signal")?,
            task: id(&joined.task, TaskId::parse_bytes, "signal_joined.task")?,
            centre: centre(&joined.centre, "signal_joined.centre")?,
            safety: by_place(joined.safety, &SafetyLevel::ALL, "signal_joined.safety")?,
            severity: severity(joined.severity, "signal_joined.severity")?,
        }),
        Wire::FirstContact(contact) => {
            Change::FirstContact { task: id(&contact.task, TaskId::parse_bytes, "first_contact.task")? }
        }
        Wire::TaskCompleted(completed) => Change::TaskCompleted {
            task: id(&completed.task, TaskId::parse_bytes, "task_completed.task")?,
            outcome: by_place(completed.outcome, TaskOutcome::ALL, "task_completed.outcome")?,
        },
        Wire::WorkDue(due) => Change::WorkDue {
            work: read_work(due.work.as_ref(), "work_due.work")?,
            centre: centre(&due.centre, "work_due.centre")?,
            child: id(&due.child, ChildAlias::parse_bytes, "work_due.child")?,
        },
        fact => {
            let mut faults = Faults::new();
            let change = facts::read(fact, facts::Ids::Given, &mut faults);
            faults.finish(change).or_else(|faults| {
                bad(faults.as_slice().first().map_or("change", |fault| fault.field.as_str()))
            })?
        }
    })
}
