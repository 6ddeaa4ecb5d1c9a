//! Events of episodes on the wire. Reading says which field is wrong, never what it holds.

use prost::{Message as _, bytes::Bytes};
use voordeur_contracts::{
    common,
    convert::{from_wire_time, to_wire_time},
    event::{self, episode_event::Change as Wire},
};
use voordeur_escalation_domain::{
    Actor, Baseline, Change, CloseReason, Participant, Event, Meta, Opened, SignalJoined, TaskOutcome,
};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, OrganisationKey, ProfessionalKey, Role, SafetyLevel,
    SignalId, TaskId, Timestamp,
};

/// Name of this service, in actors, dead letters and audit records.
pub(crate) const SERVICE: &str = "escalation";
/// `ce-source` of its events.
pub(crate) const SOURCE: &str = "voordeur/escalation";
/// `ce-type` of episodes.
pub(crate) const EPISODE_KIND: &str = "nl.voordeur.episode.v1";

/// Outcome of reading: the field that is wrong, or the value.
pub(crate) type Read<T> = Result<T, String>;

/// A field is wrong or missing.
pub(crate) fn bad<T>(field: &str) -> Read<T> {
    Err(format!("{field} is missing or wrong"))
}

/// An id of 16 bytes.
pub(crate) fn id<T, E>(bytes: &[u8], parse: impl Fn(&[u8]) -> Result<T, E>, field: &str) -> Read<T> {
    parse(bytes).or_else(|_| bad(field))
}

/// A moment.
pub(crate) fn moment(wire: Option<&prost_types::Timestamp>, field: &str) -> Read<Timestamp> {
    wire.and_then(from_wire_time).map_or_else(|| bad(field), Ok)
}

/// A word whose number is its place in a list plus one; 0 is "not said".
pub(crate) fn by_place<T: Copy>(number: i32, words: &[T], field: &str) -> Read<T> {
    let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    place.and_then(|place| words.get(place)).copied().map_or_else(|| bad(field), Ok)
}

fn place_of<T: PartialEq>(word: T, words: &[T]) -> i32 {
    let place = words.iter().position(|known| *known == word);
    place.and_then(|place| i32::try_from(place + 1).ok()).unwrap_or(0)
}

/// What a task came to, on the wire.
pub(crate) fn outcome_to_wire(outcome: TaskOutcome) -> i32 {
    place_of(outcome, &TaskOutcome::ALL)
}

/// A baseline, on the wire.
pub(crate) fn baseline_to_wire(baseline: Baseline) -> i32 {
    place_of(baseline, &Baseline::ALL)
}

fn bytes(id: &[u8; 16]) -> Bytes {
    Bytes::copy_from_slice(id)
}

/// An event as bytes.
pub(crate) fn write(event: &Event) -> Bytes {
    write_event(event).encode_to_vec().into()
}

/// An event of an episode on the wire.
#[must_use]
pub fn write_event(event: &Event) -> event::EpisodeEvent {
    event::EpisodeEvent {
        meta: Some(event::EventMeta {
            recorded_at: Some(to_wire_time(event.meta.recorded_at)),
            actor: Some(write_actor(&event.meta.actor)),
            command_id: bytes(event.meta.command.as_bytes()),
            directory_version: event.meta.directory_version,
            ordinal: event.meta.ordinal,
        }),
        effective_at: Some(to_wire_time(event.effective_at)),
        deadlines: None,
        change: Some(write_change(&event.change)),
    }
}

/// Who, on the wire.
pub(crate) fn write_actor(actor: &Actor) -> common::Actor {
    let who = match actor {
        Actor::Service(name) => common::actor::Who::Service(name.clone()),
        Actor::Organisation(key) => common::actor::Who::Organisation(key.to_string()),
        Actor::Person(key, role) => common::actor::Who::Person(common::Person {
            key: key.to_string(),
            role: common::Role::from(*role).into(),
        }),
    };
    common::Actor { who: Some(who) }
}

