//! An installation of real processes on one machine: a broker and any number of replicas of each service, which can be killed and
//! started again. Nothing in here links a service: it runs the `voordeur` binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test harness: whatever goes wrong must end the test with its reason"
)]

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tonic::{
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use voordeur_kernel::{Clock, Timestamp};
use voordeur_testkit::{NatsServer, eventually};

pub mod census;
pub mod otlp;
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

/// One replica of a service.
struct Replica {
    child: Option<Child>,
    endpoints: PathBuf,
}

/// A broker, key material, a directory, and service processes.
pub struct Installation {
    /// The broker.
    pub nats: NatsServer,
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
    replicas: Mutex<BTreeMap<(String, usize), Replica>>,
}

impl Installation {
    /// A broker with its streams, fresh keys and the demonstration directory; no service runs yet. `settings` are environment variables for
    /// every process.
    pub async fn prepare(settings: &[(&str, &str)]) -> Arc<Self> {
        let nats = NatsServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec![
            ("VOORDEUR__BROKER__URL".to_owned(), nats.url()),
            ("VOORDEUR__BROKER__MONITOR".to_owned(), nats.monitor_url()),
            ("VOORDEUR__KEYS__FILE".to_owned(), folder.path().join("keys.toml").display().to_string()),
            // The broker of the tests keeps small files.
            ("VOORDEUR__STREAMS__MEGABYTES_MAX".to_owned(), "64".to_owned()),
        ];
        for service in SERVICES {
            let name = service.to_uppercase();
            all.push((format!("VOORDEUR__{name}__GRPC"), "127.0.0.1:0".to_owned()));
            all.push((format!("VOORDEUR__{name}__HTTP"), "127.0.0.1:0".to_owned()));
        }
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let installation = Arc::new(Self { nats, folder, settings: all, replicas: Mutex::default() });
        let keys = installation.folder.path().join("keys.toml");
        installation.run(&["keys", "generate", "--file", &keys.display().to_string()]);
        installation.run(&["streams", "apply"]);
        installation.run(&["directory", "apply", &demo_directory().display().to_string()]);
        installation
    }

    /// Runs the command line to its end and returns what it printed; anything but success ends the test.
    pub fn run(&self, arguments: &[&str]) -> String {
        let done = self.command(arguments).output().unwrap();
        assert!(
            done.status.success(),
            "voordeur {}: {}\n{}",
            arguments.join(" "),
            done.status,
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(voordeur_binary());
        command.args(arguments).envs(self.settings.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Starts a replica, or starts it again; returns at once.
    pub fn start(&self, service: &str, number: usize) {
        let name = format!("{service}-{number}");
        let endpoints = self.folder.path().join(format!("{name}.json"));
        let _ = std::fs::remove_file(&endpoints);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{name}.log")))
            .unwrap();
        let child = self
            .command(&["serve", service, "--dev", "--endpoints-file", &endpoints.display().to_string()])
            .env("VOORDEUR__TELEMETRY__INSTANCE", &name)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let replica = Replica { child: Some(child), endpoints };
        self.replicas.lock().unwrap().insert((service.to_owned(), number), replica);
    }

    /// Starts `count` replicas of every service and waits until they are ready.
    pub async fn start_all(&self, count: usize) {
        for service in SERVICES {
            for number in 0..count {
                self.start(service, number);
            }
        }
        self.ready().await;
    }

    /// Ends a replica with SIGKILL: it gets no chance to finish anything.
    pub fn kill(&self, service: &str, number: usize) {
        let mut replicas = self.replicas.lock().unwrap();
        let replica = replicas.get_mut(&(service.to_owned(), number)).expect("it was started");
        let _ = std::fs::remove_file(&replica.endpoints);
        if let Some(mut child) = replica.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Replicas that ended by themselves, with the end of their log. A service may stop itself when the broker lost messages; it may not for
    /// any other reason.
    pub fn died(&self) -> Vec<String> {
        let mut replicas = self.replicas.lock().unwrap();
        let mut died = Vec::new();
        for ((service, number), replica) in replicas.iter_mut() {
            if let Some(child) = &mut replica.child
                && let Some(status) = child.try_wait().unwrap()
            {
                let log = self.folder.path().join(format!("{service}-{number}.log"));
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let tail: Vec<_> = log.lines().rev().take(5).collect();
                died.push(format!("{service}-{number} ended with {status}: {}", tail.join("\n")));
            }
        }
        died
    }

    /// Is a word readable in the broker's files or in a log of a service?
    pub fn keeps(&self, word: &str) -> bool {
        let mut folders = vec![self.folder.path().to_owned(), self.nats.folder().to_owned()];
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

    /// The addresses of a replica, once it has bound them.
    pub fn addresses(&self, service: &str, number: usize) -> Option<Addresses> {
        let replicas = self.replicas.lock().unwrap();
        let text = std::fs::read(&replicas.get(&(service.to_owned(), number))?.endpoints).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let of = |kind: &str| Some(json[service][kind].as_str()?.trim_start_matches("http://").to_owned());
        Some(Addresses { grpc: of("grpc")?, http: of("http")? })
    }

    /// The replicas that were started, by service and number.
    pub fn started(&self) -> Vec<(String, usize)> {
        self.replicas.lock().unwrap().keys().cloned().collect()
    }

    /// Waits until every replica says that it is ready.
    pub async fn ready(&self) {
        eventually("every replica is ready", Duration::from_secs(60), || async {
            let died = self.died();
            assert!(died.is_empty(), "{}", died.join("\n"));
            for (service, number) in self.started() {
                let place = format!("{service}-{number}");
                let addresses =
                    self.addresses(&service, number).ok_or_else(|| format!("{place}: no address yet"))?;
                let (status, body) =
                    get(&addresses.http, "/readyz").map_err(|error| format!("{place}: {error}"))?;
                if status != 200 {
                    return Err(format!("{place}: {body}"));
                }
            }
            Ok(())
        })
        .await;
    }

    /// The folds of a replica as its administration shows them.
    pub fn folds(&self, service: &str, number: usize) -> Result<serde_json::Value, String> {
        let addresses = self.addresses(service, number).ok_or("no address")?;
        let (status, body) = get(&addresses.http, "/admin/folds").map_err(|error| error.to_string())?;
        if status == 200 { serde_json::from_str(&body).map_err(|error| error.to_string()) } else { Err(body) }
    }

    /// A channel to any replica of a service that has an address; `turn` spreads callers over them.
    pub fn channel(&self, service: &str, turn: usize) -> Option<Channel> {
        let numbers: Vec<_> = self.started().into_iter().filter(|(name, _)| name == service).collect();
        let (name, number) = numbers.get(turn % numbers.len().max(1))?;
        let addresses = self.addresses(name, *number)?;
        let endpoint = Endpoint::from_shared(format!("http://{}", addresses.grpc)).ok()?;
        Some(endpoint.connect_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(10)).connect_lazy())
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for replica in self.replicas.lock().unwrap().values_mut() {
            if let Some(child) = &mut replica.child {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
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
