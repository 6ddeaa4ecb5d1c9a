use jiff::SignedDuration;
use voordeur_kernel::{CommitId, Role, TaskId};
use voordeur_routing_domain::{
    task::{About, By, Change, Colleague, Refusal, Request, StepKind, TaskState, Wish},
    words::{
        AnswerStatus, AssignReason, AwayReason, CancelReason, ClockKind, ContactKind, ContactWith,
        DeclineReason, ErrorReason, FailReason, HandBackReason, HoldReason, TaskOutcome, Urgency,
    },
};

use crate::support::{COORDINATOR, TASK, World, about, at, key, plan_for, sight};

const ANSWER: Wish =
    Wish::Answer { outcome: TaskOutcome::Advice, status: Some(AnswerStatus::AdviceGiven), advice: None };
const CONTACT: Wish =
    Wish::RecordContact { kind: ContactKind::InPerson, with: ContactWith::Signaller, reached: true };
const NO_ANSWER: Wish =
    Wish::RecordContact { kind: ContactKind::Phone, with: ContactWith::Parents, reached: false };

fn state(world: &World) -> TaskState {
    world.task().state
}

fn told(change: &Change) -> Vec<&str> {
    match change {
        Change::ClockRang { told, .. } => told.iter().map(|p| p.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_one_professional_present_it_is_hers_and_there_is_nothing_to_decline() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!((state(&world), world.holder()), (TaskState::Accepted, Some("anna")));
    assert!(world.offered().is_empty());
    assert!(matches!(world.does("anna", Wish::Decline(DeclineReason::NoTime)), Err(Refusal::NotNow { .. })));
    let clocks: Vec<_> = world.task().due().iter().map(|d| d.clock).collect();
    assert_eq!(clocks, [ClockKind::FirstContact, ClockKind::Answer]);
}

#[test]
fn the_first_yes_wins_and_the_other_offers_end_with_it() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    assert_eq!(world.offered(), ["anna", "bea"]);
    assert_eq!(world.does("bea", Wish::Accept), Ok(true));
    assert_eq!((world.holder(), world.offered()), (Some("bea"), vec![]));
    let Change::Accepted { rescinded, .. } = &world.history[1].1 else { panic!("not accepted") };
    assert_eq!(rescinded, &[key("anna")]);
    assert_eq!(world.does("anna", Wish::Accept), Err(Refusal::AlreadyTaken));
}

#[test]
fn when_everybody_declines_it_stands_with_the_coordinator_who_cannot_decline() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    assert_eq!(world.does("anna", Wish::Decline(DeclineReason::NoTime)), Ok(true));
    assert_eq!(world.offered(), ["bea"]);
    assert_eq!(world.does("bea", Wish::Decline(DeclineReason::TooClose)), Ok(true));
    assert_eq!((state(&world), world.offered()), (TaskState::Requested, vec![COORDINATOR]));
    assert_eq!(
        world.does(COORDINATOR, Wish::Decline(DeclineReason::NoTime)),
        Err(Refusal::CoordinatorCatches)
    );
    assert!(world.task().deadline(ClockKind::Offer).is_none());
    assert_eq!(world.does(COORDINATOR, Wish::Assign(key("anna"), AssignReason::NobodyAccepted)), Ok(true));
    assert_eq!((state(&world), world.holder()), (TaskState::Accepted, Some("anna")));
}

#[test]
fn with_nobody_present_the_steps_are_passed_over_at_once_and_it_says_so() {
    let world = World::asked(Urgency::Regular, &[]);
    assert_eq!((state(&world), world.offered()), (TaskState::Requested, vec![COORDINATOR]));
    let step = world.history[0].1.step_taken().unwrap();
    assert_eq!((step.step, step.skipped.as_slice()), (3, [0, 1, 2].as_slice()));
    assert_eq!(step.respond_by, None);
}

#[test]
fn offers_that_time_out_go_to_the_next_step_and_a_late_yes_is_still_a_yes() {
    let mut world = World::with(&["anna", "bea", "cor"]);
    let plan = plan_for(Urgency::Regular, &sight(&["anna", "bea", "cor"]), Some("cor"));
    world.request(Urgency::Regular, plan).unwrap();
    assert_eq!(world.offered(), ["cor"]);
    assert!(
        matches!(world.next_deadline(), Change::OffersTimedOut { professionals, .. } if *professionals == [key("cor")])
    );
    assert_eq!(world.offered(), ["anna", "bea"]);
    world.next_deadline();
    assert_eq!(world.offered(), [COORDINATOR]);
    assert_eq!(world.does("cor", Wish::Accept), Ok(true));
    assert_eq!(world.holder(), Some("cor"));
}

