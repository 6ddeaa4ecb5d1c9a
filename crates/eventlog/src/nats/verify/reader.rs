//! Reading the copy of one node. Through a consumer that lives at that very node and reads its own store: a direct read may be answered
//! by any node, and a read by request is answered by the leader.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use async_nats::{Message, StatusCode, Subscriber, jetstream};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::super::{Core, chance};

/// A consumer is put at any node that has a copy: it is made again until it is where it must be.
const TRIES: usize = 100;
/// The node forgets the consumer by itself when we are gone.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// A node that sends nothing for so long has broken off.
const SILENCE: Duration = Duration::from_secs(5);
/// A consumer that was just made may not listen yet.
const UNHEARD_MAX: usize = 20;

/// One message of a copy: its sequence, and what tells whether it is the same elsewhere.
pub(super) type Seen = (u64, u64);

pub(super) struct Reader<'a> {
    core: &'a Core,
    stream: &'a str,
    node: &'a str,
    /// Only one node has a copy: it need not be looked for.
    alone: bool,
    open: Option<Open>,
    /// What came and was not asked for yet.
    ahead: VecDeque<Seen>,
    next: u64,
}

struct Open {
    consumer: String,
    inbox: String,
    answers: Subscriber,
}

enum Pulled {
    All,
    /// There is nothing more.
    End,
    /// Nobody heard the request.
    Unheard,
}

impl<'a> Reader<'a> {
    pub(super) fn new(core: &'a Core, stream: &'a str, node: &'a str, alone: bool, from: u64) -> Self {
        Self { core, stream, node, alone, open: None, ahead: VecDeque::new(), next: from }
    }

    /// Every message from where it stands up to a sequence, as far as the copy has it.
    pub(super) async fn up_to(&mut self, end: u64) -> Result<Vec<Seen>, String> {
        let mut broken_off = 0;
        let mut unheard = 0;
        while self.next <= end {
            let open = match self.open.take() {
                Some(open) => open,
                None => self.open().await?,
            };
            let open = self.open.insert(open);
            let before = self.next;
            let count = usize::try_from(end - self.next + 1).unwrap_or(usize::MAX);
            match pull(self.core, self.stream, open, count, &mut self.ahead, &mut self.next).await {
                Ok(Pulled::All) => {}
                Ok(Pulled::End) => break,
                Ok(Pulled::Unheard) if unheard < UNHEARD_MAX => {
                    unheard += 1;
                    sleep(Duration::from_millis(50)).await;
                }
                Ok(Pulled::Unheard) => {
                    return Err("nobody listens to the reader that was put there".to_owned());
                }
                Err(reason) => {
                    // Once more from where it stands; what does not come then either is what we want to know.
                    self.close().await;
                    broken_off = if self.next > before { 0 } else { broken_off + 1 };
                    if broken_off > 1 {
                        return Err(reason);
                    }
                }
            }
        }
        let mut seen = Vec::new();
        while let Some(first) = self.ahead.front()
            && first.0 <= end
        {
            seen.extend(self.ahead.pop_front());
        }
        self.next = self.next.max(end + 1);
        Ok(seen)
    }

    async fn open(&self) -> Result<Open, String> {
        #[derive(Deserialize)]
        struct Made {
            #[serde(default)]
            cluster: Cluster,
        }
        #[derive(Deserialize, Default)]
        struct Cluster {
            #[serde(default)]
            leader: String,
        }
        let mut last = String::new();
        for number in 0..TRIES {
            let consumer = format!("verify-{:03}{:03}-{number}", chance(), chance());
            let request = json!({ "stream_name": self.stream, "action": "create", "config": {
                "name": consumer, "deliver_policy": "by_start_sequence", "opt_start_seq": self.next, "ack_policy": "none",
                "num_replicas": 1, "mem_storage": true,
                "inactive_threshold": u64::try_from(FORGOTTEN_AFTER.as_nanos()).unwrap_or(u64::MAX),
            }});
            let subject = format!("CONSUMER.CREATE.{}.{consumer}", self.stream);
            match self.core.api::<Made>(&subject, &request, Instant::now() + REQUEST_TIME).await {
                Ok(made) if self.alone || made.cluster.leader == self.node => {
                    let inbox = self.core.client.new_inbox();
                    let answers = self.core.client.subscribe(inbox.clone()).await;
                    let answers = answers.map_err(|error| error.to_string())?;
                    return Ok(Open { consumer, inbox, answers });
                }
                Ok(made) => {
                    last = format!("a reader always comes to be at {}", made.cluster.leader);
                    self.forget(&consumer).await;
                }
                Err(error) => {
                    last = error.to_string();
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
        Err(format!("no reader could be put there: {last}"))
    }

    async fn forget(&self, consumer: &str) {
        let subject = format!("CONSUMER.DELETE.{}.{consumer}", self.stream);
        // The node forgets it by itself.
        let _ = self.core.api::<serde_json::Value>(&subject, &json!({}), Instant::now() + REQUEST_TIME).await;
    }

    pub(super) async fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            let _ = open.answers.unsubscribe().await;
            self.forget(&open.consumer).await;
        }
    }
}

async fn pull(
    core: &Core,
    stream: &str,
    open: &mut Open,
    count: usize,
    ahead: &mut VecDeque<Seen>,
    next: &mut u64,
) -> Result<Pulled, String> {
    let request = Bytes::from(json!({ "batch": count, "no_wait": true }).to_string());
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{}", open.consumer);
    let sent = core.client.publish_with_reply(subject, open.inbox.clone(), request).await;
    sent.map_err(|error| error.to_string())?;
    for _ in 0..count {
        let message = match timeout(SILENCE, open.answers.next()).await {
            Ok(Some(message)) => message,
            Ok(None) => return Err("the connection ended".to_owned()),
            Err(_) => return Err(format!("it sends nothing from sequence {next} on")),
        };
        match message.status {
            Some(StatusCode::NO_RESPONDERS) => return Ok(Pulled::Unheard),
            // "No messages", or the rest of the request has ended: there is nothing more.
            Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => return Ok(Pulled::End),
            Some(status) => {
                return Err(format!("it answered {status} {}", message.description.unwrap_or_default()));
            }
            None => {}
        }
        let Some(seen) = seen(core, message) else { return Err("a message without a sequence".to_owned()) };
        if seen.0 >= *next {
            *next = seen.0 + 1;
            ahead.push_back(seen);
        }
    }
    Ok(Pulled::All)
}

/// Its sequence, and a digest of everything that must be the same at every node.
fn seen(core: &Core, message: Message) -> Option<Seen> {
    let message = jetstream::Message { message, context: core.context.clone() };
    let info = message.info().ok()?;
    let sequence = info.stream_sequence;
    let mut hasher = DefaultHasher::new();
    info.published.unix_timestamp_nanos().hash(&mut hasher);
    message.subject.as_str().hash(&mut hasher);
    message.payload.hash(&mut hasher);
    // In whatever order they come.
    let headers = message.headers.iter().flat_map(|headers| headers.iter());
    let headers = headers.flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let headers = headers.fold(0_u64, |sum, (name, value)| {
        let mut hasher = DefaultHasher::new();
        let name: &str = name.as_ref();
        name.hash(&mut hasher);
        value.as_str().hash(&mut hasher);
        sum.wrapping_add(hasher.finish())
    });
    headers.hash(&mut hasher);
    Some((sequence, hasher.finish()))
}
