use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;
use voordeur_contracts::{
    common::Position,
    event::TaskState,
    routing::{Task, WatchTasksRequest, WatchTasksResponse, watch_tasks_response::Item},
};
use voordeur_eventlog::{StreamName, Version};

use crate::{
    step,
    support::{COORDINATOR, Replica, SOON, World, command, of, refused},
};

pub struct Watcher {
    stream: Streaming<WatchTasksResponse>,
    pub position: Option<Position>,
}

impl Watcher {
    pub async fn of(
        replica: &Replica,
        person: &str,
        resume_after: Option<Position>,
        whole_centre: bool,
    ) -> Self {
        let mut request = of(person, WatchTasksRequest { resume_after: resume_after.clone(), whole_centre });
        request.metadata_mut().remove("grpc-timeout");
        let stream = replica.apart().await.watch_tasks(request).await.unwrap().into_inner();
        Self { stream, position: resume_after }
    }

    async fn next(&mut self) -> Item {
        let message =
            tokio::time::timeout(SOON, self.stream.message()).await.expect("nothing came").unwrap().unwrap();
        self.position = message.position.or(self.position.take());
        message.item.unwrap()
    }

    pub async fn task(&mut self) -> Task {
        match self.next().await {
            Item::Task(task) => task,
            other => panic!("{other:?}"),
        }
    }

    async fn gone(&mut self) -> String {
        match self.next().await {
            Item::GoneTaskId(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// The next word is that it is over.
    pub async fn refused(&mut self) -> tonic::Code {
        let word = tokio::time::timeout(SOON, self.stream.message()).await.expect("nothing came");
        word.expect_err("something was shown").code()
    }

    pub async fn caught_up(&mut self) {
        assert!(matches!(self.next().await, Item::CaughtUp(_)));
        assert!(self.position.is_some());
    }
}

#[tokio::test]
async fn a_watch_shows_what_stands_and_then_what_comes_and_what_goes() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let first = replica.signal(1).await.task_id;
    let mut anna = Watcher::of(&replica, "anna", None, false).await;
    assert_eq!(anna.task().await.task_id, first);
    anna.caught_up().await;

    let second = replica.signal(2).await.task_id;
    let seen = anna.task().await;
    assert_eq!((seen.task_id.as_str(), seen.state()), (second.as_str(), TaskState::Requested));
    assert!(seen.allowed_steps.contains(&"AcceptTask".to_owned()));

    step!(replica, "bea", accept_task, AcceptTaskRequest { task_id: first.clone(), command: command("1") })
        .unwrap();
    assert_eq!(anna.gone().await, first);
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: second.clone(), command: command("1") })
        .unwrap();
    let held = anna.task().await;
    assert_eq!((held.task_id.as_str(), held.holder.as_str()), (second.as_str(), "anna"));
    step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest { task_id: second.clone(), command: command("2"), outcome: 1, status: 1 }
    )
    .unwrap();
    assert_eq!(anna.gone().await, second);
    replica.stop().await;
}

