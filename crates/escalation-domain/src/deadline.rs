//! Moments that an episode waits for.

use jiff::{Span, civil::Date, tz::TimeZone};
use voordeur_kernel::Timestamp;

use crate::words::HandOverMoment;

/// Work that somebody must do because its moment came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// A follow-up check, so many days after the baseline.
    FollowUp(u16),
    /// That check was not made: it is asked for again, and stays visible.
    MissedFollowUp(u16),
    /// A warm hand-over.
    HandOver(HandOverMoment),
}

/// One moment that an episode waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    /// When.
    pub due: Timestamp,
    /// What is to be done then.
    pub work: Work,
}

/// The start of a day where the centres are; `None` outside of the calendar.
#[must_use]
pub fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|start| start.timestamp())
}

/// The calendar day of a moment where the centres are.
#[must_use]
pub fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(at).date()
}

/// Whole days from one day to another; negative when it lies before.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// So many days later; the last day of the calendar when there is no such day.
#[must_use]
pub fn days_after(day: Date, days: u16) -> Date {
    day.checked_add(Span::new().days(i64::from(days))).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_calendar_days_also_where_the_clock_changes() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let (before, after) = (date(2026, 10, 24), date(2026, 10, 26));
        assert_eq!(days_between(before, after), 2);
        let hours =
            start_of(after, &zone).unwrap().duration_since(start_of(before, &zone).unwrap()).as_hours();
        assert_eq!(hours, 49);
        assert_eq!(day_of(start_of(after, &zone).unwrap(), &zone), after);
        assert_eq!(days_after(before, 365), date(2027, 10, 24));
        assert_eq!(days_between(after, before), -2);
        assert_eq!(days_between(date(2025, 1, 1), date(2026, 1, 1)), 365);
    }
}
