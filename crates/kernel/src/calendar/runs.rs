//! From hours on the wall to moments: the stretches of time during which a timetable runs.

use std::borrow::Cow;

use jiff::{
    SignedDuration, Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::{hours::Hours, wall};

/// A stretch of time: from a moment (included) until a moment (not included), never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
}

impl Run {
    /// Does the moment lie within?
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// How long it lasts.
    #[must_use]
    pub fn length(&self) -> SignedDuration {
        self.until.duration_since(self.from)
    }
}

/// The stretches in which a timetable runs, in order, from a moment until a moment. A timetable gives the hours of each day on the wall; the
/// clock changes are the zone's business: "from 01:00 until 04:00" lasts two hours in the night of spring and four in the night of
/// autumn, and "until 02:30" in the night of autumn comes to an end twice.
///
/// Each day has its own stretches, also when they touch; [`joined`] makes one of those that do.
pub struct Runs<'z, F> {
    zone: &'z TimeZone,
    hours_on: F,
    limit: Timestamp,
    // While the offset stays the same, the wall and time go the same way: the present stretch of one offset, and the day in it.
    from: Timestamp,
    until: Timestamp,
    offset: Offset,
    day: Option<Date>,
    index: usize,
}

impl<'z, F: Fn(Date) -> Cow<'z, [Hours]>> Runs<'z, F> {
    /// Hours are asked for each day from the first to the last; those of one day must be in order and must not overlap
    /// ([`Hours::merged`]).
    pub fn new(zone: &'z TimeZone, from: Timestamp, limit: Timestamp, hours_on: F) -> Self {
        let mut runs =
            Self { zone, hours_on, limit, from, until: from, offset: Offset::UTC, day: None, index: 0 };
        runs.enter(from);
        runs
    }

    /// Goes to the stretch of one offset that begins at a moment, or has begun by then.
    fn enter(&mut self, from: Timestamp) {
        let change = self.zone.following(from).map(|change| change.timestamp()).find(|change| *change > from);
        self.from = from;
        self.until = change.map_or(self.limit, |change| change.min(self.limit));
        self.offset = self.zone.to_offset(from);
        self.day = (from < self.limit).then(|| self.offset.to_datetime(from).date());
        self.index = 0;
    }

    /// The moment at which the wall shows a minute, by the offset of this stretch; the ends of time when there is none.
    fn moment(&self, day: Date, minute: u16) -> Timestamp {
        let end = if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        self.offset.to_timestamp(wall::on(day, minute)).unwrap_or(end)
    }
}

impl<'z, F: Fn(Date) -> Cow<'z, [Hours]>> Iterator for Runs<'z, F> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        loop {
            let day = self.day?;
            if self.moment(day, 0) >= self.until {
                let next = self.until;
                self.enter(next);
                continue;
            }
            let hours = (self.hours_on)(day);
            while let Some(hours) = hours.get(self.index) {
                self.index += 1;
                let run = Run {
                    from: self.moment(day, hours.from()).max(self.from),
                    until: self.moment(day, hours.until()).min(self.until),
                };
                if run.from < run.until {
                    return Some(run);
                }
            }
            self.index = 0;
            self.day = day.tomorrow().ok();
        }
    }
}

/// The same stretches in order, and those that touch are one. For stretches that come to an end: of a place that is always open there is
/// no last one.
pub fn joined(runs: impl IntoIterator<Item = Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for next in runs {
        match joined.last_mut() {
            Some(last) if next.from <= last.until => last.until = last.until.max(next.until),
            _ => joined.push(next),
        }
    }
    joined
}