#[test]
fn a_later_step_passes_over_who_has_left_meanwhile() {
    let mut world = World::with(&["anna", "bea"]);
    let plan = plan_for(Urgency::Regular, &sight(&["anna", "bea"]), Some("anna"));
    world.request(Urgency::Regular, plan).unwrap();
    world.there.present.clear();
    let change = world.next_deadline();
    assert_eq!(change.step_taken().unwrap().skipped, [1, 2]);
    assert_eq!(world.offered(), [COORDINATOR]);
}

#[test]
fn who_is_marked_absent_loses_her_offer_and_the_next_step_follows() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    assert_eq!(world.service(Wish::WithdrawOffer(key("anna"), AwayReason::Absent)), Ok(true));
    assert_eq!(world.offered(), ["bea"]);
    assert_eq!(world.service(Wish::WithdrawOffer(key("anna"), AwayReason::Absent)), Ok(false));
    world.there.present.clear();
    assert_eq!(world.service(Wish::WithdrawOffer(key("bea"), AwayReason::Absent)), Ok(true));
    assert_eq!(world.offered(), [COORDINATOR]);
    assert_eq!(world.task().version, 0, "nobody did anything");
}

#[test]
fn contact_that_reached_somebody_starts_the_work_and_the_answer_completes_it() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(world.does("anna", NO_ANSWER), Ok(true));
    assert_eq!(state(&world), TaskState::Accepted);
    assert_eq!(world.does("anna", CONTACT), Ok(true));
    assert_eq!(state(&world), TaskState::InProgress);
    assert!(world.task().deadline(ClockKind::FirstContact).is_none());
    assert_eq!(world.does("bea", ANSWER).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does("anna", ANSWER), Ok(true));
    assert_eq!(state(&world), TaskState::Completed);
    assert_eq!(world.holder(), Some("anna"));
    let Err(Refusal::NotNow { allowed, .. }) = world.does("anna", CONTACT) else { panic!("not refused") };
    assert_eq!(allowed, [StepKind::RequestFurtherWork]);
    assert_eq!(
        world.does(COORDINATOR, Wish::MarkEnteredInError(ErrorReason::Test)).unwrap_err().reason(),
        "STEP_NOT_ALLOWED"
    );
}

#[test]
fn a_task_on_hold_keeps_its_clocks_and_wakes_up() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    let until = at("2026-03-03T09:00:00Z");
    assert_eq!(
        world.does("anna", Wish::Hold(HoldReason::MeetingPlanned, world.now)),
        Err(Refusal::DateNotAhead)
    );
    assert_eq!(world.does("anna", Wish::Hold(HoldReason::MeetingPlanned, until)), Ok(true));
    assert_eq!(world.task().due().len(), 3);
    let change = world.next_deadline();
    assert_eq!(told(change), ["anna"]);
    assert_eq!(state(&world), TaskState::OnHold, "a clock reminds and moves nothing");
    assert_eq!(world.does("anna", Wish::Resume), Ok(true));
    assert_eq!(state(&world), TaskState::Accepted);
    assert!(world.task().deadline(ClockKind::Hold).is_none());
}

#[test]
fn a_clock_reminds_the_holder_then_the_coordinator_and_never_stops() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(told(world.next_deadline()), ["anna"]);
    assert!(world.task().overdue(world.now));
    for round in 2..12 {
        assert_eq!(told(world.next_deadline()), ["anna", COORDINATOR], "round {round}");
    }
    assert_eq!(state(&world), TaskState::Accepted);
    assert_eq!(world.task().version, 0, "reminders never spoil a tap");
}

#[test]
fn nobody_off_duty_is_alerted_and_nobody_at_all_is_an_event() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.there.present.clear();
    assert_eq!(told(world.next_deadline()), [COORDINATOR]);
    world.there.coordinator_absent = true;
    assert!(matches!(world.next_deadline(), Change::NobodyToTell { .. }));
    assert!(!world.task().due().is_empty(), "it rings again");
}

