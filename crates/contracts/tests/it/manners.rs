//! House rules of the contracts that no general tool checks.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::samples;

/// Words that point at a person or at something in the clear. Codes and keys have other names.
const TOO_PERSONAL: [&str; 14] = [
    "name",
    "text",
    "bsn",
    "birth",
    "phone",
    "email",
    "mail",
    "address",
    "street",
    "postcode",
    "gender",
    "nationality",
    "note",
    "remark",
];

/// Fields of events that have such a word and hold nothing of a person.
const HARMLESS: [&str; 1] = [
    // Of a message header, for instance `ce-type`.
    "voordeur.event.v1.Header.name",
];

fn events_and_parts() -> Vec<MessageDescriptor> {
    let pool = samples::contracts();
    pool.all_messages().filter(|message| message.package_name() == samples::EVENTS).collect()
}

#[test]
fn no_event_has_a_field_for_something_personal_in_the_clear() {
    let mut suspicious = Vec::new();
    for message in events_and_parts() {
        for field in message.fields() {
            let words = field.name().split('_').any(|word| TOO_PERSONAL.contains(&word));
            // A flag or a number tells nothing; what is sealed is a message.
            let holds_text = matches!(field.kind(), Kind::String | Kind::Bytes);
            if words && holds_text && !HARMLESS.contains(&field.full_name()) {
                suspicious.push(field.full_name().to_owned());
            }
        }
    }
    assert!(suspicious.is_empty(), "seal it, or use a code: {suspicious:?}");
}

#[test]
fn what_is_in_words_is_sealed() {
    for (field, kind) in [
        ("voordeur.event.v1.SignalReceived.details", "voordeur.common.v1.SealedText"),
        ("voordeur.event.v1.RecordedGround.reason", "voordeur.common.v1.SealedText"),
        ("voordeur.event.v1.SignalAnswered.advice", "voordeur.common.v1.SealedText"),
        ("voordeur.event.v1.TaskAnswered.advice", "voordeur.common.v1.SealedText"),
        ("voordeur.event.v1.AuditEvent.reason", "voordeur.common.v1.SealedText"),
        ("voordeur.event.v1.ActivityNoted.agreed_step", "voordeur.common.v1.SealedText"),
    ] {
        let (message, name) = field.rsplit_once('.').unwrap();
        let message = samples::contracts().get_message_by_name(message).unwrap();
        assert_eq!(kind_of(&message.get_field_by_name(name).unwrap()), kind, "{field}");
    }
}

#[test]
fn zero_is_unspecified_in_every_enumeration() {
    for kind in samples::contracts().all_enums().filter(|kind| kind.full_name().starts_with("voordeur.")) {
        let zero = kind.get_value(0).unwrap();
        assert!(zero.name().ends_with("_UNSPECIFIED"), "{}: {}", kind.full_name(), zero.name());
    }
}

#[test]
fn every_event_begins_with_its_meta() {
    for event in samples::events(&samples::contracts()) {
        // An audit record has the fields of its norm instead.
        if event.name() == "AuditEvent" {
            continue;
        }
        let first = event.get_field(1).unwrap();
        assert_eq!((first.name(), kind_of(&first)), ("meta", "voordeur.event.v1.EventMeta".to_owned()));
    }
}

/// Full name of the message that a field holds; empty for anything else.
fn kind_of(field: &FieldDescriptor) -> String {
    field.kind().as_message().map(|message| message.full_name().to_owned()).unwrap_or_default()
}

#[test]
fn every_call_that_changes_something_carries_a_command() {
    /// Their idempotency key is a field of their own: the reference of a signal, or a seal that changes nothing.
    const OWN_KEY: [&str; 4] = ["SubmitSignal", "SubmitSignals", "SealText", "RevealDetails"];
    const READS: [&str; 5] = ["Get", "List", "Watch", "Explain", "Make"];
    for service in samples::contracts().services() {
        for call in service.methods() {
            if READS.iter().any(|read| call.name().starts_with(read)) || OWN_KEY.contains(&call.name()) {
                continue;
            }
            let command = call.input().get_field_by_name("command");
            let kind = command.as_ref().map(kind_of).unwrap_or_default();
            assert_eq!(kind, "voordeur.common.v1.CommandContext", "{}", call.full_name());
        }
    }
}

#[test]
fn every_reply_that_tells_a_state_tells_its_position() {
    for service in samples::contracts().services() {
        for call in service.methods() {
            let reply = call.output();
            let has_state = [
                "task",
                "signal",
                "episode",
                "presence",
                "tasks",
                "signals",
                "episodes",
                "professionals",
                "activity",
                "activities",
            ];
            if reply.fields().any(|field| has_state.contains(&field.name())) {
                assert!(reply.get_field_by_name("position").is_some(), "{}", reply.full_name());
            }
        }
    }
}
