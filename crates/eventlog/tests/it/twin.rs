//! The twin in memory: the conformance suite in both flavours, with and without faults, and troubles that only it can make.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::StreamExt;
use proptest::prelude::*;
use voordeur_eventlog::{
    AppendError, Broker, ConsumerName, FollowError, Followed, GroupSettings, StreamName, Subject, Version,
    memory::{Faults, Flavour, MemoryBroker, Options},
    topology::{Settings, TopologyError},
};

use crate::conformance::{self, ACK_WAIT, Shared, for_each_check, history_of, read, subject, texts, within};

pub(crate) fn twin(flavour: Flavour, faults: Faults) -> MemoryBroker {
    grouped_twin(flavour, faults, GroupSettings::default())
}

pub(crate) fn grouped_twin(flavour: Flavour, faults: Faults, group: GroupSettings) -> MemoryBroker {
    let settings = Settings { ack_wait: ACK_WAIT, ..Settings::default() };
    MemoryBroker::with_options(Options { settings, flavour, faults, group, ..Options::default() })
}

macro_rules! on_both_flavours {
    ($($check:ident),* $(,)?) => {
        mod with_one_replica {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $check() {
                conformance::$check(Arc::new(twin(Flavour::Single, Faults::default()))).await;
            })*
        }
        mod with_three_replicas {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $check() {
                conformance::$check(Arc::new(twin(Flavour::Replicated, Faults::default()))).await;
            })*
        }
        mod one_by_one {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $check() {
                for flavour in [Flavour::Single, Flavour::Replicated] {
                    let twin = grouped_twin(flavour, Faults::default(), GroupSettings::off());
                    conformance::$check(Arc::new(twin)).await;
                }
            })*
        }
        mod always_in_a_batch {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $check() {
                for flavour in [Flavour::Single, Flavour::Replicated] {
                    let twin = grouped_twin(flavour, Faults::default(), conformance::always_in_a_batch());
                    conformance::$check(Arc::new(twin)).await;
                }
            })*
        }
    };
}
for_each_check!(on_both_flavours);

macro_rules! on_bad_days {
    ($($check:ident),* $(,)?) => {
        mod on_bad_days {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $check() {
                for seed in 0..25 {
                    for flavour in [Flavour::Single, Flavour::Replicated] {
                        for group in [GroupSettings::default(), conformance::always_in_a_batch()] {
                            let twin = grouped_twin(flavour, Faults::rough(seed), group);
                            conformance::$check(Arc::new(twin)).await;
                        }
                    }
                }
            })*
        }
    };
}
// Not the checks that count attempts, and not those that a late write of the check before would disturb.
on_bad_days! {
    a_history_is_read_as_it_was_written,
    a_history_is_created_once,
    a_stale_version_is_a_conflict,
    the_same_commit_is_found_behind_newer_ones,
    a_commit_id_of_another_history_is_refused,
    one_of_many_writers_wins,
    following_is_in_order_and_catches_up,
    following_resumes_after_a_position,
    two_takers_share_the_deliveries,
    a_value_is_created_once,
    a_value_is_updated_at_its_revision,
    a_removed_key_can_be_created_again,
    keys_are_listed_by_prefix,
    a_watch_tells_every_change,
    who_stops_waiting_disturbs_nobody,
    what_is_urgent_is_stored_among_many_others,
}

