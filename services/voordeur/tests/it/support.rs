//! Running the binary.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The lines of standard output as JSON.
    pub fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.err))
            })
            .collect()
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary, without anything of the surroundings that would change what it does.
pub fn command<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voordeur"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VOORDEUR")) {
        command.env_remove(name);
    }
    command.args(arguments).env_remove("COLUMNS").stdin(Stdio::null());
    command
}

pub fn voordeur<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Run {
    command(arguments).output().unwrap().into()
}

/// With something on standard input.
pub fn voordeur_with_input<S: AsRef<std::ffi::OsStr>>(arguments: &[S], input: &str) -> Run {
    let mut command = command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who does not read it to the end has its reasons.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// A file of the project.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// `serve all` in a folder of its own.
pub struct Everything {
    pub child: Child,
    pub folder: tempfile::TempDir,
    pub endpoints: PathBuf,
}

impl Everything {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more on its command line.
    pub async fn start_with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let endpoints = folder.path().join("endpoints.json");
        let child = Self::spawn(folder.path(), &endpoints, more);
        let everything = Self { child, folder, endpoints };
        everything.ready().await;
        everything
    }

    fn spawn(folder: &Path, endpoints: &Path, more: &[&str]) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let mut command = command(&["serve", "all", "--dev", "--free-ports"]);
        command.arg("--data").arg(folder.join("data"));
        command.arg("--directory").arg(file("deploy/directory/demo.toml"));
        command.arg("--endpoints-file").arg(endpoints);
        command.args(more).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    pub async fn ready(&self) {
        voordeur_testkit::eventually("everything is ready", Duration::from_secs(60), || async {
            if self.endpoints.exists() { Ok(()) } else { Err(self.log()) }
        })
        .await;
    }

    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let tail: Vec<_> = text.lines().rev().take(20).collect();
        tail.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Starts it again on the same data.
    pub async fn restart(&mut self) {
        self.child = Self::spawn(self.folder.path(), &self.endpoints, &[]);
        self.ready().await;
    }

    /// A command against it, as somebody, with JSON.
    pub fn run(&self, who: &str, arguments: &[&str]) -> Run {
        let endpoints = self.endpoints.display().to_string();
        let mut all = vec!["--json", "--endpoints", &endpoints, "--as", who];
        all.extend(arguments);
        voordeur(&all)
    }

    pub fn signal(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    pub fn broker_pid(&self) -> u32 {
        let text = std::fs::read_to_string(self.folder.path().join("data/nats.pid")).unwrap();
        text.trim().parse().unwrap()
    }
}

/// Sends a signal to a process of ours.
pub fn kill(pid: u32, signal: &str) {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().unwrap();
    assert!(status.success());
}

impl Drop for Everything {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // A gentle end, because it has a child of its own.
            self.signal("TERM");
            let _ = self.child.wait();
        }
    }
}
