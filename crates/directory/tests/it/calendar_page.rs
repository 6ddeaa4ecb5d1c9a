//! The examples of docs/domain/calendar.md.

use jiff::civil::{Date, DateTime};
use voordeur_directory::Directory;
use voordeur_kernel::{Span, Timestamp, calendar::Calendar as _};

use crate::SAMPLE;

const PAGE: &str = include_str!("../../../../docs/domain/calendar.md");

/// The rows of the table under a heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let table = PAGE.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert!(rows.len() >= 10, "{heading}: {}", rows.len());
    rows
}

fn span(text: &str) -> Span {
    let (count, unit) = text.split_once(' ').unwrap();
    let count: u32 = count.parse().unwrap();
    match unit {
        "working day" | "working days" => Span::WorkingDays(count),
        "working hour" | "working hours" => Span::WorkingMinutes(count * 60),
        "minutes on the clock" => Span::Elapsed(u64::from(count) * 60),
        other => panic!("{other}"),
    }
}

#[test]
fn the_clocks_of_the_page_run_as_it_says() {
    let (directory, _) = Directory::parse(SAMPLE).unwrap();
    let moment = |text: &str| -> Timestamp {
        let local: DateTime = text.parse().unwrap();
        directory.zone().to_timestamp(local).unwrap()
    };
    for row in rows("| start | span | over at |") {
        let found = directory.calendar("de-wilg").after(moment(row[0]), span(row[1]));
        let shown = directory.zone().to_datetime(found).strftime("%Y-%m-%d %H:%M").to_string();
        assert_eq!(shown, row[2], "{row:?}");
    }
}

#[test]
fn the_people_of_the_page_are_there_when_it_says() {
    let (directory, _) = Directory::parse(SAMPLE).unwrap();
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    for row in rows("| who | day | there |") {
        let day: Date = row[1].parse().unwrap();
        let hours = directory.scheduled_on(row[0], "de-wilg", day);
        let shown: Vec<_> =
            hours.iter().map(|h| format!("{}-{}", clock(h.from()), clock(h.until()))).collect();
        let shown = if shown.is_empty() { "-".to_owned() } else { shown.join(" ") };
        assert_eq!(shown, row[2], "{row:?}");
    }
}
