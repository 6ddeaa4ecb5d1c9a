//! A policy against the rest of its file: keys that are not there, branches that nothing reaches, steps that find nobody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Weekday;
use voordeur_kernel::{CentreKey, ConcernDomain, Span};
use voordeur_routing_domain::{
    ladder::{Expertise, Ladder, Rung},
    policy::{Branch, BranchPath, Domains, Name, Policy, Universe, Why, reach},
    words::Audience,
};

use super::{
    TABLE,
    read::{PolicyDraft, Reference, place},
    span::shown,
};
use crate::{
    finding::Notes,
    model::Directory,
    municipality,
    parse::{Draft, weekday_name},
};

/// Minutes of a working day of eight in the morning until five, for weighing days against minutes.
const DAY_MINUTES: u64 = 9 * 60;
/// Centres that one warning names.
const NAMED_MAX: usize = 5;

/// What is wrong, whatever else stands in the file, and keys that do not stand in it.
pub(crate) fn check(draft: &PolicyDraft, file: &Draft, notes: &mut Notes) {
    for (path, reference) in &draft.references {
        check_reference(path, reference, file, notes);
    }
    if let Some(policy) = &draft.policy {
        unreachable(policy, notes);
    }
}

/// The same for a policy of which the rest of the file is not known, with what is odd in it by itself.
pub(super) fn check_alone(draft: &PolicyDraft, notes: &mut Notes) {
    on_the_clock(&draft.on_the_clock, notes);
    if let Some(policy) = &draft.policy {
        unreachable(policy, notes);
        ladders(policy, notes);
    }
}

/// Branches that no signal anywhere reaches.
fn unreachable(policy: &Policy, notes: &mut Notes) {
    for found in reach(policy, Universe::Anywhere).unreachable {
        let description = why(&found.why, notes);
        notes.fault_at(&place(&found.branch), "UNREACHABLE", description);
    }
}

fn check_reference(path: &str, reference: &Reference, file: &Draft, notes: &mut Notes) {
    let unknown = |what: &str| format!("there is no {what} with this key in the file");
    match reference {
        Reference::Organisation(key) => match file.organisations.get(key) {
            None => notes.fault_at(path, "UNKNOWN_REFERENCE", unknown("organisation")),
            Some(organisation) if organisation.kind.is_some_and(|kind| !kind.raises_signals()) => {
                notes.fault_at(path, "WRONG_KIND", "raises no signals; only a school or childcare does");
            }
            Some(_) => {}
        },
        Reference::Centre(key) if !file.centres.contains_key(key) => {
            notes.fault_at(path, "UNKNOWN_REFERENCE", unknown("centre"));
        }
        Reference::Group(key) if !file.centres.values().any(|centre| centre.groups.contains_key(key)) => {
            notes.fault_at(path, "UNKNOWN_REFERENCE", unknown("group"));
        }
        Reference::Municipality(code)
            if code.value() != municipality::TEST_CODE && municipality::name(code.value()).is_none() =>
        {
            notes.fault_at(path, "UNKNOWN_MUNICIPALITY", "is not in the CBS list of municipalities of 2026");
        }
        Reference::Centre(_) | Reference::Group(_) | Reference::Municipality(_) => {}
    }
}

/// Why nothing reaches a branch. Branches are named by their lines: a description repeats nothing of what was written.
fn why(why: &Why, notes: &Notes) -> String {
    let line = |branch: &BranchPath| notes.line_of(&place(branch)).to_string();
    match why {
        Why::Impossible => "no signal gets here: what it asks never goes together".to_owned(),
        Why::Contradicts(around) => {
            format!(
                "no signal gets here: what it asks contradicts the branch around it in line {}",
                line(around)
            )
        }
        Why::Covered(by) => {
            let (what, together) = match by.as_slice() {
                [_] => ("the branch before it in line", "catches"),
                _ => ("the branches before it in lines", "together catch"),
            };
            let lines: Vec<_> = by.iter().map(line).collect();
            let lines = lines.join(" and ");
            format!("no signal gets here: {what} {lines} {together} all of it; move it up or take it away")
        }
    }
}

