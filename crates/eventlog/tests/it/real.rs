//! One real node: the conformance suite, and what happens when it is killed, frozen, cut off, full, or not as it should be.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_nats::jetstream;
use futures_util::StreamExt;
use tokio::time::timeout;
use voordeur_eventlog::{
    AppendError, Broker, BucketName, ConsumerName, FollowError, Followed, GroupSettings, ReadError,
    StreamName, Version,
    nats::{NatsBroker, NatsSettings, verify::Audit},
    topology::TopologyError,
};
use voordeur_testkit::{FaultProxy, NatsServer, Sync, eventually};

use crate::conformance::{
    self, ACK_WAIT, Shared, append, commit, follow_to, for_each_check, history_of, read, subject, take,
    texts, within,
};

pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Settings of tests: a delivery that is not settled comes again soon.
pub(crate) fn impatient(mut settings: NatsSettings) -> NatsSettings {
    settings.topology.ack_wait = ACK_WAIT;
    settings
}

/// Connects; the topology is made.
pub(crate) async fn connect(settings: NatsSettings) -> Shared {
    let broker = NatsBroker::connect(settings).await.unwrap();
    broker.apply(within(60)).await.unwrap();
    Arc::new(broker)
}

pub(crate) async fn one_node() -> (NatsServer, Shared) {
    grouped_node(GroupSettings::default()).await
}

pub(crate) async fn grouped_node(group: GroupSettings) -> (NatsServer, Shared) {
    let server = NatsServer::start().await;
    let broker = connect(impatient(NatsSettings { group, ..server.settings() })).await;
    (server, broker)
}

