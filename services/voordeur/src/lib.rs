//! The command line of Voordeur, and every service in one process.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused by a rule, 4 not available now: try again.

mod activity;
mod arguments;
mod audit;
mod client;
mod demo;
mod episode;
pub mod failure;
mod notice;
mod operations;
mod outcome;
mod output;
mod plain;
mod presence;
mod routes;
pub mod serve;
mod signal;
mod submit;
mod task;
pub mod wire;

use std::process::ExitCode;

/// Events are many small blocks that one thread makes and another frees. The allocator of the C library spent a third of routing's time on
/// that; see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use arguments::Cli;
use arguments::Command;
use failure::Failure;
pub use outcome::survival_of;

/// Does what the command line asks.
pub async fn run(cli: Cli) -> ExitCode {
    let global = cli.global;
    let json = global.json;
    // On their own heap blocks: one of these futures is large, the others need not be.
    let outcome = match cli.command {
        Command::Serve(command) => Box::pin(serve::run(command, global.config)).await,
        Command::Keys(command) => operations::keys::run(command, &global),
        Command::Config(command) => operations::config::run(&command, &global),
        Command::Routes(command) => Box::pin(routes::run(command, &global)).await,
        Command::Streams(command) => Box::pin(operations::streams::run(command, &global)).await,
        Command::Directory(command) => Box::pin(operations::directory::run(command, &global)).await,
        Command::DeadLetters(command) => Box::pin(operations::dead_letters::run(command, &global)).await,
        Command::Signal(command) => Box::pin(signal::run(command, &global)).await,
        Command::Task(command) => Box::pin(task::run(command, &global)).await,
        Command::Notice(command) => Box::pin(notice::run(command, &global)).await,
        Command::Audit(options) => Box::pin(audit::run(&options, &global)).await,
        Command::Presence(command) => Box::pin(presence::run(command, &global)).await,
        Command::Episode(command) => Box::pin(episode::run(command, &global)).await,
        Command::Activity(command) => Box::pin(activity::run(command, &global)).await,
        Command::Outcome(command) => Box::pin(outcome::run(&command, &global)).await,
        Command::Demo(arguments) => Box::pin(demo::run(arguments, json)).await,
    };
    finish(outcome, json)
}

/// Tells what went wrong, if anything, and with which code to end.
pub fn finish(outcome: Result<ExitCode, Failure>, json: bool) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            if !failure.message.is_empty() {
                output::complain(&failure.shown(json));
            }
            failure.exit_code()
        }
    }
}