/// What somebody should look at in a file that is good.
pub(crate) fn warn(directory: &Directory, clock_spans: &[String], notes: &mut Notes) {
    week(directory, notes);
    on_the_clock(clock_spans, notes);
    unused_arrangements(directory, notes);
    let Some(policy) = directory.own_policy() else { return };
    ladders(policy, notes);
    let places = directory.places();
    if !places.is_empty() {
        let here = reach(policy, Universe::Places(&places));
        for found in here.unreachable {
            let description = match &found.why {
                Why::Impossible => "asks for what no centre and organisation in this file have".to_owned(),
                other => format!("in this file {}", why(other, notes)),
            };
            notes.warn_at(&place(&found.branch), "NOTHING_HERE", description);
        }
        for branch in here.unsure {
            notes.warn_at(
                &place(&branch),
                "TOO_MANY_TO_COMPARE",
                "has so many branches that it cannot be said whether each of them is ever reached",
            );
        }
    }
    expertise(directory, policy, notes);
    arrangements(directory, policy, notes);
}

fn on_the_clock(paths: &[String], notes: &mut Notes) {
    for path in paths {
        notes.warn_at(
            path,
            "ON_THE_CLOCK",
            "counts on at night and at weekends; write working hours or minutes to count only while the centre is open",
        );
    }
}

fn ladders(policy: &Policy, notes: &mut Notes) {
    let used = policy.used_ladders();
    for ladder in policy.ladders() {
        let path = format!("{TABLE}.ladder.{}", ladder.name());
        if used.contains(ladder.name()) {
            spans(&path, ladder, notes);
        } else {
            notes.warn_at(&path, "LADDER_UNUSED", "no branch uses this ladder");
        }
    }
}

/// A day of the week on which the centre opens, and nobody is there by the weekly hours.
fn week(directory: &Directory, notes: &mut Notes) {
    for centre in directory.centres() {
        let professionals: Vec<_> = directory.professionals_at(centre.key.as_str()).collect();
        // Somebody without any hours, or no professional at all, is told apart from this.
        if professionals.iter().all(|person| person.presence.is_empty()) {
            continue;
        }
        let there: BTreeSet<u8> = professionals
            .iter()
            .flat_map(|person| &person.presence)
            .filter(|interval| interval.centre == centre.key)
            .map(|interval| interval.weekday)
            .collect();
        let opening = directory.calendar(centre.key.as_str());
        let opens = |day: &u8| {
            let weekday = i8::try_from(*day).ok().and_then(|day| Weekday::from_monday_one_offset(day).ok());
            weekday.is_some_and(|weekday| opening.opens_on(weekday))
        };
        let empty: Vec<&str> =
            (1..=7).filter(opens).filter(|day| !there.contains(day)).map(weekday_name).collect();
        if !empty.is_empty() {
            notes.warn_at(
                &format!("centre.{}", centre.key),
                "NOBODY_PRESENT",
                format!(
                    "no professional is ever present on {}; what comes in then waits or goes to the coordinator",
                    empty.join(", ")
                ),
            );
        }
    }
}

/// In working minutes, where it can be said.
const fn minutes(span: Span) -> Option<u64> {
    match span {
        Span::WorkingDays(days) => Some(days as u64 * DAY_MINUTES),
        Span::WorkingMinutes(minutes) => Some(minutes as u64),
        Span::Elapsed(_) => None,
    }
}

fn spans(path: &str, ladder: &Ladder, notes: &mut Notes) {
    let clocks = ladder.clocks();
    let before_catch = ladder.rungs().iter().filter(|rung| rung.audience != Audience::Coordinator);
    let offers: Option<u64> = before_catch.map(|rung| minutes(rung.respond_within)).sum();
    if let (Some(offers), Some(accept)) = (offers, minutes(clocks.accept))
        && offers > accept
    {
        notes.warn_at(
            &format!("{path}.accept"),
            "STEPS_OUTLAST_ACCEPT",
            format!(
                "the steps before the coordinator may take longer than {}; this clock then tells her first",
                shown(clocks.accept)
            ),
        );
    }
    let order = [
        ("first_contact", "accept", clocks.accept, clocks.first_contact),
        ("answer", "first_contact", clocks.first_contact, clocks.answer),
    ];
    for (key, earlier_key, earlier, later) in order {
        if let (Some(a), Some(b)) = (minutes(earlier), minutes(later))
            && a > b
        {
            notes.warn_at(
                &format!("{path}.{key}"),
                "CLOCKS_OUT_OF_ORDER",
                format!("with working days of nine hours this ends before {earlier_key}"),
            );
        }
    }
}

/// The domains that a branch and those around it leave for a signal.
fn concern(policy: &Policy, branch: &[usize]) -> Domains {
    let around = (1..=branch.len()).rev().filter_map(|depth| policy.branch(branch.get(..depth)?));
    let asked = around.filter_map(|branch: &Branch| branch.when.domains).next();
    asked.unwrap_or_else(|| ConcernDomain::ALL.into_iter().collect())
}

