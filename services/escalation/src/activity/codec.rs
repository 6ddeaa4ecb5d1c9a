//! Events of work on the floor on the wire. Reading says which field is wrong, never what it holds.

use prost::{Message as _, bytes::Bytes};
use voordeur_contracts::{
    common::{self, SealedText, TextPurpose, actor::Who},
    convert::{from_wire_time, to_wire_time},
    event::{self, ActivityEvent, activity_event::Change as Wire},
};
use voordeur_escalation_domain::{
    Actor, Meta,
    activity::{
        ActivityKind, Change, Event, Funding, LookBackResult, MINUTES_MAX, Noted, SealedStep, THEMES_MAX,
    },
};
use voordeur_kernel::{
    ActivityId, CentreKey, CommandId, ConcernDomain, DataKeyId, GroupKey, OrganisationKey, ProfessionalKey,
    Role, Timestamp,
};

use super::{day_of, start_of};

/// Outcome of reading: the field that is wrong, or the value.
type Read<T> = Result<T, String>;

fn bad<T>(field: &str) -> Read<T> {
    Err(format!("{field} is missing or wrong"))
}

/// A word whose number is its place in a list plus one; 0 is "not said".
pub(super) fn word<T: Copy>(number: i32, words: &[T]) -> Option<T> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    words.get(place).copied()
}

/// The number of a word.
pub(super) fn number<T: PartialEq>(of: T, words: &[T]) -> i32 {
    let place = words.iter().position(|known| *known == of);
    place.and_then(|place| i32::try_from(place + 1).ok()).unwrap_or(0)
}

/// A day as it is written: yyyy-mm-dd.
pub(super) fn day(text: &str) -> Option<jiff::civil::Date> {
    // Nothing else that could be read as a day.
    text.parse().ok().filter(|day: &jiff::civil::Date| day.to_string() == text)
}

/// The event as bytes.
pub(super) fn write(centre: &CentreKey, event: &Event) -> Bytes {
    write_activity_event(centre, event).encode_to_vec().into()
}

/// An event of the floor of a centre on the wire.
#[must_use]
pub fn write_activity_event(centre: &CentreKey, event: &Event) -> ActivityEvent {
    ActivityEvent {
        meta: Some(event::EventMeta {
            recorded_at: Some(to_wire_time(event.meta.recorded_at)),
            actor: Some(write_actor(&event.meta.actor)),
            command_id: bytes(event.meta.command.as_bytes()),
            directory_version: event.meta.directory_version,
            ordinal: event.meta.ordinal,
        }),
        effective_at: start_of(event.on).map(to_wire_time),
        change: Some(write_change(centre, &event.change)),
    }
}

fn bytes(id: &[u8; 16]) -> Bytes {
    Bytes::copy_from_slice(id)
}

fn write_actor(actor: &Actor) -> common::Actor {
    let who = match actor {
        Actor::Service(name) => Who::Service(name.clone()),
        Actor::Organisation(key) => Who::Organisation(key.to_string()),
        Actor::Person(key, role) => {
            Who::Person(common::Person { key: key.to_string(), role: common::Role::from(*role).into() })
        }
    };
    common::Actor { who: Some(who) }
}

fn text<T: ToString>(key: Option<&T>) -> String {
    key.map(ToString::to_string).unwrap_or_default()
}

fn write_change(centre: &CentreKey, change: &Change) -> Wire {
    match change {
        Change::Noted { activity, noted } => Wire::Noted(write_noted(Some(*activity), noted)),
        Change::Corrected { activity, instead } => Wire::Corrected(event::ActivityCorrected {
            activity: bytes(activity.as_bytes()),
            void: instead.is_none(),
            instead: instead.as_ref().map(|noted| write_noted(None, noted)),
        }),
        Change::LookBackDue { activity, group, noted_by } => Wire::LookBackDue(event::LookBackDue {
            activity: bytes(activity.as_bytes()),
            centre: centre.to_string(),
            group: text(group.as_ref()),
            noted_by: text(noted_by.as_ref()),
        }),
        Change::LookedBack { activity, result } => Wire::LookedBack(event::ActivityLookedBack {
            activity: bytes(activity.as_bytes()),
            result: number(*result, &LookBackResult::ALL),
        }),
    }
}

fn write_noted(activity: Option<ActivityId>, noted: &Noted) -> event::ActivityNoted {
    event::ActivityNoted {
        activity: activity.map(|id| bytes(id.as_bytes())).unwrap_or_default(),
        kind: number(noted.kind, &ActivityKind::ALL),
        group: text(noted.group.as_ref()),
        minutes: noted.minutes.into(),
        funding: number(noted.funding, Funding::ALL),
        themes: noted.themes.iter().map(|theme| number(*theme, &ConcernDomain::ALL)).collect(),
        agreed_step: noted.agreed_step.as_ref().map(|step| SealedText {
            key_id: bytes(step.key.as_bytes()),
            r#box: Bytes::copy_from_slice(&step.content),
            purpose: TextPurpose::Note.into(),
            owner: bytes(&step.owner),
        }),
        look_back_on: text(noted.look_back_on.as_ref()),
    }
}

