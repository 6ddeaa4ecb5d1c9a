//! An installation of real processes on one machine: a broker and any number of replicas of each service, which can be killed and
//! started again. Nothing in here links a service: it runs the `voordeur` binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test harness: whatever goes wrong must end the test with its reason, and speaks to its terminal"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tonic::{
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use voordeur_kernel::{Clock, Timestamp};
use voordeur_testkit::NatsServer;

pub use replicas::{Ended, Replicas};

pub mod census;
pub mod dice;
pub mod otlp;
mod replicas;
pub mod rounds;
pub mod signals;

/// The services, in the order of their work.
pub const SERVICES: [&str; 3] = ["intake", "routing", "escalation"];

/// Addresses of one running service process.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Of gRPC, `host:port`.
    pub grpc: String,
    /// Of health, metrics and administration, `host:port`.
    pub http: String,
}

/// A broker on one node, and replicas of the services on it.
pub struct Installation {
    /// The broker.
    pub nats: NatsServer,
    replicas: Replicas,
}

impl Installation {
    /// A broker with its streams, fresh keys and the demonstration directory; no service runs yet. `settings` are environment variables for
    /// every process.
    pub async fn prepare(settings: &[(&str, &str)]) -> Arc<Self> {
        let nats = NatsServer::start().await;
        let replicas = Replicas::install(&[nats.url()], &[nats.monitor_url()], 1, settings);
        Arc::new(Self { nats, replicas })
    }

    /// Is a word readable in the broker's files or in a log of a service?
    pub fn keeps(&self, word: &str) -> bool {
        let mut folders = vec![self.replicas.folder().to_owned(), self.nats.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if let Ok(bytes) = std::fs::read(entry.path())
                    && bytes.windows(word.len()).any(|window| window == word.as_bytes())
                {
                    return true;
                }
            }
        }
        false
    }

    /// A connection of our own to the broker, to count what is stored.
    pub async fn broker(&self) -> voordeur_eventlog::nats::NatsBroker {
        voordeur_eventlog::nats::NatsBroker::connect(self.nats.settings()).await.expect("the broker runs")
    }
}

impl Deref for Installation {
    type Target = Replicas;

    fn deref(&self) -> &Replicas {
        &self.replicas
    }
}

/// Says who calls, in the way of `--dev`.
#[derive(Debug, Clone)]
pub struct As(pub String);

impl Interceptor for As {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        let who =
            MetadataValue::try_from(&self.0).map_err(|error| tonic::Status::internal(error.to_string()))?;
        request.metadata_mut().insert("x-voordeur-dev-identity", who);
        Ok(request)
    }
}

/// A channel that says who calls.
pub type Caller = InterceptedService<Channel, As>;

/// The time, for tests that compare with what real processes wrote.
#[derive(Debug)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "real processes write real times")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A plain GET.
///
/// # Errors
/// When there is no connection or no answer.
pub fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Ok((status, body.to_owned()))
}

/// The binary that was built beside this test.
pub fn voordeur_binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().find(|folder| folder.join("voordeur").is_file());
    folder.expect("build the binaries first: cargo build --workspace").join("voordeur")
}

/// The directory of the demonstration.
pub fn demo_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/directory/demo.toml")
}
