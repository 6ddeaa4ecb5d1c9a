//! `voordeur config`.

use std::process::ExitCode;

use clap::Args;
use voordeur_chassis::config::{Config, markdown};

use crate::{arguments::Global, failure::Failure, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voordeur config
  voordeur config --markdown")]
pub(crate) struct Command {
    /// Explain every setting, as the page docs/configuration.md
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(command: &Command, global: &Global) -> Result<ExitCode, Failure> {
    let text = if command.markdown { markdown() } else { Config::load(global.config.as_deref())?.masked() };
    output::line(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
