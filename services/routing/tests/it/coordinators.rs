//! A centre gets another coordinator: nobody who left is expected to act.

use voordeur_contracts::event::{AssignReason, FailReason, TaskState};

use crate::{
    step,
    support::{COORDINATOR, World, command, directory},
};

/// The directory in which erik took over from the coordinator, who left.
fn with_erik(present: &[&str]) -> String {
    directory(present).replace(COORDINATOR, "erik")
}

#[tokio::test]
async fn what_stood_at_a_coordinator_who_left_is_the_next_ones_at_once() {
    let world = World::with(&[]).await;
    let (one, two) = (world.start().await, world.start().await);
    let waiting = one.signal(1).await.task_id;
    let failed = one.signal(2).await.task_id;
    let assign = Assign { task: &failed, to: "anna" };
    assign.by(&one, COORDINATOR).await;
    step!(
        one,
        "anna",
        fail_task,
        FailTaskRequest { task_id: failed.clone(), command: command("f"), reason: FailReason::Other as i32 }
    )
    .unwrap();
    assert_eq!(world.standing(&failed).await.holder, COORDINATOR);

    world.apply(&with_erik(&[]), 1).await;
    for task in [&waiting, &failed] {
        world.happened(task, "coordinator_replaced", 1).await;
        assert_eq!(world.standing(task).await.coordinator, "erik");
    }
    let seen = two.task_when("erik", &waiting, "is erik's", |t| t.coordinator == "erik").await;
    assert_eq!(
        (seen.state(), seen.offered_to.as_slice()),
        (TaskState::Requested, ["erik".into()].as_slice())
    );
    let seen = two.task_when("erik", &failed, "is erik's", |t| t.coordinator == "erik").await;
    assert_eq!((seen.state(), seen.holder.as_str(), seen.version), (TaskState::Failed, "erik", 2));
    assert!(seen.allowed_steps.contains(&"AnswerTask".to_owned()), "{:?}", seen.allowed_steps);
    let mut list = two.list("erik").await;
    list.sort();
    let mut both = vec![waiting.clone(), failed.clone()];
    both.sort();
    assert_eq!(list, both);
    assert!(two.list(COORDINATOR).await.is_empty());
    let again = Assign { task: &waiting, to: "bea" }.by(&two, "erik").await;
    assert_eq!(again.holder, "bea");
    let replaced = |events: Vec<&str>| events.iter().filter(|e| **e == "coordinator_replaced").count();
    assert_eq!(replaced(world.events(&failed).await), 1, "one event among replicas");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_task_that_fails_afterwards_goes_to_the_coordinator_in_force() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    world.apply(&with_erik(&["anna"]), 1).await;
    // Also a task in hand gets the new one: other services read who catches it from its newest event.
    world.happened(&task, "coordinator_replaced", 1).await;
    let (failed, _) = step!(
        replica,
        "anna",
        fail_task,
        FailTaskRequest { task_id: task.clone(), command: command("1"), reason: FailReason::Other as i32 }
    )
    .unwrap();
    assert_eq!((failed.state(), failed.holder.as_str()), (TaskState::Failed, "erik"));
    let standing = world.standing(&task).await;
    assert_eq!((standing.holder.as_str(), standing.coordinator.as_str()), ("erik", "erik"));
    replica.stop().await;
}

#[tokio::test]
async fn a_task_in_the_hands_of_somebody_who_left_stands_on_the_coordinators_list() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    assert!(replica.list(COORDINATOR).await.is_empty());
    world.apply(&directory(&[]).replace("person.anna", "person.annemiek"), 1).await;
    voordeur_testkit::eventually("it is on her list", crate::support::SOON, || async {
        let list = replica.list(COORDINATOR).await;
        if list == [task.clone()] { Ok(()) } else { Err(format!("{list:?}")) }
    })
    .await;
    assert!(replica.list("anna").await.is_empty(), "who left sees nothing");
    let moved = Assign { task: &task, to: "bea" }.by(&replica, COORDINATOR).await;
    assert_eq!(moved.holder, "bea");
    replica.stop().await;
}

struct Assign<'a> {
    task: &'a str,
    to: &'a str,
}

impl Assign<'_> {
    async fn by(self, replica: &crate::support::Replica, person: &str) -> voordeur_contracts::routing::Task {
        let (task, _) = step!(
            replica,
            person,
            assign_task,
            AssignTaskRequest {
                task_id: self.task,
                command: command("assign"),
                professional: self.to,
                reason: AssignReason::Other as i32
            }
        )
        .unwrap();
        task
    }
}

#[tokio::test]
async fn what_stands_at_a_coordinator_who_left_with_her_whole_centre_says_that_nobody_is_there() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let asked = replica.signal(1).await.task_id;
    let held = replica.signal(2).await.task_id;
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: held.clone(), command: command("1") })
        .unwrap();
    let without = directory(&[]).replace("wilg", "iep").replace("[person.dora]", "[person.dirk]");
    world.apply(&without, 1).await;
    world.happened(&held, "holder_away", 1).await;
    world.happened(&held, "nobody_to_tell", 1).await;
    world.happened(&asked, "nobody_to_tell", 1).await;
    // The clocks go on saying so, to nobody.
    world.pass(24 * 30);
    world.happened(&asked, "nobody_to_tell", 3).await;
    assert!(!world.events(&asked).await.contains(&"clock_rang"), "nobody who is gone is told");
    replica.stop().await;
}

#[tokio::test]
async fn what_stands_at_a_coordinator_who_went_to_another_centre_when_hers_was_closed_says_that_nobody_is_there()
 {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let held = replica.signal(1).await.task_id;
    // She sees the tasks of the Els from now on, and those of the Wilg no more.
    let closed = directory(&[]).replace("centres = [\"wilg\"]", "centres = [\"els\"]").replace("wilg", "iep");
    let other = "\n[person.gijs]\nlabel = \"gijs\"\norganisation = \"hulp\"\nrole = \"coordinator\"\ncentres = [\"iep\"]\n";
    world.apply(&(closed + other), 1).await;
    world.happened(&held, "holder_away", 1).await;
    world.happened(&held, "nobody_to_tell", 1).await;
    world.pass(24 * 30);
    world.happened(&held, "nobody_to_tell", 2).await;
    assert!(!world.events(&held).await.contains(&"clock_rang"), "nobody is told of what she cannot see");
    replica.stop().await;
}
