//! The processes of the demonstration: a broker of its own and every service in a process of its own, so that each can be killed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
    time::Instant,
};
use tonic::{
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use voordeur_chassis::DEV_IDENTITY;
use voordeur_eventlog::{
    Broker, GroupSettings,
    nats::{NatsBroker, NatsSettings},
    topology::Settings,
};
use voordeur_kernel::Role;

use super::story::Story;
use crate::{
    failure::Failure,
    operations::directory::checked,
    serve::own_broker::{Folder, OwnBroker},
};

/// The services, in the order of their work.
pub(super) const SERVICES: [&str; 3] = ["intake", "routing", "escalation"];

/// A channel that says who calls.
pub(super) type Caller = InterceptedService<Channel, As>;

/// Says who calls, in the way of `--dev`.
#[derive(Debug, Clone)]
pub(super) struct As(MetadataValue<Ascii>);

impl Interceptor for As {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert(DEV_IDENTITY, self.0.clone());
        Ok(request)
    }
}

/// Everything that runs.
pub(super) struct Processes {
    folder: Folder,
    // Removed when the demonstration ends.
    _temporary: Option<tempfile::TempDir>,
    directory: PathBuf,
    people: Vec<String>,
    reporting: Option<(String, String)>,
    program: PathBuf,
    broker: tokio::sync::Mutex<Option<OwnBroker>>,
    services: Mutex<BTreeMap<&'static str, Child>>,
    kills: Mutex<Vec<String>>,
}

impl Processes {
    /// Reads the directory and makes the folder; nothing runs yet.
    pub(super) fn prepare(directory: &Path, data: Option<PathBuf>, story: &Story) -> Result<Self, Failure> {
        let parsed = checked(directory)?;
        let professionals = parsed.people().filter(|person| person.role == Role::Professional);
        let people = professionals.map(|person| person.key.to_string()).collect();
        let reporting = parsed.centres().find_map(|centre| {
            let coordinator =
                parsed.people_at(centre.key.as_str()).find(|person| person.role == Role::Coordinator)?;
            Some((coordinator.key.to_string(), centre.key.to_string()))
        });
        let (temporary, path) = match data {
            Some(path) => (None, path),
            None => {
                let made = tempfile::Builder::new().prefix("voordeur-demo-").tempdir();
                let made = made.map_err(|error| Failure::failed(format!("a temporary folder: {error}")))?;
                let path = made.path().to_owned();
                (Some(made), path)
            }
        };
        let folder = Folder::open(&path)?;
        story.say(&format!("everything is kept in {}", folder.path().display()));
        let program = std::env::current_exe().map_err(|error| Failure::failed(error.to_string()))?;
        Ok(Self {
            folder,
            _temporary: temporary,
            directory: directory.to_owned(),
            people,
            reporting,
            program,
            broker: tokio::sync::Mutex::default(),
            services: Mutex::default(),
            kills: Mutex::default(),
        })
    }

    /// Keys of the professionals in the directory.
    pub(super) fn people(&self) -> Vec<String> {
        self.people.clone()
    }

    /// A coordinator and her centre: who asks for the report, and of what.
    pub(super) fn reporting(&self) -> Option<(String, String)> {
        self.reporting.clone()
    }