/// Steps that ask for an expertise that nobody has at a centre whose signals come to them.
fn expertise(directory: &Directory, policy: &Policy, notes: &mut Notes) {
    let mut missing: BTreeMap<(Name, usize), (Domains, BTreeSet<CentreKey>)> = BTreeMap::new();
    let outcomes = policy.outcomes();
    let choosy = |rung: &Rung| rung.expertise != Expertise::Anyone;
    if !outcomes.iter().any(|(_, ladder)| ladder.rungs().iter().any(choosy)) {
        return;
    }
    for centre in directory.centres() {
        let mut unreached: Option<BTreeSet<BranchPath>> = None;
        for (branch, ladder) in &outcomes {
            for (index, rung) in ladder.rungs().iter().enumerate() {
                let wanted = match rung.expertise {
                    Expertise::Anyone => continue,
                    Expertise::OneOf(domains) => domains,
                    Expertise::OfTheConcern => concern(policy, branch),
                };
                if known(directory, centre.key.as_str(), rung.audience).meets(wanted) {
                    continue;
                }
                let unreached = unreached.get_or_insert_with(|| {
                    let places = directory.places_of(&centre.key);
                    let found = reach(policy, Universe::Places(&places)).unreachable;
                    found.into_iter().map(|found| found.branch).collect()
                });
                if (1..=branch.len()).any(|depth| branch.get(..depth).is_some_and(|b| unreached.contains(b)))
                {
                    continue;
                }
                let found = missing.entry((ladder.name().clone(), index)).or_default();
                found.0 = wanted;
                found.1.insert(centre.key.clone());
            }
        }
    }
    for ((ladder, step), (wanted, centres)) in missing {
        let lines: Vec<String> = centres
            .iter()
            .take(NAMED_MAX)
            .map(|centre| notes.line_of(&format!("centre.{centre}")).to_string())
            .collect();
        let more = match centres.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = if wanted == ConcernDomain::ALL.into_iter().collect() {
            "anything".to_owned()
        } else {
            wanted.to_string()
        };
        let centre = if centres.len() == 1 { "the centre in line" } else { "the centres in lines" };
        notes.warn_at(
            &format!("{TABLE}.ladder.{ladder}.steps[{step}]"),
            "EXPERTISE_MISSING",
            format!(
                "nobody whom this step could ask at {centre} {}{more} knows about {what}, so it is passed over there; give somebody there \
                 this expertise, or change what the step asks for",
                lines.join(", ")
            ),
        );
    }
}

/// What the people know about that a step could turn to.
fn known(directory: &Directory, centre: &str, audience: Audience) -> Domains {
    let here = |centre: &str| -> Vec<ConcernDomain> {
        directory.professionals_at(centre).flat_map(|person| person.expertise.iter().copied()).collect()
    };
    if audience == Audience::NeighbouringCentre {
        let neighbours = directory.arrangements().filter(|arrangement| arrangement.centre.as_str() == centre);
        neighbours.flat_map(|arrangement| here(arrangement.neighbour.as_str())).collect()
    } else {
        here(centre).into_iter().collect()
    }
}

/// Steps to a neighbour without any arrangement.
fn arrangements(directory: &Directory, policy: &Policy, notes: &mut Notes) {
    let some = directory.arrangements().next().is_some();
    let used = policy.used_ladders();
    for ladder in policy.ladders().filter(|ladder| used.contains(ladder.name())) {
        for (index, rung) in ladder.rungs().iter().enumerate() {
            if rung.audience == Audience::NeighbouringCentre && !some {
                notes.warn_at(
                    &format!("{TABLE}.ladder.{}.steps[{index}]", ladder.name()),
                    "NO_ARRANGEMENT",
                    "there is no [[arrangement]] with a neighbour, so it is always passed over",
                );
            }
        }
    }
}

/// Arrangements that no step turns to; also under the built-in policy.
fn unused_arrangements(directory: &Directory, notes: &mut Notes) {
    let policy = directory.policy();
    let turns = policy
        .outcomes()
        .iter()
        .any(|(_, ladder)| ladder.rungs().iter().any(|rung| rung.audience == Audience::NeighbouringCentre));
    if turns {
        return;
    }
    for index in 0..directory.arrangements().count() {
        notes.warn_at(
            &format!("{}[{index}]", crate::arrangement::TABLE),
            "ARRANGEMENT_UNUSED",
            "no ladder in use has a step neighbouring_centre, so nobody there is ever asked",
        );
    }
}
