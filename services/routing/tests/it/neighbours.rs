//! Somebody of a neighbouring centre helps, by a recorded arrangement and only by that.

use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    event::{AwayReason, TaskEvent, TaskState, task_event::Change},
    routing::GetTaskRequest,
};
use voordeur_eventlog::StreamName;

use crate::{
    step,
    support::{COORDINATOR, World, command, directory, of, refused},
};

const POLICY: &str = r#"
[routing]
version = 1
default = "buren"
[routing.ladder.buren]
steps = [
    { audience = "present_at_centre", within = "4 working hours" },
    { audience = "neighbouring_centre", within = "4 working hours" },
    { audience = "coordinator" },
]
accept = "2 working days"
first_contact = "5 working days"
answer = "10 working days"
repeat = "8 working hours"
"#;

fn arranged(until: &str) -> String {
    let arrangement = format!(
        "[[arrangement]]\ncentre = \"wilg\"\nneighbour = \"els\"\nfrom = 2026-01-01\nuntil = {until}\n"
    );
    directory(&["eva"]) + POLICY + &arrangement
}

#[tokio::test]
async fn somebody_of_a_neighbour_is_reminded_of_what_she_holds_before_the_coordinator_is_told() {
    let world = World::with(&["eva"]).await;
    world.apply(&arranged("2026-12-31"), 1).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    step!(replica, "eva", accept_task, AcceptTaskRequest { task_id: task.clone(), command: command("1") })
        .unwrap();
    // Five working days: Monday to Monday.
    world.pass(24 * 7);
    world.happened(&task, "clock_rang", 1).await;
    let id = task.trim_start_matches("tsk_");
    let last = world.history(StreamName::Tasks, id).await.pop().unwrap();
    let told = match TaskEvent::decode(&*last.data).unwrap().change.unwrap() {
        Change::ClockRang(rang) => rang.told,
        other => panic!("{other:?}"),
    };
    assert_eq!(told, ["eva"]);
    replica.stop().await;
}

#[tokio::test]
async fn somebody_of_a_neighbour_is_asked_sees_it_takes_it_and_is_asked_about_when_the_arrangement_ends() {
    let world = World::with(&["eva"]).await;
    let replica = world.start().await;
    let without = replica.signal(1).await;
    assert_eq!(without.offered_to, [COORDINATOR], "without an arrangement nobody of another centre is asked");
    let hidden = GetTaskRequest { task_id: without.task_id.clone(), at_least: None };
    refused(replica.api.clone().get_task(of("eva", hidden)).await, Code::NotFound, "NOT_FOUND");

    world.apply(&arranged("2026-01-06"), 1).await;
    // A replica that starts has the newest directory.
    replica.stop().await;
    let replica = world.start().await;
    let task = replica.signal(2).await;
    assert_eq!(task.offered_to, ["eva"]);
    assert!(replica.list("eva").await.contains(&task.task_id));
    assert_eq!(replica.get("eva", &task.task_id).await.unwrap().allowed_steps, ["DeclineTask", "AcceptTask"]);
    let (taken, _) = step!(
        replica,
        "eva",
        accept_task,
        AcceptTaskRequest { task_id: task.task_id.clone(), command: command("1") }
    )
    .unwrap();
    assert_eq!((taken.state(), taken.holder.as_str()), (TaskState::Accepted, "eva"));
    let others = GetTaskRequest { task_id: without.task_id, at_least: None };
    refused(replica.api.clone().get_task(of("eva", others)).await, Code::NotFound, "NOT_FOUND");

    // Monday ten o'clock; the arrangement holds until the end of Tuesday.
    world.pass(37);
    replica.signal(250).await;
    assert_eq!(world.events(&task.task_id).await, ["requested", "accepted"]);
    world.pass(1);
    world.happened(&task.task_id, "holder_away", 1).await;
    let asks =
        replica.task_when(COORDINATOR, &task.task_id, "asks who goes on", |t| t.holder_away.is_some()).await;
    assert_eq!(asks.holder_away.unwrap().reason(), AwayReason::LeftCentre);
    replica.stop().await;
}
