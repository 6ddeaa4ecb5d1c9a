//! The directory from outside: files, times, versions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say with a panic what went wrong"
)]

mod agreements;
mod arrangements;
mod broken;
mod calendar_page;
mod files;
mod floor_hours;
mod notify;
mod policy;
mod presence;
mod presence_reference;
mod register;
mod store;
mod times;

pub(crate) const SAMPLE: &str = include_str!("../../../../deploy/directory/voorbeeld.toml");
pub(crate) const DEMO: &str = include_str!("../../../../deploy/directory/demo.toml");
