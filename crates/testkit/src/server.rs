//! One node of the broker as a child process.

use std::{
    collections::BTreeSet,
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};
use voordeur_eventlog::{
    Broker, Deadline, GroupSettings,
    nats::{NatsBroker, NatsSettings},
    topology::Settings,
};

use crate::{
    eventually,
    process::{nats_server, signal},
    small_disk::SmallDisk,
};

/// When a node writes through to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Before it acknowledges, as the project demands.
    Always,
    /// Every two minutes, as the broker does when nobody says anything.
    Sometimes,
}

const START_TIME: Duration = Duration::from_secs(15);
/// Room on disk, so that many test brokers fit on one.
const SMALL_ROOM: &str = "max_file_store: 8GB";

/// A node of the broker on this machine: its own store in a temporary folder, random ports, killed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    folder: TempDir,
    name: String,
    port: u16,
    monitor_port: u16,
    running: Mutex<Option<Child>>,
    /// A disk of its own, that is soon full.
    disk: Option<SmallDisk>,
}

/// What makes a node one of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) port: u16,
    /// Ports that lead to the other nodes.
    pub(crate) routes: Vec<u16>,
}

/// A name that no other node on this machine has.
fn fresh_name() -> String {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let moment =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("test-{}-{moment:x}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed))
}

/// A port that was free a moment ago, for a cluster: its routes have to be known before a node starts. Below the range from which the
/// system takes ports for connections, and by chance, so that test processes side by side do not meet.
pub(crate) fn free_port() -> u16 {
    static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let chance = RandomState::new().build_hasher().finish() % 20_000;
        let port = 12_000 + u16::try_from(chance).unwrap_or(0);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() && taken.insert(port) {
            return port;
        }
    }
}

