//! `voordeur streams`.

mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use voordeur_eventlog::{
    Broker as _, ConsumerName, StreamName,
    nats::NatsBroker,
    topology::{Change, TopologyError},
};
use voordeur_kernel::ErrorKind;

use crate::{
    arguments::Global,
    client::Client,
    failure::{Failure, of_kind},
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create what is missing at the broker and update what may be updated
    #[command(after_help = "\
Services never do this themselves: they verify, and refuse to start when something differs.
Applying again changes nothing.

Example:
  VOORDEUR__BROKER__URL=nats://127.0.0.1:4222 voordeur streams apply")]
    Apply,
    /// How full the streams are, how far consumers lie behind, and whether the broker is as it should be
    #[command(after_help = "\
Examples:
  voordeur streams status
  voordeur streams status --json")]
    Status,
    /// Read every copy of every stream, node by node, and tell what is missing or differs
    #[command(after_help = "\
A node that lost part of a file calls itself healthy and leaves out what it lost; this finds it.
Reading everything takes about a minute for a million messages; services go on meanwhile.

Exit codes: 0 all copies are good, 5 stored messages are missing or changed, 4 a copy could not be
looked at, 3 nothing is lost but a node is not set up as it must be.

Examples:
  voordeur streams verify
  voordeur streams verify --quick --json
  voordeur streams verify --wait 600")]
    Verify(verify::Options),
    /// Let every stored message wake its service once more; the last step of a repair
    #[command(after_help = "\
A consumer at a node that lacked a message has passed it by and does not come back to it. This makes
the consumers again from the first message. It is harmless: what is known changes nothing.

Example:
  voordeur streams rewake")]
    Rewake,
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    let broker = client.broker().await?;
    match command {
        Command::Apply => changed(broker.apply(client.deadline()).await?, global),
        Command::Rewake => changed(broker.rewake(client.deadline()).await?, global),
        Command::Verify(options) => verify::run(&options, &client, &broker, global.json).await,
        Command::Status => {
            // First: without a connection there is nothing to tell.
            let verified = broker.verify(client.deadline()).await;
            if let Err(error @ TopologyError::Unavailable(_)) = verified {
                return Err(error.into());
            }
            status(&client, &broker, verified.is_ok(), global.json).await?;
            match verified {
                Ok(()) => {
                    if !global.json {
                        output::line("\nThe broker is as it should be, and syncs before it acknowledges.")?;
                    }
                    Ok(ExitCode::SUCCESS)
                }
                Err(error) => {
                    Err(Failure::from(error).advise("`voordeur streams apply` makes what is missing"))
                }
            }
        }
    }
}

fn changed(changes: Vec<Change>, global: &Global) -> Result<ExitCode, Failure> {
    if global.json {
        for change in &changes {
            output::value(&json!({ "what": change.what, "action": change.action }), true)?;
        }
    } else {
        let rows: Vec<_> =
            changes.into_iter().map(|change| [change.what, change.action.to_owned()]).collect();
        output::table(["what", "action"], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `whole`: everything should be there; else what is missing is left out, and told with the other differences.
async fn status(client: &Client, broker: &NatsBroker, whole: bool, json: bool) -> Result<(), Failure> {
    let mut streams = Vec::new();
    let mut consumers = Vec::new();
    for name in StreamName::ALL {
        let usage = match broker.log(name).usage(client.deadline()).await {
            Ok(usage) => usage,
            Err(_) if !whole => continue,
            Err(error) => return Err(of_kind(error.kind(), format!("stream {name}: {error}"))),
        };
        streams.push(json!({
            "stream": name.as_str(), "messages": usage.messages, "lastSequence": usage.last_sequence,
            "bytes": usage.bytes, "bytesMax": usage.bytes_max, "share": usage.share(),
        }));
    }
    for name in ConsumerName::ALL {
        let backlog = match broker.wakeups(name).backlog(client.deadline()).await {
            Ok(backlog) => backlog,
            Err(_) if !whole => continue,
            Err(error) => return Err(of_kind(ErrorKind::Unavailable, format!("consumer {name}: {error}"))),
        };
        consumers.push(json!({
            "consumer": name.as_str(), "stream": name.stream().as_str(), "pending": backlog.pending,
            "unsettled": backlog.unsettled, "redelivered": backlog.redelivered,
        }));
    }
    if json {
        return output::value(&json!({ "streams": streams, "consumers": consumers }), true);
    }
    let cell = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let rows: Vec<_> = streams
        .iter()
        .map(|row| {
            let share = row.get("share").and_then(Value::as_f64).unwrap_or_default();
            [
                cell(row, "stream"),
                cell(row, "messages"),
                cell(row, "bytes"),
                format!("{:.1} %", share * 100.0),
            ]
        })
        .collect();
    output::table(["stream", "messages", "bytes", "full"], &rows)?;
    output::line("")?;
    let rows: Vec<_> = consumers
        .iter()
        .map(|row| ["consumer", "stream", "pending", "unsettled", "redelivered"].map(|name| cell(row, name)))
        .collect();
    output::table(["consumer", "stream", "pending", "unsettled", "redelivered"], &rows)
}