/// The broker's own client, to do what no service may.
async fn operator(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

macro_rules! on_one_node {
    ($($check:ident),* $(,)?) => {
        mod on_one_node {
            use super::*;
            $(#[tokio::test]
            async fn $check() {
                let (_server, broker) = one_node().await;
                conformance::$check(broker).await;
            })*
        }
        mod on_one_node_one_by_one {
            use super::*;
            $(#[tokio::test]
            async fn $check() {
                let (_server, broker) = grouped_node(GroupSettings::off()).await;
                conformance::$check(broker).await;
            })*
        }
        mod on_one_node_always_in_a_batch {
            use super::*;
            $(#[tokio::test]
            async fn $check() {
                let (_server, broker) = grouped_node(conformance::always_in_a_batch()).await;
                conformance::$check(broker).await;
            })*
        }
    };
}
for_each_check!(on_one_node);

#[tokio::test]
async fn a_lost_acknowledgement_is_stored_once() {
    let (server, direct) = one_node().await;
    let proxy = FaultProxy::start(server.port()).await;
    let mut settings = server.settings();
    settings.urls = vec![proxy.url()];
    let broker: Shared = Arc::new(NatsBroker::connect(settings).await.unwrap());
    let ours = subject(StreamName::Signals);
    let first = append(&broker, &ours, Version::ABSENT, "one").await.unwrap();

    proxy.drop_answers();
    let appending = {
        let (broker, ours) = (Arc::clone(&broker), ours.clone());
        tokio::spawn(async move { append(&broker, &ours, Version(first.position.sequence), "two").await })
    };
    eventually("the second message is stored", LONG, || async {
        let stored = read(&direct, &ours).await;
        if stored.len() == 2 { Ok(()) } else { Err(format!("{stored:?}")) }
    })
    .await;
    proxy.pass();
    let appended = appending.await.unwrap().unwrap();
    assert!(appended.already_stored, "an earlier attempt had stored it");
    assert_eq!(read(&direct, &ours).await, ["one", "two"]);
}

#[tokio::test]
async fn an_outcome_in_doubt_is_unknown_and_the_same_commit_settles_it() {
    let (server, direct) = one_node().await;
    let proxy = FaultProxy::start(server.port()).await;
    let mut settings = server.settings();
    settings.urls = vec![proxy.url()];
    let broker: Shared = Arc::new(NatsBroker::connect(settings).await.unwrap());
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    log.end(within(10)).await.unwrap();
    proxy.drop_answers();
    let commit = commit("one");
    let unknown = log.append(&ours, Version::ABSENT, commit.clone(), within(3)).await;
    assert_eq!(unknown, Err(AppendError::Unknown));
    assert_eq!(read(&direct, &ours).await, ["one"]);
    proxy.pass();
    let settled = log.append(&ours, Version::ABSENT, commit, within(30)).await.unwrap();
    assert!(settled.already_stored);
    assert_eq!(read(&direct, &ours).await, ["one"]);
}

#[tokio::test]
async fn a_node_that_is_gone_has_taken_nothing_in() {
    let (server, broker) = one_node().await;
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    log.end(within(10)).await.unwrap();
    server.kill().await;
    eventually("the client notices", LONG, || async {
        if broker.connected() { Err("connected") } else { Ok(()) }
    })
    .await;
    let unavailable = log.append(&ours, Version::ABSENT, commit("one"), within(1)).await;
    assert_eq!(unavailable, Err(AppendError::Unavailable));
    server.restart().await;
    assert_eq!(read(&broker, &ours).await, [""; 0]);
    history_of(&broker, &ours, &["two"]).await;
}

#[tokio::test]
async fn everything_goes_on_after_a_kill() {
    let (server, broker) = one_node().await;
    let ours = subject(StreamName::Signals);
    let wakeups = broker.wakeups(ConsumerName::RoutingSignals);
    let of = BTreeSet::from([ours.clone()]);
    let mut follow = broker.log(StreamName::Signals).follow(None);
    assert!(matches!(timeout(LONG, follow.next()).await.unwrap().unwrap().unwrap(), Followed::CaughtUp(_)));
    let mut version = history_of(&broker, &ours, &["one"]).await;
    take(&*wakeups, &of).await.acknowledge(within(10)).await.unwrap();
    let bucket = broker.bucket(BucketName::Directory);
    bucket.create("pointer", "1".into(), within(30)).await.unwrap();
    let mut watch = bucket.watch("pointer");
    let first = timeout(LONG, watch.next()).await.unwrap().unwrap().unwrap();
    for round in ["two", "three"] {
        server.kill().await;
        server.restart().await;
        version = Version(append(&broker, &ours, version, round).await.unwrap().position.sequence);
        // A confirmed acknowledgement may be forgotten by a node that is killed: one replica writes it a moment later.
        loop {
            let delivery = take(&*wakeups, &of).await;
            let text = texts(&[delivery.message().clone()]);
            delivery.acknowledge(within(30)).await.unwrap();
            if text == [round] {
                break;
            }
        }
    }
    assert_eq!(read(&broker, &ours).await, ["one", "two", "three"]);
    // The follower delivers the same, and says that it caught up after it connected again.
    let (mut messages, mut caught_up) = (Vec::new(), 0);
    while messages.len() < 3 || caught_up < 1 {
        match timeout(LONG, follow.next()).await.unwrap().unwrap().unwrap() {
            Followed::Message(message) => messages.push(message),
            Followed::CaughtUp(_) => caught_up += 1,
        }
    }
    assert_eq!(texts(&messages), ["one", "two", "three"]);
    bucket.update("pointer", "2".into(), first.revision, within(30)).await.unwrap();
    assert_eq!(timeout(LONG, watch.next()).await.unwrap().unwrap().unwrap().value, "2");
}

#[tokio::test]
async fn a_frozen_node_leaves_doubt_and_no_doubles() {
    let (server, broker) = one_node().await;
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    let mut follow = log.follow(None);
    assert!(matches!(timeout(LONG, follow.next()).await.unwrap().unwrap().unwrap(), Followed::CaughtUp(_)));
    let version = history_of(&broker, &ours, &["one"]).await;
    server.freeze();
    let commit = commit("two");
    let unknown = log.append(&ours, version, commit.clone(), within(3)).await;
    server.thaw();
    assert_eq!(unknown, Err(AppendError::Unknown));
    log.append(&ours, version, commit, within(30)).await.unwrap();
    assert_eq!(read(&broker, &ours).await, ["one", "two"]);
    let mut messages = Vec::new();
    while messages.len() < 2 {
        if let Followed::Message(message) = timeout(LONG, follow.next()).await.unwrap().unwrap().unwrap() {
            messages.push(message);
        }
    }
    assert_eq!(texts(&messages), ["one", "two"]);
}

#[tokio::test]
async fn nothing_is_missed_however_often_the_connection_breaks() {
    let (server, direct) = one_node().await;
    let proxy = FaultProxy::start(server.port()).await;
    let mut settings = server.settings();
    settings.urls = vec![proxy.url()];
    let broker: Shared = Arc::new(NatsBroker::connect(settings).await.unwrap());
    let bucket = direct.bucket(BucketName::Directory);
    let mut revision = bucket.create("pointer", "0".into(), within(10)).await.unwrap();
    let mut watch = broker.bucket(BucketName::Directory).watch("pointer");
    let mut follow = broker.log(StreamName::Signals).follow(None);
    let (ours, mut version, mut read) = (subject(StreamName::Signals), Version::ABSENT, 0);
    for round in 0..6 {
        for count in 0..10 {
            version = Version(append(&direct, &ours, version, "more").await.unwrap().position.sequence);
            match (count, round % 2) {
                (3, 0) => proxy.cut(),
                (3, _) => proxy.drop_answers(),
                (8, _) => proxy.pass(),
                _ => {}
            }
            let value = format!("{round}-{count}");
            revision = bucket.update("pointer", value.into(), revision, within(10)).await.unwrap();
        }
        while read < version.0 {
            match timeout(LONG, follow.next()).await.unwrap().unwrap().unwrap() {
                Followed::Message(message) => {
                    assert_eq!(message.sequence, read + 1);
                    read = message.sequence;
                }
                Followed::CaughtUp(position) => assert_eq!(position.sequence, read),
            }
        }
        // Values between may be skipped; the newest never.
        while timeout(LONG, watch.next()).await.unwrap().unwrap().unwrap().revision < revision {}
    }
}

#[tokio::test]
async fn a_stream_that_was_made_again_stops_its_followers() {
    let (server, broker) = one_node().await;
    history_of(&broker, &subject(StreamName::Signals), &["one"]).await;
    let mut follow = broker.log(StreamName::Signals).follow(None);
    assert!(matches!(follow.next().await.unwrap().unwrap(), Followed::Message(_)));
    operator(&server).await.delete_stream("SIGNALS").await.unwrap();
    broker.apply(within(30)).await.unwrap();
    loop {
        match timeout(LONG, follow.next()).await.unwrap().unwrap() {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error, FollowError::OtherIncarnation { stream: StreamName::Signals });
                break;
            }
        }
    }
    assert!(follow.next().await.is_none(), "it is over");
}

