//! Reading parts of messages. An event that cannot be read says which field, never what stood there.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

use prost::bytes::Bytes;
use voordeur_contracts::convert::from_wire_time;
use voordeur_kernel::{CentreKey, GroupKey, OrganisationKey, ProfessionalKey, Timestamp};

use super::words::Word;

/// The path of a field that cannot be read.
pub(crate) type BadField = String;
/// A part, or which field was bad.
pub(crate) type Read<T> = Result<T, BadField>;

/// Says which field.
pub(crate) fn bad<T>(field: &str) -> Read<T> {
    Err(field.to_owned())
}

/// Puts the path of a part before the path within it.
pub(crate) fn within<T>(part: &str, read: Read<T>) -> Read<T> {
    read.map_err(|field| format!("{part}.{field}"))
}

pub(crate) fn word<W: Word>(number: i32, field: &str) -> Read<W> {
    W::of(number).map_or_else(|| bad(field), Ok)
}

pub(crate) fn moment(wire: Option<&prost_types::Timestamp>, field: &str) -> Read<Timestamp> {
    wire.and_then(from_wire_time).map_or_else(|| bad(field), Ok)
}

/// An optional moment: absent is fine, damaged is not.
pub(crate) fn maybe_moment(wire: Option<&prost_types::Timestamp>, field: &str) -> Read<Option<Timestamp>> {
    wire.map(|wire| moment(Some(wire), field)).transpose()
}

pub(crate) fn id<T, E>(bytes: &[u8], parse: impl FnOnce(&[u8]) -> Result<T, E>, field: &str) -> Read<T> {
    parse(bytes).or_else(|_| bad(field))
}

/// Keys that are shared; a stream that names more is damaged or strange, and must not fill the memory.
const SHARED_MAX: usize = 100_000;

/// One allocation per key, however many tasks name it: keys come from the directory, so there are few.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident -> $key:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(text: &str, field: &str) -> Read<$key> {
            static POOL: LazyLock<Mutex<HashSet<$key>>> = LazyLock::new(Mutex::default);
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = pool.get(text) {
                return Ok(key.clone());
            }
            let Ok(key) = $key::parse(text) else { return bad(field) };
            if pool.len() < SHARED_MAX {
                pool.insert(key.clone());
            }
            Ok(key)
        }
    )*};
}

keys! {
    /// Somebody.
    person -> ProfessionalKey;
    /// An organisation.
    organisation -> OrganisationKey;
    /// A centre.
    centre -> CentreKey;
    /// A group.
    group -> GroupKey;
}

/// A key that may be left empty.
pub(crate) fn maybe<T>(text: &str, field: &str, read: impl FnOnce(&str, &str) -> Read<T>) -> Read<Option<T>> {
    if text.is_empty() { Ok(None) } else { read(text, field).map(Some) }
}

pub(crate) fn people(keys: &[String], field: &str) -> Read<Vec<ProfessionalKey>> {
    keys.iter().map(|key| person(key, field)).collect()
}

pub(crate) fn names(people: &[ProfessionalKey]) -> Vec<String> {
    people.iter().map(ToString::to_string).collect()
}

/// Bytes of an id on the wire.
pub(crate) fn wire_id(bytes: &[u8; 16]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
