//! The calendar of a place with opening hours.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use super::{
    Calendar, amsterdam, elapsed,
    holidays::is_holiday,
    hours::{DAY_MINUTES, Hours},
    runs::{Run, Runs},
    wall,
};
use crate::Span;

/// Monday to Sunday.
pub const WEEKDAYS: usize = 7;
/// A longer span is over at the end of time: nobody promises something for longer than a century.
const WORKING_DAYS_MAX: u32 = 36_525;
/// Opening of somebody who did not say: Monday to Friday from 08:00 until 17:00.
const OFFICE: (u16, u16) = (8 * 60, 17 * 60);

/// A week without any opening hours: working time in it would never pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is never open; give opening hours on at least one day of the week")]
pub struct NeverOpen;

/// Counts the time during which a place is open: opening hours of the week, without national holidays and days on which it is closed, with
/// the days on which it is open all the same.
///
/// A *working day* is a day with opening hours. `n` working days from a moment is the same time of day on the `n`th working day after it,
/// moved into the opening hours of that day. What starts on a day that is closed starts at the end of that day. A *working minute* is a
/// minute that passes while the place is open.
///
/// In the hour that comes twice the time of day is the end of that hour the second time; a moment in the hour that does not exist is
/// the moment of the jump. So for every start and every span: never before the start; a later start and a longer span are never over earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingTime {
    zone: TimeZone,
    week: [Vec<Hours>; WEEKDAYS],
    open_on_holidays: bool,
    closed: BTreeSet<Date>,
    open: BTreeMap<Date, Vec<Hours>>,
}

impl WorkingTime {
    /// A week of opening hours, Monday first; closed on national holidays.
    ///
    /// # Errors
    /// [`NeverOpen`] when no day has any.
    pub fn new(zone: TimeZone, week: [Vec<Hours>; WEEKDAYS]) -> Result<Self, NeverOpen> {
        if week.iter().all(Vec::is_empty) {
            return Err(NeverOpen);
        }
        Ok(Self {
            zone,
            week: week.map(Hours::merged),
            open_on_holidays: false,
            closed: BTreeSet::new(),
            open: BTreeMap::new(),
        })
    }

    /// Open from Monday to Friday from 08:00 until 17:00 in the zone of the centres, closed on national holidays.
    #[must_use]
    pub fn office() -> Self {
        Self {
            zone: amsterdam(),
            week: Self::office_week(),
            open_on_holidays: false,
            closed: BTreeSet::new(),
            open: BTreeMap::new(),
        }
    }

    /// The opening hours of [`WorkingTime::office`].
    #[must_use]
    pub fn office_week() -> [Vec<Hours>; WEEKDAYS] {
        let day = || Hours::new(OFFICE.0, OFFICE.1).into_iter().collect();
        [day(), day(), day(), day(), day(), Vec::new(), Vec::new()]
    }

    /// Open on national holidays as on other days.
    #[must_use]
    pub const fn open_on_holidays(mut self) -> Self {
        self.open_on_holidays = true;
        self
    }

    /// Closed on these days too.
    #[must_use]
    pub fn with_closed(mut self, days: impl IntoIterator<Item = Date>) -> Self {
        self.closed.extend(days);
        self
    }

    /// Open during these hours on a day, whatever the week, the holidays and the closed days say. Without hours: the hours of its weekday.
    #[must_use]
    pub fn with_open(mut self, day: Date, hours: Vec<Hours>) -> Self {
        let hours = if hours.is_empty() { self.weekly(day).to_vec() } else { hours };
        let all = self.open.entry(day).or_default();
        let known = std::mem::take(all);
        *all = Hours::merged(known.into_iter().chain(hours).collect());
        self
    }

