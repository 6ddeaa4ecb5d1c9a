//! Who is told what after each event.

use proptest::prelude::*;
use voordeur_kernel::{ProfessionalKey, Role};
use voordeur_routing_domain::{
    notice::{Hands, notices, still_stands},
    task::{Away, Change, Colleague, Wish},
    words::{
        AnswerStatus, AssignReason, AwayReason, CancelReason, DeclineReason, FailReason, HandBackReason,
        HoldReason, NoticeReason, TaskOutcome, Urgency,
    },
};

use crate::{
    lives::{any_life, live},
    support::{COORDINATOR, World, key},
};

/// Who is told what by the newest event.
fn told(world: &World) -> Vec<(String, NoticeReason)> {
    let (meta, change) = world.history.last().unwrap();
    let told = notices(change, &meta.actor, Hands::of(world.task()));
    told.into_iter().map(|notice| (notice.to.to_string(), notice.reason)).collect()
}

fn one(name: &str, reason: NoticeReason) -> Vec<(String, NoticeReason)> {
    vec![(name.to_owned(), reason)]
}

fn stands(world: &World, name: &str, reason: NoticeReason) -> bool {
    still_stands(&key(name), reason, world.task())
}

#[test]
fn who_is_asked_is_told_and_the_coordinator_when_it_comes_to_her() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    assert_eq!(
        told(&world),
        [("anna".to_owned(), NoticeReason::Request), ("bea".to_owned(), NoticeReason::Request)]
    );
    assert_eq!(world.does("anna", Wish::Decline(DeclineReason::NoTime)), Ok(true));
    assert_eq!(told(&world), []);
    assert!(!stands(&world, "anna", NoticeReason::Request) && stands(&world, "bea", NoticeReason::Request));
    assert_eq!(world.does("bea", Wish::Decline(DeclineReason::NoTime)), Ok(true));
    assert_eq!(told(&world), one(COORDINATOR, NoticeReason::Escalated));
    assert!(stands(&world, COORDINATOR, NoticeReason::Escalated));
}

#[test]
fn acknowledged_work_asks_nobody_any_more() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    assert_eq!(world.does("anna", Wish::Accept), Ok(true));
    assert_eq!(told(&world), [], "she knows what she did, and nobody else has to act");
    for name in ["anna", "bea", COORDINATOR] {
        assert!(!stands(&world, name, NoticeReason::Request), "{name}");
    }
}

#[test]
fn what_becomes_hers_is_told_until_she_acts() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(told(&world), one("anna", NoticeReason::Yours));
    assert!(stands(&world, "anna", NoticeReason::Yours));
    assert_eq!(world.does(COORDINATOR, Wish::Assign(key("bea"), AssignReason::Workload)), Ok(true));
    assert_eq!(told(&world), one("bea", NoticeReason::Yours));
    assert!(!stands(&world, "anna", NoticeReason::Yours) && stands(&world, "bea", NoticeReason::Yours));
    let until = world.now.saturating_add(std::time::Duration::from_secs(86_400)).unwrap();
    assert_eq!(world.does("bea", Wish::Hold(HoldReason::WaitingForParents, until)), Ok(true));
    assert!(!stands(&world, "bea", NoticeReason::Yours));
    // Who gives it to herself knows.
    assert_eq!(world.does(COORDINATOR, Wish::Assign(key(COORDINATOR), AssignReason::Workload)), Ok(true));
    assert_eq!(told(&world), []);
}

#[test]
fn a_clock_reminds_the_holder_first_and_then_tells_the_coordinator_too() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.next_deadline();
    assert_eq!(told(&world), one("anna", NoticeReason::Reminder));
    world.next_deadline();
    assert_eq!(
        told(&world),
        [("anna".to_owned(), NoticeReason::Reminder), (COORDINATOR.to_owned(), NoticeReason::Escalated)]
    );
    assert!(
        stands(&world, "anna", NoticeReason::Reminder)
            && stands(&world, COORDINATOR, NoticeReason::Escalated)
    );
    let answer =
        Wish::Answer { outcome: TaskOutcome::Advice, status: Some(AnswerStatus::AdviceGiven), advice: None };
    assert_eq!(world.does("anna", answer), Ok(true));
    assert!(
        !stands(&world, "anna", NoticeReason::Reminder)
            && !stands(&world, COORDINATOR, NoticeReason::Escalated)
    );
}

#[test]
fn safety_is_told_to_everybody_and_again_until_somebody_confirms() {
    let mut world = World::asked(Urgency::Safety, &["anna", "bea"]);
    let everybody = |reason| ["anna", "bea", COORDINATOR].map(|name| (name.to_owned(), reason)).to_vec();
    assert_eq!(told(&world), everybody(NoticeReason::Safety));
    world.next_deadline();
    assert_eq!(told(&world), everybody(NoticeReason::SafetyAgain));
    assert_eq!(world.does("bea", Wish::Accept), Ok(true));
    assert!(!stands(&world, "anna", NoticeReason::SafetyAgain));
    assert_eq!(world.does("bea", Wish::HandBack(HandBackReason::NoTime)), Ok(true));
    let told = told(&world);
    assert!(told.contains(&("anna".to_owned(), NoticeReason::Safety)), "{told:?}");
    assert!(told.iter().all(|(name, _)| name != "bea"), "she just gave it back: {told:?}");
}

