//! `voordeur routes`: a policy of routing is checked, explained for one signal, and rehearsed on the signals that were.

mod check;
mod explain;
mod replay;
mod text;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use voordeur_directory::{Directory, Finding, policy::parse_alone};
use voordeur_kernel::{ProfessionalKey, Timestamp};
use voordeur_routing_domain::policy::Policy;

use crate::{arguments::Global, failure::Failure, operations, wire};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read the policy of a file: its tree, everything that is wrong or odd, each with its line
    #[command(after_help = "\
FILE is a directory, or a file with [routing] and nothing else; then keys of organisations and
centres are not compared with anything.

Exit codes: 0 good, 1 good with warnings about routing, 2 faults.

Examples:
  voordeur routes check directory.toml
  voordeur routes check directory.toml --json")]
    Check {
        /// The file
        file: PathBuf,
    },
    /// What would become of a signal: the path through the tree, who is asked and why, the clocks as moments
    #[command(after_help = "\
The signal comes on standard input, in the form of `voordeur signal submit`. Nothing is sent and
nothing is stored. Who is there follows from the directory; what people said and hold does not
stand in it, so suppose it here.

Examples:
  voordeur routes explain --directory directory.toml --at 2026-11-24T10:00 < signal.json
  voordeur routes explain --directory directory.toml --at 2026-11-24T10:00 \\
    --known noor --absent noor=sam --open yasmina=6 --json < signal.json")]
    Explain {
        /// The directory with its policy
        #[arg(long, value_name = "FILE")]
        directory: PathBuf,
        /// When the signal comes: 2026-11-24T10:00 (time in the Netherlands) or RFC 3339
        #[arg(long, value_name = "TIME", value_parser = wire::moment)]
        at: Timestamp,
        /// Somebody who is away, perhaps with who stands in for her; may be repeated
        #[arg(long, value_name = "PERSON[=STAND-IN]", value_parser = absent)]
        absent: Vec<(ProfessionalKey, Option<ProfessionalKey>)>,
        /// Open tasks that somebody holds; may be repeated
        #[arg(long, value_name = "PERSON=NUMBER", value_parser = open)]
        open: Vec<(ProfessionalKey, u32)>,
        /// Who worked with this child last
        #[arg(long, value_name = "PERSON", value_parser = person)]
        known: Option<ProfessionalKey>,
    },
    /// What another policy would have made of the signals that were
    #[command(after_help = "\
Reads every task from the broker. Each choice is first made again by the policy that was in force,
from what was seen then: that must give the same, and anything else is a fault. Then by the new
policy: which signals would have had another branch, another first person, other clocks. Tasks from
before choices kept what they saw cannot be replayed, and are counted.

A service may run with spans of its own instead of those of the policy (routing.offer_s and so on
in its settings). They are taken from the file of --endpoints, which the service wrote; without it
from the settings: give the service's own file with --config.

Exit codes: 0 done, 1 a choice came out differently by its own policy, 2 wrong use.

Examples:
  voordeur routes replay --policy new.toml --since 2026-09-01 --config voordeur.toml
  voordeur routes replay --policy new.toml --since 2026-09-01 --list --json")]
    Replay {
        /// A file with the new policy: a directory, or [routing] alone
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// Tasks made since then: 2026-09-01 or 2026-09-01T08:00 (time in the Netherlands)
        #[arg(long, value_name = "DATE", value_parser = wire::moment)]
        since: Timestamp,
        /// Tell every task that would have changed
        #[arg(long)]
        list: bool,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    match command {
        Command::Check { file } => check::run(&file, global.json),
        Command::Explain { directory, at, absent, open, known } => {
            let supposed = voordeur_routing::rehearsal::Supposed {
                absent: absent.into_iter().collect(),
                open_tasks: open.into_iter().collect(),
                known,
            };
            explain::run(&directory, at, &supposed, global)
        }
        Command::Replay { policy, since, list } => replay::run(&policy, since, list, global).await,
    }
}

fn person(text: &str) -> Result<ProfessionalKey, String> {
    ProfessionalKey::parse(text).map_err(|error| error.to_string())
}

fn absent(text: &str) -> Result<(ProfessionalKey, Option<ProfessionalKey>), String> {
    match text.split_once('=') {
        Some((who, stand_in)) => Ok((person(who)?, Some(person(stand_in)?))),
        None => Ok((person(text)?, None)),
    }
}

fn open(text: &str) -> Result<(ProfessionalKey, u32), String> {
    let (who, number) = text.split_once('=').ok_or("write PERSON=NUMBER, for instance noor=4")?;
    Ok((
        person(who)?,
        number.parse().map_err(|_| "give a number of open tasks, for instance noor=4".to_owned())?,
    ))
}

/// A policy out of a file.
struct PolicyFile {
    policy: Policy,
    warnings: Vec<Finding>,
    /// The whole directory, when the file is one.
    directory: Option<Directory>,
}

/// Reads a directory, or a file with a policy alone; the faults, when it has any.
fn read_policy(file: &Path) -> Result<Result<PolicyFile, Vec<Finding>>, Failure> {
    let text = operations::directory::read(file)?;
    let whole = text.lines().any(is_of_a_directory);
    Ok(if whole {
        Directory::parse(&text).map(|(directory, warnings)| PolicyFile {
            policy: directory.policy().clone(),
            warnings,
            directory: Some(directory),
        })
    } else {
        parse_alone(&text).map(|(policy, warnings)| PolicyFile { policy, warnings, directory: None })
    })
}

/// Does this line stand in directories only? One names its format; when that was forgotten, its parts show what it is meant to be.
fn is_of_a_directory(line: &str) -> bool {
    let line = line.trim_start();
    let named = line.split_once('=').is_some_and(|(key, _)| key.trim() == "format");
    let table = line.trim_start_matches('[');
    let part = table.split(['.', ']']).next().unwrap_or_default().trim();
    named || table.len() < line.len() && ["organisation", "centre", "person"].contains(&part)
}

/// The same where a file with faults ends the command.
fn good_policy(file: &Path) -> Result<PolicyFile, Failure> {
    read_policy(file)?.map_err(|faults| operations::directory::faulty(file, &faults))
}