    /// Where the hours hold.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn weekly(&self, day: Date) -> &[Hours] {
        let index = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        self.week.get(index).map_or(&[], Vec::as_slice)
    }

    /// The opening hours of a day in order; none when it is closed.
    #[must_use]
    pub fn hours_on(&self, day: Date) -> &[Hours] {
        match self.open.get(&day) {
            Some(hours) => hours,
            None if self.is_closed_on(day) => &[],
            None => self.weekly(day),
        }
    }

    /// Is the day taken out of the week: a national holiday or a day on which the place is closed for once? A Sunday of a place that is
    /// never open on Sundays is not.
    #[must_use]
    pub fn is_closed_on(&self, day: Date) -> bool {
        !self.open.contains_key(&day)
            && (self.closed.contains(&day) || !self.open_on_holidays && is_holiday(day))
    }

    /// Is it open at some time of the day?
    #[must_use]
    pub fn is_open_day(&self, day: Date) -> bool {
        !self.hours_on(day).is_empty()
    }

    /// Does the place open on this day of the week, by its week?
    #[must_use]
    pub fn opens_on(&self, weekday: Weekday) -> bool {
        let index = usize::from(weekday.to_monday_zero_offset().unsigned_abs());
        self.week.get(index).is_some_and(|hours| !hours.is_empty())
    }

    /// Is it open at a moment?
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        // Hours are whole minutes; the seconds of a minute belong to it.
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        self.hours_on(local.date()).iter().any(|hours| hours.covers(minute))
    }

    /// The first moment at or after `at` when it is open; nothing at the end of the calendar only.
    #[must_use]
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        self.open_between(at, Timestamp::MAX).next().map(|run| run.from)
    }

    /// The stretches of time during which it is open, in order, within `from` (included) until `until` (not included).
    pub fn open_between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Run> {
        Runs::new(&self.zone, from, until, |day| Cow::Borrowed(self.hours_on(day)))
    }

    /// Whole minutes of opening between two moments; 0 when the second is not later.
    #[must_use]
    pub fn working_minutes_between(&self, from: Timestamp, until: Timestamp) -> u64 {
        let open: SignedDuration = self.open_between(from, until).map(|run| run.length()).sum();
        u64::try_from(open.as_mins()).unwrap_or_default()
    }

    /// The day after a day on which it is open, `count` of them further.
    fn open_day_after(&self, mut day: Date, count: u32) -> Option<Date> {
        for _ in 0..count {
            day = day.tomorrow().ok()?;
            while !self.is_open_day(day) {
                day = day.tomorrow().ok()?;
            }
        }
        Some(day)
    }

    fn after_days(&self, start: Timestamp, days: u32) -> Timestamp {
        if days == 0 {
            return start;
        }
        if days > WORKING_DAYS_MAX {
            return Timestamp::MAX;
        }
        let local = wall::shown(&self.zone, start);
        let Some(day) = self.open_day_after(local.date(), days) else { return Timestamp::MAX };
        let time = if self.is_open_day(local.date()) {
            local.time()
        } else {
            // A closed day has no time of day: the end of it, which is the end of the opening hours further on.
            return wall::first(&self.zone, wall::on(day, self.closing(day)));
        };
        let wanted = day.to_datetime(time);
        let opening = self.hours_on(day).iter().find_map(|hours| {
            let (from, until) = (wall::on(day, hours.from()), wall::on(day, hours.until()));
            (wanted <= until).then(|| wanted.max(from))
        });
        let moment = opening.unwrap_or_else(|| wall::on(day, self.closing(day)));
        wall::first(&self.zone, moment)
    }

    /// The minute at which it closes for the day.
    fn closing(&self, day: Date) -> u16 {
        self.hours_on(day).last().map_or(DAY_MINUTES, |hours| hours.until())
    }

    fn after_minutes(&self, start: Timestamp, minutes: u32) -> Timestamp {
        if minutes == 0 {
            return start;
        }
        let mut left = SignedDuration::from_mins(i64::from(minutes));
        for run in self.open_between(start, Timestamp::MAX) {
            let length = run.length();
            if left <= length {
                return run.from.checked_add(left).unwrap_or(Timestamp::MAX);
            }
            left -= length;
        }
        Timestamp::MAX
    }
}

impl Calendar for WorkingTime {
    fn after(&self, start: Timestamp, span: Span) -> Timestamp {
        match span {
            Span::Elapsed(seconds) => elapsed(start, seconds),
            Span::WorkingDays(days) => self.after_days(start, days),
            Span::WorkingMinutes(minutes) => self.after_minutes(start, minutes),
        }
    }
}
