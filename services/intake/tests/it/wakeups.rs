//! Bringing a signal up to its task.

use voordeur_contracts::{
    common::actor::Who,
    event::{
        EpisodeCheck, EpisodeHandOver, TaskAnswered, TaskOutcome, signal_event::Change, task_trigger::Source,
    },
    intake::SignalStatus,
};
use voordeur_eventlog::{Broker as _, ConsumerName, StreamName, dead_letters::DeadLetters};
use voordeur_kernel::{CommitId, SignalId, TaskId};
use voordeur_testkit::eventually;

use crate::world::{SOON, Step, World, consult, deadline};

#[tokio::test]
async fn a_task_and_its_answer_reach_the_signal_once_whatever_comes_how_often() {
    let world = World::new().await;
    let other = world.another().await;
    let signal = world.submit(consult("zorg-1")).await;
    world.route(signal, Step::requested("noor")).await;
    world.has_status(signal, SignalStatus::Routed).await;
    world.route(signal, Step::answered("noor", None)).await;
    // The answer is not in the newest event any more.
    world.route(signal, Step::linked("noor")).await;
    world.has_status(signal, SignalStatus::Answered).await;
    // Starting the consumer again from the first message changes nothing.
    world.broker.delete_consumer(ConsumerName::IntakeTasks);
    world.broker.apply(deadline()).await.unwrap();
    let wakeups = world.broker.wakeups(ConsumerName::IntakeTasks);
    eventually("every wake-up settled again", SOON, || async {
        let left = wakeups.backlog(deadline()).await.map_err(|error| error.to_string())?;
        if left.pending + left.unsettled == 0 { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    let events = world.signals();
    assert_eq!(events.len(), 3);
    assert!(matches!(events[1].change, Some(Change::Routed(_))));
    assert!(matches!(events[2].change, Some(Change::Answered(_))));
    let actor = events[1].meta.clone().unwrap().actor.unwrap().who;
    assert_eq!(actor, Some(Who::Service("intake".to_owned())));
    other.stop().await;
}

#[tokio::test]
async fn a_task_that_was_finished_before_intake_heard_of_it_brings_everything_at_once() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    world.broker.set_available(false);
    world.broker.set_available(true);
    world.route(signal, Step::requested("noor")).await;
    world.route(signal, Step::answered("noor", None)).await;
    world.has_status(signal, SignalStatus::Answered).await;
    assert_eq!(world.signals().len(), 3);
}

#[tokio::test]
async fn a_task_that_should_never_have_been_there_does_not_leave_its_asker_waiting_for_ever() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    world.route(signal, Step::requested("noor")).await;
    world.has_status(signal, SignalStatus::Routed).await;
    world.route(signal, Step::entered_in_error("noor")).await;
    world.has_status(signal, SignalStatus::Withdrawn).await;
    assert!(matches!(world.signals()[2].change, Some(Change::Cancelled(_))));
}

#[tokio::test]
async fn a_task_of_a_signal_that_is_not_there_is_kept_among_the_dead_letters() {
    let world = World::new().await;
    let nobody = SignalId::from_bytes([5; 16]);
    world.route(nobody, Step::requested("noor")).await;
    let letters =
        DeadLetters::new(world.broker.log(StreamName::DeadLetters), std::sync::Arc::new(world.clock.clone()));
    let parked = eventually("a dead letter", SOON, || async {
        let mut letters = letters.list(false).await.map_err(|error| error.to_string())?;
        letters.pop().ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!((parked.service.as_str(), parked.cause.reason.as_str()), ("intake", "NOT_FOUND"));
    assert!(world.signals().is_empty());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_kept_whole() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    let task = world.task(signal);
    let subject = voordeur_eventlog::Subject::of("voordeur.task.v1", &task.to_hex()).unwrap();
    let commit = voordeur_eventlog::Commit {
        id: CommitId::from_bytes([3; 16]),
        kind: "nl.voordeur.task.v1",
        source: "voordeur/routing",
        time: voordeur_kernel::Clock::now(&world.clock),
        data: vec![0xff, 0xff, 0xff].into(),
        trace: Vec::new(),
        urgent: false,
    };
    let log = world.broker.log(StreamName::Tasks);
    log.append(&subject, voordeur_eventlog::Version::ABSENT, commit, deadline()).await.unwrap();
    let letters =
        DeadLetters::new(world.broker.log(StreamName::DeadLetters), std::sync::Arc::new(world.clock.clone()));
    let parked = eventually("a dead letter", SOON, || async {
        let mut letters = letters.list(false).await.map_err(|error| error.to_string())?;
        letters.pop().ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!(parked.cause.reason, "UNREADABLE");
    assert_eq!(parked.message.data.as_ref(), [0xff, 0xff, 0xff]);
    assert_eq!(world.status(signal).await, SignalStatus::Received);
}

#[tokio::test]
async fn work_that_no_signal_asked_for_is_no_concern_of_intake() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    for (number, source) in [
        Source::EpisodeCheck(EpisodeCheck { episode: vec![1; 16].into(), day: 90, asked_before: 0 }),
        Source::HandOver(EpisodeHandOver { episode: vec![1; 16].into(), moment: 1 }),
        Source::Activity(vec![2; 16].into()),
    ]
    .into_iter()
    .enumerate()
    {
        let task = TaskId::from_bytes([u8::try_from(number).unwrap() + 40; 16]);
        world.step(task, source.clone(), Step::requested("noor")).await;
        let done = Step::answered("noor", None);
        let change = TaskAnswered { outcome: TaskOutcome::Done.into(), ..Default::default() };
        let change = voordeur_contracts::event::task_event::Change::Answered(change);
        world.step(task, source, Step { change, ..done }).await;
    }
    let wakeups = world.broker.wakeups(ConsumerName::IntakeTasks);
    eventually("every wake-up is settled", SOON, || async {
        let left = wakeups.backlog(deadline()).await.map_err(|error| error.to_string())?;
        if left.pending + left.unsettled == 0 { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    assert_eq!(world.stored(StreamName::DeadLetters).len(), 0);
    assert_eq!(world.status(signal).await, SignalStatus::Received);
}
