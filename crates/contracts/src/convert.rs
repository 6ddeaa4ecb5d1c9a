//! Conversions between wire types and the kernel's types.

use prost_types::Timestamp as WireTime;
use voordeur_kernel::Timestamp;

/// A moment on the wire.
#[must_use]
pub fn to_wire_time(moment: Timestamp) -> WireTime {
    let nanos = moment.subsec_nanosecond();
    // The wire counts nanoseconds forward from the second, also before 1970.
    if nanos < 0 {
        WireTime { seconds: moment.as_second() - 1, nanos: nanos + 1_000_000_000 }
    } else {
        WireTime { seconds: moment.as_second(), nanos }
    }
}

/// A moment from the wire; `None` when it lies outside the calendar or its nanoseconds are out of range.
#[must_use]
pub fn from_wire_time(wire: &WireTime) -> Option<Timestamp> {
    if !(0..1_000_000_000).contains(&wire.nanos) {
        return None;
    }
    Timestamp::new(wire.seconds, 0)
        .ok()?
        .checked_add(jiff::SignedDuration::from_nanos(wire.nanos.into()))
        .ok()
}
