//! The service on the in-memory broker, called over real gRPC.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod bad_input;
mod bulk;
mod commands;
mod details;
mod duty;
mod reads;
mod safety;
mod submit;
mod wakeups;
mod watch;
mod world;
