//! The service on a broker in memory, spoken to over real gRPC.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_update,
    reason = "tests"
)]

mod acts;
mod auditing;
mod behind;
mod clocks;
mod complaints;
mod coordinators;
mod explaining;
mod follow_ups;
mod following;
mod looks;
mod metrics;
mod neighbours;
mod notice_watch;
mod notices;
mod presence;
mod routing;
mod second_coordinator;
mod secure_mail;
mod support;
mod team;
mod transfers;
mod watching;
