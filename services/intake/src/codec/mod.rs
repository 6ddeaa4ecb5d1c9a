//! Between the contracts and the domain. What cannot be read says where, never what it was.

pub(crate) mod draft;
pub(crate) mod event;
mod event_parts;
pub(crate) mod view;

use voordeur_contracts::{common, convert::to_wire_time};
use voordeur_eventlog::{Position, StreamName};
use voordeur_intake_domain::draft::Code;

/// A code from its number on the wire: its place in the list, from 1; 0 was not said.
pub(crate) fn code<T: Copy>(all: &[T], number: i32) -> Code<T> {
    match usize::try_from(number) {
        Ok(0) => Code::Absent,
        Ok(place) => all.get(place - 1).copied().map_or(Code::Unknown, Code::Known),
        Err(_) => Code::Unknown,
    }
}

/// The number of a code on the wire.
pub(crate) fn number<T: PartialEq>(all: &[T], code: &T) -> i32 {
    let place = all.iter().position(|known| known == code).map_or(0, |place| place + 1);
    i32::try_from(place).unwrap_or(0)
}

/// A position from the wire; `None` when it names no stream of ours.
pub(crate) fn parse_position(position: &common::Position) -> Option<Position> {
    Some(Position {
        stream: StreamName::by_name(&position.stream)?,
        incarnation: position.incarnation.as_str().into(),
        sequence: position.sequence,
    })
}

/// A moment on the wire.
pub(crate) fn time(moment: voordeur_kernel::Timestamp) -> prost_types::Timestamp {
    to_wire_time(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use voordeur_contracts::{common as c, event as e};
    use voordeur_intake_domain as d;

    /// The domain's lists stand in the order of the contract; this is where that is checked.
    #[test]
    fn codes_and_their_numbers_have_the_same_names() {
        fn same<T: Copy + PartialEq + std::fmt::Debug>(all: &[T], name_of: impl Fn(i32) -> Option<String>) {
            for code in all {
                let name = name_of(number(all, code)).unwrap().replace('_', "");
                // Two lists spell "from 2 to 6 weeks" and the like in their own way; the digits and the last word still agree.
                let plain = format!("{code:?}").to_uppercase().replace("FROM", "");
                assert!(name.ends_with(&plain) || digits(&name) == digits(&plain), "{name} {plain}");
            }
            assert_eq!(name_of(i32::try_from(all.len()).unwrap() + 1), None, "the contract has more codes");
        }
        fn digits(text: &str) -> Option<String> {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            (!digits.is_empty()).then_some(digits)
        }
        macro_rules! check {
            ($($domain:ident = $wire:path;)*) => {$(
                same(d::$domain::ALL, |n| <$wire>::try_from(n).ok().map(|w| w.as_str_name().to_owned()));
            )*};
        }
        check! {
            SubjectKind = c::SubjectKind;
            ConcernDuration = e::ConcernDuration;
            AskedBy = e::AskedBy;
            AgeBand = e::AgeBand;
            ConsentGiver = e::ConsentGiver;
            ConsentStatus = e::ConsentStatus;
            ConsentScope = e::ConsentScope;
            GroundKind = e::GroundKind;
            AnswerStatus = e::AnswerStatus;
            WithdrawReason = e::WithdrawReason;
            Helped = e::Helped;
        }
        assert_eq!(
            number(d::SafetyService::ALL, &d::SafetyService::EmergencyNumber),
            i32::from(e::SafetyService::SafetyService112)
        );
        assert_eq!(
            number(d::SafetyService::ALL, &d::SafetyService::VeiligThuis),
            i32::from(e::SafetyService::VeiligThuis)
        );
    }
}
