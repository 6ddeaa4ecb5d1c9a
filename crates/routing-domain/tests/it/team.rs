//! The team around a task: somebody who is away, a colleague who takes over, a meeting, more work afterwards.

use jiff::SignedDuration;
use voordeur_kernel::{ConcernDomain, Role, TaskId, Timestamp};
use voordeur_routing_domain::{
    task::{
        About, Away, By, Change, MeetingWish, Parents, Refusal, StepKind, TaskState, Trigger, Wish, allowed,
        further_work,
    },
    words::{
        AnswerStatus, AssignReason, AwayReason, CancelReason, ClockKind, ContactKind, ContactWith,
        DeclineReason, ErrorReason, FailReason, FurtherWorkReason, HandBackReason, MeetingEnd, SubjectKind,
        TaskOutcome, TransferEnd, Urgency, WithoutParentsReason,
    },
};

use crate::support::{COORDINATOR, TASK, World, about, at, key, plan_for, sight};

const BACK: &str = "2026-03-09T08:00:00Z";
pub(crate) const ANSWER: Wish =
    Wish::Answer { outcome: TaskOutcome::Advice, status: Some(AnswerStatus::AdviceGiven), advice: None };
pub(crate) const REACHED: Wish =
    Wish::RecordContact { kind: ContactKind::Phone, with: ContactWith::Parents, reached: true };
pub(crate) const TRIED: Wish =
    Wish::RecordContact { kind: ContactKind::Phone, with: ContactWith::Parents, reached: false };

/// Anna holds it; Bea is there as well.
pub(crate) fn annas(urgency: Urgency) -> World {
    let mut world = World::asked(urgency, &["anna", "bea"]);
    world.does("anna", Wish::Accept).unwrap();
    world
}

pub(crate) fn away(reason: AwayReason, until: Option<&str>) -> Wish {
    Wish::HolderAway(Away {
        professional: key("anna"),
        reason,
        until: until.map(at),
        stand_in: Some(key("bea")),
    })
}

pub(crate) fn transfer_to(name: &str) -> Wish {
    Wish::ProposeTransfer(key(name), AssignReason::Workload)
}

fn person(name: &str) -> By {
    By::Person { key: key(name), professional: name != COORDINATOR, coordinator: name == COORDINATOR }
}

pub(crate) fn clocks(world: &World) -> Vec<ClockKind> {
    world.task().due().iter().map(|deadline| deadline.clock).collect()
}

