//! Following a whole stream, in order and without holes.
//!
//! Through a consumer of our own that lives in the broker's memory and is made again after every trouble, from where we are. The
//! client has such a consumer too, but hides when it starts again; and that is when the end of the stream and its incarnation must be
//! looked at.
//!
//! A delivery that is lost on its way (a connection or a node that breaks) does not come again. So a gap is a hole only when the leader
//! does not have the message either, following begins anew with every connection, and the end of the stream is looked at now and
//! then, in case the lost ones were the last.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    Message,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use voordeur_kernel::Timestamp;

use super::{
    Core,
    api::{self, ApiError, StreamInfo},
    chance,
};
use crate::{FollowError, Followed, Position, Recorded, StreamName};

/// Messages per pull; bounds what waits in the client.
const BATCH: usize = 256;
/// How long one pull lives at the broker. Short, since the client does not pull again before it, whatever went wrong.
pub(super) const PULL_TIME: Duration = Duration::from_secs(5);
/// How often an idle pull shows that it lives; two missed break it.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
/// When the broker forgets a consumer that nobody pulls from.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// After so long without a message a bucket is looked at.
pub(super) const QUIET_TIME: Duration = Duration::from_secs(10);
/// How often the stream is looked at where it is led. A node that lacks messages may come to lead it at any moment, and nothing that it
/// delivers or answers tells.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What would stop the process must still be so after this long.
const DOUBT: Duration = Duration::from_secs(1);
/// And a stream that ends too early after this long, where there are several replicas: a leader that is cut off believes for some ten
/// seconds that it still leads.
const DOUBT_OF_THE_END: Duration = Duration::from_secs(12);
/// For looking at the stream when connecting.
const LOOK_TIME: Duration = Duration::from_secs(5);

pub(super) fn follow(
    core: Arc<Core>,
    stream: StreamName,
    after: Option<Position>,
) -> BoxStream<'static, Result<Followed, FollowError>> {
    let follower = Follower {
        connections: core.connections.clone(),
        core,
        stream,
        read: after.as_ref().map_or(0, |position| position.sequence),
        incarnation: after.map(|position| position.incarnation),
        last: None,
        messages: None,
        target: None,
        end_seen: 0,
        read_seen: 0,
        looked: Instant::now(),
        failures: 0,
        over: false,
    };
    stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((item, follower))
    })
    .boxed()
}

struct Follower {
    core: Arc<Core>,
    connections: watch::Receiver<u64>,
    stream: StreamName,
    incarnation: Option<Arc<str>>,
    read: u64,
    /// When the message at `read` was stored.
    last: Option<Timestamp>,
    messages: Option<pull::Stream>,
    /// Where the stream ended when we connected, until everything up to there is delivered.
    target: Option<u64>,
    /// Where it ended when we last looked.
    end_seen: u64,
    /// How far we had read then.
    read_seen: u64,
    /// When that was.
    looked: Instant,
    /// Failed connections in a row.
    failures: u32,
    over: bool,
}

/// What happened next.
#[expect(clippy::large_enum_variant, reason = "lives for one step; a box for every message would cost more")]
enum Next {
    Came(Option<Result<Message, pull::MessagesError>>),
    Reconnected,
    /// The stream is to be looked at.
    Due,
}

/// Why there is no connection now.
enum Setback {
    /// Try again.
    Passing(String),
    /// Stop.
    Final(FollowError),
}

impl From<FollowError> for Setback {
    fn from(error: FollowError) -> Self {
        Self::Final(error)
    }
}

impl From<ApiError> for Setback {
    fn from(error: ApiError) -> Self {
        Self::Passing(error.to_string())
    }
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Followed, FollowError>> {
        if self.over {
            return None;
        }
        loop {
            if self.target.is_some_and(|target| self.read >= target)
                && let Some(incarnation) = &self.incarnation
            {
                self.target = None;
                let position = Position {
                    stream: self.stream,
                    incarnation: Arc::clone(incarnation),
                    sequence: self.read,
                };
                return Some(Ok(Followed::CaughtUp(position)));
            }
            let step = match self.messages.as_mut() {
                None => self.connect().await.map(|()| None),
                Some(messages) => {
                    let next = tokio::select! {
                        biased;
                        _ = self.connections.changed() => Next::Reconnected,
                        () = sleep_until(self.looked + LOOK_EVERY) => Next::Due,
                        next = messages.next() => Next::Came(next),
                    };
                    self.handle(next).await
                }
            };
            match step {
                Ok(None) => {}
                Ok(Some(message)) => return Some(Ok(Followed::Message(message))),
                Err(Setback::Passing(reason)) => self.pause(&reason).await,
                Err(Setback::Final(error)) => {
                    self.over = true;
                    self.messages = None;
                    return Some(Err(error));
                }
            }
        }
    }

    async fn handle(&mut self, next: Next) -> Result<Option<Recorded>, Setback> {
        let passing = |reason: &str| Err(Setback::Passing(reason.to_owned()));
        match next {
            Next::Came(Some(Ok(message))) => match api::delivered(&message) {
                Some((message, _)) => self.accept(message).await,
                None => passing("a delivery without a sequence"),
            },
            Next::Came(Some(Err(error))) => passing(&error.to_string()),
            Next::Came(None) => passing("the pull ended"),
            Next::Reconnected => passing("the connection was made again"),
            Next::Due => {
                if self.read == self.read_seen && self.end_seen > self.read {
                    return passing("messages that are there do not come");
                }
                let end = self.look().await?.state.last_seq;
                (self.end_seen, self.read_seen, self.looked) = (end, self.read, Instant::now());
                Ok(None)
            }
        }
    }

