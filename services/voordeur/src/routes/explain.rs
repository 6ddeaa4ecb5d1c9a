//! `voordeur routes explain`: what would become of one signal, by the functions that the service calls.

use std::{io::Read as _, path::Path, process::ExitCode};

use serde_json::{Value, json};
use voordeur_contracts::intake::SubmitSignalRequest;
use voordeur_directory::policy::shown_span;
use voordeur_kernel::Timestamp;
use voordeur_routing::rehearsal::{NoRehearsal, Rehearsal, Supposed, rehearse};
use voordeur_routing_domain::{
    ladder::Ladder,
    plan::{Candidate, PlanStep},
    policy::Look,
    task::Deadline,
    words::ClockKind,
};

use super::text;
use crate::{arguments::Global, client::Client, failure::Failure, operations, output, wire};

const REQUEST: &str = "voordeur.intake.v1.SubmitSignalRequest";

pub(super) fn run(
    directory: &Path,
    at: Timestamp,
    supposed: &Supposed,
    global: &Global,
) -> Result<ExitCode, Failure> {
    let directory = operations::directory::checked(directory)?;
    let signal = read_signal()?;
    let overrides = Client::offline(global)?.overrides();
    let rehearsal =
        rehearse(&directory, &signal, at, supposed, &overrides).map_err(|faults| failure(&faults))?;
    if global.json {
        output::value(&shown_json(&rehearsal, at), true)?;
    } else {
        shown(&rehearsal, at).iter().try_for_each(|line| output::line(line))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every fault at once, and for each kind what to do.
fn failure(faults: &[NoRehearsal]) -> Failure {
    let mut failure = match faults {
        [only] => Failure::usage(only.to_string()),
        all => Failure {
            faults: all.iter().map(ToString::to_string).collect(),
            ..Failure::usage(format!("{} faults, so nothing can be explained", all.len()))
        },
    };
    let mut advice: Vec<_> = faults.iter().filter_map(advice).collect();
    advice.dedup();
    failure.advice.extend(advice.into_iter().map(str::to_owned));
    failure
}

fn advice(fault: &NoRehearsal) -> Option<&'static str> {
    match fault {
        NoRehearsal::NoSuchPerson(_) => Some("write keys of people as the file has them: [person.KEY]"),
        NoRehearsal::Signal { .. } => Some("deploy/demo/signals.jsonl shows signals, one a line"),
        NoRehearsal::KnownWithoutChild => Some("leave --known out"),
        NoRehearsal::NoCoordinator => {
            Some("give somebody of this centre the role coordinator in the directory")
        }
        NoRehearsal::Refused(_) => None,
    }
}

/// One signal from standard input.
fn read_signal() -> Result<SubmitSignalRequest, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("standard input: {error}")))?;
    if text.trim().is_empty() {
        return Err(Failure::usage("standard input has no signal").advise(
            "for instance: head -1 signals.jsonl | voordeur routes explain --directory FILE --at TIME",
        ));
    }
    wire::from_json(REQUEST, &text)
}

fn shown(rehearsal: &Rehearsal, at: Timestamp) -> Vec<String> {
    let Rehearsal { about, looks, ladder, sight, requested } = rehearsal;
    let mut lines = vec![format!(
        "{} signal at {} about {}, {}",
        about.urgency.name(),
        about.centre,
        about.subject.name(),
        wire::shown(at)
    )];
    lines.push("branches".to_owned());
    lines.extend(looks.iter().map(|look| format!("  {}", shown_look(look))));
    if looks.is_empty() {
        lines.push("  none is looked at: a safety signal has a ladder of its own".to_owned());
    }
    lines.push(format!("ladder {} of policy version {}", ladder.name(), ladder.policy_version()));
    for (index, step) in requested.plan.steps.iter().enumerate() {
        lines.push(format!("  {}. {}", index + 1, shown_step(step)));
        lines.extend(step.candidates.iter().map(|candidate| format!("     {}", shown_candidate(candidate))));
        if step.candidates.is_empty() {
            lines.push("     nobody".to_owned());
        }
    }
    lines.push("first".to_owned());
    lines.extend(first(rehearsal).iter().map(|line| format!("  {line}")));
    lines.push("clocks".to_owned());
    lines.extend(requested.deadlines.iter().map(|deadline| {
        format!("  {}  {}{}", wire::shown(deadline.due), deadline.clock.name(), span_of(ladder, deadline))
    }));
    if sight.coordinator_absent {
        lines.push(format!(
            "the coordinator is away, and it comes to her all the same when nobody takes it: {}",
            sight.coordinator
        ));
    }
    lines
}

fn shown_look(look: &Look) -> String {
    let holds = if look.holds { "yes" } else { "no " };
    let why: Vec<String> =
        look.checks.iter().filter(|check| check.holds == look.holds).map(ToString::to_string).collect();
    let why = match (why.is_empty(), look.branch.len()) {
        (true, 1) => "always".to_owned(),
        (true, _) => "asks nothing".to_owned(),
        _ => why.join("; "),
    };
    format!("{holds}  {}: {why}", text::path(&look.branch))
}

