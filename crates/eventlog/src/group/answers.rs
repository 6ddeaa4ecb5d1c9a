//! The twin answers bare batches as the broker does, with one replica and with three.
#![allow(clippy::unwrap_used, reason = "tests say with a panic what went wrong")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use voordeur_kernel::{CommitId, Timestamp};
use voordeur_testkit::{NatsCluster, NatsServer};

use super::{GroupSettings, Lane};
use crate::{
    Broker as _, Commit, Deadline, StreamName, Subject, Version,
    memory::{Flavour, MemoryBroker, Options},
    nats::{NatsBroker, NatsSettings},
    resolve::{Attempts as _, BatchOutcome, Member, Refusal},
    topology::Settings,
};

fn soon() -> Deadline {
    Instant::now() + Duration::from_secs(30)
}

fn number() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A new history, to be created by a new commit.
fn fresh() -> Member {
    let commit = Commit {
        id: CommitId::from_bytes(u128::from(number()).to_be_bytes()),
        kind: "nl.voordeur.signal.v1",
        source: "voordeur/test",
        time: Timestamp::default(),
        data: Bytes::from_static(b"x"),
        trace: Vec::new(),
        urgent: false,
    };
    let subject = Subject::of("voordeur.signal.v1", &format!("s{}", number())).unwrap();
    Member { subject, expected: Version::ABSENT, commit, deadline: soon() }
}

fn many(count: usize) -> Vec<Member> {
    (0..count).map(|_| fresh()).collect()
}

async fn send(lane: &Lane, members: &[Member]) -> BatchOutcome {
    lane.attempt_batch(&members.iter().collect::<Vec<_>>(), soon()).await
}

/// What a batch came to: its outcome, how many messages its histories have now, and how the newest of each of the last two stands.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    outcome: BatchOutcome,
    messages: usize,
    newest: Vec<(u64, Vec<String>)>,
}

async fn answer(lane: &Lane, members: &[Member]) -> Answer {
    let outcome = send(lane, members).await;
    let mut all = Vec::new();
    for member in members {
        for message in lane.history_from(&member.subject, 1, soon()).await.unwrap() {
            // The name of a batch is drawn by lot.
            let names = message.headers.iter().filter(|header| header.name != "Nats-Batch-Id");
            let mut headers: Vec<String> = names.map(|header| header.name.clone()).collect();
            headers.sort();
            all.push((message.sequence, headers));
        }
    }
    let newest = all.iter().rev().take(2).cloned().collect();
    Answer { outcome, messages: all.len(), newest }
}

/// What became of a number of batches; the same wherever they were sent.
async fn answers(lane: &Lane) -> Vec<Answer> {
    let with = |change: &dyn Fn(&mut Vec<Member>)| {
        let mut members = many(5);
        change(&mut members);
        members
    };
    let known = fresh();
    let before = many(3);
    assert_eq!(send(lane, &before).await, BatchOutcome::Stored { first: 1 });
    assert_eq!(send(lane, std::slice::from_ref(&known)).await, BatchOutcome::Stored { first: 4 });
    let batches = [
        many(1),
        many(40),
        // A version that is not that of the history: too high, too low.
        with(&|members| members.get_mut(2).unwrap().expected = Version(3)),
        with(&|members| members.get_mut(4).unwrap().subject = known.subject.clone()),
        // The right version, and then the same history again.
        with(&|members| {
            members.get_mut(1).unwrap().subject = known.subject.clone();
            members.get_mut(1).unwrap().expected = Version(4);
        }),
        with(&|members| members.get_mut(3).unwrap().subject = members.first().unwrap().subject.clone()),
        // A commit that is known, with its old version; its id elsewhere; the same id twice.
        with(&|members| *members.get_mut(2).unwrap() = known.clone()),
        with(&|members| members.get_mut(2).unwrap().commit.id = known.commit.id),
        with(&|members| members.get_mut(3).unwrap().commit.id = members.first().unwrap().commit.id),
        many(1_000),
        many(1_001),
    ];
    let mut answers = Vec::new();
    for members in batches {
        answers.push(answer(lane, &members).await);
    }
    answers
}

fn refusals(answers: &[Answer]) -> Vec<Option<&Refusal>> {
    let mut refusals = Vec::new();
    for answer in answers {
        refusals.push(if let BatchOutcome::Refused(refusal) = &answer.outcome {
            Some(refusal)
        } else {
            None
        });
    }
    refusals
}

async fn twin(flavour: Flavour) -> Vec<Answer> {
    let twin = MemoryBroker::with_options(Options { flavour, ..Options::default() });
    answers(&twin.lane(StreamName::Signals)).await
}

/// Settings of a connection; the test kit has those of another build of this crate.
fn settings(urls: Vec<String>, replicas: usize) -> NatsSettings {
    let topology =
        Settings { replicas, stream_bytes_max: 64 << 20, bucket_bytes_max: 16 << 20, ..Settings::default() };
    NatsSettings {
        urls,
        monitor_urls: Vec::new(),
        nkey_seed_file: None,
        topology,
        allow_unsynced: true,
        group: GroupSettings::default(),
        name: "test".to_owned(),
    }
}

#[tokio::test]
async fn one_replica_answers_as_its_twin() {
    let server = NatsServer::start().await;
    let broker = NatsBroker::connect(settings(vec![server.url()], 1)).await.unwrap();
    broker.apply(soon()).await.unwrap();
    let real = answers(&broker.lane(StreamName::Signals)).await;
    assert_eq!(real, twin(Flavour::Single).await);
    let (wrong, twice, known) =
        (Some(&Refusal::WrongLast), Some(&Refusal::SubjectTwice), Some(&Refusal::Duplicate));
    let expected =
        [None, None, wrong, wrong, None, twice, known, known, known, None, Some(&Refusal::TooMany)];
    assert_eq!(refusals(&real), expected);
}

#[tokio::test]
async fn three_replicas_answer_as_their_twin() {
    let cluster = NatsCluster::start(3).await;
    let urls = cluster.nodes().iter().map(NatsServer::url).collect();
    let broker = NatsBroker::connect(settings(urls, 3)).await.unwrap();
    broker.apply(soon()).await.unwrap();
    let real = answers(&broker.lane(StreamName::Signals)).await;
    assert_eq!(real, twin(Flavour::Replicated).await);
}
