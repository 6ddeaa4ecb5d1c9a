//! The project's own tasks: `cargo xtask <task>`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its terminal")]

mod ci;
mod codegen;
mod fuzz;
mod layering;
mod steps;
mod tidy;
mod tools;

use std::{path::Path, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    steps::{Steps, cargo, command, run},
    tools::Tools,
};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Tasks of the Voordeur project")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and run every test; installs the tools that are missing.
    Test,
    /// Everything that must hold before a change lands: static checks, then `test`.
    Ci,
    /// Play an invented kindcentrum on real services and a real broker; arguments go to `voordeur demo`.
    Demo {
        /// For instance `--once` or `--json`; see `cargo xtask demo -- --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure in one run what the real binaries cost, beside what the broker itself costs.
    Bench {
        /// For instance `intake restart --rounds 9` or `--json`; see `cargo xtask bench -- --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Play every service over a broker in memory, troubled by one seed, and check the promises after every step.
    Simulate {
        /// For instance `--seeds 1000`, or `--seed 42` to play one again; see `cargo xtask simulate -- --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Play rounds on real processes: a seed says who is killed, frozen or cut off and when; then everything is compared.
    Crash {
        /// For instance `--rounds 20` or `--json`; see `cargo xtask crash -- --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Feed every decoder inputs that are guided by coverage; needs a C++ compiler.
    Fuzz(fuzz::Args),
    /// Install the tools that are missing into a folder outside the clone, and say where they are.
    Tools,
    /// Generate the protobuf code of crates/contracts anew.
    Codegen {
        /// Change nothing; fail when the code in the tree is not what proto/ gives.
        #[arg(long)]
        check: bool,
        /// Also record proto/baseline, against which breaking changes are found. Only at a release, or before the first one.
        #[arg(long, conflicts_with = "check")]
        baseline: bool,
    },
    /// Compare the dependencies between packages with the reviewed file.
    Layering,
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let outcome =
        root.canonicalize().map_err(|e| e.to_string()).and_then(|root| perform(&root, Args::parse().task));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(root: &Path, task: Task) -> Result<ExitCode, String> {
    match task {
        Task::Test => {
            let mut steps = Steps::default();
            let outcome = ci::test(root, &mut steps);
            steps.finish().and(outcome)?;
        }
        Task::Ci => ci::ci(root)?,
        Task::Demo { args } => {
            return play(root, &["build", "--workspace", "--locked"], "debug/voordeur", &["demo"], &args);
        }
        Task::Bench { args } => {
            let build =
                ["build", "--release", "--locked", "--package", "voordeur", "--package", "voordeur-bench"];
            return play(root, &build, "release/voordeur-bench", &[], &args);
        }
        Task::Simulate { args } => {
            // Optimised, with every check on: it pays from a few hundred seeds, and then five times over.
            let build = ["build", "--locked", "--profile", "fuzz", "--package", "voordeur-simulation"];
            return play(root, &build, "fuzz/voordeur-simulate", &[], &args);
        }
        Task::Crash { args } => {
            let build = ["build", "--locked", "--package", "voordeur", "--package", "voordeur-system-tests"];
            return play(root, &build, "debug/voordeur-crash", &[], &args);
        }
        Task::Fuzz(args) => fuzz::fuzz(root, &args)?,
        Task::Tools => show_tools(root)?,
        Task::Codegen { check: true, .. } => codegen::check(root)?,
        Task::Codegen { baseline, .. } => {
            codegen::generate(root, &root.join(codegen::FOLDER))?;
            if baseline {
                codegen::record_baseline(root)?;
            }
        }
        Task::Layering => layering::check(root)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds, and hands over to a program of ours; its exit code is ours.
fn play(
    root: &Path,
    build: &[&str],
    program: &str,
    first: &[&str],
    args: &[String],
) -> Result<ExitCode, String> {
    run(&mut cargo(root, build))?;
    let mut play = command(root, ci::target_folder(root)?.join(program), first);
    play.args(args);
    Tools::new(root)?.prepare(&mut play)?;
    let status = play.status().map_err(|e| format!("{program} could not be started: {e}"))?;
    // Ended by a signal: there is no code.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn show_tools(root: &Path) -> Result<(), String> {
    let tools = Tools::new(root)?;
    println!("nats-server  {}", tools.nats_server()?.display());
    println!("smtp server  {}", tools.smtp_server()?.display());
    println!("typos        {}", tools.typos()?.display());
    println!("node tools   {}", tools.node()?.display());
    Ok(())
}
