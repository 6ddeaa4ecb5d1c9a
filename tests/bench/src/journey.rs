//! From the reply of `SubmitSignal` to the task on the list of who has to see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use voordeur_contracts::routing::Task;

use crate::{
    Plan, country,
    ground::{Ground, intake_client, submit_one},
    measure::{Sample, milliseconds},
    report::Report,
    watcher::Watcher,
};

/// Callers who make the load.
const LOAD_CALLERS: usize = 16;

/// What a series of journeys came to.
pub(crate) struct Journeys {
    /// `SubmitSignal`.
    pub(crate) submit: Sample,
    /// From its reply to the task.
    pub(crate) task: Sample,
    /// The tasks.
    pub(crate) tasks: Vec<Task>,
}

/// One signal after another about a child that nobody knew, each waiting for its task.
pub(crate) async fn travel(ground: &Ground, watcher: &Watcher, length: Duration) -> Journeys {
    let centre = ground.quiet_centre();
    let mut client = intake_client(ground.channels(1)[0].clone(), country::board_of(centre));
    let numbers = ground.numbers();
    let began = Instant::now();
    let (mut submit, mut task, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    while began.elapsed() < length {
        let signal = country::about_new_child("journey", numbers.next(), centre);
        let sent = Instant::now();
        let receipt = client.submit_signal(signal).await.expect("a receipt").into_inner();
        let replied = Instant::now();
        submit.push(milliseconds(replied - sent));
        let (came, of_signal) = watcher.task_of(&receipt.signal_id).await;
        // It may be on the list before the reply is here.
        task.push(milliseconds(came.saturating_duration_since(replied)));
        tasks.push(of_signal);
    }
    let elapsed = began.elapsed();
    Journeys { submit: Sample::of(submit, elapsed), task: Sample::of(task, elapsed), tasks }
}

/// Signals at a steady rate, from several callers, until told to stop.
async fn load(ground: &Ground, per_second: f64, stop: &Arc<AtomicBool>) -> tokio::task::JoinSet<usize> {
    let channels = ground.channels(LOAD_CALLERS);
    let mut running = tokio::task::JoinSet::new();
    #[expect(clippy::cast_precision_loss, reason = "a small number of callers")]
    let every = Duration::from_secs_f64(LOAD_CALLERS as f64 / per_second);
    for caller in 0..LOAD_CALLERS {
        let board = caller % country::BOARDS;
        let mut client = intake_client(channels[caller % channels.len()].clone(), board);
        let (numbers, stop) = (ground.numbers(), Arc::clone(stop));
        let centres: Vec<usize> = (0..ground.centres).map(|number| ground.centre(board, number)).collect();
        running.spawn(async move {
            let mut tick = tokio::time::interval(every);
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                tick.tick().await;
                let number = numbers.next();
                let _ = submit_one(
                    &mut client,
                    country::everyday("load", number, centres[number % centres.len()]),
                )
                .await;
                count += 1;
            }
            count
        });
    }
    running
}

pub(crate) async fn run(plan: &Plan, ground: &Ground, report: &mut Report) {
    let watcher = Watcher::begin(ground, ground.quiet_centre()).await;
    for round in 1..=plan.rounds {
        eprintln!("journey: round {round} of {}", plan.rounds);
        report.latency("journey.raw_1", &ground.bare.publish(1, plan.length).await);
        report.latency("journey.idle", &travel(ground, &watcher, plan.length).await.task);
        let full = ground.submit(LOAD_CALLERS, plan.length).await;
        report.round("journey.full_load.per_second", "1/s", full.per_second);
        ground.settle().await;
        let stop = Arc::new(AtomicBool::new(false));
        let began = Instant::now();
        let callers = load(ground, full.per_second / 2.0, &stop).await;
        let journeys = travel(ground, &watcher, plan.length).await;
        stop.store(true, Ordering::Relaxed);
        let count: usize = callers.join_all().await.into_iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a count of signals")]
        report.round("journey.half_load.per_second", "1/s", count as f64 / began.elapsed().as_secs_f64());
        report.latency("journey.half_load", &journeys.task);
        report.round("journey.half_load.caught_up", "s", ground.settle().await.as_secs_f64());
    }
    for load in ["idle", "half_load"] {
        report.ratio(
            format!("journey.{load}.p50_by_raw"),
            &format!("journey.{load}.p50"),
            "journey.raw_1.p50",
        );
    }
    report.note(
        "journey: from the reply of SubmitSignal about a child that nobody knew to its task on the coordinator's WatchTasks, after the \
         look was put on record; half load is half of what 16 callers reach in the same round",
    );
}
