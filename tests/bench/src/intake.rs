//! Taking in: one by one, side by side and in bulk, beside the bare broker with as many in flight.

use std::time::Instant;

use crate::{
    Plan,
    bare::BATCH,
    ground::Ground,
    pipeline::{Kind, STREAMS, Until, submit_streams},
    report::Report,
};

/// How many at the same time.
const AT_ONCE: [usize; 3] = [1, 16, 128];

pub(crate) async fn run(plan: &Plan, ground: &Ground, report: &mut Report) {
    for round in 1..=plan.rounds {
        for at_once in AT_ONCE {
            eprintln!("intake: round {round} of {}, {at_once} at once", plan.rounds);
            let raw = ground.bare.publish(at_once, plan.length).await;
            report.sample(&format!("intake.raw_{at_once}"), &raw);
            let ours = ground.submit(at_once, plan.length).await;
            report.sample(&format!("intake.submit_{at_once}"), &ours);
            left_behind(ground, report, &format!("intake.submit_{at_once}")).await;
        }
        eprintln!("intake: round {round} of {}, in bulk", plan.rounds);
        let raw = ground.bare.publish_in_batches(plan.length).await;
        report.sample(&format!("intake.raw_batches_of_{BATCH}"), &raw);
        let until = Until::Moment(Instant::now() + plan.length);
        let ours = submit_streams(ground, Kind::Everyday, until).await;
        report.sample(&format!("intake.streams_{STREAMS}"), &ours);
        left_behind(ground, report, &format!("intake.streams_{STREAMS}")).await;
    }
    for at_once in AT_ONCE {
        let name = format!("intake.submit_{at_once}");
        let raw = format!("intake.raw_{at_once}");
        report.ratio(
            format!("{name}.rate_by_raw"),
            &format!("{name}.per_second"),
            &format!("{raw}.per_second"),
        );
        report.ratio(format!("{name}.p50_by_raw"), &format!("{name}.p50"), &format!("{raw}.p50"));
        report.ratio(format!("{name}.p99_by_raw"), &format!("{name}.p99"), &format!("{raw}.p99"));
    }
    let name = format!("intake.streams_{STREAMS}");
    report.ratio(format!("{name}.rate_by_raw"), &format!("{name}.per_second"), "intake.raw_128.per_second");
    report.note(format!(
        "intake: a raw message has the headers and the {} bytes of a stored signal of middling size, and is the first of its own subject, \
         which the broker checks as it does for ours; `streams` is compared with 128 raw messages in flight",
        ground.bare.bytes()
    ));
    report.note(
        "intake: every service runs and works off what comes in while it is measured; `behind` is what routing still had to do \
         when a measurement ended, and the next one waits until nothing is left",
    );
}

/// How far routing lies behind now; then waits until nothing does.
async fn left_behind(ground: &Ground, report: &mut Report, name: &str) {
    let behind = ground.behind().await;
    let routing = behind.iter().find(|(consumer, _)| *consumer == "routing-signals");
    #[expect(clippy::cast_precision_loss, reason = "a count of signals")]
    report.round(format!("{name}.behind"), "signals", routing.map_or(0.0, |(_, count)| *count as f64));
    let settled = ground.settle().await;
    report.round(format!("{name}.caught_up"), "s", settled.as_secs_f64());
}
