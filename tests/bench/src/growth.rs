//! The same calls with ever more open tasks: nothing should get slower.

use std::time::Instant;

use voordeur_contracts::{common::CommandContext, routing::AcceptTaskRequest};
use voordeur_system_tests::SERVICES;

use crate::{
    Plan,
    ground::Ground,
    history::{History, worklist},
    journey::travel,
    measure::{Sample, milliseconds},
    report::Report,
    watcher::Watcher,
};

/// Callers for the rate.
const CALLERS: usize = 16;
/// What is compared with the smallest level: figure and its name in the ratio.
const COMPARED: [(&str, &str); 5] = [
    ("submit.p50", "submit_p50"),
    ("task.p50", "task_p50"),
    ("accept.p50", "accept_p50"),
    ("submit_16.per_second", "rate"),
    ("raw_1.p50", "raw_p50"),
];

/// With so many open tasks in the log.
pub(crate) async fn at_level(plan: &Plan, ground: &Ground, history: &History, report: &mut Report) {
    let open = history.written();
    let name = format!("growth.{open}");
    ground.start_services().await;
    ground.all_folded(&SERVICES, open);
    let watcher = Watcher::begin(ground, ground.quiet_centre()).await;
    for round in 1..=plan.rounds {
        eprintln!("growth: {open} open tasks, round {round} of {}", plan.rounds);
        report.latency(&format!("{name}.raw_1"), &ground.bare.publish(1, plan.length / 2).await);
        let journeys = travel(ground, &watcher, plan.length).await;
        report.latency(&format!("{name}.submit"), &journeys.submit);
        report.latency(&format!("{name}.task"), &journeys.task);
        let began = Instant::now();
        let mut latencies = Vec::new();
        let channel = ground.services.channel("routing", 0).expect("routing runs");
        for task in journeys.tasks {
            let Some(who) = task.offered_to.first() else { continue };
            let mut client = worklist(channel.clone(), who);
            let command =
                CommandContext { idempotency_key: format!("accept-{}", task.task_id), seen_version: 0 };
            let request = AcceptTaskRequest { task_id: task.task_id, command: Some(command) };
            let sent = Instant::now();
            client.accept_task(request).await.expect("it was offered to her");
            latencies.push(milliseconds(sent.elapsed()));
        }
        report.latency(&format!("{name}.accept"), &Sample::of(latencies, began.elapsed()));
        let rate = ground.submit(CALLERS, plan.length).await;
        report.sample(&format!("{name}.submit_{CALLERS}"), &rate);
        report.round(format!("{name}.caught_up"), "s", ground.settle().await.as_secs_f64());
    }
    let Some(smallest) = plan.levels.first() else { return };
    if *smallest != open {
        for (figure, short) in COMPARED {
            report.ratio(
                format!("{name}.{short}_by_smallest"),
                &format!("{name}.{figure}"),
                &format!("growth.{smallest}.{figure}"),
            );
        }
    }
}

pub(crate) fn note(report: &mut Report) {
    report.note(
        "growth: every open task has its signal and its episode in the log; `raw` at each level tells how much the broker itself changed; \
         levels count the tasks that were written before, those of the measurements come on top",
    );
}
