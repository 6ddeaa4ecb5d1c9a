//! `voordeur outcome report`: the report on a period and centres, as it may be shown.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{ArgGroup, Args};
use voordeur_contracts::{
    common::{CommandContext, DateRange},
    escalation::{
        ListReportsRequest, MakeReportRequest, MakeReportResponse, PublishReportRequest, ReportQuestion,
    },
    event::{ReportEvent, ReportStatus, report_event::Change},
};

use crate::{
    arguments::Global,
    client::{Client, drawn_key},
    failure::{Failure, Why},
    output,
};

/// A report reads the whole log: it gets at least so long.
const TIME_MIN: Duration = Duration::from_secs(600);

/// Prints the report in Dutch; or as JSON with --json. Asks the escalation service as a coordinator of every centre.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("whom").required(true).multiple(true).args(["centre", "municipality", "list"]),
    after_help = "\
Counts below ten are hidden, all others rounded (SDC-1); what a figure means stands in docs/domain/report.md, and so does the form of the
population file. A report is provisional 455 days after its last judgement and final 180 days later; before that it is for the team only.

Examples:
  voordeur outcome report --from 2027-01-01 --until 2027-12-31 --municipality 9999 --as person:marit
  voordeur outcome report --from 2027-01-01 --until 2027-12-31 --centre de-wilg --centre de-eik --population leerlingen.csv --as person:marit
  voordeur outcome report --from 2027-01-01 --until 2027-12-31 --centre de-wilg --known-on 2029-06-01 --csv uitkomsten.csv --plots plots --as person:marit
  voordeur outcome report --from 2027-01-01 --until 2027-12-31 --municipality 9999 --publish --as person:marit
  voordeur outcome report --list --as organisation:gemeente-wilgenmeer"
)]
pub(crate) struct Arguments {
    /// First day of the judgements that count
    #[arg(long, value_name = "YYYY-MM-DD", required_unless_present = "list")]
    from: Option<String>,

    /// Last day of the judgements that count
    #[arg(long, value_name = "YYYY-MM-DD", required_unless_present = "list")]
    until: Option<String>,

    /// Key of a centre; may be given more than once
    #[arg(long, value_name = "KEY")]
    centre: Vec<String>,

    /// CBS code of a municipality: all its centres
    #[arg(long, value_name = "CODE", conflicts_with = "centre")]
    municipality: Option<String>,

    /// What was known by the end of this day [default: today; with --publish yesterday]
    #[arg(long, value_name = "YYYY-MM-DD")]
    known_on: Option<String>,

    /// Enrolment and yearly totals, as CSV; without it there are no rates
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,

    /// Write every cell on a line of its own into this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Write the plots as SVG into this folder, those that small numbers allow
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,

    /// Publish it: it is recorded, and the next one says what changed
    #[arg(long)]
    publish: bool,

    /// Key of the publication, the same when it is repeated; drawn when it is left out
    #[arg(long, value_name = "KEY", requires = "publish")]
    key: Option<String>,

    /// Show what was published instead
    #[arg(long, conflicts_with_all = ["publish", "csv", "plots", "population"])]
    list: bool,
}

pub(crate) async fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode, Failure> {
    let mut longer = global.clone();
    longer.timeout = longer.timeout.max(TIME_MIN);
    let client = Client::new(&longer)?;
    let service = client.reports()?;
    if arguments.list {
        let request = ListReportsRequest {
            centre: arguments.centre.first().cloned().unwrap_or_default(),
            municipality: arguments.municipality.clone().unwrap_or_default(),
            at_least: None,
        };
        let reply = client.call(request, |request| {
            let mut service = service.clone();
            async move { service.list_reports(request).await }
        });
        return list(&reply.await?.reports, global.json);
    }
    let question = Some(question(arguments)?);
    output::complain("the whole log is read; this may take a while");
    let report = if arguments.publish {
        let idempotency_key = arguments.key.clone().map_or_else(drawn_key, Ok)?;
        let command = Some(CommandContext { idempotency_key, seen_version: 0 });
        let reply = client.call(PublishReportRequest { command, question }, |request| {
            let mut service = service.clone();
            async move { service.publish_report(request).await }
        });
        let reply = reply.await?;
        output::complain(if reply.known {
            "it was published before; this is what was published, as JSON"
        } else {
            "it is published"
        });
        reply.report
    } else {
        let reply = client.call(MakeReportRequest { question, at_least: None }, |request| {
            let mut service = service.clone();
            async move { service.make_report(request).await }
        });
        Some(reply.await?)
    };
    let report = report.ok_or_else(|| Failure::failed("the service answered without a report"))?;
    show(&report, arguments, global.json)
}

fn question(arguments: &Arguments) -> Result<ReportQuestion, Failure> {
    let population_csv = arguments.population.as_deref().map(read).transpose()?.unwrap_or_default();
    Ok(ReportQuestion {
        period: Some(DateRange {
            from: arguments.from.clone().unwrap_or_default(),
            until: arguments.until.clone().unwrap_or_default(),
        }),
        centres: arguments.centre.clone(),
        municipality: arguments.municipality.clone().unwrap_or_default(),
        known_on: arguments.known_on.clone().unwrap_or_default(),
        population_csv: population_csv.into(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::new(Why::Failed, format!("{}: {error}", path.display()));
    fs::write(path, bytes).map_err(wrong)?;
    output::complain(&format!("{} is written", path.display()));
    Ok(())
}

fn show(report: &MakeReportResponse, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    if let Some(path) = &arguments.csv {
        write(path, &report.csv)?;
    }
    if let Some(folder) = &arguments.plots {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))?;
        if report.plots.is_empty() {
            output::complain("there is no plot: the numbers are too small");
        }
        for plot in &report.plots {
            // A name of the service is no path.
            let name: String = plot.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            write(&folder.join(format!("{name}.svg")), plot.svg.as_bytes())?;
        }
    }
    if json || report.text.is_empty() {
        output::line(&on_one_line(&report.json)?)?;
    } else {
        output::line(report.text.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The document without its line breaks, which never stand inside a text. Nothing else changes, so that it is the same from every replica.
fn on_one_line(json: &[u8]) -> Result<String, Failure> {
    let text = std::str::from_utf8(json).map_err(|_| Failure::failed("the report is no text"))?;
    Ok(text.lines().map(str::trim_start).collect())
}

fn list(reports: &[ReportEvent], json: bool) -> Result<ExitCode, Failure> {
    let published = reports.iter().filter_map(|report| {
        let Change::Published(published) = report.change.as_ref()?;
        Some(published)
    });
    if json {
        for published in published {
            output::line(&on_one_line(&published.published_json)?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = published
        .map(|published| {
            let status = match published.status() {
                ReportStatus::Voorlopig => "voorlopig",
                ReportStatus::Definitief => "definitief",
                ReportStatus::Unspecified => "?",
            };
            let whom = if published.municipality.is_empty() {
                published.centres.join(", ")
            } else {
                format!("gemeente {}", published.municipality)
            };
            [
                published.period_from.clone(),
                published.period_until.clone(),
                whom,
                published.known_on.clone(),
                status.to_owned(),
                published.ruleset.clone(),
            ]
        })
        .collect();
    output::table(["van", "tot en met", "over", "kennisdatum", "status", "regels"], &rows)?;
    Ok(ExitCode::SUCCESS)
}
