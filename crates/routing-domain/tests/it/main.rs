//! The choice of professional and the life of a task, in stories and in properties.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod choice;
mod directories;
mod follow_ups;
mod lives;
mod notices;
mod oncall_goalert;
mod policy;
mod policy_alertmanager;
mod presence;
mod promises;
mod steps;
mod stories;
mod support;
mod team;
mod withdrawals;
