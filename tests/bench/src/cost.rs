//! What a thousand signals cost every process: from handing over until all that follows from them is stored.

use std::time::{Duration, Instant};

use voordeur_system_tests::SERVICES;

use crate::{
    Plan,
    ground::Ground,
    pipeline::{Kind, STREAMS, Until, submit_streams},
    process::{Usage, usage},
    report::Report,
};

/// Everybody who takes part.
fn look(ground: &Ground) -> Vec<(&'static str, Usage)> {
    let services = SERVICES.into_iter().map(|service| (service, ground.services.process(service, 0)));
    let broker = ("broker", ground.nats.process());
    let callers = ("callers", Some(std::process::id()));
    services
        .chain([broker, callers])
        .map(|(name, process)| (name, process.map(usage).unwrap_or_default()))
        .collect()
}

pub(crate) async fn run(plan: &Plan, ground: &Ground, report: &mut Report) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of signals")]
    let each = (2_500.0 * plan.length.as_secs_f64()).max(50.0) as usize / STREAMS;
    #[expect(clippy::cast_precision_loss, reason = "a count of signals")]
    let thousands = (each * STREAMS) as f64 / 1000.0;
    for round in 1..=plan.rounds {
        eprintln!("cost: round {round} of {}", plan.rounds);
        let before = look(ground);
        tokio::time::sleep(Duration::from_secs_f64(plan.length.as_secs_f64().min(1.0))).await;
        let idle = look(ground);
        let began = Instant::now();
        let _ = submit_streams(ground, Kind::Everyday, Until::Items(each)).await;
        ground.settle().await;
        let took = began.elapsed().as_secs_f64();
        let after = look(ground);
        for ((before, idle), (name, after)) in before.iter().zip(&idle).zip(&after) {
            report.round(
                format!("cost.{name}.per_1000"),
                "ms",
                (after.seconds - idle.1.seconds) * 1000.0 / thousands,
            );
            report.round(
                format!("cost.{name}.idle"),
                "ms/s",
                (idle.1.seconds - before.1.seconds) * 1000.0 / plan.length.as_secs_f64().min(1.0),
            );
            report.round(format!("cost.{name}.memory"), "MB", after.memory / 1e6);
        }
        report.round("cost.per_second", "1/s", thousands * 1000.0 / took);
    }
    report.note(
        "cost: processor time of everyday signals in bulk and of all that follows (task, episode, links, what intake hears back); \
         `idle` is processor time per second in which nothing happens; memory after it, with everything this run has made so far",
    );
}
