//! `cargo xtask crash`: plays rounds, tells how it goes, and sums up.

use std::{
    collections::{BTreeMap, VecDeque},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    Failure, Played,
    plan::{Ground, Plan, ROUNDS_ON_ONE},
    play,
};

/// Real processes under load; a seed says who falls over and when; then quiet, and everything is compared.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask crash",
    max_term_width = 100,
    after_help = "Examples:\n  cargo xtask crash --rounds 20\n  cargo xtask crash --rounds 500 --at-once 2 --json > crash.json\n  \
                  cargo xtask crash --rounds 1 --seed 42          # one of them again\n  \
                  cargo xtask crash --rounds 10 --seed 40 --cluster\n  \
                  cargo xtask crash --rounds 3 --seed 7 --plan    # only say what would happen\n\n\
                  Exit code: 0 when every promise held, 1 when one was broken, 2 for wrong arguments, 130 when stopped from outside."
)]
pub struct Args {
    /// How many rounds; their seeds follow each other.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// The seed of the first round.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Every round on one broker. Otherwise every fifth installation of ten rounds is a cluster of three nodes.
    #[arg(long)]
    single: bool,
    /// Every round on a cluster of three nodes.
    #[arg(long, conflicts_with = "single")]
    cluster: bool,
    /// Installations side by side. Rounds mostly wait, so two take hardly more than half the time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=16))]
    at_once: u64,
    /// Begin no installation after so many seconds, whatever is left.
    #[arg(long)]
    seconds: Option<u64>,
    /// Print the plans, and play nothing.
    #[arg(long)]
    plan: bool,
    /// The result as JSON on stdout.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn ground(&self, seed: u64) -> Ground {
        match (self.single, self.cluster) {
            (true, _) => Ground::Single,
            (_, true) => Ground::Cluster,
            _ => Ground::of(seed),
        }
    }

    /// Seeds that share an installation.
    fn installations(&self) -> VecDeque<Vec<u64>> {
        let mut all: VecDeque<Vec<u64>> = VecDeque::new();
        for seed in self.seed..self.seed.saturating_add(self.rounds) {
            match all.back_mut() {
                Some(seeds) if seeds[0] / ROUNDS_ON_ONE == seed / ROUNDS_ON_ONE => seeds.push(seed),
                _ => all.push_back(vec![seed]),
            }
        }
        all
    }
}

/// Exit code after a signal, as shells have it.
const STOPPED: u8 = 130;

#[derive(Default)]
struct Total {
    played: Vec<Played>,
    failed: Vec<Failure>,
}

/// Plays what the arguments say.
pub async fn run(args: Args) -> ExitCode {
    if args.plan {
        let plans: Vec<_> = args
            .installations()
            .into_iter()
            .flatten()
            .map(|seed| Plan::new(seed, args.ground(seed)))
            .collect();
        if args.json {
            println!("{}", json!(plans));
        } else {
            plans.iter().for_each(|plan| print!("{plan}"));
        }
        return ExitCode::SUCCESS;
    }
    // Whatever goes wrong in a round ends it with its reason, which is told with its plan.
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let end = args.seconds.map(|seconds| began + Duration::from_secs(seconds));
    let args = Arc::new(args);
    let (waiting, total) =
        (Arc::new(Mutex::new(args.installations())), Arc::new(Mutex::new(Total::default())));
    let mut players = tokio::task::JoinSet::new();
    for _ in 0..args.at_once {
        let (args, waiting, total) = (Arc::clone(&args), Arc::clone(&waiting), Arc::clone(&total));
        players.spawn(async move {
            while end.is_none_or(|end| Instant::now() < end) {
                let Some(seeds) = waiting.lock().unwrap().pop_front() else { break };
                let ground = args.ground(seeds[0]);
                play(&seeds, ground, |outcome| take(&mut total.lock().unwrap(), outcome, args.rounds)).await;
            }
        });
    }
    // What was started ends with this program, which is why it ends in good order.
    let stopped = tokio::select! {
        _ = players.join_all() => false,
        () = asked_to_stop() => true,
    };
    let total = total.lock().unwrap();
    let result = result(&total, args.rounds, began.elapsed());
    if args.json {
        println!("{result}");
    } else {
        println!("{result:#}");
    }
    eprintln!(
        "{}{} of {} rounds played in {:.0} s: {}",
        if stopped { "stopped from outside; " } else { "" },
        total.played.len() + total.failed.len(),
        args.rounds,
        began.elapsed().as_secs_f64(),
        match total.failed.len() {
            0 => "every promise held".to_owned(),
            failed => format!("{failed} broke a promise"),
        }
    );
    match (total.failed.is_empty(), stopped) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(STOPPED),
        (true, false) => ExitCode::SUCCESS,
    }
}

