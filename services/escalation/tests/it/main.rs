//! The service on the in-memory twin of the broker: replicas, restarts, bad days, and what people of a centre see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say with a panic what went wrong"
)]

mod floor;
mod following;
mod further;
mod looking;
mod near;
mod recording;
mod report;
mod waiting;
mod world;
