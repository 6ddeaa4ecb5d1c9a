//! The command line of the benches.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its terminal")]

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use voordeur_bench::{Bench, Plan, run};

/// Measures the real binaries beside the bare broker, in turns, on one broker that syncs before it acknowledges.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    after_help = "\
The table goes to standard output; with --json it goes to standard error and JSON to standard
output. Progress goes to standard error. Goals are printed beside their figures. Another machine
gives other numbers: what counts are ratios.

Examples:
  cargo xtask bench
  cargo xtask bench intake journey --rounds 9 --seconds 5
  cargo xtask bench restart --levels 1000,100000 --json > restart.json
  cargo xtask bench routing --levels 1000,1000000
  cargo xtask bench outcomes --signals 200000
  cargo xtask bench --check-goals"
)]
struct Args {
    /// What to measure; everything when left out
    benches: Vec<Bench>,
    /// Alternating rounds; the median of them counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Seconds of one measurement
    #[arg(long, default_value = "2", value_parser = seconds)]
    seconds: Duration,
    /// Open tasks in the log for growth, restart and routing, smallest first; the first one is what the others are compared with
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000], value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    levels: Vec<u32>,
    /// Signals of the invented decade of a whole country, for outcomes
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    signals: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// End with exit code 1 when a goal is not met
    #[arg(long)]
    check_goals: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds, for instance 0.5".to_owned())?;
    if (0.01..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("give between 0.01 and 3600 seconds".to_owned())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let mut levels: Vec<usize> = args.levels.iter().map(|level| *level as usize).collect();
    levels.sort_unstable();
    levels.dedup();
    let plan = Plan {
        benches: if args.benches.is_empty() { Bench::ALL.to_vec() } else { args.benches },
        rounds: args.rounds.into(),
        length: args.seconds,
        levels,
        signals: args.signals as usize,
        centres: 250,
        stream_gigabytes: 8,
    };
    let report = Box::pin(run(&plan)).await;
    if args.json {
        eprint!("{}", report.table());
        println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        print!("{}", report.table());
    }
    if args.check_goals && !report.goals_met() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
