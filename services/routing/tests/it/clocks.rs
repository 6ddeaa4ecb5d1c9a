use voordeur_contracts::{
    convert::to_wire_time,
    event::{ClockKind, TaskState},
    routing::MarkAbsentRequest,
};
use voordeur_kernel::Clock as _;

use crate::{
    step,
    support::{COORDINATOR, World, command, of},
};

#[tokio::test]
async fn offers_that_nobody_answers_go_on_when_their_time_is_over() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    world.pass(5);
    let task = replica
        .task_when(COORDINATOR, &task, "stands with the coordinator", |t| t.offered_to == [COORDINATOR])
        .await;
    assert_eq!(task.state(), TaskState::Requested);
    assert_eq!(world.events(&task.task_id).await, ["requested", "offers_timed_out"]);
    assert!(replica.list("anna").await.is_empty());
    replica.stop().await;
}

#[tokio::test]
async fn deadlines_survive_a_restart_and_fire_once_among_replicas() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    replica.stop().await;
    // While nobody runs, both clocks of the task pass.
    world.pass(24 * 30);
    let (one, two) = (world.start().await, world.start().await);
    world.happened(&task, "clock_rang", 2).await;
    let seen = one.task_when("anna", &task, "is overdue", |t| t.overdue).await;
    assert!(seen.deadlines.iter().all(|deadline| deadline.round == 1), "{:?}", seen.deadlines);
    two.task_when("anna", &task, "is overdue", |t| t.overdue).await;
    assert_eq!(world.events(&task).await, ["requested", "clock_rang", "clock_rang"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_clock_rings_again_with_the_coordinator_and_closes_nothing() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    // Five working days: Monday to Monday.
    world.pass(24 * 7);
    world.happened(&task, "clock_rang", 1).await;
    assert!(replica.list(COORDINATOR).await.is_empty(), "the holder is reminded first");
    // Eight working hours: Monday ten o'clock to Tuesday nine o'clock.
    world.pass(23);
    world.happened(&task, "clock_rang", 2).await;
    let twice = |t: &voordeur_contracts::routing::Task| {
        t.deadlines.iter().any(|d| d.clock() == ClockKind::FirstContact && d.round == 2)
    };
    let seen = replica.task_when(COORDINATOR, &task, "rang twice", twice).await;
    assert_eq!((seen.state(), seen.holder.as_str(), seen.version), (TaskState::Accepted, "anna", 0));
    assert_eq!(replica.list(COORDINATOR).await, std::slice::from_ref(&task));

    // What a reminder changed does not spoil a tap.
    let (after, _) = step!(
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
    )
    .unwrap();
    assert_eq!((after.state(), after.version), (TaskState::InProgress, 1));
    replica.stop().await;
}

#[tokio::test]
async fn a_clock_that_can_be_told_to_nobody_has_its_event_and_rings_again() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let until = world.clock.now().saturating_add(jiff::SignedDuration::from_hours(24 * 8)).unwrap();
    for person in ["anna", COORDINATOR] {
        let absent = MarkAbsentRequest {
            command: command("away"),
            professional: person.into(),
            until: Some(to_wire_time(until)),
            stand_in: String::new(),
            from: None,
        };
        replica.presence.clone().mark_absent(of(person, absent)).await.unwrap();
    }
    // Nobody can be asked who goes on, and the first contact is due after five working days, when neither of them is there.
    world.happened(&task, "holder_away", 1).await;
    world.pass(24 * 7 + 1);
    world.happened(&task, "nobody_to_tell", 2).await;
    world.pass(24 * 2);
    world.happened(&task, "holder_away_ended", 1).await;
    world.happened(&task, "clock_rang", 1).await;
    let seen = replica.task(COORDINATOR, &task).await;
    assert_eq!((seen.state(), seen.holder.as_str()), (TaskState::Accepted, "anna"), "nothing is closed");
    replica.stop().await;
}

#[tokio::test]
async fn a_stopped_clock_does_not_ring() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: task.clone(), command: command("1") })
        .unwrap();
    world.pass(24 * 3);
    // A later task whose offers time out shows that the clocks were looked at.
    let other = replica.signal(2).await.task_id;
    world.pass(5);
    world.happened(&other, "offers_timed_out", 1).await;
    assert_eq!(world.events(&task).await, ["requested", "accepted"]);
    replica.stop().await;
}
