//! The choice of professional, with its reasons.

use jiff::SignedDuration;
use proptest::prelude::*;
use voordeur_kernel::{CentreKey, ConcernDomain, Span};
use voordeur_routing_domain::{
    Calendar as _, ElapsedCalendar,
    ladder::{Expertise, Ladder, Rung},
    plan::{Attendance, Plan, Seen, Sight, plan},
    policy::{Domains, Name},
    words::{Audience, ChoiceReason, Urgency},
};

use crate::support::{COORDINATOR, START, at, key, plan_for, seen, sight};

fn chosen(plan: &Plan, audience: Audience) -> Vec<Vec<&str>> {
    let steps = plan.steps.iter().filter(|step| step.audience == audience);
    steps
        .map(|step| step.candidates.iter().filter(|c| c.chosen).map(|c| c.professional.as_str()).collect())
        .collect()
}

fn reasons<'a>(plan: &'a Plan, audience: Audience, name: &str) -> &'a [ChoiceReason] {
    let steps = plan.steps.iter().filter(|step| step.audience == audience);
    &steps.flat_map(|s| &s.candidates).find(|c| c.professional.as_str() == name).unwrap().reasons
}

#[test]
fn the_one_who_knows_the_child_is_asked_first_and_not_twice() {
    let plan = plan_for(Urgency::Regular, &sight(&["anna", "bea", "cor"]), Some("cor"));
    assert_eq!(chosen(&plan, Audience::KnownProfessional), [["cor"]]);
    assert_eq!(chosen(&plan, Audience::PresentAtCentre), [["anna", "bea"]]);
    assert_eq!(chosen(&plan, Audience::Coordinator), [[COORDINATOR]]);
    assert!(reasons(&plan, Audience::PresentAtCentre, "cor").contains(&ChoiceReason::AskedInEarlierStep));
    assert_eq!(plan.sole(), None);
}

#[test]
fn who_is_absent_unregistered_or_too_close_is_passed_over_with_the_reason() {
    let mut sight = sight(&["anna", "bea", "cor", "dirk", "els"]);
    sight.people[0].attendance = Attendance::Absent;
    sight.people[1].registered = false;
    sight.people[2].too_close = true;
    sight.people[3].attendance = Attendance::NotScheduled;
    let plan = plan_for(Urgency::Regular, &sight, Some("anna"));
    assert_eq!(chosen(&plan, Audience::KnownProfessional), [Vec::<&str>::new()]);
    assert_eq!(
        reasons(&plan, Audience::KnownProfessional, "anna"),
        [ChoiceReason::KnowsChild, ChoiceReason::Absent]
    );
    for (name, why) in [
        ("anna", ChoiceReason::Absent),
        ("bea", ChoiceReason::RegistrationExpired),
        ("cor", ChoiceReason::DeclinedBefore),
        ("dirk", ChoiceReason::NotScheduled),
    ] {
        assert_eq!(reasons(&plan, Audience::PresentAtCentre, name), [why], "{name}");
    }
    assert_eq!(plan.sole(), Some((2, &key("els"))));
}

#[test]
fn expertise_goes_before_open_work_and_open_work_counts_relative_to_hours() {
    let mut sight = sight(&["anna", "bea", "cor"]);
    sight.people[0].open_tasks = 1;
    sight.people[1].open_tasks = 9;
    sight.people[1].expertise = vec![ConcernDomain::Sociaal];
    sight.people[2].open_tasks = 2;
    let plan = plan_for(Urgency::Regular, &sight, None);
    assert_eq!(chosen(&plan, Audience::PresentAtCentre), [["bea", "anna", "cor"]]);
    assert!(reasons(&plan, Audience::PresentAtCentre, "bea").contains(&ChoiceReason::HasExpertise));

    // Anna has one task for one day a week, Cor two for four days.
    sight.people[0].weekly_minutes = 480;
    sight.people[2].weekly_minutes = 4 * 480;
    let plan = plan_for(Urgency::Regular, &sight, None);
    assert_eq!(chosen(&plan, Audience::PresentAtCentre), [["bea", "cor", "anna"]]);
    assert!(reasons(&plan, Audience::PresentAtCentre, "cor").contains(&ChoiceReason::LeastOpenWork));
}

