//! `voordeur outcome classify`: the class of histories in a file, by ruleset ESC-1.

mod read;

use std::{fs, io, io::Read as _, path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::{Map, Value, json};
use voordeur_escalation_domain::{
    Baseline,
    outcome::{Classified, Classifier, ESC_1},
};

use crate::{failure::Failure, output};

/// Prints class, reason, day, flags and survival record as JSON: an array for several histories, an object for one. Every fault of the
/// input is told at once, each with its place.
#[derive(Debug, Args)]
#[command(after_help = "\
Input: one history, an array of histories, or an object with the array under \"vectors\".
  W       window in days
  T       day of observation, yyyy-mm-dd
  K       day of knowledge; T when it is left out
  events  id, kind, effective (happened on) and recorded (known on), then by kind:
    SignalReceived                  subject: child, group, anonymous
    BaselineAssessed                level: none, possible, imminent
    ReferralRequested, CareStarted  ref; domain: jeugdhulp, onderwijs; route: gemeente, huisarts,
                                    jeugdarts, gi, specialist, onderwijs, court, crisis
    ReferralGranted, ReferralRefused, ReferralWithdrawn, CareEnded  ref
    ReferralReviewed                ref; reviewer; verdict: needed, avoidable
    FollowUpChecked                 covers_until; jeugdhulp, onderwijs: none, referred, unknown;
                                    need: ok, concern, unknown
    ChildLeft                       destination: regular, specialist, unknown
    ConsentWithdrawn                scope: follow_up, all
    Corrected                       target; void: true, or set: the fields that were wrong
    FirstContact, SupportGiven, SpecialistConsulted, VeiligThuisReported, EpisodeClosed  nothing
Other fields are passed over. The order of the events means nothing.

cause in the survival record: 0 censored, 1 referral, 2 left, 3 Veilig Thuis.
docs/domain/outcomes.md explains every rule.

Examples:
  voordeur outcome classify < history.json
  voordeur outcome classify histories.json | jq -r '.[].class' | sort | uniq -c")]
pub(crate) struct Arguments {
    /// File with histories; - is standard input
    #[arg(value_name = "FILE.json", default_value = "-")]
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut text = String::new();
    let (name, outcome) = if arguments.file.as_os_str() == "-" {
        ("standard input".to_owned(), io::stdin().lock().read_to_string(&mut text).map(drop))
    } else {
        let read = fs::read_to_string(&arguments.file).map(|read| text = read);
        (arguments.file.display().to_string(), read)
    };
    outcome.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let input = read::histories(&text, &name)?;

    let mut classifier = Classifier::new(&ESC_1);
    let mut answers = Vec::with_capacity(input.histories.len());
    for history in &input.histories {
        let found = classifier
            .classify(&history.facts, history.question)
            // Told by the reader already, with its place.
            .map_err(|error| Failure::usage(error.to_string()))?;
        answers.push(answer(history, &found).to_string());
    }
    if input.several {
        let lines = answers.join(",\n  ");
        output::line(&if lines.is_empty() { "[]".to_owned() } else { format!("[\n  {lines}\n]") })?;
    } else {
        answers.iter().try_for_each(|answer| output::line(answer))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(history: &read::History, found: &Classified) -> Value {
    let mut answer = Map::new();
    answer.extend(history.number.clone().map(|number| ("n".to_owned(), number)));
    let level = |level| match level {
        Baseline::None => "none",
        Baseline::Possible => "possible",
        Baseline::Imminent => "imminent",
    };
    let fields = [
        ("class", json!(found.class.as_str())),
        ("reason", json!(found.reason.as_str())),
        ("day", json!(found.day)),
        ("flags", found.flags.iter().map(|flag| flag.as_str()).collect()),
        ("survival", json!(found.survival.map(|s| json!({"time": s.time, "cause": s.cause as u8})))),
        ("endpoint", json!(found.endpoint.map(|endpoint| endpoint.as_str()))),
        (
            "baseline",
            json!(found.baseline.map(|(said, day)| json!({"level": level(said), "day": day.to_string()}))),
        ),
        ("ruleset", json!(ESC_1.name)),
    ];
    answer.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(answer)
}