impl NatsServer {
    /// Starts a node that syncs before it acknowledges.
    ///
    /// # Panics
    /// When `nats-server` is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with(Sync::Always).await
    }

    /// Starts a node with other habits.
    ///
    /// # Panics
    /// When `nats-server` is not installed or does not start.
    pub async fn start_with(sync: Sync) -> Self {
        Self::start_prepared(Self::prepare(sync, None)).await
    }

    /// Starts a node that syncs before it acknowledges and may fill so many gigabytes of disk.
    ///
    /// # Panics
    /// When `nats-server` is not installed or does not start.
    pub async fn start_with_room(gigabytes: u64) -> Self {
        let server = Self::prepare(Sync::Always, None);
        let path = server.path("nats.conf");
        let text = fs::read_to_string(&path).expect("the configuration is there");
        let room = format!("max_file_store: {gigabytes}GB");
        fs::write(&path, text.replacen(SMALL_ROOM, &room, 1)).expect("the temporary folder can be written");
        Self::start_prepared(server).await
    }

    /// Starts a node whose store is on a disk of so many megabytes.
    ///
    /// # Panics
    /// When `nats-server` is not installed or does not start.
    pub async fn start_on_a_small_disk(megabytes: u64) -> Self {
        let mut server = Self::prepare(Sync::Always, None);
        let store = server.path("store");
        fs::create_dir_all(&store).expect("the temporary folder can be written");
        server.disk = Some(SmallDisk::at(&store, megabytes));
        Self::start_prepared(server).await
    }

    /// Enlarges its small disk; it has to be started again to see it.
    ///
    /// # Panics
    /// When it was not started on one.
    pub fn enlarge_disk(&self, megabytes: u64) {
        self.disk.as_ref().expect("it was started on a small disk").enlarge(megabytes);
    }

    async fn start_prepared(mut server: Self) -> Self {
        server.spawn();
        server.learn_ports().await;
        server.await_own_answer().await;
        server
    }

    /// A node that is not started yet. Its ports are random when it stands alone, and chosen when it is one of a cluster.
    pub(crate) fn prepare(sync: Sync, membership: Option<&Membership>) -> Self {
        let folder = tempfile::Builder::new().prefix("voordeur-nats-").tempdir().expect("a temporary folder");
        let (port, monitor_port) = if membership.is_some() { (free_port(), free_port()) } else { (0, 0) };
        let server =
            Self { folder, name: fresh_name(), port, monitor_port, running: Mutex::new(None), disk: None };
        server.write_configuration(sync, membership);
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_configuration(&self, sync: Sync, membership: Option<&Membership>) {
        let port = |port: u16| if port == 0 { "-1".to_owned() } else { port.to_string() };
        let sync = match sync {
            Sync::Always => "sync_interval: always",
            Sync::Sometimes => "",
        };
        let cluster = membership.map_or(String::new(), |membership| {
            let routes: Vec<String> =
                membership.routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
            format!(
                // Nobody listens on port 1: nodes reach each other by the routes that are given, never by what one hears from another.
                "cluster {{ name: test, listen: \"127.0.0.1:{}\", advertise: \"127.0.0.1:1\", no_advertise: true, routes: [{}] }}\n",
                membership.port,
                routes.join(", ")
            )
        });
        let text = format!(
            "server_name: \"{}\"\nlisten: \"127.0.0.1:{}\"\nhttp: \"127.0.0.1:{}\"\n\
             jetstream {{ store_dir: \"{}\", max_memory_store: 256MB, {SMALL_ROOM}, {sync} }}\n{cluster}",
            self.name,
            port(self.port),
            port(self.monitor_port),
            self.path("store").display(),
        );
        fs::write(self.path("nats.conf"), text).expect("the temporary folder can be written");
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, for the first time or again, and waits for nothing.
    ///
    /// # Panics
    /// When `nats-server` cannot be started.
    pub fn spawn(&self) {
        let _ = fs::remove_file(self.path("pid"));
        let log = fs::File::options().create(true).append(true).open(self.path("log")).expect("a log file");
        let disk = self.disk.as_ref();
        let mut command =
            disk.map_or_else(|| Command::new(nats_server()), |disk| disk.command(nats_server()));
        let child = command
            .arg("--config")
            .arg(self.path("nats.conf"))
            .arg("--pid")
            .arg(self.path("pid"))
            .arg("--ports_file_dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("nats-server can be started");
        *self.running() = Some(child);
    }

    /// The broker writes its random ports to a file; a second start uses the same.
    async fn learn_ports(&mut self) {
        let folder = self.folder.path().to_owned();
        let ports = eventually("nats-server tells its ports", START_TIME, || async {
            ports_in(&folder).ok_or_else(|| self.last_words())
        })
        .await;
        (self.port, self.monitor_port) = ports;
        let path = self.path("nats.conf");
        let text = fs::read_to_string(&path).expect("the configuration is there");
        let text = text.replacen("127.0.0.1:-1", &format!("127.0.0.1:{}", self.port), 1);
        let text = text.replacen("127.0.0.1:-1", &format!("127.0.0.1:{}", self.monitor_port), 1);
        fs::write(&path, text).expect("the temporary folder can be written");
    }

    /// Waits until the node that answers on our port is ours and its JetStream works.
    pub(crate) async fn await_own_answer(&self) {
        eventually("nats-server answers", START_TIME, || async {
            let page = self.page("/varz").await.map_err(|error| format!("{error}; {}", self.last_words()))?;
            let name = page.get("server_name").and_then(Value::as_str).unwrap_or_default();
            assert_eq!(name, self.name, "another server answers on the port of ours");
            let health = self.page("/healthz?js-server-only=true").await?;
            let status = health.get("status").and_then(Value::as_str).unwrap_or_default();
            if status == "ok" { Ok(()) } else { Err(format!("health: {health}")) }
        })
        .await;
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        format!("last lines of its log: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" | "))
    }

    /// A page of its monitoring address.
    ///
    /// # Errors
    /// When it does not answer with JSON.
    pub async fn page(&self, path: &str) -> Result<Value, String> {
        let read = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.monitor_port)).await?;
            socket.write_all(format!("GET {path} HTTP/1.0\r\nHost: test\r\n\r\n").as_bytes()).await?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = tokio::time::timeout(Duration::from_secs(2), read).await;
        let answer =
            answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
        serde_json::from_str(body).map_err(|error| error.to_string())
    }

    /// One request to its API, as an operator's tool makes it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn request(&self, subject: &str, body: &Value) -> Result<Value, String> {
        let body = body.to_string();
        let ask = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let length = body.len();
            let text = format!(
                "CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB _INBOX.test 1\r\nPUB {subject} _INBOX.test {length}\r\n{body}\r\n"
            );
            socket.write_all(text.as_bytes()).await?;
            let mut lines = BufReader::new(socket).lines();
            while let Some(line) = lines.next_line().await? {
                if line.starts_with("MSG ") {
                    return Ok::<_, std::io::Error>(lines.next_line().await?.unwrap_or_default());
                }
            }
            Ok(String::new())
        };
        let answer = tokio::time::timeout(Duration::from_secs(5), ask).await;
        let answer =
            answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }

    /// Its random name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Port for clients.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Monitoring address.
    #[must_use]
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }

    /// Its folder, with `nats.conf`, `log` and `store`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Settings for a connection: one replica, small bounds.
    #[must_use]
    pub fn settings(&self) -> NatsSettings {
        NatsSettings {
            urls: vec![self.url()],
            monitor_urls: vec![self.monitor_url()],
            nkey_seed_file: None,
            topology: small_topology(1),
            allow_unsynced: false,
            group: GroupSettings::default(),
            name: "test".to_owned(),
        }
    }

    /// A connection, with the topology in place.
    ///
    /// # Panics
    /// When the topology cannot be made.
    pub async fn broker(&self) -> NatsBroker {
        connect(self.settings()).await
    }

    /// Its number in the system's table of processes, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        // The number the server wrote itself: what was started may be a script in front of it.
        let process = fs::read_to_string(self.path("pid")).ok().and_then(|text| text.trim().parse().ok());
        process.or_else(|| self.running().as_ref().and_then(Child::id))
    }

    fn signal(&self, which: Signal) {
        if let Some(process) = self.process()
            && self.running().is_some()
        {
            signal(which, process);
        }
    }

    async fn end(&self, which: Signal) {
        self.signal(which);
        let child = self.running().take();
        if let Some(mut child) = child {
            let ended = tokio::time::timeout(START_TIME, child.wait()).await;
            assert!(ended.is_ok(), "nats-server did not end after {which:?}");
        }
        let _ = fs::remove_file(self.path("pid"));
    }

    /// Kills it at once (`kill -9`).
    ///
    /// # Panics
    /// When it does not die.
    pub async fn kill(&self) {
        self.end(Signal::KILL).await;
    }

    /// Stops it in good order.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&self) {
        self.end(Signal::TERM).await;
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`]: same ports, same store.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&self) {
        self.spawn();
        self.await_own_answer().await;
    }

    /// Freezes it: connections stay open, nothing answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Bounds that fit many test brokers on one disk.
pub(crate) fn small_topology(replicas: usize) -> Settings {
    Settings { replicas, stream_bytes_max: 64 << 20, bucket_bytes_max: 16 << 20, ..Settings::default() }
}

/// Connects and applies the topology.
pub(crate) async fn connect(settings: NatsSettings) -> NatsBroker {
    let broker = NatsBroker::connect(settings).await.expect("the settings can be used");
    let deadline = Deadline::now() + Duration::from_secs(30);
    broker.apply(deadline).await.unwrap_or_else(|error| panic!("the topology cannot be made: {error}"));
    broker
}

fn ports_in(folder: &Path) -> Option<(u16, u16)> {
    let mut files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let file = files.find(|path| path.extension().is_some_and(|extension| extension == "ports"))?;
    let ports: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let port = |name: &str| {
        let address = ports.get(name)?.as_array()?.first()?.as_str()?;
        address.rsplit_once(':')?.1.parse().ok()
    };
    Some((port("nats")?, port("monitoring")?))
}
