//! More work on a task that has ended: it is of the same episode, opens none, and is no further signal.

use std::{collections::BTreeSet, time::Duration};

use voordeur_contracts::{
    convert::to_wire_time,
    escalation::{Episode, record_fact_request::Fact},
    event::{
        self, EpisodeEvent, TaskOutcome, TaskStanding, TaskState, TaskTrigger, episode_event::Change,
        task_trigger::Source,
    },
};
use voordeur_eventlog::{
    Broker as _, ConsumerName, StreamName,
    memory::{Faults, MemoryBroker},
};
use voordeur_testkit::eventually;

use crate::{
    recording::{ask, baseline, contacted, reason, support, tell},
    world::{About, Replica, World, about, at, of_task, soon, task},
};

/// More work on a task, asked for at that minute.
fn more(number: u8, on: u8, came: i64) -> About {
    About { continues: Some(on), ..about(number, 1, came) }
}

/// Facts that tasks brought: what, of which task of a signal, and in which task it happened when that was more work.
fn told(world: &World) -> Vec<(&'static str, u8, Option<u8>)> {
    let number = |bytes: &[u8]| bytes.first().copied();
    let fact = |event: EpisodeEvent| match event.change.unwrap() {
        Change::Opened(opened) => ("opened", number(&opened.task).unwrap(), None),
        Change::SignalJoined(joined) => ("joined", number(&joined.task).unwrap(), None),
        Change::FirstContact(contact) => {
            ("contact", number(&contact.task).unwrap(), number(&contact.continued_by))
        }
        Change::TaskCompleted(completed) => {
            ("completed", number(&completed.task).unwrap(), number(&completed.continued_by))
        }
        other => panic!("{other:?}"),
    };
    world.episode_events().into_iter().map(|(_, event)| fact(event)).collect()
}

async fn shown(replica: &Replica, number: u8) -> Episode {
    replica.person("noor").get_episode(of_task(number)).await.unwrap().into_inner().episode.unwrap()
}

