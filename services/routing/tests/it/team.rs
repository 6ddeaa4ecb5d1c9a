//! The team around a task, over the wire: taking over, meetings, a holder who is away, more work afterwards.

use jiff::SignedDuration;
use tonic::Code;
use tonic_types::StatusExt as _;
use voordeur_contracts::{
    common::{CommandContext, ConcernDomain, Role, SafetyLevel, Urgency},
    convert::to_wire_time,
    event::{
        AnswerStatus, AssignReason, AwayReason, CancelReason, DeclineReason, FurtherWorkReason, MeetingEnd,
        TaskOutcome, TaskState, WithoutParentsReason,
    },
    routing::{
        ExplainRoutingRequest, MarkAbsentRequest, MarkReturnedRequest, PlanMeetingRequest,
        RequestFurtherWorkRequest, Task,
    },
};
use voordeur_kernel::{Clock as _, Timestamp};

use crate::{
    step,
    support::{COORDINATOR, Replica, World, command, of, refused},
};

fn later(world: &World, hours: i64) -> Timestamp {
    world.clock.now().saturating_add(SignedDuration::from_hours(hours)).unwrap()
}

/// A task of Anna's, while Bea is there as well.
async fn annas(replica: &Replica, signal: u8) -> String {
    let task = replica.signal(signal).await.task_id;
    step!(
        replica,
        "anna",
        accept_task,
        AcceptTaskRequest { task_id: task.clone(), command: command("take") }
    )
    .unwrap();
    task
}

async fn answered(replica: &Replica, task: &str) {
    step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest {
            task_id: task,
            command: command("answer"),
            outcome: TaskOutcome::Advice,
            status: AnswerStatus::AdviceGiven
        }
    )
    .unwrap();
}

async fn away(replica: &Replica, person: &str, until: Timestamp, stand_in: &str) {
    let absent = MarkAbsentRequest {
        command: command("away"),
        professional: person.into(),
        until: Some(to_wire_time(until)),
        stand_in: stand_in.into(),
        from: None,
    };
    replica.presence.clone().mark_absent(of(person, absent)).await.unwrap();
}

macro_rules! propose {
    ($replica:expr, $person:expr, $task:expr, $to:expr, $key:expr) => {
        step!(
            $replica,
            $person,
            propose_transfer,
            ProposeTransferRequest {
                task_id: $task.clone(),
                command: command($key),
                professional: $to,
                reason: AssignReason::Workload
            }
        )
    };
}

macro_rules! answer {
    ($replica:expr, $person:expr, $task:expr, $accepted:expr, $reason:expr, $key:expr) => {
        step!(
            $replica,
            $person,
            answer_transfer,
            AnswerTransferRequest {
                task_id: $task.clone(),
                command: command($key),
                accepted: $accepted,
                reason: $reason
            }
        )
    };
}

#[tokio::test]
async fn a_colleague_takes_over_when_she_says_yes_and_not_before() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = annas(&replica, 1).await;
    refused(propose!(replica, "bea", task, "bea", "p0"), Code::PermissionDenied, "NOT_YOUR_STEP");
    refused(propose!(replica, "anna", task, "cor", "p1"), Code::FailedPrecondition, "COLLEAGUE_NOT_THERE");
    refused(propose!(replica, "anna", task, "eva", "p2"), Code::InvalidArgument, "NOT_AT_CENTRE");
    let (asked, _) = propose!(replica, "anna", task, "bea", "p3").unwrap();
    assert_eq!((asked.holder.as_str(), asked.transfer_to.as_str()), ("anna", "bea"));
    assert_eq!(world.standing(&task).await.holder, "anna", "what was written opens for Anna only");
    assert_eq!(replica.list("bea").await, std::slice::from_ref(&task), "it is on the list of who is asked");
    let hers = replica.get("bea", &task).await.unwrap();
    assert!(hers.allowed_steps.contains(&"AnswerTransfer".to_owned()), "{:?}", hers.allowed_steps);
    refused(answer!(replica, "cor", task, true, 0, "a0"), Code::FailedPrecondition, "NOT_ASKED");
    let (taken, _) = answer!(replica, "bea", task, true, 0, "a1").unwrap();
    assert_eq!((taken.holder.as_str(), taken.transfer_to.as_str()), ("bea", ""));
    assert_eq!(world.standing(&task).await.holder, "bea");
    let (again, _) = answer!(replica, "bea", task, true, 0, "a1").unwrap();
    assert_eq!(again.version, taken.version, "a repeated yes changes nothing");
    assert!(replica.list("anna").await.is_empty());
    assert_eq!(world.events(&task).await, ["requested", "accepted", "transfer_proposed", "transfer_ended"]);
    replica.stop().await;
}