pub(crate) fn told(change: &Change) -> Vec<&str> {
    match change {
        Change::ClockRang { told, .. } => told.iter().map(|p| p.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn later(world: &World, hours: i64) -> Timestamp {
    world.now.saturating_add(SignedDuration::from_hours(hours)).unwrap()
}

pub(crate) fn meeting(world: &World, parents: Parents) -> Wish {
    Wish::PlanMeeting(MeetingWish {
        at: later(world, 30),
        roles: vec![Role::InternBegeleider, Role::Jgz, Role::Jgz],
        people: vec![key("bea")],
        parents,
    })
}

#[test]
fn while_the_holder_is_away_the_coordinator_is_asked_who_goes_on_until_somebody_says_so() {
    let mut world = annas(Urgency::Regular);
    assert_eq!(world.service(away(AwayReason::Absent, Some(BACK))), Ok(true));
    assert_eq!((world.task().state, world.holder()), (TaskState::Accepted, Some("anna")), "it stays hers");
    assert_eq!(world.service(away(AwayReason::Absent, Some(BACK))), Ok(false), "it is known");
    world.there.present = vec![key("bea")];
    for round in 0..3 {
        let ring = *world.task().deadline(ClockKind::HolderAway).unwrap();
        assert_eq!(ring.round, round);
        world.now = ring.due;
        assert_eq!(world.service(Wish::DeadlinePassed(ring)), Ok(true));
        assert_eq!(told(&world.history.last().unwrap().1), [COORDINATOR]);
    }
    assert_eq!(world.task().version, 1, "nobody but Anna did anything");
    assert_eq!(world.does(COORDINATOR, Wish::Assign(key("bea"), AssignReason::Absence)), Ok(true));
    assert_eq!((world.holder(), world.task().away()), (Some("bea"), None));
    assert!(world.task().deadline(ClockKind::HolderAway).is_none());
}

#[test]
fn what_is_left_with_an_absent_holder_is_not_asked_again_until_the_absence_changes() {
    let mut world = annas(Urgency::Regular);
    world.service(away(AwayReason::Absent, Some(BACK))).unwrap();
    assert_eq!(world.does("bea", Wish::LeaveWithHolder).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does(COORDINATOR, Wish::LeaveWithHolder), Ok(true));
    assert!(world.task().who_goes_on().is_none() && world.task().away().is_some());
    assert_eq!(world.service(away(AwayReason::Absent, Some(BACK))), Ok(false));
    assert_eq!(world.does(COORDINATOR, Wish::LeaveWithHolder), Err(Refusal::NotAway));
    // Ill for longer than was said.
    assert_eq!(world.service(away(AwayReason::Absent, Some("2026-03-30T08:00:00Z"))), Ok(true));
    assert!(world.task().who_goes_on().is_some());
    assert_eq!(world.service(Wish::HolderBack(key("anna"))), Ok(true));
    assert_eq!(world.task().away(), None);
    assert_eq!(world.service(Wish::HolderBack(key("anna"))), Ok(false));
    assert_eq!(
        world.service(away(AwayReason::Absent, Some(BACK))),
        Ok(true),
        "another absence is asked about"
    );
    assert_eq!(world.replay().as_ref(), Some(world.task()));
}

#[test]
fn work_is_never_left_with_somebody_who_does_not_work_here_any_more() {
    for reason in [AwayReason::LeftCentre, AwayReason::RegistrationEnded] {
        let mut world = annas(Urgency::Regular);
        world.service(away(reason, None)).unwrap();
        assert_eq!(world.does(COORDINATOR, Wish::LeaveWithHolder), Err(Refusal::HolderGone));
        let steps: Vec<_> = allowed(world.task(), &person(COORDINATOR)).collect();
        assert!(!steps.contains(&StepKind::LeaveWithHolder) && steps.contains(&StepKind::Assign));
    }
}

#[test]
fn nobody_is_asked_about_a_holder_who_holds_it_no_more_or_about_what_has_failed() {
    let mut world = annas(Urgency::Regular);
    world.does("anna", Wish::HandBack(HandBackReason::Leaving)).unwrap();
    assert!(matches!(world.service(away(AwayReason::Absent, None)), Err(Refusal::NotNow { .. })));
    world.does("bea", Wish::Accept).unwrap();
    assert_eq!(world.service(away(AwayReason::Absent, None)), Ok(false), "it is Bea's");
    world.does("bea", Wish::Fail(FailReason::Other)).unwrap();
    assert!(world.service(away(AwayReason::Absent, None)).is_err());

    // Asked before it fails, or before it is given back: the question goes with the holder.
    for wish in [Wish::Fail(FailReason::Other), Wish::HandBack(HandBackReason::NoTime)] {
        let mut world = annas(Urgency::Regular);
        world.service(away(AwayReason::Absent, None)).unwrap();
        world.does("anna", wish).unwrap();
        assert!(world.task().away().is_none() && world.task().deadline(ClockKind::HolderAway).is_none());
    }
}

#[test]
fn a_withdrawn_offer_is_no_no_so_whoever_is_back_is_asked_again() {
    let mut world = World::asked(Urgency::Safety, &["anna", "bea"]);
    assert_eq!(world.service(Wish::WithdrawOffer(key("anna"), AwayReason::Absent)), Ok(true));
    assert_eq!(world.offered(), ["bea", COORDINATOR]);
    world.there.present = vec![key("bea")];
    world.next_deadline();
    assert_eq!(world.offered(), ["bea", COORDINATOR]);
    world.there.present = vec![key("anna"), key("bea")];
    world.next_deadline();
    assert_eq!(world.offered(), ["anna", "bea", COORDINATOR]);
    assert_eq!(world.service(Wish::WithdrawOffer(key(COORDINATOR), AwayReason::Absent)), Ok(false));
}

#[test]
fn a_task_stays_with_who_holds_it_until_the_colleague_says_yes() {
    let mut world = annas(Urgency::Regular);
    world.does("anna", REACHED).unwrap();
    assert_eq!(world.does("anna", transfer_to("bea")), Ok(true));
    assert_eq!((world.holder(), world.task().state), (Some("anna"), TaskState::InProgress));
    assert_eq!(world.does("anna", transfer_to("bea")), Err(Refusal::TransferAsked));
    assert_eq!(world.does("cor", Wish::AnswerTransfer(None)), Err(Refusal::NotAsked));
    assert_eq!(world.does("anna", Wish::AnswerTransfer(None)), Err(Refusal::NotAsked));
    assert_eq!(world.does("bea", ANSWER).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does("bea", Wish::AnswerTransfer(None)), Ok(true));
    assert_eq!(
        (world.holder(), world.task().state),
        (Some("bea"), TaskState::InProgress),
        "it goes on where it was"
    );
    assert_eq!(clocks(&world), [ClockKind::Answer]);
    assert_eq!(world.does("anna", ANSWER).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does("bea", ANSWER), Ok(true));
}

#[test]
fn a_colleague_who_does_not_answer_declines_or_leaves_changes_nothing_for_the_holder() {
    let ended = |world: &World| match &world.history.last().unwrap().1 {
        Change::TransferEnded { end, .. } => *end,
        other => panic!("{other:?}"),
    };
    let propose = || {
        let mut world = annas(Urgency::Regular);
        world.does("anna", transfer_to("bea")).unwrap();
        world
    };
    let mut lapsed = propose();
    let due = *lapsed.task().deadline(ClockKind::Transfer).unwrap();
    lapsed.now = due.due;
    lapsed.service(Wish::DeadlinePassed(due)).unwrap();
    assert_eq!(ended(&lapsed), TransferEnd::Lapsed);
    let mut declined = propose();
    declined.does("bea", Wish::AnswerTransfer(Some(DeclineReason::TooClose))).unwrap();
    assert_eq!(ended(&declined), TransferEnd::Declined);
    assert_eq!(
        *declined.task().declined,
        [(key("bea"), DeclineReason::TooClose)],
        "so she is not asked about this child"
    );
    let mut withdrawn = propose();
    assert_eq!(withdrawn.does("bea", Wish::WithdrawTransfer).unwrap_err().reason(), "NOT_YOUR_STEP");
    withdrawn.does("anna", Wish::WithdrawTransfer).unwrap();
    assert_eq!(ended(&withdrawn), TransferEnd::Withdrawn);
    assert_eq!(withdrawn.does("anna", Wish::WithdrawTransfer), Err(Refusal::NobodyIsAsked));
    let mut gone = propose();
    assert_eq!(gone.service(Wish::ColleagueAway(key("cor"))), Ok(false));
    gone.service(Wish::ColleagueAway(key("bea"))).unwrap();
    assert_eq!(ended(&gone), TransferEnd::ColleagueAway);
    for mut world in [lapsed, declined, withdrawn, gone] {
        assert_eq!((world.holder(), world.task().transfer()), (Some("anna"), None));
        assert_eq!(clocks(&world), [ClockKind::FirstContact, ClockKind::Answer]);
        assert_eq!(world.does("bea", Wish::AnswerTransfer(None)), Err(Refusal::NotAsked), "too late");
        assert_eq!(world.does("anna", transfer_to(COORDINATOR)), Ok(true), "somebody else can be asked");
        assert_eq!(world.does(COORDINATOR, Wish::AnswerTransfer(None)), Ok(true));
        assert_eq!(world.holder(), Some(COORDINATOR));
    }
}

#[test]
fn only_a_colleague_who_is_at_work_or_the_coordinator_is_asked_to_take_over() {
    let mut world = annas(Urgency::Regular);
    assert_eq!(world.does("anna", transfer_to("cor")), Err(Refusal::ColleagueNotThere));
    assert_eq!(world.does("anna", transfer_to("anna")), Err(Refusal::HeldAlready));
    assert_eq!(world.does("bea", transfer_to("bea")).unwrap_err().reason(), "NOT_YOUR_STEP");
    world.there.coordinator_absent = true;
    assert_eq!(world.does("anna", transfer_to(COORDINATOR)), Err(Refusal::ColleagueNotThere));
    // Of several coordinators each may be asked who is there.
    world.there.coordinators.push(key("erik"));
    world.there.coordinators_absent = vec![key("erik")];
    assert_eq!(world.does("anna", transfer_to("erik")), Err(Refusal::ColleagueNotThere));
    world.there.coordinators_absent.clear();
    assert_eq!(world.does("anna", transfer_to("erik")), Ok(true));
}

#[test]
fn an_assignment_or_a_step_back_ends_the_question_and_a_yes_answers_who_goes_on() {
    let mut world = annas(Urgency::Regular);
    world.does("anna", transfer_to("bea")).unwrap();
    world.does(COORDINATOR, Wish::Assign(key("cor"), AssignReason::Workload)).unwrap();
    assert_eq!(world.does("bea", Wish::AnswerTransfer(None)), Err(Refusal::NotAsked));
    assert_eq!(world.holder(), Some("cor"));

    let mut world = annas(Urgency::Regular);
    world.does("anna", transfer_to("bea")).unwrap();
    world.service(away(AwayReason::Absent, Some(BACK))).unwrap();
    world.does("bea", Wish::AnswerTransfer(None)).unwrap();
    assert_eq!((world.holder(), world.task().away()), (Some("bea"), None));

    // Also when somebody asked to end it meanwhile: then it is the colleague who decides that.
    let mut world = annas(Urgency::Regular);
    world.does("anna", transfer_to("bea")).unwrap();
    world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)).unwrap();
    world.does("bea", Wish::AnswerTransfer(None)).unwrap();
    assert_eq!(world.does("anna", Wish::DecideCancellation(true)).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does("bea", Wish::DecideCancellation(false)), Ok(true));
}

#[test]
fn a_meeting_invites_the_parents_unless_there_is_a_reason_and_a_safety_signal_is_one() {
    let without = |world: &World| world.task().meeting().unwrap().without_parents;
    let mut world = annas(Urgency::Regular);
    assert_eq!(world.does("anna", meeting(&world, Parents::AsUsual)), Ok(true));
    assert_eq!(without(&world), None);
    let planned = world.task().meeting().unwrap();
    assert_eq!(*planned.roles, [Role::InternBegeleider, Role::Jgz], "each once");
    let again = meeting(&world, Parents::AsUsual);
    assert_eq!(world.does("anna", again), Err(Refusal::MeetingPlanned));

    let mut world = annas(Urgency::Safety);
    assert_eq!(world.does("anna", meeting(&world, Parents::AsUsual)), Ok(true));
    assert_eq!(without(&world), Some(WithoutParentsReason::Safety));
    let mut world = annas(Urgency::Safety);
    assert_eq!(world.does("anna", meeting(&world, Parents::Invited)), Ok(true));
    assert_eq!(without(&world), None, "somebody said so");

    let mut world = annas(Urgency::Regular);
    let asked = Parents::Without(WithoutParentsReason::ParentsAsked);
    let no_child = Parents::Without(WithoutParentsReason::NoChild);
    assert_eq!(world.does("anna", meeting(&world, no_child)), Err(Refusal::AboutAChild));
    let nobody = Wish::PlanMeeting(MeetingWish {
        at: later(&world, 1),
        roles: Vec::new(),
        people: Vec::new(),
        parents: asked,
    });
    assert_eq!(world.does("anna", nobody), Err(Refusal::MeetingWithNobody));
    let past = MeetingWish { at: world.now, roles: vec![Role::Jgz], people: Vec::new(), parents: asked };
    assert_eq!(world.does("anna", Wish::PlanMeeting(past)), Err(Refusal::MeetingNotAhead));
    assert_eq!(world.does("anna", meeting(&world, asked)), Ok(true));

    let mut world = World::with(&["anna"]);
    let group = About { subject: SubjectKind::Group, child: None, ..about(Urgency::Regular) };
    world.request_for(group, plan_for(Urgency::Regular, &sight(&["anna"]), None)).unwrap();
    assert_eq!(world.does("anna", meeting(&world, Parents::Invited)), Err(Refusal::NoParentsToInvite));
    assert_eq!(world.does("anna", meeting(&world, Parents::AsUsual)), Ok(true));
    assert_eq!(without(&world), Some(WithoutParentsReason::NoChild));
}

#[test]
fn a_meeting_stops_no_clock_and_what_came_of_it_is_asked_until_it_is_said() {
    let mut world = annas(Urgency::Regular);
    let before = world.task().due().to_vec();
    let wish = meeting(&world, Parents::AsUsual);
    world.does("anna", wish).unwrap();
    assert!(before.iter().all(|deadline| world.task().due().contains(deadline)));
    assert!(world.task().deadline(ClockKind::Meeting).unwrap().due > world.task().meeting().unwrap().at);
    for expected in [vec!["anna"], vec!["anna", COORDINATOR], vec!["anna", COORDINATOR]] {
        let due = *world.task().deadline(ClockKind::Meeting).unwrap();
        world.now = world.now.max(due.due);
        world.service(Wish::DeadlinePassed(due)).unwrap();
        assert_eq!(told(&world.history.last().unwrap().1), expected);
    }
    let came = |end, parents_came| Wish::RecordMeeting { end, parents_came };
    assert_eq!(world.does("anna", came(MeetingEnd::Moved, true)), Err(Refusal::OnlyWhenHeld));
    assert_eq!(world.does("bea", came(MeetingEnd::Held, true)).unwrap_err().reason(), "NOT_YOUR_STEP");
    assert_eq!(world.does("anna", came(MeetingEnd::Held, true)), Ok(true));
    assert_eq!(world.task().meeting(), None);
    assert!(world.task().deadline(ClockKind::Meeting).is_none());
    assert_eq!(world.does("anna", came(MeetingEnd::Held, true)), Err(Refusal::NoMeeting));

    // A meeting belongs to the task: it stays planned when somebody else goes on.
    let wish = meeting(&world, Parents::AsUsual);
    world.does("anna", wish).unwrap();
    world.does("anna", Wish::HandBack(HandBackReason::NoTime)).unwrap();
    assert!(world.task().meeting().is_some());
    assert_eq!(world.does(COORDINATOR, came(MeetingEnd::Cancelled, false)), Ok(true));
}

#[test]
fn more_work_on_a_task_that_has_ended_is_a_new_task_that_nobody_waits_for() {
    let mut world = annas(Urgency::Safety);
    let now = later(&world, 1);
    let ask = |world: &World, who: &By, domains: &[ConcernDomain]| {
        further_work(world.task(), who, FurtherWorkReason::CameBack, domains, now)
    };
    assert_eq!(ask(&world, &person("anna"), &[]), Err(Refusal::StillOpen));
    world.does("anna", ANSWER).unwrap();
    let stranger = By::Person { key: key("eva"), professional: false, coordinator: false };
    assert_eq!(ask(&world, &stranger, &[]).unwrap_err().reason(), "NOT_YOUR_STEP");
    let about = ask(&world, &person("bea"), &[]).unwrap();
    let before = world.task().about.clone();
    assert_eq!(about.trigger, Trigger::EarlierTask { task: TASK, reason: FurtherWorkReason::CameBack });
    assert!(!about.trigger.has_asker() && !about.answer_wanted && about.organisation.is_none());
    assert!(!about.name_may_be_shared, "consent belongs to the signal it was given with");
    assert_eq!((about.urgency, about.received_at), (Urgency::Regular, now));
    assert_eq!((about.child, about.safety, &about.domains), (before.child, before.safety, &before.domains));
    let other = ask(&world, &person(COORDINATOR), &[ConcernDomain::Gedrag]).unwrap();
    assert_eq!(*other.domains, [ConcernDomain::Gedrag]);
    // The one that has ended names the new one, and nothing else changes.
    let next = TaskId::from_bytes([8; 16]);
    assert_eq!(world.service(Wish::Link(next)), Ok(true));
    assert_eq!((world.task().state, &*world.task().linked), (TaskState::Completed, &[next][..]));
    assert!(world.task().due().is_empty());
}

#[test]
fn nothing_is_continued_that_was_taken_back_or_should_never_have_been_there() {
    let ask = |world: &World| {
        further_work(world.task(), &person("bea"), FurtherWorkReason::Other, &[], world.now).map(|_| ())
    };
    for (reason, outcome) in [
        (CancelReason::SignalWithdrawn, Err(Refusal::TakenBack)),
        (CancelReason::ConsentWithdrawn, Err(Refusal::TakenBack)),
        (CancelReason::ChildLeft, Ok(())),
        (CancelReason::Duplicate, Ok(())),
    ] {
        let mut world = annas(Urgency::Regular);
        world.service(Wish::RequestCancellation(reason)).unwrap();
        world.does("anna", Wish::DecideCancellation(true)).unwrap();
        assert_eq!(ask(&world), outcome, "{reason:?}");
        assert_eq!(world.replay().as_ref(), Some(world.task()));
    }
    let mut world = annas(Urgency::Regular);
    world.does(COORDINATOR, Wish::MarkEnteredInError(ErrorReason::WrongChild)).unwrap();
    assert!(matches!(ask(&world), Err(Refusal::NotNow { .. })));
}

#[test]
fn who_is_both_professional_and_coordinator_acts_in_the_role_that_the_step_needs() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    let both = By::Person { key: key("anna"), professional: true, coordinator: true };
    let role = |world: &World, step| both.role(world.task.as_ref(), step);
    assert_eq!(role(&world, StepKind::Accept), Some(Role::Professional));
    assert_eq!(role(&world, StepKind::Assign), Some(Role::Coordinator));
    world.does("anna", Wish::Accept).unwrap();
    assert_eq!(role(&world, StepKind::Answer), Some(Role::Professional));
    assert_eq!(role(&world, StepKind::MarkEnteredInError), Some(Role::Coordinator));
    world.new_coordinator("anna");
    world.does("anna", Wish::Fail(FailReason::Other)).unwrap();
    assert_eq!(role(&world, StepKind::Answer), Some(Role::Coordinator), "what failed is the coordinator's");
    assert_eq!(person(COORDINATOR).role(world.task.as_ref(), StepKind::Accept), Some(Role::Coordinator));
    assert_eq!(By::Service.role(world.task.as_ref(), StepKind::Link), None);
}

#[test]
fn who_gives_a_task_back_because_she_stands_too_close_has_said_so_about_the_child() {
    let mut world = annas(Urgency::Regular);
    world.does("anna", Wish::HandBack(HandBackReason::TooClose)).unwrap();
    assert_eq!(*world.task().declined, [(key("anna"), DeclineReason::TooClose)]);
}
