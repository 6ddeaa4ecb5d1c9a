//! `voordeur signal submit`: hands signals over, one a line, and prints one result a line in the same order.
//!
//! Every organisation has a stream of its own. With `--as` there is one stream for everything; without it each signal is handed over as
//! the organisation it names.

use std::{
    collections::{HashMap, VecDeque},
    io::{BufRead as _, BufReader, IsTerminal as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};
use voordeur_chassis::Identity;
use voordeur_contracts::intake::{
    SubmitSignalRequest, SubmitSignalsRequest, SubmitSignalsResponse,
    submit_signals_response::Result as Outcome,
};
use voordeur_kernel::OrganisationKey;

use crate::{
    client::Client,
    failure::{Failure, Why, guidance_lines, why},
    output,
    wire::{from_json, to_json, word},
};

const REQUEST: &str = "voordeur.intake.v1.SubmitSignalRequest";
const RESULT: &str = "voordeur.intake.v1.SubmitSignalsResponse";
/// Signals that may be under way at once.
const UNDER_WAY_MAX: usize = 128;
/// How often progress is told on long work.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What one line of the input is.
enum Line {
    Signal(Box<SubmitSignalRequest>),
    /// It cannot be read; nothing after it is handed over.
    Broken(Failure),
}

/// One stream of results.
struct Sender {
    items: mpsc::Sender<SubmitSignalsRequest>,
    results: Streaming<SubmitSignalsResponse>,
}

#[derive(Default)]
struct Tally {
    taken: u64,
    known: u64,
    refused: u64,
    later: u64,
    broken: u64,
}

impl Tally {
    fn shown(&self) -> String {
        let Self { taken, known, refused, later, broken } = self;
        format!("{taken} taken, {known} known before, {refused} refused, {later} not now, {broken} failed")
    }

    /// The worst decides: something broken, then a refusal, then what may be tried again.
    fn exit_code(&self) -> ExitCode {
        if self.broken > 0 {
            ExitCode::from(Why::Failed as u8)
        } else if self.refused > 0 {
            ExitCode::from(Why::Refused as u8)
        } else if self.later > 0 {
            ExitCode::from(Why::NotAvailable as u8)
        } else {
            ExitCode::SUCCESS
        }
    }
}

pub(crate) async fn run(client: &Client, file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let mut lines = read(file)?;
    let mut senders: HashMap<String, Sender> = HashMap::new();
    let mut waiting: VecDeque<(u64, String)> = VecDeque::new();
    let mut tally = Tally::default();
    let mut index = 0;
    let mut stopped = None;
    let mut told = Instant::now();
    let mut ended = false;
    while !(ended && waiting.is_empty()) {
        let oldest = waiting.front().map(|(_, who)| who.clone()).and_then(|who| senders.get_mut(&who));
        tokio::select! {
            result = next(oldest) => {
                let (index, _) = waiting.pop_front().unwrap_or_default();
                print(index, result, waiting.len(), &mut tally, json)?;
            }
            line = lines.recv(), if !ended && waiting.len() < UNDER_WAY_MAX => match line {
                None => ended = true,
                Some(Line::Broken(failure)) => (stopped, ended) = (Some(failure), true),
                Some(Line::Signal(signal)) => {
                    let who = if client.has_caller() { String::new() } else { signal.organisation.clone() };
                    if !senders.contains_key(&who) {
                        let sender = open(client, &who).await?;
                        senders.insert(who.clone(), sender);
                    }
                    if let Some(sender) = senders.get_mut(&who) {
                        // There is room: no more are under way than fit. A stream that ended tells why among its results.
                        let _ = sender.items.send(SubmitSignalsRequest { signal: Some(*signal) }).await;
                    }
                    waiting.push_back((index, who));
                    index += 1;
                }
            },
        }
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            output::complain(&format!("line {index}: {}", tally.shown()));
        }
    }
    for (_, sender) in senders {
        close(sender).await;
    }
    if let Some(failure) = stopped {
        // What is wrong first, then how far it came, then what to do.
        let failure = match output::counted(index, "signal", "signals") {
            _ if index == 0 => failure.advise("nothing was handed over"),
            before => failure.advise(format!("{before} before this line: {}", tally.shown())),
        };
        return Err(failure
            .advise("nothing after it was handed over; mend the line and hand the same file over again")
            .advise("a signal is one JSON object on one line; deploy/demo/signals.jsonl shows some"));
    }
    if !json || std::io::stderr().is_terminal() {
        output::complain(&tally.shown());
    }
    Ok(tally.exit_code())
}

async fn open(client: &Client, organisation: &str) -> Result<Sender, Failure> {
    let client = if client.has_caller() {
        client.clone()
    } else {
        let key = OrganisationKey::parse(organisation).map_err(|_| {
            Failure::usage("a signal names no organisation")
                .advise("say for whom with --as organisation:<key>")
        })?;
        client.as_caller(Identity::Organisation(key))
    };
    let mut service = client.signals()?;
    let (items, queue) = mpsc::channel(UNDER_WAY_MAX);
    let opening = service.submit_signals(Request::new(ReceiverStream::new(queue)));
    let results = tokio::time::timeout(client.timeout(), opening)
        .await
        .map_err(|_| Failure::new(Why::NotAvailable, "intake does not answer"))??
        .into_inner();
    Ok(Sender { items, results })
}

