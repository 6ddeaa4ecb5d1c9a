//! `voordeur directory`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use serde_json::json;
use voordeur_directory::{Directory, DirectoryError, DirectoryStore, Finding, diff};
use voordeur_eventlog::{Broker, BucketName, Deadline};

use super::directory_import::{self, Import};
use crate::{
    arguments::Global,
    client::Client,
    failure::{Failure, Why, of_kind},
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a file as a whole and tell everything that is wrong or odd, each with its line
    #[command(after_help = "\
Example:
  voordeur directory check directory.toml")]
    Check {
        /// The file
        file: PathBuf,
    },
    /// Make a file the current version, after showing what changes
    #[command(after_help = "\
Every version is kept; services follow within a second. Applying the same file again changes
nothing.

Examples:
  voordeur directory apply directory.toml --dry-run
  voordeur directory apply directory.toml --expected-version 3")]
    Apply {
        /// The file
        file: PathBuf,
        /// Only when this version is current; 0: none yet. Without it whatever is current is replaced
        #[arg(long, value_name = "VERSION")]
        expected_version: Option<u64>,
        /// Show what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// What the national registers say about the centres of a file; changes nothing
    #[command(subcommand)]
    Import(Import),
    /// The file of a version
    #[command(after_help = "\
Examples:
  voordeur directory show > directory.toml
  voordeur directory show --versions")]
    Show {
        /// Which; the current one when left out
        #[arg(long, value_name = "VERSION")]
        version: Option<u64>,
        /// Tell the versions instead, newest first
        #[arg(long)]
        versions: bool,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    match command {
        Command::Check { file } => check(&file, global.json),
        Command::Import(import) => directory_import::run(import, global.json),
        Command::Apply { file, expected_version, dry_run } => {
            let client = Client::new(global)?;
            let broker = client.broker().await?;
            let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
            apply(&store, &file, expected_version, dry_run, client.deadline(), global.json).await
        }
        Command::Show { version, versions } => {
            let client = Client::new(global)?;
            let broker = client.broker().await?;
            let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
            if versions {
                list(&store, &client, global.json).await
            } else {
                show(&store, version, &client, global.json).await
            }
        }
    }
}

/// Reads a file and checks it as a whole.
pub(crate) fn checked(file: &Path) -> Result<Directory, Failure> {
    Ok(parse(file, &read(file)?)?.0)
}

pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

fn parse(file: &Path, text: &str) -> Result<(Directory, Vec<Finding>), Failure> {
    Directory::parse(text).map_err(|faults| faulty(file, &faults))
}

pub(crate) fn faulty(file: &Path, faults: &[Finding]) -> Failure {
    let count = output::counted(faults.len(), "fault", "faults");
    Failure {
        faults: faults.iter().map(ToString::to_string).collect(),
        ..Failure::usage(format!("{} has {count}", file.display()))
    }
}

fn check(file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let (directory, warnings) = parse(file, &read(file)?)?;
    tell_warnings(&warnings);
    let counts = json!({
        "organisations": directory.organisations().count(),
        "centres": directory.centres().count(),
        "people": directory.people().count(),
        "warnings": warnings.len(),
    });
    output::value(&counts, json)?;
    Ok(ExitCode::SUCCESS)
}

fn tell_warnings(warnings: &[Finding]) {
    warnings.iter().for_each(|warning| output::complain(&format!("warning: {warning}")));
}

async fn apply(
    store: &DirectoryStore,
    file: &Path,
    expected: Option<u64>,
    dry_run: bool,
    deadline: Deadline,
    json: bool,
) -> Result<ExitCode, Failure> {
    let text = read(file)?;
    let (new, warnings) = parse(file, &text)?;
    tell_warnings(&warnings);
    let (old, current) = match store.current(deadline).await {
        Ok(stored) => (Some(stored.directory), None),
        Err(DirectoryError::Absent) => (None, Some(0)),
        Err(error) => return Err(failure(error)),
    };
    let current = current.unwrap_or_else(|| old.as_ref().map_or(0, Directory::version));
    let differences: Vec<String> = match &old {
        Some(old) => diff(old, &new).iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    };
    if !json {
        differences.iter().try_for_each(|line| output::line(line))?;
    }
    if dry_run {
        store.fits(new.policy(), deadline).await.map_err(failure)?;
        return report(
            &json!({ "current": current, "differences": differences, "applied": false }),
            json,
            || format!("nothing was changed; version {current} is current"),
        );
    }
    let applied = store.apply(&text, expected.unwrap_or(current), deadline).await.map_err(failure)?;
    let value = json!({ "version": applied.version, "changed": applied.changed, "differences": differences });
    report(&value, json, || {
        if applied.changed {
            format!("version {} is current", applied.version)
        } else {
            format!("version {} is current already", applied.version)
        }
    })
}

fn report(value: &serde_json::Value, json: bool, text: impl FnOnce() -> String) -> Result<ExitCode, Failure> {
    if json {
        output::value(value, true)?
    } else {
        output::line(&text())?
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(
    store: &DirectoryStore,
    version: Option<u64>,
    client: &Client,
    json: bool,
) -> Result<ExitCode, Failure> {
    let stored = match version {
        Some(version) => store.at(version, client.deadline()).await,
        None => store.current(client.deadline()).await,
    };
    let stored = stored.map_err(failure)?;
    if json {
        output::value(&json!({ "version": stored.directory.version(), "text": stored.text }), true)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::complain(&format!("version {}", stored.directory.version()));
    output::line(stored.text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &DirectoryStore, client: &Client, json: bool) -> Result<ExitCode, Failure> {
    let versions = store.versions(100, client.deadline()).await.map_err(failure)?;
    if json {
        for one in &versions {
            let value = json!({ "version": one.version, "previous": one.previous, "digest": one.digest, "bytes": one.bytes });
            output::value(&value, true)?;
        }
    } else {
        let rows: Vec<_> = versions
            .iter()
            .map(|one| {
                let digest = one.digest.chars().take(12).collect();
                [one.version.to_string(), one.previous.to_string(), one.bytes.to_string(), digest]
            })
            .collect();
        output::table(["version", "after", "bytes", "digest"], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Applies a file over whatever is current; for `serve all --directory`.
pub(crate) async fn apply_file(broker: &dyn Broker, file: &Path, deadline: Deadline) -> Result<u64, Failure> {
    let text = read(file)?;
    let (_, warnings) = parse(file, &text)?;
    tell_warnings(&warnings);
    let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
    let current = match store.current(deadline).await {
        Ok(stored) => stored.directory.version(),
        Err(DirectoryError::Absent) => 0,
        Err(error) => return Err(failure(error)),
    };
    Ok(store.apply(&text, current, deadline).await.map_err(failure)?.version)
}

fn failure(error: DirectoryError) -> Failure {
    match error {
        DirectoryError::Absent => Failure::new(Why::Refused, "there is no directory yet")
            .advise("make one with `voordeur directory apply FILE`"),
        DirectoryError::Stale { .. } => Failure::new(Why::Refused, error.to_string()).advise(
            "see the differences with --dry-run, then name the version you saw with --expected-version",
        ),
        DirectoryError::PolicyVersion { .. } => Failure::new(Why::Refused, error.to_string())
            .advise("`voordeur routes replay --policy FILE --since DATE` shows what the change would have made of past signals"),
        DirectoryError::NoSuchVersion(_) => Failure::new(Why::Refused, error.to_string())
            .advise("`voordeur directory show --versions` lists those there are"),
        other => of_kind(other.kind(), other.to_string()),
    }
}
