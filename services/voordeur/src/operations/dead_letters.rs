//! `voordeur dead-letters`.

use std::{process::ExitCode, sync::Arc};

use clap::Subcommand;
use serde_json::{Value, json};
use voordeur_chassis::SystemClock;
use voordeur_eventlog::{
    Broker as _, StreamName, Subject,
    dead_letters::{DeadLetter, DeadLetterError, DeadLetters, Standing},
};

use crate::{
    arguments::Global,
    client::Client,
    failure::{Failure, Why, of_kind},
    output, wire,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Messages that no service could handle, oldest first
    #[command(after_help = "\
Examples:
  voordeur dead-letters list
  voordeur dead-letters list --all --json")]
    List {
        /// Those that were handled after all too
        #[arg(long)]
        all: bool,
    },
    /// One of them, with its headers; of its content only the size is shown
    #[command(after_help = "\
Example:
  voordeur dead-letters show routing.SIGNALS.17")]
    Show {
        /// As `list` prints it, for instance routing.SIGNALS.17
        letter: String,
    },
    /// Ask the service to try again
    #[command(after_help = "\
Do this when the cause is gone: a newer release was installed, a directory was mended. The service
tries within seconds; whether it succeeded tells `voordeur dead-letters show`.

Examples:
  voordeur dead-letters replay routing.SIGNALS.17
  voordeur dead-letters replay --all")]
    Replay {
        /// As `list` prints it
        #[arg(required_unless_present = "all")]
        letter: Option<String>,
        /// Every one that waits
        #[arg(long, conflicts_with = "letter")]
        all: bool,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    let broker = client.broker().await?;
    let letters = DeadLetters::new(broker.log(StreamName::DeadLetters), Arc::new(SystemClock));
    let json = global.json;
    match command {
        Command::List { all } => {
            let found = list(&letters, all, &client).await?;
            if json {
                found.iter().try_for_each(|letter| output::value(&shown(letter, false), true))?;
            } else {
                let rows: Vec<_> = found.iter().map(row).collect();
                output::table(["letter", "state", "reason", "tries", "stored"], &rows)?;
            }
        }
        Command::Show { letter } => {
            let found = letters.get(&subject(&letter)?, client.deadline()).await.map_err(failure)?;
            output::value(&shown(&found, true), json)?;
        }
        Command::Replay { letter, all } => {
            let subjects = match letter {
                Some(letter) if !all => vec![subject(&letter)?],
                _ => list(&letters, false, &client)
                    .await?
                    .into_iter()
                    .filter(|letter| letter.standing == Standing::Parked)
                    .map(|letter| letter.subject)
                    .collect(),
            };
            for subject in subjects {
                letters.request_replay(&subject, client.deadline()).await.map_err(failure)?;
                let name = name(&subject);
                if json {
                    output::value(&json!({ "letter": name, "state": "replay-requested" }), true)?;
                } else {
                    output::line(&format!("{name}  is going to be tried again"))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reading the stream waits through broken connections; here somebody is looking.
async fn list(letters: &DeadLetters, all: bool, client: &Client) -> Result<Vec<DeadLetter>, Failure> {
    match tokio::time::timeout(client.timeout(), letters.list(all)).await {
        Ok(found) => found.map_err(failure),
        Err(_) => Err(Failure::new(Why::NotAvailable, "the broker does not answer")),
    }
}

fn prefix() -> &'static str {
    StreamName::DeadLetters.prefixes().first().copied().unwrap_or_default()
}

/// What people type: the subject without what all of them begin with.
fn name(subject: &Subject) -> &str {
    subject.as_str().strip_prefix(prefix()).map_or(subject.as_str(), |rest| rest.trim_start_matches('.'))
}

fn subject(name: &str) -> Result<Subject, Failure> {
    Subject::parse(&format!("{}.{name}", prefix())).map_err(|_| {
        Failure::usage("that is no dead letter").advise("`voordeur dead-letters list` shows their names")
    })
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Parked => "parked",
        Standing::ReplayRequested => "replay-requested",
        Standing::Handled => "handled",
    }
}

fn row(letter: &DeadLetter) -> [String; 5] {
    [
        name(&letter.subject).to_owned(),
        standing(letter.standing).to_owned(),
        letter.cause.reason.clone(),
        letter.replays.to_string(),
        wire::shown(letter.message.stored_at),
    ]
}

fn shown(letter: &DeadLetter, whole: bool) -> Value {
    let mut value = json!({
        "letter": name(&letter.subject), "service": letter.service, "stream": letter.stream.as_str(),
        "sequence": letter.sequence, "state": standing(letter.standing), "reason": letter.cause.reason,
        "detail": letter.cause.detail, "replays": letter.replays,
        "storedAt": letter.message.stored_at.to_string(),
    });
    if whole && let Some(fields) = value.as_object_mut() {
        let headers: Vec<_> = letter
            .message
            .headers
            .iter()
            .map(|header| format!("{}: {}", header.name, header.value))
            .collect();
        fields.insert("subject".to_owned(), letter.message.subject.as_str().into());
        fields.insert("bytes".to_owned(), letter.message.data.len().into());
        fields.insert("headers".to_owned(), headers.into());
    }
    value
}

fn failure(error: DeadLetterError) -> Failure {
    of_kind(error.kind(), error.to_string())
}
