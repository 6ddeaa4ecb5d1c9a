//! What the contracts promise, checked on the descriptors and on bytes that were recorded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may"
)]

mod conversions;
mod golden;
mod manners;
mod samples;
