//! A coordinator holds a task herself, and the centre has a second one: while the first is away, the second is asked who goes on.

use jiff::SignedDuration;
use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{AssignReason, AwayReason, NoticeReason, TaskEvent, task_event::Change},
    routing::{
        MarkAbsentRequest, MarkReturnedRequest, Task, WatchNoticesRequest,
        notice_service_client::NoticeServiceClient, watch_notices_response::Item,
    },
};
use voordeur_eventlog::StreamName;
use voordeur_kernel::Clock as _;

use crate::{
    step,
    support::{COORDINATOR, Replica, World, command, directory, of},
};

const SECOND: &str = r#"
[person.erik]
label = "erik"
organisation = "hulp"
role = "coordinator"
centres = ["wilg"]
"#;

async fn world(present: &[&str]) -> World {
    let world = World::with(present).await;
    world.apply(&(directory(present) + SECOND), 1).await;
    world
}

async fn absent(world: &World, replica: &Replica, person: &str) {
    let until = world.clock.now().saturating_add(SignedDuration::from_hours(72)).unwrap();
    let request = MarkAbsentRequest {
        command: command("absent"),
        professional: person.into(),
        until: Some(to_wire_time(until)),
        ..MarkAbsentRequest::default()
    };
    replica.presence.clone().mark_absent(of(person, request)).await.unwrap();
}

async fn returned(replica: &Replica, person: &str) {
    let request = MarkReturnedRequest { command: command("back"), professional: person.into() };
    replica.presence.clone().mark_returned(of(person, request)).await.unwrap();
}

/// A task in the hands of a coordinator, given to her by one of them.
async fn held_by(replica: &Replica, signal: u8, person: &str) -> String {
    let task = replica.signal(signal).await.task_id;
    step!(
        replica,
        COORDINATOR,
        assign_task,
        AssignTaskRequest {
            task_id: task.clone(),
            command: command(&format!("assign-{signal}")),
            professional: person,
            reason: AssignReason::Other
        }
    )
    .unwrap();
    task
}

/// What somebody is told now, by task.
async fn told(replica: &Replica, person: &str) -> Vec<(String, NoticeReason)> {
    let mut request = of(person, WatchNoticesRequest::default());
    request.metadata_mut().remove("grpc-timeout");
    let mut client = NoticeServiceClient::new(replica.channel().await);
    let mut stream = client.watch_notices(request).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Item::Notice(notice) = stream.message().await.unwrap().unwrap().item.unwrap() {
        told.push((notice.task_id.clone(), notice.reason()));
    }
    told
}

/// Whom the clocks of a task told, ring by ring.
async fn rang(world: &World, task: &str) -> Vec<Vec<String>> {
    let history = world.history(StreamName::Tasks, task.trim_start_matches("tsk_")).await;
    let events = history.iter().map(|message| TaskEvent::decode(&*message.data).unwrap());
    let told = |event: TaskEvent| match event.change.unwrap() {
        Change::ClockRang(rang) => Some(rang.told),
        _ => None,
    };
    events.filter_map(told).collect()
}

