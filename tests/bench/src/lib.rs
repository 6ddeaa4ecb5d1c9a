//! `cargo xtask bench`: what the real binaries cost, beside what the broker itself costs, in one run on the same broker.
//!
//! Nothing here is an absolute promise: another machine gives other numbers. What counts are ratios of medians over alternating rounds,
//! and the goals are such ratios.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "a measuring program: it tells its progress, and whatever goes wrong ends it with its reason"
)]

mod bare;
mod cost;
mod country;
mod decade;
mod environment;
mod goals;
mod ground;
mod growth;
mod history;
mod intake;
mod journey;
mod measure;
mod outcomes;
mod pipeline;
mod process;
mod report;
mod restart;
mod routing;
mod watcher;

use std::time::{Duration, Instant};

pub use environment::Environment;
pub use goals::{Bound, GOALS, Goal};
pub use report::{Figure, Judged, Report, Run};

use crate::{ground::Ground, history::History};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Bench {
    /// Taking in: one by one, side by side and in bulk
    Intake,
    /// From the receipt to the task on a worklist
    Journey,
    /// From bulk until the last task and episode exist
    Pipeline,
    /// Starting again with everything in the log
    Restart,
    /// The same calls with ever more open tasks
    Growth,
    /// Processor time and memory of every process
    Cost,
    /// From stored signals to durable tasks, beside a loop that consumes and publishes
    Routing,
    /// A decade of a whole country: folding, reporting, classifying, estimating
    Outcomes,
}

impl Bench {
    /// Every bench, in the order in which they are run.
    pub const ALL: [Self; 8] = [
        Self::Intake,
        Self::Journey,
        Self::Pipeline,
        Self::Cost,
        Self::Growth,
        Self::Restart,
        Self::Routing,
        Self::Outcomes,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Journey => "journey",
            Self::Pipeline => "pipeline",
            Self::Restart => "restart",
            Self::Growth => "growth",
            Self::Cost => "cost",
            Self::Routing => "routing",
            Self::Outcomes => "outcomes",
        }
    }
}

/// What to measure, how often and how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which benches.
    pub benches: Vec<Bench>,
    /// Alternating rounds; the median of them counts.
    pub rounds: usize,
    /// Length of one measurement.
    pub length: Duration,
    /// Open tasks in the log, smallest first, for growth, restart and routing.
    pub levels: Vec<usize>,
    /// Signals of the invented decade, for outcomes.
    pub signals: usize,
    /// Centres of the invented country, at least five.
    pub centres: usize,
    /// Room of each stream.
    pub stream_gigabytes: u64,
}

/// Measures everything of a plan.
pub async fn run(plan: &Plan) -> Report {
    let began = Instant::now();
    let benches: Vec<Bench> = Bench::ALL.into_iter().filter(|bench| plan.benches.contains(bench)).collect();
    let run = Run {
        benches: benches.iter().map(|bench| bench.name()).collect(),
        rounds: plan.rounds,
        seconds: plan.length.as_secs_f64(),
        levels: plan.levels.clone(),
        took_seconds: 0.0,
    };
    // These begin with a log of their own.
    let asks_levels = |bench: &Bench| matches!(bench, Bench::Restart | Bench::Growth | Bench::Routing);
    let is_decade = |bench: &Bench| *bench == Bench::Outcomes;
    eprintln!("starting a broker and the services");
    let ground = Ground::prepare(plan).await;
    let mut report = Report::new(ground.environment(), run);
    for bench in benches.iter().filter(|bench| !asks_levels(bench) && !is_decade(bench)) {
        let before = ground.shares();
        match bench {
            Bench::Intake => intake::run(plan, &ground, &mut report).await,
            Bench::Journey => journey::run(plan, &ground, &mut report).await,
            Bench::Pipeline => pipeline::run(plan, &ground, &mut report).await,
            Bench::Cost => cost::run(plan, &ground, &mut report).await,
            Bench::Restart | Bench::Growth | Bench::Routing | Bench::Outcomes => {}
        }
        let others = ground.shares().of_others_since(&before);
        report.derived(format!("{}.machine_used_by_others", bench.name()), "share", others);
        ground.nothing_parked().await;
    }
    // Nothing else was written to the log yet.
    let mut ground = Some(ground);
    let mut is_fresh = !benches.iter().any(|bench| !asks_levels(bench) && !is_decade(bench));
    if benches.iter().any(asks_levels) {
        let ground = fresh(plan, &mut ground, &mut is_fresh).await;
        let before = ground.shares();
        levels(plan, &benches, ground, &mut report).await;
        let others = ground.shares().of_others_since(&before);
        for bench in benches.iter().filter(|bench| asks_levels(bench)) {
            report.derived(format!("{}.machine_used_by_others", bench.name()), "share", others);
        }
        ground.nothing_parked().await;
    }
    if benches.iter().any(is_decade) {
        let ground = fresh(plan, &mut ground, &mut is_fresh).await;
        let before = ground.shares();
        outcomes::run(plan, ground, &mut report).await;
        let others = ground.shares().of_others_since(&before);
        report.derived("outcomes.machine_used_by_others", "share", others);
    }
    report.judge();
    report.run.took_seconds = began.elapsed().as_secs_f64();
    report
}

/// A broker with an empty log: the one there is, or another one.
async fn fresh<'a>(plan: &Plan, ground: &'a mut Option<Ground>, is_fresh: &mut bool) -> &'a Ground {
    if !std::mem::replace(is_fresh, false) {
        drop(ground.take());
        eprintln!("starting another broker, with an empty log");
        *ground = Some(Ground::prepare(plan).await);
    }
    ground.as_ref().expect("it was made")
}

async fn levels(plan: &Plan, benches: &[Bench], ground: &Ground, report: &mut Report) {
    let (growth, restart) = (benches.contains(&Bench::Growth), benches.contains(&Bench::Restart));
    let mut history = History::live(ground).await;
    let mut raw = match benches.contains(&Bench::Routing) {
        true => Some(routing::RawLoop::prepare(ground, &history).await),
        false => None,
    };
    if restart {
        restart::empty(plan, ground, report).await;
    }
    for open in &plan.levels {
        eprintln!("writing histories until {open} tasks are open");
        history.fill(ground, *open).await;
        if restart && plan.levels.first() != Some(open) {
            restart::at_level(plan, ground, &history, report).await;
        }
        if growth {
            growth::at_level(plan, ground, &history, report).await;
        }
        if let Some(raw) = &mut raw {
            routing::at_level(plan, ground, &mut history, raw, report).await;
        }
    }
    if restart {
        restart::note(&history, report);
    }
    if growth {
        growth::note(report);
    }
    if raw.is_some() {
        routing::note(report);
    }
}
