//! The public test cases of Alertmanager's time intervals, wherever the concept is the same as ours: hours on days of the week in a zone.
//! Those about reading a file and about ranges of dates stand with the directory.
//!
//! NOTICE: the cases are facts taken from Prometheus Alertmanager 0.34.0, commit 68fb2d5759b3a92c0bb2a1a13d4ef7ff5b06256d,
//! `timeinterval/timeinterval_test.go`. Copyright 2020 Prometheus Team, Apache License 2.0 (<http://www.apache.org/licenses/LICENSE-2.0>).
//! They are written anew as tables in our own words; docs/conformance.md says which map, which do not, and why.

use voordeur_kernel::calendar::WorkingTime;

use crate::{at, week};

fn office(zone: &str) -> WorkingTime {
    week(zone, &[(1..=5, "09:00-17:00")]).open_on_holidays()
}

#[test]
fn office_hours_contain_what_alertmanager_has_in_them() {
    let table = [
        ("UTC", "2020-05-04T15:04:00Z", true),
        ("UTC", "2020-05-05T10:04:00Z", true),
        ("UTC", "2020-06-09T09:04:00Z", true),
        ("UTC", "2020-05-03T15:04:00Z", false),
        ("UTC", "2020-05-04T08:59:00Z", false),
        ("UTC", "2020-05-05T05:00:00Z", false),
        ("UTC", "2020-07-08T09:00:00Z", true),
        ("UTC", "2020-07-08T16:59:00Z", true),
        ("UTC", "2020-07-08T05:00:00Z", false),
        ("UTC", "2020-07-08T08:59:00Z", false),
        ("UTC", "2021-04-01T13:00:00Z", true),
        // The zone counts, not the offset of who asks.
        ("Australia/Sydney", "2021-04-06T13:00:00+10:00", true),
        ("Australia/Sydney", "2021-04-06T13:00:00Z", false),
        // In summer time there.
        ("Australia/Sydney", "2021-11-01T09:00:00+11:00", true),
        ("Australia/Sydney", "2021-10-31T22:00:00Z", true),
        ("Australia/Sydney", "2021-10-31T21:00:00Z", false),
    ];
    for (zone, moment, open) in table {
        assert_eq!(office(zone).is_open(at(moment)), open, "{zone} at {moment}");
    }
}

#[test]
fn evenings_and_weekends_are_outside_office_hours() {
    let sydney = |text: &str| at(&format!("{text}+11:00"));
    // What Alertmanager mutes by "evenings" or "weekends" is what is not open.
    let table = [
        (sydney("2024-01-01T00:00:00"), true),
        (sydney("2024-01-01T09:00:00"), false),
        (sydney("2024-01-06T10:00:00"), true),
        (sydney("2024-01-06T17:00:00"), true),
        (at("2024-01-01T10:00:00Z"), true),
        (at("2024-01-06T10:00:00Z"), true),
    ];
    for (moment, muted) in table {
        assert_eq!(!office("Australia/Sydney").is_open(moment), muted, "{moment}");
    }
}
