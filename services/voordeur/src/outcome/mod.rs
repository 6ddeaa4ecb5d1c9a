//! `voordeur outcome`: what became of children, in numbers that can be answered for. It needs no service.

mod classify;
mod survival;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The class of histories by ruleset ESC-1: was a referral avoided, and do we know it?
    Classify(classify::Arguments),
    /// Estimates of how long until something happens, from a file of subjects
    Survival(survival::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Classify(arguments) => classify::run(arguments),
        Command::Survival(arguments) => survival::run(arguments),
    }
}
