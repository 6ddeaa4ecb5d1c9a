//! `cargo xtask bench`: what handing a signal over costs, beside what the broker itself costs, in one run on the same broker.
//!
//! Nothing here is an absolute promise: another machine gives other numbers. What is compared are ratios of medians over alternating rounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program: it speaks to its terminal, and whatever goes wrong ends it with its reason"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::jetstream;
use clap::Parser;
use serde::Serialize;
use voordeur_contracts::intake::signal_intake_service_client::SignalIntakeServiceClient;
use voordeur_system_tests::{As, Installation, signals};

/// Hands signals over and publishes bare messages, in turns, on one broker that syncs before it acknowledges.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench --rounds 9 --seconds 5 --json")]
struct Args {
    /// Alternating rounds; the median of them counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Print the figures as JSON on the last line.
    #[arg(long)]
    json: bool,
}

/// How many at the same time.
const AT_ONCE: [usize; 3] = [1, 16, 128];

/// Bytes of a bare message: about those of a stored signal.
const BARE_BYTES: usize = 700;

/// One measurement.
#[derive(Debug, Clone, Copy)]
struct Figures {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    at_once: usize,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Rate divided by the bare rate with as many at the same time.
    rate_ratio: f64,
    /// Median latency divided by the bare median with as many at the same time.
    p50_ratio: f64,
}

/// Lets `at_once` workers repeat something for a while.
async fn measure<W, F>(at_once: usize, length: Duration, worker: W) -> Figures
where
    W: Fn(usize) -> F,
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..at_once {
        workers.spawn(worker(number));
    }
    let mut latencies = workers.join_all().await.concat();
    let elapsed = began.elapsed().max(length);
    latencies.sort();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((latencies.len() - 1) as f64 * share) as usize;
        latencies[index].as_secs_f64() * 1000.0
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
    let per_second = latencies.len() as f64 / elapsed.as_secs_f64();
    Figures { per_second, p50_ms: at(0.5), p99_ms: at(0.99) }
}

/// Publishes bare messages and waits for each acknowledgement.
async fn bare(context: &jetstream::Context, at_once: usize, length: Duration) -> Figures {
    let payload = bytes::Bytes::from(vec![7_u8; BARE_BYTES]);
    measure(at_once, length, |number| {
        let (context, payload) = (context.clone(), payload.clone());
        async move {
            let mut latencies = Vec::new();
            let end = Instant::now() + length;
            while Instant::now() < end {
                let began = Instant::now();
                let acknowledgement =
                    context.publish(format!("bare.{number}"), payload.clone()).await.unwrap();
                acknowledgement.await.unwrap();
                latencies.push(began.elapsed());
            }
            latencies
        }
    })
    .await
}

/// Hands signals over through gRPC; every call is a signal of its own.
async fn submit(
    installation: &Arc<Installation>,
    run: &Arc<AtomicU64>,
    at_once: usize,
    length: Duration,
) -> Figures {
    measure(at_once, length, |_| {
        let (installation, run) = (Arc::clone(installation), Arc::clone(run));
        async move {
            let mut latencies = Vec::new();
            let channel = installation.channel("intake", 0).expect("intake runs");
            let caller = As(format!("organisation:{}", signals::SCHOOL));
            let mut client = SignalIntakeServiceClient::with_interceptor(channel, caller);
            let end = Instant::now() + length;
            while Instant::now() < end {
                let number = run.fetch_add(1, Ordering::Relaxed);
                let began = Instant::now();
                client
                    .submit_signal(signals::signal("bench", usize::try_from(number).unwrap()))
                    .await
                    .unwrap();
                latencies.push(began.elapsed());
            }
            latencies
        }
    })
    .await
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let length = Duration::from_secs_f64(args.seconds);
    eprintln!("starting a broker and the services");
    let installation = Installation::prepare(&[
        ("VOORDEUR__TELEMETRY__LOG", "warn"),
        ("VOORDEUR__STREAMS__MEGABYTES_MAX", "1024"),
    ])
    .await;
    installation.start_all(1).await;
    let client = async_nats::connect(installation.nats.url()).await.unwrap();
    let context = jetstream::new(client);
    let stream = jetstream::stream::Config {
        name: "BARE".into(),
        subjects: vec!["bare.*".into()],
        max_bytes: 1 << 30,
        discard: jetstream::stream::DiscardPolicy::New,
        ..jetstream::stream::Config::default()
    };
    context.create_stream(stream).await.unwrap();

    let run = Arc::new(AtomicU64::new(0));
    let mut measured: BTreeMap<(&'static str, usize), Vec<Figures>> = BTreeMap::new();
    for round in 1..=args.rounds {
        for at_once in AT_ONCE {
            eprintln!("round {round} of {}: {at_once} at once", args.rounds);
            measured
                .entry(("bare publish", at_once))
                .or_default()
                .push(bare(&context, at_once, length).await);
            measured
                .entry(("SubmitSignal", at_once))
                .or_default()
                .push(submit(&installation, &run, at_once, length).await);
        }
    }
    let of = |key: (&'static str, usize), part: fn(&Figures) -> f64| {
        median(measured[&key].iter().map(part).collect())
    };
    let rows: Vec<Row> = measured
        .keys()
        .map(|&(what, at_once)| {
            let (rate, p50) = (of((what, at_once), |f| f.per_second), of((what, at_once), |f| f.p50_ms));
            Row {
                what,
                at_once,
                per_second: rate,
                p50_ms: p50,
                p99_ms: of((what, at_once), |f| f.p99_ms),
                rate_ratio: rate / of(("bare publish", at_once), |f| f.per_second),
                p50_ratio: p50 / of(("bare publish", at_once), |f| f.p50_ms),
            }
        })
        .collect();
    println!(
        "{:<14} {:>7} {:>10} {:>9} {:>9} {:>11} {:>10}",
        "what", "at once", "per second", "p50 ms", "p99 ms", "rate/bare", "p50/bare"
    );
    for row in &rows {
        println!(
            "{:<14} {:>7} {:>10.0} {:>9.2} {:>9.2} {:>11.2} {:>10.2}",
            row.what, row.at_once, row.per_second, row.p50_ms, row.p99_ms, row.rate_ratio, row.p50_ratio
        );
    }
    println!(
        "{} processors, {} rounds of {} s, broker and services on this machine, sync before every acknowledgement",
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        args.rounds,
        args.seconds
    );
    if args.json {
        println!("{}", serde_json::json!({ "rounds": args.rounds, "seconds": args.seconds, "rows": rows }));
    }
}
