//! Why a task came to whom it came: for every task that was ever made, to whoever may know.

use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    common::{Role, actor::Who},
    event::{AnswerStatus, AssignReason, ClockKind, TaskEvent, TaskOutcome, task_event},
    routing::{ExplainRoutingRequest, ExplainRoutingResponse},
};
use voordeur_eventlog::{StreamName, Version};
use voordeur_kernel::TaskId;

use crate::{
    step,
    support::{COORDINATOR, Replica, World, command, directory, of, refused},
};

async fn explain(
    replica: &Replica,
    person: &str,
    task: &str,
) -> Result<ExplainRoutingResponse, tonic::Status> {
    let request = ExplainRoutingRequest { task_id: task.to_owned() };
    replica.api.clone().explain_routing(of(person, request)).await.map(tonic::Response::into_inner)
}

fn assign(to: &str, reason: AssignReason) -> voordeur_contracts::routing::AssignTaskRequest {
    voordeur_contracts::routing::AssignTaskRequest {
        professional: to.to_owned(),
        reason: reason.into(),
        command: command("assign"),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_choice_the_clocks_and_everything_that_happened_are_told_from_the_history_alone() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    step!(
        replica,
        "anna",
        decline_task,
        DeclineTaskRequest { task_id: task.clone(), command: command("no"), reason: 1 }
    )
    .unwrap();
    world.pass(5);
    world.happened(&task, "offers_timed_out", 1).await;
    let request = voordeur_contracts::routing::AssignTaskRequest {
        task_id: task.clone(),
        ..assign("cor", AssignReason::NobodyAccepted)
    };
    replica.api.clone().assign_task(of(COORDINATOR, request)).await.unwrap();
    step!(
        replica,
        "cor",
        answer_task,
        AnswerTaskRequest {
            task_id: task.clone(),
            command: command("done"),
            outcome: TaskOutcome::Advice,
            status: AnswerStatus::AdviceGiven
        }
    )
    .unwrap();
    let told = explain(&replica, "anna", &task).await.unwrap();
    let sight = told.sight.as_ref().unwrap();
    let mut people: Vec<&str> = sight.people.iter().map(|seen| seen.professional.as_str()).collect();
    people.sort_unstable();
    assert_eq!((people, sight.coordinator.as_str()), (vec!["anna", "bea", "cor"], COORDINATOR));
    let plan = told.plan.as_ref().unwrap();
    let candidates = || plan.steps.iter().flat_map(|step| &step.candidates);
    assert!(candidates().all(|candidate| !candidate.reasons.is_empty()), "everybody with why or why not");
    assert!(candidates().any(|candidate| candidate.professional == "cor" && !candidate.chosen));
    let clocks: Vec<ClockKind> = told.clocks.iter().map(|clock| clock.clock()).collect();
    for clock in [ClockKind::Offer, ClockKind::Accept, ClockKind::FirstContact, ClockKind::Answer] {
        assert!(clocks.contains(&clock), "{clocks:?}");
    }
    let lines: Vec<(&str, &str, Vec<&str>)> = told
        .timeline
        .iter()
        .map(|e| (e.event.as_str(), e.reason.as_str(), e.people.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        lines,
        [
            ("requested", "", vec!["anna", "bea"]),
            ("offer_declined", "DECLINE_REASON_NO_TIME", vec!["anna"]),
            ("offers_timed_out", "", vec!["bea"]),
            ("assigned", "ASSIGN_REASON_NOBODY_ACCEPTED", vec!["cor"]),
            ("answered", "TASK_OUTCOME_ADVICE", vec![]),
        ]
    );
    let role = |entry: usize| match told.timeline[entry].actor.clone().unwrap().who.unwrap() {
        Who::Person(person) => Some(person.role()),
        _ => None,
    };
    assert_eq!(
        [0, 1, 3, 4].map(role),
        [None, Some(Role::Professional), Some(Role::Coordinator), Some(Role::Professional)]
    );
    assert!(told.timeline.iter().all(|entry| entry.directory_version == told.directory_version));

    // The same after a restart, when the one who answered it does not work here any more.
    let whole = directory(&["anna", "bea"]);
    let (others, cor) = whole.split_once("[person.cor]").unwrap();
    let cor = cor.replacen("centres = [\"wilg\"]", "centres = [\"els\"]", 1);
    let without_cor = format!("{others}[person.cor]{cor}");
    world.apply(&without_cor, told.directory_version).await;
    let other = world.start().await;
    let again = explain(&other, COORDINATOR, &task).await.unwrap();
    assert_eq!(again, told);
    replica.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_task_from_before_the_sight_was_kept_is_explained_as_well() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let id: TaskId = task.parse().unwrap();
    let history = world.history(StreamName::Tasks, &id.to_hex()).await;
    let mut event = TaskEvent::decode(&*history[0].data).unwrap();
    let Some(task_event::Change::Requested(requested)) = &mut event.change else { panic!("not requested") };
    requested.sight = None;
    let old = TaskId::from_bytes([0xAB; 16]);
    let data = event.encode_to_vec();
    world.append(StreamName::Tasks, "voordeur.task.v1", &old.to_hex(), Version::ABSENT, data).await;
    replica.task("anna", &old.to_string()).await;
    let told = explain(&replica, "anna", &old.to_string()).await.unwrap();
    assert!(told.sight.is_none() && told.plan.is_some() && told.timeline.len() == 1);
    replica.stop().await;
}

#[tokio::test]
async fn an_explanation_is_for_the_people_of_the_centre_and_each_look_is_on_record() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    explain(&replica, "anna", &task).await.unwrap();
    refused(explain(&replica, "eva", &task).await, Code::NotFound, "NOT_FOUND");
    refused(
        explain(&replica, "anna", "tsk_00000000000000000000000000000000").await,
        Code::NotFound,
        "NOT_FOUND",
    );
    let looks = world.looks();
    let looks = looks.iter().filter(|(_, look)| look.event_id == "explain-routing").count();
    assert_eq!(looks, 2, "also the one that was refused");
    replica.stop().await;
}
