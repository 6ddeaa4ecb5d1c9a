//! Appends that share writes of the broker, when things go wrong: exactly once all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use proptest::prelude::*;
use voordeur_eventlog::{
    AppendError, Appended, Commit, GroupFigures, GroupSettings, StreamName, Subject, Version,
    memory::{Faults, Flavour},
    nats::{NatsBroker, NatsSettings},
};
use voordeur_testkit::{FaultProxy, NatsCluster, NatsServer, eventually};

use crate::{
    conformance::{self, Shared, append, commit, follow_to, read, subject, within},
    real::{LONG, connect, impatient},
    side_by_side::write_side_by_side,
    twin::grouped_twin,
};

/// Batches from a few members on, so that the tests need no crowds.
fn eager() -> GroupSettings {
    GroupSettings { side_by_side: 1, batch_from: 3, ..GroupSettings::default() }
}

fn figures(broker: &Shared) -> GroupFigures {
    let mut all = broker.group_figures().into_iter();
    all.find_map(|(stream, figures)| (stream == StreamName::Signals).then_some(figures)).unwrap_or_default()
}

/// Appends one message to each of these histories at the same time.
fn append_to_all(
    broker: &Shared,
    subjects: &[Subject],
) -> Vec<tokio::task::JoinHandle<Result<Appended, AppendError>>> {
    let append_to = |ours: &Subject| {
        let (broker, ours) = (Arc::clone(broker), ours.clone());
        tokio::spawn(async move { append(&broker, &ours, Version::ABSENT, "one").await })
    };
    subjects.iter().map(append_to).collect()
}

#[tokio::test]
async fn many_at_the_same_time_share_writes() {
    let server = NatsServer::start().await;
    let broker = connect(server.settings()).await;
    write_side_by_side(&broker, 200, 5).await;
    let figures = figures(&broker);
    assert_eq!(figures.plain + figures.members, 1000, "{figures:?}");
    assert!(figures.members >= 500 && figures.batches * 12 <= figures.members, "{figures:?}");
    assert_eq!((figures.refused, figures.in_doubt, figures.waiting), (0, 0, 0), "{figures:?}");
}

#[tokio::test]
async fn a_lost_acknowledgement_of_a_batch_is_resolved_for_every_member() {
    let server = NatsServer::start().await;
    let direct = connect(server.settings()).await;
    let proxy = FaultProxy::start(server.port()).await;
    let settings = NatsSettings { urls: vec![proxy.url()], group: eager(), ..server.settings() };
    let broker: Shared = Arc::new(NatsBroker::connect(settings).await.unwrap());
    broker.log(StreamName::Signals).end(within(30)).await.unwrap();

    proxy.drop_answers();
    let subjects: Vec<Subject> = (0..40).map(|_| subject(StreamName::Signals)).collect();
    let appends = append_to_all(&broker, &subjects);
    eventually("every message is stored", LONG, || async {
        let end = direct.log(StreamName::Signals).end(within(10)).await.unwrap().sequence;
        if end == 40 { Ok(()) } else { Err(end.to_string()) }
    })
    .await;
    proxy.pass();
    let mut already = 0;
    for (append, ours) in appends.into_iter().zip(&subjects) {
        let appended = append.await.unwrap().unwrap();
        already += usize::from(appended.already_stored);
        let stored = direct.log(StreamName::Signals).history(ours, 0, within(30)).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].sequence, appended.position.sequence);
    }
    assert!(already >= 30, "most acknowledgements were lost, {already} noticed");
    assert!(figures(&broker).in_doubt > 0);
    assert_eq!(direct.log(StreamName::Signals).end(within(10)).await.unwrap().sequence, 40);
}

#[tokio::test]
async fn a_broker_that_is_killed_during_batches_loses_and_doubles_nothing() {
    let server = NatsServer::start().await;
    let broker = connect(NatsSettings { group: eager(), ..server.settings() }).await;
    let (writing, ()) = tokio::join!(write_side_by_side(&broker, 60, 40), async {
        for round in 1..=3 {
            eventually("work goes on", LONG, || async {
                let stored = figures(&broker).members;
                if stored >= round * 300 { Ok(()) } else { Err(stored.to_string()) }
            })
            .await;
            server.kill().await;
            server.restart().await;
        }
    });
    let expected: Vec<String> = (0..40).map(|count| count.to_string()).collect();
    for ours in &writing {
        assert_eq!(read(&broker, ours).await, expected);
    }
    let (messages, _) = follow_to(&broker, None, 60 * 40).await.unwrap();
    assert_eq!(messages.len(), 60 * 40);
}

