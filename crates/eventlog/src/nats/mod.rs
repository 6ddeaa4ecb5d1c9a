//! The event log on NATS JetStream. The only module that names the broker's client.
//!
//! What the client does not do, and this module does: try again with the same bytes, tell "not taken in" from "unknown", read
//! from the leader, notice a broken connection within seconds, and check that acknowledgements are confirmed. The traps are named
//! where they are avoided.

pub mod answers;
mod api;
mod batch;
mod bucket;
mod follow;
mod log;
mod monitor;
mod topology;
pub mod verify;
mod wakeup;

use std::{
    collections::BTreeMap,
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{ConnectOptions, Event, connection::State, jetstream};
use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Broker, Bucket, BucketName, ConsumerName, Deadline, EventLog, GroupFigures, GroupSettings, StreamName,
    Wakeups,
    group::{Lane, Lanes},
    topology::{Change, Settings, TopologyError},
};

/// Where the broker is and how to be known there.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// Addresses of every node, for instance `nats://nats-1:4222`.
    pub urls: Vec<String>,
    /// Monitoring addresses of every node, for instance `http://nats-1:8222`: whether a node syncs before it acknowledges is only told
    /// there.
    pub monitor_urls: Vec<String>,
    /// File with the seed of our NKey; none on a broker without access control.
    pub nkey_seed_file: Option<PathBuf>,
    /// Settings of the topology.
    pub topology: Settings,
    /// Accept a broker that acknowledges before it syncs, or that does not tell. Messages can be lost at a power failure.
    pub allow_unsynced: bool,
    /// When appends share a write of the broker.
    pub group: GroupSettings,
    /// Our name: shows at the broker, and is the prefix of our inboxes, on which our read rights are given.
    pub name: String,
}

/// A connection could not be set up; a broker that is merely away is no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The file with the seed cannot be read, or holds none.
    #[error("the file with the NKey seed cannot be used: {0}")]
    Seed(String),
    /// An address or the name does not parse.
    #[error("the broker's client refused its settings: {0}")]
    Settings(String),
}

/// How often an idle connection is checked; two missed answers break it.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Commands that may wait in the client. Small: what waits here during a broken connection is sent afterwards, when its sender has
/// long given up.
const CLIENT_CAPACITY: usize = 256;
/// How long one request waits for its answer.
const ATTEMPT_TIME: Duration = Duration::from_secs(2);

/// The broker, reached by NATS. A clone is the same connection.
#[derive(Clone)]
pub struct NatsBroker {
    core: Arc<Core>,
    /// The group committers of this process: a clone has the same.
    lanes: Arc<Lanes>,
}

struct Core {
    client: async_nats::Client,
    context: jetstream::Context,
    settings: NatsSettings,
    /// Which life of each stream was seen last.
    incarnations: Mutex<BTreeMap<StreamName, Arc<str>>>,
    /// Counts connections. What was on its way when one broke is lost, and a consumer without acknowledgements does not send it
    /// again: whoever follows begins anew with every connection.
    connections: watch::Receiver<u64>,
}

impl fmt::Debug for NatsBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBroker").field("name", &self.core.settings.name).finish_non_exhaustive()
    }
}

