//! The command line as people use it: the real binary, on a real broker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod all;
mod audit;
mod coming_due;
mod demo;
mod floor;
mod help;
mod offline;
mod operations;
mod outcome;
mod outcome_classify;
mod outcome_report;
mod people;
mod registers;
mod routes;
mod support;
mod team;