#[tokio::test]
async fn a_question_to_a_colleague_ends_with_a_no_a_withdrawal_its_time_or_her_absence() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = annas(&replica, 1).await;
    let bad = answer!(replica, "bea", task, true, DeclineReason::NoTime, "x1");
    refused(bad, Code::InvalidArgument, "ONLY_WHEN_DECLINED");
    refused(answer!(replica, "bea", task, false, 0, "x2"), Code::InvalidArgument, "REQUIRED");

    propose!(replica, "anna", task, "bea", "p1").unwrap();
    refused(propose!(replica, "anna", task, "bea", "p2"), Code::FailedPrecondition, "TRANSFER_ASKED");
    answer!(replica, "bea", task, false, DeclineReason::NoTime, "a1").unwrap();

    propose!(replica, "anna", task, COORDINATOR, "p3").unwrap();
    let withdraw = |person: &'static str, key: &'static str| {
        let (replica, task) = (&replica, task.clone());
        async move {
            step!(
                replica,
                person,
                withdraw_transfer,
                WithdrawTransferRequest { task_id: task, command: command(key) }
            )
        }
    };
    refused(withdraw(COORDINATOR, "w0").await, Code::PermissionDenied, "NOT_YOUR_STEP");
    withdraw("anna", "w1").await.unwrap();
    refused(withdraw("anna", "w2").await, Code::FailedPrecondition, "NO_TRANSFER");

    propose!(replica, "anna", task, "bea", "p4").unwrap();
    world.pass(5);
    world.happened(&task, "transfer_ended", 3).await;
    refused(answer!(replica, "bea", task, true, 0, "late"), Code::FailedPrecondition, "NOT_ASKED");

    propose!(replica, "anna", task, "bea", "p5").unwrap();
    away(&replica, "bea", later(&world, 48), "").await;
    world.happened(&task, "transfer_ended", 4).await;
    let after = replica.get("anna", &task).await.unwrap();
    assert_eq!((after.holder.as_str(), after.state()), ("anna", TaskState::Accepted));
    replica.stop().await;
}

