//! Episodes follow tasks: whatever order, however often, whoever is killed.

use std::{collections::BTreeSet, time::Duration};

use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    escalation::record_fact_request::Fact,
    event::{
        self, EpisodeEvent, TaskOutcome, TaskStanding, TaskTrigger, episode_event::Change as EpisodeChange,
        task_trigger::Source,
    },
};
use voordeur_eventlog::{
    Broker as _, ConsumerName, StreamName,
    dead_letters::{DeadLetters, Standing},
    memory::{Faults, MemoryBroker},
};
use voordeur_testkit::eventually;

use crate::{
    recording::{ask, contacted, tell},
    world::{About, World, about, at, of_id, soon, task},
};

fn kinds(world: &World) -> Vec<&'static str> {
    let kind = |change: EpisodeChange| match change {
        EpisodeChange::Opened(_) => "opened",
        EpisodeChange::SignalJoined(_) => "joined",
        EpisodeChange::FirstContact(_) => "contact",
        EpisodeChange::TaskCompleted(_) => "completed",
        EpisodeChange::BaselineAssessed(_) => "baseline",
        EpisodeChange::Closed(_) => "closed",
        EpisodeChange::Corrected(_) => "corrected",
        other => panic!("{other:?}"),
    };
    world.episode_events().into_iter().map(|(_, event)| kind(event.change.unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_signal_about_a_child_opens_an_episode_that_its_task_does_not_end() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let first = about(1, 1, 0);
    world.requested(&first).await;
    let episode = world.episode(&replica, 1, "the episode is open", |e| e.open).await;
    assert_eq!((episode.centre.as_str(), episode.child_ordinal), ("de-wilg", 1));
    assert_eq!(episode.opened_at, Some(to_wire_time(at(0))));
    assert_eq!((episode.first_contact_at, episode.tasks.len()), (None, 1));
    world.contact(&first, 20, false).await;
    world.contact(&first, 30, true).await;
    world.contact(&first, 40, true).await;
    world.answered(&first, 50).await;
    let episode =
        world.episode(&replica, 1, "the task is completed", |e| e.tasks[0].completed_at.is_some()).await;
    assert_eq!(episode.first_contact_at, Some(to_wire_time(at(30))));
    assert_eq!(episode.tasks[0].completed_at, Some(to_wire_time(at(50))));
    assert_eq!(episode.tasks[0].outcome(), TaskOutcome::Advice);
    assert!(episode.open);
    assert_eq!(kinds(&world), ["opened", "contact", "completed"]);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_about_a_child_or_not_from_a_signal_opens_nothing() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    world.requested(&About { child: None, ..about(1, 1, 0) }).await;
    let source = Source::EarlierTask(vec![1; 16].into());
    let standing = TaskStanding {
        trigger: Some(TaskTrigger { source: Some(source) }),
        child: vec![1; 16].into(),
        centre: "de-wilg".into(),
        ..Default::default()
    };
    let requested = event::task_event::Change::Requested(event::TaskRequested::default());
    world.task_event(2, 0, standing, Some(requested)).await;
    world.quiet(&[&replica]).await;
    assert_eq!(kinds(&world), [""; 0]);
    assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_further_signal_joins_and_a_sibling_has_an_episode_of_her_own() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    world.requested(&about(1, 1, 0)).await;
    world.requested(&about(2, 1, 60)).await;
    world.requested(&about(3, 2, 90)).await;
    let both = world.episode(&replica, 2, "the second signal joined", |e| e.tasks.len() == 2).await;
    let sibling = world.episode(&replica, 3, "the sibling's is open", |e| e.open).await;
    assert_ne!(both.episode_id, sibling.episode_id);
    assert_eq!(sibling.tasks.len(), 1);
    let signals: Vec<_> = both.tasks.iter().map(|t| t.task_id.clone()).collect();
    assert_eq!(signals, [task(1).to_string(), task(2).to_string()]);
    replica.stop().await;
}

/// Histories of several tasks on a few children, with contacts and answers.
async fn write(world: &World, tasks: &[About]) {
    for about in tasks {
        world.requested(about).await;
    }
    for about in tasks.iter().rev() {
        world.contact(about, about.came + 40, true).await;
        world.contact(about, about.came + 20, true).await;
    }
    for about in tasks {
        world.answered(about, about.came + 100).await;
    }
}

fn many() -> Vec<About> {
    (1..=12).map(|number| about(number, number % 3 + 1, i64::from(number % 4) * 7)).collect()
}

/// Every task is in the episode of its child, once, with the right moments.
async fn all_is_well(world: &World, replica: &crate::world::Replica, tasks: &[About]) {
    for child in tasks.iter().filter_map(|t| t.child).collect::<BTreeSet<_>>() {
        let hers: Vec<_> = tasks.iter().filter(|t| t.child == Some(child)).collect();
        let episode = world
            .episode(replica, hers[0].number, "every task is completed", |e| {
                e.tasks.len() == hers.len() && e.tasks.iter().all(|t| t.completed_at.is_some())
            })
            .await;
        let listed: BTreeSet<_> = episode.tasks.iter().map(|t| t.task_id.clone()).collect();
        assert_eq!(listed, hers.iter().map(|t| task(t.number).to_string()).collect());
        let came = hers.iter().map(|t| t.came).min().unwrap();
        assert_eq!(episode.opened_at, Some(to_wire_time(at(came))));
        assert_eq!(
            episode.first_contact_at,
            Some(to_wire_time(at(came + 20))),
            "the earliest, whenever it was told"
        );
        assert_eq!(episode.child_ordinal, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn on_any_bad_day_two_replicas_make_one_episode_per_child() {
    for seed in 0..12 {
        let world = World::new(MemoryBroker::with_faults(Faults::rough(seed)));
        let (one, two) = (world.replica().await, world.replica().await);
        let tasks = many();
        write(&world, &tasks).await;
        world.quiet(&[&one, &two]).await;
        world.broker.set_faults(Faults::default());
        all_is_well(&world, &one, &tasks).await;
        all_is_well(&world, &two, &tasks).await;
        let histories: BTreeSet<_> = world.episode_events().into_iter().map(|(subject, _)| subject).collect();
        assert_eq!(histories.len(), 3, "seed {seed}: one episode for each child");
        let opened = kinds(&world).into_iter().filter(|kind| *kind == "opened").count();
        assert_eq!(opened, 3, "seed {seed}");
        assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0, "seed {seed}");
        let fresh = world.replica().await;
        world.quiet(&[&one, &two, &fresh]).await;
        assert_eq!((one.digest(), two.digest()), (fresh.digest(), fresh.digest()), "seed {seed}");
        for replica in [one, two, fresh] {
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_happened_while_nobody_was_there_is_caught_up_with_after_a_restart() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let first = about(1, 1, 0);
    world.requested(&first).await;
    world.episode(&replica, 1, "the episode is open", |e| e.open).await;
    replica.stop().await;
    world.contact(&first, 30, true).await;
    world.answered(&first, 50).await;
    world.requested(&about(2, 1, 60)).await;
    let replica = world.replica().await;
    let episode = world.episode(&replica, 2, "both tasks are there", |e| e.tasks.len() == 2).await;
    world.quiet(&[&replica]).await;
    assert_eq!(episode.first_contact_at, Some(to_wire_time(at(30))));
    // Two tasks are handled side by side, so only what happened is sure, not in which order.
    let mut kinds = kinds(&world);
    kinds.sort_unstable();
    assert_eq!(kinds, ["completed", "contact", "joined", "opened"]);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn starting_the_consumer_again_from_the_first_message_changes_nothing() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let tasks = many();
    write(&world, &tasks).await;
    world.quiet(&[&replica]).await;
    let before = world.broker.messages(StreamName::Episodes).len();
    replica.stop().await;
    world.broker.delete_consumer(ConsumerName::EscalationTasks);
    world.broker.apply(soon()).await.unwrap();
    let replica = world.replica().await;
    world.quiet(&[&replica]).await;
    assert_eq!(world.broker.messages(StreamName::Episodes).len(), before);
    all_is_well(&world, &replica, &tasks).await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_is_parked_whole_and_holds_nobody_up() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let unreadable = about(1, 1, 0);
    world.requested(&unreadable).await;
    world.episode(&replica, 1, "the episode is open", |e| e.open).await;
    // An event of a later release: this one does not know its change.
    world.task_event(1, 10, TaskStanding::default(), None).await;
    world.requested(&about(2, 2, 20)).await;
    world.episode(&replica, 2, "the other child's episode is open", |e| e.open).await;
    let letters =
        DeadLetters::new(world.broker.log(StreamName::DeadLetters), std::sync::Arc::new(world.clock.clone()));
    let letter = eventually("it is parked", Duration::from_secs(60), || async {
        let letters = letters.list(true).await.map_err(|error| error.to_string())?;
        letters.into_iter().next().ok_or_else(|| "none yet".to_owned())
    })
    .await;
    assert_eq!((letter.service.as_str(), letter.cause.reason.as_str()), ("escalation", "UNREADABLE"));
    assert_eq!(letter.cause.detail, "change is missing or wrong");
    let stored = world.broker.messages(StreamName::Tasks)[1].clone();
    assert_eq!((&letter.message.data, &letter.message.subject), (&stored.data, &stored.subject));
    // Trying again does not help, and says so.
    letters.request_replay(&letter.subject, soon()).await.unwrap();
    eventually("the replay failed", Duration::from_secs(60), || async {
        let letter = letters.get(&letter.subject, soon()).await.map_err(|error| error.to_string())?;
        if letter.replays == 1 && letter.standing == Standing::Parked {
            Ok(())
        } else {
            Err(format!("{letter:?}"))
        }
    })
    .await;
    assert_eq!(kinds(&world), ["opened", "opened"]);
    replica.stop().await;
}

/// Minutes of so many days.
const DAY: i64 = 24 * 60;

#[tokio::test(start_paused = true)]
async fn after_the_window_a_new_signal_opens_the_next_episode_and_late_knowledge_finds_the_old_one() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let old = about(1, 1, 0);
    world.requested(&old).await;
    let first = world.episode(&replica, 1, "the first is open", |e| e.open).await;
    world.requested(&about(2, 1, 367 * DAY)).await;
    let second = world.episode(&replica, 2, "the second is open", |e| e.open).await;
    assert_ne!(first.episode_id, second.episode_id);
    assert_eq!(second.child_ordinal, 2);
    world.answered(&old, 550).await;
    let late = world
        .episode(&replica, 1, "the late answer is in the first", |e| e.tasks[0].completed_at.is_some())
        .await;
    assert_eq!((late.episode_id, late.open), (first.episode_id.clone(), true), "no clock closes the work");
    // A replica that starts now walks the same way, and a third signal joins the second.
    let fresh = world.replica().await;
    world.requested(&about(3, 1, 400 * DAY)).await;
    let joined = world.episode(&fresh, 3, "the third signal joined", |e| e.tasks.len() == 2).await;
    assert_eq!(joined.episode_id, second.episode_id);
    let shown = fresh.person("noor").get_episode(of_id(&first.episode_id)).await.unwrap().into_inner();
    assert_eq!(shown.episode.unwrap().tasks.len(), 1);
    assert_eq!(kinds(&world), ["opened", "opened", "completed", "joined"]);
    for replica in [replica, fresh] {
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_inside_the_window_opens_closed_work_again() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    let closed = event::EpisodeClosed {
        reason: event::EpisodeCloseReason::WorkDone.into(),
        end: event::CareEndReason::VolgensPlan.into(),
        further_help: event::FurtherHelp::None.into(),
        ..Default::default()
    };
    tell(&replica, "noor", ask(&id, "close", Fact::Closed(closed))).await.unwrap();
    world.episode(&replica, 1, "the work is closed", |e| !e.open).await;
    // It is in nobody's memory now, and a signal finds it all the same.
    world.requested(&about(2, 1, 10_000 + 90 * DAY)).await;
    let again = world.episode(&replica, 2, "the work is open again", |e| e.open).await;
    assert_eq!((again.episode_id, again.tasks.len()), (id, 2));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_episode_event_of_a_later_release_freezes_that_history_only() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let old = about(1, 1, 0);
    world.requested(&old).await;
    let first = world.episode(&replica, 1, "the first is open", |e| e.open).await;
    world.requested(&about(2, 2, 0)).await;
    world.episode(&replica, 2, "the other child's is open", |e| e.open).await;
    let hex = first.episode_id.strip_prefix("epi_").unwrap();
    let subject = voordeur_eventlog::Subject::of("voordeur.episode.v1", hex).unwrap();
    world.append(StreamName::Episodes, &subject, EpisodeEvent::default().encode_to_vec()).await;
    eventually("it is frozen", Duration::from_secs(60), || async {
        if replica.digest().frozen == 1 { Ok(()) } else { Err("not yet") }
    })
    .await;
    let status = replica.person("noor").get_episode(of_id(&first.episode_id)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    world.episode(&replica, 2, "the other is still shown", |e| e.open).await;
    // A signal on the frozen child waits: no second episode is opened beside it.
    world.requested(&about(3, 1, 60)).await;
    world.requested(&about(4, 2, 60)).await;
    world.episode(&replica, 4, "others go on", |e| e.tasks.len() == 2).await;
    assert_eq!(world.episode_events().iter().map(|(s, _)| s.clone()).collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0);
    replica.stop().await;
}
