//! Who is there when, written down a second time: by hand, day by day, from the calendar on the wall and not from the code of the services.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday, date},
    tz::TimeZone,
};

/// Some hours of a week of somebody.
struct Line {
    person: &'static str,
    centre: &'static str,
    days: &'static [Weekday],
    /// Hour and minute.
    from: (i8, i8),
    until: (i8, i8),
    even_weeks_only: bool,
    school_holidays: bool,
}

const fn line(
    person: &'static str,
    centre: &'static str,
    days: &'static [Weekday],
    from: (i8, i8),
    until: (i8, i8),
) -> Line {
    Line { person, centre, days, from, until, even_weeks_only: false, school_holidays: true }
}

use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

const LINES: [Line; 8] = [
    line("noor", "de-wilg", &[Monday, Tuesday, Wednesday, Thursday, Friday], (8, 0), (17, 0)),
    line(
        "sam",
        "de-wilg",
        &[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday],
        (0, 0),
        (24, 0),
    ),
    line("yasmina", "de-wilg", &[Tuesday, Thursday], (8, 0), (13, 0)),
    line("eva", "de-els", &[Monday, Tuesday, Wednesday, Thursday], (8, 0), (17, 0)),
    Line { even_weeks_only: true, ..line("lotte", "de-brink", &[Monday, Wednesday], (9, 0), (15, 0)) },
    Line { school_holidays: false, ..line("lotte", "de-brink", &[Thursday], (8, 30), (12, 30)) },
    line("tom", "de-brink", &[Wednesday, Friday], (12, 0), (17, 0)),
    // Only in some versions of the directory.
    line("ilse", "de-els", &[Friday], (9, 0), (12, 0)),
];

/// National holidays of the months in which runs play: the Mondays of Easter and Whitsun, the King's birthday, Ascension, Christmas, New Year.
const HOLIDAYS: [Date; 12] = [
    date(2026, 4, 5),
    date(2026, 4, 6),
    date(2026, 4, 27),
    date(2026, 5, 14),
    date(2026, 5, 24),
    date(2026, 5, 25),
    date(2026, 12, 25),
    date(2026, 12, 26),
    date(2027, 1, 1),
    date(2027, 3, 28),
    date(2027, 3, 29),
    date(2027, 4, 27),
];

/// School holidays of the region in the middle, first and last day, as the ministry set them.
const SCHOOL_HOLIDAYS: [(Date, Date); 6] = [
    (date(2026, 4, 25), date(2026, 5, 3)),
    (date(2026, 7, 18), date(2026, 8, 30)),
    (date(2026, 10, 17), date(2026, 10, 25)),
    (date(2026, 12, 19), date(2027, 1, 3)),
    (date(2027, 2, 20), date(2027, 2, 28)),
    (date(2027, 4, 24), date(2027, 5, 2)),
];

fn is_school_holiday(day: Date) -> bool {
    SCHOOL_HOLIDAYS.iter().any(|(first, last)| (*first..=*last).contains(&day))
}

/// Is nobody there on this day, whatever her week?
fn is_closed(centre: &str, day: Date) -> bool {
    let closed = match centre {
        "de-els" => [date(2026, 3, 20), date(2026, 10, 30)].contains(&day),
        "de-brink" => (date(2026, 12, 24)..=date(2026, 12, 31)).contains(&day),
        // There is no childcare here, and one morning of the autumn holidays on which it is open.
        _ => is_school_holiday(day) && day != date(2026, 10, 20),
    };
    closed || HOLIDAYS.contains(&day)
}

/// When somebody is at a centre by her week within two moments, in order; of a day that touches them the whole.
pub(crate) fn scheduled(
    person: &str,
    centre: &str,
    from: Timestamp,
    until: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let zone = TimeZone::get("Europe/Amsterdam").expect("a time zone");
    let mut day = zone.to_datetime(from).date();
    let last = zone.to_datetime(until).date();
    let mut found = Vec::new();
    while day <= last {
        let even = day.iso_week_date().week() % 2 == 0;
        let hers = LINES.iter().filter(|line| {
            (line.person, line.centre) == (person, centre)
                && line.days.contains(&day.weekday())
                && (even || !line.even_weeks_only)
                && (line.school_holidays || !is_school_holiday(day))
        });
        if !is_closed(centre, day) {
            let moment = |(hour, minute): (i8, i8)| {
                let (day, hour) =
                    if hour == 24 { (day.checked_add(1.day()).expect("a day"), 0) } else { (day, hour) };
                zone.to_timestamp(day.at(hour, minute, 0, 0)).expect("a moment")
            };
            found.extend(hers.map(|line| (moment(line.from), moment(line.until))));
        }
        day = day.checked_add(1.day()).expect("a day");
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::municipality;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_hours_on_paper_are_those_of_the_directory_for_more_than_a_year() {
        let directory = municipality::directory(&municipality::text(&["ilse"]));
        let people: Vec<(&str, &str)> = LINES.iter().map(|line| (line.person, line.centre)).collect();
        for (person, centre) in people {
            let mut from = at("2026-03-01T00:00:00Z");
            while from < at("2027-05-01T00:00:00Z") {
                let until = from.checked_add(24.hours()).unwrap();
                let on_paper = joined(scheduled(person, centre, from, until), from, until);
                let runs = directory.scheduled_between(person, centre, from, until);
                let ours: Vec<_> = runs.into_iter().map(|run| (run.from, run.until)).collect();
                assert_eq!(ours, on_paper, "{person} from {from}");
                from = until;
            }
        }
    }

    /// Cut off at both ends, and stretches that touch as one.
    fn joined(
        runs: Vec<(Timestamp, Timestamp)>,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<(Timestamp, Timestamp)> {
        let mut all: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (begin, end) in runs {
            let (begin, end) = (begin.max(from), end.min(until));
            match all.last_mut() {
                _ if begin >= end => {}
                Some(last) if last.1 >= begin => last.1 = last.1.max(end),
                _ => all.push((begin, end)),
            }
        }
        all
    }
}