#[tokio::test]
async fn a_hole_stops_a_follower_in_the_middle_and_at_the_front() {
    let (server, broker) = one_node().await;
    let (front, middle) = (subject(StreamName::Signals), subject(StreamName::Signals));
    history_of(&broker, &front, &["front"]).await;
    history_of(&broker, &subject(StreamName::Signals), &["stays"]).await;
    history_of(&broker, &middle, &["middle"]).await;
    let end = history_of(&broker, &subject(StreamName::Signals), &["stays too"]).await;
    let stream = operator(&server).await.get_stream("SIGNALS").await.unwrap();
    let hole = |expected, found| FollowError::Hole { stream: StreamName::Signals, expected, found };
    stream.purge().filter(middle.as_str()).await.unwrap();
    let missing = FollowError::Missing { stream: StreamName::Signals, count: 1 };
    assert_eq!(follow_to(&broker, None, end.0).await.unwrap_err(), missing);
    stream.purge().filter(front.as_str()).await.unwrap();
    assert_eq!(follow_to(&broker, None, end.0).await.unwrap_err(), hole(1, 2));
    stream.purge().await.unwrap();
    assert_eq!(follow_to(&broker, None, end.0).await.unwrap_err(), hole(1, end.0 + 1));
}

#[tokio::test]
async fn a_message_that_its_node_cannot_read_any_more_is_not_left_out_of_its_history() {
    let server = NatsServer::start().await;
    let nats = server.broker().await;
    let broker: Shared = Arc::new(nats.clone());
    let ours = subject(StreamName::Signals);
    history_of(&broker, &ours, &["one", "two", "three"]).await;
    let audit = nats.audit(true, within(10), &|_| {}).await;
    assert_eq!(audit.findings, Vec::new(), "{audit:#?}");
    server.stop().await;
    assert_eq!(server.flip_a_byte("SIGNALS"), 2);
    server.restart().await;

    // By itself the broker answers with the first and the third, and counts three.
    let history = broker.log(StreamName::Signals).history(&ours, 0, within(10)).await;
    assert_eq!(history.unwrap_err(), ReadError::Unavailable);
    assert_eq!(broker.log(StreamName::Signals).usage(within(10)).await.unwrap().messages, 3);
    let hole = FollowError::Hole { stream: StreamName::Signals, expected: 2, found: 3 };
    assert_eq!(follow_to(&broker, None, 3).await.unwrap_err(), hole);

    let codes = |audit: &Audit| audit.findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
    let quick = nats.audit(false, within(10), &|_| {}).await;
    assert_eq!(codes(&quick), Vec::<&str>::new(), "counters do not show it: {quick:#?}");
    let audit = nats.audit(true, within(10), &|_| {}).await;
    assert_eq!(codes(&audit), ["MESSAGES_LOST"], "{audit:#?}");
    assert!(audit.findings[0].meaning.contains("(sequence 2)"), "{audit:#?}");
}

