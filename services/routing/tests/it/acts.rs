use tonic::Code;
use tonic_types::StatusExt as _;
use voordeur_contracts::{
    common::{self, CommandContext, SealedText},
    event::{self, TaskState},
    routing::{AskColleagueRequest, GetTaskRequest, ListTasksRequest},
};
use voordeur_eventlog::{StreamName, Version};
use voordeur_kernel::TaskId;

use crate::{
    step,
    support::{COORDINATOR, World, command, of, refused},
};

#[tokio::test]
async fn a_task_goes_from_contact_to_answer_and_is_final_then() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let (contact, _) = step!(
        replica,
        "anna",
        record_contact,
        RecordContactRequest {
            task_id: task.clone(),
            command: command("1"),
            kind: 2,
            with: 1,
            reached: true
        }
    )
    .unwrap();
    assert_eq!(contact.state(), TaskState::InProgress);
    assert!(contact.first_contact_at.is_some());
    let (asked, _) = step!(
        replica,
        "anna",
        ask_colleague,
        AskColleagueRequest { task_id: task.clone(), command: command("2"), role: common::Role::Jgz as i32 }
    )
    .unwrap();
    assert_eq!(asked.colleagues_asked, [common::Role::Jgz as i32]);
    let advice = SealedText {
        key_id: vec![1; 16].into(),
        r#box: vec![2; 40].into(),
        purpose: common::TextPurpose::Answer.into(),
        owner: task.parse::<TaskId>().unwrap().as_bytes().to_vec().into(),
    };
    let (answered, position) = step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest {
            task_id: task.clone(),
            command: command("3"),
            outcome: 1,
            status: 2,
            advice: advice
        }
    )
    .unwrap();
    assert_eq!(
        (answered.state(), &*answered.allowed_steps),
        (TaskState::Completed, &["RequestFurtherWork".to_owned()][..])
    );

    // Any replica that has read so far shows it.
    let other = world.start().await;
    let request = GetTaskRequest { task_id: task.clone(), at_least: Some(position) };
    let seen = other.api.clone().get_task(of("anna", request)).await.unwrap().into_inner();
    assert_eq!(seen.task.unwrap().state(), TaskState::Completed);

    let more = step!(
        replica,
        COORDINATOR,
        mark_entered_in_error,
        MarkEnteredInErrorRequest { task_id: task.clone(), command: command("4"), reason: 3 }
    );
    refused(more, Code::FailedPrecondition, "STEP_NOT_ALLOWED");
    replica.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn forbidden_steps_and_wrong_versions_are_refused_and_change_nothing() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    step!(
        replica,
        "anna",
        record_contact,
        RecordContactRequest {
            task_id: task.clone(),
            command: command("0"),
            kind: 1,
            with: 1,
            reached: false
        }
    )
    .unwrap();
    let before = world.events(&task).await;

    let not_hers = step!(
        replica,
        "bea",
        answer_task,
        AnswerTaskRequest { task_id: task.clone(), command: command("1"), outcome: 1, status: 1 }
    );
    refused(not_hers, Code::PermissionDenied, "NOT_YOUR_STEP");
    let not_now = step!(
        replica,
        "anna",
        resume_task,
        ResumeTaskRequest { task_id: task.clone(), command: command("2") }
    );
    let status = refused(not_now, Code::FailedPrecondition, "STEP_NOT_ALLOWED");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["state"], "accepted");
    assert!(info.metadata["allowed_steps"].contains("RecordContact"));
    let stale = CommandContext { idempotency_key: "a-stale-version".into(), seen_version: 9 };
    let stale = step!(
        replica,
        "anna",
        hand_back_task,
        HandBackTaskRequest { task_id: task.clone(), command: Some(stale), reason: 1 }
    );
    let status = refused(stale, Code::Aborted, "VERSION_CHANGED");
    assert_eq!(status.get_details_error_info().unwrap().metadata["version"], "1");
    let past = step!(
        replica,
        "anna",
        hold_task,
        HoldTaskRequest {
            task_id: task.clone(),
            command: command("3"),
            reason: 1,
            until: prost_types::Timestamp::default()
        }
    );
    refused(past, Code::InvalidArgument, "DATE_NOT_AHEAD");
    let elsewhere = step!(
        replica,
        "eva",
        accept_task,
        AcceptTaskRequest { task_id: task.clone(), command: command("4") }
    );
    refused(elsewhere, Code::NotFound, "NOT_FOUND");
    assert_eq!(replica.get("eva", &task).await.unwrap_err().code(), Code::NotFound);
    let stolen = SealedText {
        key_id: vec![1; 16].into(),
        r#box: vec![2; 40].into(),
        purpose: common::TextPurpose::Answer.into(),
        owner: vec![9; 16].into(),
    };
    let stolen = step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest {
            task_id: task.clone(),
            command: command("5"),
            outcome: 1,
            status: 1,
            advice: stolen
        }
    );
    refused(stolen, Code::InvalidArgument, "WRONG_OWNER");
    assert_eq!(world.events(&task).await, before);
    replica.stop().await;
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let bad =
        step!(replica, "anna", answer_task, AnswerTaskRequest { task_id: "sig_1", outcome: 99, status: 99 });
    let status = refused(bad, Code::InvalidArgument, "INVALID");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["task_id", "command", "outcome", "status"]);
    let short = CommandContext { idempotency_key: "short".into(), seen_version: 0 };
    let short = step!(
        replica,
        "anna",
        accept_task,
        AcceptTaskRequest { task_id: world.task_of(1), command: Some(short) }
    );
    refused(short, Code::InvalidArgument, "BAD_IDEMPOTENCY_KEY");
    let nobody = replica.api.clone().get_task(GetTaskRequest::default()).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    replica.stop().await;
}

