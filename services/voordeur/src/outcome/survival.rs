//! `voordeur outcome survival`: Kaplan-Meier, Aalen-Johansen and the tests, from a file.

mod answer;
mod read;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::Value;

use crate::{failure::Failure, output};

/// Prints one JSON object. A value that does not exist is null.
#[derive(Debug, Args)]
#[command(after_help = "\
The first line of the file names its columns; every other line is one subject.
  time    whole days until the event, or until the subject was last seen
  status  1 the event, 0 censored: one thing can happen
  cause   1, 2, ... what happened first, 0 censored: several can (instead of status)
  group   compared with the log-rank test and its relatives, up to 50 values; --by names
          other columns
Other columns are passed over.

These are exact results for people who may see the cases. They are not for print: see SDC-1.

Examples:
  voordeur outcome survival first-contact.csv --at 5,10 --tau 20
  voordeur outcome survival referrals.csv --by period --strata baseline
  voordeur outcome survival - < referrals.csv")]
pub(crate) struct Arguments {
    /// File with comma-separated columns; - is standard input
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,

    /// Days over which the mean time without event is taken
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    tau: u32,

    /// Days on which values are given apart
    #[arg(long, value_name = "DAYS", value_delimiter = ',', default_value = "90,180,365")]
    at: Vec<u32>,

    /// Column by which subjects are split and compared; may be given more than once [default: group, if there]
    #[arg(long, value_name = "COLUMN")]
    by: Vec<String>,

    /// Column within whose values groups are compared, besides the comparison of everybody
    #[arg(long, value_name = "COLUMN")]
    strata: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let rows = read::file(&arguments.file, &arguments.by, arguments.strata.as_deref())?;
    let name = arguments.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let asked = answer::Asked { tau: arguments.tau, at: &arguments.at };
    output::value(&answered(&name, &rows, asked)?, true)?;
    Ok(ExitCode::SUCCESS)
}

/// The answer to the content of a file, with nothing asked for.
pub fn survival_of(content: &[u8]) -> Result<Value, Failure> {
    let rows = read::content(content)?;
    answered("", &rows, answer::Asked { tau: 365, at: &[90, 180, 365] })
}

fn answered(name: &str, rows: &read::Rows, asked: answer::Asked<'_>) -> Result<Value, Failure> {
    answer::of(name, rows, asked).map_err(|error| Failure::usage(error.to_string()))
}