#[tokio::test]
async fn of_a_yes_and_an_assignment_at_the_same_moment_one_wins() {
    let world = World::with(&["anna", "bea", "cor"]).await;
    let (one, two) = (world.start().await, world.start().await);
    for signal in 1..=6 {
        let task = annas(&one, signal).await;
        propose!(one, "anna", task, "bea", "p").unwrap();
        two.task_when("bea", &task, "is asked of Bea", |t| t.transfer_to == "bea").await;
        // Both decide on the same picture.
        let seen = |key: &str| {
            Some(CommandContext { idempotency_key: format!("act-{key}-{signal}"), seen_version: 2 })
        };
        let yes = async {
            step!(
                one,
                "bea",
                answer_transfer,
                AnswerTransferRequest { task_id: task.clone(), command: seen("yes"), accepted: true }
            )
        };
        let assign = async {
            step!(
                two,
                COORDINATOR,
                assign_task,
                AssignTaskRequest {
                    task_id: task.clone(),
                    command: seen("assign"),
                    professional: "cor",
                    reason: AssignReason::Workload
                }
            )
        };
        let (yes, assign) = tokio::join!(yes, assign);
        let holder = world.standing(&task).await.holder;
        match (yes, assign) {
            (Ok(_), Err(second)) => {
                assert_eq!((holder.as_str(), second.code()), ("bea", Code::Aborted));
            }
            (Err(second), Ok(_)) => {
                assert_eq!(holder, "cor");
                assert!(matches!(second.code(), Code::Aborted | Code::FailedPrecondition), "{second}");
            }
            (yes, assign) => panic!("one of them, and only one: {yes:?} {assign:?}"),
        }
        let seen = one.task_when("anna", &task, "is passed on", |t| t.holder == holder).await;
        assert_eq!(seen.transfer_to, "");
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn two_who_do_it_at_once_leave_one_holder_and_one_event_each() {
    let world = World::with(&["anna", "bea", "cor"]).await;
    let (one, two) = (world.start().await, world.start().await);
    let task = annas(&one, 1).await;
    propose!(one, "anna", task, "bea", "p").unwrap();
    two.task_when("bea", &task, "is asked of Bea", |t| t.transfer_to == "bea").await;
    let yes = async { answer!(one, "bea", task, true, 0, "yes") };
    let back = async {
        step!(
            two,
            "anna",
            hand_back_task,
            HandBackTaskRequest { task_id: task.clone(), command: command("back"), reason: 1 }
        )
    };
    let (yes, back) = tokio::join!(yes, back);
    assert!(yes.is_ok() != back.is_ok(), "either it is Bea's, or it is nobody's: {yes:?} {back:?}");
    let standing = world.standing(&task).await;
    assert_eq!(standing.holder, if yes.is_ok() { "bea" } else { "" });
    one.stop().await;
    two.stop().await;
}

fn plan(task: &str) -> PlanMeetingRequest {
    PlanMeetingRequest {
        task_id: task.to_owned(),
        roles: vec![Role::InternBegeleider.into(), Role::Jgz.into()],
        people: vec!["bea".to_owned()],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_meeting_is_planned_with_all_its_faults_at_once_and_asked_about_until_it_is_recorded() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = annas(&replica, 1).await;
    let mut bad = plan("tsk_");
    bad.roles = vec![Role::Signaller.into(), 99];
    bad.people = vec!["Not A Key".into()];
    bad.without_parents = WithoutParentsReason::ParentsAsked.into();
    bad.invite_parents = true;
    let status =
        refused(replica.api.clone().plan_meeting(of("anna", bad)).await, Code::InvalidArgument, "INVALID");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let mut fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["at", "command", "invite_parents", "people[0]", "roles[0]", "roles[1]", "task_id"]);

    let at = later(&world, 24);
    let mut elsewhere = plan(&task);
    elsewhere.command = command("m0");
    elsewhere.at = Some(to_wire_time(at));
    elsewhere.people = vec!["bea".into(), "eva".into()];
    let status = replica.api.clone().plan_meeting(of("anna", elsewhere)).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "people[1]");

    let mut good = plan(&task);
    good.command = command("m1");
    good.at = Some(to_wire_time(at));
    let planned = replica.api.clone().plan_meeting(of("anna", good.clone())).await.unwrap().into_inner();
    assert_eq!(planned.task.unwrap().meeting_at, Some(to_wire_time(at)));
    replica.api.clone().plan_meeting(of("anna", good.clone())).await.unwrap();
    good.command = command("m2");
    let twice = replica.api.clone().plan_meeting(of("anna", good)).await;
    refused(twice, Code::FailedPrecondition, "MEETING_PLANNED");

    // Within the opening hours of the centre, so on the morning after.
    world.pass(48);
    world.happened(&task, "clock_rang", 1).await;
    let end = |person: &'static str, end: MeetingEnd, came: bool, key: &'static str| {
        let (replica, task) = (&replica, task.clone());
        async move {
            step!(
                replica,
                person,
                record_meeting,
                RecordMeetingRequest { task_id: task, command: command(key), end: end, parents_came: came }
            )
        }
    };
    refused(end("bea", MeetingEnd::Held, true, "e0").await, Code::PermissionDenied, "NOT_YOUR_STEP");
    refused(end("anna", MeetingEnd::Cancelled, true, "e1").await, Code::InvalidArgument, "ONLY_WHEN_HELD");
    let (after, _) = end("anna", MeetingEnd::Held, true, "e2").await.unwrap();
    assert_eq!((after.meeting_at, after.state()), (None, TaskState::Accepted));
    refused(end("anna", MeetingEnd::Held, true, "e3").await, Code::FailedPrecondition, "NO_MEETING");
    replica.stop().await;
}

#[tokio::test]
async fn parents_come_to_a_meeting_about_safety_only_when_that_is_said() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    for (signal, invite) in [(1, false), (2, true)] {
        let task = world.signal_with(signal, |s| s.safety = SafetyLevel::Acute.into()).await;
        replica.task("anna", &task).await;
        step!(
            replica,
            "anna",
            accept_task,
            AcceptTaskRequest { task_id: task.clone(), command: command("take") }
        )
        .unwrap();
        let mut meeting = plan(&task);
        meeting.command = command("meet");
        meeting.at = Some(to_wire_time(later(&world, 2)));
        meeting.invite_parents = invite;
        replica.api.clone().plan_meeting(of("anna", meeting)).await.unwrap();
        let request = ExplainRoutingRequest { task_id: task };
        let told = replica.api.clone().explain_routing(of("anna", request)).await.unwrap().into_inner();
        let expected = if invite { "" } else { "WITHOUT_PARENTS_REASON_SAFETY" };
        assert_eq!(told.timeline.last().unwrap().reason, expected);
    }
    replica.stop().await;
}

