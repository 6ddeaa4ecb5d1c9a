//! One sample message for each kind of event, made by reflection, so that a new event cannot be forgotten. The values are fillers
//! that depend on nothing but the place of their field; together the samples set every field and every choice.

use std::collections::BTreeMap;

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};

/// The package with the events.
pub(crate) const EVENTS: &str = "voordeur.event.v1";

/// Everything below `proto/`.
pub(crate) fn contracts() -> DescriptorPool {
    DescriptorPool::decode(voordeur_contracts::DESCRIPTORS).unwrap()
}

/// The messages that stand on streams: what happened is a choice `change`, or the whole message is one event.
pub(crate) fn events(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let is_event =
        |message: &MessageDescriptor| message.package_name() == EVENTS && message.name().ends_with("Event");
    pool.all_messages().filter(is_event).collect()
}

/// A sample of every variant of every event, by `Event.variant`.
pub(crate) fn all(pool: &DescriptorPool) -> BTreeMap<String, DynamicMessage> {
    let mut samples = BTreeMap::new();
    for event in events(pool) {
        let Some(change) = event.oneofs().find(|choice| choice.name() == "change") else {
            samples.insert(event.name().to_owned(), filled(&event, 0, None));
            continue;
        };
        for (turn, variant) in (0..).zip(change.fields()) {
            let name = format!("{}.{}", event.name(), variant.name());
            // A choice inside: one more sample for each further one.
            for further in 1..choices_inside(&variant) {
                samples.insert(format!("{name}.{further}"), filled(&event, turn + further, Some(&variant)));
            }
            samples.insert(name, filled(&event, turn, Some(&variant)));
        }
    }
    samples
}

/// How many ways there are to fill the parts of a variant that are themselves a choice; 1 when none is.
fn choices_inside(variant: &FieldDescriptor) -> u32 {
    let Kind::Message(message) = variant.kind() else { return 1 };
    let choices = message.fields().filter(|part| !part.is_list()).filter_map(|part| match part.kind() {
        Kind::Message(part) => part.oneofs().map(|choice| choice.fields().len()).max(),
        _ => None,
    });
    choices.max().and_then(|most| u32::try_from(most).ok()).unwrap_or(1).max(1)
}

/// A message with every field set. Where there is a choice it is `wanted`, or another one at every turn.
fn filled(message: &MessageDescriptor, turn: u32, wanted: Option<&FieldDescriptor>) -> DynamicMessage {
    let mut sample = DynamicMessage::new(message.clone());
    for field in message.fields() {
        match field.containing_oneof() {
            // An optional field is a choice of one.
            Some(choice) if choice.fields().len() > 1 => {
                let by_turn = choice.fields().nth(turn as usize % choice.fields().len());
                if wanted.or(by_turn.as_ref()).is_some_and(|chosen| *chosen == field) {
                    sample.set_field(&field, value(&field, turn));
                }
            }
            _ if field.is_list() => {
                // As many as there are choices in an element, so that each is there.
                let elements = (0..2).map(|nth| value(&field, turn + nth)).collect();
                sample.set_field(&field, Value::List(elements));
            }
            _ => sample.set_field(&field, value(&field, turn)),
        }
    }
    sample
}

fn value(field: &FieldDescriptor, turn: u32) -> Value {
    let number = field.number();
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::Uint32 => Value::U32(number * 100 + turn),
        Kind::Uint64 => Value::U64(u64::from(number) << 33 | u64::from(turn)),
        Kind::Int32 => Value::I32(i32::try_from(number * 10).unwrap()),
        Kind::Int64 => Value::I64(1_700_000_000 + i64::from(number)),
        Kind::String => Value::String(format!("{}-{turn}", field.name())),
        Kind::Bytes => Value::Bytes(vec![u8::try_from(number + turn).unwrap(); 16].into()),
        Kind::Enum(kind) => Value::EnumNumber(word(&kind, turn + number)),
        Kind::Message(message) => Value::Message(filled(&message, turn + number, None)),
        other => panic!("{}: {other:?} has no filler; add one", field.full_name()),
    }
}

/// One of the words of an enumeration, never the unspecified one.
fn word(kind: &EnumDescriptor, turn: u32) -> i32 {
    let words: Vec<i32> = kind.values().map(|value| value.number()).filter(|number| *number != 0).collect();
    words[turn as usize % words.len()]
}
