//! Weekly presence under conditions against a slow reference that looks at every quarter of an hour and computes each day from its parts: the
//! number of the week by the rule of ISO 8601 (the week of the year in which its Thursday lies), holidays and closed days from lists.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use proptest::{collection::vec, prelude::*, sample::select};
use voordeur_directory::Directory;

use crate::DEMO;

const WORDS: [&str; 7] = ["ma", "di", "wo", "do", "vr", "za", "zo"];

/// National holidays around the moments below.
const HOLIDAYS: &str = "2026-12-25 2026-12-26 2027-01-01 2027-03-28 2027-03-29 2027-04-27 2026-04-05 2026-04-06 2026-04-27 2026-05-14";
/// School holidays of region midden around them, and closed days of the centre.
const SCHOOL: &str = "2026-10-17..2026-10-25 2026-12-19..2027-01-03 2027-02-20..2027-02-28 2026-04-25..2026-05-03 2027-04-24..2027-05-02";
const CLOSED: &str = "2026-10-23 2026-12-28 2026-12-29 2027-03-31 2026-04-14";

/// Both clock changes, Easter, and a year with a week 53.
const STARTS: [&str; 5] = ["2026-03-27", "2026-04-10", "2026-10-16", "2026-12-21", "2027-03-20"];

#[derive(Debug, Clone)]
struct Interval {
    days: Vec<usize>,
    from: u16,
    until: u16,
    first: Option<i64>,
    last: Option<i64>,
    even: Option<bool>,
    school_holidays: bool,
}

