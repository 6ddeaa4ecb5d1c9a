//! Protobuf as people write it: JSON, words of enums, moments, positions.

use std::sync::LazyLock;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jiff::civil;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use serde_json::Value;
use voordeur_contracts::{
    common::Position,
    convert::to_wire_time,
    event::{Span, span::Length},
};
use voordeur_directory::policy;
use voordeur_kernel::{Timestamp, calendar::amsterdam};

use crate::failure::Failure;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(voordeur_contracts::DESCRIPTORS).unwrap_or_default());

fn message(name: &str) -> Result<MessageDescriptor, Failure> {
    POOL.get_message_by_name(name)
        .ok_or_else(|| Failure::failed(format!("the contracts have no message {name}")))
}

/// A message as protobuf JSON. Every field is there, so that programs need not know the defaults.
///
/// # Errors
/// Never, for a message of the contracts.
pub fn to_json<M: Message>(name: &str, content: &M) -> Result<Value, Failure> {
    let options = SerializeOptions::new().skip_default_fields(false);
    decode(name, content)?
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| Failure::failed(format!("{name} cannot be shown as JSON: {error}")))
}

/// A message with the names of its fields.
pub(crate) fn decode<M: Message>(name: &str, content: &M) -> Result<DynamicMessage, Failure> {
    DynamicMessage::decode(message(name)?, content.encode_to_vec().as_slice())
        .map_err(|error| Failure::failed(format!("{name} cannot be shown: {error}")))
}

/// What is wrong with JSON, and where; names of fields, but nothing that somebody filled in: what is told ends up in logs of scripts.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    if !error.is_data() || what.starts_with("unrecognized field name") {
        return text;
    }
    // What was expected comes from us; what stands before it is repeated from the input.
    match what.rsplit_once(", expected ") {
        Some((_, expected)) => format!("a value does not fit, expected {expected}{place}"),
        None => format!("a value does not fit{place}"),
    }
}

/// A message from one line of protobuf JSON; unknown fields are an error.
///
/// # Errors
/// What is wrong and where, without what was filled in.
pub fn from_json<M: Message + Default>(name: &str, text: &str) -> Result<M, Failure> {
    let short = name.rsplit('.').next().unwrap_or(name);
    let mut reader = serde_json::Deserializer::from_str(text);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let dynamic = DynamicMessage::deserialize_with_options(message(name)?, &mut reader, &options)
        .map_err(|error| Failure::usage(format!("this is no {short}: {}", told(&error))))?;
    reader.end().map_err(|error| Failure::usage(format!("more than one {short}: {error}")))?;
    dynamic.transcode_to().map_err(|error| Failure::usage(format!("this is no {short}: {error}")))
}

/// Reads one word of an enum of the contracts: `no-time` for `DECLINE_REASON_NO_TIME`. Help and completion show the words.
pub(crate) fn words(name: &'static str) -> impl TypedValueParser<Value = i32> {
    words_but(name, &[])
}

/// The same without some of the words, by their numbers: those that are never right here.
pub(crate) fn words_but(name: &'static str, without: &[i32]) -> impl TypedValueParser<Value = i32> + use<> {
    let words: Vec<(String, i32)> = POOL
        .get_enum_by_name(name)
        .map(|descriptor| {
            let values: Vec<_> =
                descriptor.values().map(|value| (value.name().to_owned(), value.number())).collect();
            let prefix = values
                .iter()
                .find_map(|(name, number)| (*number == 0).then(|| name.strip_suffix("UNSPECIFIED")).flatten())
                .unwrap_or_default();
            values
                .iter()
                .filter(|(_, number)| *number != 0 && !without.contains(number))
                .map(|(name, number)| {
                    let word = name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', "-");
                    (word, *number)
                })
                .collect()
        })
        .unwrap_or_default();
    let possible: Vec<_> = words.iter().map(|(word, _)| PossibleValue::new(word.clone())).collect();
    PossibleValuesParser::new(possible)
        .map(move |word| words.iter().find(|(known, _)| *known == word).map_or(0, |(_, number)| *number))
}

/// The word of a value of an enum.
pub(crate) fn word(name: &str, number: i32) -> String {
    let Some(descriptor) = POOL.get_enum_by_name(name) else { return number.to_string() };
    let all = descriptor.default_value().name().strip_suffix("UNSPECIFIED").unwrap_or_default().to_owned();
    descriptor.get_value(number).map_or_else(
        || number.to_string(),
        |value| value.name().strip_prefix(&all).unwrap_or(value.name()).to_lowercase().replace('_', "-"),
    )
}

/// The word of a value of an enum by its whole name: `no-time` for `DECLINE_REASON_NO_TIME`. What is no such name stays as it is, in lower case.
pub(crate) fn word_of(value: &str) -> String {
    let found = POOL.all_enums().find_map(|kind| {
        kind.values().find(|known| known.name() == value).map(|known| (kind.clone(), known.number()))
    });
    match found {
        Some((kind, number)) => word(kind.full_name(), number),
        None => value.to_lowercase().replace('_', "-"),
    }
}

/// The same word as it stands in policies and in `voordeur routes`: `known_professional`.
pub(crate) fn policy_word(name: &str, number: i32) -> String {
    word(name, number).replace('-', "_")
}

/// A span as policies write it: `2 working days`.
pub(crate) fn shown_span(span: Option<&Span>) -> String {
    use voordeur_kernel::Span;
    let span = span.and_then(|span| span.length.as_ref()).map(|length| match *length {
        Length::ElapsedSeconds(seconds) => Span::Elapsed(seconds),
        Length::WorkingDays(days) => Span::WorkingDays(days),
        Length::WorkingMinutes(minutes) => Span::WorkingMinutes(minutes),
    });
    span.map_or_else(|| "no time".to_owned(), policy::shown_span)
}

