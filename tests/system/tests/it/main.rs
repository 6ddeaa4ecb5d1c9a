//! Tests of real processes; see the library of this package.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod crash;
mod damage;
mod floor;
mod trace;