#[test]
fn what_fails_or_is_to_end_asks_whoever_decides() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)), Ok(true));
    assert_eq!(told(&world), one("anna", NoticeReason::CancellationAsked));
    assert_eq!(world.does("anna", Wish::DecideCancellation(false)), Ok(true));
    assert!(!stands(&world, "anna", NoticeReason::CancellationAsked));
    assert_eq!(world.does("anna", Wish::RequestCancellation(CancelReason::Duplicate)), Ok(true));
    assert_eq!(
        told(&world),
        one(COORDINATOR, NoticeReason::CancellationAsked),
        "the other one who may decide"
    );
    assert_eq!(world.does("anna", Wish::DecideCancellation(false)), Ok(true));
    assert_eq!(world.does("anna", Wish::Fail(FailReason::Other)), Ok(true));
    assert_eq!(told(&world), one(COORDINATOR, NoticeReason::Escalated));
    assert!(stands(&world, COORDINATOR, NoticeReason::Escalated));
}

#[test]
fn who_is_asked_along_by_name_is_told_and_a_role_is_nobody() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    let along = |person| Wish::AskColleague(Colleague { role: Role::Professional, person, with_name: false });
    assert_eq!(world.does("anna", along(None)), Ok(true));
    assert_eq!(told(&world), []);
    assert_eq!(world.does("anna", along(Some(key("bea")))), Ok(true));
    assert_eq!(told(&world), one("bea", NoticeReason::AskedAlong));
    assert!(
        stands(&world, "bea", NoticeReason::AskedAlong) && !stands(&world, "cor", NoticeReason::AskedAlong)
    );
}

#[test]
fn a_colleague_who_is_asked_to_take_it_over_is_told() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    assert_eq!(world.does("anna", Wish::Accept), Ok(true));
    assert_eq!(world.does("anna", Wish::ProposeTransfer(key("bea"), AssignReason::Workload)), Ok(true));
    assert_eq!(told(&world), one("bea", NoticeReason::TransferAsked));
    assert!(stands(&world, "bea", NoticeReason::TransferAsked));
    assert_eq!(world.does("bea", Wish::AnswerTransfer(Some(DeclineReason::NoTime))), Ok(true));
    assert_eq!(told(&world), one("anna", NoticeReason::Yours), "it is hers after all");
    assert!(!stands(&world, "bea", NoticeReason::TransferAsked));
}

#[test]
fn a_coordinator_who_holds_it_is_not_asked_who_goes_on_for_herself_and_who_catches_it_instead_is_told() {
    let mut world = World::asked(Urgency::Regular, &[]);
    assert_eq!(world.does(COORDINATOR, Wish::Accept), Ok(true));
    let away =
        Away { professional: key(COORDINATOR), reason: AwayReason::Absent, until: None, stand_in: None };
    assert_eq!(world.service(Wish::HolderAway(away)), Ok(true));
    assert_eq!(told(&world), []);
    world.there.coordinator = key("erik");
    world.there.coordinators.push(key("erik"));
    world.there.coordinators_absent = vec![key(COORDINATOR)];
    assert_eq!(world.service(Wish::CoordinatorAway(key(COORDINATOR))), Ok(true));
    assert_eq!(told(&world), one("erik", NoticeReason::Escalated));
    assert!(stands(&world, "erik", NoticeReason::Escalated), "he is asked who goes on");
}

/// Who has anything to do with a task after an event.
fn concerned(world: &World, change: &Change, person: &ProfessionalKey) -> bool {
    let task = world.task();
    let named = match change {
        Change::ClockRang { told, .. } => told.contains(person),
        Change::ColleagueAsked(colleague) => colleague.person.as_ref() == Some(person),
        Change::TransferProposed { professional, .. } => professional == person,
        Change::MeetingPlanned { meeting, .. } => meeting.people.contains(person),
        _ => false,
    };
    named || task.holder.as_ref() == Some(person) || task.is_offered_to(person) || task.coordinator == *person
}

proptest! {
    #[test]
    fn whoever_an_event_names_as_told_is_told_once_and_nobody_who_has_nothing_to_do_with_it((kind, mask, ops) in any_life()) {
        let world = live(kind, mask, ops);
        // Every event with the task as it stood after it.
        let mut so_far = World::with(&[]);
        for (meta, change) in &world.history {
            so_far.task = Some(voordeur_routing_domain::task::evolve(
                so_far.task.take(), crate::support::TASK, meta, change,
            ).unwrap());
            let told = notices(change, &meta.actor, Hands::of(so_far.task()));
            for notice in &told {
                prop_assert!(concerned(&so_far, change, &notice.to), "{notice:?} of {change:?}");
                prop_assert_eq!(told.iter().filter(|other| other.to == notice.to).count(), 1);
                // Whether something stands at a new coordinator, or waits on hold, shows when somebody is told.
                let replaced = matches!(change, Change::CoordinatorReplaced { .. } | Change::TransferEnded { .. });
                prop_assert!(
                    replaced || so_far.task().state.is_final() || still_stands(&notice.to, notice.reason, so_far.task()),
                    "told what does not stand: {notice:?} of {change:?}"
                );
            }
            if let Change::ClockRang { told: named, .. } = change {
                prop_assert!(named.iter().all(|person| told.iter().any(|notice| notice.to == *person)));
            }
            if let Some(step) = change.step_taken() {
                prop_assert!(step.offers.iter().all(|offer| told.iter().any(|notice| notice.to == offer.professional)));
            }
        }
    }
}