    async fn pause(&mut self, reason: &str) {
        // Dropping the pull unsubscribes it; the broker forgets the consumer by itself.
        self.messages = None;
        self.target = None;
        tracing::warn!(stream = %self.stream, read = self.read, reason, "following starts again");
        self.failures = self.failures.saturating_add(1);
        let pause = Duration::from_millis(50 << self.failures.min(5));
        sleep(pause / 2 + pause * chance() / 2000).await;
    }

    async fn connect(&mut self) -> Result<(), Setback> {
        let stream = self.stream;
        // Before anything else: a connection that is made from here on makes us begin again.
        self.connections.borrow_and_update();
        let info = self.look().await?;
        self.core.remember(stream, &info.created);
        let incarnation = Arc::clone(self.incarnation.get_or_insert_with(|| Arc::clone(&info.created)));
        self.recognise().await?;
        if info.state.last_seq > self.read {
            // The last message must be there: a consumer would just never come to one that is not.
            let last = json!({"seq": info.state.last_seq});
            let deadline = Instant::now() + LOOK_TIME;
            if self.core.message(stream.as_str(), &last, deadline).await?.is_none() {
                let expected = info.state.last_seq;
                return Err(FollowError::Hole { stream, expected, found: expected + 1 }.into());
            }
        }
        let handle = self.core.context.get_stream_no_info(stream.as_str()).await;
        let handle = handle.map_err(|error| Setback::Passing(error.to_string()))?;
        let consumer = handle.create_consumer(pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.read + 1 },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: FORGOTTEN_AFTER,
            ..pull::Config::default()
        });
        let consumer = consumer.await.map_err(|error| Setback::Passing(error.to_string()))?;
        // The stream may have been made again between looking and making the consumer.
        let again = self.core.stream_info(stream.as_str(), Instant::now() + LOOK_TIME).await?;
        if again.created != incarnation {
            return Err(Setback::Passing("the stream changed meanwhile".to_owned()));
        }
        let pull = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .expires(PULL_TIME)
            .heartbeat(HEARTBEAT)
            .messages();
        self.messages = Some(pull.await.map_err(|error| Setback::Passing(error.to_string()))?);
        self.target = Some(info.state.last_seq);
        (self.end_seen, self.read_seen, self.looked) = (0, self.read, Instant::now());
        self.failures = 0;
        tracing::debug!(%stream, read = self.read, end = info.state.last_seq, "following");
        Ok(())
    }

    /// Is the last message that we read still the same? A stream that is restored from a backup keeps its incarnation, and once it
    /// has grown past what we read, nothing else tells.
    async fn recognise(&self) -> Result<(), Setback> {
        let Some(last) = self.last else { return Ok(()) };
        let (stream, deadline) = (self.stream, Instant::now() + LOOK_TIME);
        let there = self.core.message(stream.as_str(), &json!({"seq": self.read}), deadline).await?;
        match there.map(|message| api::recorded(message).stored_at) {
            Some(there) if there != last => Err(FollowError::OtherIncarnation { stream }.into()),
            // A message that is gone is damage, which is found elsewhere: what was read of it is known.
            _ => Ok(()),
        }
    }

    /// Looks at the stream, and at its incarnation and end compared with what we know. What would stop the process is looked at
    /// again: a node that just came back may answer before it has caught up, and one that was cut off before it knows that it leads no
    /// more. Nothing is read meanwhile.
    async fn look(&self) -> Result<StreamInfo, Setback> {
        let began = Instant::now();
        let mut doubted = false;
        loop {
            let info = self.core.stream_info(self.stream.as_str(), Instant::now() + LOOK_TIME).await?;
            let Some(error) = self.compare(&info) else { return Ok(info) };
            let behind = matches!(error, FollowError::EndBelow { .. });
            let replicas = self.core.settings.topology.replicas;
            let doubt = if behind && replicas > 1 { DOUBT_OF_THE_END } else { DOUBT };
            if doubted && began.elapsed() >= doubt {
                return Err(error.into());
            }
            doubted = true;
            sleep(DOUBT).await;
        }
    }

    fn compare(&self, info: &StreamInfo) -> Option<FollowError> {
        let stream = self.stream;
        if self.incarnation.as_ref().is_some_and(|known| *known != info.created) {
            return Some(FollowError::OtherIncarnation { stream });
        }
        let (expected, found) = (self.read + 1, info.state.first_seq);
        if found > expected {
            // Nothing is ever purged without being recorded, and nothing records it yet.
            return Some(FollowError::Hole { stream, expected, found });
        }
        if info.state.num_deleted > 0 {
            return Some(FollowError::Missing { stream, count: info.state.num_deleted });
        }
        let end = info.state.last_seq;
        (end < self.read).then_some(FollowError::EndBelow { stream, end, read: self.read })
    }

    /// Takes the next message if it is the next one.
    async fn accept(&mut self, message: Recorded) -> Result<Option<Recorded>, Setback> {
        let (expected, found) = (self.read + 1, message.sequence);
        if found < expected {
            // Delivered twice; cannot happen with our consumer, and would be harmless.
            return Ok(None);
        }
        if found > expected {
            let which = json!({"seq": expected});
            let deadline = Instant::now() + LOOK_TIME;
            return match self.core.message(self.stream.as_str(), &which, deadline).await? {
                Some(_) => Err(Setback::Passing("a message was lost on its way".to_owned())),
                None => Err(FollowError::Hole { stream: self.stream, expected, found }.into()),
            };
        }
        self.read = found;
        self.last = Some(message.stored_at);
        Ok(Some(message))
    }
}
