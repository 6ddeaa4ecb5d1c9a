//! From a stored signal to its durable task, by routing alone, beside a loop that consumes a message and publishes another: the same sizes,
//! the same broker, in turns, with ever more open tasks.

use std::time::{Duration, Instant};

use async_nats::{
    HeaderMap,
    jetstream::{
        AckKind,
        consumer::{AckPolicy, pull},
        stream::{Config, DiscardPolicy},
    },
};
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::{
    Plan,
    bare::{Bare, Entry, publish_batch},
    ground::Ground,
    history::{History, derived, hex},
    report::Report,
    restart,
};

/// Messages of one batch in which what is to be worked off is stored.
const BATCH: usize = 1_000;
/// How many the raw loop has in hand, as many as a worker of ours.
const IN_HAND: usize = 64;
/// Room of each of the raw streams.
const STREAM_BYTES_MAX: i64 = 2 << 30;
/// Work that gets no further in this time has a fault.
const STANDSTILL: Duration = Duration::from_secs(120);
/// Kind of the ids of raw messages.
const RAW: u8 = 240;

/// Everything that a consumer and its publishes need, without us.
pub(crate) struct RawLoop {
    bare: Bare,
    messages: async_nats::jetstream::consumer::pull::Stream,
    /// What is consumed, and what is published for it.
    from: (HeaderMap, Bytes),
    to: (HeaderMap, Bytes),
    sent: usize,
}

impl RawLoop {
    /// Makes two streams, one to consume from and one to publish to.
    pub(crate) async fn prepare(ground: &Ground, history: &History) -> Self {
        let bare = ground.bare.clone();
        let config = |name: &str, subjects: &str| Config {
            name: name.into(),
            subjects: vec![subjects.into()],
            max_bytes: STREAM_BYTES_MAX,
            discard: DiscardPolicy::New,
            duplicate_window: Duration::from_secs(600),
            allow_direct: true,
            allow_atomic_publish: true,
            deny_delete: true,
            ..Config::default()
        };
        let from = bare.context.create_stream(config("RAW_FROM", "raw.from.*")).await.expect("room");
        bare.context.create_stream(config("RAW_TO", "raw.to.*")).await.expect("room");
        let consumer = pull::Config {
            durable_name: Some("raw".into()),
            ack_policy: AckPolicy::Explicit,
            max_ack_pending: 10_000,
            ..pull::Config::default()
        };
        let consumer = from.create_consumer(consumer).await.expect("a consumer");
        let messages =
            consumer.stream().max_messages_per_batch(IN_HAND).messages().await.expect("a stream of messages");
        Self {
            bare,
            messages,
            from: history.first_event("voordeur.signal.v1"),
            to: history.first_event("voordeur.task.v1"),
            sent: 0,
        }
    }

    /// Stores so many messages and works them off; returns how many a second, from the first that is stored until the last is published.
    async fn round(&mut self, count: usize) -> f64 {
        let first = self.sent;
        self.sent += count;
        let entries = |place: &str, form| -> Vec<Entry> {
            (first..first + count).map(|number| entry(place, form, number)).collect()
        };
        let (mut stored, replies) = (entries("from", &self.from), entries("to", &self.to));
        let began = Instant::now();
        let bare = self.bare.clone();
        let store = async {
            while !stored.is_empty() {
                let rest = stored.split_off(stored.len().min(BATCH));
                publish_batch(&bare.client, std::mem::replace(&mut stored, rest)).await;
            }
        };
        let context = &bare.context;
        let work = (&mut self.messages)
            .take(count)
            .zip(futures_util::stream::iter(replies))
            .map(|(message, Entry { subject, headers, payload })| async move {
                let message = message.expect("a message");
                let sent = context.publish_with_headers(subject, headers, payload).await;
                sent.expect("a connection").await.expect("an acknowledgement");
                message.ack_with(AckKind::Ack).await.expect("a connection");
            })
            .buffer_unordered(IN_HAND)
            .for_each(|()| std::future::ready(()));
        let done = futures_util::future::join(store, work);
        tokio::time::timeout(STANDSTILL, done).await.expect("the raw loop gets on");
        per_second(count, began.elapsed())
    }
}

fn entry(place: &str, (headers, payload): &(HeaderMap, Bytes), number: usize) -> Entry {
    let id = hex(derived(RAW, number));
    let mut headers = headers.clone();
    headers.insert("ce-id", format!("com_{id}").as_str());
    headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
    Entry { subject: format!("raw.{place}.{id}"), headers, payload: payload.clone() }
}

fn per_second(count: usize, elapsed: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of signals")]
    let count = count as f64;
    count / elapsed.as_secs_f64()
}

/// Stores so many signals and waits for their tasks; returns how many a second.
async fn route(ground: &Ground, history: &mut History, count: usize) -> f64 {
    let before = ground.messages("TASKS").await;
    let wanted = before + u64::try_from(count).expect("a small number");
    let began = Instant::now();
    let store = history.signals_only(ground, count);
    let wait = async {
        // Each child is new, so each signal makes one event of one task.
        while ground.messages("TASKS").await < wanted {
            ground.nobody_ended();
            assert!(began.elapsed() < STANDSTILL, "routing does not get on");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    futures_util::future::join(store, wait).await;
    per_second(count, began.elapsed())
}

/// With so many open tasks in the log.
pub(crate) async fn at_level(
    plan: &Plan,
    ground: &Ground,
    history: &mut History,
    raw: &mut RawLoop,
    report: &mut Report,
) {
    let open = history.written();
    let name = format!("routing.{open}");
    // Nobody else has anything to do with what routing makes, so that it has the broker for itself as the raw loop has.
    ground.stop_services();
    restart::start_again(ground, "routing").await;
    ground.all_folded(&["routing"], open);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of signals")]
    let count = (2_500.0 * plan.length.as_secs_f64()).max(50.0) as usize;
    for round in 1..=plan.rounds {
        eprintln!("routing: {open} open tasks, round {round} of {}", plan.rounds);
        report.round(format!("{name}.raw.per_second"), "1/s", raw.round(count).await);
        report.round(format!("{name}.per_second"), "1/s", route(ground, history, count).await);
    }
    report.ratio(
        format!("{name}.rate_by_raw"),
        &format!("{name}.per_second"),
        &format!("{name}.raw.per_second"),
    );
    if let Some(smallest) = plan.levels.first().filter(|smallest| **smallest != open) {
        for (figure, short) in [("per_second", "rate"), ("raw.per_second", "raw_rate")] {
            report.ratio(
                format!("{name}.{short}_by_smallest"),
                &format!("{name}.{figure}"),
                &format!("routing.{smallest}.{figure}"),
            );
        }
    }
    // What follows from them is worked off by whoever is measured next.
    ground.start_services().await;
    ground.settle().await;
}

pub(crate) fn note(report: &mut Report) {
    report.note(format!(
        "routing: from the first of a series of stored signals, each about a child that nobody knew, until the last of their tasks is stored; only routing runs; \
         the raw loop consumes as many messages of the size of a signal, {IN_HAND} in hand, and publishes one of the size of a task for each, the first \
         of its own subject, before it acknowledges; both are stored in batches of {BATCH} while they are worked off; \
         levels count the tasks that were written before, those of the measurements come on top"
    ));
}
