//! Calendar days in two bytes. An installation holds millions of them.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

const EPOCH: Date = Date::constant(1970, 1, 1);
const SECONDS: i64 = 86_400;

/// A calendar day where the centres are (Europe/Amsterdam), from 1970-01-01 to 2149-06-06.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u16);

impl Day {
    /// 1970-01-01.
    pub const FIRST: Self = Self(0);
    /// 2149-06-06.
    pub const LAST: Self = Self(u16::MAX);

    /// The day of a date; `None` outside of the calendar.
    #[must_use]
    pub fn of_date(date: Date) -> Option<Self> {
        let days = date.duration_since(EPOCH).as_secs().div_euclid(SECONDS);
        u16::try_from(days).ok().map(Self)
    }

    /// The day of a moment in a time zone. Moments outside of the calendar fall on its first or last day: no child lives there.
    #[must_use]
    pub fn of_moment(at: Timestamp, zone: &TimeZone) -> Self {
        let local = at.as_second().saturating_add(i64::from(zone.to_offset(at).seconds()));
        let days = local.div_euclid(SECONDS);
        Self(u16::try_from(days.clamp(0, i64::from(u16::MAX))).unwrap_or(u16::MAX))
    }

    /// The date.
    #[must_use]
    pub fn date(self) -> Date {
        EPOCH.saturating_add(SignedDuration::from_secs(i64::from(self.0) * SECONDS))
    }

    /// Days from another day to this one; negative when this one lies before.
    #[must_use]
    pub const fn since(self, other: Self) -> i32 {
        self.0 as i32 - other.0 as i32
    }

    /// So many days later; the last day of the calendar when there is no such day.
    #[must_use]
    pub const fn plus(self, days: u16) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.date(), f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_day_of_the_calendar_comes_back() {
        for number in 0..=u16::MAX {
            assert_eq!(Day::of_date(Day(number).date()), Some(Day(number)));
        }
        assert_eq!(Day::LAST.to_string(), "2149-06-06");
        assert_eq!(Day::of_date(date(1969, 12, 31)), None);
        assert_eq!(Day::of_date(date(2149, 6, 7)), None);
    }

    #[test]
    fn the_day_changes_at_midnight_in_amsterdam() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let day = |moment: &str| Day::of_moment(moment.parse().unwrap(), &zone).date();
        // Summer time ends on 25 October 2026: the day has 25 hours.
        assert_eq!(day("2026-10-24T21:59:59Z"), date(2026, 10, 24));
        assert_eq!(day("2026-10-24T22:00:00Z"), date(2026, 10, 25));
        assert_eq!(day("2026-10-25T22:59:59Z"), date(2026, 10, 25));
        assert_eq!(day("2026-10-25T23:00:00Z"), date(2026, 10, 26));
        assert_eq!(Day::of_moment(Timestamp::MIN, &zone), Day::FIRST);
        assert_eq!(Day::of_moment(Timestamp::MAX, &zone), Day::LAST);
    }

    #[test]
    fn days_are_counted_over_a_leap_day() {
        let from = Day::of_date(date(2028, 2, 28)).unwrap();
        assert_eq!(from.plus(2).date(), date(2028, 3, 1));
        assert_eq!(from.since(from.plus(366)), -366);
    }
}