/// Reads a moment: RFC 3339, or a date or local time in the Netherlands.
///
/// # Errors
/// Which forms there are.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let local = text
        .parse::<civil::DateTime>()
        .or_else(|_| text.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0)));
    local.and_then(|local| local.to_zoned(amsterdam())).map(|zoned| zoned.timestamp()).map_err(|_| {
        "give 2026-12-01T17:00 (time in the Netherlands), 2026-12-01 or 2026-12-01T16:00:00Z".to_owned()
    })
}

/// A moment on the wire.
pub(crate) fn wire_moment(moment: Timestamp) -> prost_types::Timestamp {
    to_wire_time(moment)
}

/// Reads a position as it is printed: `TASKS/<incarnation>/17`.
///
/// # Errors
/// How a position looks.
pub fn position(text: &str) -> Result<Position, String> {
    let parse = || {
        let (stream, rest) = text.split_once('/')?;
        let (incarnation, sequence) = rest.rsplit_once('/')?;
        Some(Position {
            stream: stream.to_owned(),
            incarnation: incarnation.to_owned(),
            sequence: sequence.parse().ok()?,
        })
    };
    parse().ok_or_else(|| {
        "give a position as it was printed, for instance TASKS/2026-11-23T10:00:00Z/17".to_owned()
    })
}

/// A position as it can be read back.
pub fn shown_position(position: Option<&Position>) -> String {
    position.map(|p| format!("{}/{}/{}", p.stream, p.incarnation, p.sequence)).unwrap_or_default()
}

/// A moment on the wire as people read it: local, to the minute.
pub(crate) fn shown_moment(wire: Option<&prost_types::Timestamp>) -> String {
    wire.and_then(voordeur_contracts::convert::from_wire_time).map_or_else(String::new, shown)
}

/// A moment as people read it: local, to the minute.
pub(crate) fn shown(moment: Timestamp) -> String {
    moment.to_zoned(amsterdam()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use voordeur_contracts::intake::SubmitSignalRequest;

    use super::*;

    #[test]
    fn json_is_read_and_shown_and_unknown_fields_are_an_error() {
        let name = "voordeur.intake.v1.SubmitSignalRequest";
        let text =
            r#"{"clientReference":"a-1","child":{"localNumber":"4711"},"safety":"SAFETY_LEVEL_ACUTE"}"#;
        let request: SubmitSignalRequest = from_json(name, text).unwrap();
        assert_eq!((request.client_reference.as_str(), request.safety), ("a-1", 3));
        let back = to_json(name, &request).unwrap();
        assert_eq!(back["child"]["localNumber"], "4711");
        assert_eq!(back["severity"], 0);
        for bad in [r#"{"clientRef":"a"}"#, "{", "{} {}", r#"{"severity":"high"}"#] {
            assert!(from_json::<SubmitSignalRequest>(name, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_json_is_told_without_what_was_filled_in() {
        let name = "voordeur.intake.v1.SubmitSignalRequest";
        for bad in [
            r#"{"severity":"Jan, expected Piet"}"#,
            r#"{"safety":"Jan"}"#,
            r#"{"details":"Jan"}"#,
            r#"{"calls":[{"at":"Jan"}]}"#,
            r#"{"details":{"text":7,"tried":"Jan"}}"#,
            r#""Jan""#,
            r#"{} "Jan""#,
            r#"{"child":{},"group":"Jan"}"#,
        ] {
            let message = from_json::<SubmitSignalRequest>(name, bad).unwrap_err().message;
            assert!(!message.contains("Jan") && message.contains("line 1 column"), "{message}");
        }
        let message = from_json::<SubmitSignalRequest>(name, r#"{"clientRef":"Jan"}"#).unwrap_err().message;
        assert!(message.contains("clientRef") && !message.contains("Jan"), "{message}");
    }

    #[test]
    fn moments_are_utc_or_local() {
        assert_eq!(moment("2026-12-01T17:00").unwrap().to_string(), "2026-12-01T16:00:00Z");
        assert_eq!(moment("2026-07-01").unwrap().to_string(), "2026-06-30T22:00:00Z");
        assert_eq!(moment("2026-12-01T17:00:00+02:00").unwrap().to_string(), "2026-12-01T15:00:00Z");
        assert!(moment("tomorrow").unwrap_err().contains("2026-12-01"));
    }

    #[test]
    fn a_position_reads_back() {
        let text = "TASKS/2026-11-23T10:00:00.5Z/17";
        assert_eq!(shown_position(Some(&position(text).unwrap())), text);
        assert!(position("17").is_err());
    }

    #[test]
    fn words_of_enums_are_short_and_every_one_is_known() {
        assert_eq!(word("voordeur.event.v1.DeclineReason", 1), "no-time");
        assert_eq!(word("voordeur.event.v1.TaskState", 3), "in-progress");
        assert_eq!(word_of("DECLINE_REASON_NO_TIME"), "no-time");
        assert_eq!(word_of("CONFIRMED"), "confirmed");
        assert_eq!(shown_span(Some(&Span { length: Some(Length::WorkingDays(1)) })), "1 working day");
        assert_eq!(shown_span(Some(&Span { length: Some(Length::ElapsedSeconds(3600)) })), "1 hour");
        assert_eq!(shown_span(None), "no time");
        let values = words("voordeur.event.v1.HoldReason").possible_values().unwrap().count();
        assert_eq!(values, 4);
    }
}
