//! What the benches stand on: a broker, the services, and callers who know how to reach them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::jetstream::{self, consumer::pull, stream::Stream};
use tonic::transport::Channel;
use voordeur_contracts::intake::{
    SubmitSignalRequest, signal_intake_service_client::SignalIntakeServiceClient,
};
use voordeur_system_tests::{As, Caller, Replicas, SERVICES};
use voordeur_testkit::NatsServer;

use crate::{
    Plan,
    bare::Bare,
    country,
    environment::Environment,
    measure::{Sample, milliseconds, side_by_side},
    process::Shares,
};

/// Callers that share a connection.
const CALLERS_PER_CHANNEL: usize = 16;
/// Services that get no further in this time have a fault.
const STANDSTILL: Duration = Duration::from_secs(60);
/// A start that takes longer went wrong.
const START_TIME: Duration = Duration::from_secs(600);
/// The consumers through which the services wake each other, with their streams.
const CONSUMERS: [(&str, &str); 4] = [
    ("SIGNALS", "routing-signals"),
    ("TASKS", "intake-tasks"),
    ("TASKS", "escalation-tasks"),
    ("EPISODES", "routing-episodes"),
];

/// A client of one board.
pub(crate) type IntakeClient = SignalIntakeServiceClient<Caller>;

/// A broker with everything on it.
pub(crate) struct Ground {
    pub(crate) nats: NatsServer,
    pub(crate) services: Replicas,
    pub(crate) bare: Bare,
    pub(crate) centres: usize,
    numbers: Numbers,
}

/// Numbers of signals, none given twice.
#[derive(Clone, Default)]
pub(crate) struct Numbers(Arc<AtomicUsize>);

