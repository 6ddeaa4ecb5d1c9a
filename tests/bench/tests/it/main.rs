//! The benches once, with small sizes: figures come out and agree with what is stored. How large they are is not asserted anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use voordeur_bench::{Bench, GOALS, Plan, run};

fn small(benches: &[Bench]) -> Plan {
    Plan {
        benches: benches.to_vec(),
        rounds: 1,
        length: Duration::from_millis(100),
        levels: vec![20, 60],
        signals: 300,
        centres: 6,
        stream_gigabytes: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bench_gives_its_figures() {
    let report = Box::pin(run(&small(&Bench::ALL))).await;
    let at =
        |name: &str| report.value(name).unwrap_or_else(|| panic!("{name} is missing:\n{}", report.table()));
    for figure in &report.figures {
        assert!(figure.value.is_finite(), "{}: {}\n{}", figure.name, figure.value, report.table());
        assert!(figure.rounds.len() <= 1, "{} has {} rounds of one", figure.name, figure.rounds.len());
    }
    for name in [
        "intake.raw_1.p50",
        "intake.raw_batches_of_128.per_second",
        "journey.idle.p50",
        "pipeline.per_second",
    ] {
        assert!(at(name) > 0.0, "{name}");
    }
    // A ratio is that of its two figures.
    let expected = at("intake.submit_16.per_second") / at("intake.raw_16.per_second");
    assert!((at("intake.submit_16.rate_by_raw") - expected).abs() < 1e-9);
    // Every goal has its figure, at the levels of this run.
    for goal in GOALS {
        let name = goal.figure.replace(".1000000.", ".60.").replace(".100000.", ".60.");
        assert!(report.value(&name).is_some(), "{name} is missing:\n{}", report.table());
    }
    assert!(report.environment.processors > 0 && report.environment.fsync_ms > 0.0);
    let table = report.table();
    assert!(report.figures.iter().all(|figure| table.contains(&figure.name)));
}