#[tokio::test(start_paused = true)]
async fn its_contact_and_its_outcome_are_of_the_episode_of_the_work_that_it_continues() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let first = about(1, 1, 0);
    world.requested(&first).await;
    world.answered(&first, 50).await;
    let further = more(2, 1, 9_000);
    world.requested(&further).await;
    world.contact(&further, 9_020, false).await;
    world.contact(&further, 9_030, true).await;
    world.contact(&further, 9_040, true).await;
    world.answered(&further, 9_100).await;
    let again = more(3, 2, 9_200);
    world.requested(&again).await;
    world.answered(&again, 9_300).await;
    world.quiet(&[&replica]).await;
    assert_eq!(
        told(&world),
        [
            ("opened", 1, None),
            ("completed", 1, None),
            ("contact", 1, Some(2)),
            ("completed", 1, Some(2)),
            ("completed", 1, Some(3)),
        ]
    );
    let episode = shown(&replica, 1).await;
    assert_eq!(episode.opened_at, Some(to_wire_time(at(0))));
    assert_eq!(episode.first_contact_at, Some(to_wire_time(at(9_030))));
    let [only] = episode.tasks.as_slice() else { panic!("{:?}", episode.tasks) };
    assert_eq!((only.task_id.as_str(), only.outcome()), (task(1).to_string().as_str(), TaskOutcome::Advice));
    assert_eq!(only.completed_at, Some(to_wire_time(at(50))));
    let further: Vec<_> = only.further_work.iter().map(|more| (more.completed_at, more.outcome())).collect();
    let done = |minute| (Some(to_wire_time(at(minute))), TaskOutcome::Advice);
    assert_eq!(further, [done(9_100), done(9_300)]);
    // Each of the tasks leads to it, and after its contact the baseline can be judged.
    assert_eq!([shown(&replica, 2).await, shown(&replica, 3).await], [episode.clone(), episode.clone()]);
    tell(&replica, "noor", ask(&episode.episode_id, "baseline", baseline())).await.unwrap();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_contact_stays_the_first_and_closed_work_stays_closed() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    world.answered(&about(1, 1, 10_000), 10_010).await;
    let closed = event::EpisodeClosed {
        reason: event::EpisodeCloseReason::WorkDone.into(),
        end: event::CareEndReason::VolgensPlan.into(),
        further_help: event::FurtherHelp::None.into(),
        ..Default::default()
    };
    tell(&replica, "noor", ask(&id, "close", Fact::Closed(closed))).await.unwrap();
    let further = more(2, 1, 10_100);
    world.requested(&further).await;
    world.contact(&further, 10_120, true).await;
    world.answered(&further, 10_130).await;
    let episode =
        world.episode(&replica, 1, "the further work is known", |e| e.tasks[0].further_work.len() == 1).await;
    assert_eq!((episode.episode_id, episode.open), (id, false), "no signal came");
    assert_eq!(episode.first_contact_at, Some(to_wire_time(at(10_001))));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_was_cancelled_and_done_later_was_completed_later() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let first = about(1, 1, 0);
    world.requested(&first).await;
    world.stands(&first, TaskState::Cancelled, "").await;
    let further = more(2, 1, 100);
    world.requested(&further).await;
    world.answered(&further, 200).await;
    let episode = world.episode(&replica, 1, "it was completed", |e| e.tasks[0].completed_at.is_some()).await;
    assert_eq!(episode.tasks[0].completed_at, Some(to_wire_time(at(200))));
    assert_eq!(episode.tasks[0].further_work.len(), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_any_bad_day_two_replicas_tell_it_once_and_after_the_work_that_it_continues() {
    for seed in 0..6 {
        let world = World::new(MemoryBroker::with_faults(Faults::rough(seed)));
        let (one, two) = (world.replica().await, world.replica().await);
        let tasks = [about(1, 1, 0), more(2, 1, 100), about(3, 1, 120), more(4, 2, 200), more(5, 3, 300)];
        for about in &tasks {
            world.requested(about).await;
            world.contact(about, about.came + 5, true).await;
            world.answered(about, about.came + 50).await;
        }
        world.quiet(&[&one, &two]).await;
        world.broker.set_faults(Faults::default());
        world.quiet(&[&one, &two]).await;
        let told = told(&world);
        let completed: Vec<_> = told.iter().filter(|(kind, ..)| *kind == "completed").collect();
        let distinct: BTreeSet<_> = completed.iter().collect();
        assert_eq!((completed.len(), distinct.len()), (5, 5), "seed {seed}: {told:?}");
        let place = |of: (u8, Option<u8>)| told.iter().position(|t| *t == ("completed", of.0, of.1)).unwrap();
        assert!(place((1, None)) < place((1, Some(2))) && place((1, Some(2))) < place((1, Some(4))));
        assert!(place((3, None)) < place((3, Some(5))), "seed {seed}");
        assert_eq!(told.iter().filter(|(kind, ..)| matches!(*kind, "opened" | "joined")).count(), 2);
        let further: Vec<usize> =
            shown(&one, 5).await.tasks.iter().map(|task| task.further_work.len()).collect();
        assert_eq!(further, [2, 1], "seed {seed}");
        // From the first message on, and by a replica that starts now.
        for replica in [one, two] {
            replica.stop().await;
        }
        world.broker.delete_consumer(ConsumerName::EscalationTasks);
        world.broker.apply(soon()).await.unwrap();
        let fresh = world.replica().await;
        world.quiet(&[&fresh]).await;
        assert_eq!(self::told(&world), told, "seed {seed}");
        assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0, "seed {seed}");
        fresh.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn more_work_on_what_an_episode_asked_for_itself_tells_it_nothing() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let check = event::EpisodeCheck { episode: vec![7; 16].into(), day: 90, asked_before: 0 };
    let standing = TaskStanding {
        trigger: Some(TaskTrigger { source: Some(Source::EpisodeCheck(check)) }),
        child: vec![1; 16].into(),
        centre: "de-wilg".into(),
        ..Default::default()
    };
    let requested = event::task_event::Change::Requested(event::TaskRequested::default());
    world.task_event(1, 0, standing, Some(requested)).await;
    let further = more(2, 1, 100);
    world.requested(&further).await;
    world.contact(&further, 120, true).await;
    world.answered(&further, 130).await;
    world.quiet(&[&replica]).await;
    assert_eq!(told(&world), []);
    assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_work_on_nothing_or_about_another_child_is_parked() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    world.requested(&about(1, 1, 0)).await;
    world.requested(&more(2, 9, 100)).await;
    world.requested(&About { child: Some(2), ..more(3, 1, 100) }).await;
    eventually("both are parked", Duration::from_secs(600), || async {
        let parked = world.broker.messages(StreamName::DeadLetters).len();
        if parked == 2 { Ok(()) } else { Err(parked) }
    })
    .await;
    world.quiet(&[&replica]).await;
    assert_eq!(told(&world), [("opened", 1, None)]);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_consent_was_withdrawn_more_work_may_be_asked_for_and_the_episode_learns_nothing_of_it() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    world.answered(&about(1, 1, 10_000), 10_000).await;
    world.episode(&replica, 1, "it was completed", |e| e.tasks[0].completed_at.is_some()).await;
    let withdrawn = event::EpisodeConsentWithdrawn { scope: event::WithdrawalScope::All.into() };
    let told = tell(&replica, "noor", ask(&id, "withdraw", Fact::ConsentWithdrawn(withdrawn))).await.unwrap();
    let stored = world.broker.messages(StreamName::Episodes).len();
    // On that day, and later.
    let tasks = [more(2, 1, 10_005), more(3, 1, 10_005 + 40 * 24 * 60)];
    for further in &tasks {
        world.requested(further).await;
        world.contact(further, further.came + 5, true).await;
        world.answered(further, further.came + 10).await;
    }
    world.quiet(&[&replica]).await;
    assert_eq!(world.broker.messages(StreamName::Episodes).len(), stored);
    assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0);
    world.stands(&tasks[0], TaskState::InProgress, "noor").await;
    let refused = tell(&replica, "noor", ask(&id, "support", support(5))).await.unwrap_err();
    assert_eq!(reason(&refused), "CONSENT_WITHDRAWN_WHOLE", "nor do people record in it");
    // The withdrawal was a mistake: what the tasks tell is known when they move again.
    let undo = event::FactCorrected {
        target: told.fact_id.strip_prefix("fac_").map(id_bytes).unwrap(),
        void: true,
        second_person: "sam".into(),
        reason: event::CorrectionReason::WrongChild.into(),
        ..Default::default()
    };
    tell(&replica, "noor", ask(&id, "undo", Fact::CorrectedFact(undo))).await.unwrap();
    for further in &tasks {
        world.contact(further, further.came + 20, true).await;
    }
    let episode = world.episode(&replica, 1, "both are known", |e| e.tasks[0].further_work.len() == 2).await;
    assert_eq!(episode.episode_id, id);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_after_the_withdrawal_has_an_episode_that_more_work_on_it_belongs_to() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    let withdrawn = event::EpisodeConsentWithdrawn { scope: event::WithdrawalScope::All.into() };
    tell(&replica, "noor", ask(&id, "withdraw", Fact::ConsentWithdrawn(withdrawn))).await.unwrap();
    // With a consent of its own.
    let later = about(2, 1, 10_100);
    world.requested(&later).await;
    world.answered(&later, 10_110).await;
    let (old, new) = (more(3, 1, 10_120), more(4, 2, 10_120));
    for further in [&old, &new] {
        world.requested(further).await;
        world.answered(further, 10_130).await;
    }
    let next =
        world.episode(&replica, 2, "its further work is known", |e| e.tasks[0].further_work.len() == 1).await;
    world.quiet(&[&replica]).await;
    assert_ne!(next.episode_id, id);
    assert_eq!(shown(&replica, 1).await.tasks[0].completed_at, None, "the first episode learns nothing");
    replica.stop().await;
}

/// The bytes of an id in hexadecimal digits.
fn id_bytes(hex: &str) -> prost::bytes::Bytes {
    u128::from_str_radix(hex, 16).unwrap().to_be_bytes().to_vec().into()
}
