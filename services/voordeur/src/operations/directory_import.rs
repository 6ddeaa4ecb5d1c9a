//! `voordeur directory import`: what the national registers say about the centres of a directory file. It writes nothing.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};
use voordeur_chassis::SystemClock;
use voordeur_directory::{
    Directory,
    register::{Change, Register, Review, review},
};
use voordeur_kernel::Clock as _;

use super::directory::checked;
use crate::{failure::Failure, output};

/// Odd rows that are told one by one; a register of the whole country has some.
const ODD_ROWS_SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Childcare: the open data of the Landelijk Register Kinderopvang
    #[command(after_help = "\
The file is export_opendata_lrk.csv from landelijkregisterkinderopvang.nl, or a part of it with the
same columns. Registrations are found by their LRK number; new ones by the address of a known one,
or by the postcode of the centre and the KvK number of the holder.

Nothing is changed. The lines are made to be pasted into the registrations of the centre, after
somebody has looked at them.

Ends with 0 when there is nothing to do, 1 when there is something to look at, 2 when a file
cannot be read.

Examples:
  voordeur directory import lrk export_opendata_lrk.csv --directory directory.toml
  voordeur directory import lrk export_opendata_lrk.csv --directory directory.toml --json")]
    Lrk(Files),
    /// Schools: the sites of primary schools of DUO
    #[command(after_help = "\
The file is vestigingenbo.csv from onderwijsdata.duo.nl. Sites are found by their BRIN with site
number; new ones by the BRIN of a school that takes part, on a postcode of the centre or when it is
the only one.

Nothing is changed. Ends with 0 when there is nothing to do, 1 when there is something to look at,
2 when a file cannot be read.

Example:
  voordeur directory import duo vestigingenbo.csv --directory directory.toml")]
    Duo(Files),
}

#[derive(Debug, Args)]
pub(crate) struct Files {
    /// The file of the register
    file: PathBuf,
    /// The directory file to compare it with; `voordeur directory show` prints the one in force
    #[arg(long, value_name = "FILE")]
    directory: PathBuf,
    /// As if it were this day; today when left out
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

pub(crate) fn run(import: Import, json: bool) -> Result<ExitCode, Failure> {
    let (register, files) = match import {
        Import::Lrk(files) => (Register::Lrk, files),
        Import::Duo(files) => (Register::Duo, files),
    };
    let directory = checked(&files.directory)?;
    let bytes = std::fs::read(&files.file)
        .map_err(|error| Failure::usage(format!("{}: {error}", files.file.display())))?;
    let on = files.on.unwrap_or_else(|| directory.local_date(SystemClock.now()));
    let review =
        review(register, &bytes, &directory, on).map_err(|faults| unreadable(&files.file, &faults))?;
    tell_odd(&review);
    if json {
        output::value(&as_json(&review), true)?;
    } else {
        tell(&review, &directory)?;
    }
    Ok(if review.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn unreadable(file: &Path, faults: &[voordeur_directory::register::Unreadable]) -> Failure {
    let count = output::counted(faults.len(), "fault", "faults");
    Failure {
        faults: faults.iter().map(ToString::to_string).collect(),
        ..Failure::usage(format!("{} cannot be read: {count}", file.display()))
    }
}

fn tell_odd(review: &Review) {
    for odd in review.odd.iter().take(ODD_ROWS_SHOWN) {
        output::complain(&format!("left out: {odd}"));
    }
    if let Some(more) = review.odd.len().checked_sub(ODD_ROWS_SHOWN).filter(|more| *more > 0) {
        let more = output::counted(more, "more row", "more rows");
        output::complain(&format!("left out: {more}; all of them with --json"));
    }
}

/// Comments and lines of TOML, so that the whole can stand beside the file.
fn tell(review: &Review, directory: &Directory) -> Result<(), Failure> {
    for centre in directory.centres() {
        let remarks: Vec<_> = review.remarks.iter().filter(|remark| remark.centre == centre.key).collect();
        let proposals: Vec<_> = review.proposals.iter().filter(|p| p.centre == centre.key).collect();
        if remarks.is_empty() && proposals.is_empty() {
            continue;
        }
        output::line(&format!("# [centre.{}]", centre.key))?;
        for remark in remarks {
            output::line(&format!("# look: {} ({})", remark.what, remark.code))?;
        }
        for proposal in proposals {
            let what = match proposal.change {
                Change::Add => "add",
                Change::Replace => "in the place of the line with this number",
            };
            output::line(&format!("# {what}: {}", proposal.why))?;
            output::line(&format!("    {},", proposal.toml))?;
        }
        output::line("")?;
    }
    output::complain(&format!(
        "{} read: {} to look at and paste, {}; nothing was changed",
        output::counted(review.rows, "row", "rows"),
        output::counted(review.proposals.len(), "line", "lines"),
        output::counted(review.remarks.len(), "other remark", "other remarks")
    ));
    Ok(())
}

fn as_json(review: &Review) -> Value {
    let proposals: Vec<_> = review
        .proposals
        .iter()
        .map(|p| {
            json!({
                "centre": p.centre.as_str(), "line": p.line, "change": p.change.name(),
                "toml": p.toml, "why": p.why,
            })
        })
        .collect();
    let remarks: Vec<_> = review
        .remarks
        .iter()
        .map(|r| json!({ "centre": r.centre.as_str(), "line": r.line, "code": r.code, "what": r.what }))
        .collect();
    let odd: Vec<_> = review
        .odd
        .iter()
        .map(|odd| json!({ "line": odd.line, "column": odd.column, "what": odd.what }))
        .collect();
    json!({ "rows": review.rows, "proposals": proposals, "remarks": remarks, "odd": odd })
}
