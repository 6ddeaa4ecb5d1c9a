//! Writes a policy as a file, and as lines to compare.

use std::fmt::Write as _;

use voordeur_kernel::ConcernDomain;
use voordeur_routing_domain::{
    ladder::{AT_ONCE, Expertise, Ladder, Rung, SomeClocks},
    policy::{Branch, Conditions, Domains, OneOf, Policy},
    words::Audience,
};

use super::{TABLE, read::OF_THE_CONCERN, span::shown};

/// The tables as a file; reading them gives the same policy.
pub(crate) fn print(policy: &Policy, out: &mut String) {
    let root = policy.root();
    let _ = writeln!(out, "\n[{TABLE}]\nversion = {}\ndefault = \"{}\"", policy.version(), root.ladder);
    some_clocks(out, &root.clocks);
    for ladder in policy.ladders() {
        let _ = writeln!(out, "\n[{TABLE}.ladder.{}]\nsteps = [", ladder.name());
        for rung in ladder.rungs() {
            let _ = writeln!(out, "    {},", step(rung));
        }
        out.push_str("]\n");
        some_clocks(out, &clocks_of(ladder));
    }
    branches(out, TABLE, &root.branches);
}

fn branches(out: &mut String, around: &str, all: &[Branch]) {
    let table = format!("{around}.route");
    for branch in all {
        let _ = writeln!(out, "\n[[{table}]]\nname = \"{}\"", branch.name);
        if branch.when != Conditions::default() {
            let _ = writeln!(out, "when = {{ {} }}", when(&branch.when));
        }
        if let Some(ladder) = &branch.ladder {
            let _ = writeln!(out, "ladder = \"{ladder}\"");
        }
        some_clocks(out, &branch.clocks);
        branches(out, &table, &branch.branches);
    }
}

fn clocks_of(ladder: &Ladder) -> SomeClocks {
    let clocks = ladder.clocks();
    SomeClocks {
        accept: Some(clocks.accept),
        first_contact: Some(clocks.first_contact),
        answer: Some(clocks.answer),
        repeat: Some(clocks.repeat),
    }
}

fn named_clocks(clocks: &SomeClocks) -> Vec<(&'static str, String)> {
    let SomeClocks { accept, first_contact, answer, repeat } = *clocks;
    [("accept", accept), ("first_contact", first_contact), ("answer", answer), ("repeat", repeat)]
        .into_iter()
        .filter_map(|(key, span)| Some((key, shown(span?))))
        .collect()
}

fn some_clocks(out: &mut String, clocks: &SomeClocks) {
    for (key, span) in named_clocks(clocks) {
        let _ = writeln!(out, "{key} = \"{span}\"");
    }
}

fn list(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("\"{}\"", item.to_string())).collect();
    match items.as_slice() {
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    }
}

fn domains(domains: Domains) -> String {
    list(domains.iter().map(ConcernDomain::name))
}

fn step(rung: &Rung) -> String {
    let mut parts = vec![format!("audience = \"{}\"", rung.audience.name())];
    match rung.expertise {
        Expertise::Anyone => {}
        Expertise::OfTheConcern => parts.push(format!("expertise = \"{OF_THE_CONCERN}\"")),
        Expertise::OneOf(some) => parts.push(format!("expertise = {}", domains(some))),
    }
    if rung.audience != Audience::Coordinator {
        parts.push(format!("within = \"{}\"", shown(rung.respond_within)));
    }
    if rung.at_once != AT_ONCE {
        parts.push(format!("at_once = {}", rung.at_once));
    }
    format!("{{ {} }}", parts.join(", "))
}

/// What a branch asks, as it stands in a file between `{` and `}`; empty when it asks nothing.
#[must_use]
pub fn when(when: &Conditions) -> String {
    fn set<T: Ord>(key: &str, set: Option<&OneOf<T>>, text: impl Fn(&T) -> String) -> Option<String> {
        Some(format!("{key} = {}", list(set?.iter().map(text))))
    }
    [
        set("urgency", when.urgency.as_ref(), |urgency| urgency.name().to_owned()),
        set("subject", when.subject.as_ref(), |subject| subject.name().to_owned()),
        when.domains.map(|some| format!("domains = {}", domains(some))),
        when.severity.map(|range| format!("severity = \"{range}\"")),
        set("organisation", when.organisation.as_ref(), ToString::to_string),
        set("organisation_kind", when.organisation_kind.as_ref(), |kind| kind.name().to_owned()),
        set("centre", when.centre.as_ref(), ToString::to_string),
        set("municipality", when.municipality.as_ref(), |code| code.value().to_owned()),
        set("group", when.group.as_ref(), ToString::to_string),
        set("asked_by", when.asked_by.as_ref(), |asked_by| asked_by.name().to_owned()),
        when.answer_wanted.map(|wanted| format!("answer_wanted = {wanted}")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

/// For differences between two directories: paths and values. Branches are named by their names, so that one that moves stays itself.
pub(crate) fn flat(policy: &Policy) -> Vec<(String, String)> {
    let root = policy.root();
    let mut flat = vec![
        (format!("{TABLE}.version"), policy.version().to_string()),
        (format!("{TABLE}.default"), root.ladder.to_string()),
    ];
    let clocks = |flat: &mut Vec<(String, String)>, path: &str, clocks: &SomeClocks| {
        flat.extend(named_clocks(clocks).into_iter().map(|(key, span)| (format!("{path}.{key}"), span)));
    };
    clocks(&mut flat, TABLE, &root.clocks);
    for ladder in policy.ladders() {
        let path = format!("{TABLE}.ladder.{}", ladder.name());
        let steps = ladder.rungs().iter().map(step).collect::<Vec<_>>();
        flat.push((format!("{path}.steps"), steps.join(", ")));
        clocks(&mut flat, &path, &clocks_of(ladder));
    }
    let mut open = vec![(format!("{TABLE}.route"), root.branches.as_slice())];
    while let Some((around, branches)) = open.pop() {
        if branches.len() > 1 {
            let order = branches.iter().map(|branch| branch.name.to_string()).collect::<Vec<_>>();
            flat.push((format!("{around}.order"), order.join(", ")));
        }
        for branch in branches {
            let path = format!("{around}.{}", branch.name);
            let asked = if branch.when == Conditions::default() {
                "everything".to_owned()
            } else {
                self::when(&branch.when)
            };
            flat.push((format!("{path}.when"), asked));
            flat.extend(branch.ladder.as_ref().map(|ladder| (format!("{path}.ladder"), ladder.to_string())));
            clocks(&mut flat, &path, &branch.clocks);
            open.push((format!("{path}.route"), &branch.branches));
        }
    }
    flat
}
