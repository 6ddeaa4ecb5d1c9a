//! The numbers of R, properties, and attacks on what is published.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "tests"
)]

mod attacker;
mod disclosure;
mod properties;
mod reference;
mod release;
mod walk;
