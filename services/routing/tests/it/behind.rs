//! A replica that still has an old directory in force, beside tasks that have seen a newer one: it says nothing about people whom it may not
//! know yet, and does the rest of its work.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use voordeur_contracts::{
    convert::to_wire_time,
    event::TaskState,
    routing::{MarkAbsentRequest, Task},
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker, Bucket, BucketName, ConsumerName, Deadline, EventLog, StreamName, Wakeups, memory::MemoryBroker,
    topology,
};
use voordeur_kernel::Clock as _;
use voordeur_routing::Settings;

use crate::{
    step,
    support::{COORDINATOR, Replica, World, command, directory, of, soon},
};

/// The same streams, and a bucket in which the directory stays as it was.
#[derive(Debug)]
struct Behind {
    broker: MemoryBroker,
    old: MemoryBroker,
}

#[async_trait]
impl Broker for Behind {
    fn log(&self, stream: StreamName) -> Arc<dyn EventLog> {
        self.broker.log(stream)
    }

    fn wakeups(&self, consumer: ConsumerName) -> Arc<dyn Wakeups> {
        self.broker.wakeups(consumer)
    }

    fn bucket(&self, bucket: BucketName) -> Arc<dyn Bucket> {
        if bucket == BucketName::Directory { self.old.bucket(bucket) } else { self.broker.bucket(bucket) }
    }

    async fn verify(&self, deadline: Deadline) -> Result<(), topology::TopologyError> {
        self.broker.verify(deadline).await
    }

    async fn apply(&self, deadline: Deadline) -> Result<Vec<topology::Change>, topology::TopologyError> {
        self.broker.apply(deadline).await
    }

    fn connected(&self) -> bool {
        self.broker.connected()
    }
}

/// A replica that has the last of these first versions of the directory, and hears of no other.
async fn behind(world: &World, versions: &[&str]) -> Replica {
    let old = MemoryBroker::new();
    let store = DirectoryStore::new(old.bucket(BucketName::Directory));
    for (version, text) in (0..).zip(versions) {
        store.apply(text, version, soon()).await.unwrap();
    }
    let broker = Behind { broker: world.broker.clone(), old };
    world.start_on(Arc::new(broker), Settings::new(world.deriver.clone())).await
}

async fn absent(world: &World, replica: &Replica, person: &str) {
    let until = world.clock.now().saturating_add(SignedDuration::from_hours(48)).unwrap();
    let request = MarkAbsentRequest {
        command: command("absent"),
        professional: person.into(),
        until: Some(to_wire_time(until)),
        ..MarkAbsentRequest::default()
    };
    replica.presence.clone().mark_absent(of(person, request)).await.unwrap();
}

async fn accepted(replica: &Replica, person: &str, task: &str) -> Task {
    let (task, _) = step!(
        replica,
        person,
        accept_task,
        AcceptTaskRequest { task_id: task, command: command(&format!("accept-{task}")) }
    )
    .unwrap();
    task
}

/// Without Bea, who comes by the newer one.
fn before_bea() -> String {
    directory(&["anna", "cor"]).replace("[person.bea]", "[person.bep]")
}

#[tokio::test]
async fn nobody_is_said_to_have_left_by_a_directory_that_does_not_know_her_yet() {
    let world = World::with(&[]).await;
    world.apply(&before_bea(), 1).await;
    let replica = world.start().await;
    let old = replica.signal(1).await;
    assert_eq!(old.offered_to, ["anna", "cor"]);
    replica.stop().await;
    world.apply(&directory(&["anna", "bea", "cor"]), 2).await;
    let replica = world.start().await;
    let waiting = replica.signal(2).await;
    assert_eq!(waiting.offered_to, ["anna", "bea", "cor"]);
    let held = replica.signal(3).await.task_id;
    accepted(&replica, "bea", &held).await;
    let asked = replica.signal(4).await.task_id;
    accepted(&replica, "anna", &asked).await;
    step!(
        replica,
        "anna",
        propose_transfer,
        ProposeTransferRequest {
            task_id: asked.clone(),
            command: command("propose"),
            professional: "bea",
            reason: 4
        }
    )
    .unwrap();
    replica.stop().await;

    // Only the replica that is behind runs. It compares all of them at its start, before this absence.
    let replica = behind(&world, &[&directory(&[]), &before_bea()]).await;
    absent(&world, &replica, "anna").await;
    world.happened(&old.task_id, "offer_withdrawn", 1).await;
    assert_eq!(world.events(&waiting.task_id).await, ["requested"]);
    assert_eq!(world.events(&held).await, ["requested", "accepted"]);
    assert_eq!(world.events(&asked).await, ["requested", "accepted", "transfer_proposed"]);

    // One with the newer directory says what is true of them.
    let newer = world.start().await;
    world.happened(&waiting.task_id, "offer_withdrawn", 1).await;
    world.happened(&asked, "holder_away", 1).await;
    assert_eq!(world.events(&held).await, ["requested", "accepted"]);
    let seen = newer.task(COORDINATOR, &waiting.task_id).await;
    assert_eq!(seen.offered_to, ["bea", "cor"]);
    replica.stop().await;
    newer.stop().await;
}

#[tokio::test]
async fn who_left_by_a_newer_directory_is_not_said_to_be_back_by_an_older_one() {
    let world = World::with(&[]).await;
    let all = directory(&["anna", "bea", "cor"]);
    world.apply(&all, 1).await;
    let replica = world.start().await;
    let held = replica.signal(1).await.task_id;
    accepted(&replica, "anna", &held).await;
    let old = replica.signal(2).await.task_id;
    world.apply(&all.replace("[person.anna]", "[person.anneke]"), 2).await;
    world.happened(&held, "holder_away", 1).await;
    world.happened(&old, "offer_withdrawn", 1).await;
    replica.stop().await;

    let replica = behind(&world, &[&directory(&[]), &all]).await;
    // What it may do shows that it looked: nothing was decided on this one with the newer directory.
    let new = replica.signal(3).await.task_id;
    absent(&world, &replica, "cor").await;
    world.happened(&new, "offer_withdrawn", 1).await;
    assert_eq!(world.events(&held).await, ["requested", "accepted", "holder_away"]);
    replica.stop().await;
}

#[tokio::test]
async fn a_coordinator_whom_an_older_directory_does_not_know_keeps_what_she_catches() {
    let world = World::with(&["anna"]).await;
    let before = directory(&["anna"]);
    world.apply(&before.replace(COORDINATOR, "erik"), 1).await;
    let replica = world.start().await;
    let task = world.signal(1).await;
    let seen = replica.task("erik", &task).await;
    assert_eq!((seen.holder.as_str(), seen.coordinator.as_str()), ("anna", "erik"));
    replica.stop().await;

    // Anna gives up by the replica that is behind: it is the coordinator's, and that is still the one of the newer directory.
    let replica = behind(&world, &[&before]).await;
    let (failed, _) = step!(
        replica,
        "anna",
        fail_task,
        FailTaskRequest { task_id: task.clone(), command: command("fail"), reason: 1 }
    )
    .unwrap();
    assert_eq!((failed.state(), failed.holder.as_str()), (TaskState::Failed, "erik"));
    assert_eq!(world.events(&task).await, ["requested", "failed"]);
    replica.stop().await;
}
