//! What services read and write in the same way at their edge: positions and the keys of acts.

use voordeur_contracts::common;
use voordeur_eventlog::{Position, StreamName};
use voordeur_kernel::{Faults, limits};

/// A position on the wire.
#[must_use]
pub fn wire_position(position: &Position) -> common::Position {
    common::Position {
        stream: position.stream.as_str().to_owned(),
        incarnation: position.incarnation.to_string(),
        sequence: position.sequence,
    }
}

/// The position in a field of a request. `None` when none was given, or one that is not of the service's own stream, which is a fault.
pub fn read_position(
    field: &str,
    wire: Option<&common::Position>,
    ours: StreamName,
    faults: &mut Faults,
) -> Option<Position> {
    let wire = wire?;
    match StreamName::by_name(&wire.stream) {
        Some(stream) if stream == ours && !wire.incarnation.is_empty() => {
            Some(Position { stream, incarnation: wire.incarnation.as_str().into(), sequence: wire.sequence })
        }
        _ => {
            faults.add(field, "FOREIGN_POSITION", "give a position that this service gave, or leave it out");
            None
        }
    }
}

/// Has a key that makes an act repeatable the right form: 8-64 characters of `A-Za-z0-9_-`?
#[must_use]
pub fn is_idempotency_key(key: &str) -> bool {
    (8..=64).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Checks the key in the context of a command; `false` with a fault when its form is wrong.
pub fn check_command_key(key: &str, faults: &mut Faults) -> bool {
    let fits = is_idempotency_key(key);
    if !fits {
        faults.add(
            "command.idempotency_key",
            "BAD_IDEMPOTENCY_KEY",
            "give 8-64 characters of A-Z a-z 0-9 - _, the same for every retry of the same act",
        );
    }
    fits
}

/// How many items a page has; the default when 0 was asked for or, with a fault, more than there may be.
pub fn read_page_size(asked: u32, faults: &mut Faults) -> usize {
    match usize::try_from(asked) {
        Ok(0) => limits::PAGE_ITEMS_DEFAULT,
        Ok(size) if size <= limits::PAGE_ITEMS_MAX => size,
        _ => {
            faults.add("page_size", "OUT_OF_RANGE", format!("give 1-{}", limits::PAGE_ITEMS_MAX));
            limits::PAGE_ITEMS_DEFAULT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &common::Position) -> (Option<Position>, Faults) {
        let mut faults = Faults::new();
        let position = read_position("at_least", Some(wire), StreamName::Tasks, &mut faults);
        (position, faults)
    }

    #[test]
    fn a_position_reads_back_and_one_of_another_stream_is_a_fault() {
        let position = Position { stream: StreamName::Tasks, incarnation: "2026".into(), sequence: 7 };
        let wire = wire_position(&position);
        assert_eq!(read(&wire), (Some(position), Faults::new()));
        let others = [
            common::Position { stream: StreamName::Signals.as_str().to_owned(), ..wire.clone() },
            common::Position { stream: "NONE".to_owned(), ..wire.clone() },
            common::Position { incarnation: String::new(), ..wire },
        ];
        for other in others {
            let (read, faults) = read(&other);
            assert_eq!((read, faults.as_slice().len()), (None, 1), "{other:?}");
            assert_eq!(faults.as_slice()[0].reason, "FOREIGN_POSITION");
        }
        let mut faults = Faults::new();
        assert_eq!(read_position("at_least", None, StreamName::Tasks, &mut faults), None);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_key_has_8_to_64_plain_characters() {
        for (key, fits) in [
            ("abcdefgh", true),
            (&*"Z-9_".repeat(16), true),
            ("abcdefg", false),
            (&*"x".repeat(65), false),
            ("met een spatie", false),
            ("één-sleutel", false),
            ("", false),
        ] {
            let mut faults = Faults::new();
            assert_eq!((is_idempotency_key(key), check_command_key(key, &mut faults)), (fits, fits), "{key}");
            assert_eq!(faults.is_empty(), fits, "{key}");
        }
    }

    #[test]
    fn a_page_has_a_size_within_its_bounds() {
        let most = u32::try_from(limits::PAGE_ITEMS_MAX).unwrap();
        for (asked, size, right) in [
            (0, limits::PAGE_ITEMS_DEFAULT, true),
            (1, 1, true),
            (most, limits::PAGE_ITEMS_MAX, true),
            (most + 1, limits::PAGE_ITEMS_DEFAULT, false),
        ] {
            let mut faults = Faults::new();
            assert_eq!(read_page_size(asked, &mut faults), size, "{asked}");
            assert_eq!(faults.is_empty(), right, "{asked}");
        }
    }
}