#[test]
fn a_stale_deadline_changes_nothing() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    let offer = *world.task().deadline(ClockKind::Offer).unwrap();
    assert_eq!(world.service(Wish::DeadlinePassed(offer)), Ok(false), "still to come");
    world.does("anna", Wish::Accept).unwrap();
    world.now = world.now.saturating_add(SignedDuration::from_hours(1000)).unwrap();
    assert_eq!(world.service(Wish::DeadlinePassed(offer)), Ok(false), "it was settled");
    let contact = *world.task().deadline(ClockKind::FirstContact).unwrap();
    assert_eq!(world.service(Wish::DeadlinePassed(contact)), Ok(true));
    assert_eq!(world.service(Wish::DeadlinePassed(contact)), Ok(false), "this round rang");
}

#[test]
fn after_a_long_silence_each_clock_rings_once_and_then_waits() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.now = at("2027-01-01T00:00:00Z");
    let mut rang = 0;
    while let Some(deadline) = world.task().due().first().filter(|d| d.due <= world.now).copied() {
        assert_eq!(world.service(Wish::DeadlinePassed(deadline)), Ok(true));
        rang += 1;
    }
    assert_eq!(rang, 2);
}

#[test]
fn a_safety_signal_is_put_before_everybody_until_a_person_takes_it() {
    let mut world = World::asked(Urgency::Safety, &["anna"]);
    assert_eq!((state(&world), world.offered()), (TaskState::Requested, vec!["anna", COORDINATOR]));
    world.there.present = vec![key("bea"), key("anna")];
    assert!(matches!(world.next_deadline(), Change::OffersMade { .. }));
    assert_eq!(world.offered(), ["anna", "bea", COORDINATOR], "who came in meanwhile is asked too");
    assert_eq!(world.task().deadline(ClockKind::SafetyRepeat).unwrap().round, 1);
    assert_eq!(world.does("bea", Wish::Decline(DeclineReason::NoTime)), Ok(true));
    world.next_deadline();
    assert_eq!(world.offered(), ["anna", COORDINATOR]);
    assert_eq!(world.does(COORDINATOR, Wish::Accept), Ok(true));
    assert!(world.task().deadline(ClockKind::SafetyRepeat).is_none());
    assert_eq!(world.does(COORDINATOR, Wish::HandBack(HandBackReason::NoTime)), Ok(true));
    assert!(world.task().deadline(ClockKind::SafetyRepeat).is_some(), "it is before everybody again");
}

#[test]
fn a_safety_signal_with_nobody_there_is_an_event_and_is_repeated() {
    let mut world = World::asked(Urgency::Safety, &[]);
    assert_eq!(world.offered(), [COORDINATOR]);
    world.there.coordinator_absent = true;
    assert!(matches!(world.next_deadline(), Change::NobodyToTell { .. }));
    assert_eq!(world.task().deadline(ClockKind::SafetyRepeat).unwrap().round, 1);
    world.there.coordinator_absent = false;
    assert!(matches!(world.next_deadline(), Change::OffersMade { .. }));
}

#[test]
fn handing_back_brings_it_to_the_coordinator_with_a_new_clock() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(world.does("anna", Wish::HandBack(HandBackReason::TooClose)), Ok(true));
    assert_eq!(
        (state(&world), world.holder(), world.offered()),
        (TaskState::Requested, None, vec![COORDINATOR])
    );
    assert!(world.task().deadline(ClockKind::Accept).is_some());
}

#[test]
fn a_failed_task_is_the_coordinators_and_still_gets_its_answer() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    assert_eq!(world.does("anna", Wish::Fail(FailReason::NoContactPossible)), Ok(true));
    assert_eq!((state(&world), world.holder()), (TaskState::Failed, Some(COORDINATOR)));
    assert!(world.task().deadline(ClockKind::Answer).is_some());
    assert_eq!(world.does("anna", ANSWER).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does(COORDINATOR, ANSWER), Ok(true));
    assert_eq!(state(&world), TaskState::Completed);
}

#[test]
fn cancelling_is_a_question_to_whoever_holds_it() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.does("anna", CONTACT).unwrap();
    assert_eq!(world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)), Ok(true));
    assert_eq!(state(&world), TaskState::CancelRequested);
    assert_eq!(world.does("bea", Wish::DecideCancellation(true)).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does("anna", Wish::DecideCancellation(false)), Ok(true));
    assert_eq!(state(&world), TaskState::InProgress, "back where it stood");
    assert_eq!(world.does(COORDINATOR, Wish::RequestCancellation(CancelReason::Duplicate)), Ok(true));
    assert_eq!(world.does("anna", Wish::DecideCancellation(true)), Ok(true));
    assert_eq!(state(&world), TaskState::Cancelled);
}

