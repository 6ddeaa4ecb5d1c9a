//! Presence across clock changes, against a reference that knows only the rule of the European summer time (directive 2000/84/EC).

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, Weekday, date},
    tz::Offset,
};
use proptest::prelude::*;
use voordeur_directory::Directory;

use crate::{DEMO, SAMPLE};

/// 01:00 UTC on the last Sunday of a month.
fn change(year: i16, month: i8) -> Timestamp {
    let last = date(year, month, 1).last_of_month();
    let sunday =
        (0..7).map(|back| last.checked_sub(back.days()).unwrap()).find(|d| d.weekday() == Weekday::Sunday);
    Offset::UTC.to_timestamp(sunday.unwrap().at(1, 0, 0, 0)).unwrap()
}

/// Day and minute on the wall in Amsterdam.
fn wall(at: Timestamp) -> (Date, u16) {
    let year = Offset::UTC.to_datetime(at).year();
    let summer = change(year, 3) <= at && at < change(year, 10);
    let local = Offset::constant(if summer { 2 } else { 1 }).to_datetime(at);
    (local.date(), local.hour() as u16 * 60 + local.minute() as u16)
}

fn with_hours(days: &str, from: u16, until: u16) -> Directory {
    let clock = |m: u16| format!("{:02}:{:02}", m / 60, m % 60);
    let noor = r#"centre = "de-wilg", days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00""#;
    let hers = format!(
        r#"centre = "de-wilg", days = [{days}], from = "{}", until = "{}""#,
        clock(from),
        clock(until)
    );
    let file = DEMO.replacen(noor, &hers, 1);
    assert_ne!(file, DEMO);
    Directory::parse(&file).unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn presence_is_right_in_every_minute_around_every_clock_change(
        year in 2024_i16..2035,
        spring: bool,
        from in 0_u16..300,
        length in 1_u16..300,
    ) {
        let until = from + length;
        let directory = with_hours(r#""zo""#, from, until);
        let middle = change(year, if spring { 3 } else { 10 });
        let start = middle.checked_sub(SignedDuration::from_hours(30)).unwrap();
        let mut present = Vec::new();
        for minute in 0..60 * 60_i64 {
            let at = start.checked_add(SignedDuration::from_secs(minute * 60 + 31)).unwrap();
            let (day, on_wall) = wall(at);
            let expected = day.weekday() == Weekday::Sunday && from <= on_wall && on_wall < until;
            prop_assert_eq!(directory.is_scheduled("noor", "de-wilg", at), expected, "{}", at);
            present.push(expected);
        }
        // The next moment, asked from every quarter, is the first minute that the reference finds.
        for minute in (0..present.len()).step_by(15) {
            let at = start.checked_add(SignedDuration::from_mins(minute as i64)).unwrap();
            let next = directory.next_scheduled("noor", "de-wilg", at).unwrap();
            match present[minute..].iter().position(|p| *p) {
                Some(ahead) => {
                    let expected = at.checked_add(SignedDuration::from_mins(ahead as i64)).unwrap();
                    prop_assert_eq!(next, expected, "from {}", at);
                }
                None => prop_assert!(next > start.checked_add(SignedDuration::from_hours(59)).unwrap()),
            }
        }
    }
}

#[test]
fn somebody_who_is_always_there_is_always_there() {
    let (directory, _) = Directory::parse(DEMO).unwrap();
    let mut at: Timestamp = "2026-03-27T00:00:00Z".parse().unwrap();
    for _ in 0..4 * 24 * 60 {
        assert!(directory.is_scheduled("noor", "de-wilg", at), "{at}");
        assert_eq!(directory.next_scheduled("noor", "de-wilg", at), Some(at));
        at = at.checked_add(SignedDuration::from_mins(1)).unwrap();
    }
}

#[test]
fn an_interval_includes_its_first_minute_and_not_its_last() {
    let (directory, _) = Directory::parse(SAMPLE).unwrap();
    // Monday 30 November 2026, winter time: 08:15-17:00 is 07:15-16:00 UTC.
    for (at, expected) in [
        ("2026-11-30T07:14:59.999Z", false),
        ("2026-11-30T07:15:00Z", true),
        ("2026-11-30T15:59:59.999Z", true),
        ("2026-11-30T16:00:00Z", false),
        ("2026-12-06T12:00:00Z", false),
    ] {
        assert_eq!(directory.is_scheduled("noor", "de-wilg", at.parse().unwrap()), expected, "{at}");
    }
    let sunday = "2026-12-06T12:00:00Z".parse().unwrap();
    let monday = "2026-12-07T07:15:00Z".parse().unwrap();
    assert_eq!(directory.next_scheduled("noor", "de-wilg", sunday), Some(monday));
    assert!(
        !directory.is_scheduled("noor", "elders", monday)
            && !directory.is_scheduled("niemand", "de-wilg", monday)
    );
    assert_eq!(directory.next_scheduled("ib-de-wilg", "de-wilg", sunday), None);
}
