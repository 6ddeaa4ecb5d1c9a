//! Durable consumers at the broker.

use std::{fmt, sync::Arc, time::Duration};

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{Consumer, pull},
    context::ConsumerInfoErrorKind,
};
use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::Mutex, time::timeout_at};

use super::{
    Core,
    api::{self, ApiError, code},
    follow::{HEARTBEAT, PULL_TIME},
};
use crate::{Deadline, Delivery, Recorded, WakeupError, Wakeups, topology::ConsumerName, wakeup::Backlog};

/// Messages per pull. Small: what waits here unhandled is what other replicas cannot take.
const BATCH: usize = 32;

pub(super) struct NatsWakeups {
    core: Arc<Core>,
    consumer: ConsumerName,
    /// The running pull. It is kept between calls, because what it has received would otherwise come again only after the
    /// consumer's wait.
    pull: Mutex<Option<pull::Stream>>,
}

impl fmt::Debug for NatsWakeups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsWakeups").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl NatsWakeups {
    pub(super) fn new(core: Arc<Core>, consumer: ConsumerName) -> Self {
        Self { core, consumer, pull: Mutex::new(None) }
    }

    async fn start(&self) -> Result<pull::Stream, WakeupError> {
        if !self.core.connected() {
            return Err(WakeupError::Unavailable);
        }
        let unavailable = |_| WakeupError::Unavailable;
        let stream = self.core.context.get_stream_no_info(self.consumer.stream().as_str()).await;
        let stream = stream.map_err(|_| WakeupError::Unavailable)?;
        let info =
            stream.consumer_info(self.consumer.as_str()).await.map_err(|error| match error.kind() {
                ConsumerInfoErrorKind::NotFound | ConsumerInfoErrorKind::StreamNotFound => {
                    WakeupError::Missing(self.consumer)
                }
                _ => WakeupError::Unavailable,
            })?;
        let consumer = Consumer::new(pull::Config::default(), info, self.core.context.clone());
        let pull = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .expires(PULL_TIME)
            .heartbeat(HEARTBEAT)
            .messages();
        pull.await.map_err(unavailable)
    }

    fn delivery(&self, message: Message) -> Option<Box<dyn Delivery>> {
        let (recorded, attempt) = api::delivered(&message)?;
        let core = Arc::clone(&self.core);
        Some(Box::new(NatsDelivery { core, consumer: self.consumer, message, recorded, attempt }))
    }
}

#[async_trait]
impl Wakeups for NatsWakeups {
    fn consumer(&self) -> ConsumerName {
        self.consumer
    }

    async fn next(&self, most: usize) -> Result<Vec<Box<dyn Delivery>>, WakeupError> {
        let mut pull = self.pull.lock().await;
        loop {
            if pull.is_none() {
                *pull = Some(self.start().await?);
            }
            let Some(messages) = pull.as_mut() else { continue };
            let mut deliveries = Vec::new();
            let mut broken = None;
            match messages.next().await {
                Some(Ok(message)) => deliveries.extend(self.delivery(message)),
                Some(Err(error)) => broken = Some(error.to_string()),
                None => broken = Some("the pull ended".to_owned()),
            }
            // What else is here already. Nothing below waits, so that no delivery is lost with a cancelled call.
            while broken.is_none() && deliveries.len() < most {
                match messages.next().now_or_never() {
                    Some(Some(Ok(message))) => deliveries.extend(self.delivery(message)),
                    Some(Some(Err(error))) => broken = Some(error.to_string()),
                    Some(None) => broken = Some("the pull ended".to_owned()),
                    None => break,
                }
            }
            if let Some(reason) = broken {
                // The client would not pull again before the pull expires: begin again instead.
                tracing::warn!(consumer = %self.consumer, reason, "taking deliveries starts again");
                *pull = None;
                if deliveries.is_empty() {
                    return Err(WakeupError::Unavailable);
                }
            }
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
        }
    }

    async fn backlog(&self, deadline: Deadline) -> Result<Backlog, WakeupError> {
        #[derive(Deserialize)]
        struct Info {
            num_pending: u64,
            num_ack_pending: u64,
            num_redelivered: u64,
        }
        let subject = format!("CONSUMER.INFO.{}.{}", self.consumer.stream(), self.consumer);
        match self.core.api::<Info>(&subject, &json!({}), deadline).await {
            Ok(info) => Ok(Backlog {
                pending: info.num_pending,
                unsettled: info.num_ack_pending,
                redelivered: info.num_redelivered,
            }),
            Err(ApiError::Refused { code: code::CONSUMER_NOT_FOUND | code::STREAM_NOT_FOUND, .. }) => {
                Err(WakeupError::Missing(self.consumer))
            }
            Err(_) => Err(WakeupError::Unavailable),
        }
    }
}

struct NatsDelivery {
    core: Arc<Core>,
    consumer: ConsumerName,
    message: Message,
    recorded: Recorded,
    attempt: u64,
}

impl fmt::Debug for NatsDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsDelivery")
            .field("consumer", &self.consumer)
            .field("sequence", &self.recorded.sequence)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Delivery for NatsDelivery {
    fn message(&self) -> &Recorded {
        &self.recorded
    }

    fn attempt(&self) -> u64 {
        self.attempt
    }

    async fn acknowledge(self: Box<Self>, deadline: Deadline) -> Result<(), WakeupError> {
        if !self.core.connected() {
            return Err(WakeupError::Unavailable);
        }
        // Not confirmed: a lost one costs a second delivery, which is harmless, and waiting would cost every delivery an answer.
        match timeout_at(deadline, self.message.ack()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(WakeupError::Unavailable),
        }
    }

    async fn later(self: Box<Self>, delay: Duration) -> Result<(), WakeupError> {
        if !self.core.connected() {
            return Err(WakeupError::Unavailable);
        }
        self.message.ack_with(AckKind::Nak(Some(delay))).await.map_err(|_| WakeupError::Unavailable)
    }
}
