//! The event log as a whole. One binary; every module one subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say with a panic what went wrong"
)]

mod cluster;
mod conformance;
mod documents;
mod fold;
mod groups;
mod real;
mod side_by_side;
mod twin;

use voordeur_eventlog::memory::{Faults, MemoryBroker};

/// The twin, on a bad day when a seed is given.
fn twin(seed: Option<u64>) -> MemoryBroker {
    seed.map_or_else(MemoryBroker::new, |seed| MemoryBroker::with_faults(Faults::rough(seed)))
}
