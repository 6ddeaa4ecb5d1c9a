//! Moments that episodes wait for: each comes once, whichever replica is first, also after a restart.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use prost::Message as _;
use voordeur_contracts::{
    escalation::record_fact_request::Fact,
    event::{self, due_work::Work, episode_event::Change},
};
use voordeur_eventlog::{
    Broker as _, StreamName, Subject,
    memory::{Faults, MemoryBroker},
};
use voordeur_testkit::{NatsServer, eventually};

use crate::{
    recording::{ask, baseline, contacted, support, tell, today},
    world::{World, of_id, soon},
};

/// Kinds of the events of one episode, from the log.
async fn history(world: &World, id: &str) -> Vec<&'static str> {
    let subject = Subject::of("voordeur.episode.v1", id.strip_prefix("epi_").unwrap()).unwrap();
    let messages = world.on.log(StreamName::Episodes).history(&subject, 0, soon()).await.unwrap();
    let kind = |data: &[u8]| match event::EpisodeEvent::decode(data).unwrap().change.unwrap() {
        Change::Opened(_) => "opened",
        Change::FirstContact(_) => "contact",
        Change::BaselineAssessed(_) => "baseline",
        Change::SupportGiven(_) => "support",
        Change::WorkDue(_) => "due",
        other => panic!("{other:?}"),
    };
    messages.iter().map(|message| kind(&message.data)).collect()
}

#[tokio::test]
async fn on_a_real_broker_facts_are_stored_and_a_moment_that_passed_meanwhile_comes_once() {
    let server = NatsServer::start().await;
    let broker = server.broker().await;
    broker.apply(soon()).await.unwrap();
    let world = World::on(Arc::new(broker));
    let (one, two) = (world.replica().await, world.replica().await);
    let id = contacted(&world, &one).await.episode_id;
    tell(&one, "noor", ask(&id, "baseline", baseline())).await.unwrap();
    // Side by side at two replicas: one history, so one of them looks again and decides again.
    let (a, b) = tokio::join!(
        tell(&one, "noor", ask(&id, "side-a", support(10))),
        tell(&two, "sam", ask(&id, "side-b", support(20)))
    );
    let newest = [a, b].map(|reply| reply.unwrap().position.unwrap().sequence).into_iter().max();
    assert!(newest.is_some());
    let again = tell(&two, "noor", ask(&id, "side-a", support(10))).await.unwrap();
    assert!(again.known);
    for replica in [one, two] {
        replica.stop().await;
    }
    world.clock.advance(days(92));
    let (one, two) = (world.replica().await, world.replica().await);
    world
        .episode(&two, 1, "the moment came", |e| {
            e.deadlines.len() == 3 && e.version == 3 && {
                matches!(
                    e.deadlines[0].work.as_ref().and_then(|work| work.work),
                    Some(Work::MissedFollowUpDay(90))
                )
            }
        })
        .await;
    // What both do next shows that the clocks were looked at again.
    tell(&one, "noor", ask(&id, "later", support(5))).await.unwrap();
    let kinds = history(&world, &id).await;
    assert_eq!(kinds, ["opened", "contact", "baseline", "support", "support", "due", "support"]);
    for replica in [one, two] {
        replica.stop().await;
    }
}

/// The work that came due so far.
fn came(world: &World) -> Vec<Work> {
    let work = |change: Change| match change {
        Change::WorkDue(due) => {
            assert_eq!((due.centre.as_str(), due.child.as_ref()), ("de-wilg", [1; 16].as_slice()));
            due.work.and_then(|work| work.work)
        }
        _ => None,
    };
    world.episode_events().into_iter().filter_map(|(_, event)| work(event.change.unwrap())).collect()
}

async fn until_came(world: &World, expected: &[Work]) {
    eventually("the moments came", Duration::from_secs(600), || async {
        let came = came(world);
        if came == expected { Ok(()) } else { Err(format!("{came:?}")) }
    })
    .await;
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

#[tokio::test(start_paused = true)]
async fn a_moment_comes_once_with_two_replicas_on_any_bad_day() {
    for seed in 0..6 {
        let world = World::new(MemoryBroker::new());
        let (one, two) = (world.replica().await, world.replica().await);
        let id = contacted(&world, &one).await.episode_id;
        tell(&one, "noor", ask(&id, "baseline", baseline())).await.unwrap();
        world.broker.set_faults(Faults::rough(seed));
        world.clock.advance(days(91));
        until_came(&world, &[Work::FollowUpDay(90)]).await;
        world.clock.advance(days(22));
        until_came(&world, &[Work::FollowUpDay(90), Work::MissedFollowUpDay(90)]).await;
        world.broker.set_faults(Faults::default());
        world.quiet(&[&one, &two]).await;
        let shown = two.person("noor").get_episode(of_id(&id)).await.unwrap().into_inner().episode.unwrap();
        assert_eq!(shown.missed_follow_up_days, [90], "seed {seed}");
        assert_eq!(shown.deadlines.len(), 2);
        assert_eq!(came(&world).len(), 2);
        assert_eq!(one.digest(), two.digest());
        for replica in [one, two] {
            replica.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_due_while_nobody_was_there_comes_at_once_after_a_restart_and_once() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    tell(&replica, "noor", ask(&id, "baseline", baseline())).await.unwrap();
    replica.stop().await;
    world.clock.advance(days(200));
    let (one, two) = (world.replica().await, world.replica().await);
    until_came(&world, &[Work::FollowUpDay(90), Work::FollowUpDay(180)]).await;
    world.quiet(&[&one, &two]).await;
    assert_eq!(came(&world).len(), 2);
    // One answer for both, and the missed ones are no more.
    let check = event::FollowUpChecked {
        covers_until: today(&world).to_string(),
        jeugdhulp: event::DomainStatus::None.into(),
        onderwijs: event::DomainStatus::None.into(),
        need: event::NeedStatus::Ok.into(),
        source: event::FollowUpSource::ParentsAndStaff.into(),
        day: 180,
    };
    let reply = tell(&one, "noor", ask(&id, "check", Fact::FollowUpChecked(check))).await.unwrap();
    let episode = reply.episode.unwrap();
    let waits: Vec<_> = episode.deadlines.iter().filter_map(|d| d.work.as_ref()?.work).collect();
    assert_eq!(waits, [Work::FollowUpDay(365)]);
    for replica in [one, two] {
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_episode_still_asks_how_things_go() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    tell(&replica, "noor", ask(&id, "baseline", baseline())).await.unwrap();
    let closed = event::EpisodeClosed {
        reason: event::EpisodeCloseReason::WorkDone.into(),
        end: event::CareEndReason::VolgensPlan.into(),
        further_help: event::FurtherHelp::None.into(),
        ..Default::default()
    };
    tell(&replica, "noor", ask(&id, "close", Fact::Closed(closed))).await.unwrap();
    replica.stop().await;
    // It is in nobody's memory now.
    let replica = world.replica().await;
    world.clock.advance(days(91));
    until_came(&world, &[Work::FollowUpDay(90)]).await;
    world.quiet(&[&replica]).await;
    let shown = replica.person("noor").get_episode(of_id(&id)).await.unwrap().into_inner().episode.unwrap();
    assert!(!shown.open);
    assert_eq!(shown.classification.unwrap().outcome, "undetermined");
    replica.stop().await;
}
