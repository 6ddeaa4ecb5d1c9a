//! The kernel from outside: how time is counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say with a panic what went wrong"
)]

mod alertmanager;
mod goalert;
mod reference;
mod tricky;
mod working_time;

use jiff::{Timestamp, tz::TimeZone};
use voordeur_kernel::calendar::{Hours, WEEKDAYS, WorkingTime};

/// A moment from its text.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Hours from `08:30-17:00`, several with a space between.
pub(crate) fn hours(text: &str) -> Vec<Hours> {
    let minute = |clock: &str| {
        let (hours, minutes) = clock.split_once(':').unwrap();
        hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap()
    };
    text.split_whitespace()
        .map(|part| {
            let (from, until) = part.split_once('-').unwrap();
            Hours::new(minute(from), minute(until)).unwrap()
        })
        .collect()
}

/// A week from lines like `ma-vr 08:00-17:00`, in a zone.
pub(crate) fn week(zone: &str, lines: &[(std::ops::RangeInclusive<usize>, &str)]) -> WorkingTime {
    let mut week: [Vec<Hours>; WEEKDAYS] = Default::default();
    for (days, text) in lines {
        for day in days.clone() {
            week[day - 1].extend(hours(text));
        }
    }
    WorkingTime::new(TimeZone::get(zone).unwrap(), week).unwrap()
}