#[tokio::test]
async fn a_full_stream_takes_nothing_more_and_loses_nothing() {
    let server = NatsServer::start().await;
    let mut settings = server.settings();
    settings.topology.stream_bytes_max = 64 << 10;
    let broker = connect(settings).await;
    let ours = subject(StreamName::Signals);
    let text = "x".repeat(10_000);
    let (mut version, mut stored) = (Version::ABSENT, 0);
    let full = loop {
        match append(&broker, &ours, version, &text).await {
            Ok(appended) => version = Version(appended.position.sequence),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 7, "it is full by now");
    };
    assert_eq!(full, AppendError::Full);
    assert_eq!(read(&broker, &ours).await.len(), stored);
    assert!(broker.log(StreamName::Signals).usage(within(10)).await.unwrap().share() > 0.7);
}

fn differences(verified: Result<(), TopologyError>) -> Vec<String> {
    match verified {
        Err(TopologyError::Differs(differences)) => differences,
        other => panic!("it differs, but: {other:?}"),
    }
}

#[tokio::test]
async fn verifying_finds_every_difference_and_changes_nothing() {
    let server = NatsServer::start().await;
    let broker = NatsBroker::connect(impatient(server.settings())).await.unwrap();
    let missing = differences(broker.verify(within(10)).await);
    assert_eq!(missing.len(), 14, "{missing:#?}");
    assert!(
        missing.iter().all(|line| line.contains("is missing: run `voordeur streams apply`")),
        "{missing:#?}"
    );
    broker.apply(within(30)).await.unwrap();
    broker.verify(within(10)).await.unwrap();

    let operator = operator(&server).await;
    let mut tasks = operator.get_stream("TASKS").await.unwrap().cached_info().config.clone();
    tasks.max_bytes = 1 << 20;
    tasks.allow_rollup = true;
    tasks.deny_delete = false;
    tasks.discard = jetstream::stream::DiscardPolicy::Old;
    // What is denied stays denied until it is made again.
    operator.delete_stream("TASKS").await.unwrap();
    operator.create_stream(tasks).await.unwrap();
    operator.delete_stream("KV_KEYS").await.unwrap();
    let signals = operator.get_stream("SIGNALS").await.unwrap();
    let mut consumer: jetstream::consumer::pull::Config = signals
        .get_consumer("routing-signals")
        .await
        .map(|c: jetstream::consumer::PullConsumer| {
            jetstream::consumer::IntoConsumerConfig::into_consumer_config(c.cached_info().config.clone())
        })
        .map(|config| jetstream::consumer::FromConsumer::try_from_consumer_config(config).unwrap())
        .unwrap();
    consumer.max_deliver = 5;
    signals.update_consumer(consumer).await.unwrap();

    let found = differences(broker.verify(within(10)).await);
    assert_eq!(differences(broker.verify(within(10)).await), found, "verifying changes nothing");
    for expected in [
        "stream TASKS: max_bytes is 1048576, must be 67108864: run `voordeur streams apply`",
        "stream TASKS: allow_rollup_hdrs is true, must be false: run `voordeur streams apply`",
        "stream TASKS: deny_delete is false, must be true: run `voordeur streams apply`",
        "stream TASKS: discard is \"old\", must be \"new\": run `voordeur streams apply`",
        "bucket KEYS is missing: run `voordeur streams apply`",
        "consumer routing-signals: max_deliver is 5, must be -1: run `voordeur streams apply`",
        "consumer intake-tasks is missing: run `voordeur streams apply`",
        "consumer escalation-tasks is missing: run `voordeur streams apply`",
    ] {
        assert!(found.iter().any(|line| line.replace("null", "false") == expected), "{expected}\n{found:#?}");
    }
    assert_eq!(found.len(), 8, "{found:#?}");

    let changes = broker.apply(within(30)).await.unwrap();
    let with = |action| changes.iter().filter(|change| change.action == action).count();
    assert_eq!((with("updated"), with("created")), (2, 3), "{changes:#?}");
    broker.verify(within(10)).await.unwrap();
}

