//! `voordeur outcome`: what became of children, in numbers that can be answered for.

mod classify;
mod report;
mod survival;

use std::process::ExitCode;

use clap::Subcommand;

pub use survival::survival_of;

use crate::{arguments::Global, failure::Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The class of histories by ruleset ESC-1: was a referral avoided, and do we know it?
    Classify(classify::Arguments),
    /// What became of the children of a period and centres, as it may be shown (asks the escalation service)
    Report(report::Arguments),
    /// Estimates of how long until something happens, from a file of subjects
    Survival(survival::Arguments),
}

pub(crate) async fn run(command: &Command, global: &Global) -> Result<ExitCode, Failure> {
    match command {
        Command::Classify(arguments) => classify::run(arguments),
        Command::Report(arguments) => report::run(arguments, global).await,
        Command::Survival(arguments) => survival::run(arguments),
    }
}