impl NatsBroker {
    /// Sets a connection up. Returns at once: a broker that is not there yet is waited for in the background.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub async fn connect(settings: NatsSettings) -> Result<Self, ConnectError> {
        let (counter, connections) = watch::channel(0);
        let counter = Arc::new(counter);
        let mut options = ConnectOptions::new()
            .name(&settings.name)
            .retry_on_initial_connect()
            .ping_interval(PING_INTERVAL)
            .connection_timeout(Duration::from_secs(5))
            .request_timeout(Some(ATTEMPT_TIME))
            .client_capacity(CLIENT_CAPACITY)
            .custom_inbox_prefix(format!("_INBOX.{}", settings.name))
            .reconnect_delay_callback(reconnect_delay)
            .event_callback(move |event| {
                if event == Event::Connected {
                    counter.send_modify(|count| *count += 1);
                }
                async move { report(&event) }
            });
        if let Some(path) = &settings.nkey_seed_file {
            let seed = tokio::fs::read_to_string(path).await;
            let seed = seed.map_err(|error| ConnectError::Seed(error.kind().to_string()))?;
            options = options.nkey(seed.trim().to_owned());
        }
        let client = options
            .connect(settings.urls.as_slice())
            .await
            .map_err(|error| ConnectError::Settings(error.kind().to_string()))?;
        let context = jetstream::new(client.clone());
        let incarnations = Mutex::new(BTreeMap::new());
        let lanes = Arc::new(Lanes::new(settings.group.clone()));
        let core = Arc::new(Core { client, context, settings, incarnations, connections });
        Ok(Self { core, lanes })
    }

    /// The group committer of a stream.
    pub(crate) fn lane(&self, stream: StreamName) -> Lane {
        self.lanes.lane(stream, || Arc::new(log::Single::new(Arc::clone(&self.core), stream)))
    }

    /// Sends what waits and closes the connection; call it after the work in hand has ended.
    pub async fn close(&self) {
        // Whoever closes is leaving anyway: what cannot be sent any more was never acknowledged.
        let _ = tokio::time::timeout(ATTEMPT_TIME, self.core.client.flush()).await;
        let _ = self.core.client.drain().await;
    }
}

/// 50 ms, doubling up to 4 s, half of it by chance so that replicas do not come back all at once.
fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(7);
    let longest = Duration::from_millis(50 << doublings).min(Duration::from_secs(4));
    longest / 2 + longest * chance() / 2000
}

/// 0-999, different in every process; nothing secret hangs on it.
fn chance() -> u32 {
    u32::try_from(RandomState::new().build_hasher().finish() % 1000).unwrap_or(0)
}

fn report(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to the broker"),
        Event::Disconnected => tracing::warn!("lost the connection to the broker"),
        Event::LameDuckMode => tracing::info!("the broker's node is about to leave"),
        // A denied request looks like a time-out to its sender; this line is the only place where it shows.
        Event::ServerError(error) => tracing::error!(%error, "the broker reported an error"),
        Event::SlowConsumer(_) => tracing::error!("the client dropped messages: a subscription was too slow"),
        Event::ClientError(error) => tracing::warn!(%error, "the broker's client reported an error"),
        Event::Draining | Event::Closed => {}
    }
}

impl Core {
    fn connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    fn remember(&self, stream: StreamName, incarnation: &Arc<str>) {
        let mut all = self.incarnations.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(stream, Arc::clone(incarnation));
    }

    fn remembered(&self, stream: StreamName) -> Option<Arc<str>> {
        self.incarnations.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).cloned()
    }
}

#[async_trait]
impl Broker for NatsBroker {
    fn log(&self, stream: StreamName) -> Arc<dyn EventLog> {
        Arc::new(log::NatsLog::new(log::Single::new(Arc::clone(&self.core), stream), self.lane(stream)))
    }

    fn wakeups(&self, consumer: ConsumerName) -> Arc<dyn Wakeups> {
        Arc::new(wakeup::NatsWakeups::new(Arc::clone(&self.core), consumer))
    }

    fn bucket(&self, bucket: BucketName) -> Arc<dyn Bucket> {
        Arc::new(bucket::NatsBucket::new(Arc::clone(&self.core), bucket))
    }

    async fn verify(&self, deadline: Deadline) -> Result<(), TopologyError> {
        topology::verify(&self.core, deadline).await
    }

    async fn apply(&self, deadline: Deadline) -> Result<Vec<Change>, TopologyError> {
        topology::apply(&self.core, deadline).await
    }

    fn connected(&self) -> bool {
        self.core.connected()
    }

    fn group_figures(&self) -> Vec<(StreamName, GroupFigures)> {
        self.lanes.figures()
    }
}