#[test]
fn equals_come_in_the_order_of_their_keys_and_it_says_so() {
    let plan = plan_for(Urgency::Regular, &sight(&["cor", "anna", "bea"]), None);
    assert_eq!(chosen(&plan, Audience::PresentAtCentre), [["anna", "bea", "cor"]]);
    assert!(reasons(&plan, Audience::PresentAtCentre, "bea").contains(&ChoiceReason::TieBroken));
}

#[test]
fn a_large_team_is_asked_in_turns_so_that_nobody_is_left_out() {
    let plan = plan_for(Urgency::Regular, &sight(&["a", "b", "c", "d", "e", "f", "g"]), None);
    assert_eq!(
        chosen(&plan, Audience::PresentAtCentre),
        [vec!["a", "b", "c"], vec!["d", "e", "f"], vec!["g"]]
    );
}

#[test]
fn a_safety_signal_turns_to_everybody_on_duty_and_the_coordinator() {
    let mut sight = sight(&["anna", "bea", "cor"]);
    sight.people[2].attendance = Attendance::NotScheduled;
    let plan = plan_for(Urgency::Safety, &sight, Some("cor"));
    assert_eq!(chosen(&plan, Audience::EverybodyOnDuty), [["anna", "bea", COORDINATOR]]);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.sole(), None, "also a single professional has to confirm a safety signal");
}

const TOMORROW: &str = "2026-03-03T08:00:00Z";

fn away(person: &mut Seen, attendance: Attendance, there_from: Option<&str>) {
    person.attendance = attendance;
    person.there_from = there_from.map(at);
}

#[test]
fn who_knows_the_child_and_is_back_in_time_is_asked_after_whoever_knows_her_today_and_before_the_others() {
    let mut sight = sight(&["anna", "bea", "cor"]);
    away(&mut sight.people[2], Attendance::NotScheduled, Some(TOMORROW));
    let plan = plan_for(Urgency::Regular, &sight, Some("cor"));
    assert_eq!(chosen(&plan, Audience::KnownProfessional), [Vec::<&str>::new()]);
    assert_eq!(chosen(&plan, Audience::KnownBackInTime), [["cor"]]);
    assert_eq!(
        reasons(&plan, Audience::KnownBackInTime, "cor"),
        [ChoiceReason::KnowsChild, ChoiceReason::BackInTime]
    );
    let cor = plan.steps.iter().flat_map(|step| &step.candidates).find(|c| c.chosen).unwrap();
    assert_eq!(cor.there_from, Some(at(TOMORROW)));
    // Two days to take it, four hours to respond: the last moment is 2026-03-04T05:00Z.
    for (back, why) in
        [("2026-03-04T05:00:00Z", None), ("2026-03-04T05:00:01Z", Some(ChoiceReason::NotBackInTime))]
    {
        away(&mut sight.people[2], Attendance::NotScheduled, Some(back));
        let plan = plan_for(Urgency::Regular, &sight, Some("cor"));
        let found = reasons(&plan, Audience::KnownBackInTime, "cor");
        assert_eq!(found.contains(&ChoiceReason::NotBackInTime), why.is_some(), "{back}");
    }
    away(&mut sight.people[2], Attendance::NotScheduled, None);
    let plan = plan_for(Urgency::Regular, &sight, Some("cor"));
    assert!(reasons(&plan, Audience::KnownBackInTime, "cor").contains(&ChoiceReason::NotBackInTime));
}

