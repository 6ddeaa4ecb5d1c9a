//! A policy and a plan as text and as JSON.

use serde_json::{Value, json};
use voordeur_directory::policy::{shown_conditions, shown_span};
use voordeur_routing_domain::{
    ladder::{Clocks, Expertise, Ladder, Rung},
    policy::{BranchPath, Name, Policy},
    words::Audience,
};

/// `root > opvang > taal`.
pub(super) fn path(names: &[impl ToString]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" > ")
}

pub(super) fn clocks(clocks: &Clocks) -> String {
    format!(
        "taken within {}, first contact within {}, answer within {}, repeated after {}",
        shown_span(clocks.accept),
        shown_span(clocks.first_contact),
        shown_span(clocks.answer),
        shown_span(clocks.repeat)
    )
}

pub(super) fn clocks_json(clocks: &Clocks) -> Value {
    json!({
        "accept": shown_span(clocks.accept), "firstContact": shown_span(clocks.first_contact),
        "answer": shown_span(clocks.answer), "repeat": shown_span(clocks.repeat),
    })
}

fn expertise(rung: &Rung) -> String {
    match rung.expertise {
        Expertise::Anyone => String::new(),
        Expertise::OfTheConcern => " who know about the concern".to_owned(),
        Expertise::OneOf(domains) => format!(" who know about {domains}"),
    }
}

fn step(rung: &Rung) -> String {
    match rung.audience {
        Audience::Coordinator => "coordinator".to_owned(),
        Audience::EverybodyOnDuty => {
            format!("everybody on duty and the coordinator, again every {}", shown_span(rung.respond_within))
        }
        // One person, or those who stand in for her.
        audience @ (Audience::KnownProfessional | Audience::KnownBackInTime) => {
            format!("{}{}, {} to respond", audience.name(), expertise(rung), shown_span(rung.respond_within))
        }
        audience => format!(
            "{}{}, {} at once, {} to respond",
            audience.name(),
            expertise(rung),
            rung.at_once,
            shown_span(rung.respond_within)
        ),
    }
}

fn step_json(rung: &Rung) -> Value {
    let expertise = match rung.expertise {
        Expertise::Anyone => json!(null),
        Expertise::OfTheConcern => json!("of_the_concern"),
        Expertise::OneOf(domains) => domains.iter().map(|domain| domain.name()).collect(),
    };
    let within = (rung.audience != Audience::Coordinator).then(|| shown_span(rung.respond_within));
    let at_once = (rung.audience != Audience::EverybodyOnDuty).then_some(rung.at_once);
    json!({ "audience": rung.audience.name(), "expertise": expertise, "within": within, "atOnce": at_once })
}

/// A ladder with its steps, one a line.
pub(super) fn ladder(ladder: &Ladder) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", ladder.name(), clocks(&ladder.clocks()))];
    let steps = ladder.rungs().iter().enumerate();
    lines.extend(steps.map(|(index, rung)| format!("  {}. {}", index + 1, step(rung))));
    lines
}

pub(super) fn ladder_json(ladder: &Ladder) -> Value {
    json!({
        "name": ladder.name().as_str(), "clocks": clocks_json(&ladder.clocks()),
        "steps": ladder.rungs().iter().map(step_json).collect::<Vec<_>>(),
    })
}

/// What a branch asks, in words of the file.
fn asked(policy: &Policy, branch: &BranchPath) -> String {
    policy.branch(branch).map(|branch| shown_conditions(&branch.when)).unwrap_or_default()
}

/// The tree, one branch a line, with what each comes to.
pub(super) fn tree(policy: &Policy) -> Vec<String> {
    let outcomes = policy.outcomes();
    let line = |(branch, ladder): &(BranchPath, Ladder)| {
        let name = policy.names(branch).last().map(Name::to_string).unwrap_or_default();
        let asked = match (asked(policy, branch), branch.is_empty()) {
            (_, true) => String::new(),
            (asked, _) if asked.is_empty() => ": everything else".to_owned(),
            (asked, _) => format!(": {asked}"),
        };
        let named = policy.ladders().find(|other| other.name() == ladder.name());
        // The clocks stand with the ladder; those that the branch sets itself stand here.
        let own = if named.is_some_and(|named| named.clocks() != ladder.clocks()) {
            format!(" ({})", clocks(&ladder.clocks()))
        } else {
            String::new()
        };
        format!("{}{name}{asked} -> {}{own}", "  ".repeat(branch.len()), ladder.name())
    };
    outcomes.iter().map(line).collect()
}

pub(super) fn policy_json(policy: &Policy) -> Value {
    let branches: Vec<Value> = policy
        .outcomes()
        .iter()
        .map(|(branch, ladder)| {
            json!({
                "branch": policy.names(branch).iter().map(Name::as_str).collect::<Vec<_>>(),
                "when": asked(policy, branch), "ladder": ladder.name().as_str(),
                "clocks": clocks_json(&ladder.clocks()),
            })
        })
        .collect();
    json!({
        "version": policy.version(), "branches": branches,
        "ladders": policy.ladders().map(ladder_json).collect::<Vec<_>>(),
        "safety": ladder_json(&Ladder::safety()),
    })
}