fn some_interval() -> impl Strategy<Value = Interval> {
    let edge = prop_oneof![2 => Just(None), 1 => (0_i64..21).prop_map(Some)];
    (vec(0_usize..7, 1..5), 0_u16..90, 1_u16..40, edge.clone(), edge, any::<Option<bool>>(), any::<bool>())
        .prop_map(|(mut days, from, length, first, last, even, school_holidays)| {
            days.sort_unstable();
            days.dedup();
            let last = last.map(|last| last.max(first.unwrap_or(0)));
            Interval {
                days,
                from: from * 15,
                until: (from + length).min(96) * 15,
                first,
                last,
                even,
                school_holidays,
            }
        })
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn day(start: Date, after: i64) -> Date {
    start.checked_add(after.days()).unwrap()
}

fn line(interval: &Interval, start: Date) -> String {
    let days: Vec<_> = interval.days.iter().map(|day| format!("\"{}\"", WORDS[*day])).collect();
    let mut line = format!(
        "    {{ centre = \"de-wilg\", days = [{}], from = \"{}\", until = \"{}\"",
        days.join(", "),
        clock(interval.from),
        clock(interval.until)
    );
    for (key, edge) in [("from_date", interval.first), ("until_date", interval.last)] {
        if let Some(edge) = edge {
            line += &format!(", {key} = {}", day(start, edge));
        }
    }
    if let Some(even) = interval.even {
        line += if even { ", weeks = \"even\"" } else { ", weeks = \"odd\"" };
    }
    if !interval.school_holidays {
        line += ", school_holidays = false";
    }
    line + " },\n"
}

fn lists(days: &str) -> Vec<(Date, Date)> {
    let range = |text: &str| {
        let (from, until) = text.split_once("..").unwrap_or((text, text));
        (from.parse().unwrap(), until.parse().unwrap())
    };
    days.split_whitespace().map(range).collect()
}

fn stands_in(day: Date, list: &str) -> bool {
    lists(list).iter().any(|(from, until)| *from <= day && day <= *until)
}

/// The number of the week: how many Thursdays the year of its Thursday has had by then.
fn week_number(day: Date) -> i32 {
    let monday = day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap();
    let thursday = monday.checked_add(3.days()).unwrap();
    (i32::from(thursday.day_of_year()) + 6) / 7
}

fn holds(interval: &Interval, start: Date, on: Date, minute: u16) -> bool {
    let weekday = usize::try_from(on.weekday().to_monday_zero_offset()).unwrap();
    interval.days.contains(&weekday)
        && interval.from <= minute
        && minute < interval.until
        && interval.first.is_none_or(|first| day(start, first) <= on)
        && interval.last.is_none_or(|last| on <= day(start, last))
        && interval.even.is_none_or(|even| (week_number(on) % 2 == 0) == even)
        && (interval.school_holidays || !stands_in(on, SCHOOL))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn presence_is_what_its_conditions_say_in_every_quarter_of_three_weeks(
        intervals in vec(some_interval(), 1..4),
        start in select(&STARTS),
        on_holidays: bool,
    ) {
        let start: Date = start.parse().unwrap();
        let always = r#"    { centre = "de-wilg", days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00" },"#;
        let lines: String = intervals.iter().map(|interval| line(interval, start)).collect();
        let mut file = DEMO.replacen(always, &lines, 1);
        if !on_holidays {
            file = file.replacen("open_on_holidays = true\n", "", 1);
        }
        for (from, until) in lists(CLOSED) {
            file += &format!("\n[[closed]]\ncentre = \"de-wilg\"\nfrom = {from}\nuntil = {until}\n");
        }
        let directory = match Directory::parse(&file) {
            Ok((directory, _)) => directory,
            // Nobody is in two places; such a week is refused, and there is nothing to compare.
            Err(faults) => {
                prop_assert!(faults.iter().all(|fault| fault.reason == "OVERLAP"), "{:?}", faults);
                return Ok(());
            }
        };
        let first = directory.zone().to_timestamp(start.at(0, 0, 0, 0)).unwrap();
        let quarter = |count: i64| first.checked_add(SignedDuration::from_mins(15 * count)).unwrap();
        let count = 21 * 96;
        let expected: Vec<bool> = (0..count)
            .map(|index| {
                let local = directory.zone().to_datetime(quarter(index));
                let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
                let closed = stands_in(local.date(), CLOSED) || !on_holidays && stands_in(local.date(), HOLIDAYS);
                !closed && intervals.iter().any(|interval| holds(interval, start, local.date(), minute))
            })
            .collect();
        let mut runs: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (index, there) in (0..count).zip(&expected) {
            let at = quarter(index);
            prop_assert_eq!(directory.is_scheduled("noor", "de-wilg", at), *there, "{}", at);
            if *there {
                match runs.last_mut() {
                    Some(last) if last.1 == at => last.1 = quarter(index + 1),
                    _ => runs.push((at, quarter(index + 1))),
                }
            }
        }
        let between = |from, until| -> Vec<(Timestamp, Timestamp)> {
            let runs = directory.scheduled_between("noor", "de-wilg", from, until);
            runs.into_iter().map(|run| (run.from, run.until)).collect()
        };
        prop_assert_eq!(between(first, quarter(count)), runs.clone());
        for index in (0..count).step_by(53) {
            let at = quarter(index);
            let next = (index..count).find(|index| expected[usize::try_from(*index).unwrap()]).map(quarter);
            match next {
                Some(next) => prop_assert_eq!(directory.next_scheduled("noor", "de-wilg", at), Some(next), "from {}", at),
                None => prop_assert!(directory.next_scheduled("noor", "de-wilg", at).is_none_or(|next| next >= quarter(count))),
            }
            let last = runs.iter().rev().find(|run| run.0 < at).map(|run| run.1.min(at));
            prop_assert_eq!(directory.last_scheduled_before("noor", "de-wilg", first, at), last, "before {}", at);
        }
        // What was written reads back as the same.
        let (again, _) = Directory::parse(&directory.to_toml()).unwrap();
        prop_assert_eq!(again, directory);
    }
}

#[test]
fn weeks_are_numbered_as_the_calendar_on_the_wall_has_them() {
    for (day, number) in [
        ("2026-01-01", 1),
        ("2026-12-28", 53),
        ("2027-01-03", 53),
        ("2027-01-04", 1),
        ("2024-12-30", 1),
        ("2026-11-25", 48),
    ] {
        let day: Date = day.parse().unwrap();
        assert_eq!(week_number(day), number, "{day}");
        assert_eq!(day.iso_week_date().week(), i8::try_from(number).unwrap(), "{day}");
    }
}
