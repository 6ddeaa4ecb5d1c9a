//! Plays seeds: `cargo xtask simulate --seeds 1000`, and one of them again: `cargo xtask simulate --seed 42`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its terminal")]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::json;
use voordeur_simulation::{Done, Failure, run_caught};

#[derive(Parser)]
#[command(
    name = "cargo xtask simulate",
    about = "Every service over a broker in memory, troubled by one seed"
)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Only this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Stop after so many seconds, whatever is left.
    #[arg(long)]
    seconds: Option<u64>,
    /// Seeds side by side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The result as JSON on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Total {
    seeds: u64,
    done: Done,
    failures: Vec<Failure>,
    told: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let (first, count) = args.seed.map_or((args.from, args.seeds), |seed| (seed, 1));
    let began = Instant::now();
    let end = args.seconds.map(|seconds| began + Duration::from_secs(seconds));
    let next = AtomicU64::new(first);
    let total = Mutex::new(Total::default());
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || end.is_some_and(|end| Instant::now() >= end) {
                        return;
                    }
                    let outcome = run_caught(seed);
                    take(&mut total.lock().unwrap_or_else(PoisonError::into_inner), outcome, began, count);
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = began.elapsed().as_secs_f64();
    let Total { seeds, done, failures, .. } = &total;
    if args.json {
        let failed: Vec<u64> = failures.iter().map(|failure| failure.seed).collect();
        let result = json!({
            "seeds": seeds, "steps": done.steps, "events": done.events, "signals": done.signals, "calls": done.calls,
            "troubles": done.troubles, "kills": done.kills, "task_events": done.kinds, "failed_seeds": failed,
            "seconds": (seconds * 10.0).round() / 10.0,
        });
        println!("{result}");
    } else {
        println!(
            "{seeds} seeds, {} steps, {} signals, {} events, {} calls, {} troubles among which {} kills, {seconds:.1} s: {}",
            done.steps,
            done.signals,
            done.events,
            done.calls,
            done.troubles,
            done.kills,
            if failures.is_empty() {
                "no promise was broken".to_owned()
            } else {
                format!("{} seeds broke a promise", failures.len())
            }
        );
    }
    if args.seed.is_some() && failures.is_empty() && !args.json {
        println!("fingerprint of the log: {:016x}", done.fingerprint);
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn take(total: &mut Total, outcome: Result<Done, Box<Failure>>, began: Instant, count: u64) {
    total.seeds += 1;
    match outcome {
        Ok(done) => {
            let sum = &mut total.done;
            sum.steps += done.steps;
            sum.events += done.events;
            sum.signals += done.signals;
            sum.calls += done.calls;
            sum.troubles += done.troubles;
            sum.kills += done.kills;
            sum.fingerprint = done.fingerprint;
            for (kind, count) in done.kinds {
                *sum.kinds.entry(kind).or_default() += count;
            }
        }
        Err(failure) => {
            eprintln!("{failure}\n");
            total.failures.push(*failure);
        }
    }
    let now = began.elapsed().as_secs();
    if now >= total.told + 5 {
        total.told = now;
        eprintln!("{now:>5} s: {} of {count} seeds, {} failed", total.seeds, total.failures.len());
    }
}
