//! Plays seeds: `cargo xtask simulate --seeds 1000`, and one of them again: `cargo xtask simulate --seed 42`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its terminal")]

use std::{
    collections::BTreeSet,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::json;
use voordeur_simulation::{
    Done, Failure, Settings, run_caught,
    settings::Kind,
    shrink::{Bound, Shrunk, shrink},
};

#[derive(Parser)]
#[command(
    name = "cargo xtask simulate",
    about = "Every service over a broker in memory, troubled by one seed",
    after_help = "Examples:
  cargo xtask simulate --seeds 1000
  cargo xtask simulate --seeds 10000 --json > result.json
  cargo xtask simulate --seed 42
  cargo xtask simulate --seed 42 --steps 31 --without freeze,weather --only 3,9,14

A run that breaks a promise is made smaller before it is printed, with the command that plays the smaller one."
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
    /// Not more choices than this.
    #[arg(long)]
    steps: Option<u64>,
    /// Only these choices.
    #[arg(long, value_delimiter = ',')]
    only: Option<Vec<u64>>,
    /// Kinds of choices that are left out.
    #[arg(long, value_delimiter = ',')]
    without: Vec<Kind>,
    /// Not more replicas of a service than this.
    #[arg(long)]
    replicas: Option<usize>,
    /// Look for a smaller run for at most so many seconds, for each of the first three failures; 0 leaves it.
    #[arg(long, default_value_t = 30)]
    shrink: u64,
    /// The result as JSON on stdout.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn settings(&self, seed: u64) -> Settings {
        Settings {
            seed,
            steps: self.steps,
            only: self.only.as_ref().map(|only| only.iter().copied().collect()),
            without: self.without.iter().copied().collect::<BTreeSet<_>>(),
            replicas: self.replicas,
        }
    }
}

/// Failures that are made smaller; with more of them something is wrong that shows at once.
const SHRUNK_MAX: u64 = 3;

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
    let shrunk = AtomicU64::new(0);
    let total = Mutex::new(Total::default());
    // A panic is a failure with a seed; its place is enough.
    std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || end.is_some_and(|end| Instant::now() >= end) {
                        return;
                    }
                    let outcome = run_caught(&args.settings(seed));
                    if let Err(failure) = &outcome {
                        eprintln!("{failure}\n");
                        if args.shrink > 0 && shrunk.fetch_add(1, Ordering::Relaxed) < SHRUNK_MAX {
                            tell_smaller(failure, args.shrink);
                        }
                    }
                    take(&mut total.lock().unwrap_or_else(PoisonError::into_inner), outcome, began, count);
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = began.elapsed().as_secs_f64();
    if args.json {
        print_json(&total, seconds)
    } else {
        print(&total, seconds, args.seed.is_some())
    }
    if total.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell_smaller(failure: &Failure, seconds: u64) {
    eprintln!("looking for a smaller run for at most {seconds} s");
    let Shrunk { failure: smaller, runs } =
        shrink(failure, Bound { time: Duration::from_secs(seconds), ..Bound::default() });
    if smaller.settings == failure.settings {
        eprintln!("after {runs} runs none was found\n");
    } else {
        eprintln!("after {runs} runs, the smallest that breaks it in the same way:\n{smaller}\n");
    }
}

fn print_json(total: &Total, seconds: f64) {
    let Total { seeds, done, failures, .. } = total;
    let failed: Vec<u64> = failures.iter().map(|failure| failure.settings.seed).collect();
    let result = json!({
        "seeds": seeds, "steps": done.steps, "events": done.events, "signals": done.signals, "calls": done.calls,
        "troubles": done.troubles, "kills": done.kills, "restores": done.restores, "watched_items": done.sightings,
        "days": done.days, "choices_made_again": done.replayed, "tasks_explained": done.explained, "people_asked": done.asked,
        "task_events": done.kinds, "failed_seeds": failed, "seconds": (seconds * 10.0).round() / 10.0,
    });
    println!("{result}");
}

fn print(total: &Total, seconds: f64, one: bool) {
    let Total { seeds, done, failures, .. } = total;
    println!(
        "{seeds} seeds, {} days, {} steps, {} signals, {} events, {} calls, {} watched items, {} choices made again, {} people asked, {} troubles among which {} kills and \
         {} restores, {seconds:.1} s: {}",
        done.days,
        done.steps,
        done.signals,
        done.events,
        done.calls,
        done.sightings,
        done.replayed,
        done.asked,
        done.troubles,
        done.kills,
        done.restores,
        match failures.len() {
            0 => "no promise was broken".to_owned(),
            1 => "1 seed broke a promise".to_owned(),
            many => format!("{many} seeds broke a promise"),
        }
    );
    if one && failures.is_empty() {
        println!("fingerprint of the log: {:016x}", done.fingerprint);
    }
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
            sum.restores += done.restores;
            sum.sightings += done.sightings;
            sum.replayed += done.replayed;
            sum.asked += done.asked;
            sum.explained += done.explained;
            sum.days += done.days;
            sum.fingerprint = done.fingerprint;
            for (kind, count) in done.kinds {
                *sum.kinds.entry(kind).or_default() += count;
            }
        }
        Err(failure) => total.failures.push(*failure),
    }
    let now = began.elapsed().as_secs();
    if now >= total.told + 5 {
        total.told = now;
        let (seeds, failed) = (total.seeds, total.failures.len());
        let left = (now * count.saturating_sub(seeds)).checked_div(seeds).unwrap_or(0);
        eprintln!("{now:>5} s: {seeds} of {count} seeds, {failed} failed, about {left} s left");
    }
}