fn write_change(change: &Change) -> Wire {
    match change {
        Change::Opened(Opened { child, child_ordinal, signal }) => Wire::Opened(event::EpisodeOpened {
            child: bytes(child.as_bytes()),
            child_ordinal: *child_ordinal,
            centre: signal.centre.to_string(),
            signal: bytes(signal.signal.as_bytes()),
            task: bytes(signal.task.as_bytes()),
            safety: common::SafetyLevel::from(signal.safety).into(),
            severity: signal.severity.map_or(0, u32::from),
        }),
        Change::SignalJoined(signal) => Wire::SignalJoined(event::SignalJoined {
            signal: bytes(signal.signal.as_bytes()),
            task: bytes(signal.task.as_bytes()),
            safety: common::SafetyLevel::from(signal.safety).into(),
            severity: signal.severity.map_or(0, u32::from),
            centre: signal.centre.to_string(),
        }),
        Change::FirstContact { task } => {
            Wire::FirstContact(event::FirstContactMade { task: bytes(task.as_bytes()) })
        }
        Change::TaskCompleted { task, outcome } => Wire::TaskCompleted(event::EpisodeTaskCompleted {
            task: bytes(task.as_bytes()),
            outcome: outcome_to_wire(*outcome),
        }),
        Change::BaselineAssessed { baseline, probability_percent, took_part } => {
            Wire::BaselineAssessed(event::BaselineAssessed {
                baseline: baseline_to_wire(*baseline),
                probability_percent: u32::from(*probability_percent),
                took_part: took_part.iter().map(|who| place_of(*who, &Participant::ALL)).collect(),
                ..Default::default()
            })
        }
        Change::Closed { reason } => {
            Wire::Closed(event::EpisodeClosed { reason: place_of(*reason, &CloseReason::ALL), ..Default::default() })
        }
        Change::Corrected { target, void, second_person } => Wire::Corrected(event::FactCorrected {
            target: bytes(target.as_bytes()),
            void: *void,
            second_person: second_person.to_string(),
            ..Default::default()
        }),
    }
}

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
        change: wire.change.as_ref().map_or_else(|| bad("change"), read_change)?,
    })
}

fn read_actor(wire: Option<&common::Actor>) -> Read<Actor> {
    match wire.and_then(|actor| actor.who.as_ref()) {
        Some(common::actor::Who::Service(name)) if !name.is_empty() => Ok(Actor::Service(name.clone())),
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
            outcome: by_place(completed.outcome, &TaskOutcome::ALL, "task_completed.outcome")?,
        },
        Wire::BaselineAssessed(assessed) => Change::BaselineAssessed {
            baseline: by_place(assessed.baseline, &Baseline::ALL, "baseline_assessed.baseline")?,
            probability_percent: u8::try_from(assessed.probability_percent)
                .ok()
                .filter(|percent| *percent <= 100)
                .map_or_else(|| bad("baseline_assessed.probability_percent"), Ok)?,
            took_part: assessed
                .took_part
                .iter()
                .map(|who| by_place(*who, &Participant::ALL, "baseline_assessed.took_part"))
                .collect::<Read<_>>()?,
        },
        Wire::Closed(closed) => {
            Change::Closed { reason: by_place(closed.reason, &CloseReason::ALL, "closed.reason")? }
        }
        Wire::Corrected(corrected) => Change::Corrected {
            target: id(&corrected.target, CommitId::parse_bytes, "corrected.target")?,
            void: corrected.void,
            second_person: ProfessionalKey::parse(&corrected.second_person)
                .or_else(|_| bad("corrected.second_person"))?,
        },
        // Not understood by this release: the history freezes.
        _ => return bad("change"),
    })
}

/// A centre.
pub(crate) fn centre(text: &str, field: &str) -> Read<CentreKey> {
    CentreKey::parse(text).or_else(|_| bad(field))
}

