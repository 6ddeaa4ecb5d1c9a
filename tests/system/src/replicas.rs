//! Service processes of the `voordeur` binary: started, killed, frozen, looked at. Nothing in here links a service.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    time::Duration,
};

use tonic::transport::{Channel, Endpoint};
use voordeur_testkit::{eventually, freeze, thaw};

use crate::{Addresses, SERVICES, demo_directory, get, voordeur_binary};

/// One replica of a service.
struct Replica {
    child: Option<Child>,
    endpoints: PathBuf,
}

/// Environment variables of one replica, over those of all.
type OwnSettings = Vec<(String, String)>;

/// A replica that ended without being told to.
#[derive(Debug)]
pub struct Ended {
    /// Which service.
    pub service: String,
    /// Which of its replicas.
    pub number: usize,
    /// How it ended, and the end of its log.
    pub how: String,
}

/// Key material, settings, and any number of replicas of each service on one broker.
pub struct Replicas {
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
    own: Mutex<BTreeMap<(String, usize), OwnSettings>>,
    replicas: Mutex<BTreeMap<(String, usize), Replica>>,
}

impl Replicas {
    /// Fresh keys, the streams and the demonstration directory on a broker; no service runs yet. `settings` are environment variables for
    /// every process.
    pub fn install(urls: &[String], monitors: &[String], copies: usize, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("voordeur-services-").tempdir().unwrap();
        let keys = folder.path().join("keys.toml").display().to_string();
        let mut all = vec![
            ("VOORDEUR__BROKER__URL".to_owned(), urls.join(",")),
            ("VOORDEUR__BROKER__MONITOR".to_owned(), monitors.join(",")),
            ("VOORDEUR__KEYS__FILE".to_owned(), keys.clone()),
            // The broker of the tests keeps small files.
            ("VOORDEUR__STREAMS__MEGABYTES_MAX".to_owned(), "64".to_owned()),
            ("VOORDEUR__STREAMS__REPLICAS".to_owned(), copies.to_string()),
        ];
        for service in SERVICES {
            let name = service.to_uppercase();
            all.push((format!("VOORDEUR__{name}__GRPC"), "127.0.0.1:0".to_owned()));
            all.push((format!("VOORDEUR__{name}__HTTP"), "127.0.0.1:0".to_owned()));
        }
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let replicas = Self { folder, settings: all, own: Mutex::default(), replicas: Mutex::default() };
        replicas.run(&["keys", "generate", "--file", &keys]);
        // Three nodes on a busy machine may need longer than the command line waits; what was made stays made.
        let attempts = (0..5).map(|_| replicas.try_to_run(&["streams", "apply"]));
        let mut failures = attempts.map_while(Result::err).collect::<Vec<_>>();
        assert!(failures.len() < 5, "{}", failures.pop().unwrap_or_default());
        replicas.run(&["directory", "apply", &demo_directory().display().to_string()]);
        replicas
    }

    /// Runs the command line to its end and returns what it printed; anything but success ends the test.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.try_to_run(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_to_run(&self, arguments: &[&str]) -> Result<String, String> {
        let done = self.command(arguments).output().unwrap();
        if done.status.success() {
            return Ok(String::from_utf8(done.stdout).unwrap());
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(format!("voordeur {}: {}\n{said}", arguments.join(" "), done.status))
    }

    /// Runs the command line to its end, however it ends.
    pub fn try_run(&self, arguments: &[&str]) -> Output {
        self.try_run_with(arguments, &[])
    }