#[tokio::test]
async fn the_coordinator_is_asked_about_work_of_an_absent_holder_and_it_undoes_itself_at_her_return() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = annas(&replica, 1).await;
    let until = later(&world, 72);
    away(&replica, "anna", until, "bea").await;
    world.happened(&task, "holder_away", 1).await;
    let asked = |t: &Task| t.holder_away.is_some();
    let seen = replica.task_when(COORDINATOR, &task, "has a holder who is away", asked).await;
    let absence = seen.holder_away.clone().unwrap();
    assert_eq!((absence.reason(), absence.stand_in.as_str()), (AwayReason::Absent, "bea"));
    assert_eq!((seen.holder.as_str(), absence.until), ("anna", Some(to_wire_time(until))));
    assert_eq!(replica.list(COORDINATOR).await, std::slice::from_ref(&task));

    let leave = |person: &'static str, key: &'static str| {
        let (replica, task) = (&replica, task.clone());
        async move {
            step!(
                replica,
                person,
                leave_with_holder,
                LeaveWithHolderRequest { task_id: task, command: command(key) }
            )
        }
    };
    refused(leave("bea", "l0").await, Code::PermissionDenied, "NOT_YOUR_STEP");
    let (left, _) = leave(COORDINATOR, "l1").await.unwrap();
    assert!(left.holder_away.is_none() && left.holder == "anna");
    refused(leave(COORDINATOR, "l2").await, Code::FailedPrecondition, "HOLDER_NOT_AWAY");
    let returned = MarkReturnedRequest { command: command("back"), professional: "anna".into() };
    replica.presence.clone().mark_returned(of("anna", returned)).await.unwrap();
    world.happened(&task, "holder_away_ended", 2).await;
    let events = world.events(&task).await;
    assert_eq!(events[2..], ["holder_away", "holder_away_ended", "holder_away_ended"]);
    replica.stop().await;
}