#[tokio::test]
async fn a_cluster_whose_leader_is_killed_during_batches_loses_and_doubles_nothing() {
    let cluster = NatsCluster::start(3).await;
    let broker = connect(impatient(NatsSettings { group: eager(), ..cluster.settings() })).await;
    let (writing, ()) = tokio::join!(write_side_by_side(&broker, 60, 40), async {
        for round in 1..=2 {
            eventually("work goes on", LONG, || async {
                let stored = figures(&broker).members;
                if stored >= round * 400 { Ok(()) } else { Err(stored.to_string()) }
            })
            .await;
            let leader = cluster.leader_of("SIGNALS").await;
            leader.kill().await;
            assert_ne!(cluster.leader_of("SIGNALS").await.name(), leader.name());
            leader.restart().await;
        }
    });
    let expected: Vec<String> = (0..40).map(|count| count.to_string()).collect();
    for ours in &writing {
        assert_eq!(read(&broker, ours).await, expected);
    }
    let (messages, _) = follow_to(&broker, None, 60 * 40).await.unwrap();
    assert_eq!(messages.len(), 60 * 40);
}

#[tokio::test]
async fn what_is_urgent_overtakes_a_crowd() {
    let server = NatsServer::start().await;
    let settings = GroupSettings { members_max: 20, ..eager() };
    let broker = connect(NatsSettings { group: settings, ..server.settings() }).await;
    let log = broker.log(StreamName::Signals);
    log.end(within(10)).await.unwrap();
    let subjects: Vec<Subject> = (0..2_000).map(|_| subject(StreamName::Signals)).collect();
    let crowd = append_to_all(&broker, &subjects);
    eventually("the crowd waits", LONG, || async {
        let waiting = figures(&broker).waiting;
        if waiting >= 1_000 { Ok(()) } else { Err(waiting.to_string()) }
    })
    .await;
    let urgent = Commit { urgent: true, ..commit("urgent") };
    let ours = subject(StreamName::Signals);
    let urgent = log.append(&ours, Version::ABSENT, urgent, within(30)).await.unwrap();
    let mut behind = 0;
    for append in crowd {
        behind += usize::from(append.await.unwrap().unwrap().position.sequence > urgent.position.sequence);
    }
    assert!(behind >= 800, "only {behind} that waited longer stand behind it");
}

#[tokio::test]
async fn a_full_stream_refuses_each_member_and_takes_what_fits() {
    let server = NatsServer::start().await;
    let mut settings = NatsSettings { group: eager(), ..server.settings() };
    settings.topology.stream_bytes_max = 64 << 10;
    let broker = connect(settings).await;
    let log = broker.log(StreamName::Signals);
    log.end(within(10)).await.unwrap();
    let subjects: Vec<Subject> = (0..100).map(|_| subject(StreamName::Signals)).collect();
    let text = "x".repeat(2_000);
    let results = join_all(subjects.iter().map(|ours| append(&broker, ours, Version::ABSENT, &text))).await;
    let mut stored = 0;
    for (ours, result) in subjects.iter().zip(results) {
        let there = read(&broker, ours).await.len();
        stored += there;
        match result {
            Ok(_) => assert_eq!(there, 1),
            Err(error) => assert_eq!((error, there), (AppendError::Full, 0)),
        }
    }
    assert!((10..40).contains(&stored), "{stored}");
}

#[tokio::test]
async fn a_stream_that_takes_no_batches_is_written_one_by_one() {
    let server = NatsServer::start().await;
    let broker = connect(NatsSettings { group: eager(), ..server.settings() }).await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut config = context.get_stream("SIGNALS").await.unwrap().cached_info().config.clone();
    config.allow_atomic_publish = false;
    context.update_stream(config).await.unwrap();
    write_side_by_side(&broker, 30, 2).await;
    let figures = figures(&broker);
    assert_eq!((figures.members, figures.plain), (0, 60), "{figures:?}");
    assert!(figures.refused >= 1, "{figures:?}");
}

#[tokio::test(start_paused = true)]
async fn more_than_there_is_room_for_is_turned_away_with_a_clear_answer() {
    let group = GroupSettings { side_by_side: 1, batch_from: 10, waiting_max: 3, ..GroupSettings::default() };
    let broker: Shared = Arc::new(grouped_twin(Flavour::Single, Faults::default(), group));
    let subjects: Vec<Subject> = (0..20).map(|_| subject(StreamName::Signals)).collect();
    let results = join_all(append_to_all(&broker, &subjects)).await;
    let mut busy = 0;
    for (ours, result) in subjects.iter().zip(results) {
        match result.unwrap() {
            Ok(_) => assert_eq!(read(&broker, ours).await, ["one"]),
            Err(error) => {
                assert_eq!(error, AppendError::Busy);
                assert_eq!(error.kind(), voordeur_kernel::ErrorKind::TooMuch);
                assert_eq!(read(&broker, ours).await, [""; 0]);
                busy += 1;
            }
        }
    }
    assert_eq!(busy, figures(&broker).turned_away);
    assert!(busy > 0);
}

