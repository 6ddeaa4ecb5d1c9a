//! The public test cases of GoAlert's rotations, rules and shifts, wherever the concept is the same as ours.
//!
//! NOTICE: the cases are facts taken from GoAlert, commit 2458b9d749e7bb9cb5b0d34dcb7edb034b407baa: `schedule/rotation/rotation_test.go`,
//! `schedule/rule/rule_test.go`, `util/timeutil/clock_test.go`; and `schedule/shiftcalc/shiftcalc_test.go` as it was at commit
//! 374b0e4d8d08b7768d7888bcee3fade7e4387e3a. Copyright (c) 2019-2021 Target Brands, Inc., Apache License 2.0
//! (<http://www.apache.org/licenses/LICENSE-2.0>). They are written anew as tables in our own words; docs/conformance.md says which map,
//! which do not, and why.
//!
//! How it maps: a rule is a week of opening hours (a night is two of them, on two days); the hand-over of a rotation by day or by week is a
//! number of working days in a place that never closes; a shift of hours is a stretch of opening.

use jiff::{SignedDuration, Timestamp};
use voordeur_kernel::{
    Span,
    calendar::{Calendar as _, Hours, Run, WEEKDAYS, WorkingTime, joined},
};

use crate::{at, week};

const CHICAGO: &str = "America/Chicago";
const LORD_HOWE: &str = "Australia/Lord_Howe";

/// A place that never closes.
fn always(zone: &str) -> WorkingTime {
    week(zone, &[(1..=7, "00:00-24:00")]).open_on_holidays()
}

/// Days of the week, Monday 1, with hours from and until; hours that end before they begin, or when they begin, go through the night.
fn rule(days: &[usize], from: u16, until: u16) -> WorkingTime {
    let mut week: [Vec<Hours>; WEEKDAYS] = Default::default();
    let hours = |from, until| Hours::new(from * 60, until * 60).unwrap();
    for day in days {
        if from < until {
            week[day - 1].push(hours(from, until));
        } else {
            week[day - 1].push(hours(from, 24));
            week[day % 7].push(hours(0, until));
        }
    }
    WorkingTime::new(jiff::tz::TimeZone::UTC, week).unwrap().open_on_holidays()
}

/// `24 20:01` in July 2017, in UTC; 24 July is a Monday. Day 32 is 1 August.
fn july(text: &str) -> Timestamp {
    let (day, clock) = text.split_once(' ').unwrap();
    match day.parse::<u8>().unwrap() {
        32 => at(&format!("2017-08-01T{clock}:00Z")),
        day => at(&format!("2017-07-{day:02}T{clock}:00Z")),
    }
}

/// The stretch of duty that runs at a moment, or the next one.
fn shift(rule: &WorkingTime, moment: Timestamp) -> Run {
    let week = SignedDuration::from_hours(24 * 9);
    let around = rule.open_between(moment.checked_sub(week).unwrap(), moment.checked_add(week).unwrap());
    joined(around).into_iter().find(|run| moment < run.until).unwrap()
}

const MONDAY: &[usize] = &[1];
const TWO_DAYS: &[usize] = &[1, 2];
const WORKDAYS: &[usize] = &[1, 2, 3, 4, 5];
const EVERY_DAY: &[usize] = &[1, 2, 3, 4, 5, 6, 7];