impl Numbers {
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Ground {
    /// Starts a broker and every service on it.
    pub(crate) async fn prepare(plan: &Plan) -> Self {
        // Reserved, not used: each of five streams, two buckets and the one for bare messages.
        let nats = NatsServer::start_with_room(5 * plan.stream_gigabytes + 16).await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let directory = folder.path().join("directory.toml");
        std::fs::write(&directory, country::directory(plan.centres)).expect("the folder can be written");
        let megabytes = (plan.stream_gigabytes << 10).to_string();
        let settings =
            [("VOORDEUR__TELEMETRY__LOG", "warn"), ("VOORDEUR__STREAMS__MEGABYTES_MAX", megabytes.as_str())];
        let services = Replicas::install(&[nats.url()], &[nats.monitor_url()], 1, &settings);
        services.run(&["directory", "apply", &directory.display().to_string()]);
        services.start_all(1).await;
        let client = async_nats::connect(nats.url()).await.expect("the broker runs");
        let (headers, payload) = example(&services, &client).await;
        let bare = Bare::prepare(client, headers, payload).await;
        let ground = Self { nats, services, bare, centres: plan.centres, numbers: Numbers::default() };
        ground.settle().await;
        ground
    }

    /// Numbers that no other signal of this broker has.
    pub(crate) fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// Connections with intake, for so many callers.
    pub(crate) fn channels(&self, callers: usize) -> Vec<Channel> {
        let count = callers.div_ceil(CALLERS_PER_CHANNEL).max(1);
        (0..count).map(|_| self.services.channel("intake", 0).expect("intake runs")).collect()
    }

    /// A centre for a signal of a board; the last centre of the country is left alone.
    pub(crate) fn centre(&self, board: usize, number: usize) -> usize {
        let of_board = (self.centres - 1).saturating_sub(board).div_ceil(country::BOARDS).max(1);
        (number % of_board) * country::BOARDS + board
    }

    /// The centre where nothing happens but what a bench does itself.
    pub(crate) const fn quiet_centre(&self) -> usize {
        self.centres - 1
    }

    /// Hands everyday signals over, each caller waiting for every reply.
    pub(crate) async fn submit(&self, callers: usize, length: Duration) -> Sample {
        let channels = self.channels(callers);
        side_by_side(callers, length, |caller, end| {
            let board = caller % country::BOARDS;
            let mut client = intake_client(channels[caller % channels.len()].clone(), board);
            let numbers = self.numbers();
            let centres: Vec<usize> = (0..self.centres).map(|number| self.centre(board, number)).collect();
            async move {
                let mut latencies = Vec::new();
                while Instant::now() < end {
                    let number = numbers.next();
                    let signal = country::everyday("bench", number, centres[number % centres.len()]);
                    latencies.push(submit_one(&mut client, signal).await);
                }
                latencies
            }
        })
        .await
    }

    /// What the services have not worked off yet, by consumer.
    pub(crate) async fn behind(&self) -> Vec<(&'static str, u64)> {
        let mut behind = Vec::new();
        for (stream, consumer) in CONSUMERS {
            let stream = self.stream(stream).await;
            let info = stream.consumer_info(consumer).await.expect("the consumer is there");
            behind.push((consumer, info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or(0)));
        }
        behind
    }

    /// Where this is.
    pub(crate) fn environment(&self) -> Environment {
        let version = self.bare.client.server_info().version;
        Environment::look(self.nats.folder(), &version, &self.services.run(&["--version"]))
    }

    /// Who uses the machine so far.
    pub(crate) fn shares(&self) -> Shares {
        let services = SERVICES.into_iter().filter_map(|service| self.services.process(service, 0));
        Shares::look(services.chain(self.nats.process()))
    }

    /// A message that was parked was not worked off: then no figure means anything.
    pub(crate) async fn nothing_parked(&self) {
        let parked = self.messages("DEAD_LETTERS").await;
        assert!(parked == 0, "{parked} messages were parked; see `voordeur dead-letters list`");
    }

    /// A service that ended by itself ends the run.
    pub(crate) fn nobody_ended(&self) {
        let ended: Vec<_> = self.services.ended().into_iter().map(|ended| ended.how).collect();
        assert!(ended.is_empty(), "{}", ended.join("\n"));
    }

    /// Waits until the services have worked everything off; returns how long that took.
    pub(crate) async fn settle(&self) -> Duration {
        let began = Instant::now();
        let (mut least, mut moved, mut told) = (u64::MAX, began, began);
        // Twice, since what one works off wakes the next.
        let mut quiet = 0;
        while quiet < 2 {
            let behind = self.behind().await;
            let count = behind.iter().map(|(_, count)| count).sum();
            quiet = if count == 0 { quiet + 1 } else { 0 };
            if count < least {
                (least, moved) = (count, Instant::now());
            }
            assert!(moved.elapsed() < STANDSTILL, "the services do not get on with {behind:?}");
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                eprintln!("  catching up: {behind:?}");
                self.nobody_ended();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }

    /// Ends every service.
    pub(crate) fn stop_services(&self) {
        SERVICES.into_iter().for_each(|service| self.services.kill(service, 0));
    }

    /// Starts the services that do not run, and waits until all are ready.
    pub(crate) async fn start_services(&self) {
        for service in SERVICES.into_iter().filter(|service| self.services.process(service, 0).is_none()) {
            self.services.start(service, 0);
        }
        let began = Instant::now();
        while let Err(not_ready) = self.services.all_ready() {
            self.nobody_ended();
            assert!(began.elapsed() < START_TIME, "{not_ready}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Services have so many histories in memory and could read all of them; else what follows would measure nothing.
    pub(crate) fn all_folded(&self, services: &[&str], least: usize) {
        for service in services {
            let (histories, frozen) = self.histories(service);
            assert!(
                frozen == 0 && histories >= u64::try_from(least).unwrap_or(u64::MAX),
                "{service} holds {histories} histories, at least {least} were written; {frozen} are frozen"
            );
        }
    }

    /// How many histories a service has in memory, and how many it could not read.
    pub(crate) fn histories(&self, service: &str) -> (u64, u64) {
        let page = self.services.folds(service, 0).expect("its folds");
        let folds = page.as_array().or_else(|| page["folds"].as_array()).expect("a list of folds");
        let sum = |field: &str| folds.iter().filter_map(|fold| fold[field].as_u64()).sum::<u64>();
        (sum("histories"), sum("frozen"))
    }

    pub(crate) async fn stream(&self, name: &str) -> Stream {
        self.bare.context.get_stream(name).await.expect("the stream is there")
    }

    /// Messages in a stream.
    pub(crate) async fn messages(&self, stream: &str) -> u64 {
        self.stream(stream).await.cached_info().state.messages
    }

    /// Lets every service begin after what is in the streams now: it was written there as if they had worked it off. Not while one runs:
    /// what it has in hand would count as unsettled for ever.
    pub(crate) async fn pass_over(&self) {
        for (name, consumer) in CONSUMERS {
            let stream = self.stream(name).await;
            let end = stream.cached_info().state.last_sequence;
            let mut consumer: jetstream::consumer::Consumer<pull::Config> =
                stream.get_consumer(consumer).await.expect("the consumer is there");
            consumer.reset(Some(end + 1)).await.expect("the consumer can be reset");
        }
    }
}

/// A client that speaks for a board.
pub(crate) fn intake_client(channel: Channel, board: usize) -> IntakeClient {
    SignalIntakeServiceClient::with_interceptor(channel, As(country::identity(board)))
}

/// Hands one signal over; returns its latency in milliseconds.
pub(crate) async fn submit_one(client: &mut IntakeClient, signal: SubmitSignalRequest) -> f64 {
    let began = Instant::now();
    client.submit_signal(signal).await.unwrap_or_else(|status| panic!("a signal was refused: {status:?}"));
    milliseconds(began.elapsed())
}

/// A stored signal of middling size: its headers and its payload.
async fn example(services: &Replicas, client: &async_nats::Client) -> (async_nats::HeaderMap, bytes::Bytes) {
    let channel = services.channel("intake", 0).expect("intake runs");
    let mut intake = intake_client(channel, 0);
    for number in 0..30 {
        let _ = submit_one(&mut intake, country::everyday("example", number, 0)).await;
    }
    let stream = jetstream::new(client.clone()).get_stream("SIGNALS").await.expect("the stream is there");
    let mut stored = Vec::new();
    let mut sequence = 1;
    while stored.len() < 30 {
        let message = stream.get_raw_message(sequence).await.expect("thirty signals are stored");
        sequence += 1;
        if message.headers.get("Nats-Expected-Last-Subject-Sequence").is_some_and(|at| at.as_str() == "0") {
            stored.push((message.headers, message.payload));
        }
    }
    stored.sort_by_key(|(_, payload)| payload.len());
    let (headers, payload) = stored.swap_remove(stored.len() / 2);
    (crate::bare::without_storing(&headers), payload)
}
