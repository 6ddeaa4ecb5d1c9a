//! `voordeur task explain`: why a task came to whom it came.

use std::fmt::Write as _;

use voordeur_contracts::{
    common::actor::Who,
    event::{self, Audience, Candidate, Plan, PlanStep, Seen, Sight},
    routing::{ExplainRoutingRequest, ExplainRoutingResponse, TimelineEntry},
};

use crate::{
    client::Client,
    failure::Failure,
    output,
    wire::{policy_word, shown_moment, shown_span, to_json, word, word_of},
};

pub(super) async fn run(client: &Client, task: String, json: bool) -> Result<(), Failure> {
    let service = client.tasks()?;
    let reply = client.call(ExplainRoutingRequest { task_id: task.clone() }, |request| {
        let mut service = service.clone();
        async move { service.explain_routing(request).await }
    });
    let reply = reply.await?;
    if json {
        return output::value(&to_json("voordeur.routing.v1.ExplainRoutingResponse", &reply)?, true);
    }
    output::line(told(&task, &reply).trim_end())
}

fn told(task: &str, explained: &ExplainRoutingResponse) -> String {
    let mut text = format!("{task}, by directory {}", explained.directory_version);
    if let Some(plan) = &explained.plan {
        tell_plan(&mut text, plan);
    }
    match &explained.sight {
        Some(sight) => tell_sight(&mut text, sight),
        None => text.push_str("\n\nWhat the choice saw was not kept yet when this task was made."),
    }
    if !explained.clocks.is_empty() {
        text.push_str("\n\nClocks when it was made");
        for clock in &explained.clocks {
            let name = policy_word("voordeur.event.v1.ClockKind", clock.clock);
            let _ = write!(text, "\n  {name:<14} {}", shown_moment(clock.due.as_ref()));
        }
    }
    text.push_str("\n\nWhat happened");
    explained.timeline.iter().for_each(|entry| tell_entry(&mut text, entry));
    text.push('\n');
    text
}

fn tell_plan(text: &mut String, plan: &Plan) {
    let policy = match plan.policy_version {
        0 => "the built-in policy".to_owned(),
        version => format!("policy {version}"),
    };
    let _ = write!(text, ", {policy}");
    if !plan.branch.is_empty() {
        let _ = write!(text, "\nBranch: {}", plan.branch.join(" > "));
    }
    if !plan.ladder.is_empty() {
        let _ = write!(text, "\nLadder: {}", plan.ladder);
    }
    text.push_str("\n\nSteps");
    plan.steps.iter().enumerate().for_each(|(place, step)| tell_step(text, place, step));
}

fn tell_step(text: &mut String, place: usize, step: &PlanStep) {
    let audience = policy_word("voordeur.event.v1.Audience", step.audience);
    let _ = write!(text, "\n  {}. {audience}", place + 1);
    if !step.expertise.is_empty() {
        let _ = write!(text, " who know about {}", domains(&step.expertise, " or "));
    }
    // A coordinator is not asked: it is hers.
    if step.audience != Audience::Coordinator as i32 {
        let _ = write!(text, ", {} to respond", shown_span(step.respond_within.as_ref()));
    }
    if step.candidates.is_empty() {
        text.push_str("\n       nobody");
    }
    step.candidates.iter().for_each(|candidate| tell_candidate(text, candidate));
}

fn tell_candidate(text: &mut String, candidate: &Candidate) {
    let reasons: Vec<String> = candidate
        .reasons
        .iter()
        .map(|reason| policy_word("voordeur.event.v1.ChoiceReason", *reason))
        .collect();
    let chosen = if candidate.chosen { "yes" } else { "no" };
    let _ = write!(text, "\n       {:<14} {chosen:<3}  {}", candidate.professional, reasons.join(", "));
    if candidate.there_from.is_some() {
        let _ = write!(text, " (there from {})", shown_moment(candidate.there_from.as_ref()));
    }
}

fn tell_sight(text: &mut String, sight: &Sight) {
    let _ = write!(text, "\n\nSeen at {}", shown_moment(sight.at.as_ref()));
    let absent = if sight.coordinator_absent { " (absent)" } else { "" };
    let _ = write!(text, "\n  coordinator    {}{absent}", sight.coordinator);
    if !sight.known.is_empty() {
        let _ = write!(text, "\n  known          {} knows this child or the work before", sight.known);
    }
    sight.people.iter().for_each(|seen| tell_seen(text, seen));
}

