//! `cargo xtask crash`; see `voordeur_system_tests::rounds`.

use std::process::ExitCode;

use clap::Parser as _;
use voordeur_system_tests::rounds::cli;

#[tokio::main(worker_threads = 4)]
async fn main() -> ExitCode {
    cli::run(cli::Args::parse()).await
}
