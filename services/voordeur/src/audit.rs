//! `voordeur audit`: from the log alone, does any signal lie anywhere?

use std::{process::ExitCode, time::Duration};

use clap::Args;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use voordeur_chassis::SystemClock;
use voordeur_directory::{DirectoryError, DirectoryStore};
use voordeur_eventlog::{
    Broker as _, BucketName, Followed, Position, Recorded, StreamName, nats::NatsBroker,
};
use voordeur_kernel::{Clock as _, Timestamp};
use voordeur_routing::auditor::{Auditor, Finding, FindingKind, InForce, Moment, Report};

use crate::{
    arguments::Global,
    client::Client,
    failure::{Failure, Why, of_kind},
    output, wire,
};

/// Between two lines about how far reading has come.
const SHOW_EVERY: Duration = Duration::from_secs(2);
/// Between two looks with `--wait`.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Something is wrong.
const FINDINGS: u8 = 1;
/// It could not be looked.
const NOT_LOOKED: u8 = 2;

#[derive(Debug, Args)]
#[command(after_help = "\
Reads the streams SIGNALS and TASKS from the first message and checks, without asking any service,
that every open task has somebody who is expected to act and whom the directory in force knows, that
no deadline passed without its event, that every signal has exactly one task, and that what ended
stays so. Nothing is changed; services go on meanwhile. docs/operations.md says what to do about
each finding.

Exit codes: 0 all is well, 1 something is wrong, 2 it could not be looked.

Examples:
  voordeur audit
  voordeur audit --json
  voordeur audit --wait 60")]
pub(crate) struct Options {
    /// Seconds that something due may take to get its event
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    grace: u32,
    /// Look again until all is well, at most so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

pub(crate) async fn run(options: &Options, global: &Global) -> Result<ExitCode, Failure> {
    let looked = async {
        let client = Client::new(global)?;
        let broker = client.broker().await?;
        let outcome = until_well(options, &client, &broker).await;
        broker.close().await;
        outcome
    };
    match looked.await {
        Ok(report) => {
            show(&report, global.json)?;
            Ok(ExitCode::from(if report.all_well() { 0 } else { FINDINGS }))
        }
        Err(failure) => {
            output::complain(&failure.shown(global.json));
            Ok(ExitCode::from(NOT_LOOKED))
        }
    }
}

async fn until_well(options: &Options, client: &Client, broker: &NatsBroker) -> Result<Report, Failure> {
    let end = Instant::now() + Duration::from_secs(options.wait);
    loop {
        let report = look(options, client, broker).await?;
        if report.all_well() || Instant::now() >= end {
            return Ok(report);
        }
        let count = output::counted(total(&report), "finding", "findings");
        output::complain(&format!("not well yet: {count}; looking again"));
        sleep(LOOK_AGAIN_AFTER).await;
    }
}

async fn look(options: &Options, client: &Client, broker: &NatsBroker) -> Result<Report, Failure> {
    let mut auditor = Auditor::default();
    // Tasks first: every signal that has one stands before it in its own stream. What is younger than this moment is in hand.
    let now = SystemClock.now();
    let position = read(client, broker, StreamName::Tasks, |message| auditor.task_message(message)).await?;
    read(client, broker, StreamName::Signals, |message| auditor.signal_message(message)).await?;
    auditor.read_up_to(position.sequence);
    let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
    let directory = match store.current(client.deadline()).await {
        Ok(stored) => Some(stored.directory),
        Err(DirectoryError::Absent) => None,
        Err(error) => return Err(of_kind(error.kind(), error.to_string())),
    };
    let in_force = directory.as_ref().map(|directory| (directory as &dyn InForce, Timestamp::UNIX_EPOCH));
    Ok(auditor.report(Moment { now, grace_s: options.grace.into(), directory: in_force }))
}

/// Reads a stream to its end as it is now.
async fn read(
    client: &Client,
    broker: &NatsBroker,
    stream: StreamName,
    mut take: impl FnMut(&Recorded),
) -> Result<Position, Failure> {
    let log = broker.log(stream);
    let failed =
        |error: voordeur_eventlog::ReadError| of_kind(error.kind(), format!("stream {stream}: {error}"));
    let end = log.end(client.deadline()).await.map_err(failed)?;
    let mut following = log.follow(None);
    let mut shown = Instant::now();
    loop {
        let next = match tokio::time::timeout(client.timeout(), following.next()).await {
            Ok(next) => next,
            Err(_) => return Err(Failure::new(Why::NotAvailable, "the broker does not answer")),
        };
        match next {
            Some(Ok(Followed::Message(message))) => {
                take(&message);
                if shown.elapsed() >= SHOW_EVERY {
                    shown = Instant::now();
                    output::complain(&format!("{stream}: {} of {} read", message.sequence, end.sequence));
                }
            }
            Some(Ok(Followed::CaughtUp(position))) => return Ok(position),
            Some(Err(error)) => return Err(Failure::failed(error.to_string())),
            None => return Err(Failure::new(Why::NotAvailable, "the broker ended the reading")),
        }
    }
}

fn total(report: &Report) -> u64 {
    FindingKind::ALL.iter().map(|kind| report.count(*kind)).sum()
}

fn show(report: &Report, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let counts: serde_json::Map<String, Value> = FindingKind::ALL
            .iter()
            .map(|kind| (kind.code().to_owned(), report.count(*kind).into()))
            .collect();
        let whole = json!({
            "allWell": report.all_well(), "openTasks": report.open_tasks, "endedTasks": report.ended_tasks,
            "signals": report.signals, "upToSequence": report.up_to_sequence,
            "oldestOverdueSeconds": report.oldest_overdue_s, "counts": counts,
            "findings": report.findings().iter().map(shown).collect::<Vec<_>>(),
        });
        return output::value(&whole, true);
    }
    for finding in report.findings() {
        output::line(&format!("{} {}: {}", finding.kind, place(finding), finding.kind.meaning()))?;
        output::line(&format!("  -> {}", finding.kind.step()))?;
    }
    let more = total(report).saturating_sub(report.findings().len().try_into().unwrap_or(u64::MAX));
    if more > 0 {
        output::line(&format!("… and {more} more"))?;
    }
    output::line(&format!(
        "{}, {} ended, {}, read up to sequence {}",
        output::counted(report.open_tasks, "open task", "open tasks"),
        report.ended_tasks,
        output::counted(report.signals, "signal", "signals"),
        report.up_to_sequence
    ))?;
    output::line(if report.all_well() {
        "All is well: nothing is left lying."
    } else {
        "Something is wrong; see above, and docs/operations.md."
    })
}

fn place(finding: &Finding) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(finding.task.map(|task| task.to_string()));
    parts.extend(finding.signal.map(|signal| signal.to_string()));
    if finding.sequence > 0 {
        parts.push(format!("at sequence {}", finding.sequence));
    }
    parts.extend(finding.since.map(|since| format!("since {}", wire::shown(since))));
    parts.join(" ")
}

fn shown(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.code(), "task": finding.task.map(|task| task.to_string()),
        "signal": finding.signal.map(|signal| signal.to_string()), "sequence": finding.sequence,
        "since": finding.since.map(|since| since.to_string()),
        "meaning": finding.kind.meaning(), "step": finding.kind.step(),
    })
}