/// Days, from and until which hour, moments on duty, moments off duty.
type Active = (&'static [usize], u16, u16, &'static [&'static str], &'static [&'static str]);

#[test]
fn rules_are_active_when_goalert_has_them_active() {
    let table: [Active; 5] = [
        (MONDAY, 8, 20, &["24 08:00", "24 09:00"], &["20 08:00", "25 08:00", "24 20:00"]),
        (
            MONDAY,
            20,
            8,
            &["24 20:00", "24 21:00", "25 07:00"],
            &["20 08:00", "26 08:00", "25 08:00", "24 09:00"],
        ),
        (
            WORKDAYS,
            8,
            20,
            &["24 08:00", "25 08:00", "26 08:00", "27 08:00", "28 08:00"],
            &["23 08:00", "29 08:00"],
        ),
        (
            WORKDAYS,
            8,
            8,
            &["24 08:00", "25 08:00", "26 08:00", "27 08:00", "28 08:00", "29 07:00"],
            &["23 08:00", "24 07:00", "29 08:00"],
        ),
        (
            WORKDAYS,
            20,
            8,
            &[
                "24 20:00", "25 07:00", "25 20:00", "26 07:00", "26 20:00", "27 07:00", "27 20:00",
                "28 07:00", "28 20:00", "29 07:00",
            ],
            &["23 20:00", "24 07:00", "29 20:00", "30 07:00"],
        ),
    ];
    for (days, from, until, on, off) in table {
        let rule = rule(days, from, until);
        for moment in on {
            assert!(rule.is_open(july(moment)), "{days:?} {from}-{until} at {moment}");
        }
        for moment in off {
            assert!(!rule.is_open(july(moment)), "{days:?} {from}-{until} at {moment}");
        }
    }
}

/// Days, from and until which hour, and pairs of a moment and a beginning or an end.
type Edges = (&'static [usize], u16, u16, &'static [(&'static str, &'static str)]);

#[test]
fn shifts_begin_when_goalert_has_them_begin() {
    let table: [Edges; 6] = [
        (TWO_DAYS, 8, 20, &[("25 08:00", "25 08:00")]),
        (
            MONDAY,
            8,
            20,
            &[
                ("20 08:00", "24 08:00"),
                ("24 07:59", "24 08:00"),
                ("24 08:00", "24 08:00"),
                ("24 08:01", "24 08:00"),
                ("24 19:59", "24 08:00"),
                ("24 20:00", "31 08:00"),
                ("24 20:01", "31 08:00"),
            ],
        ),
        (
            &[1, 5, 6],
            8,
            20,
            &[
                ("21 20:00", "22 08:00"),
                ("22 20:00", "24 08:00"),
                ("24 20:00", "28 08:00"),
                ("25 20:00", "28 08:00"),
            ],
        ),
        (
            TWO_DAYS,
            8,
            8,
            &[
                ("20 08:00", "24 08:00"),
                ("24 07:59", "24 08:00"),
                ("24 08:00", "24 08:00"),
                ("24 08:01", "24 08:00"),
                ("24 19:59", "24 08:00"),
                ("24 20:00", "24 08:00"),
                ("24 20:01", "24 08:00"),
                ("25 20:00", "24 08:00"),
                ("25 20:01", "24 08:00"),
                ("26 20:00", "31 08:00"),
                ("26 20:01", "31 08:00"),
            ],
        ),
        (
            EVERY_DAY,
            8,
            20,
            &[
                ("20 08:00", "20 08:00"),
                ("24 07:59", "24 08:00"),
                ("24 08:00", "24 08:00"),
                ("24 08:01", "24 08:00"),
                ("24 19:59", "24 08:00"),
                ("24 20:00", "25 08:00"),
                ("24 20:01", "25 08:00"),
            ],
        ),
        (MONDAY, 20, 8, &[("24 20:00", "24 20:00"), ("25 07:00", "24 20:00"), ("25 08:00", "31 20:00")]),
    ];
    for (days, from, until, cases) in table {
        let rule = rule(days, from, until);
        for (moment, begins) in cases {
            assert_eq!(shift(&rule, july(moment)).from, july(begins), "{days:?} {from}-{until} at {moment}");
        }
    }
}

#[test]
fn shifts_end_when_goalert_has_them_end() {
    let table: [Edges; 6] = [
        (MONDAY, 8, 20, &[("24 08:00", "24 20:00"), ("20 08:00", "24 20:00"), ("24 20:00", "31 20:00")]),
        (
            TWO_DAYS,
            8,
            20,
            &[
                ("24 08:00", "24 20:00"),
                ("20 08:00", "24 20:00"),
                ("24 20:00", "25 20:00"),
                ("25 08:00", "25 20:00"),
            ],
        ),
        (
            TWO_DAYS,
            8,
            8,
            &[
                ("24 08:00", "26 08:00"),
                ("20 08:00", "26 08:00"),
                ("24 20:00", "26 08:00"),
                ("25 08:00", "26 08:00"),
            ],
        ),
        (EVERY_DAY, 8, 20, &[("24 08:00", "24 20:00"), ("20 08:00", "20 20:00"), ("24 20:00", "25 20:00")]),
        (
            MONDAY,
            20,
            8,
            &[
                ("24 08:00", "25 08:00"),
                ("25 08:00", "32 08:00"),
                ("20 08:00", "25 08:00"),
                ("24 20:00", "25 08:00"),
            ],
        ),
        (EVERY_DAY, 20, 8, &[("24 08:00", "25 08:00"), ("20 08:00", "21 08:00"), ("24 20:00", "25 08:00")]),
    ];
    for (days, from, until, cases) in table {
        let rule = rule(days, from, until);
        for (moment, ends) in cases {
            assert_eq!(shift(&rule, july(moment)).until, july(ends), "{days:?} {from}-{until} at {moment}");
        }
    }
}

#[test]
fn the_shifts_of_a_stretch_of_time_are_counted_alike() {
    let three = rule(&[1, 5, 6], 8, 20);
    let shifts: Vec<_> = three.open_between(july("20 11:00"), july("24 21:00")).collect();
    let expected = ["21", "22", "24"]
        .map(|day| Run { from: july(&format!("{day} 08:00")), until: july(&format!("{day} 20:00")) });
    assert_eq!(shifts, expected);
    let past = rule(&[7, 1, 2], 8, 20);
    let shifts: Vec<_> = past
        .open_between(at("2018-07-20T11:00:00Z"), at("2018-08-24T11:00:00Z"))
        .map(|run| run.from)
        .collect();
    assert_eq!(shifts.len(), 15);
    assert!(shifts.contains(&at("2018-07-23T08:00:00Z")) && shifts.contains(&at("2018-08-20T08:00:00Z")));
}

#[test]
fn daily_hand_overs_keep_their_time_of_day_over_clock_changes() {
    let table: [(&str, &[&str]); 6] = [
        (
            CHICAGO,
            &[
                "2020-10-29T01:30:00-05:00",
                "2020-10-30T01:30:00-05:00",
                "2020-10-31T01:30:00-05:00",
                "2020-11-01T01:30:00-05:00",
                "2020-11-02T01:30:00-06:00",
                "2020-11-03T01:30:00-06:00",
            ],
        ),
        (
            CHICAGO,
            &[
                "2020-03-05T02:30:00-06:00",
                "2020-03-06T02:30:00-06:00",
                "2020-03-07T02:30:00-06:00",
                "2020-03-08T03:00:00-05:00",
                "2020-03-09T02:30:00-05:00",
                "2020-03-10T02:30:00-05:00",
            ],
        ),
        (
            LORD_HOWE,
            &[
                "2021-04-01T02:30:00+11:00",
                "2021-04-02T02:30:00+11:00",
                "2021-04-03T02:30:00+11:00",
                "2021-04-04T02:30:00+10:30",
                "2021-04-05T02:30:00+10:30",
                "2021-04-06T02:30:00+10:30",
            ],
        ),
        (
            LORD_HOWE,
            &[
                "2021-04-01T02:00:00+11:00",
                "2021-04-02T02:00:00+11:00",
                "2021-04-03T02:00:00+11:00",
                "2021-04-04T02:00:00+10:30",
                "2021-04-05T02:00:00+10:30",
                "2021-04-06T02:00:00+10:30",
            ],
        ),
        (
            LORD_HOWE,
            &[
                "2020-10-01T01:30:00+10:30",
                "2020-10-02T01:30:00+10:30",
                "2020-10-03T01:30:00+10:30",
                "2020-10-04T01:30:00+10:30",
                "2020-10-05T01:30:00+11:00",
                "2020-10-06T01:30:00+11:00",
            ],
        ),
        (
            LORD_HOWE,
            &[
                "2020-10-01T02:15:00+10:30",
                "2020-10-02T02:15:00+10:30",
                "2020-10-03T02:15:00+10:30",
                "2020-10-04T02:30:00+11:00",
                "2020-10-05T02:15:00+11:00",
                "2020-10-06T02:15:00+11:00",
            ],
        ),
    ];
    for (zone, moments) in table {
        let place = always(zone);
        let first = at(moments[0]);
        for (days, moment) in (0..).zip(moments) {
            assert_eq!(
                place.after(first, Span::WorkingDays(days)),
                at(moment),
                "{zone}: {days} days after {first}"
            );
        }
    }
}

#[test]
fn days_and_weeks_are_an_hour_shorter_and_longer_at_the_clock_changes() {
    // Beginning, days, end, hours on the clock; a week is seven days, and none is left out.
    let table = [
        ("2017-06-10T08:00:00-05:00", 7, "2017-06-17T08:00:00-05:00", 168),
        ("2017-06-10T08:00:00-05:00", 14, "2017-06-24T08:00:00-05:00", 336),
        ("2017-03-10T08:00:00-06:00", 7, "2017-03-17T08:00:00-05:00", 167),
        ("2017-11-04T08:00:00-05:00", 7, "2017-11-11T08:00:00-06:00", 169),
        ("2017-06-16T08:00:00-05:00", 1, "2017-06-17T08:00:00-05:00", 24),
        ("2017-06-10T08:00:00-05:00", 1, "2017-06-11T08:00:00-05:00", 24),
        ("2017-06-10T08:00:00-05:00", 2, "2017-06-12T08:00:00-05:00", 48),
        ("2017-03-11T08:00:00-06:00", 1, "2017-03-12T08:00:00-05:00", 23),
        ("2017-11-04T08:00:00-05:00", 1, "2017-11-05T08:00:00-06:00", 25),
    ];
    let place = always(CHICAGO);
    for (begin, days, end, hours) in table {
        let found = place.after(at(begin), Span::WorkingDays(days));
        assert_eq!(found, at(end), "{days} days after {begin}");
        assert_eq!(found.duration_since(at(begin)).as_hours(), hours, "{days} days after {begin}");
    }
}

#[test]
fn shifts_of_hours_are_as_long_as_the_clock_on_the_wall_makes_them() {
    // Zone, hours of a Sunday, a moment in the night, begin and end of the shift then.
    let table = [
        (CHICAGO, "08:00-09:00", "2017-06-11T08:00:00-05:00", "2017-06-11T09:00:00-05:00"),
        (CHICAGO, "08:00-10:00", "2017-06-11T08:00:00-05:00", "2017-06-11T10:00:00-05:00"),
        // Three hours that last two, and three that last four.
        (CHICAGO, "00:00-03:00", "2017-03-12T00:00:00-06:00", "2017-03-12T03:00:00-05:00"),
        (CHICAGO, "00:00-03:00", "2017-11-05T00:00:00-05:00", "2017-11-05T03:00:00-06:00"),
        // One hour, and one that comes twice.
        (CHICAGO, "01:00-02:00", "2017-03-12T01:00:00-06:00", "2017-03-12T03:00:00-05:00"),
        (CHICAGO, "01:00-02:00", "2017-11-05T01:00:00-05:00", "2017-11-05T02:00:00-06:00"),
        // Hourly shifts in the night of spring: on the half hour, and on the hour.
        (CHICAGO, "00:30-01:30", "2020-03-08T00:30:00-06:00", "2020-03-08T01:30:00-06:00"),
        (CHICAGO, "01:30-02:30", "2020-03-08T01:30:00-06:00", "2020-03-08T03:00:00-05:00"),
        (CHICAGO, "02:30-03:30", "2020-03-08T03:00:00-05:00", "2020-03-08T03:30:00-05:00"),
        (CHICAGO, "03:30-04:30", "2020-03-08T03:30:00-05:00", "2020-03-08T04:30:00-05:00"),
        (CHICAGO, "03:00-04:00", "2020-03-08T03:00:00-05:00", "2020-03-08T04:00:00-05:00"),
        (CHICAGO, "04:00-05:00", "2020-03-08T04:00:00-05:00", "2020-03-08T05:00:00-05:00"),
        // And in the night of autumn, on the hour.
        (CHICAGO, "00:00-01:00", "2020-11-01T00:00:00-05:00", "2020-11-01T01:00:00-05:00"),
        (CHICAGO, "01:00-02:00", "2020-11-01T01:00:00-05:00", "2020-11-01T02:00:00-06:00"),
        (CHICAGO, "02:00-03:00", "2020-11-01T02:00:00-06:00", "2020-11-01T03:00:00-06:00"),
        (CHICAGO, "04:00-05:00", "2020-11-01T04:00:00-06:00", "2020-11-01T05:00:00-06:00"),
        // Half an hour comes twice.
        (LORD_HOWE, "00:30-01:30", "2021-04-04T00:30:00+11:00", "2021-04-04T01:30:00+11:00"),
        (LORD_HOWE, "01:30-02:30", "2021-04-04T01:30:00+11:00", "2021-04-04T02:30:00+10:30"),
        (LORD_HOWE, "02:30-03:30", "2021-04-04T02:30:00+10:30", "2021-04-04T03:30:00+10:30"),
    ];
    for (zone, hours, begin, end) in table {
        let place = week(zone, &[(7..=7, hours)]).open_on_holidays();
        let before = at(begin).checked_sub(SignedDuration::from_hours(3)).unwrap();
        let after = at(end).checked_add(SignedDuration::from_hours(3)).unwrap();
        let runs = joined(place.open_between(before, after));
        assert_eq!(runs, [Run { from: at(begin), until: at(end) }], "{zone} {hours} from {begin}");
    }
}

#[test]
fn a_time_of_day_is_first_shown_when_goalert_has_it_first() {
    // The first moment of a day at which the clock shows a time, as one working day after that time on the day before.
    let table = [
        ("2018-03-08T01:00:00-06:00", "2018-03-09T01:00:00-06:00"),
        ("2018-03-10T01:00:00-06:00", "2018-03-11T01:00:00-06:00"),
        ("2018-03-10T01:30:00-06:00", "2018-03-11T01:30:00-06:00"),
        ("2018-03-10T02:00:00-06:00", "2018-03-11T03:00:00-05:00"),
        ("2018-03-10T02:30:00-06:00", "2018-03-11T03:00:00-05:00"),
        ("2018-03-10T03:00:00-06:00", "2018-03-11T03:00:00-05:00"),
        ("2018-03-10T03:30:00-06:00", "2018-03-11T03:30:00-05:00"),
        ("2018-11-03T00:30:00-05:00", "2018-11-04T00:30:00-05:00"),
        ("2018-11-03T01:00:00-05:00", "2018-11-04T01:00:00-05:00"),
        ("2018-11-03T01:30:00-05:00", "2018-11-04T01:30:00-05:00"),
        ("2018-11-03T02:00:00-05:00", "2018-11-04T02:00:00-06:00"),
        ("2018-11-03T02:30:00-05:00", "2018-11-04T02:30:00-06:00"),
    ];
    for (before, first) in table {
        assert_eq!(
            always(CHICAGO).after(at(before), Span::WorkingDays(1)),
            at(first),
            "the day after {before}"
        );
    }
}
