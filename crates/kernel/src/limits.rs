//! Every bound of the system, in one place. Sizes in bytes or characters, as the name says.

use std::time::Duration;

/// Largest text of a signal, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Largest of the smaller texts of a signal (what was tried, what parents say), in characters.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Largest reason in words, in characters.
pub const REASON_CHARS_MAX: usize = 1_000;
/// Largest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Largest reference or local number, in characters.
pub const REFERENCE_CHARS_MAX: usize = 64;
/// Most domains of one concern.
pub const DOMAINS_MAX: usize = 3;
/// Most consents on one signal.
pub const CONSENTS_MAX: usize = 5;
/// Most recorded calls on one signal.
pub const CALLS_MAX: usize = 5;
/// Largest event, in bytes; far below the broker's own limit.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// Largest gRPC request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Largest page of a list.
pub const PAGE_ITEMS_MAX: usize = 500;
/// Page of a list when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: usize = 100;
/// Faults that are reported for one input; a reply has to fit in its headers.
pub const FAULTS_MAX: usize = 32;
/// Items that a watching reader may lie behind before it is cut, with the position to resume from.
pub const WATCH_BACKLOG_MAX: usize = 1_024;
/// How often a conflicting command looks again and decides again.
pub const CONFLICT_ROUNDS_MAX: u32 = 16;
/// Part of a directory version in the key-value store, in bytes.
pub const DIRECTORY_PART_BYTES_MAX: usize = 500_000;
/// How long a request may take when the caller does not say.
pub const REQUEST_TIME_DEFAULT: Duration = Duration::from_secs(10);
/// Earliest year that a date in a request may lie in.
pub const YEAR_MIN: i16 = 2000;
