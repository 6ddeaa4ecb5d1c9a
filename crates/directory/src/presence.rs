//! Weekly presence in local time, and what it means at a moment. Clock changes are the time zone's business: somebody who is there
//! "from 01:00 until 04:00" is there for two hours in the night of spring and for four in the night of autumn.

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};
use voordeur_kernel::CentreKey;

/// The time zone of every centre.
pub const ZONE: &str = "Europe/Amsterdam";

/// Minutes of a day; the end of a presence until midnight.
pub(crate) const DAY_MINUTES: u16 = 24 * 60;

/// One interval of a week at one centre: from a minute (included) until a minute (not included), local time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Presence {
    /// Where.
    pub centre: CentreKey,
    /// Day of the week, 1 = Monday to 7 = Sunday.
    pub weekday: u8,
    /// Minute of the day, 0-1439.
    pub from: u16,
    /// Minute of the day, 1-1440, greater than `from`; 1440 is midnight.
    pub until: u16,
}

/// Is this local moment within the interval?
#[must_use]
pub fn is_within(presence: &Presence, local: DateTime) -> bool {
    // Both are counted in whole minutes; the seconds of a minute belong to it.
    let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    number(local.date().weekday()) == presence.weekday && (presence.from..presence.until).contains(&minute)
}

pub(crate) fn number(weekday: Weekday) -> u8 {
    weekday.to_monday_one_offset().unsigned_abs()
}

/// Is one of these intervals running at a moment?
pub(crate) fn is_scheduled(
    zone: &TimeZone,
    at: Timestamp,
    presence: impl IntoIterator<Item = impl std::borrow::Borrow<Presence>>,
) -> bool {
    let local = zone.to_datetime(at);
    presence.into_iter().any(|interval| is_within(interval.borrow(), local))
}

/// The first moment at or after `at` when one of these intervals runs. A week has every weekday, and one more covers an interval that
/// a clock change swallowed.
pub(crate) fn next(zone: &TimeZone, at: Timestamp, presence: &[&Presence]) -> Option<Timestamp> {
    let running = |moment: &Timestamp| is_scheduled(zone, *moment, presence.iter().copied());
    if running(&at) {
        return Some(at);
    }
    let today = zone.to_datetime(at).date();
    let horizon = at.checked_add(SignedDuration::from_hours(24 * 16)).ok()?;
    // Presence begins where an interval begins, or in the middle of one where the clock jumps into it.
    let jumps = zone.following(at).map(|t| t.timestamp()).take_while(|t| *t <= horizon);
    let starts = (0..=15_i64)
        .filter_map(|days| today.checked_add(days.days()).ok())
        .flat_map(|day| {
            presence.iter().filter(move |p| p.weekday == number(day.weekday())).map(move |p| (day, p.from))
        })
        .flat_map(|(day, minute)| moments(zone, day, minute));
    jumps.chain(starts).filter(|moment| *moment >= at && running(moment)).min()
}

/// Every moment at which the clock on the wall shows this minute: usually one, none or two when the clock changes.
fn moments(zone: &TimeZone, day: Date, minute: u16) -> Vec<Timestamp> {
    let hour = i8::try_from(minute / 60).unwrap_or_default();
    let local = day.at(hour, i8::try_from(minute % 60).unwrap_or_default(), 0, 0);
    let ambiguous = zone.to_ambiguous_timestamp(local);
    [ambiguous.earlier(), ambiguous.later()].into_iter().filter_map(Result::ok).collect()
}