#[test]
fn a_cancellation_that_nobody_holds_is_decided_by_the_coordinator_and_safety_goes_on_at_once() {
    let mut world = World::asked(Urgency::Safety, &["anna"]);
    world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)).unwrap();
    assert!(world.offered().is_empty());
    assert_eq!(world.does("anna", Wish::DecideCancellation(true)).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does(COORDINATOR, Wish::DecideCancellation(false)), Ok(true));
    assert_eq!(world.task().due().first().unwrap().due, world.now);
    world.next_deadline();
    assert_eq!(world.offered(), ["anna", COORDINATOR]);
}

#[test]
fn a_repeated_act_changes_nothing_and_goes_before_every_other_comparison() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    let by = By::Person { key: key("anna"), professional: true, coordinator: false };
    let mut accept = world.command(by, Wish::Accept);
    assert_eq!(world.execute(&accept), Ok(true));
    accept.seen_version = 99;
    assert_eq!(world.execute(&accept), Ok(false), "known before the version is compared");
    accept.commit = CommitId::from_bytes([200; 16]);
    assert_eq!(world.execute(&accept), Err(Refusal::KeyReused));
}

#[test]
fn a_wrong_version_is_refused_and_a_reminder_is_no_version() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.does("anna", NO_ANSWER).unwrap();
    world.next_deadline();
    let by = By::Person { key: key("anna"), professional: true, coordinator: false };
    let mut contact = world.command(by, CONTACT);
    contact.seen_version = 2;
    assert_eq!(world.execute(&contact), Err(Refusal::VersionChanged { now: 1 }));
    contact.seen_version = 1;
    assert_eq!(world.execute(&contact), Ok(true));
}

#[test]
fn colleagues_are_asked_once_and_a_name_needs_a_child() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    let colleague = Colleague { role: Role::Jgz, person: None, with_name: false };
    assert_eq!(world.does("anna", Wish::AskColleague(colleague.clone())), Ok(true));
    assert_eq!(world.does("anna", Wish::AskColleague(colleague.clone())), Ok(false));
    assert_eq!(world.task().colleagues.len(), 1);
    assert_eq!(world.does("bea", Wish::AskColleague(colleague)).unwrap_err().reason(), "NOT_YOUR_STEP");
}

#[test]
fn a_name_goes_only_where_consent_goes() {
    let named = |role| Wish::AskColleague(Colleague { role, person: None, with_name: true });
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    for role in [Role::Jgz, Role::InternBegeleider, Role::Wijkteam, Role::Coordinator] {
        assert_eq!(world.does("anna", named(role)), Err(Refusal::NameNotCovered), "{role:?}");
    }
    assert_eq!(world.does("anna", named(Role::Professional)), Ok(true));

    let mut world = World::with(&["anna"]);
    let plan = plan_for(Urgency::Regular, &sight(&["anna"]), None);
    let about = About { name_may_be_shared: false, ..about(Urgency::Regular) };
    let request = Request { id: TASK, about, plan, sight: None, linked: Vec::new() };
    assert_eq!(world.service(Wish::Request(Box::new(request))), Ok(true));
    assert_eq!(world.does("anna", named(Role::Professional)), Err(Refusal::NameNotCovered));
    assert!(world.task().colleagues.is_empty());
}

#[test]
fn a_withdrawal_that_comes_during_another_question_is_the_next_question() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.does("anna", CONTACT).unwrap();
    world.does(COORDINATOR, Wish::RequestCancellation(CancelReason::Duplicate)).unwrap();
    let withdrawn = Wish::RequestCancellation(CancelReason::SignalWithdrawn);
    assert_eq!(world.service(withdrawn.clone()), Ok(true));
    assert_eq!(world.service(withdrawn), Ok(false), "it waits already");
    assert_eq!(
        world.does("anna", Wish::RequestCancellation(CancelReason::ChildLeft)).unwrap_err().reason(),
        "NOT_YOUR_STEP"
    );
    let asked = |world: &World| world.task().cancellation.map(|c| (c.reason, c.before, c.next));
    let (before, next) = (TaskState::InProgress, Some(CancelReason::SignalWithdrawn));
    assert_eq!(asked(&world), Some((CancelReason::Duplicate, before, next)));
    assert_eq!(world.does("anna", Wish::DecideCancellation(false)), Ok(true));
    assert_eq!(state(&world), TaskState::CancelRequested, "asked again, for the reason she has not heard");
    assert_eq!(asked(&world), Some((CancelReason::SignalWithdrawn, before, None)));
    assert_eq!(world.does("anna", Wish::DecideCancellation(false)), Ok(true));
    assert_eq!((state(&world), asked(&world)), (before, None));
}

