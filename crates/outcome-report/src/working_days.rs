//! Working days between two days: Monday to Friday without the national holidays. School holidays count, because childcare is open then.

use jiff::{
    Span,
    civil::{Date, Weekday, date},
};

use crate::question::days_between;

/// Easter Sunday of a year (the anonymous Gregorian computation, as Meeus prints it).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let (month, day) = (i8::try_from(n / 31).unwrap_or(4), i8::try_from(n % 31 + 1).unwrap_or(1));
    Date::new(year, month, day).unwrap_or(Date::MIN)
}

/// Is it a national holiday? Bevrijdingsdag is one in lustrum years only (2025, 2030), as most employers have it.
#[must_use]
pub fn is_holiday(day: Date) -> bool {
    let (month, number) = (day.month(), day.day());
    let fixed = matches!((month, number), (1, 1) | (12, 25 | 26))
        || (month, number) == (5, 5) && day.year() % 5 == 0
        || is_kings_day(day);
    if fixed || !(3..=6).contains(&month) {
        return fixed;
    }
    let easter = easter(day.year());
    // Second Easter day, Ascension, second day of Whitsun.
    [1, 39, 50].into_iter().any(|after| easter.checked_add(Span::new().days(after)).is_ok_and(|d| d == day))
}

/// 27 April, or the day before when that is a Sunday.
fn is_kings_day(day: Date) -> bool {
    if day.month() != 4 {
        return false;
    }
    let sunday = date(day.year(), 4, 27).weekday() == Weekday::Sunday;
    day.day() == if sunday { 26 } else { 27 }
}

/// Is somebody at work on this day?
#[must_use]
pub fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(day)
}

/// Working days from one day to another: those after `from`, up to and including `until`. 0 on the same day; nothing when `until` lies
/// before `from`.
#[must_use]
pub fn working_days(from: Date, until: Date) -> Option<u32> {
    let days = days_between(from, until)?;
    let mut day = from;
    let mut count = 0;
    for _ in 0..days {
        day = day.tomorrow().ok()?;
        count += u32::from(is_working_day(day));
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_falls_where_the_almanac_has_it() {
        for (year, month, day) in
            [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2038, 4, 25)]
        {
            assert_eq!(easter(year), date(year, month, day), "{year}");
        }
    }

    #[test]
    fn a_week_with_holidays_is_shorter() {
        // Friday before Easter to the Tuesday after: Monday is a holiday.
        assert_eq!(working_days(date(2027, 3, 26), date(2027, 3, 30)), Some(1));
        // Christmas 2026 is a Friday; the second day a Saturday.
        assert_eq!(working_days(date(2026, 12, 24), date(2026, 12, 28)), Some(1));
        assert_eq!(working_days(date(2027, 4, 26), date(2027, 4, 28)), Some(1), "King's day");
        assert_eq!(
            working_days(date(2025, 4, 25), date(2025, 4, 28)),
            Some(1),
            "on a Saturday when the 27th is a Sunday"
        );
        assert!(is_holiday(date(2030, 5, 5)) && !is_holiday(date(2027, 5, 5)));
        assert!(is_holiday(date(2027, 5, 6)) && is_holiday(date(2027, 5, 17)), "Ascension and Whit Monday");
    }

    #[test]
    fn the_same_day_is_none_and_a_weekend_does_not_count() {
        assert_eq!(working_days(date(2026, 11, 23), date(2026, 11, 23)), Some(0));
        assert_eq!(working_days(date(2026, 11, 20), date(2026, 11, 23)), Some(1));
        assert_eq!(working_days(date(2026, 11, 23), date(2026, 11, 30)), Some(5));
        assert_eq!(working_days(date(2026, 11, 23), date(2026, 11, 22)), None);
    }
}
