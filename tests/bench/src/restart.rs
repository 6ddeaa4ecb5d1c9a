//! Starting again with everything in the log: how long until routing is ready, how much it remembers, and how fast it reads beside a reader
//! that does nothing.

use std::time::{Duration, Instant};

use crate::{Plan, bare, ground::Ground, history::History, process, report::Report};

/// A start that takes longer went wrong.
const START_TIME: Duration = Duration::from_secs(1800);

/// From so many open tasks on a round takes so long that its figure hardly varies.
const MANY: usize = 200_000;
/// Rounds then.
const ROUNDS_OF_MANY: usize = 3;

/// Ends a service and starts it again; returns how long it took until it was ready, and its memory then.
pub(crate) async fn start_again(ground: &Ground, service: &str) -> (f64, f64) {
    ground.services.kill(service, 0);
    let began = Instant::now();
    ground.services.start(service, 0);
    loop {
        if let Some(addresses) = ground.services.addresses(service, 0)
            && voordeur_system_tests::get(&addresses.http, "/readyz").is_ok_and(|(status, _)| status == 200)
        {
            break;
        }
        assert!(began.elapsed() < START_TIME, "{service} does not get ready");
        ground.nobody_ended();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = began.elapsed().as_secs_f64();
    let process = ground.services.process(service, 0).expect("it runs");
    (took, process::usage(process).memory)
}

/// Before there is any history: what a start costs anyway.
pub(crate) async fn empty(plan: &Plan, ground: &Ground, report: &mut Report) {
    for _ in 0..plan.rounds {
        let (took, memory) = start_again(ground, "routing").await;
        report.round("restart.empty.ready", "s", took);
        report.round("restart.empty.memory", "MB", memory / 1e6);
    }
}

/// With so many open tasks in the log.
pub(crate) async fn at_level(plan: &Plan, ground: &Ground, history: &History, report: &mut Report) {
    let open = history.written();
    let name = format!("restart.{open}");
    let rounds = if open > MANY { plan.rounds.min(ROUNDS_OF_MANY) } else { plan.rounds };
    for round in 1..=rounds {
        eprintln!("restart: {open} open tasks, round {round} of {rounds}");
        let (count, reading) = bare::read_through(&ground.bare.context, "TASKS").await;
        let (took, memory) = start_again(ground, "routing").await;
        eprintln!(
            "  ready after {took:.2} s with {:.0} MB; the bare reader took {:.2} s",
            memory / 1e6,
            reading.as_secs_f64()
        );
        #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
        let count = count as f64;
        report.round(format!("{name}.ready"), "s", took);
        report.round(format!("{name}.memory"), "MB", memory / 1e6);
        report.round(format!("{name}.bare_reader"), "1/s", count / reading.as_secs_f64());
        let anyway = report.value("restart.empty.ready").unwrap_or(0.0);
        report.round(format!("{name}.folds"), "1/s", count / (took - anyway).max(0.001));
    }
    let memory = |name: &str| report.value(name).unwrap_or(0.0) * 1e6;
    // Those that other measurements left are in memory too.
    let (histories, _) = ground.histories("routing");
    #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
    let per_task =
        (memory(&format!("{name}.memory")) - memory("restart.empty.memory")) / histories.max(1) as f64;
    report.derived(format!("{name}.bytes_per_task"), "bytes", per_task);
    report.ratio(format!("{name}.folds_by_reader"), &format!("{name}.folds"), &format!("{name}.bare_reader"));
    ground.all_folded(&["routing"], open);
}

pub(crate) fn note(history: &History, report: &mut Report) {
    report.note(format!(
        "restart: three events per task ({} bytes together without headers), each of another child, accepted and with a contact; routing alone \
         runs and is started again; memory per task is what its process holds more than with an empty log; folds per second leave the time out \
         that a start with an empty log takes; the bare reader pulls the same stream without looking at it; \
         above {MANY} open tasks there are at most {ROUNDS_OF_MANY} rounds",
        history.task_bytes()
    ));
}
