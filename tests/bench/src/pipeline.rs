//! From handing over in bulk until the last task and the last episode exist.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use tokio_stream::wrappers::UnboundedReceiverStream;
use voordeur_contracts::intake::{SubmitSignalsRequest, submit_signals_response::Result as ItemResult};

use crate::{
    Plan, country,
    ground::{Ground, intake_client},
    measure::{Sample, milliseconds},
    report::Report,
};

/// Streams side by side.
pub(crate) const STREAMS: usize = 4;
/// Items of a stream that wait for their answer: more than intake works on side by side, so that it never waits for the next.
const IN_FLIGHT: usize = 512;

/// Until when a stream goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// This moment.
    Moment(Instant),
    /// So many items.
    Items(usize),
}

/// Which signals.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Everyday,
    NewChild,
}

/// Hands over on four streams, each as one caller with many items in flight.
pub(crate) async fn submit_streams(ground: &Ground, kind: Kind, until: Until) -> Sample {
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for board in 0..STREAMS {
        let client = intake_client(ground.services.channel("intake", 0).expect("intake runs"), board);
        let numbers = ground.numbers();
        let centres: Vec<usize> = (0..ground.centres).map(|number| ground.centre(board, number)).collect();
        running.spawn(submit_stream(client, numbers, centres, kind, until));
    }
    let latencies = running.join_all().await.concat();
    Sample::of(latencies, began.elapsed())
}

async fn submit_stream(
    mut client: crate::ground::IntakeClient,
    numbers: crate::ground::Numbers,
    centres: Vec<usize>,
    kind: Kind,
    until: Until,
) -> Vec<f64> {
    let (items, requests) = tokio::sync::mpsc::unbounded_channel();
    let mut sent = VecDeque::new();
    let mut count = 0;
    let mut send = |sent: &mut VecDeque<Instant>| {
        let goes_on = match until {
            Until::Moment(end) => Instant::now() < end,
            Until::Items(most) => count < most,
        };
        if goes_on {
            count += 1;
            let number = numbers.next();
            let centre = centres[number % centres.len()];
            let signal = match kind {
                Kind::Everyday => country::everyday("bulk", number, centre),
                Kind::NewChild => country::about_new_child("bulk", number, centre),
            };
            sent.push_back(Instant::now());
            items.send(SubmitSignalsRequest { signal: Some(signal) }).expect("the stream is open");
        }
    };
    for _ in 0..IN_FLIGHT {
        send(&mut sent);
    }
    let answers = client.submit_signals(UnboundedReceiverStream::new(requests)).await;
    let mut answers = answers.expect("a stream of answers").into_inner();
    let mut latencies = Vec::new();
    while let Some(began) = sent.pop_front() {
        let answer =
            answers.message().await.expect("a stream that goes on").expect("an answer to every item");
        match answer.result {
            Some(ItemResult::Accepted(_)) => latencies.push(milliseconds(began.elapsed())),
            other => panic!("an item was refused: {other:?}"),
        }
        send(&mut sent);
    }
    latencies
}

pub(crate) async fn run(plan: &Plan, ground: &Ground, report: &mut Report) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of signals")]
    let each = (2_500.0 * plan.length.as_secs_f64()).max(50.0) as usize / STREAMS;
    for round in 1..=plan.rounds {
        eprintln!("pipeline: round {round} of {}", plan.rounds);
        let intake = ground.submit(128, plan.length).await;
        report.sample("pipeline.submit_128", &intake);
        ground.settle().await;
        let (tasks, episodes) = (ground.messages("TASKS").await, ground.messages("EPISODES").await);
        let count = u64::try_from(each * STREAMS).expect("a small number");
        let began = Instant::now();
        let handed_over = submit_streams(ground, Kind::NewChild, Until::Items(each)).await;
        // Each child is new: its signal makes one task and opens one episode. Clocks may ring meanwhile, so the last episode tells.
        loop {
            let there = (ground.messages("TASKS").await, ground.messages("EPISODES").await);
            if there.0 >= tasks + count && there.1 >= episodes + count {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(300), "tasks and episodes do not come: {there:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let elapsed = began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of signals")]
        report.round("pipeline.per_second", "1/s", count as f64 / elapsed);
        report.sample("pipeline.handing_over", &handed_over);
        let rest = ground.settle().await;
        report.round("pipeline.until_quiet", "s", elapsed + rest.as_secs_f64());
    }
    report.ratio("pipeline.rate_by_intake", "pipeline.per_second", "pipeline.submit_128.per_second");
    report.note(format!(
        "pipeline: {} signals in bulk on {STREAMS} streams, each about a child that nobody knew; the intake it is compared with is \
         SubmitSignal by 128 callers",
        each * STREAMS
    ));
}
