//! How spans of time are counted from a moment.

use jiff::SignedDuration;
use voordeur_kernel::{Span, Timestamp};

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
        let seconds = match span {
            Span::Elapsed(seconds) => seconds,
            Span::WorkingDays(days) => u64::from(days) * 24 * 60 * 60,
            Span::WorkingMinutes(minutes) => u64::from(minutes) * 60,
        };
        let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        start.checked_add(length).unwrap_or(Timestamp::MAX)
    }
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
}