    /// Like [`Self::try_run`], with other settings.
    pub fn try_run_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        self.command(arguments).envs(settings.iter().copied()).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(voordeur_binary());
        command.args(arguments).envs(self.settings.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Settings of one replica only, for every time that it is started from now on.
    pub fn give(&self, service: &str, number: usize, setting: &str, value: &str) {
        let mut own = self.own.lock().unwrap();
        own.entry((service.to_owned(), number)).or_default().push((setting.to_owned(), value.to_owned()));
    }

    /// Starts a replica, or starts it again; returns at once.
    pub fn start(&self, service: &str, number: usize) {
        let key = (service.to_owned(), number);
        let name = format!("{service}-{number}");
        let endpoints = self.folder.path().join(format!("{name}.json"));
        let _ = std::fs::remove_file(&endpoints);
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.log(service, number)).unwrap();
        let own = self.own.lock().unwrap().get(&key).cloned().unwrap_or_default();
        let child = self
            .command(&["serve", service, "--dev", "--endpoints-file", &endpoints.display().to_string()])
            .env("VOORDEUR__TELEMETRY__INSTANCE", &name)
            .envs(own)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let before = self.replicas.lock().unwrap().insert(key, Replica { child: Some(child), endpoints });
        if let Some(Replica { child: Some(mut child), .. }) = before {
            end(&mut child);
        }
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

    /// Ends a replica with SIGKILL: it gets no chance to finish anything. Frozen or not.
    pub fn kill(&self, service: &str, number: usize) {
        let mut replicas = self.replicas.lock().unwrap();
        let replica = replicas.get_mut(&(service.to_owned(), number)).expect("it was started");
        let _ = std::fs::remove_file(&replica.endpoints);
        if let Some(mut child) = replica.child.take() {
            end(&mut child);
        }
    }

    /// Ends a replica like [`Self::kill`], and knows it no more.
    pub fn remove(&self, service: &str, number: usize) {
        self.kill(service, number);
        self.replicas.lock().unwrap().remove(&(service.to_owned(), number));
    }

    /// Freezes a replica: its connections stay open, and nothing of it moves.
    pub fn freeze(&self, service: &str, number: usize) {
        self.process(service, number).into_iter().for_each(freeze);
    }

    /// Lets it go on.
    pub fn thaw(&self, service: &str, number: usize) {
        self.process(service, number).into_iter().for_each(thaw);
    }

    /// The number of a replica in the system's table of processes, while it runs.
    pub fn process(&self, service: &str, number: usize) -> Option<u32> {
        let replicas = self.replicas.lock().unwrap();
        Some(replicas.get(&(service.to_owned(), number))?.child.as_ref()?.id())
    }

    /// Replicas that ended by themselves, told once: from here on they count as killed.
    pub fn ended(&self) -> Vec<Ended> {
        let mut replicas = self.replicas.lock().unwrap();
        let mut ended = Vec::new();
        for ((service, number), replica) in replicas.iter_mut() {
            if let Some(child) = &mut replica.child
                && let Some(status) = child.try_wait().unwrap()
            {
                replica.child = None;
                let log = std::fs::read_to_string(self.log(service, *number)).unwrap_or_default();
                let mut tail: Vec<_> = log.lines().rev().take(5).collect();
                tail.reverse();
                let how = format!("{service}-{number} ended with {status}: {}", tail.join("\n"));
                ended.push(Ended { service: service.clone(), number: *number, how });
            }
        }
        ended
    }

    /// The folder with settings, keys and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self, service: &str, number: usize) -> PathBuf {
        self.folder.path().join(format!("{service}-{number}.log"))
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

    /// Waits until every replica says that it is ready; one that ended by itself ends the test.
    pub async fn ready(&self) {
        eventually("every replica is ready", Duration::from_secs(60), || async {
            let ended: Vec<_> = self.ended().into_iter().map(|ended| ended.how).collect();
            assert!(ended.is_empty(), "{}", ended.join("\n"));
            self.all_ready()
        })
        .await;
    }

    /// Whether every replica says that it is ready.
    ///
    /// # Errors
    /// The first that does not, and what it says.
    pub fn all_ready(&self) -> Result<(), String> {
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

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.replicas.lock().unwrap().values_mut().filter_map(|replica| replica.child.as_mut()).for_each(end);
    }
}
