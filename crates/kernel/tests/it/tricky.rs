//! Cases in which working time is easily counted wrongly, each with the moment that a person would name.

use jiff::civil::date;
use voordeur_kernel::{
    Span,
    calendar::{Calendar as _, WorkingTime, amsterdam},
};

use crate::{at, hours, week};

/// Open from Monday to Friday from 08:00 until 17:00.
fn office() -> WorkingTime {
    WorkingTime::office()
}

fn days(count: u32) -> Span {
    Span::WorkingDays(count)
}

fn minutes(count: u32) -> Span {
    Span::WorkingMinutes(count)
}

/// What it is about, the start with its offset, the span, and the end.
type Case = (&'static str, &'static str, Span, &'static str);

fn all_hold(calendar: &WorkingTime, cases: &[Case]) {
    for (what, start, span, end) in cases {
        let found = calendar.after(at(start), *span);
        let local = |moment| calendar.zone().to_datetime(moment);
        assert_eq!(found, at(end), "{what}: {span:?} from {start} was over at {}", local(found));
    }
}

#[test]
fn days_off_and_nights_are_passed_over() {
    all_hold(
        &office(),
        &[
            ("the next day", "2026-11-23T10:15:00+01:00", days(1), "2026-11-24T10:15:00+01:00"),
            ("over a weekend", "2026-11-20T16:00:00+01:00", days(1), "2026-11-23T16:00:00+01:00"),
            ("the Friday before Easter", "2026-04-03T15:00:00+02:00", days(1), "2026-04-07T15:00:00+02:00"),
            ("minutes over Easter", "2026-04-03T16:30:00+02:00", minutes(60), "2026-04-07T08:30:00+02:00"),
            (
                "Koningsdag on the 26th, a Saturday",
                "2025-04-25T10:00:00+02:00",
                days(1),
                "2025-04-28T10:00:00+02:00",
            ),
            ("Koningsdag on a Monday", "2026-04-24T10:00:00+02:00", days(1), "2026-04-28T10:00:00+02:00"),
            (
                "Bevrijdingsdag in a lustrum year",
                "2025-05-02T10:00:00+02:00",
                days(1),
                "2025-05-06T10:00:00+02:00",
            ),
            (
                "Bevrijdingsdag in another year",
                "2026-05-04T10:00:00+02:00",
                days(1),
                "2026-05-05T10:00:00+02:00",
            ),
            (
                "Ascension and the Friday after it",
                "2026-05-13T10:00:00+02:00",
                days(2),
                "2026-05-18T10:00:00+02:00",
            ),
            (
                "Christmas on Friday and Saturday",
                "2026-12-24T12:00:00+01:00",
                days(1),
                "2026-12-28T12:00:00+01:00",
            ),
            ("over the end of the year", "2026-12-31T12:00:00+01:00", days(1), "2027-01-04T12:00:00+01:00"),
            ("five days are a week", "2026-11-23T09:00:00+01:00", days(5), "2026-11-30T09:00:00+01:00"),
            ("ten days are two weeks", "2026-11-23T09:00:00+01:00", days(10), "2026-12-07T09:00:00+01:00"),
        ],
    );
}

#[test]
fn a_start_outside_the_opening_hours_loses_and_gains_nothing() {
    all_hold(
        &office(),
        &[
            ("before opening", "2026-11-23T06:00:00+01:00", days(1), "2026-11-24T08:00:00+01:00"),
            ("after closing", "2026-11-23T20:00:00+01:00", days(1), "2026-11-24T17:00:00+01:00"),
            (
                "on Saturday: the end of Monday",
                "2026-11-21T11:00:00+01:00",
                days(1),
                "2026-11-23T17:00:00+01:00",
            ),
            (
                "on Sunday night: the end of Monday",
                "2026-11-22T23:59:00+01:00",
                days(1),
                "2026-11-23T17:00:00+01:00",
            ),
            ("on Christmas", "2026-12-25T11:00:00+01:00", days(2), "2026-12-29T17:00:00+01:00"),
            ("minutes before opening", "2026-11-23T06:00:00+01:00", minutes(30), "2026-11-23T08:30:00+01:00"),
            ("minutes after closing", "2026-11-23T17:00:00+01:00", minutes(1), "2026-11-24T08:01:00+01:00"),
            ("minutes on Saturday", "2026-11-21T11:00:00+01:00", minutes(240), "2026-11-23T12:00:00+01:00"),
            ("exactly until closing", "2026-11-23T16:00:00+01:00", minutes(60), "2026-11-23T17:00:00+01:00"),
            (
                "half a minute before closing",
                "2026-11-23T16:59:30+01:00",
                minutes(1),
                "2026-11-24T08:00:30+01:00",
            ),
            (
                "a whole working day of minutes",
                "2026-11-23T08:00:00+01:00",
                minutes(540),
                "2026-11-23T17:00:00+01:00",
            ),
            ("a minute more", "2026-11-23T08:00:00+01:00", minutes(541), "2026-11-24T08:01:00+01:00"),
            ("nothing at all", "2026-11-21T11:00:00+01:00", days(0), "2026-11-21T11:00:00+01:00"),
            ("no minutes at all", "2026-11-21T11:00:00+01:00", minutes(0), "2026-11-21T11:00:00+01:00"),
            (
                "the clock on the wall does not wait",
                "2026-11-21T11:00:00+01:00",
                Span::Elapsed(3600),
                "2026-11-21T12:00:00+01:00",
            ),
        ],
    );
}

#[test]
fn the_same_time_of_day_is_the_same_on_the_wall_after_a_clock_change() {
    all_hold(
        &office(),
        &[
            ("to summer time", "2026-03-27T10:00:00+01:00", days(1), "2026-03-30T10:00:00+02:00"),
            ("to winter time", "2026-10-23T10:00:00+02:00", days(1), "2026-10-26T10:00:00+01:00"),
            (
                "minutes to summer time",
                "2026-03-27T16:00:00+01:00",
                minutes(120),
                "2026-03-30T09:00:00+02:00",
            ),
            (
                "minutes to winter time",
                "2026-10-23T16:00:00+02:00",
                minutes(120),
                "2026-10-26T09:00:00+01:00",
            ),
        ],
    );
}

#[test]
fn the_hour_that_does_not_exist_and_the_hour_that_comes_twice() {
    // Open day and night, also on holidays.
    let always = week("Europe/Amsterdam", &[(1..=7, "00:00-24:00")]).open_on_holidays();
    all_hold(
        &always,
        &[
            (
                "into the hour that does not exist",
                "2026-03-28T02:30:00+01:00",
                days(1),
                "2026-03-29T03:00:00+02:00",
            ),
            ("a day of 23 hours", "2026-03-28T23:00:00+01:00", days(1), "2026-03-29T23:00:00+02:00"),
            ("minutes over the jump", "2026-03-29T01:30:00+01:00", minutes(60), "2026-03-29T03:30:00+02:00"),
            (
                "into the hour that comes twice: the first",
                "2026-10-24T02:30:00+02:00",
                days(1),
                "2026-10-25T02:30:00+02:00",
            ),
            (
                "from that hour, the first time",
                "2026-10-25T02:30:00+02:00",
                days(1),
                "2026-10-26T02:30:00+01:00",
            ),
            (
                "from that hour, the second time",
                "2026-10-25T02:10:00+01:00",
                days(1),
                "2026-10-26T03:00:00+01:00",
            ),
            ("from its last moment", "2026-10-25T02:59:00+01:00", days(1), "2026-10-26T03:00:00+01:00"),
            ("a day of 25 hours", "2026-10-24T23:00:00+02:00", days(1), "2026-10-25T23:00:00+01:00"),
            (
                "minutes through both hours",
                "2026-10-25T01:30:00+02:00",
                minutes(120),
                "2026-10-25T02:30:00+01:00",
            ),
        ],
    );
    // A night shift has two hours in spring and four in autumn.
    let night = week("Europe/Amsterdam", &[(7..=7, "01:00-04:00")]);
    let open = |from, until| night.working_minutes_between(at(from), at(until));
    assert_eq!(open("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"), 120);
    assert_eq!(open("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"), 240);
    assert_eq!(open("2026-11-01T00:00:00+01:00", "2026-11-02T00:00:00+01:00"), 180);
    // "Until 02:30" is over twice.
    let ends_twice = week("Europe/Amsterdam", &[(7..=7, "01:00-02:30")]);
    let runs: Vec<_> = ends_twice
        .open_between(at("2026-10-25T00:00:00+02:00"), at("2026-10-26T00:00:00+01:00"))
        .map(|run| (run.from, run.until))
        .collect();
    let pair = |from, until| (at(from), at(until));
    assert_eq!(
        runs,
        [
            pair("2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"),
            pair("2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"),
        ]
    );
}

#[test]
fn opening_until_midnight_and_a_break_at_noon() {
    let late = week(
        "Europe/Amsterdam",
        &[(1..=4, "08:00-12:30 13:30-17:00"), (5..=5, "16:00-24:00"), (6..=6, "00:00-02:00")],
    );
    all_hold(
        &late,
        &[
            (
                "in the break: when it is over",
                "2026-11-23T13:00:00+01:00",
                minutes(1),
                "2026-11-23T13:31:00+01:00",
            ),
            (
                "a day from the break: the end of it",
                "2026-11-23T13:00:00+01:00",
                days(1),
                "2026-11-24T13:30:00+01:00",
            ),
            (
                "until the break exactly",
                "2026-11-23T08:00:00+01:00",
                minutes(270),
                "2026-11-23T12:30:00+01:00",
            ),
            ("over the break", "2026-11-23T12:00:00+01:00", minutes(60), "2026-11-23T14:00:00+01:00"),
            ("to midnight", "2026-11-27T23:00:00+01:00", minutes(60), "2026-11-28T00:00:00+01:00"),
            ("through midnight", "2026-11-27T23:00:00+01:00", minutes(90), "2026-11-28T00:30:00+01:00"),
            ("a day that is shorter", "2026-11-26T14:00:00+01:00", days(1), "2026-11-27T16:00:00+01:00"),
            ("a day that is over earlier", "2026-11-27T20:00:00+01:00", days(1), "2026-11-28T02:00:00+01:00"),
        ],
    );
    let evening = week("Europe/Amsterdam", &[(5..=5, "16:00-24:00")]);
    let monday = at("2026-11-23T09:00:00+01:00");
    // Monday is closed, so it starts at the end of that day: the end of Friday, which is midnight.
    assert_eq!(evening.after(monday, days(1)), at("2026-11-28T00:00:00+01:00"));
    assert!(
        evening.is_open(at("2026-11-27T23:59:59+01:00")) && !evening.is_open(at("2026-11-28T00:00:00+01:00"))
    );
}

#[test]
fn days_that_differ_go_before_the_week() {
    let calendar = office()
        .with_closed([date(2026, 11, 24)])
        .with_open(date(2026, 11, 28), hours("10:00-12:00"))
        .with_open(date(2026, 12, 25), Vec::new());
    all_hold(
        &calendar,
        &[
            ("a day that is closed", "2026-11-23T10:00:00+01:00", days(1), "2026-11-25T10:00:00+01:00"),
            ("a Saturday that is open", "2026-11-27T11:00:00+01:00", days(1), "2026-11-28T11:00:00+01:00"),
            ("its own hours", "2026-11-27T16:30:00+01:00", minutes(60), "2026-11-28T10:30:00+01:00"),
            ("a holiday that is open", "2026-12-24T10:00:00+01:00", days(1), "2026-12-25T10:00:00+01:00"),
        ],
    );
    assert!(calendar.is_closed_on(date(2026, 11, 24)) && !calendar.is_open_day(date(2026, 11, 24)));
    assert!(!calendar.is_closed_on(date(2026, 11, 29)), "a Sunday is not taken out, it was never in");
    assert!(!calendar.is_open_day(date(2026, 11, 29)) && !calendar.opens_on(date(2026, 11, 29).weekday()));
    assert!(office().is_closed_on(date(2026, 12, 25)) && !calendar.is_closed_on(date(2026, 12, 25)));
    // Twice the same day: both hours hold.
    let twice = calendar.with_open(date(2026, 11, 28), hours("14:00-15:00"));
    assert_eq!(twice.hours_on(date(2026, 11, 28)), hours("10:00-12:00 14:00-15:00"));
}

#[test]
fn the_usual_week_is_a_calendar_like_any_other() {
    assert_eq!(WorkingTime::new(amsterdam(), WorkingTime::office_week()), Ok(office()));
}