fn tell_seen(text: &mut String, seen: &Seen) {
    let attendance = policy_word("voordeur.event.v1.Attendance", seen.attendance);
    let mut more = vec![format!("{} open", seen.open_tasks)];
    if seen.weekly_minutes > 0 {
        more.push(output::counted(seen.weekly_minutes / 60, "hour a week", "hours a week"));
    }
    if seen.capacity > 0 {
        more.push(format!("others first from {}", seen.capacity));
    }
    if !seen.expertise.is_empty() {
        more.push(format!("knows about {}", domains(&seen.expertise, ", ")));
    }
    for (holds, what) in [(!seen.registered, "not registered"), (seen.too_close, "stands too close")] {
        if holds {
            more.push(what.to_owned());
        }
    }
    if !seen.stand_in.is_empty() {
        more.push(format!("{} stands in", seen.stand_in));
    }
    if !seen.neighbour.is_empty() {
        more.push(format!("of {}", seen.neighbour));
    }
    if seen.attendance != event::Attendance::Present as i32 && seen.there_from.is_some() {
        more.push(format!("there from {}", shown_moment(seen.there_from.as_ref())));
    }
    let _ = write!(text, "\n  {:<14} {attendance}; {}", seen.professional, more.join(", "));
}

fn tell_entry(text: &mut String, entry: &TimelineEntry) {
    let who = match entry.actor.as_ref().and_then(|actor| actor.who.as_ref()) {
        Some(Who::Person(person)) => {
            format!("{} ({})", person.key, word("voordeur.common.v1.Role", person.role))
        }
        Some(Who::Organisation(key)) => key.clone(),
        Some(Who::Service(name)) => format!("service {name}"),
        None => String::new(),
    };
    let event = entry.event.replace('_', " ");
    let _ = write!(text, "\n  {}  {:<24} {who}", shown_moment(entry.at.as_ref()), event);
    let mut more = Vec::new();
    if !entry.reason.is_empty() {
        more.push(word_of(&entry.reason));
    }
    if !entry.people.is_empty() {
        more.push(entry.people.join(", "));
    }
    if !entry.task_id.is_empty() {
        more.push(entry.task_id.clone());
    }
    if entry.moment.is_some() {
        more.push(format!("for {}", shown_moment(entry.moment.as_ref())));
    }
    if let Some(step) = &entry.step {
        let passed: Vec<String> = step.skipped_steps.iter().map(|step| (step + 1).to_string()).collect();
        let passed = match passed.as_slice() {
            [] => String::new(),
            steps => format!(", passed over {}", steps.join(" and ")),
        };
        more.push(format!("step {}{passed}", step.step + 1));
        if step.respond_by.is_some() {
            more.push(format!("until {}", shown_moment(step.respond_by.as_ref())));
        }
    }
    if entry.directory_version > 0 {
        more.push(format!("directory {}", entry.directory_version));
    }
    if !more.is_empty() {
        let _ = write!(text, "  [{}]", more.join("; "));
    }
}

fn domain(number: i32) -> String {
    policy_word("voordeur.common.v1.ConcernDomain", number).to_uppercase()
}

