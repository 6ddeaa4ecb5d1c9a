//! The national holidays of the Netherlands, computed.
//!
//! Source: the Algemene termijnenwet (article 3) for the days; Bevrijdingsdag is a day off once in five years, as most employers have it.

use jiff::{
    Span,
    civil::{Date, Weekday, date},
};

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

/// Is it a national holiday? Bevrijdingsdag is one in lustrum years only (2025, 2030). Easter Sunday and Whit Sunday are Sundays.
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
    // Both days of Easter, Ascension, both days of Whitsun.
    [0, 1, 39, 49, 50]
        .into_iter()
        .any(|after| easter.checked_add(Span::new().days(after)).is_ok_and(|d| d == day))
}

/// 27 April, or the day before when that is a Sunday.
fn is_kings_day(day: Date) -> bool {
    if day.month() != 4 {
        return false;
    }
    let sunday = date(day.year(), 4, 27).weekday() == Weekday::Sunday;
    day.day() == if sunday { 26 } else { 27 }
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
    fn the_holidays_of_a_year_are_these_and_no_others() {
        let of = |year: i16| {
            let mut days = Vec::new();
            let mut day = date(year, 1, 1);
            while day.year() == year {
                if is_holiday(day) {
                    days.push(format!("{:02}-{:02}", day.month(), day.day()));
                }
                day = day.tomorrow().unwrap();
            }
            days.join(" ")
        };
        // 2025: Koningsdag on a Saturday, because the 27th is a Sunday; and a lustrum.
        assert_eq!(of(2025), "01-01 04-20 04-21 04-26 05-05 05-29 06-08 06-09 12-25 12-26");
        assert_eq!(of(2026), "01-01 04-05 04-06 04-27 05-14 05-24 05-25 12-25 12-26");
        assert_eq!(of(2027), "01-01 03-28 03-29 04-27 05-06 05-16 05-17 12-25 12-26");
        assert_eq!(of(2028), "01-01 04-16 04-17 04-27 05-25 06-04 06-05 12-25 12-26");
        // Ascension on Bevrijdingsdag is one day.
        assert_eq!(of(2016), "01-01 03-27 03-28 04-27 05-05 05-15 05-16 12-25 12-26");
        // Easter at its latest.
        assert_eq!(of(2038), "01-01 04-25 04-26 04-27 06-03 06-13 06-14 12-25 12-26");
    }
}