#[test]
fn who_comes_later_today_is_asked_after_who_is_there_and_not_when_it_is_too_late() {
    let mut sight = sight(&["anna", "bea", "cor"]);
    away(&mut sight.people[0], Attendance::LaterToday, Some("2026-03-02T14:00:00Z"));
    sight.people[0].expertise = vec![ConcernDomain::Sociaal];
    let plan = plan_for(Urgency::Regular, &sight, None);
    assert_eq!(chosen(&plan, Audience::PresentAtCentre), [["bea", "cor", "anna"]]);
    assert!(reasons(&plan, Audience::PresentAtCentre, "anna").contains(&ChoiceReason::LaterToday));
    // Two hours to take it: at two she is too late.
    let urgent = plan_for(Urgency::Urgent, &sight, Some("anna"));
    assert_eq!(chosen(&urgent, Audience::PresentAtCentre), [["bea", "cor"]]);
    assert!(reasons(&urgent, Audience::KnownProfessional, "anna").contains(&ChoiceReason::NotBackInTime));
    // Nobody off duty is alerted.
    let safety = plan_for(Urgency::Safety, &sight, None);
    assert_eq!(chosen(&safety, Audience::EverybodyOnDuty), [["bea", "cor", COORDINATOR]]);
    assert_eq!(reasons(&safety, Audience::EverybodyOnDuty, "anna"), [ChoiceReason::NotScheduled]);
}

#[test]
fn whoever_stands_in_takes_the_place_of_the_one_who_knows_the_child() {
    let mut sight = sight(&["anna", "bea", "cor", "dirk"]);
    away(&mut sight.people[0], Attendance::Absent, Some(TOMORROW));
    sight.people[0].stand_in = Some(key("bea"));
    let plan = plan_for(Urgency::Regular, &sight, Some("anna"));
    assert_eq!(chosen(&plan, Audience::KnownProfessional), [["bea"]]);
    assert_eq!(
        reasons(&plan, Audience::KnownProfessional, "bea"),
        [ChoiceReason::StandsIn, ChoiceReason::Present]
    );
    assert_eq!(
        reasons(&plan, Audience::KnownProfessional, "anna"),
        [ChoiceReason::KnowsChild, ChoiceReason::Absent]
    );
    // A stand-in who is absent herself has one too; a circle ends.
    away(&mut sight.people[1], Attendance::Absent, None);
    sight.people[1].stand_in = Some(key("cor"));
    let plan = plan_for(Urgency::Regular, &sight, Some("anna"));
    assert_eq!(chosen(&plan, Audience::KnownProfessional), [["cor"]]);
    away(&mut sight.people[2], Attendance::Absent, None);
    sight.people[2].stand_in = Some(key("anna"));
    let plan = plan_for(Urgency::Regular, &sight, Some("anna"));
    assert_eq!(chosen(&plan, Audience::KnownProfessional), [Vec::<&str>::new()]);
    assert_eq!(plan.sole().unwrap().1, &key("dirk"), "the only one who is left");
}

#[test]
fn who_holds_as_many_tasks_as_she_would_comes_after_the_others_but_is_never_refused_to_help() {
    let mut sight = sight(&["anna", "bea"]);
    sight.people[0].open_tasks = 2;
    sight.people[0].capacity = 2;
    sight.people[1].open_tasks = 9;
    let plan = plan_for(Urgency::Regular, &sight, None);
    assert_eq!(chosen(&plan, Audience::PresentAtCentre), [["bea", "anna"]]);
    assert!(reasons(&plan, Audience::PresentAtCentre, "anna").contains(&ChoiceReason::AtCapacity));
    sight.people.truncate(1);
    assert_eq!(plan_for(Urgency::Regular, &sight, None).sole().unwrap().1, &key("anna"));
}

