//! `voordeur streams verify`.

use std::{process::ExitCode, sync::Mutex, time::Duration};

use clap::Args;
use serde_json::json;
use tokio::time::{Instant, sleep};
use voordeur_eventlog::nats::{
    NatsBroker,
    verify::{Audit, Class, Progress},
};

use crate::{client::Client, failure::Failure, output};

/// Between two looks with `--wait`.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Between two lines about how far reading has come.
const SHOW_EVERY: Duration = Duration::from_secs(2);
/// Stored messages are missing or changed.
const DAMAGED: u8 = 5;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Compare the counters of the nodes only; a flipped byte does not show in them
    #[arg(long)]
    quick: bool,
    /// Look again until everything is good, at most so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

pub(crate) async fn run(
    options: &Options,
    client: &Client,
    broker: &NatsBroker,
    json: bool,
) -> Result<ExitCode, Failure> {
    let end = Instant::now() + Duration::from_secs(options.wait);
    let shown = Mutex::new(Instant::now());
    let progress = move |progress: Progress| {
        let Ok(mut shown) = shown.lock() else { return };
        if shown.elapsed() >= SHOW_EVERY {
            *shown = Instant::now();
            let Progress { stream, read, end } = progress;
            output::complain(&format!("{stream}: {read} of {end} read from every node"));
        }
    };
    let started = Instant::now();
    loop {
        let audit = broker.audit(!options.quick, client.deadline(), &progress).await;
        if audit.worst().is_none() || Instant::now() >= end {
            show(&audit, started.elapsed(), options.quick, json)?;
            return Ok(ExitCode::from(exit_code(&audit)));
        }
        let count = output::counted(audit.findings.len(), "finding", "findings");
        output::complain(&format!("not good yet: {count}; looking again"));
        sleep(LOOK_AGAIN_AFTER).await;
    }
}

fn exit_code(audit: &Audit) -> u8 {
    match audit.worst() {
        None => 0,
        Some(Class::Damage) => DAMAGED,
        Some(Class::Unseen) => 4,
        Some(Class::Setting) => 3,
    }
}

fn verdict(audit: &Audit, quick: bool) -> &'static str {
    match audit.worst() {
        None if quick => "The counters of every copy agree; whether each message can be read was not tried.",
        None => "Every message was read from every copy, and all copies are the same.",
        Some(Class::Damage) => "Stored messages are missing or changed. Do nothing else before the repair.",
        Some(Class::Unseen) => "Not everything could be looked at: nobody knows whether it is good.",
        Some(Class::Setting) => "Nothing is lost, but something is not as it must be.",
    }
}

fn show(audit: &Audit, took: Duration, quick: bool, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let nodes = audit.nodes.iter().map(|node| {
            json!({ "node": node.name, "address": node.address, "version": node.version, "syncAlways": node.sync_always })
        });
        let replicas = audit.replicas.iter().map(|copy| {
            json!({
                "stream": copy.stream, "node": copy.node, "leads": copy.leads, "messages": copy.messages,
                "firstSequence": copy.first_sequence, "lastSequence": copy.last_sequence,
                "deleted": copy.deleted, "read": copy.read,
            })
        });
        let findings = audit.findings.iter().map(|finding| {
            json!({
                "class": finding.class.as_str(), "code": finding.code, "node": finding.node,
                "stream": finding.stream, "meaning": finding.meaning, "step": finding.step,
            })
        });
        let whole = json!({
            "good": audit.worst().is_none(), "exitCode": exit_code(audit), "seconds": took.as_secs_f64(),
            "nodes": nodes.collect::<Vec<_>>(), "replicas": replicas.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
        });
        return output::value(&whole, true);
    }
    let rows: Vec<_> = audit
        .replicas
        .iter()
        .map(|copy| {
            [
                copy.stream.clone(),
                format!("{}{}", copy.node, if copy.leads { " (leads)" } else { "" }),
                copy.messages.to_string(),
                copy.last_sequence.to_string(),
                copy.deleted.to_string(),
                copy.read.map_or_else(|| "-".to_owned(), |read| read.to_string()),
            ]
        })
        .collect();
    if !rows.is_empty() {
        output::table(["stream", "node", "messages", "last", "deleted", "read"], &rows)?;
        output::line("")?;
    }
    for finding in &audit.findings {
        let place: Vec<&str> = finding.stream.iter().chain(&finding.node).map(String::as_str).collect();
        let place = if place.is_empty() { "broker".to_owned() } else { place.join(" at ") };
        output::line(&format!("{} {} {place}: {}", finding.class.as_str(), finding.code, finding.meaning))?;
        output::line(&format!("  -> {}", finding.step))?;
    }
    output::line(verdict(audit, quick))
}

#[cfg(test)]
mod tests {
    use voordeur_eventlog::nats::verify::Finding;

    use super::*;

    #[test]
    fn the_worst_finding_decides_how_it_ends() {
        let finding = |class| Finding {
            class,
            code: "X",
            node: None,
            stream: None,
            meaning: String::new(),
            step: String::new(),
        };
        let audit = |classes: &[Class]| Audit {
            findings: classes.iter().copied().map(finding).collect(),
            ..Audit::default()
        };
        assert_eq!(exit_code(&audit(&[])), 0);
        assert_eq!(exit_code(&audit(&[Class::Setting])), 3);
        assert_eq!(exit_code(&audit(&[Class::Setting, Class::Unseen])), 4);
        assert_eq!(exit_code(&audit(&[Class::Setting, Class::Unseen, Class::Damage])), DAMAGED);
    }
}
