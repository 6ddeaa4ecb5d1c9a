//! The demonstration: an invented kindcentrum, real processes, real gRPC, and everything falling over in the middle.
//!
//! It is also a check: it ends well only if every signal became exactly one task and every answer reached its asker.

mod askers;
mod census;
mod outcome;
mod people;
mod processes;
mod story;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use jiff::tz::TimeZone;
use tokio::{sync::watch, task::JoinSet, time::Instant};
use voordeur_chassis::{SystemClock, lifecycle::StopSignals};
use voordeur_contracts::intake::SubmitSignalRequest;
use voordeur_kernel::Clock as _;

use self::{
    askers::Asker,
    people::{Colleague, Done},
    processes::{Processes, SERVICES},
    story::{Story, Summary},
};
use crate::{failure::Failure, wire};

/// Shows the main job on an invented kindcentrum, with the routing service and the broker killed in the middle.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  voordeur demo                 stays up until Ctrl-C\n  voordeur demo --once          ends with 0 only if nothing was lost or doubled\n  voordeur demo --once --json   the last line is a summary as JSON"
)]
pub(crate) struct DemoArgs {
    /// End when the story is told, instead of staying up.
    #[arg(long)]
    once: bool,
    /// Signals to hand over: one SubmitSignalRequest as protobuf JSON per line.
    #[arg(long, value_name = "FILE", default_value = "deploy/demo/signals.jsonl")]
    signals: PathBuf,
    /// The directory of organisations and people.
    #[arg(long, value_name = "FILE", default_value = "deploy/directory/demo.toml")]
    directory: PathBuf,
    /// Keep the broker's data and the logs here instead of in a temporary folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How long each part may take before the demonstration says that it did not work.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tells the story.
pub(crate) async fn run(args: DemoArgs, json: bool) -> Result<ExitCode, Failure> {
    let story = Story::begin();
    let signals = read_signals(&args.signals)?;
    if signals.is_empty() {
        return Err(Failure::usage(format!("{} holds no signals", args.signals.display())));
    }
    let prepared = Processes::prepare(&args.directory, args.data.clone(), &story);
    let elsewhere = |failure: Failure| match args.directory.exists() {
        true => failure,
        false => failure.advise("run this from the project's folder, or name the file with --directory"),
    };
    let processes = Arc::new(prepared.map_err(elsewhere)?);
    // From here on there are processes of ours: whatever happens, they are ended before we end.
    let mut stop = StopSignals::listen()?;
    let outcome = tokio::select! {
        outcome = play(&signals, &processes, &story, json) => outcome,
        () = stop.next() => Err(Failure::failed("the demonstration was stopped before its end")),
    };
    if outcome.is_ok() && !args.once {
        story.say("Everything stays up; look around, and stop it with Ctrl-C.");
        story.say(&processes.describe());
        stop.next().await;
    }
    processes.stop().await;
    Ok(if outcome?.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The story itself.
async fn play(
    signals: &[SubmitSignalRequest],
    processes: &Arc<Processes>,
    story: &Story,
    json: bool,
) -> Result<Summary, Failure> {
    story.chapter("Start the broker and the three services");
    processes.start_broker().await?;
    processes.set_up().await?;
    for service in SERVICES {
        processes.start(service).await?;
    }
    processes.all_ready(PATIENCE).await?;
    story.say(&processes.describe());

    story.chapter("Three professionals look at their worklist");
    let colleagues = processes.people();
    let (done, heard) = watch::channel(Done::default());
    let done = Arc::new(done);
    // They stop working when this is dropped.
    let mut work = JoinSet::new();
    for who in &colleagues {
        let colleague =
            Colleague { who: who.clone(), processes: Arc::clone(processes), story: story.clone() };
        work.spawn(colleague.work(Arc::clone(&done)));
    }

    story.chapter("School and childcare hand over their signals");
    let began = Instant::now();
    let (first, second) = signals.split_at(signals.len() / 2);
    let mut askers = Vec::new();
    hand_over(first, processes, story, &mut askers).await?;

    story.chapter("The routing service is killed (SIGKILL), while signals keep coming");
    processes.kill("routing").await?;
    story.say("routing is gone; intake does not need it to take a signal:");
    hand_over(second, processes, story, &mut askers).await?;
    processes.start("routing").await?;
    story.say("routing is back; it reads its history again and picks up what came meanwhile");

    wait_for(heard.clone(), |done| done.answered >= signals.len() / 3, "a third of the answers").await?;
    story.chapter("The broker is killed (SIGKILL) and started again");
    let killed = processes.broker_pid()?;
    processes.kill_broker().await?;
    story.say("the broker is gone; nobody can be told yes now, so nobody is");
    processes.broker_back(&killed, PATIENCE).await?;
    story.say("the broker is back with everything it had acknowledged; the services rode it out");

    wait_for(heard, |done| done.answered >= signals.len(), "every answer").await?;
    story.chapter("The askers hear their answers");
    let mut answers = 0;
    for asker in &askers {
        answers += usize::from(asker.hear(processes, story, PATIENCE).await.map_err(Failure::failed)?);
    }
    let elapsed = began.elapsed();
    work.shutdown().await;

    story.chapter("The professionals record what they know, and what they did");
    let who = colleagues.first().ok_or_else(|| Failure::usage("the directory has no professional"))?;
    let recorded = outcome::record(processes, who, story).await?;
    let (coordinator, centre) = processes
        .reporting()
        .ok_or_else(|| Failure::usage("the directory has no centre with a coordinator"))?;
    outcome::note_work(processes, who, &centre, story).await?;
    story.chapter("The report, as the coordinator may show it: honest about how little is known yet");
    let today = SystemClock.now().to_zoned(TimeZone::system()).date();
    let report = outcome::report(processes, &coordinator, &centre, today).await?;
    // The beginning: the whole of it fills some screens.
    story.quote(report.split("\n2. ").next().unwrap_or_default());
    story.say("the rest, as text, JSON, CSV and plots: voordeur outcome report --help");

    let census = census::count(processes, PATIENCE).await.map_err(Failure::failed)?;
    let summary = Summary {
        signals: askers.len(),
        tasks: census.tasks,
        signals_with_exactly_one_task: census.signals_with_exactly_one_task,
        answers_heard: answers,
        episodes: recorded.episodes,
        facts: recorded.facts,
        parked: census.parked,
        findings: census.findings,
        kills: processes.kills(),
        seconds: elapsed.as_secs_f64(),
    };
    story.chapter("What is stored");
    story.summary(&summary);
    if json {
        story.json(&summary);
    }
    Ok(summary)
}

async fn hand_over(
    signals: &[SubmitSignalRequest],
    processes: &Arc<Processes>,
    story: &Story,
    askers: &mut Vec<Asker>,
) -> Result<(), Failure> {
    for signal in signals {
        askers
            .push(Asker::submit(signal.clone(), processes, story, PATIENCE).await.map_err(Failure::failed)?);
    }
    Ok(())
}

async fn wait_for(
    mut heard: watch::Receiver<Done>,
    enough: impl Fn(&Done) -> bool,
    what: &str,
) -> Result<(), Failure> {
    match tokio::time::timeout(PATIENCE, heard.wait_for(|done| enough(done))).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Failure::failed(format!("{what} did not come within {} seconds", PATIENCE.as_secs()))
            .advise("look at the logs of the services, in the folder named above")),
    }
}

fn read_signals(file: &std::path::Path) -> Result<Vec<SubmitSignalRequest>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("{}: {error}", file.display()))
            .advise("run this from the project's folder, or name the file with --signals")
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            wire::from_json("voordeur.intake.v1.SubmitSignalRequest", line).map_err(|failure| Failure {
                message: format!("{}:{}: {}", file.display(), number + 1, failure.message),
                ..failure
            })
        })
        .collect()
}