#[tokio::test]
async fn more_work_is_a_new_task_that_names_the_one_before_and_goes_first_to_whoever_held_it() {
    let world = World::with(&["anna", "bea"]).await;
    let (one, two) = (world.start().await, world.start().await);
    let task = annas(&one, 1).await;
    let ask = |replica: &Replica, person: &'static str, reason: FurtherWorkReason, key: &'static str| {
        let (api, task) = (replica.api.clone(), task.clone());
        async move {
            let request = RequestFurtherWorkRequest {
                task_id: task,
                command: command(key),
                reason: reason.into(),
                domains: vec![ConcernDomain::Gedrag.into()],
            };
            api.clone().request_further_work(of(person, request)).await.map(|r| r.into_inner().task.unwrap())
        }
    };
    let came_back = FurtherWorkReason::CameBack;
    refused(ask(&one, "anna", came_back, "f0").await, Code::FailedPrecondition, "STILL_OPEN");
    answered(&one, &task).await;
    refused(ask(&one, "eva", came_back, "f1").await, Code::NotFound, "NOT_FOUND");
    let made = ask(&one, "bea", came_back, "f2").await.unwrap();
    assert_ne!(made.task_id, task);
    assert_eq!((made.continues_task_id.as_str(), made.further_work()), (task.as_str(), came_back));
    assert_eq!((made.state(), &*made.offered_to), (TaskState::Requested, &["anna".to_owned()][..]));
    assert!(!made.answer_wanted && made.signal_id.is_empty() && made.organisation.is_empty());
    assert_eq!(made.linked_task_ids, std::slice::from_ref(&task));
    assert_eq!(made.domains, [i32::from(ConcernDomain::Gedrag)]);
    for replica in [&one, &two] {
        let again = ask(replica, "bea", came_back, "f2").await.unwrap();
        assert_eq!(again.task_id, made.task_id, "the same act makes one task");
    }
    let other = ask(&one, "bea", FurtherWorkReason::Agreed, "f2").await;
    refused(other, Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED");
    let before = one.task("anna", &task).await;
    assert_eq!(
        (before.state(), &before.linked_task_ids),
        (TaskState::Completed, &vec![made.task_id.clone()])
    );
    assert!(before.allowed_steps.contains(&"RequestFurtherWork".to_owned()));
    assert_eq!(world.events(&task).await.last(), Some(&"linked"));

    // It has no asker, so it is answered without a status.
    step!(
        one,
        "anna",
        accept_task,
        AcceptTaskRequest { task_id: made.task_id.clone(), command: command("t") }
    )
    .unwrap();
    let told = step!(
        one,
        "anna",
        answer_task,
        AnswerTaskRequest {
            task_id: made.task_id.clone(),
            command: command("d1"),
            outcome: TaskOutcome::Advice,
            status: AnswerStatus::AdviceGiven
        }
    );
    refused(told, Code::InvalidArgument, "NOBODY_ASKED");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn more_work_after_a_safety_signal_alarms_nobody_and_still_tells_no_parents_by_itself() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = world.signal_with(1, |s| s.safety = SafetyLevel::Structural.into()).await;
    replica.task("anna", &task).await;
    step!(
        replica,
        "anna",
        accept_task,
        AcceptTaskRequest { task_id: task.clone(), command: command("take") }
    )
    .unwrap();
    answered(&replica, &task).await;
    let (more, _) = step!(
        replica,
        COORDINATOR,
        request_further_work,
        RequestFurtherWorkRequest {
            task_id: task,
            command: command("more"),
            reason: FurtherWorkReason::Agreed
        }
    )
    .unwrap();
    assert_eq!((more.urgency(), more.safety()), (Urgency::Regular, SafetyLevel::Structural));
    assert_eq!(more.offered_to, ["anna"], "not everybody on duty");
    step!(
        replica,
        "anna",
        accept_task,
        AcceptTaskRequest { task_id: more.task_id.clone(), command: command("again") }
    )
    .unwrap();
    let mut meeting = plan(&more.task_id);
    meeting.command = command("meet");
    meeting.at = Some(to_wire_time(later(&world, 2)));
    replica.api.clone().plan_meeting(of("anna", meeting)).await.unwrap();
    let request = ExplainRoutingRequest { task_id: more.task_id };
    let told = replica.api.clone().explain_routing(of("anna", request)).await.unwrap().into_inner();
    assert_eq!(told.timeline[0].reason, "FURTHER_WORK_REASON_AGREED");
    assert_eq!(told.timeline.last().unwrap().reason, "WITHOUT_PARENTS_REASON_SAFETY");
    replica.stop().await;
}

#[tokio::test]
async fn nothing_is_continued_after_the_signal_was_taken_back() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = annas(&replica, 1).await;
    world.withdraw(1).await;
    world.happened(&task, "cancellation_requested", 1).await;
    let (cancelled, _) = step!(
        replica,
        "anna",
        decide_cancellation,
        DecideCancellationRequest { task_id: task.clone(), command: command("yes"), confirmed: true }
    )
    .unwrap();
    assert_eq!(cancelled.cancellation_reason, i32::from(CancelReason::Unspecified), "no question stands");
    let more = step!(
        replica,
        "anna",
        request_further_work,
        RequestFurtherWorkRequest {
            task_id: task.clone(),
            command: command("more"),
            reason: FurtherWorkReason::CameBack
        }
    );
    refused(more, Code::FailedPrecondition, "TAKEN_BACK");
    let bad = step!(
        replica,
        "anna",
        request_further_work,
        RequestFurtherWorkRequest { task_id: "x", reason: 99, domains: vec![1, 2, 3, 4] }
    );
    let status = refused(bad, Code::InvalidArgument, "INVALID");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["task_id", "command", "reason", "domains"]);
    replica.stop().await;
}
