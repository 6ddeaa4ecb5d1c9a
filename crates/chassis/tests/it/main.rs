//! The chassis around a service, over real sockets, with a real OTLP receiver.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod calls;
mod collector;
mod operators;
mod signals;
mod support;
mod traces;
