//! Part of the conformance suite: many appends at the same time, whether or not they share writes of the broker.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use voordeur_eventlog::{AppendError, StreamName, Subject, Version};

use crate::conformance::{Shared, append, commit, follow_to, history_of, read, subject, within};

/// So many histories at the same time, each a few messages long; returns their subjects.
pub(crate) async fn write_side_by_side(broker: &Shared, histories: usize, length: usize) -> Vec<Subject> {
    let writers = (0..histories).map(|_| {
        let broker = Arc::clone(broker);
        tokio::spawn(async move {
            let (ours, mut version) = (subject(StreamName::Signals), Version::ABSENT);
            for count in 0..length {
                let appended = append(&broker, &ours, version, &count.to_string()).await.unwrap();
                assert!(appended.position.sequence > version.0);
                version = Version(appended.position.sequence);
            }
            (ours, version)
        })
    });
    let mut subjects = Vec::new();
    for writer in join_all(writers).await {
        let (ours, version) = writer.unwrap();
        // What was told is what is there.
        let last = broker.log(StreamName::Signals).last(&ours, within(60)).await.unwrap().unwrap();
        assert_eq!(last.sequence, version.0);
        subjects.push(ours);
    }
    subjects
}

pub(crate) async fn three_hundred_side_by_side_are_stored_once_and_in_order(broker: Shared) {
    let start = broker.log(StreamName::Signals).end(within(60)).await.unwrap();
    let subjects: BTreeSet<Subject> = write_side_by_side(&broker, 300, 3).await.into_iter().collect();
    for ours in &subjects {
        assert_eq!(read(&broker, ours).await, ["0", "1", "2"]);
    }
    let end = broker.log(StreamName::Signals).end(within(60)).await.unwrap();
    let (messages, _) = follow_to(&broker, Some(start), end.sequence).await.unwrap();
    let ours: Vec<_> = messages.iter().filter(|message| subjects.contains(&message.subject)).collect();
    let ids: BTreeSet<_> = ours.iter().map(|message| message.commit.unwrap()).collect();
    assert_eq!((ours.len(), ids.len()), (900, 900));
}

pub(crate) async fn one_conflict_among_many_disturbs_nobody(broker: Shared) {
    let taken = subject(StreamName::Signals);
    history_of(&broker, &taken, &["taken"]).await;
    let subjects: Vec<Subject> =
        (0..100).map(|n| if n == 57 { taken.clone() } else { subject(StreamName::Signals) }).collect();
    let appends = subjects.iter().map(|ours| append(&broker, ours, Version::ABSENT, "new"));
    let results = join_all(appends).await;
    for (ours, result) in subjects.iter().zip(results) {
        if *ours == taken {
            assert_eq!(result, Err(AppendError::Conflict));
            assert_eq!(read(&broker, ours).await, ["taken"]);
        } else {
            assert!(!result.unwrap().already_stored);
            assert_eq!(read(&broker, ours).await, ["new"]);
        }
    }
}

pub(crate) async fn a_known_commit_among_many_is_stored_once(broker: Shared) {
    let log = broker.log(StreamName::Signals);
    let (known, known_commit) = (subject(StreamName::Signals), commit("known"));
    let first = log.append(&known, Version::ABSENT, known_commit.clone(), within(60)).await.unwrap();
    let mut all: Vec<_> = (0..60).map(|_| (subject(StreamName::Signals), commit("new"))).collect();
    // One that is stored already, and one that two send at the same time.
    all.insert(20, (known.clone(), known_commit));
    all.insert(30, all[40].clone());
    let appends =
        all.iter().map(|(ours, commit)| log.append(ours, Version::ABSENT, commit.clone(), within(60)));
    let results = join_all(appends).await;
    for ((ours, _), result) in all.iter().zip(results) {
        let appended = result.unwrap();
        if *ours == known {
            assert!(appended.already_stored && appended.position == first.position);
        }
        let stored = log.history(ours, 0, within(60)).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].sequence, appended.position.sequence);
    }
}

pub(crate) async fn who_stops_waiting_disturbs_nobody(broker: Shared) {
    let subjects: Vec<Subject> = (0..200).map(|_| subject(StreamName::Signals)).collect();
    let appends = subjects.iter().cloned().enumerate().map(|(index, ours)| {
        let broker = Arc::clone(&broker);
        let appending = tokio::spawn(async move { append(&broker, &ours, Version::ABSENT, "one").await });
        (index, appending)
    });
    let appends: Vec<_> = appends.collect();
    tokio::task::yield_now().await;
    appends.iter().filter(|(index, _)| index % 3 == 0).for_each(|(_, appending)| appending.abort());
    for (index, appending) in appends {
        match appending.await {
            Ok(result) => drop(result.unwrap()),
            Err(stopped) => assert!(stopped.is_cancelled() && index % 3 == 0),
        }
    }
    for (index, ours) in subjects.iter().enumerate() {
        // Whoever stopped waiting does not know; the commit is there once or not at all, and the next decision finds out.
        let stored = read(&broker, ours).await;
        assert!(stored == ["one"] || (index % 3 == 0 && stored.is_empty()), "{index}: {stored:?}");
    }
    history_of(&broker, &subject(StreamName::Signals), &["the", "way", "is", "free"]).await;
}

pub(crate) async fn what_is_urgent_is_stored_among_many_others(broker: Shared) {
    let log = broker.log(StreamName::Signals);
    let crowd: Vec<_> = (0..300)
        .map(|_| {
            let broker = Arc::clone(&broker);
            tokio::spawn(async move {
                append(&broker, &subject(StreamName::Signals), Version::ABSENT, "crowd").await.unwrap()
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let mut urgent = commit("urgent");
    urgent.urgent = true;
    let ours = subject(StreamName::Signals);
    let urgent = log.append(&ours, Version::ABSENT, urgent, within(60)).await.unwrap();
    for append in crowd {
        assert_ne!(append.await.unwrap().position, urgent.position);
    }
    assert_eq!(read(&broker, &ours).await, ["urgent"]);
}