/// Reads an event of the floor of a centre.
///
/// # Errors
/// Which field is wrong, never what it holds.
pub fn read_activity_event(wire: &ActivityEvent) -> Read<Event> {
    let Some(meta) = &wire.meta else { return bad("meta") };
    let Some(change) = &wire.change else { return bad("change") };
    Ok(Event {
        meta: Meta {
            recorded_at: moment(meta.recorded_at.as_ref(), "meta.recorded_at")?,
            actor: read_actor(meta.actor.as_ref())?,
            command: CommandId::parse_bytes(&meta.command_id).or_else(|_| bad("meta.command_id"))?,
            directory_version: meta.directory_version,
            ordinal: meta.ordinal,
        },
        on: Some(day_of(moment(wire.effective_at.as_ref(), "effective_at")?))
            .filter(|day| start_of(*day).is_some())
            .map_or_else(|| bad("effective_at"), Ok)?,
        change: read_change(change)?,
    })
}

fn moment(wire: Option<&prost_types::Timestamp>, field: &str) -> Read<Timestamp> {
    wire.and_then(from_wire_time).map_or_else(|| bad(field), Ok)
}

fn read_actor(wire: Option<&common::Actor>) -> Read<Actor> {
    match wire.and_then(|actor| actor.who.as_ref()) {
        Some(Who::Service(name)) if !name.is_empty() => Ok(Actor::Service(name.clone())),
        Some(Who::Organisation(key)) => {
            OrganisationKey::parse(key).map(Actor::Organisation).or_else(|_| bad("meta.actor.organisation"))
        }
        Some(Who::Person(person)) => {
            let key = ProfessionalKey::parse(&person.key).or_else(|_| bad("meta.actor.person.key"))?;
            let role = word(person.role, &Role::ALL);
            Ok(Actor::Person(key, role.map_or_else(|| bad("meta.actor.person.role"), Ok)?))
        }
        _ => bad("meta.actor"),
    }
}

fn read_change(change: &Wire) -> Read<Change> {
    let activity = |id: &[u8], field| ActivityId::parse_bytes(id).or_else(|_| bad(field));
    Ok(match change {
        Wire::Noted(noted) => Change::Noted {
            activity: activity(&noted.activity, "noted.activity")?,
            noted: read_noted(noted).map_err(|field| format!("noted.{field}"))?,
        },
        Wire::Corrected(corrected) => Change::Corrected {
            activity: activity(&corrected.activity, "corrected.activity")?,
            instead: match (&corrected.instead, corrected.void) {
                (None, true) => None,
                (Some(noted), false) => {
                    Some(read_noted(noted).map_err(|field| format!("corrected.instead.{field}"))?)
                }
                _ => return bad("corrected.instead"),
            },
        },
        Wire::LookBackDue(due) => Change::LookBackDue {
            activity: activity(&due.activity, "look_back_due.activity")?,
            group: key(&due.group, "look_back_due.group")?,
            noted_by: key(&due.noted_by, "look_back_due.noted_by")?,
        },
        Wire::LookedBack(back) => Change::LookedBack {
            activity: activity(&back.activity, "looked_back.activity")?,
            result: word(back.result, &LookBackResult::ALL).map_or_else(|| bad("looked_back.result"), Ok)?,
        },
    })
}

/// A key that may be left empty.
fn key<K: std::str::FromStr>(text: &str, field: &str) -> Read<Option<K>> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).or_else(|_| bad(field)) }
}

fn read_noted(wire: &event::ActivityNoted) -> Read<Noted> {
    let themes: Option<Vec<_>> = wire.themes.iter().map(|theme| word(*theme, &ConcernDomain::ALL)).collect();
    Ok(Noted {
        kind: word(wire.kind, &ActivityKind::ALL).map_or_else(|| bad("kind"), Ok)?,
        group: key::<GroupKey>(&wire.group, "group")?,
        minutes: minutes(wire.minutes).map_or_else(|| bad("minutes"), Ok)?,
        funding: word(wire.funding, Funding::ALL).map_or_else(|| bad("funding"), Ok)?,
        themes: themes.filter(|themes| themes.len() <= THEMES_MAX).map_or_else(|| bad("themes"), Ok)?,
        agreed_step: wire.agreed_step.as_ref().map(read_step).transpose()?,
        look_back_on: match wire.look_back_on.as_str() {
            "" => None,
            text => Some(day(text).map_or_else(|| bad("look_back_on"), Ok)?),
        },
    })
}

/// Minutes that an activity can take.
pub(super) fn minutes(wire: u32) -> Option<u16> {
    u16::try_from(wire).ok().filter(|minutes| (1..=MINUTES_MAX).contains(minutes))
}

/// A sealed step; whether it is bound to the right centre is asked where it comes in.
pub(super) fn read_step(wire: &SealedText) -> Read<SealedStep> {
    if wire.purpose != i32::from(TextPurpose::Note) {
        return bad("agreed_step.purpose");
    }
    Ok(SealedStep {
        key: DataKeyId::parse_bytes(&wire.key_id).or_else(|_| bad("agreed_step.key_id"))?,
        content: (&*wire.r#box).into(),
        owner: wire.owner.as_ref().try_into().or_else(|_| bad("agreed_step.owner"))?,
    })
}

#[cfg(test)]
mod tests;