#[tokio::test]
async fn a_watch_resumes_where_it_was_left_on_another_replica() {
    let world = World::with(&["anna", "bea"]).await;
    let (one, two) = (world.start().await, world.start().await);
    let ids: Vec<String> =
        [one.signal(1).await, one.signal(2).await, one.signal(3).await].map(|t| t.task_id).to_vec();
    let mut anna = Watcher::of(&one, "anna", None, false).await;
    for _ in 0..3 {
        anna.task().await;
    }
    anna.caught_up().await;
    let left_at = anna.position.clone();
    drop(anna);

    // Meanwhile: one goes to somebody else, one is taken and ends, one stays, one comes.
    let accept = |person: &'static str, id: &str| {
        let (replica, id) = (&one, id.to_owned());
        async move {
            step!(
                replica,
                person,
                accept_task,
                AcceptTaskRequest { task_id: id.clone(), command: command(&id[..12]) }
            )
            .unwrap()
        }
    };
    accept("bea", &ids[0]).await;
    accept("anna", &ids[1]).await;
    step!(
        one,
        "anna",
        answer_task,
        AnswerTaskRequest { task_id: ids[1].clone(), command: command("done"), outcome: 1, status: 1 }
    )
    .unwrap();
    let fourth = one.signal(4).await.task_id;

    let mut anna = Watcher::of(&two, "anna", left_at, false).await;
    assert_eq!(anna.task().await.task_id, fourth, "what did not change is not sent again");
    let mut gone = [anna.gone().await, anna.gone().await];
    gone.sort();
    let mut expected = [ids[0].clone(), ids[1].clone()];
    expected.sort();
    assert_eq!(gone, expected);
    anna.caught_up().await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_task_that_nobody_can_read_keeps_nobody_from_resuming() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let (first, second) = (replica.signal(1).await.task_id, replica.signal(2).await.task_id);
    let mut anna = Watcher::of(&replica, "anna", None, false).await;
    anna.task().await;
    anna.task().await;
    anna.caught_up().await;
    let left_at = anna.position.clone();
    let key = first.trim_start_matches("tsk_");
    let last = world.history(StreamName::Tasks, key).await.pop().unwrap().sequence;
    world.append(StreamName::Tasks, "voordeur.task.v1", key, Version(last), vec![0xff]).await;
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
    let mut anna = Watcher::of(&replica, "anna", left_at, false).await;
    assert_eq!(anna.task().await.task_id, second);
    anna.caught_up().await;
    replica.stop().await;
}

#[tokio::test]
async fn a_coordinator_may_watch_her_whole_centre_and_others_may_not() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let mut own = Watcher::of(&replica, COORDINATOR, None, false).await;
    own.caught_up().await;
    let mut whole = Watcher::of(&replica, COORDINATOR, None, true).await;
    assert_eq!(whole.task().await.task_id, task);
    whole.caught_up().await;
    let request = WatchTasksRequest { resume_after: None, whole_centre: true };
    refused(
        replica.api.clone().watch_tasks(of("anna", request)).await,
        Code::PermissionDenied,
        "COORDINATORS_ONLY",
    );
    replica.stop().await;
}

#[tokio::test]
async fn a_position_of_another_life_of_the_stream_is_refused() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let foreign = |stream: &str, incarnation: &str| {
        Some(Position { stream: stream.into(), incarnation: incarnation.into(), sequence: 1 })
    };
    let request = WatchTasksRequest { resume_after: foreign("SIGNALS", "x"), whole_centre: false };
    refused(
        replica.api.clone().watch_tasks(of("anna", request)).await,
        Code::InvalidArgument,
        "FOREIGN_POSITION",
    );
    let mut request =
        of("anna", WatchTasksRequest { resume_after: foreign("TASKS", "another life"), whole_centre: false });
    request.metadata_mut().remove("grpc-timeout");
    let mut stream = replica.api.clone().watch_tasks(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::InvalidArgument);
    replica.stop().await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_with_the_position_to_resume_from() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let mut slow = Watcher::of(&replica, COORDINATOR, None, true).await;
    slow.task().await;
    slow.caught_up().await;
    // Nothing is read while far more happens than may wait.
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: task.clone(), command: command("1") })
        .unwrap();
    for round in 0..1_700 {
        step!(
            replica,
            "anna",
            record_contact,
            RecordContactRequest {
                task_id: task.clone(),
                command: command(&format!("c-{round}")),
                kind: 1,
                with: 1,
                reached: false
            }
        )
        .unwrap();
    }
    let status = loop {
        match tokio::time::timeout(SOON, slow.stream.message()).await.expect("nothing came") {
            Ok(Some(message)) if matches!(message.item, Some(Item::CaughtUp(_))) => panic!("was not cut"),
            Ok(Some(_)) => {}
            Ok(None) => panic!("ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.metadata["stream"].as_str()), ("READER_TOO_SLOW", "TASKS"));
    assert!(info.metadata["sequence"].parse::<u64>().unwrap() > 0);
    replica.stop().await;
}