#[test]
fn somebody_of_a_neighbour_is_asked_only_by_a_step_for_neighbours_and_never_takes_it_unasked() {
    let mut here = sight(&["anna"]);
    here.people.push(Seen { neighbour: Some(CentreKey::parse("kc-els").unwrap()), ..seen("eva") });
    let plan = plan_for(Urgency::Regular, &here, Some("eva"));
    assert_eq!(plan.sole(), Some((2, &key("anna"))), "the only one of this centre");
    assert!(plan.steps.iter().flat_map(|step| &step.candidates).all(|c| c.professional != key("eva")));

    let rung =
        |audience, expertise| Rung { audience, expertise, respond_within: Span::Elapsed(60), at_once: 3 };
    let rungs = vec![
        rung(Audience::PresentAtCentre, Expertise::OfTheConcern),
        rung(Audience::NeighbouringCentre, Expertise::Anyone),
        rung(Audience::Coordinator, Expertise::Anyone),
    ];
    let clocks = Ladder::built_in(Urgency::Regular).clocks();
    let ladder = Ladder::new(Name::parse("buren").unwrap(), rungs, clocks).unwrap();
    let plan = choose(&ladder, &here);
    assert_eq!(reasons(&plan, Audience::PresentAtCentre, "anna"), [ChoiceReason::LacksExpertise]);
    assert_eq!(plan.steps[0].expertise, [ConcernDomain::Sociaal]);
    assert_eq!(chosen(&plan, Audience::NeighbouringCentre), [["eva"]]);
    assert_eq!(
        reasons(&plan, Audience::NeighbouringCentre, "eva"),
        [ChoiceReason::ByArrangement, ChoiceReason::Present, ChoiceReason::LeastOpenWork]
    );
    assert_eq!((plan.sole(), plan.ladder.as_str()), (None, "buren"));
}

fn any_person(name: &'static str) -> impl Strategy<Value = Seen> {
    let moment = |hours: i64| at(START).checked_add(SignedDuration::from_hours(hours)).unwrap();
    let there = prop_oneof![
        4 => Just((Attendance::Present, Some(0))),
        2 => (1..9i64).prop_map(|hours| (Attendance::LaterToday, Some(hours))),
        2 => (9..90i64).prop_map(|hours| (Attendance::NotScheduled, Some(hours))),
        1 => Just((Attendance::NotScheduled, None)),
        2 => (1..90i64).prop_map(|hours| (Attendance::Absent, Some(hours))),
    ];
    let stand_in = prop::option::of(prop::sample::select(vec!["anna", "bea", "cor", "dirk"]));
    (
        (there, prop::bool::weighted(0.8), stand_in, prop::bool::weighted(0.2)),
        (
            0..4u32,
            0..4u32,
            prop::sample::select(vec![0u32, 480, 960]),
            any::<bool>(),
            prop::bool::weighted(0.2),
        ),
    )
        .prop_map(move |((there, registered, stand_in, neighbour), numbers)| {
            let (attendance, hours) = there;
            let (open_tasks, capacity, weekly_minutes, expert, too_close) = numbers;
            Seen {
                attendance,
                there_from: hours.map(moment),
                registered,
                open_tasks,
                capacity,
                weekly_minutes,
                too_close,
                stand_in: stand_in.filter(|who| attendance == Attendance::Absent && *who != name).map(key),
                neighbour: neighbour.then(|| CentreKey::parse("kc-els").unwrap()),
                expertise: if expert { vec![ConcernDomain::Sociaal] } else { Vec::new() },
                ..seen(name)
            }
        })
}

fn any_sight() -> impl Strategy<Value = Sight> {
    let people = (any_person("anna"), any_person("bea"), any_person("cor"), any_person("dirk"));
    let known = prop::option::of(prop::sample::select(vec!["anna", "bea", "cor", "dirk", "gone"]));
    (people, known, any::<bool>()).prop_map(|((a, b, c, d), known, coordinator_absent)| Sight {
        people: vec![a, b, c, d],
        known: known.map(key),
        coordinator_absent,
        ..sight(&[])
    })
}

/// Every ladder of the code, and one with every kind of step that a policy may have.
fn any_ladder() -> impl Strategy<Value = Ladder> {
    let full = || {
        let rung = |audience, expertise| Rung {
            audience,
            expertise,
            respond_within: Span::WorkingMinutes(60),
            at_once: 2,
        };
        let rungs = vec![
            rung(Audience::KnownProfessional, Expertise::OfTheConcern),
            rung(Audience::PresentAtCentre, Expertise::OneOf(Domains::from(&[ConcernDomain::Sociaal][..]))),
            rung(Audience::KnownBackInTime, Expertise::Anyone),
            rung(Audience::PresentAtCentre, Expertise::Anyone),
            rung(Audience::NeighbouringCentre, Expertise::Anyone),
            rung(Audience::Coordinator, Expertise::Anyone),
        ];
        let clocks = Ladder::built_in(Urgency::Regular).clocks();
        Ladder::new(Name::parse("alles").unwrap(), rungs, clocks).unwrap()
    };
    let built_in = prop::sample::select(Urgency::ALL.to_vec()).prop_map(Ladder::built_in);
    prop_oneof![4 => built_in, 1 => Just(Ladder::follow_up()), 2 => Just(()).prop_map(move |()| full())]
}

