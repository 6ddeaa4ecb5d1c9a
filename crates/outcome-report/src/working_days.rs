//! Working days between two days: Monday to Friday without the national holidays. School holidays count, because childcare is open then.

use jiff::civil::{Date, Weekday};
pub use voordeur_kernel::calendar::holidays::is_holiday;

use crate::question::days_between;

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
    use jiff::civil::date;

    use super::*;

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