/// As policies write them.
fn domains(numbers: &[i32], between: &str) -> String {
    let words = numbers.iter().map(|number| domain(*number));
    words.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use voordeur_contracts::{
        common::{self, Actor, Person},
        event::{Attendance, ChoiceReason, ClockKind, Deadline, Span, StepTaken, span::Length},
    };

    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds: 1_767_603_600 + seconds, nanos: 0 })
    }

    fn explained() -> ExplainRoutingResponse {
        let candidate = |name: &str, chosen, reasons: &[ChoiceReason]| Candidate {
            professional: name.into(),
            chosen,
            reasons: reasons.iter().map(|reason| (*reason).into()).collect(),
            ..Candidate::default()
        };
        let step = PlanStep {
            audience: Audience::PresentAtCentre.into(),
            respond_within: Some(Span { length: Some(Length::WorkingMinutes(240)) }),
            candidates: vec![
                candidate("noor", true, &[ChoiceReason::Present, ChoiceReason::HasExpertise]),
                Candidate { there_from: at(86_400), ..candidate("sam", false, &[ChoiceReason::Absent]) },
            ],
            ..PlanStep::default()
        };
        let known = PlanStep {
            audience: Audience::KnownProfessional.into(),
            respond_within: Some(Span { length: Some(Length::WorkingDays(1)) }),
            expertise: [common::ConcernDomain::SpraakTaal, common::ConcernDomain::Gedrag]
                .map(i32::from)
                .into(),
            ..PlanStep::default()
        };
        let last = PlanStep { audience: Audience::Coordinator.into(), ..PlanStep::default() };
        let by = Person { key: "noor".into(), role: 1 };
        ExplainRoutingResponse {
            plan: Some(Plan {
                policy_version: 3,
                branch: vec!["root".into(), "gedrag".into()],
                ladder: "regular".into(),
                steps: vec![step, known, last],
                ..Plan::default()
            }),
            sight: Some(Sight {
                at: at(0),
                coordinator: "marit".into(),
                people: vec![Seen {
                    professional: "sam".into(),
                    attendance: Attendance::Absent.into(),
                    there_from: at(86_400),
                    open_tasks: 2,
                    stand_in: "noor".into(),
                    ..Seen::default()
                }],
                ..Sight::default()
            }),
            clocks: vec![Deadline { clock: ClockKind::FirstContact.into(), due: at(3_600), round: 0 }],
            directory_version: 7,
            timeline: vec![TimelineEntry {
                at: at(60),
                event: "offer_declined".into(),
                actor: Some(Actor { who: Some(Who::Person(by)) }),
                step: Some(StepTaken { step: 2, skipped_steps: vec![1], ..StepTaken::default() }),
                reason: "DECLINE_REASON_NO_TIME".into(),
                directory_version: 7,
                people: vec!["noor".into()],
                ..TimelineEntry::default()
            }],
        }
    }

    #[test]
    fn an_explanation_reads_from_the_choice_to_what_happened() {
        let text = told("tsk_1", &explained());
        for part in [
            "tsk_1, by directory 7, policy 3",
            "Branch: root > gedrag",
            "1. present_at_centre, 4 working hours to respond",
            "2. known_professional who know about SPRAAK_TAAL or GEDRAG, 1 working day to respond",
            "3. coordinator\n",
            "noor           yes  present, has_expertise",
            "sam            no   absent (there from 2026-01-06 10:00)",
            "\n       nobody",
            "sam            absent; 2 open, not registered, noor stands in, there from 2026-01-06 10:00",
            "first_contact  2026-01-05 11:00",
            "offer declined           noor (professional)  [no-time; noor; step 3, passed over 2; directory 7]",
        ] {
            assert!(text.contains(part), "{part}\n----\n{text}");
        }
    }

    #[test]
    fn the_words_are_those_of_policies_and_of_routes() {
        use voordeur_kernel::ConcernDomain;
        use voordeur_routing_domain::words;
        let audiences: Vec<_> = words::Audience::ALL.iter().map(|word| word.name()).collect();
        let reasons: Vec<_> = words::ChoiceReason::ALL.iter().map(|word| word.name()).collect();
        let clocks: Vec<_> = words::ClockKind::ALL.iter().map(|word| word.name()).collect();
        let known = [("Audience", audiences), ("ChoiceReason", reasons), ("ClockKind", clocks)];
        for (kind, names) in known {
            let shown: Vec<_> =
                (1..100).map(|number| policy_word(&format!("voordeur.event.v1.{kind}"), number)).collect();
            for name in names {
                assert!(shown.contains(&name.to_owned()), "{kind}: {name}");
            }
        }
        let domains: Vec<_> = (1..).map(domain).take(ConcernDomain::ALL.len()).collect();
        for name in ConcernDomain::ALL.map(ConcernDomain::name) {
            assert!(domains.contains(&name.to_owned()), "{name}: {domains:?}");
        }
    }

    #[test]
    fn a_task_from_before_the_sight_was_kept_says_so() {
        let old = ExplainRoutingResponse { sight: None, ..explained() };
        assert!(told("tsk_1", &old).contains("was not kept yet"));
    }
}
