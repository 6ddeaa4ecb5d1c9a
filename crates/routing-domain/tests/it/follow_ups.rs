//! Work that came due by itself: whose it is, which clocks it has, how it is completed.

use voordeur_kernel::{ActivityId, Role};
use voordeur_routing_domain::{
    plan::Attendance,
    task::{About, Around, Refusal, Sealed, TaskState, Trigger, Wish},
    words::{
        AnswerStatus, Audience, CancelReason, ChoiceReason, ClockKind, HandBackReason, TaskOutcome, Urgency,
    },
};

use crate::support::{COORDINATOR, World, follow_up, follow_up_plan, key, plan_for, sight};

const DONE: Wish = Wish::Answer { outcome: TaskOutcome::Done, status: None, advice: None };

/// A check that is asked for while nobody is at work, as at the start of a day.
fn asked(known: Option<&str>, absent: &[&str]) -> World {
    let mut sight = sight(&["anna", "bea", "cor"]);
    let mut world = World::with(&[]);
    for person in &mut sight.people {
        let away = absent.contains(&person.professional.as_str());
        person.attendance = if away { Attendance::Absent } else { Attendance::NotScheduled };
        person.there_from = None;
        if !away {
            let professional = person.professional.clone();
            let attendance = person.attendance;
            world.there.around.push(Around { professional, attendance, from: None, until: None, back: None });
        }
    }
    world.request_for(follow_up(), follow_up_plan(&sight, known)).unwrap();
    world
}

#[test]
fn it_is_hers_who_knows_the_child_also_when_she_is_not_at_work_at_that_moment() {
    let mut world = asked(Some("bea"), &[]);
    assert_eq!((world.task().state, world.holder()), (TaskState::Accepted, Some("bea")));
    let clocks: Vec<_> = world.task().due().iter().map(|deadline| deadline.clock).collect();
    assert_eq!(clocks, [ClockKind::Answer], "nobody waits for a first contact");
    assert_eq!(world.does("bea", Wish::HandBack(HandBackReason::NoTime)), Ok(true));
    assert_eq!(world.offered(), [COORDINATOR]);
}

#[test]
fn who_is_absent_is_passed_over_and_the_others_are_asked() {
    let world = asked(Some("bea"), &["bea"]);
    assert_eq!((world.task().state, world.offered()), (TaskState::Requested, vec!["anna", "cor"]));
    let nobody = asked(None, &["anna", "bea", "cor"]);
    assert_eq!(nobody.offered(), [COORDINATOR]);
}

#[test]
fn offers_that_nobody_answers_come_to_the_coordinator_in_the_end() {
    let mut world = asked(None, &[]);
    assert_eq!(world.offered(), ["anna", "bea", "cor"]);
    while world.offered() != [COORDINATOR] {
        world.next_deadline();
    }
    assert!(world.task().deadline(ClockKind::Accept).is_some_and(|accept| accept.round == 0));
}

#[test]
fn the_choice_says_that_it_follows_on_her_work() {
    let plan = follow_up_plan(&sight(&["anna", "bea"]), Some("bea"));
    let step = plan.steps.iter().find(|step| step.audience == Audience::KnownProfessional).unwrap();
    assert_eq!(step.candidates[0].reasons, [ChoiceReason::FollowsHerWork, ChoiceReason::Present]);
    assert_eq!(plan.sole(), Some((0, &key("bea"))));
    // A signal on the same child is offered to her; it is not hers by itself.
    let signal = plan_for(Urgency::Regular, &sight(&["anna", "bea"]), Some("bea"));
    assert_eq!(signal.sole(), None);
}

#[test]
fn it_is_completed_with_an_outcome_and_no_answer() {
    let mut world = asked(Some("bea"), &[]);
    let told =
        Wish::Answer { outcome: TaskOutcome::Done, status: Some(AnswerStatus::AdviceGiven), advice: None };
    assert_eq!(world.does("bea", told), Err(Refusal::NobodyAsked));
    let sealed = Sealed {
        key: voordeur_kernel::DataKeyId::from_bytes([1; 16]),
        content: vec![1],
        purpose: 2,
        owner: [7; 16],
    };
    let advised = Wish::Answer { outcome: TaskOutcome::Done, status: None, advice: Some(sealed) };
    assert_eq!(world.does("bea", advised), Err(Refusal::NobodyAsked));
    assert_eq!(world.does("bea", DONE), Ok(true));
    assert_eq!(world.task().state, TaskState::Completed);
    assert_eq!(world.task().outcome, Some((TaskOutcome::Done, None)));
}

#[test]
fn the_task_of_a_signal_still_needs_an_answer() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(world.does("anna", DONE), Err(Refusal::StatusNeeded));
    let done =
        Wish::Answer { outcome: TaskOutcome::Done, status: Some(AnswerStatus::NotNeeded), advice: None };
    assert_eq!(world.does("anna", done), Err(Refusal::NotAnOutcomeOfASignal));
    assert_eq!(world.task().state, TaskState::Accepted);
}

#[test]
fn a_look_back_is_about_no_child_and_a_withdrawn_consent_asks_whoever_holds_a_check() {
    let look_back =
        About { trigger: Trigger::Activity(ActivityId::from_bytes([5; 16])), child: None, ..follow_up() };
    let mut world = World::with(&["anna"]);
    world.request_for(look_back, follow_up_plan(&sight(&["anna"]), Some("anna"))).unwrap();
    assert_eq!(world.does("anna", DONE), Ok(true));

    let mut world = asked(Some("bea"), &[]);
    assert_eq!(world.service(Wish::RequestCancellation(CancelReason::ConsentWithdrawn)), Ok(true));
    assert_eq!((world.task().state, world.holder()), (TaskState::CancelRequested, Some("bea")));
    assert_eq!(world.does("bea", Wish::DecideCancellation(true)), Ok(true));
    assert_eq!(world.task().state, TaskState::Cancelled);
    assert!(world.task().offers.iter().all(|offer| offer.role != Role::Coordinator));
}
