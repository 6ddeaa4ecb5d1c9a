//! The port of wake-ups: deliveries of a durable consumer on somebody else's stream. A delivery only says that a history moved; who
//! handles it reads that history.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{Deadline, Recorded, topology::ConsumerName};

/// Why deliveries cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WakeupError {
    /// The broker cannot be reached.
    #[error("the broker is not available")]
    Unavailable,
    /// The consumer is not there; the operations command makes it.
    #[error("consumer {0} is missing; run `voordeur streams apply`")]
    Missing(ConsumerName),
}

/// One delivery. Dropped without a settlement it comes again after the consumer's wait.
#[async_trait]
pub trait Delivery: Send + Sync + fmt::Debug {
    /// The message.
    fn message(&self) -> &Recorded;

    /// How often this message was delivered, from 1.
    fn attempt(&self) -> u64;

    /// The effect is durable. It may come again all the same, which is harmless: an acknowledgement can get lost on its way, and a node
    /// that is killed can forget it.
    async fn acknowledge(self: Box<Self>, deadline: Deadline) -> Result<(), WakeupError>;

    /// Deliver it again after a while.
    async fn later(self: Box<Self>, delay: Duration) -> Result<(), WakeupError>;
}

/// How far a consumer lies behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Messages not delivered yet.
    pub pending: u64,
    /// Messages delivered and not settled.
    pub unsettled: u64,
    /// Messages delivered more than once and not settled.
    pub redelivered: u64,
}

/// A durable consumer; any number of replicas may take from it.
#[async_trait]
pub trait Wakeups: Send + Sync + fmt::Debug {
    /// Which consumer.
    fn consumer(&self) -> ConsumerName;

    /// The next deliveries, at least one and at most `most`; waits until there is one. An error is passing: wait a little and call
    /// again. Cancel-safe: a delivery that was not returned comes again.
    async fn next(&self, most: usize) -> Result<Vec<Box<dyn Delivery>>, WakeupError>;

    /// How far behind.
    async fn backlog(&self, deadline: Deadline) -> Result<Backlog, WakeupError>;
}
