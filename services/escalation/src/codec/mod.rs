//! Events of episodes on the wire. Reading says which field is wrong, never what it holds.

pub(crate) mod facts;
mod read;
#[cfg(test)]
mod tests;
mod write;

use voordeur_contracts::convert::from_wire_time;
use voordeur_kernel::{CentreKey, Timestamp};

pub use read::read_event;
pub use write::write_event;
pub(crate) use write::{deadline_to_wire, number, write, write_change};

/// Name of this service, in actors, dead letters and audit records.
pub(crate) const SERVICE: &str = "escalation";
/// `ce-source` of its events.
pub(crate) const SOURCE: &str = "voordeur/escalation";
/// `ce-type` of episodes.
pub(crate) const EPISODE_KIND: &str = "nl.voordeur.episode.v1";

/// Outcome of reading: the field that is wrong, or the value.
pub(crate) type Read<T> = Result<T, String>;

/// A field is wrong or missing.
pub(crate) fn bad<T>(field: &str) -> Read<T> {
    Err(format!("{field} is missing or wrong"))
}

/// An id of 16 bytes.
pub(crate) fn id<T, E>(bytes: &[u8], parse: impl Fn(&[u8]) -> Result<T, E>, field: &str) -> Read<T> {
    parse(bytes).or_else(|_| bad(field))
}

/// A moment.
pub(crate) fn moment(wire: Option<&prost_types::Timestamp>, field: &str) -> Read<Timestamp> {
    wire.and_then(from_wire_time).map_or_else(|| bad(field), Ok)
}

/// A word whose number is its place in a list plus one; 0 is "not said".
pub(crate) fn by_place<T: Copy>(number: i32, words: &[T], field: &str) -> Read<T> {
    let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    place.and_then(|place| words.get(place)).copied().map_or_else(|| bad(field), Ok)
}

/// A centre.
pub(crate) fn centre(text: &str, field: &str) -> Read<CentreKey> {
    CentreKey::parse(text).or_else(|_| bad(field))
}

/// A severity; 0 is "not asked".
pub(crate) fn severity(number: u32, field: &str) -> Read<Option<u8>> {
    match u8::try_from(number) {
        Ok(0) => Ok(None),
        Ok(severity @ 1..=5) => Ok(Some(severity)),
        _ => bad(field),
    }
}