/// Ctrl-C, or a polite kill.
async fn asked_to_stop() {
    let mut term = signal(SignalKind::terminate()).expect("signals can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

fn take(total: &mut Total, outcome: &Result<Played, Box<Failure>>, rounds: u64) {
    match outcome {
        Ok(played) => {
            total.played.push(played.clone());
            let faults: Vec<_> = played.plan.strikes.iter().map(|strike| strike.blow.to_string()).collect();
            eprintln!(
                "{:>4} of {rounds}: seed {} on {} held, {:.1} s of which {:.1} under fire, {} signals, {} acknowledged; {}{}",
                total.played.len() + total.failed.len(),
                played.plan.seed,
                played.plan.ground,
                played.seconds,
                played.under_fire_s,
                played.plan.signals,
                played.acknowledged,
                faults.join(", "),
                if played.ended.is_empty() {
                    String::new()
                } else {
                    format!("; ended by themselves: {:?}", played.ended)
                }
            );
        }
        Err(failure) => {
            total.failed.push((**failure).clone());
            eprintln!("\n{failure}\n");
        }
    }
}

/// The figures of all rounds.
fn result(total: &Total, wanted: u64, took: Duration) -> serde_json::Value {
    let mut seconds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let (mut faults, mut events) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, usize>::new());
    let (mut signals, mut acknowledged, mut ended) = (0, 0, 0);
    for played in &total.played {
        let ground = match played.plan.ground {
            Ground::Single => "one_broker",
            Ground::Cluster => "cluster",
        };
        seconds.entry(ground).or_default().push(played.seconds);
        played.plan.strikes.iter().for_each(|strike| *faults.entry(strike.blow.kind()).or_default() += 1);
        played.task_events.iter().for_each(|(name, count)| *events.entry(*name).or_default() += count);
        signals += played.plan.signals;
        acknowledged += played.acknowledged;
        ended += played.ended.len();
    }
    let grounds: BTreeMap<_, _> = seconds
        .into_iter()
        .map(|(ground, mut seconds)| {
            seconds.sort_by(f64::total_cmp);
            let at = |of_ten: usize| tenths(seconds[(seconds.len() - 1) * of_ten / 10]);
            (ground, json!({"rounds": seconds.len(), "median_s": at(5), "nine_of_ten_s": at(9), "longest_s": at(10)}))
        })
        .collect();
    json!({
        "rounds": wanted,
        "held": total.played.len(),
        "failed": total.failed,
        "seconds": tenths(took.as_secs_f64()),
        "grounds": grounds,
        "signals": signals,
        "acknowledged": acknowledged,
        "faults": faults,
        "task_events": events,
        "services_ended_by_themselves": ended,
    })
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Args;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn rounds_share_an_installation_by_tens_of_seeds() {
        let args = Args::parse_from(["crash", "--seed", "8", "--rounds", "14"]);
        let installations: Vec<_> = args.installations().into();
        let ends: Vec<_> = installations.iter().map(|seeds| (seeds[0], seeds[seeds.len() - 1])).collect();
        assert_eq!(ends, [(8, 9), (10, 19), (20, 21)]);
    }
}