#[tokio::test]
async fn a_node_that_acknowledges_before_it_syncs_is_refused() {
    let server = NatsServer::start_with(Sync::Sometimes).await;
    let mut settings = server.settings();
    let broker = connect(settings.clone()).await;
    let found = differences(broker.verify(within(10)).await);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("acknowledges before it syncs"), "{found:?}");

    settings.allow_unsynced = true;
    connect(settings.clone()).await.verify(within(10)).await.unwrap();
    settings.allow_unsynced = false;
    // What does not tell counts as unsynced, and so does what nobody asks.
    settings.monitor_urls = vec!["http://127.0.0.1:1".to_owned()];
    let found = differences(connect(settings.clone()).await.verify(within(10)).await);
    assert!(found.len() == 2 && found[0].contains("cannot be read"), "{found:?}");
    settings.monitor_urls.clear();
    let found = differences(connect(settings).await.verify(within(10)).await);
    assert!(found.len() == 1 && found[0].contains("no monitoring address leads to node"), "{found:?}");
}

#[tokio::test]
async fn a_missing_consumer_is_named() {
    let (server, broker) = one_node().await;
    let operator = operator(&server).await;
    operator.get_stream("SIGNALS").await.unwrap().delete_consumer("routing-signals").await.unwrap();
    conformance::a_missing_consumer_is_named(broker).await;
}

#[tokio::test]
async fn a_stream_that_is_missing_says_what_to_do() {
    let server = NatsServer::start().await;
    let broker = NatsBroker::connect(server.settings()).await.unwrap();
    let log = broker.log(StreamName::Signals);
    let refused = log.append(&subject(StreamName::Signals), Version::ABSENT, commit("one"), within(5)).await;
    let Err(AppendError::Broken(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("voordeur streams apply"), "{text}");
}

#[tokio::test]
async fn a_service_may_start_before_the_broker() {
    let server = NatsServer::start().await;
    server.stop().await;
    let broker = NatsBroker::connect(server.settings()).await.unwrap();
    assert!(!broker.connected());
    let (_, ()) = tokio::join!(async { broker.apply(within(30)).await.unwrap() }, server.restart());
    broker.verify(within(10)).await.unwrap();
    broker.close().await;
}