fn shown_step(step: &PlanStep) -> String {
    let expertise = if step.expertise.is_empty() {
        String::new()
    } else {
        let domains: Vec<_> = step.expertise.iter().map(|domain| domain.name()).collect();
        format!(" who know about {}", domains.join(" or "))
    };
    match step.audience {
        voordeur_routing_domain::words::Audience::Coordinator => "coordinator".to_owned(),
        audience => format!("{}{expertise}, {} to respond", audience.name(), shown_span(step.respond_within)),
    }
}

fn shown_candidate(candidate: &Candidate) -> String {
    let chosen = if candidate.chosen { "yes" } else { "no " };
    let reasons: Vec<_> = candidate.reasons.iter().map(|reason| reason.name()).collect();
    let from =
        candidate.there_from.map(|from| format!(", there from {}", wire::shown(from))).unwrap_or_default();
    format!(
        "{chosen}  {}: {}, {} open{from}",
        candidate.professional,
        reasons.join(", "),
        candidate.open_tasks
    )
}

/// What happens at once.
fn first(rehearsal: &Rehearsal) -> Vec<String> {
    let step = &rehearsal.requested.first_step;
    let mut lines: Vec<String> = step
        .skipped
        .iter()
        .map(|skipped| format!("step {} finds nobody and is passed over", skipped + 1))
        .collect();
    if let Some(person) = &step.assigned_to {
        lines.push(format!("it is {person}'s at once, by step {}", step.step + 1));
    }
    let asked: Vec<_> = step.offers.iter().map(|offer| offer.professional.to_string()).collect();
    if !asked.is_empty() {
        let until = step.respond_by.map(|by| format!(" until {}", wire::shown(by))).unwrap_or_default();
        lines.push(format!("step {} asks {}{until}", step.step + 1, asked.join(", ")));
    }
    lines
}

/// The span that a clock counts, where the ladder has it.
fn span_of(ladder: &Ladder, deadline: &Deadline) -> String {
    let clocks = ladder.clocks();
    match deadline.clock {
        ClockKind::Accept => format!(": taken within {}", shown_span(clocks.accept)),
        ClockKind::FirstContact => format!(": within {}", shown_span(clocks.first_contact)),
        ClockKind::Answer => format!(": within {}", shown_span(clocks.answer)),
        ClockKind::Offer => ": then the next step".to_owned(),
        ClockKind::SafetyRepeat => ": everybody again, until a person confirms".to_owned(),
        _ => String::new(),
    }
}

fn shown_json(rehearsal: &Rehearsal, at: Timestamp) -> Value {
    let Rehearsal { about, looks, ladder, sight, requested } = rehearsal;
    let names = |names: &[voordeur_routing_domain::policy::Name]| -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    };
    let look = |look: &Look| {
        let checks: Vec<Value> = look
            .checks
            .iter()
            .map(|check| json!({ "condition": check.key, "wanted": check.wanted, "found": check.found, "holds": check.holds }))
            .collect();
        json!({ "branch": names(&look.branch), "holds": look.holds, "checks": checks })
    };
    let candidate = |candidate: &Candidate| {
        json!({
            "professional": candidate.professional.as_str(), "chosen": candidate.chosen,
            "reasons": candidate.reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>(),
            "openTasks": candidate.open_tasks, "thereFrom": candidate.there_from.map(|from| from.to_string()),
        })
    };
    let step = |step: &PlanStep| {
        json!({
            "audience": step.audience.name(), "within": shown_span(step.respond_within),
            "expertise": step.expertise.iter().map(|domain| domain.name()).collect::<Vec<_>>(),
            "candidates": step.candidates.iter().map(candidate).collect::<Vec<_>>(),
        })
    };
    let clock = |deadline: &Deadline| json!({ "clock": deadline.clock.name(), "due": deadline.due.to_string(), "local": wire::shown(deadline.due) });
    let taken = &requested.first_step;
    json!({
        "at": at.to_string(), "urgency": about.urgency.name(), "centre": about.centre.as_str(),
        "subject": about.subject.name(), "policyVersion": ladder.policy_version(),
        "branch": names(ladder.branch()), "ladder": ladder.name().as_str(),
        "clockSpans": text::clocks_json(&ladder.clocks()),
        "looks": looks.iter().map(look).collect::<Vec<_>>(),
        "coordinator": sight.coordinator.as_str(), "coordinatorAbsent": sight.coordinator_absent,
        "steps": requested.plan.steps.iter().map(step).collect::<Vec<_>>(),
        "first": {
            "step": taken.step, "skipped": taken.skipped,
            "asked": taken.offers.iter().map(|offer| offer.professional.as_str()).collect::<Vec<_>>(),
            "assignedTo": taken.assigned_to.as_ref().map(|person| person.as_str()),
            "respondBy": taken.respond_by.map(|by| by.to_string()),
        },
        "clocks": requested.deadlines.iter().map(clock).collect::<Vec<_>>(),
    })
}