#[tokio::test]
async fn who_holds_and_catches_it_is_away_and_the_second_is_asked_who_goes_on() {
    let world = world(&[]).await;
    let (one, two) = (world.start().await, world.start().await);
    let task = held_by(&one, 1, COORDINATOR).await;
    absent(&world, &one, COORDINATOR).await;
    world.happened(&task, "holder_away", 1).await;
    world.happened(&task, "coordinator_replaced", 1).await;
    let asked = |t: &Task| t.holder_away.is_some() && t.coordinator == "erik";
    let seen = two.task_when("erik", &task, "is asked of the second", asked).await;
    assert_eq!(seen.holder_away.as_ref().unwrap().reason(), AwayReason::Absent);
    assert_eq!(seen.holder, COORDINATOR, "it stays hers");
    assert_eq!(two.list("erik").await, std::slice::from_ref(&task));
    for step in ["AssignTask", "LeaveWithHolder"] {
        assert!(seen.allowed_steps.contains(&step.to_owned()), "{:?}", seen.allowed_steps);
    }
    let events = world.events(&task).await;
    assert!(!events.contains(&"nobody_to_tell"), "{events:?}");
    assert!(told(&two, "erik").await.iter().any(|(about, _)| *about == task));
    assert!(told(&two, COORDINATOR).await.iter().all(|(_, why)| *why != NoticeReason::HolderAway));
    // It rings with him until he says who goes on.
    world.pass(48);
    world.happened(&task, "clock_rang", 1).await;
    assert_eq!(rang(&world, &task).await[0], ["erik"]);
    step!(
        two,
        "erik",
        assign_task,
        AssignTaskRequest {
            task_id: task.clone(),
            command: command("goes-on"),
            professional: "erik",
            reason: AssignReason::Absence
        }
    )
    .unwrap();
    assert_eq!(world.standing(&task).await.holder, "erik");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn who_holds_and_catches_it_works_elsewhere_from_now_on_and_the_second_is_asked() {
    let world = world(&[]).await;
    let replica = world.start().await;
    let task = held_by(&replica, 1, COORDINATOR).await;
    let hers = "label = \"dora\"\norganisation = \"hulp\"\nrole = \"coordinator\"\ncentres = [\"wilg\"]";
    let text = directory(&[]) + SECOND;
    assert!(text.contains(hers));
    world.apply(&text.replace(hers, &hers.replace("wilg", "els")), 2).await;
    world.happened(&task, "holder_away", 1).await;
    world.happened(&task, "coordinator_replaced", 1).await;
    let asked = |t: &Task| t.holder_away.is_some() && t.coordinator == "erik";
    let seen = replica.task_when("erik", &task, "is asked of the second", asked).await;
    assert_eq!(seen.holder_away.as_ref().unwrap().reason(), AwayReason::LeftCentre);
    assert_eq!(replica.list("erik").await, [task]);
    replica.stop().await;
}

#[tokio::test]
async fn of_two_coordinators_whoever_is_there_is_asked_about_the_other_whoever_catches_it() {
    let world = world(&[]).await;
    let replica = world.start().await;
    // The second holds it, the first catches it.
    let his = held_by(&replica, 1, "erik").await;
    absent(&world, &replica, "erik").await;
    world.happened(&his, "holder_away", 1).await;
    let seen = replica.task_when(COORDINATOR, &his, "asks who goes on", |t| t.holder_away.is_some()).await;
    assert_eq!(seen.coordinator, COORDINATOR);
    assert_eq!(told(&replica, COORDINATOR).await, [(his.clone(), NoticeReason::HolderAway)]);
    // Both are away: that is an event with an alarm, until one of them is back.
    absent(&world, &replica, COORDINATOR).await;
    world.happened(&his, "nobody_to_tell", 1).await;
    returned(&replica, "erik").await;
    world.happened(&his, "holder_away_ended", 1).await;
    world.happened(&his, "coordinator_replaced", 1).await;

    // What she holds while he catches it.
    let hers = replica.signal(2).await;
    assert_eq!(hers.coordinator, "erik");
    step!(
        replica,
        "erik",
        assign_task,
        AssignTaskRequest {
            task_id: hers.task_id.clone(),
            command: command("assign-2"),
            professional: COORDINATOR,
            reason: AssignReason::Other
        }
    )
    .unwrap();
    world.happened(&hers.task_id, "holder_away", 1).await;
    assert!(told(&replica, "erik").await.contains(&(hers.task_id, NoticeReason::HolderAway)));
    replica.stop().await;
}

#[tokio::test]
async fn a_second_coordinator_who_holds_a_task_is_reminded_of_it_before_the_first_is_told() {
    let world = world(&[]).await;
    let replica = world.start().await;
    let task = held_by(&replica, 1, "erik").await;
    // Five working days: Monday to Monday.
    world.pass(24 * 7);
    world.happened(&task, "clock_rang", 1).await;
    assert_eq!(rang(&world, &task).await[0], ["erik"]);
    replica.stop().await;
}