#[tokio::test(start_paused = true)]
async fn another_process_at_the_twin_has_committers_of_its_own() {
    let twin = grouped_twin(Flavour::Single, Faults::default(), eager());
    let one: Shared = Arc::new(twin.clone());
    let other: Shared = Arc::new(twin.for_another_process());
    write_side_by_side(&one, 10, 1).await;
    assert!(figures(&one).members + figures(&one).plain == 10 && other.group_figures().is_empty());
    assert_eq!(twin.messages(StreamName::Signals).len(), 10);
}

/// One writer of a history: what it appends, each time to what it knows.
#[derive(Debug, Clone)]
struct Writer {
    history: usize,
    process: bool,
    appends: usize,
    urgent: bool,
    /// It stops waiting after so many milliseconds.
    patience: Option<u64>,
}

fn writer() -> impl Strategy<Value = Writer> {
    let patience = prop_oneof![4 => Just(None), 1 => (1_u64..3_000).prop_map(Some)];
    (0_usize..12, any::<bool>(), 1_usize..6, prop::bool::weighted(0.1), patience).prop_map(
        |(history, process, appends, urgent, patience)| Writer {
            history,
            process,
            appends,
            urgent,
            patience,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Two processes, many writers at the same time, some of which give up or compete, at a broker on a bad day. Whatever was told
    /// to be stored is there once, where it was told to be; whatever was told not to be stored is not; nothing is there twice.
    #[test]
    fn every_commit_is_stored_exactly_as_it_was_told(
        seed in any::<u64>(),
        replicated in any::<bool>(),
        always in any::<bool>(),
        writers in prop::collection::vec(writer(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let flavour = if replicated { Flavour::Replicated } else { Flavour::Single };
            let group = if always { conformance::always_in_a_batch() } else { eager() };
            let twin = grouped_twin(flavour, Faults::rough(seed), group);
            let processes: [Shared; 2] = [Arc::new(twin.clone()), Arc::new(twin.for_another_process())];
            let subjects: Vec<Subject> = (0..12).map(|_| subject(StreamName::Signals)).collect();
            let told = Arc::new(std::sync::Mutex::new(Vec::new()));
            let mut running = tokio::task::JoinSet::new();
            for writer in writers {
                let log = processes[usize::from(writer.process)].log(StreamName::Signals);
                let (ours, told) = (subjects[writer.history].clone(), Arc::clone(&told));
                running.spawn(async move {
                    let work = async {
                        let mut version = Version::ABSENT;
                        for count in 0..writer.appends {
                            let commit = Commit { urgent: writer.urgent, ..commit(&count.to_string()) };
                            let id = commit.id;
                            let result = log.append(&ours, version, commit, within(600)).await;
                            told.lock().unwrap().push((ours.clone(), id, result.clone()));
                            version = match result {
                                Ok(appended) => Version(appended.position.sequence),
                                // Somebody competes: look, and go on from there.
                                Err(_) => log.last(&ours, within(600)).await.unwrap().map_or(version, |m| Version(m.sequence)),
                            };
                        }
                    };
                    match writer.patience {
                        Some(millis) => drop(tokio::time::timeout(Duration::from_millis(millis), work).await),
                        None => work.await,
                    }
                });
            }
            while let Some(done) = running.join_next().await {
                done.unwrap();
            }
            // Late writes of attempts that were given up are in by now, or refused.
            tokio::time::sleep(Duration::from_secs(60)).await;
            let mut places = BTreeMap::new();
            let mut newest: BTreeMap<Subject, u64> = BTreeMap::new();
            for message in twin.messages(StreamName::Signals) {
                let before = places.insert(message.commit.unwrap(), (message.subject.clone(), message.sequence));
                prop_assert!(before.is_none(), "stored twice");
                // Each was decided on the message before it.
                let expected = message.headers.iter().find(|h| h.name == "Nats-Expected-Last-Subject-Sequence").unwrap();
                let known = newest.insert(message.subject.clone(), message.sequence).unwrap_or(0);
                prop_assert_eq!(&expected.value, &known.to_string());
            }
            let told = std::mem::take(&mut *told.lock().unwrap());
            let mut ids = BTreeSet::new();
            for (ours, id, result) in told {
                prop_assert!(ids.insert(id));
                match result {
                    Ok(appended) => prop_assert_eq!(places.get(&id), Some(&(ours, appended.position.sequence))),
                    Err(AppendError::Conflict) => prop_assert_eq!(places.get(&id), None),
                    Err(error) => prop_assert!(false, "{}", error),
                }
            }
            for process in &processes {
                let waiting: u64 = process.group_figures().iter().map(|(_, figures)| figures.waiting).sum();
                prop_assert_eq!(waiting, 0);
            }
            Ok(())
        })?;
    }
}
