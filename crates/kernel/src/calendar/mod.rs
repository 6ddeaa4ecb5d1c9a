//! How spans of time are counted, and when doors are open: see `docs/domain/calendar.md`.
//!
//! Everything here takes its time zone as a value, so that it can be tried in zones with other clock changes than ours.

pub mod holidays;
mod hours;
mod runs;
mod wall;
mod working_time;

pub use hours::{DAY_MINUTES, Hours};
pub use runs::{Run, Runs, joined};
pub use working_time::{NeverOpen, WEEKDAYS, WorkingTime};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::Span;

/// The time zone of every centre.
pub const ZONE: &str = "Europe/Amsterdam";

/// The time zone of every centre. The database is compiled in; the rule that holds since 1996 stands behind it.
#[must_use]
pub fn amsterdam() -> TimeZone {
    TimeZone::get(ZONE)
        .or_else(|_| TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3"))
        .unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(1)))
}

/// Counts working time. The centre's own calendar (time zone, holidays, opening hours) is one; the built-in one knows only the clock.
pub trait Calendar: Send + Sync {
    /// The moment at which a span that starts at `start` is over. Never before `start`, and a longer span is never over earlier.
    fn after(&self, start: Timestamp, span: Span) -> Timestamp;
}

/// Counts every hour alike: a working day is 24 hours, a working minute is a minute, also at night and on Sundays. So a clock is never
/// late by it; it may ring while nobody works, and then it stands on the list in the morning.
#[derive(Debug, Clone, Copy, Default)]
pub struct ElapsedCalendar;

impl Calendar for ElapsedCalendar {
    fn after(&self, start: Timestamp, span: Span) -> Timestamp {
        match span {
            Span::Elapsed(seconds) => elapsed(start, seconds),
            Span::WorkingDays(days) => elapsed(start, u64::from(days) * 24 * 60 * 60),
            Span::WorkingMinutes(minutes) => elapsed(start, u64::from(minutes) * 60),
        }
    }
}

/// Seconds later on the clock, or the end of time.
fn elapsed(start: Timestamp, seconds: u64) -> Timestamp {
    let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    start.checked_add(length).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_day_counts_as_24_hours_and_the_end_of_time_is_no_fault() {
        let start: Timestamp = "2026-03-27T10:00:00Z".parse().unwrap();
        let after = |span| ElapsedCalendar.after(start, span).to_string();
        assert_eq!(after(Span::WorkingDays(2)), "2026-03-29T10:00:00Z");
        assert_eq!(after(Span::WorkingMinutes(90)), "2026-03-27T11:30:00Z");
        assert_eq!(after(Span::Elapsed(1)), "2026-03-27T10:00:01Z");
        assert_eq!(ElapsedCalendar.after(start, Span::Elapsed(u64::MAX)), Timestamp::MAX);
    }

    #[test]
    fn the_zone_of_the_centres_has_its_summer_time() {
        let zone = amsterdam();
        let hour = |at: &str| zone.to_datetime(at.parse().unwrap()).hour();
        assert_eq!((hour("2026-01-01T12:00:00Z"), hour("2026-07-01T12:00:00Z")), (13, 14));
        assert_eq!(zone.iana_name(), Some(ZONE));
    }
}
