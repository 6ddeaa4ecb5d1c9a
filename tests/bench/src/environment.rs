//! Where it was measured: a figure without that says nothing.

use std::{
    fmt::Write as _,
    fs,
    io::{Seek as _, Write as _},
    path::Path,
    process::Command,
    time::Instant,
};

use serde::Serialize;

use crate::measure::{median, milliseconds};

/// The machine and what ran on it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Environment {
    /// Processors that this process may use.
    pub processors: usize,
    /// Their name.
    pub processor: String,
    /// Memory of the machine.
    pub memory_megabytes: u64,
    /// Kernel.
    pub kernel: String,
    /// File system of the broker's folder.
    pub file_system: String,
    /// Median of writing 4 kB to that file system and syncing it.
    pub fsync_ms: f64,
    /// Of the broker.
    pub nats_server: String,
    /// Of the program that was measured.
    pub voordeur: String,
    /// Built with optimisation?
    pub release: bool,
    /// Commit of the tree, with `+` when it was changed since.
    pub commit: String,
}

impl Environment {
    /// Looks around; `folder` is one on the file system of the broker.
    pub(crate) fn look(folder: &Path, nats_server: &str, voordeur: &str) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = memory.lines().find_map(|line| {
            line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        Self {
            processors: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            processor: processor.map_or_else(String::new, |(_, name)| name.trim().to_owned()),
            memory_megabytes: memory.unwrap_or(0) / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            file_system: file_system(folder),
            fsync_ms: fsync(folder),
            nats_server: nats_server.to_owned(),
            voordeur: voordeur.trim().to_owned(),
            release: !cfg!(debug_assertions),
            commit: commit(),
        }
    }

    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{} processors ({}), {} MB of memory, kernel {}",
            self.processors, self.processor, self.memory_megabytes, self.kernel
        );
        let _ = writeln!(text, "file system {}, sync of 4 kB {:.3} ms", self.file_system, self.fsync_ms);
        let build = if self.release { "with optimisation" } else { "WITHOUT optimisation" };
        let _ = writeln!(
            text,
            "nats-server {}, {}, commit {}, built {build}; broker, services and callers on this machine, sync before every acknowledgement",
            self.nats_server, self.voordeur, self.commit
        );
        text
    }
}

/// The kind of the file system that holds a folder: that of the longest mount point above it.
fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    above.max_by_key(|(length, _)| *length).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}

/// What a file system asks for keeping 4 kB.
fn fsync(folder: &Path) -> f64 {
    let mut times = Vec::new();
    if let Ok(mut file) = tempfile::tempfile_in(folder) {
        for _ in 0..200 {
            let began = Instant::now();
            let kept =
                file.rewind().and_then(|()| file.write_all(&[7; 4096])).and_then(|()| file.sync_data());
            if kept.is_ok() {
                times.push(milliseconds(began.elapsed()));
            }
        }
    }
    median(&times)
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let done =
            Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    if changed { format!("{commit}+") } else { commit }
}
