//! Every look at a child's task is on record before it is shown; what cannot be put on record is not shown.

use tonic::Code;
use voordeur_chassis::DEV_IDENTITY;
use voordeur_contracts::{
    common::{Role, SubjectKind, actor::Who},
    event::{AuditAction, AuditEvent, AuditObjectType, AuditOutcome},
    routing::{ExplainRoutingRequest, GetTaskRequest, ListTasksRequest, Task},
};
use voordeur_eventlog::StreamName;
use voordeur_kernel::TaskId;

use crate::{
    step,
    support::{COORDINATOR, Replica, World, command, of, refused},
    watching::Watcher,
};

fn bytes(task: &str) -> Vec<u8> {
    task.parse::<TaskId>().unwrap().as_bytes().to_vec()
}

/// Who, in which role, doing what, allowed or not.
fn told(look: &AuditEvent) -> (String, Role, &str, bool) {
    let Some(Who::Person(person)) = look.user.clone().unwrap().who else { panic!("{look:?}") };
    let allowed = look.event_outcome_indicator() == AuditOutcome::Success;
    assert_eq!(look.controles.unwrap().autorisatie, allowed);
    (person.key.clone(), person.role(), look.event_id.as_str(), allowed)
}

async fn with_task(present: &[&str]) -> (World, Replica, Task) {
    let world = World::with(present).await;
    let replica = world.start().await;
    let task = replica.signal(1).await;
    (world, replica, task)
}

fn explain(task: &str) -> ExplainRoutingRequest {
    ExplainRoutingRequest { task_id: task.to_owned() }
}

#[tokio::test]
async fn who_looks_at_a_task_or_its_routing_is_on_record_and_refused_looks_too() {
    let (world, replica, task) = with_task(&["anna"]).await;
    let id = task.task_id;
    let before = world.looks().len();
    replica.get("anna", &id).await.unwrap();
    replica.api.clone().explain_routing(of(COORDINATOR, explain(&id))).await.unwrap();
    let refused_look = replica.get("eva", &id).await.unwrap_err();
    let absent = replica.get("eva", &world.task_of(9)).await.unwrap_err();
    assert_eq!((refused_look.code(), refused_look.message()), (absent.code(), absent.message()));
    refused(
        replica.api.clone().explain_routing(of("stranger", explain(&id))).await,
        Code::NotFound,
        "NOT_FOUND",
    );
    let mut operator = of("x", GetTaskRequest { task_id: id.clone(), at_least: None });
    operator.metadata_mut().insert(DEV_IDENTITY, "operator".parse().unwrap());
    replica.api.clone().get_task(operator).await.unwrap();

    let looks = world.looks().split_off(before);
    assert_eq!(
        looks.iter().map(|(_, look)| told(look)).collect::<Vec<_>>(),
        [
            ("anna".into(), Role::Professional, "get-task", true),
            (COORDINATOR.into(), Role::Coordinator, "explain-routing", true),
            ("eva".into(), Role::Professional, "get-task", false),
            ("stranger".into(), Role::Unspecified, "explain-routing", false),
            ("operator".into(), Role::Operator, "get-task", true),
        ]
    );
    for (subject, look) in &looks {
        let hex = id.parse::<TaskId>().unwrap().to_hex();
        assert_eq!(*subject, format!("voordeur.audit.v1.routing.{hex}"));
        assert_eq!(
            (look.event_action_code(), look.data_subject_id.as_ref()),
            (AuditAction::R, [1; 16].as_ref())
        );
        assert_eq!(look.participant_object_id_type(), AuditObjectType::Task);
        assert_eq!(look.participant_object_id, bytes(&id));
        assert_eq!(look.autorisatie_protocol, "team-of-centre/1 directory/1");
        assert!(look.event_date_time.is_some() && !look.purpose_of_use.is_empty());
    }
    replica.stop().await;
}

#[tokio::test]
async fn a_page_that_shows_tasks_about_children_is_one_record_that_names_them() {
    let (world, replica, first) = with_task(&["anna"]).await;
    world.pass(1);
    let group =
        world.signal_with(2, |s| (s.subject, s.child) = (SubjectKind::Group.into(), Vec::new().into())).await;
    replica.task("anna", &group).await;
    world.pass(1);
    let third = replica.signal(3).await;
    let before = world.looks().len();
    assert_eq!(replica.list("anna").await.len(), 3);
    assert!(replica.list("bea").await.is_empty());
    let one = ListTasksRequest { page_size: 1, ..ListTasksRequest::default() };
    let page = replica.api.clone().list_tasks(of("anna", one.clone())).await.unwrap().into_inner();
    let next = ListTasksRequest { page_token: page.next_page_token, ..one };
    let page = replica.api.clone().list_tasks(of("anna", next)).await.unwrap().into_inner();
    assert_eq!(page.tasks[0].task_id, group);

    let looks = world.looks().split_off(before);
    let named: Vec<Vec<_>> =
        looks.iter().map(|(_, look)| look.listed_object_ids.iter().map(|id| id.to_vec()).collect()).collect();
    let (first, third) = (bytes(&first.task_id), bytes(&third.task_id));
    assert_eq!(named, [vec![first.clone(), third], vec![first]], "no child shown, no record");
    for (subject, look) in &looks {
        assert_eq!(told(look), ("anna".into(), Role::Professional, "list-tasks", true));
        assert!(look.data_subject_id.is_empty() && look.participant_object_id.len() == 16);
        assert_eq!(*subject, looks[0].0, "one history for each list");
        assert!(subject.starts_with("voordeur.audit.v1.routing.") && !subject.contains("anna"), "{subject}");
    }
    replica.stop().await;
}

