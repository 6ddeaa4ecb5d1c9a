//! Working time as a slow and obvious computation: it looks at every minute. It shares nothing with the code under test, not even the
//! zone and the holidays: the clock changes are the rule of directive 2000/84/EC, the holidays a list.

use std::collections::{BTreeMap, BTreeSet};

use voordeur_kernel::calendar::Hours;

/// Minutes since 1970-01-01T00:00Z.
pub(crate) type Minute = i64;
/// Days since 1970-01-01, on the wall.
pub(crate) type Day = i64;

/// 01:00 UTC on the last Sundays of March and October of 2025, 2026 and 2027: to summer time, and back.
const CHANGES: [(&str, &str); 3] = [
    ("2025-03-30T01:00:00Z", "2025-10-26T01:00:00Z"),
    ("2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"),
    ("2027-03-28T01:00:00Z", "2027-10-31T01:00:00Z"),
];

/// The national holidays of 2025 to 2027, as a calendar on the wall has them.
const HOLIDAYS: &str = "2025-01-01 2025-04-20 2025-04-21 2025-04-26 2025-05-05 2025-05-29 2025-06-08 2025-06-09 2025-12-25 2025-12-26 \
    2026-01-01 2026-04-05 2026-04-06 2026-04-27 2026-05-14 2026-05-24 2026-05-25 2026-12-25 2026-12-26 \
    2027-01-01 2027-03-28 2027-03-29 2027-04-27 2027-05-06 2027-05-16 2027-05-17 2027-12-25 2027-12-26";

/// A moment as minutes.
pub(crate) fn minute_of(text: &str) -> Minute {
    crate::at(text).as_second() / 60
}

/// A day from its text.
pub(crate) fn day_of(text: &str) -> Day {
    minute_of(&format!("{text}T00:00:00Z")) / (24 * 60)
}

/// A place with opening hours.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) week: [Vec<Hours>; 7],
    pub(crate) on_holidays: bool,
    pub(crate) closed: BTreeSet<Day>,
    pub(crate) open: BTreeMap<Day, Vec<Hours>>,
    changes: Vec<(Minute, Minute)>,
    holidays: BTreeSet<Day>,
}

impl Place {
    pub(crate) fn new(week: [Vec<Hours>; 7], on_holidays: bool) -> Self {
        Self {
            week,
            on_holidays,
            closed: BTreeSet::new(),
            open: BTreeMap::new(),
            changes: CHANGES.iter().map(|(summer, winter)| (minute_of(summer), minute_of(winter))).collect(),
            holidays: HOLIDAYS.split_whitespace().map(day_of).collect(),
        }
    }

    /// Minutes on the wall since 1970-01-01T00:00 there.
    pub(crate) fn wall(&self, at: Minute) -> i64 {
        let summer = self.changes.iter().any(|(from, until)| *from <= at && at < *until);
        at + if summer { 120 } else { 60 }
    }

    fn hours_on(&self, day: Day) -> &[Hours] {
        if let Some(hours) = self.open.get(&day) {
            return hours;
        }
        if self.closed.contains(&day) || !self.on_holidays && self.holidays.contains(&day) {
            return &[];
        }
        // Day 0 was a Thursday.
        &self.week[usize::try_from((day + 3).rem_euclid(7)).unwrap()]
    }

    pub(crate) fn is_open(&self, at: Minute) -> bool {
        let wall = self.wall(at);
        let (day, minute) = (wall.div_euclid(1440), u16::try_from(wall.rem_euclid(1440)).unwrap());
        self.hours_on(day).iter().any(|hours| hours.from() <= minute && minute < hours.until())
    }

    /// The first open minute from a minute on.
    pub(crate) fn next_open(&self, mut at: Minute) -> Minute {
        while !self.is_open(at) {
            at += 1;
        }
        at
    }

    pub(crate) fn open_minutes(&self, from: Minute, until: Minute) -> u64 {
        (from..until).filter(|at| self.is_open(*at)).count() as u64
    }

    pub(crate) fn after_minutes(&self, mut at: Minute, mut left: u32) -> Minute {
        while left > 0 {
            left -= u32::from(self.is_open(at));
            at += 1;
        }
        at
    }

    /// The highest that the wall has shown by a minute: in the hour that comes twice, its end.
    fn shown(&self, at: Minute) -> i64 {
        (at - 120..at).map(|earlier| self.wall(earlier) + 1).chain([self.wall(at)]).max().unwrap()
    }

    pub(crate) fn after_days(&self, start: Minute, days: u32) -> Minute {
        if days == 0 {
            return start;
        }
        let shown = self.shown(start);
        let (first_day, minute) = (shown.div_euclid(1440), shown.rem_euclid(1440));
        let mut day = first_day;
        let mut left = days;
        while left > 0 {
            day += 1;
            left -= u32::from(!self.hours_on(day).is_empty());
        }
        let hours = self.hours_on(day);
        // Every time of day that lies within the opening hours or at the end of some; the wanted one, or the next, or the last.
        let allowed: Vec<i64> = (0..=1440)
            .filter(|m| hours.iter().any(|h| i64::from(h.from()) <= *m && *m <= i64::from(h.until())))
            .collect();
        let last = *allowed.last().unwrap();
        let wanted = if self.hours_on(first_day).is_empty() {
            last
        } else {
            allowed.iter().copied().find(|m| minute <= *m).unwrap_or(last)
        };
        let target = day * 1440 + wanted;
        (start..).find(|at| self.wall(*at) >= target).unwrap()
    }
}
