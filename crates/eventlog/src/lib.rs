//! The event log: the only crate that names the broker's client.
//!
//! What it offers, as ports with two implementations ([`nats`] and [`memory`]) under one conformance suite:
//! - [`EventLog`]: append with an expected version, read one history, follow a whole stream in order;
//! - [`Wakeups`]: deliveries of another service's stream, acknowledged after the effect is durable;
//! - [`Bucket`]: small values with compare-and-set;
//! - [`topology`]: the streams, consumers and buckets as data.
//!
//! Many appends at the same time share one write of the broker: see [`GroupSettings`].
//!
//! And, built on the ports: [`fold`] (state in memory, commands, freezing) and [`worker`] (wake-up handling, parking, replay).

pub mod bucket;
pub mod dead_letters;
pub mod fold;
mod group;
pub mod log;
pub mod memory;
pub mod nats;
mod resolve;
mod shown;
pub mod topology;
pub mod wakeup;
mod wire;
pub mod worker;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub use bucket::{Bucket, BucketError, Entry};
pub use group::{GroupFigures, GroupSettings};
pub use log::{
    AppendError, Appended, Commit, EventLog, FollowError, Followed, Header, Position, ReadError, Recorded,
    Subject, Usage, Version,
};
pub use topology::{BucketName, ConsumerName, StreamName};
pub use wakeup::{Delivery, WakeupError, Wakeups};

/// When to give up; a moment of the runtime's own clock, so that paused time works.
pub type Deadline = tokio::time::Instant;

/// What a service needs of a broker.
#[async_trait]
pub trait Broker: Send + Sync + fmt::Debug {
    /// The log that is kept in a stream.
    fn log(&self, stream: StreamName) -> Arc<dyn EventLog>;

    /// The deliveries of a durable consumer.
    fn wakeups(&self, consumer: ConsumerName) -> Arc<dyn Wakeups>;

    /// A bucket of small values.
    fn bucket(&self, bucket: BucketName) -> Arc<dyn Bucket>;

    /// Compares what is there with [`topology`], and refuses a broker that does not sync before it acknowledges. Changes nothing.
    ///
    /// # Errors
    /// Every difference at once, each with what to do.
    async fn verify(&self, deadline: Deadline) -> Result<(), topology::TopologyError>;

    /// Creates what is missing and updates what may be updated; only the operations command calls this.
    ///
    /// # Errors
    /// What could not be made, and why.
    async fn apply(&self, deadline: Deadline) -> Result<Vec<topology::Change>, topology::TopologyError>;

    /// Is there a connection at this moment?
    fn connected(&self) -> bool;

    /// What the group committer of each stream did since the process started; nothing of streams that were never appended to.
    fn group_figures(&self) -> Vec<(StreamName, GroupFigures)> {
        Vec::new()
    }
}
