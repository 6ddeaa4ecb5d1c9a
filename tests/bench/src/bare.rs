//! The broker itself, without us: what everything else is compared with. A bare message has the size and the headers of a stored signal,
//! and as that it is the first of a subject of its own, which the broker has to check.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{
    HeaderMap, HeaderValue, Request,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
        stream::{Config, DiscardPolicy},
    },
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::measure::{Sample, milliseconds, side_by_side};

const STREAM: &str = "BARE";
/// Messages of one atomic batch.
pub(crate) const BATCH: usize = 128;
/// Bytes that a stream for bare messages may take.
const STREAM_BYTES_MAX: i64 = 8 << 30;

/// The broker, and a message to compare with.
#[derive(Clone)]
pub(crate) struct Bare {
    pub(crate) client: async_nats::Client,
    pub(crate) context: jetstream::Context,
    headers: HeaderMap,
    payload: Bytes,
    sent: Arc<AtomicU64>,
}

/// One message of a batch.
pub(crate) struct Entry {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

impl Bare {
    /// Makes the stream; messages look like this one.
    pub(crate) async fn prepare(client: async_nats::Client, headers: HeaderMap, payload: Bytes) -> Self {
        let context = jetstream::new(client.clone());
        let stream = Config {
            name: STREAM.into(),
            subjects: vec!["bare.*".into()],
            max_bytes: STREAM_BYTES_MAX,
            discard: DiscardPolicy::New,
            duplicate_window: Duration::from_secs(600),
            allow_direct: true,
            allow_atomic_publish: true,
            deny_delete: true,
            ..Config::default()
        };
        context.create_stream(stream).await.expect("room for a stream of bare messages");
        Self { client, context, headers, payload, sent: Arc::default() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.payload.len()
    }

    fn next(&self) -> Entry {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        // As scattered as ours.
        let id =
            format!("{:032x}", u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let commit = format!("com_{id}");
        let mut headers = self.headers.clone();
        headers.insert("Nats-Msg-Id", commit.as_str());
        headers.insert("ce-id", commit.as_str());
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        Entry { subject: format!("bare.{id}"), headers, payload: self.payload.clone() }
    }

    /// Publishes, each caller waiting for every acknowledgement.
    pub(crate) async fn publish(&self, at_once: usize, length: Duration) -> Sample {
        side_by_side(at_once, length, |_, end| {
            let bare = self.clone();
            async move {
                let mut latencies = Vec::new();
                while Instant::now() < end {
                    let Entry { subject, headers, payload } = bare.next();
                    let began = Instant::now();
                    let sent = bare.context.publish_with_headers(subject, headers, payload).await;
                    sent.expect("a connection").await.expect("an acknowledgement");
                    latencies.push(milliseconds(began.elapsed()));
                }
                latencies
            }
        })
        .await
    }

    /// Publishes in atomic batches, one after another; every message waits for its whole batch.
    pub(crate) async fn publish_in_batches(&self, length: Duration) -> Sample {
        side_by_side(1, length, |_, end| {
            let bare = self.clone();
            async move {
                let mut latencies = Vec::new();
                while Instant::now() < end {
                    let entries = (0..BATCH).map(|_| bare.next()).collect();
                    let began = Instant::now();
                    publish_batch(&bare.client, entries).await;
                    latencies.extend([milliseconds(began.elapsed()); BATCH]);
                }
                latencies
            }
        })
        .await
    }
}

/// Headers that say how a message was stored.
const OF_STORING: [&str; 5] = [
    "Nats-Msg-Id",
    "Nats-Batch-Id",
    "Nats-Batch-Sequence",
    "Nats-Batch-Commit",
    "Nats-Expected-Last-Subject-Sequence",
];

/// The headers of a stored message, without those that say how it was stored: a copy says that anew. A copy of what was stored years ago
/// has no `Nats-Msg-Id` at all, since no broker remembers it that long.
pub(crate) fn without_storing(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, values) in headers.iter() {
        if !OF_STORING.contains(&name.to_string().as_str()) {
            values.iter().for_each(|value| kept.append(name.clone(), value.clone()));
        }
    }
    kept
}

/// Publishes an atomic batch and returns the sequence of its first message.
pub(crate) async fn publish_batch(client: &async_nats::Client, entries: Vec<Entry>) -> u64 {
    let inbox = client.new_inbox();
    let id = inbox.rsplit('.').next().unwrap_or(&inbox).to_owned();
    let count = entries.len();
    for (index, Entry { subject, mut headers, payload }) in entries.into_iter().enumerate() {
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", HeaderValue::from(index + 1));
        if index + 1 < count {
            client.publish_with_headers(subject, headers, payload).await.expect("a connection");
            continue;
        }
        headers.insert("Nats-Batch-Commit", "1");
        let request = Request::new().headers(headers).payload(payload).timeout(Some(Duration::from_secs(30)));
        let answer = client.send_request(subject, request).await.expect("an answer to the batch");
        let answer: Value = serde_json::from_slice(&answer.payload).expect("an answer in JSON");
        let last = answer["seq"].as_u64().unwrap_or_else(|| panic!("the batch was refused: {answer}"));
        return last + 1 - u64::try_from(count).expect("a small number");
    }
    0
}

/// Reads a stream from its first message to the end it has now; returns how many messages came and how long it took.
pub(crate) async fn read_through(context: &jetstream::Context, stream: &str) -> (u64, Duration) {
    let stream = context.get_stream(stream).await.expect("the stream is there");
    let end = stream.cached_info().state.last_sequence;
    let consumer = pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        memory_storage: true,
        ..pull::Config::default()
    };
    let began = Instant::now();
    let consumer = stream.create_consumer(consumer).await.expect("a consumer");
    let mut messages =
        consumer.stream().max_messages_per_batch(1000).messages().await.expect("a stream of messages");
    let mut count = 0;
    while count < end {
        messages.next().await.expect("the stream goes on").expect("a message");
        count += 1;
    }
    (count, began.elapsed())
}
