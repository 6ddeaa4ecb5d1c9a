//! Between moments and the clock on the wall, in an order that clock changes do not disturb.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};

use super::hours::DAY_MINUTES;

/// A minute of a day on the wall; 1440 is 00:00 of the day after. At the end of the calendar: its last moment.
pub(super) fn on(day: Date, minute: u16) -> DateTime {
    if minute >= DAY_MINUTES {
        return day.tomorrow().map_or(DateTime::MAX, |day| day.to_datetime(Time::midnight()));
    }
    let part = |number: u16| i8::try_from(number).unwrap_or_default();
    day.at(part(minute / 60), part(minute % 60), 0, 0)
}

/// What the clock on the wall shows, without ever going back: in the hour that comes twice it stands still at the end of that hour the
/// second time. So somebody who asks later is never promised an earlier moment.
pub(super) fn shown(zone: &TimeZone, at: Timestamp) -> DateTime {
    let local = zone.to_datetime(at);
    let just_after = at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at);
    let Some(change) = zone.preceding(just_after).next() else { return local };
    let Ok(before) = change.timestamp().checked_sub(SignedDuration::from_nanos(1)) else { return local };
    let highest = zone.to_offset(before).to_datetime(change.timestamp());
    local.max(highest)
}

/// The first moment at which the clock on the wall shows this or later. In the hour that does not exist: the moment of the jump.
pub(super) fn first(zone: &TimeZone, wall: DateTime) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // Read with the offset before the jump the moment lies behind it; the jump is the last change before that.
            let Ok(behind) = before.to_timestamp(wall) else { return Timestamp::MAX };
            let just_after = behind.checked_add(SignedDuration::from_nanos(1)).unwrap_or(behind);
            zone.preceding(just_after).next().map_or(behind, |change| change.timestamp())
        }
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(wall).unwrap_or(Timestamp::MAX)
        }
    }
}