#[tokio::test]
async fn a_watch_names_each_task_about_a_child_once_before_it_shows_it() {
    let (world, replica, first) = with_task(&["anna"]).await;
    let before = world.looks().len();
    let watched = || -> Vec<Vec<Vec<u8>>> {
        let looks = world.looks().split_off(before);
        let looks = looks.iter().filter(|(_, look)| look.event_id == "watch-tasks");
        looks.map(|(_, look)| look.listed_object_ids.iter().map(|id| id.to_vec()).collect()).collect()
    };
    let mut bea = Watcher::of(&replica, "bea", None, false).await;
    bea.caught_up().await;
    assert!(watched().is_empty(), "nothing was shown");

    let mut anna = Watcher::of(&replica, "anna", None, false).await;
    anna.task().await;
    let first = bytes(&first.task_id);
    assert_eq!(watched(), [[first.clone()]]);
    anna.caught_up().await;
    let second = replica.signal(2).await.task_id;
    assert_eq!(anna.task().await.task_id, second);
    assert_eq!(watched(), [[first.clone()], [bytes(&second)]]);
    step!(
        replica,
        "anna",
        record_contact,
        RecordContactRequest {
            task_id: second.clone(),
            command: command("1"),
            kind: 1,
            with: 1,
            reached: true
        }
    )
    .unwrap();
    assert_eq!(anna.task().await.task_id, second);
    assert_eq!(watched().len(), 2, "a change of what is shown already is no new look");

    // Who resumes looks anew, at what changed meanwhile only.
    let left_at = anna.position.clone();
    drop(anna);
    let mut anna = Watcher::of(&replica, "anna", left_at, false).await;
    anna.caught_up().await;
    assert_eq!(watched().len(), 2);
    replica.stop().await;
}

#[tokio::test]
async fn what_a_refused_or_repeated_step_tells_is_on_record_and_a_step_is_its_own_record() {
    let (world, replica, task) = with_task(&["anna"]).await;
    let id = task.task_id;
    let before = world.looks().len();
    let contact = |person: &'static str| {
        let (replica, id) = (&replica, id.clone());
        async move {
            step!(
                replica,
                person,
                record_contact,
                RecordContactRequest { task_id: id, command: command("1"), kind: 1, with: 1, reached: true }
            )
        }
    };
    contact("anna").await.unwrap();
    assert_eq!(world.looks().len(), before);
    contact("anna").await.unwrap();
    refused(contact("bea").await, Code::PermissionDenied, "NOT_YOUR_STEP");
    refused(contact("eva").await, Code::NotFound, "NOT_FOUND");
    let looks = world.looks().split_off(before);
    assert_eq!(
        looks.iter().map(|(_, look)| (told(look), look.event_action_code())).collect::<Vec<_>>(),
        [
            (("anna".into(), Role::Professional, "record-contact", true), AuditAction::R),
            (("bea".into(), Role::Professional, "record-contact", false), AuditAction::U),
            (("eva".into(), Role::Professional, "record-contact", false), AuditAction::U),
        ]
    );
    replica.stop().await;
}

#[tokio::test]
async fn what_cannot_be_put_on_record_is_not_shown() {
    let (world, replica, task) = with_task(&["anna"]).await;
    let id = task.task_id;
    world.broker.limit(StreamName::Audit, 1);
    let why = (Code::Unavailable, "NOT_ON_RECORD");
    refused(replica.get("anna", &id).await, why.0, why.1);
    refused(replica.get("eva", &id).await, why.0, why.1);
    refused(replica.api.clone().explain_routing(of("anna", explain(&id))).await, why.0, why.1);
    refused(replica.api.clone().list_tasks(of("anna", ListTasksRequest::default())).await, why.0, why.1);
    let not_hers = step!(
        replica,
        "bea",
        record_contact,
        RecordContactRequest { task_id: id.clone(), command: command("1"), kind: 1, with: 1, reached: true }
    );
    refused(not_hers, why.0, why.1);
    let mut anna = Watcher::of(&replica, "anna", None, false).await;
    assert_eq!(anna.refused().await, Code::Unavailable);

    // A watch that showed nothing yet is cut before it shows the first.
    let mut bea = Watcher::of(&replica, "bea", None, false).await;
    bea.caught_up().await;
    step!(
        replica,
        COORDINATOR,
        assign_task,
        AssignTaskRequest { task_id: id.clone(), command: command("2"), professional: "bea", reason: 1 }
    )
    .unwrap();
    assert_eq!(bea.refused().await, Code::Unavailable);

    // Lists without children are shown all the same.
    assert!(replica.list("cor").await.is_empty());
    replica.stop().await;
}