#[tokio::test]
async fn a_repeated_act_is_answered_and_changes_nothing_and_its_key_is_for_nothing_else() {
    let world = World::with(&["anna", "bea"]).await;
    let (one, two) = (world.start().await, world.start().await);
    let task = one.signal(1).await.task_id;
    let accept = |replica| {
        let (replica, task): (&crate::support::Replica, _) = (replica, task.clone());
        async move {
            step!(
                replica,
                "anna",
                accept_task,
                AcceptTaskRequest { task_id: task, command: command("again") }
            )
        }
    };
    let (first, _) = accept(&one).await.unwrap();
    for replica in [&one, &two, &one] {
        let (again, _) = accept(replica).await.unwrap();
        assert_eq!((again.state(), again.version), (first.state(), first.version));
    }
    let other = step!(
        one,
        "anna",
        hand_back_task,
        HandBackTaskRequest { task_id: task.clone(), command: command("again"), reason: 1 }
    );
    refused(other, Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(world.events(&task).await, ["requested", "accepted"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_history_that_cannot_be_read_is_left_alone_and_the_others_go_on() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let hex = task.parse::<TaskId>().unwrap().to_hex();
    let last = world.history(StreamName::Tasks, &hex).await.last().unwrap().sequence;
    world.append(StreamName::Tasks, "voordeur.task.v1", &hex, Version(last), vec![0xff]).await;
    // The next task is read after it.
    replica.signal(2).await;
    assert_eq!(replica.get("anna", &task).await.unwrap_err().code(), Code::Unavailable);
    let contact = step!(
        replica,
        "anna",
        record_contact,
        RecordContactRequest {
            task_id: task.clone(),
            command: command("1"),
            kind: 1,
            with: 1,
            reached: true
        }
    );
    assert_eq!(contact.unwrap_err().code(), Code::Unavailable);
    assert_eq!(replica.list("anna").await.len(), 1);
    replica.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_most_pressing_first_and_a_whole_centre_is_for_its_coordinator() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    for signal in 1..=5 {
        world.signal_with(signal, |s| s.urgent = signal == 4).await;
        world.pass(1);
    }
    for signal in 1..=5 {
        replica.task("anna", &world.task_of(signal)).await;
    }
    let mut token = String::new();
    let mut seen = Vec::new();
    loop {
        let request = ListTasksRequest { page_size: 2, page_token: token, ..ListTasksRequest::default() };
        let page = replica.api.clone().list_tasks(of("anna", request)).await.unwrap().into_inner();
        assert!(page.tasks.len() <= 2 && page.position.is_some());
        seen.extend(page.tasks.into_iter().map(|task| task.task_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [4, 1, 2, 3, 5].map(|signal| world.task_of(signal)));

    let whole = ListTasksRequest { whole_centre: true, ..ListTasksRequest::default() };
    let hers = replica.api.clone().list_tasks(of(COORDINATOR, whole.clone())).await.unwrap().into_inner();
    assert_eq!(hers.tasks.len(), 5);
    assert!(replica.list(COORDINATOR).await.is_empty());
    refused(
        replica.api.clone().list_tasks(of("anna", whole.clone())).await,
        Code::PermissionDenied,
        "COORDINATORS_ONLY",
    );
    let elsewhere = replica.api.clone().list_tasks(of("fien", whole)).await.unwrap().into_inner();
    assert!(elsewhere.tasks.is_empty());
    let bad = ListTasksRequest { page_token: "x".into(), ..ListTasksRequest::default() };
    refused(replica.api.clone().list_tasks(of("anna", bad)).await, Code::InvalidArgument, "BAD_PAGE_TOKEN");
    let closed =
        ListTasksRequest { states: vec![TaskState::Completed.into()], ..ListTasksRequest::default() };
    let status = refused(
        replica.api.clone().list_tasks(of("anna", closed)).await,
        Code::InvalidArgument,
        "FINAL_STATE",
    );
    assert!(status.message().contains("GetTask shows a task that has ended"), "{status}");
    let bad = ListTasksRequest {
        states: vec![TaskState::Accepted.into(), TaskState::Cancelled.into(), 99],
        page_size: 501,
        page_token: "x".into(),
        ..ListTasksRequest::default()
    };
    let status =
        refused(replica.api.clone().list_tasks(of("anna", bad)).await, Code::InvalidArgument, "INVALID");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["states[1]", "states[2]", "page_size", "page_token"]);
    replica.stop().await;
}

#[tokio::test]
async fn a_name_goes_along_only_to_professionals_and_only_with_everybodys_consent() {
    use event::{AgeBand, ConsentGiver, ConsentScope, ConsentStatus, Permission, SharingConsent};

    let consent = |giver: ConsentGiver, status: ConsentStatus, scope: ConsentScope| SharingConsent {
        giver: giver.into(),
        status: status.into(),
        scopes: vec![scope.into()],
        date: "2026-01-05".into(),
    };
    let yes = |giver| consent(giver, ConsentStatus::Consented, ConsentScope::ShareWithProfessional);
    let (one, two, sole) = (ConsentGiver::Parent1, ConsentGiver::Parent2, ConsentGiver::SoleParent);
    let young = ConsentGiver::YoungPerson;
    let (under, mid, over) = (AgeBand::Under12, AgeBand::AgeBand12To15, AgeBand::AgeBand16AndOver);
    let informed = consent(two, ConsentStatus::Informed, ConsentScope::ShareWithProfessional);
    let other = consent(sole, ConsentStatus::Consented, ConsentScope::FollowUp);
    let cases = [
        (under, vec![yes(one), yes(two)], true),
        (under, vec![yes(sole)], true),
        (mid, vec![yes(sole), yes(young)], true),
        (over, vec![yes(young)], true),
        (under, vec![], false),
        (under, vec![yes(one)], false),
        (under, vec![yes(one), informed], false),
        (under, vec![other], false),
        (under, vec![yes(one), yes(sole)], false),
        (mid, vec![yes(sole)], false),
        (over, vec![yes(sole)], false),
        (AgeBand::Unspecified, vec![yes(sole)], false),
    ];
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    for (number, (age, consents, covered)) in (1..).zip(cases) {
        let task = world
            .signal_with(number, |s| {
                s.age_band = age.into();
                s.permission = Some(Permission { consents: consents.clone(), ..Permission::default() });
            })
            .await;
        replica.task("anna", &task).await;
        let ask = |role: common::Role| {
            let request = AskColleagueRequest {
                task_id: task.clone(),
                command: command(&format!("{role:?}")),
                role: role.into(),
                with_name: true,
                person: String::new(),
            };
            let mut api = replica.api.clone();
            async move { api.ask_colleague(of("anna", request)).await }
        };
        let status = refused(ask(common::Role::Jgz).await, Code::FailedPrecondition, "NAME_NOT_COVERED");
        assert!(status.message().contains("ask without the name"), "{status}");
        let professional = ask(common::Role::Professional).await;
        assert_eq!(professional.is_ok(), covered, "{age:?} {consents:?}");
        let events = world.events(&task).await;
        assert_eq!(events.len(), 1 + usize::from(covered), "a refused name is no event");
    }
    replica.stop().await;
}
