//! Three real nodes. Few tests, each long: starting a cluster takes seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use tokio::time::timeout;
use voordeur_eventlog::{
    ConsumerName, Followed, GroupSettings, StreamName, Subject, Version,
    nats::{NatsBroker, NatsSettings},
};
use voordeur_testkit::{FaultProxy, NatsCluster, eventually};

use crate::{
    conformance::{self, Shared, append, commit, follow_to, for_each_check, read, subject, take, within},
    real::{connect, impatient},
};

macro_rules! one_after_another {
    ($($check:ident),* $(,)?) => {
        async fn every_check(broker: &Shared) {
            $({
                let started = tokio::time::Instant::now();
                conformance::$check(Arc::clone(broker)).await;
                println!("{}: {:?}", stringify!($check), started.elapsed());
            })*
        }
    };
}
for_each_check!(one_after_another);

#[tokio::test]
async fn a_cluster_of_three_conforms() {
    let cluster = NatsCluster::start(3).await;
    for group in [GroupSettings::off(), conformance::always_in_a_batch()] {
        let settings = NatsSettings { group, ..cluster.settings() };
        every_check(&connect(impatient(settings)).await).await;
    }
    let broker = connect(impatient(cluster.settings())).await;
    every_check(&broker).await;

    // A monitoring address that is left out leaves a node whose habits nobody knows.
    let mut settings = impatient(cluster.settings());
    let hidden = cluster.nodes()[2].name();
    settings.monitor_urls.pop();
    let verified = connect(settings).await.verify(within(10)).await.unwrap_err().to_string();
    assert!(verified.contains(&format!("no monitoring address leads to node {hidden}")), "{verified}");

    // Three replicas recognise the commit id first.
    let leader = cluster.leader_of("SIGNALS").await;
    let proxy = FaultProxy::start(leader.port()).await;
    let mut settings = impatient(cluster.settings());
    settings.urls = vec![proxy.url()];
    let through: Shared = Arc::new(NatsBroker::connect(settings).await.unwrap());
    let (ours, log) = (subject(StreamName::Signals), through.log(StreamName::Signals));
    log.end(within(30)).await.unwrap();
    proxy.drop_answers();
    let appending = {
        let (log, ours) = (Arc::clone(&log), ours.clone());
        tokio::spawn(async move { log.append(&ours, Version::ABSENT, commit("one"), within(60)).await })
    };
    eventually("the message is stored", Duration::from_secs(30), || async {
        let stored = read(&broker, &ours).await;
        if stored.len() == 1 { Ok(()) } else { Err(format!("{stored:?}")) }
    })
    .await;
    proxy.pass();
    assert!(appending.await.unwrap().unwrap().already_stored);
    assert_eq!(read(&broker, &ours).await, ["one"]);
}

#[tokio::test]
async fn a_cluster_loses_and_doubles_nothing_when_its_leader_is_killed() {
    let cluster = NatsCluster::start(3).await;
    let broker = connect(impatient(cluster.settings())).await;
    let wakeups = broker.wakeups(ConsumerName::RoutingSignals);
    let mut follow = broker.log(StreamName::Signals).follow(None);
    assert!(matches!(follow.next().await.unwrap().unwrap(), Followed::CaughtUp(_)));

    let following = tokio::spawn(async move {
        let mut last = 0;
        while last < 160 {
            if let Followed::Message(message) = follow.next().await.unwrap().unwrap() {
                assert_eq!(message.sequence, last + 1);
                last = message.sequence;
            }
        }
    });

    // Writers that go on whatever happens; what they were told is what must be there.
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let broker = Arc::clone(&broker);
            tokio::spawn(async move {
                let ours = subject(StreamName::Signals);
                let mut version = Version::ABSENT;
                // Spread over the time that the cluster needs for another leader.
                let mut pace = tokio::time::interval(Duration::from_millis(20));
                for count in 0..40 {
                    pace.tick().await;
                    let appended = append(&broker, &ours, version, &format!("{count}")).await.unwrap();
                    version = Version(appended.position.sequence);
                }
                (ours, version)
            })
        })
        .collect();
    let leader = cluster.leader_of("SIGNALS").await;
    leader.kill().await;
    let other = cluster.leader_of("SIGNALS").await;
    assert_ne!(other.name(), leader.name());
    leader.restart().await;

    let mut histories: BTreeMap<Subject, Version> = BTreeMap::new();
    for writer in writers {
        let (ours, version) = writer.await.unwrap();
        histories.insert(ours, version);
    }
    let expected: Vec<String> = (0..40).map(|count| count.to_string()).collect();
    for ours in histories.keys() {
        assert_eq!(read(&broker, ours).await, expected);
    }
    // The follower that ran all the time has it all, in order and without holes; so has a new one.
    let end = histories.values().map(|version| version.0).max().unwrap();
    assert_eq!(end, 160);
    timeout(Duration::from_secs(60), following).await.unwrap().unwrap();
    let (all, _) = follow_to(&broker, None, end).await.unwrap();
    assert_eq!(all.len(), 160);
    // And so has the consumer, at least once each.
    let mut left: BTreeSet<u64> = all.iter().map(|message| message.sequence).collect();
    let of: BTreeSet<Subject> = histories.into_keys().collect();
    while !left.is_empty() {
        let delivery = take(&*wakeups, &of).await;
        left.remove(&delivery.message().sequence);
        let _ = delivery.acknowledge(within(10)).await;
    }
}
