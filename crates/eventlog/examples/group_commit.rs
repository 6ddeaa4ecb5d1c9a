//! How much faster appends are that share writes, on one node that syncs before it acknowledges (or three): alternating rounds, medians, ratios.
//!
//! `cargo run --release -p voordeur-eventlog --example group_commit -- [nodes] [seconds] [rounds]`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring program: it speaks to its terminal, and whatever goes wrong ends it with its reason"
)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use voordeur_eventlog::{
    Broker, Commit, Deadline, GroupSettings, StreamName, Subject, Version,
    nats::{NatsBroker, NatsSettings},
};
use voordeur_kernel::{CommitId, Timestamp};
use voordeur_testkit::{NatsCluster, NatsServer};

/// Bytes of an event: about those of a stored signal.
const BYTES: usize = 400;

/// Rate per second, median and 99th percentile in milliseconds.
async fn measure(broker: &NatsBroker, at_once: usize, length: Duration) -> [f64; 3] {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let mut writers = tokio::task::JoinSet::new();
    let began = Instant::now();
    for _ in 0..at_once {
        let log = broker.log(StreamName::Signals);
        writers.spawn(async move {
            let mut latencies = Vec::new();
            while began.elapsed() < length {
                let number = COUNT.fetch_add(1, Ordering::Relaxed);
                let subject =
                    Subject::of("voordeur.signal.v1", &format!("{:032x}", u128::from(number))).unwrap();
                let commit = Commit {
                    id: CommitId::from_bytes(u128::from(number).to_be_bytes()),
                    kind: "nl.voordeur.signal.v1",
                    source: "voordeur/bench",
                    time: Timestamp::default(),
                    data: Bytes::from_static(&[7; BYTES]),
                    trace: Vec::new(),
                    urgent: false,
                };
                let sent = Instant::now();
                log.append(&subject, Version::ABSENT, commit, Deadline::now() + Duration::from_secs(30))
                    .await
                    .unwrap();
                latencies.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            latencies
        });
    }
    let mut latencies = writers.join_all().await.concat();
    let elapsed = began.elapsed();
    latencies.sort_by(f64::total_cmp);
    let count = latencies.len();
    #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
    let rate = count as f64 / elapsed.as_secs_f64();
    [rate, latencies[count / 2], latencies[count * 99 / 100]]
}

fn median(rounds: &[[f64; 3]], which: usize) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|round| round[which]).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let argument = |index: usize, default: u64| {
        std::env::args().nth(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(default)
    };
    let (nodes, seconds, rounds) = (argument(1, 1), argument(2, 2), argument(3, 5));
    let (alone, cluster);
    let mut settings: NatsSettings = if nodes == 1 {
        alone = NatsServer::start().await;
        alone.settings()
    } else {
        cluster = NatsCluster::start(usize::try_from(nodes).unwrap()).await;
        cluster.settings()
    };
    settings.topology.stream_bytes_max = (1 << 30) / nodes;
    let mut brokers = Vec::new();
    for group in [GroupSettings::off(), settings.group.clone()] {
        let broker = NatsBroker::connect(NatsSettings { group, ..settings.clone() }).await.unwrap();
        broker.apply(Deadline::now() + Duration::from_secs(30)).await.unwrap();
        brokers.push(Arc::new(broker));
    }
    println!("{nodes} node(s), {BYTES} bytes, {rounds} rounds of {seconds} s, medians");
    println!(
        "{:>8} {:>34} {:>34} {:>7}",
        "at once", "one by one: /s p50 p99 (ms)", "grouped: /s p50 p99 (ms)", "ratio"
    );
    for at_once in [1, 4, 16, 32, 64, 128, 512] {
        let mut results = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (broker, results) in brokers.iter().zip(&mut results) {
                results.push(measure(broker, at_once, Duration::from_secs(seconds)).await);
            }
        }
        let show = |rounds: &[[f64; 3]]| {
            format!("{:.0} {:.2} {:.2}", median(rounds, 0), median(rounds, 1), median(rounds, 2))
        };
        let ratio = median(&results[1], 0) / median(&results[0], 0);
        println!("{at_once:>8} {:>34} {:>34} {ratio:>7.2}", show(&results[0]), show(&results[1]));
    }
    for (stream, figures) in brokers[1].group_figures() {
        println!("{stream}: {figures:?}");
    }
}
