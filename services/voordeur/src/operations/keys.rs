//! `voordeur keys`.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use serde_json::json;
use voordeur_chassis::config::Config;
use voordeur_vault::KeyFile;

use crate::{arguments::Global, failure::Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the keys of a new installation; an existing file is never overwritten
    #[command(after_help = "\
Without these keys everything that they sealed is lost: keep a copy in a safe place, apart from
the backups of the broker.

Example:
  voordeur keys generate --file /etc/voordeur/voordeur.keys")]
    Generate {
        /// File to write, readable for its owner only; the setting keys.file when left out
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

pub(crate) fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let Command::Generate { file } = command;
    let path = match file {
        Some(path) => path,
        None => Config::load(global.config.as_deref())?.keys.file,
    };
    let keys = KeyFile::generate().map_err(|error| Failure::failed(error.to_string()))?;
    if path.exists() {
        return Err(Failure::usage(format!("{} is there already, and keys are never overwritten", path.display()))
            .advise("keep it: what was sealed with it can be opened with nothing else; or name another file with --file"));
    }
    keys.save(&path).map_err(|error| Failure::usage(error.to_string()))?;
    if global.json {
        output::value(&json!({ "file": path.display().to_string() }), true)?;
    } else {
        output::line(&format!("keys written to {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