fn choose(ladder: &Ladder, sight: &Sight) -> Plan {
    plan(ladder, &[ConcernDomain::Sociaal], at(START), sight, &ElapsedCalendar)
}

proptest! {
    #[test]
    fn the_same_sight_and_the_same_ladder_give_the_same_plan_in_whatever_order_people_are_listed(
        sight in any_sight(), ladder in any_ladder(), turn in 0..4usize, mirrored in any::<bool>(),
    ) {
        let mut turned = sight.clone();
        turned.people.rotate_left(turn);
        if mirrored {
            turned.people.reverse();
        }
        prop_assert_eq!(choose(&ladder, &sight), choose(&ladder, &turned));
    }

    #[test]
    fn every_plan_catches_everybody_looked_at_has_a_reason_and_nobody_is_asked_twice_or_when_she_cannot_come(
        sight in any_sight(), ladder in any_ladder(),
    ) {
        let plan = choose(&ladder, &sight);
        let accept_by = ElapsedCalendar.after(at(START), plan.clocks.accept);
        let mut asked = Vec::new();
        for step in &plan.steps {
            for candidate in &step.candidates {
                prop_assert!(!candidate.reasons.is_empty());
                if !candidate.chosen {
                    continue;
                }
                asked.push(&candidate.professional);
                if candidate.professional.as_str() == COORDINATOR {
                    continue;
                }
                let person = sight.people.iter().find(|p| p.professional == candidate.professional).unwrap();
                prop_assert!(person.attendance != Attendance::Absent && person.registered && !person.too_close);
                prop_assert_eq!(person.neighbour.is_some(), step.audience == Audience::NeighbouringCentre);
                prop_assert!(step.expertise.is_empty() || !person.expertise.is_empty());
                if step.audience == Audience::EverybodyOnDuty {
                    prop_assert_eq!(person.attendance, Attendance::Present);
                }
                // Nobody is waited for who comes too late.
                if person.attendance != Attendance::Present && !ladder.is_patient() {
                    let from = person.there_from.unwrap();
                    prop_assert!(ElapsedCalendar.after(from, step.respond_within) <= accept_by);
                }
            }
        }
        let all = asked.len();
        asked.sort();
        asked.dedup();
        prop_assert_eq!(asked.len(), all);
        let last = plan.steps.last().unwrap();
        prop_assert!(last.candidates.iter().any(|c| c.chosen && c.professional.as_str() == COORDINATOR));
    }

    #[test]
    fn somebody_who_has_it_unasked_is_the_only_one_who_could_be_asked_or_goes_on_with_her_own_work(
        sight in any_sight(), ladder in any_ladder(),
    ) {
        let plan = choose(&ladder, &sight);
        let Some((step, person)) = plan.sole() else { return Ok(()) };
        prop_assert!(ladder.name().as_str() != Ladder::SAFETY, "a safety signal has to be confirmed");
        let before = plan.steps.iter().take(step).flat_map(|step| &step.candidates);
        prop_assert!(before.clone().all(|candidate| !candidate.chosen));
        let others = plan.steps.iter().filter(|step| {
            matches!(step.audience, Audience::KnownProfessional | Audience::PresentAtCentre)
        });
        let asked: Vec<_> =
            others.flat_map(|step| &step.candidates).filter(|c| c.chosen && c.professional != *person).collect();
        prop_assert!(ladder.is_patient() || asked.is_empty());
    }
}