/// Ends a stream as both sides expect it, instead of walking away.
async fn close(Sender { items, mut results }: Sender) {
    drop(items);
    while let Ok(Some(_)) = results.message().await {}
}

/// The next result of a stream; never, while nothing waits for one.
async fn next(sender: Option<&mut Sender>) -> Result<SubmitSignalsResponse, Status> {
    match sender {
        Some(sender) => sender.results.message().await.and_then(|result| {
            result.ok_or_else(|| Status::unavailable("the stream ended before every signal had its result"))
        }),
        None => std::future::pending().await,
    }
}

/// Prints the result of the signal at `index`; `waiting` more have none yet.
fn print(
    index: u64,
    result: Result<SubmitSignalsResponse, Status>,
    waiting: usize,
    tally: &mut Tally,
    json: bool,
) -> Result<(), Failure> {
    let mut result = result.map_err(|status| {
        let left = output::counted(waiting + 1, "signal has", "signals have");
        Failure::from(status)
            .advise(format!("so far: {}", tally.shown()))
            .advise(format!("{left} no result; hand the same file over again"))
    })?;
    result.index = index;
    let summary = match &result.result {
        Some(Outcome::Accepted(receipt)) => {
            if receipt.already_known {
                tally.known += 1
            } else {
                tally.taken += 1
            }
            let known = if receipt.already_known { " (known before)" } else { "" };
            let status = word("voordeur.intake.v1.SignalStatus", receipt.status);
            format!("{}  {status}{known}", receipt.signal_id)
        }
        Some(Outcome::Error(error)) => {
            match why(code(&error.code)) {
                Why::NotAvailable => tally.later += 1,
                Why::Failed => tally.broken += 1,
                Why::Refused | Why::Usage => tally.refused += 1,
            }
            let faults = error.faults.iter().map(|fault| format!("{}: {}", fault.field, fault.description));
            let faults = faults.filter(|fault| *fault != error.message).map(|fault| format!("\n  {fault}"));
            format!("refused: {} ({}){}", error.message, error.reason, faults.collect::<String>())
        }
        None => {
            tally.broken += 1;
            "no result".to_owned()
        }
    };
    if json {
        output::value(&to_json(RESULT, &result)?, true)
    } else {
        output::line(&format!("{}  {summary}", result.client_reference))?;
        // After its line, and for refusals too: what to do now does not depend on whether the signal was taken.
        let guidance = match &result.result {
            Some(Outcome::Accepted(receipt)) => receipt.guidance.as_ref(),
            Some(Outcome::Error(error)) => error.guidance.as_ref(),
            None => None,
        };
        let lines = guidance.map(guidance_lines).unwrap_or_default();
        lines.iter().for_each(|line| output::complain(&format!("  -> {line}")));
        Ok(())
    }
}

fn code(name: &str) -> tonic::Code {
    use tonic::Code;
    match name {
        "INVALID_ARGUMENT" => Code::InvalidArgument,
        "NOT_FOUND" => Code::NotFound,
        "ALREADY_EXISTS" => Code::AlreadyExists,
        "PERMISSION_DENIED" => Code::PermissionDenied,
        "UNAUTHENTICATED" => Code::Unauthenticated,
        "FAILED_PRECONDITION" => Code::FailedPrecondition,
        "ABORTED" => Code::Aborted,
        "RESOURCE_EXHAUSTED" => Code::ResourceExhausted,
        "UNAVAILABLE" => Code::Unavailable,
        "DEADLINE_EXCEEDED" => Code::DeadlineExceeded,
        _ => Code::Internal,
    }
}

/// Reads the lines on a thread of its own: a file or a pipe may block.
fn read(file: &Path) -> Result<mpsc::Receiver<Line>, Failure> {
    let name = if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() };
    let source: Box<dyn std::io::Read + Send> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(|error| Failure::usage(format!("{name}: {error}")))?)
    };
    let (lines, queue) = mpsc::channel(UNDER_WAY_MAX);
    tokio::task::spawn_blocking(move || {
        for (number, text) in BufReader::new(source).lines().enumerate() {
            let place = format!("{name} line {}", number + 1);
            let line = match text {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => match from_json(REQUEST, &text) {
                    Ok(signal) => Line::Signal(Box::new(signal)),
                    Err(failure) => {
                        Line::Broken(Failure { message: format!("{place}: {}", failure.message), ..failure })
                    }
                },
                Err(error) => Line::Broken(Failure::failed(format!("{place}: {error}"))),
            };
            let last = matches!(line, Line::Broken(_));
            if lines.blocking_send(line).is_err() || last {
                break;
            }
        }
    });
    Ok(queue)
}