    /// What was killed, in order.
    pub(super) fn kills(&self) -> Vec<String> {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts the broker. From now on it is watched over: when it dies it is started again.
    pub(super) async fn start_broker(&self) -> Result<(), Failure> {
        let broker = OwnBroker::start(&self.folder, None, None).await?;
        *self.broker.lock().await = Some(broker);
        Ok(())
    }

    /// Kills the broker; who watches over it starts it again.
    pub(super) async fn kill_broker(&self) -> Result<(), Failure> {
        let pid = self.broker_pid()?;
        let killed = Command::new("kill").arg("-KILL").arg(&pid).status().await;
        if !killed.is_ok_and(|status| status.success()) {
            return Err(Failure::failed("the broker could not be killed"));
        }
        self.note_kill("broker");
        Ok(())
    }

    /// Waits until another broker process stands in the place of the killed one, and every service says that it is ready.
    pub(super) async fn broker_back(&self, killed: &str, patience: Duration) -> Result<(), Failure> {
        let end = Instant::now() + patience;
        while self.broker_pid().is_ok_and(|now| now == killed) {
            if Instant::now() >= end {
                return Err(Failure::failed("the broker was not started again")
                    .advise("see nats.log in the folder named above"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.all_ready(patience).await
    }

    /// The broker's process, by the file that it writes when it listens.
    pub(super) fn broker_pid(&self) -> Result<String, Failure> {
        let file = self.folder.path().join("nats.pid");
        let pid = std::fs::read_to_string(&file);
        let pid = pid.map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
        Ok(pid.trim().to_owned())
    }

    fn note_kill(&self, what: &str) {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
    }

    /// Makes the keys and the streams, and applies the directory, with the commands that an operator uses.
    pub(super) async fn set_up(&self) -> Result<(), Failure> {
        let keys = self.folder.path().join("voordeur.keys");
        if !keys.exists() {
            self.operate(&["keys", "generate", "--file", &keys.display().to_string()]).await?;
        }
        self.operate(&["streams", "apply"]).await?;
        self.operate(&["directory", "apply", &self.directory.display().to_string()]).await
    }

    async fn operate(&self, arguments: &[&str]) -> Result<(), Failure> {
        let done = self.command(arguments).await?.output().await;
        match done {
            Ok(done) if done.status.success() => Ok(()),
            Ok(done) => Err(Failure::failed(format!(
                "voordeur {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&done.stderr).trim()
            ))),
            Err(error) => Err(Failure::failed(format!("voordeur {}: {error}", arguments.join(" ")))),
        }
    }

    /// The program itself, with settings that lead to our broker and our keys.
    async fn command(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let broker = self.broker.lock().await;
        let broker = broker.as_ref().ok_or_else(|| Failure::failed("the broker was not started"))?;
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("VOORDEUR__BROKER__URL", broker.url())
            .env("VOORDEUR__BROKER__MONITOR", broker.monitor_url())
            .env("VOORDEUR__KEYS__FILE", self.folder.path().join("voordeur.keys"))
            // What stands in the shell of whoever tries this out is about another installation.
            .env_remove("VOORDEUR_ENDPOINTS")
            .env_remove("VOORDEUR_CONFIG")
            .env_remove("VOORDEUR_AS")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    fn endpoints_file(&self, service: &str) -> PathBuf {
        self.folder.path().join(format!("{service}.json"))
    }

    /// Starts a service on free ports; returns at once.
    pub(super) async fn start(&self, service: &'static str) -> Result<(), Failure> {
        let endpoints = self.endpoints_file(service);
        let log = self.folder.path().join(format!("{service}.log"));
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| Failure::failed(format!("{}: {error}", log.display())))?;
        let arguments =
            ["serve", service, "--dev", "--free-ports", "--endpoints-file", &endpoints.display().to_string()];
        let mut command = self.command(&arguments).await?;
        // Ctrl-C in the terminal is for us.
        command.stdout(Stdio::null()).stderr(log).process_group(0);
        let child = command.spawn().map_err(|error| Failure::failed(format!("{service}: {error}")))?;
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(service, child);
        Ok(())
    }

    /// Kills a service: it gets no chance to finish anything.
    pub(super) async fn kill(&self, service: &'static str) -> Result<(), Failure> {
        let child = self.services.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
        let _ = std::fs::remove_file(self.endpoints_file(service));
        if let Some(mut child) = child {
            child.kill().await.map_err(|error| Failure::failed(format!("killing {service}: {error}")))?;
        }
        self.note_kill(service);
        Ok(())
    }

    fn address(&self, service: &str, kind: &str) -> Option<String> {
        let text = std::fs::read(self.endpoints_file(service)).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
        json.get(service)?.get(kind)?.as_str().map(str::to_owned)
    }

    /// Waits until every service says that it is ready.
    pub(super) async fn all_ready(&self, patience: Duration) -> Result<(), Failure> {
        let end = Instant::now() + patience;
        for service in SERVICES {
            while !self.is_ready(service).await {
                self.died(service)?;
                if Instant::now() >= end {
                    let log = self.folder.path().join(format!("{service}.log"));
                    return Err(Failure::failed(format!("{service} does not get ready"))
                        .advise(format!("see {}", log.display())));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    fn died(&self, service: &str) -> Result<(), Failure> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        match services.get_mut(service).and_then(|child| child.try_wait().ok()).flatten() {
            None => Ok(()),
            Some(status) => {
                let log = std::fs::read_to_string(self.folder.path().join(format!("{service}.log")))
                    .unwrap_or_default();
                let last = log.lines().last().unwrap_or_default().to_owned();
                Err(Failure::failed(format!("{service} ended with {status}: {last}")))
            }
        }
    }

    async fn is_ready(&self, service: &str) -> bool {
        let Some(address) = self.address(service, "http") else { return false };
        let address = address.trim_start_matches("http://").to_owned();
        let ask = async {
            let mut connection = TcpStream::connect(&address).await?;
            let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            connection.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer.starts_with("HTTP/1.1 200"))
        };
        ask.await.unwrap_or(false)
    }

    /// A channel to a service.
    pub(super) fn channel(&self, service: &str, who: &str) -> Result<Caller, String> {
        let address = self.address(service, "grpc").ok_or_else(|| format!("{service} has no address now"))?;
        let endpoint = Endpoint::from_shared(address).map_err(|error| error.to_string())?;
        let channel = endpoint.connect_timeout(Duration::from_secs(2)).connect_lazy();
        let who = who.parse().map_err(|_| "a name that does not fit in a header".to_owned())?;
        Ok(InterceptedService::new(channel, As(who)))
    }

    /// A connection of our own to the broker, to count what is stored.
    pub(super) async fn broker(&self) -> Result<Arc<dyn Broker>, Failure> {
        let broker = self.broker.lock().await;
        let broker = broker.as_ref().ok_or_else(|| Failure::failed("the broker was not started"))?;
        let settings = NatsSettings {
            urls: vec![broker.url()],
            monitor_urls: vec![broker.monitor_url()],
            nkey_seed_file: None,
            topology: Settings::default(),
            allow_unsynced: false,
            group: GroupSettings::default(),
            name: "demo".to_owned(),
        };
        let connected = NatsBroker::connect(settings).await;
        Ok(Arc::new(connected.map_err(|error| Failure::failed(error.to_string()))?))
    }

    /// Where everything can be looked at.
    pub(super) fn describe(&self) -> String {
        let lines = SERVICES.iter().filter_map(|service| {
            let (grpc, http) = (self.address(service, "grpc")?, self.address(service, "http")?);
            Some(format!("{service:<10} gRPC {grpc}   {http}/readyz {http}/metrics {http}/admin/folds"))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Ends everything, the broker last.
    pub(super) async fn stop(&self) {
        let services = std::mem::take(&mut *self.services.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, mut child) in services {
            // What they acknowledged is on disk; the next start would pick it up.
            let _ = child.kill().await;
        }
        if let Some(broker) = self.broker.lock().await.take() {
            broker.stop().await;
        }
    }
}