#[test]
fn what_stood_at_a_coordinator_who_left_is_the_next_ones() {
    // Nobody took it.
    let mut world = World::asked(Urgency::Regular, &[]);
    assert_eq!(world.service(Wish::FollowDirectory), Ok(false));
    world.new_coordinator("erik");
    assert_eq!(world.service(Wish::FollowDirectory), Ok(true));
    assert_eq!((world.offered(), world.task().coordinator.as_str()), (vec!["erik"], "erik"));
    assert_eq!(world.service(Wish::FollowDirectory), Ok(false));

    // Who decides with an older directory changes nothing back.
    world.new_coordinator(COORDINATOR);
    world.there.directory_version = 1;
    assert_eq!(world.service(Wish::FollowDirectory), Ok(false));

    // It failed before and after she left, also while somebody asks to cancel it.
    for (fails_first, asked) in [(true, false), (true, true), (false, false)] {
        let mut world = World::asked(Urgency::Regular, &["anna"]);
        let fail = Wish::Fail(FailReason::Other);
        if fails_first {
            world.does("anna", fail.clone()).unwrap();
        }
        if asked {
            world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)).unwrap();
        }
        world.new_coordinator("erik");
        if fails_first {
            assert_eq!(world.service(Wish::FollowDirectory), Ok(true));
        } else {
            world.does("anna", fail).unwrap();
        }
        assert_eq!((world.holder(), world.task().coordinator.as_str()), (Some("erik"), "erik"));
        assert!(world.task().has_failed());
        assert_eq!(world.replay().as_ref(), Some(world.task()));
    }

    // A cancellation that nobody holds was refused after she left.
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)).unwrap();
    world.new_coordinator("erik");
    let erik = By::Person { key: key("erik"), professional: false, coordinator: true };
    let refuse = world.command(erik, Wish::DecideCancellation(false));
    assert_eq!(world.execute(&refuse), Ok(true));
    assert_eq!((world.offered(), world.task().coordinator.as_str()), (vec!["erik"], "erik"));
}

#[test]
fn one_coordinator_of_several_who_stays_keeps_what_she_has() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.does("anna", Wish::Fail(FailReason::Other)).unwrap();
    world.there.coordinators.push(key("erik"));
    world.there.coordinator = key("erik");
    world.there.directory_version += 1;
    assert_eq!(world.service(Wish::FollowDirectory), Ok(false));
    assert_eq!(world.holder(), Some(COORDINATOR));
}

#[test]
fn later_tasks_on_the_same_child_are_linked_once() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    for other in 1..=12 {
        assert_eq!(world.service(Wish::Link(TaskId::from_bytes([other + 100; 16]))), Ok(true));
    }
    assert_eq!(world.service(Wish::Link(TaskId::from_bytes([112; 16]))), Ok(false));
    assert_eq!(world.task().linked.len(), 10);
    assert_eq!(world.task().linked[0], TaskId::from_bytes([112; 16]));
}

#[test]
fn people_do_not_take_the_steps_of_the_service() {
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    let deadline = *world.task().due().first().unwrap();
    world.now = deadline.due;
    for wish in [Wish::DeadlinePassed(deadline), Wish::Link(TaskId::from_bytes([9; 16]))] {
        assert_eq!(world.does("anna", wish).unwrap_err().reason(), "NOT_YOUR_STEP");
    }
}

#[test]
fn a_refusal_names_what_is_allowed_instead() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    let Err(refusal) = world.does("anna", ANSWER) else { panic!("not refused") };
    assert_eq!(
        refusal,
        Refusal::NotNow { state: TaskState::Requested, allowed: vec![StepKind::Decline, StepKind::Accept] }
    );
    assert_eq!(refusal.to_string(), "the task is requested; allowed for you now: DeclineTask, AcceptTask");
}

#[test]
fn an_open_task_stays_small() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    world.does("anna", Wish::Accept).unwrap();
    world.does("anna", CONTACT).unwrap();
    assert!(world.task().weight() <= 600, "{} bytes", world.task().weight());
}
