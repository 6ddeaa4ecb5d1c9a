//! A disk that is soon full. Best a small file system of the node's own, which only needs a user namespace; where the machine allows none,
//! a bound on the size of every file the node writes: its writes fail in the same way.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::process::Command as TokioCommand;

/// What a node writes to.
#[derive(Debug)]
pub(crate) enum SmallDisk {
    /// A file system in memory. It lives as long as the process that holds it, so that the node can be started again on it.
    Mounted { holder: Child, at: PathBuf },
    /// No file may be larger than so many kilobytes.
    Bounded { kilobytes: u64, lifted: AtomicBool },
}

impl SmallDisk {
    pub(crate) fn at(folder: &Path, megabytes: u64) -> Self {
        match Self::mounted(folder, megabytes) {
            Ok(disk) => disk,
            Err(reason) => {
                eprintln!(
                    "NOT A FULL DISK: this machine lets no small file system be mounted ({reason}); \
                     files of the broker are bounded instead, so that its writes fail all the same"
                );
                Self::Bounded { kilobytes: megabytes * 1024 / 8, lifted: AtomicBool::new(false) }
            }
        }
    }

    fn mounted(folder: &Path, megabytes: u64) -> Result<Self, String> {
        let script = "mount -t tmpfs -o size=\"$1\"m tmpfs \"$2\" && echo mounted && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", &megabytes.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut line = String::new();
        if let Some(output) = holder.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut line);
        }
        if line.trim() == "mounted" {
            return Ok(Self::Mounted { holder, at: folder.to_owned() });
        }
        let ended = holder.wait_with_output().map_err(|error| error.to_string())?;
        Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned())
    }

    /// Runs a program on this disk.
    pub(crate) fn command(&self, program: &Path) -> TokioCommand {
        match self {
            Self::Mounted { holder, .. } => {
                let mut command = TokioCommand::new("nsenter");
                command.args(["--preserve-credentials", "--user", "--mount", "--target"]);
                command.arg(holder.id().to_string()).arg(program);
                command
            }
            Self::Bounded { lifted, .. } if lifted.load(Ordering::SeqCst) => TokioCommand::new(program),
            Self::Bounded { kilobytes, .. } => {
                let mut command = TokioCommand::new("sh");
                // In blocks of 512 bytes. Ignored, the signal becomes an error of the write.
                let blocks = (kilobytes * 2).to_string();
                command.args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh", &blocks]);
                command.arg(program);
                command
            }
        }
    }

    /// Makes room; the node has to be started again to see it.
    pub(crate) fn enlarge(&self, megabytes: u64) {
        match self {
            Self::Mounted { holder, at } => {
                let done = Command::new("nsenter")
                    .args([
                        "--preserve-credentials",
                        "--user",
                        "--mount",
                        "--target",
                        &holder.id().to_string(),
                    ])
                    .args(["mount", "-o", &format!("remount,size={megabytes}m")])
                    .arg(at)
                    .status();
                assert!(
                    done.is_ok_and(|status| status.success()),
                    "the small file system cannot be enlarged"
                );
            }
            Self::Bounded { lifted, .. } => lifted.store(true, Ordering::SeqCst),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Self::Mounted { holder, .. } = self {
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}