/// A severity; 0 is "not asked".
pub(crate) fn severity(number: u32, field: &str) -> Read<Option<u8>> {
    match u8::try_from(number) {
        Ok(0) => Ok(None),
        Ok(severity @ 1..=5) => Ok(Some(severity)),
        _ => bad(field),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn id16() -> impl Strategy<Value = [u8; 16]> {
        any::<[u8; 16]>()
    }

    fn when() -> impl Strategy<Value = Timestamp> {
        (0_i64..4_000_000_000, 0_i32..1_000_000_000).prop_map(|(s, n)| Timestamp::new(s, n).unwrap())
    }

    fn joined() -> impl Strategy<Value = SignalJoined> {
        (id16(), id16(), "[a-z][a-z0-9]{0,9}", select(SafetyLevel::ALL.to_vec()), prop::option::of(1_u8..=5))
            .prop_map(|(signal, task, centre, safety, severity)| SignalJoined {
                signal: SignalId::from_bytes(signal),
                task: TaskId::from_bytes(task),
                centre: CentreKey::parse(&centre).unwrap(),
                safety,
                severity,
            })
    }

    fn change() -> impl Strategy<Value = Change> {
        let roles = prop::collection::vec(select(Participant::ALL.to_vec()), 0..4);
        prop_oneof![
            (id16(), 1_u32.., joined()).prop_map(|(child, child_ordinal, signal)| Change::Opened(Opened {
                child: ChildAlias::from_bytes(child),
                child_ordinal,
                signal,
            })),
            joined().prop_map(Change::SignalJoined),
            id16().prop_map(|task| Change::FirstContact { task: TaskId::from_bytes(task) }),
            (id16(), select(TaskOutcome::ALL.to_vec())).prop_map(|(task, outcome)| Change::TaskCompleted {
                task: TaskId::from_bytes(task),
                outcome
            }),
            (select(Baseline::ALL.to_vec()), 0_u8..=100, roles).prop_map(
                |(baseline, probability_percent, took_part)| Change::BaselineAssessed {
                    baseline,
                    probability_percent,
                    took_part,
                }
            ),
            select(CloseReason::ALL.to_vec()).prop_map(|reason| Change::Closed { reason }),
            (id16(), any::<bool>(), "[a-z]{1,9}").prop_map(|(target, void, person)| Change::Corrected {
                target: CommitId::from_bytes(target),
                void,
                second_person: ProfessionalKey::parse(&person).unwrap(),
            }),
        ]
    }

    fn actor() -> impl Strategy<Value = Actor> {
        prop_oneof![
            Just(Actor::Service("escalation".into())),
            "[a-z]{1,9}".prop_map(|key| Actor::Organisation(OrganisationKey::parse(&key).unwrap())),
            ("[a-z]{1,9}", select(Participant::ALL.to_vec()))
                .prop_map(|(key, role)| Actor::Person(ProfessionalKey::parse(&key).unwrap(), role)),
        ]
    }

    proptest! {
        #[test]
        fn every_event_reads_back_what_was_written(
            change in change(),
            actor in actor(),
            recorded_at in when(),
            effective_at in when(),
            command in id16(),
            directory_version: u64,
            ordinal: u32,
        ) {
            let command = CommandId::from_bytes(command);
            let meta = Meta { recorded_at, actor, command, directory_version, ordinal };
            let event = Event { meta, effective_at, change };
            let wire = event::EpisodeEvent::decode(&*write(&event)).unwrap();
            prop_assert_eq!(read_event(&wire), Ok(event));
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
            if let Ok(wire) = event::EpisodeEvent::decode(&*bytes) {
                let _ = read_event(&wire);
            }
        }
    }

    #[test]
    fn an_event_of_a_later_release_is_refused_by_field() {
        assert_eq!(read_event(&event::EpisodeEvent::default()), Err("meta is missing or wrong".into()));
        let mut wire = write_event(&Event {
            meta: Meta {
                recorded_at: Timestamp::UNIX_EPOCH,
                actor: Actor::Service("escalation".into()),
                command: CommandId::from_bytes([1; 16]),
                directory_version: 0,
                ordinal: 1,
            },
            effective_at: Timestamp::UNIX_EPOCH,
            change: Change::Closed { reason: CloseReason::WindowEnded },
        });
        wire.change = Some(Wire::Closed(event::EpisodeClosed { reason: 99 }));
        assert_eq!(read_event(&wire), Err("closed.reason is missing or wrong".into()));
        wire.change = None;
        assert_eq!(read_event(&wire), Err("change is missing or wrong".into()));
    }

    #[test]
    fn words_have_the_numbers_of_the_contract() {
        assert_eq!(
            outcome_to_wire(TaskOutcome::NoActionNeeded),
            i32::from(event::TaskOutcome::NoActionNeeded)
        );
        assert_eq!(outcome_to_wire(TaskOutcome::Advice), i32::from(event::TaskOutcome::Advice));
        assert_eq!(baseline_to_wire(Baseline::Imminent), i32::from(event::Baseline::Imminent));
        let closed = place_of(CloseReason::ConsentWithdrawn, &CloseReason::ALL);
        assert_eq!(closed, i32::from(event::EpisodeCloseReason::ConsentWithdrawn));
    }
}
