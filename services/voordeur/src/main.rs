//! Everything in one process, and the command line.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    voordeur::run(voordeur::Cli::parse()).await
}