#[tokio::test(start_paused = true)]
async fn a_lost_acknowledgement_is_resolved_by_looking() {
    for flavour in [Flavour::Single, Flavour::Replicated] {
        let twin = twin(flavour, Faults::default());
        let broker: Shared = Arc::new(twin.clone());
        let ours = subject(StreamName::Signals);
        twin.lose_acknowledgements(1);
        let appended = conformance::append(&broker, &ours, Version::ABSENT, "one").await.unwrap();
        assert!(appended.already_stored);
        assert_eq!(read(&broker, &ours).await, ["one"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_in_doubt_is_unknown() {
    let twin = twin(Flavour::Single, Faults::default());
    let log = twin.log(StreamName::Signals);
    let ours = subject(StreamName::Signals);
    let commit = conformance::commit("one");
    // Every write is lost, so that nobody can tell.
    twin.set_faults(Faults { lost_requests: 1000, ..Faults::default() });
    let unknown = log.append(&ours, Version::ABSENT, commit.clone(), within(5)).await;
    assert_eq!(unknown, Err(AppendError::Unknown));
    twin.set_faults(Faults::default());
    assert!(!log.append(&ours, Version::ABSENT, commit, within(5)).await.unwrap().already_stored);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_away_has_taken_nothing_in() {
    let twin = twin(Flavour::Single, Faults::default());
    let broker: Shared = Arc::new(twin.clone());
    let ours = subject(StreamName::Signals);
    twin.set_available(false);
    let log = broker.log(StreamName::Signals);
    let unavailable = log.append(&ours, Version::ABSENT, conformance::commit("one"), within(5)).await;
    assert_eq!(unavailable, Err(AppendError::Unavailable));
    assert!(!broker.connected() && broker.verify(within(1)).await.is_err());
    twin.set_available(true);
    assert_eq!(read(&broker, &ours).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_full_stream_takes_nothing_more() {
    let twin = twin(Flavour::Single, Faults::default());
    let broker: Shared = Arc::new(twin.clone());
    let ours = subject(StreamName::Signals);
    let version = history_of(&broker, &ours, &["one"]).await;
    twin.limit(StreamName::Signals, 1);
    assert_eq!(conformance::append(&broker, &ours, version, "two").await, Err(AppendError::Full));
    assert_eq!(read(&broker, &ours).await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_notices_what_a_broken_disk_lost() {
    let twin = twin(Flavour::Single, Faults::default());
    let broker: Shared = Arc::new(twin.clone());
    history_of(&broker, &subject(StreamName::Signals), &["one", "two", "three"]).await;
    let stream = StreamName::Signals;
    let mut running = broker.log(stream).follow(None);
    for _ in 0..4 {
        running.next().await.unwrap().unwrap();
    }
    twin.lose(stream, 2);
    let hole = conformance::follow_to(&broker, None, 3).await.unwrap_err();
    assert_eq!(hole, FollowError::Hole { stream, expected: 2, found: 3 });
    twin.truncate(stream, 2);
    let below = running.next().await.unwrap().unwrap_err();
    assert_eq!(below, FollowError::EndBelow { stream, end: 2, read: 3 });
    assert!(running.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_follower_notices_a_new_stream_in_the_place_of_the_old() {
    let twin = twin(Flavour::Single, Faults::default());
    let broker: Shared = Arc::new(twin.clone());
    history_of(&broker, &subject(StreamName::Signals), &["one"]).await;
    let mut running = broker.log(StreamName::Signals).follow(None);
    assert!(matches!(running.next().await.unwrap().unwrap(), Followed::Message(_)));
    assert!(matches!(running.next().await.unwrap().unwrap(), Followed::CaughtUp(_)));
    twin.recreate(StreamName::Signals);
    let stopped = running.next().await.unwrap().unwrap_err();
    assert_eq!(stopped, FollowError::OtherIncarnation { stream: StreamName::Signals });
}

#[tokio::test(start_paused = true)]
async fn a_follower_notices_a_restore_even_when_the_stream_has_grown_past_it() {
    let twin = twin(Flavour::Single, Faults::default());
    let broker: Shared = Arc::new(twin.clone());
    history_of(&broker, &subject(StreamName::Signals), &["one", "two"]).await;
    let backup = twin.back_up_stream(StreamName::Signals).unwrap();
    history_of(&broker, &subject(StreamName::Signals), &["three"]).await;
    let mut running = broker.log(StreamName::Signals).follow(None);
    for _ in 0..4 {
        running.next().await.unwrap().unwrap();
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    twin.restore_stream(&backup, false);
    history_of(&broker, &subject(StreamName::Signals), &["four", "five"]).await;
    let stopped = running.next().await.unwrap().unwrap_err();
    assert_eq!(stopped, FollowError::OtherIncarnation { stream: StreamName::Signals });
}

#[tokio::test(start_paused = true)]
async fn a_restored_stream_begins_its_consumers_again() {
    let twin = twin(Flavour::Single, Faults::default());
    let broker: Shared = Arc::new(twin.clone());
    history_of(&broker, &subject(StreamName::Signals), &["one", "two"]).await;
    let wakeups = twin.wakeups(ConsumerName::RoutingSignals);
    for delivery in wakeups.next(10).await.unwrap() {
        delivery.acknowledge(within(1)).await.unwrap();
    }
    let backup = twin.back_up_stream(StreamName::Signals).unwrap();
    twin.restore_stream(&backup, true);
    wakeups.next(10).await.unwrap_err();
    twin.apply(within(1)).await.unwrap();
    assert_eq!(wakeups.next(10).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn verifying_finds_every_difference() {
    let settings = Settings { ack_wait: ACK_WAIT, ..Settings::default() };
    let twin = MemoryBroker::with_options(Options { settings, empty: true, ..Options::default() });
    let Err(TopologyError::Differs(missing)) = twin.verify(within(1)).await else { panic!("all is missing") };
    assert_eq!(missing.len(), 14);
    assert!(twin.apply(within(1)).await.unwrap().iter().all(|change| change.action == "created"));
    twin.verify(within(1)).await.unwrap();
    twin.limit(StreamName::Tasks, 1);
    twin.delete_consumer(ConsumerName::IntakeTasks);
    let Err(TopologyError::Differs(differences)) = twin.verify(within(1)).await else { panic!("two differ") };
    assert_eq!(differences.len(), 2, "{differences:?}");
    let consumerless: Shared = Arc::new(twin.clone());
    twin.delete_consumer(ConsumerName::RoutingSignals);
    conformance::a_missing_consumer_is_named(consumerless).await;
}

/// What somebody does with the log.
#[derive(Debug, Clone)]
enum Step {
    /// Appends to a history: what it knows of it is so many versions old.
    Append { history: usize, behind: usize },
    /// Sends an earlier commit again.
    Repeat { which: usize },
    /// The broker goes away and comes back.
    Interrupt,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_usize..4, 0_usize..3).prop_map(|(history, behind)| Step::Append { history, behind }),
        2 => (0_usize..64).prop_map(|which| Step::Repeat { which }),
        1 => Just(Step::Interrupt),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever goes wrong: what was acknowledged is there, once, in order; what was refused is not.
    #[test]
    fn the_log_equals_a_simple_model(
        seed in any::<u64>(),
        replicated in any::<bool>(),
        batches in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let flavour = if replicated { Flavour::Replicated } else { Flavour::Single };
            let group = if batches { conformance::always_in_a_batch() } else { GroupSettings::default() };
            let twin = grouped_twin(flavour, Faults::rough(seed), group);
            let broker: Shared = Arc::new(twin.clone());
            let log = broker.log(StreamName::Signals);
            let subjects: Vec<Subject> = (0..4).map(|_| subject(StreamName::Signals)).collect();
            let mut model: BTreeMap<usize, Vec<(u64, String)>> = BTreeMap::new();
            let mut sent = Vec::new();
            for (count, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Append { history, behind } => {
                        let known = model.entry(history).or_default();
                        let known = &known[..known.len().saturating_sub(behind)];
                        let expected = Version(known.last().map_or(0, |(sequence, _)| *sequence));
                        let commit = conformance::commit(&format!("message {count}"));
                        let result = log.append(&subjects[history], expected, commit.clone(), within(600)).await;
                        let current = model[&history].last().map_or(0, |(sequence, _)| *sequence);
                        match result {
                            Ok(appended) => {
                                prop_assert_eq!(expected.0, current, "only at the newest version");
                                let sequence = appended.position.sequence;
                                model.get_mut(&history).unwrap().push((sequence, format!("message {count}")));
                                sent.push((history, expected, commit, sequence));
                            }
                            Err(error) => {
                                prop_assert_eq!(error, AppendError::Conflict);
                                prop_assert_ne!(expected.0, current);
                            }
                        }
                    }
                    Step::Repeat { which } if !sent.is_empty() => {
                        let (history, expected, commit, sequence) = &sent[which % sent.len()];
                        let again =
                            log.append(&subjects[*history], *expected, commit.clone(), within(600)).await.unwrap();
                        prop_assert!(again.already_stored);
                        prop_assert_eq!(again.position.sequence, *sequence);
                    }
                    Step::Repeat { .. } => {}
                    Step::Interrupt => {
                        twin.set_available(false);
                        tokio::time::sleep(Duration::from_secs(5)).await;
                        twin.set_available(true);
                    }
                }
            }
            // Late writes of attempts that were given up are in by now, or refused.
            tokio::time::sleep(Duration::from_secs(60)).await;
            for (history, messages) in &model {
                let stored = log.history(&subjects[*history], 0, within(600)).await.unwrap();
                let stored: Vec<(u64, String)> =
                    stored.iter().map(|m| m.sequence).zip(texts(&stored)).collect();
                prop_assert_eq!(&stored, messages);
            }
            let total: u64 = model.values().map(|messages| u64::try_from(messages.len()).unwrap()).sum();
            prop_assert_eq!(log.end(within(600)).await.unwrap().sequence, total);
            if total > 0 {
                let (all, _) = conformance::follow_to(&broker, None, total).await.unwrap();
                prop_assert_eq!(u64::try_from(all.len()).unwrap(), total);
            }
            Ok(())
        })?;
    }
}
