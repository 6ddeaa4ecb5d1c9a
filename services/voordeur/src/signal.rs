//! `voordeur signal`.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use voordeur_contracts::{
    common::Position,
    intake::{
        AcknowledgeAnswerRequest, GetSignalRequest, ListSignalsRequest, Signal, WatchSignalsRequest,
        WithdrawSignalRequest, get_signal_request, watch_signals_response,
    },
};

use crate::{
    arguments::{Act, Global},
    client::Client,
    failure::{Failure, guidance_lines},
    output, plain, submit,
    wire::{self, shown_moment, shown_position, to_json, word, words},
};

const STATUS: &str = "voordeur.intake.v1.SignalStatus";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hand signals over, one protobuf JSON object a line
    #[command(after_help = "\
One result a line comes back, in the order of the lines. Handing the same file over again is
harmless: a reference that was taken before gets the same receipt. Without --as each signal is
handed over as the organisation it names.

Examples:
  voordeur signal submit --file signals.jsonl
  cat signals.jsonl | voordeur signal submit --file - --as organisation:basisschool-de-wilg --json")]
    Submit {
        /// File with one signal a line; - reads standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// One signal, with its answer for who asked
    #[command(after_help = "\
Examples:
  voordeur signal get school-2026-001 --as organisation:basisschool-de-wilg
  voordeur signal get school-2026-001 --asker juf-els --as organisation:basisschool-de-wilg")]
    Get {
        /// sig_…, or your own reference
        signal: String,
        /// Local id of the person who looks; without it no answer text comes back
        #[arg(long, value_name = "LOCAL_ID")]
        asker: Option<String>,
        /// Wait until this position is taken in
        #[arg(long, value_name = "POSITION", value_parser = wire::position)]
        at_least: Option<Position>,
    },
    /// The signals of your organisation, newest first
    #[command(after_help = "\
Examples:
  voordeur signal list --as organisation:basisschool-de-wilg
  voordeur signal list --status answered --limit 20 --as organisation:basisschool-de-wilg")]
    List {
        /// Only these states
        #[arg(long = "status", value_name = "STATUS", value_parser = words(STATUS))]
        statuses: Vec<i32>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Every change, as it happens
    #[command(after_help = "\
Examples:
  voordeur signal watch --as organisation:basisschool-de-wilg
  voordeur signal watch --resume-after SIGNALS/2026-11-23T10:00:00Z/17 --json \\
      --as organisation:basisschool-de-wilg")]
    Watch {
        /// Go on after this position
        #[arg(long, value_name = "POSITION", value_parser = wire::position)]
        resume_after: Option<Position>,
        /// Stop when everything so far was shown
        #[arg(long)]
        until_caught_up: bool,
    },
    /// Take a signal back
    #[command(after_help = "\
Example:
  voordeur signal withdraw sig_0011… --reason entered-by-mistake \\
      --as organisation:basisschool-de-wilg")]
    Withdraw {
        /// sig_…
        signal: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.WithdrawReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Say whether the answer helped
    #[command(after_help = "\
Example:
  voordeur signal acknowledge sig_0011… --helped yes --certainty 8 \\
      --as organisation:basisschool-de-wilg")]
    Acknowledge {
        /// sig_…
        signal: String,
        /// Did it help?
        #[arg(long, value_parser = words("voordeur.event.v1.Helped"))]
        helped: i32,
        /// How certain you are now, 0-10
        #[arg(long, value_parser = clap::value_parser!(u32).range(0..=10))]
        certainty: Option<u32>,
        #[command(flatten)]
        act: Act,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    let json = global.json;
    match command {
        Command::Submit { file } => return submit::run(&client, &file, json).await,
        Command::Get { signal, asker, at_least } => get(&client, &signal, asker, at_least, json).await?,
        Command::List { statuses, limit } => list(&client, statuses, limit, json).await?,
        Command::Watch { resume_after, until_caught_up } => {
            watch(&client, resume_after, until_caught_up, json).await?
        }
        Command::Withdraw { signal, reason, act } => {
            let request = WithdrawSignalRequest { signal_id: signal, command: act.context()?, reason };
            let service = client.signals()?;
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.withdraw_signal(r).await }
            });
            plain::print("voordeur.intake.v1.WithdrawSignalResponse", &reply.await?, json)?;
        }
        Command::Acknowledge { signal, helped, certainty, act } => {
            let request = AcknowledgeAnswerRequest {
                signal_id: signal,
                command: act.context()?,
                helped,
                certainty_now: certainty,
            };
            let service = client.signals()?;
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.acknowledge_answer(r).await }
            });
            plain::print("voordeur.intake.v1.AcknowledgeAnswerResponse", &reply.await?, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(
    client: &Client,
    signal: &str,
    asker: Option<String>,
    at_least: Option<Position>,
    json: bool,
) -> Result<(), Failure> {
    // An id says what it is; anything else is the caller's own reference.
    let which = if signal.parse::<voordeur_kernel::SignalId>().is_ok() {
        get_signal_request::Signal::SignalId(signal.to_owned())
    } else {
        get_signal_request::Signal::ClientReference(signal.to_owned())
    };
    let request =
        GetSignalRequest { signal: Some(which), asker_local_id: asker.unwrap_or_default(), at_least };
    let service = client.signals()?;
    let reply = client
        .call(request, |r| {
            let mut s = service.clone();
            async move { s.get_signal(r).await }
        })
        .await?;
    plain::print("voordeur.intake.v1.GetSignalResponse", &reply, json)?;
    if !json && let Some(guidance) = &reply.guidance {
        guidance_lines(guidance).iter().for_each(|line| output::complain(line));
    }
    Ok(())
}

async fn list(client: &Client, statuses: Vec<i32>, limit: u32, json: bool) -> Result<(), Failure> {
    let service = client.signals()?;
    let mut rows = Vec::new();
    let mut left = limit;
    let mut page_token = String::new();
    while left > 0 {
        let request = ListSignalsRequest {
            statuses: statuses.clone(),
            page_size: left.min(500),
            page_token,
            at_least: None,
        };
        let page = client
            .call(request, |r| {
                let mut s = service.clone();
                async move { s.list_signals(r).await }
            })
            .await?;
        left = left.saturating_sub(u32::try_from(page.signals.len()).unwrap_or(u32::MAX));
        for signal in page.signals {
            if json {
                output::value(&to_json("voordeur.intake.v1.Signal", &signal)?, true)?;
            } else {
                rows.push(row(&signal));
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if json { Ok(()) } else { output::table(["signal", "status", "centre", "about", "received"], &rows) }
}

/// Without the reference: it is not stored, and never comes back in lists.
fn row(signal: &Signal) -> [String; 5] {
    [
        signal.signal_id.clone(),
        word(STATUS, signal.status),
        signal.centre.clone(),
        word("voordeur.common.v1.SubjectKind", signal.subject),
        shown_moment(signal.received_at.as_ref()),
    ]
}

async fn watch(
    client: &Client,
    resume_after: Option<Position>,
    until_caught_up: bool,
    json: bool,
) -> Result<(), Failure> {
    let mut service = client.signals()?;
    let mut stream = service.watch_signals(WatchSignalsRequest { resume_after }).await?.into_inner();
    while let Some(item) = stream.message().await? {
        let caught_up = matches!(item.item, Some(watch_signals_response::Item::CaughtUp(_)));
        if json {
            output::value(&to_json("voordeur.intake.v1.WatchSignalsResponse", &item)?, true)?;
        } else {
            match &item.item {
                Some(watch_signals_response::Item::Signal(signal)) => output::line(&row(signal).join("  "))?,
                _ => output::complain(&format!(
                    "up to date; resume after {}",
                    shown_position(item.position.as_ref())
                )),
            }
        }
        if caught_up && until_caught_up {
            break;
        }
    }
    Ok(())
}
