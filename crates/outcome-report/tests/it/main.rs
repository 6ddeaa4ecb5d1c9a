//! The report from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests say with a panic what went wrong"
)]

mod attacker;
mod golden;
mod texts;
mod world;
mod worlds;
