use proptest::prelude::*;
use voordeur_kernel::ConcernDomain;
use voordeur_routing_domain::{
    ElapsedCalendar,
    ladder::Ladder,
    plan::{Attendance, Plan, Seen, Sight, plan},
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

fn any_person(name: &'static str) -> impl Strategy<Value = Seen> {
    let attendance =
        prop_oneof![Just(Attendance::Present), Just(Attendance::NotScheduled), Just(Attendance::Absent)];
    (
        attendance,
        prop::bool::weighted(0.8),
        0..4u32,
        prop::sample::select(vec![0u32, 480, 960]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(move |(attendance, registered, open_tasks, weekly_minutes, expert, too_close)| Seen {
            attendance,
            registered,
            open_tasks,
            weekly_minutes,
            too_close,
            expertise: if expert { vec![ConcernDomain::Sociaal] } else { Vec::new() },
            ..seen(name)
        })
}

fn any_sight() -> impl Strategy<Value = Sight> {
    ("anna", "bea", "cor", "dirk")
        .prop_flat_map(|_| (any_person("anna"), any_person("bea"), any_person("cor"), any_person("dirk")))
        .prop_map(|(a, b, c, d)| Sight { people: vec![a, b, c, d], ..sight(&[]) })
}

proptest! {
    #[test]
    fn the_order_in_which_people_are_listed_does_not_matter(sight in any_sight(), turn in 0..4usize, known in 0..5usize, which in 0..4usize) {
        let urgency = Urgency::ALL[which];
        let known = ["anna", "bea", "cor", "dirk", "gone"].map(key)[known].clone();
        let sight = Sight { known: Some(known), ..sight };
        let mut turned = sight.clone();
        turned.people.rotate_left(turn);
        let ladder = Ladder::built_in(urgency);
        let domains = [ConcernDomain::Sociaal];
        prop_assert_eq!(plan(&ladder, &domains, at(START), &sight, &ElapsedCalendar), plan(&ladder, &domains, at(START), &turned, &ElapsedCalendar));
    }

    #[test]
    fn nobody_who_cannot_come_is_chosen_everybody_looked_at_has_a_reason_and_nobody_is_asked_twice(sight in any_sight(), which in 0..4usize, knows in any::<bool>()) {
        let sight = Sight { known: knows.then(|| key("bea")), ..sight };
        let plan = plan(&Ladder::built_in(Urgency::ALL[which]), &[ConcernDomain::Sociaal], at(START), &sight, &ElapsedCalendar);
        let mut asked = Vec::new();
        for candidate in plan.steps.iter().flat_map(|s| &s.candidates) {
            prop_assert!(!candidate.reasons.is_empty());
            if !candidate.chosen {
                continue;
            }
            asked.push(&candidate.professional);
            if candidate.professional.as_str() != COORDINATOR {
                let person = sight.people.iter().find(|p| p.professional == candidate.professional).unwrap();
                prop_assert!(person.attendance != Attendance::Absent && person.registered && !person.too_close);
            }
        }
        let all = asked.len();
        asked.sort();
        asked.dedup();
        prop_assert_eq!(asked.len(), all);
        let last = plan.steps.last().unwrap();
        prop_assert!(last.candidates.iter().any(|c| c.chosen && c.professional.as_str() == COORDINATOR));
    }
}
