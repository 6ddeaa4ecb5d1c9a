//! What every broker must do, whichever it is. Written so that others may use the same broker at the same time: every check has
//! histories of its own, and looks only at what came after it began.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};
use voordeur_eventlog::{
    AppendError, Appended, Broker, BucketError, BucketName, Commit, ConsumerName, Deadline, Delivery,
    FollowError, Followed, GroupSettings, Header, Position, ReadError, Recorded, StreamName, Subject,
    Version, WakeupError, Wakeups,
};
use voordeur_kernel::{CommitId, Timestamp, limits::EVENT_BYTES_MAX};

pub(crate) type Shared = Arc<dyn Broker>;

/// Every check, for a macro that makes tests of them.
macro_rules! for_each_check {
    ($make:ident) => {
        $make! {
            a_history_is_read_as_it_was_written,
            headers_follow_the_binding_of_cloudevents,
            a_history_is_created_once,
            a_stale_version_is_a_conflict,
            a_version_that_never_was_is_a_conflict,
            the_same_commit_is_stored_once,
            the_same_commit_is_found_behind_newer_ones,
            a_commit_id_of_another_history_is_refused,
            one_of_many_writers_wins,
            an_event_over_the_bound_is_too_large,
            a_history_is_at_least_what_was_asked,
            the_last_message_and_the_end_are_known,
            following_is_in_order_and_catches_up,
            following_resumes_after_a_position,
            following_another_incarnation_stops,
            following_from_behind_the_end_stops,
            a_delivery_is_acknowledged_once,
            a_delivery_that_is_dropped_comes_again,
            a_delivery_can_be_put_off,
            two_takers_share_the_deliveries,
            a_value_is_created_once,
            several_values_are_created_together,
            a_value_is_updated_at_its_revision,
            a_removed_key_can_be_created_again,
            keys_are_listed_by_prefix,
            a_watch_tells_every_change,
            a_key_with_other_characters_is_refused,
            applying_the_topology_again_changes_nothing,
            three_hundred_side_by_side_are_stored_once_and_in_order,
            one_conflict_among_many_disturbs_nobody,
            a_known_commit_among_many_is_stored_once,
            who_stops_waiting_disturbs_nobody,
            what_is_urgent_is_stored_among_many_others,
        }
    };
}
pub(crate) use for_each_check;

pub(crate) use crate::side_by_side::{
    a_known_commit_among_many_is_stored_once, one_conflict_among_many_disturbs_nobody,
    three_hundred_side_by_side_are_stored_once_and_in_order, what_is_urgent_is_stored_among_many_others,
    who_stops_waiting_disturbs_nobody,
};

/// Every append that is not urgent goes out in a batch, also a lone one: what batches do shows in every check.
pub(crate) fn always_in_a_batch() -> GroupSettings {
    GroupSettings { side_by_side: 0, batch_from: 1, ..GroupSettings::default() }
}

pub(crate) fn within(seconds: u64) -> Deadline {
    Instant::now() + Duration::from_secs(seconds)
}

/// A number that no other check uses; every process has a broker of its own.
fn number() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A token that no other check uses.
fn token() -> String {
    format!("t{}", number())
}

pub(crate) fn subject(stream: StreamName) -> Subject {
    Subject::of(stream.prefixes()[0], &token()).unwrap()
}

pub(crate) fn commit(text: &str) -> Commit {
    Commit {
        id: CommitId::from_bytes(u128::from(number()).to_be_bytes()),
        kind: "nl.voordeur.signal.v1",
        source: "voordeur/test",
        time: "2026-01-05T08:00:00.25Z".parse::<Timestamp>().unwrap(),
        data: Bytes::copy_from_slice(text.as_bytes()),
        trace: Vec::new(),
        urgent: false,
    }
}

pub(crate) async fn append(
    broker: &Shared,
    to: &Subject,
    expected: Version,
    text: &str,
) -> Result<Appended, AppendError> {
    broker.log(StreamName::Signals).append(to, expected, commit(text), within(60)).await
}

/// A history with these messages; returns its version.
pub(crate) async fn history_of(broker: &Shared, subject: &Subject, texts: &[&str]) -> Version {
    let mut version = Version::ABSENT;
    for text in texts {
        version = Version(append(broker, subject, version, text).await.unwrap().position.sequence);
    }
    version
}

pub(crate) fn texts(messages: &[Recorded]) -> Vec<String> {
    messages.iter().map(|message| String::from_utf8(message.data.to_vec()).unwrap()).collect()
}

pub(crate) async fn read(broker: &Shared, subject: &Subject) -> Vec<String> {
    texts(&broker.log(StreamName::Signals).history(subject, 0, within(60)).await.unwrap())
}

// Appending and reading.

pub(crate) async fn a_history_is_read_as_it_was_written(broker: Shared) {
    let (ours, other) = (subject(StreamName::Signals), subject(StreamName::Signals));
    assert_eq!(read(&broker, &ours).await, [""; 0]);
    let first = append(&broker, &ours, Version::ABSENT, "one").await.unwrap();
    history_of(&broker, &other, &["elsewhere"]).await;
    let second = append(&broker, &ours, Version(first.position.sequence), "two").await.unwrap();
    assert!(second.position.sequence > first.position.sequence + 1, "the version is the stream's sequence");
    assert_eq!(first.position.stream, StreamName::Signals);
    assert_eq!(first.position.incarnation, second.position.incarnation);

    let history = broker.log(StreamName::Signals).history(&ours, 0, within(60)).await.unwrap();
    assert_eq!(texts(&history), ["one", "two"]);
    assert!(history[0].is_first() && !history[1].is_first());
    for (message, known) in history.iter().zip(1..) {
        let up_to = broker.log(StreamName::Signals).history_up_to(message, within(60)).await.unwrap();
        assert_eq!(texts(&up_to), ["one", "two"][..known]);
    }
    let sequences: Vec<u64> = history.iter().map(|message| message.sequence).collect();
    assert_eq!(sequences, [first.position.sequence, second.position.sequence]);
    assert!(history.iter().all(|message| message.subject == ours));
    assert!(history[0].stored_at <= history[1].stored_at);
}

pub(crate) async fn headers_follow_the_binding_of_cloudevents(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut commit = commit("one");
    commit.trace = vec![
        Header { name: "traceparent".to_owned(), value: trace.to_owned() },
        Header { name: "tracestate".to_owned(), value: "broken\r\nNats-Rollup: all".to_owned() },
    ];
    let log = broker.log(StreamName::Signals);
    log.append(&ours, Version::ABSENT, commit.clone(), within(60)).await.unwrap();
    let message = log.last(&ours, within(60)).await.unwrap().unwrap();
    assert_eq!(message.commit, Some(commit.id));
    assert_eq!(message.kind, commit.kind);
    let headers: BTreeMap<&str, &str> =
        message.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
    // The broker keeps what it needed to know about a batch; it says nothing about the event.
    let headers: BTreeMap<&str, &str> =
        headers.into_iter().filter(|(name, _)| !name.starts_with("Nats-Batch-")).collect();
    let id = commit.id.to_string();
    let expected = BTreeMap::from([
        ("Nats-Msg-Id", id.as_str()),
        ("Nats-Expected-Last-Subject-Sequence", "0"),
        ("ce-specversion", "1.0"),
        ("ce-id", id.as_str()),
        ("ce-source", "voordeur/test"),
        ("ce-type", "nl.voordeur.signal.v1"),
        ("ce-time", "2026-01-05T08:00:00.25Z"),
        ("ce-datacontenttype", "application/protobuf"),
        ("traceparent", trace),
    ]);
    assert_eq!(headers, expected);
}

pub(crate) async fn a_history_is_created_once(broker: Shared) {
    let ours = subject(StreamName::Signals);
    append(&broker, &ours, Version::ABSENT, "one").await.unwrap();
    assert_eq!(append(&broker, &ours, Version::ABSENT, "two").await, Err(AppendError::Conflict));
    assert_eq!(read(&broker, &ours).await, ["one"]);
}

pub(crate) async fn a_stale_version_is_a_conflict(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let first = history_of(&broker, &ours, &["one"]).await;
    append(&broker, &ours, first, "two").await.unwrap();
    assert_eq!(append(&broker, &ours, first, "three").await, Err(AppendError::Conflict));
    assert_eq!(read(&broker, &ours).await, ["one", "two"]);
}

pub(crate) async fn a_version_that_never_was_is_a_conflict(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let first = history_of(&broker, &ours, &["one"]).await;
    assert_eq!(append(&broker, &ours, Version(first.0 + 1_000_000), "two").await, Err(AppendError::Conflict));
    assert_eq!(read(&broker, &ours).await, ["one"]);
}

pub(crate) async fn the_same_commit_is_stored_once(broker: Shared) {
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    let commit = commit("one");
    let first = log.append(&ours, Version::ABSENT, commit.clone(), within(60)).await.unwrap();
    let again = log.append(&ours, Version::ABSENT, commit.clone(), within(60)).await.unwrap();
    assert!(again.already_stored);
    assert_eq!(again.position, first.position);
    assert_eq!(read(&broker, &ours).await, ["one"]);
}

pub(crate) async fn the_same_commit_is_found_behind_newer_ones(broker: Shared) {
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    let commit = commit("one");
    let first = log.append(&ours, Version::ABSENT, commit.clone(), within(60)).await.unwrap();
    let second = append(&broker, &ours, Version(first.position.sequence), "two").await.unwrap();
    let third = append(&broker, &ours, Version(second.position.sequence), "three").await.unwrap();
    for expected in [Version::ABSENT, Version(third.position.sequence)] {
        let again = log.append(&ours, expected, commit.clone(), within(60)).await.unwrap();
        assert!(again.already_stored);
        assert_eq!(again.position, first.position);
    }
    assert_eq!(read(&broker, &ours).await, ["one", "two", "three"]);
}

pub(crate) async fn a_commit_id_of_another_history_is_refused(broker: Shared) {
    let (ours, other) = (subject(StreamName::Signals), subject(StreamName::Signals));
    let log = broker.log(StreamName::Signals);
    let commit = commit("one");
    log.append(&ours, Version::ABSENT, commit.clone(), within(60)).await.unwrap();
    let refused = log.append(&other, Version::ABSENT, commit, within(60)).await;
    assert!(matches!(refused, Err(AppendError::Broken(_))), "{refused:?}");
    assert_eq!(read(&broker, &other).await, [""; 0]);
}

pub(crate) async fn one_of_many_writers_wins(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let names: Vec<String> = (0..8).map(|n| format!("writer {n}")).collect();
    let all = names.iter().map(|name| append(&broker, &ours, Version::ABSENT, name));
    let results = futures_util::future::join_all(all).await;
    let won: Vec<&String> =
        names.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(name, _)| name).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(AppendError::Conflict))), "{results:?}");
    assert_eq!(read(&broker, &ours).await, [won[0].as_str()]);
}

pub(crate) async fn an_event_over_the_bound_is_too_large(broker: Shared) {
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    let mut large = commit("");
    large.data = Bytes::from(vec![0; EVENT_BYTES_MAX + 1]);
    assert_eq!(log.append(&ours, Version::ABSENT, large, within(60)).await, Err(AppendError::TooLarge));
    let mut largest = commit("");
    largest.data = Bytes::from(vec![0; EVENT_BYTES_MAX]);
    log.append(&ours, Version::ABSENT, largest, within(60)).await.unwrap();
    assert_eq!(log.history(&ours, 0, within(60)).await.unwrap()[0].data.len(), EVENT_BYTES_MAX);
}

pub(crate) async fn a_history_is_at_least_what_was_asked(broker: Shared) {
    let (ours, other) = (subject(StreamName::Signals), subject(StreamName::Signals));
    let log = broker.log(StreamName::Signals);
    history_of(&broker, &ours, &["one"]).await;
    let later = history_of(&broker, &other, &["elsewhere"]).await;
    // Ours ends before, and that is right.
    assert_eq!(texts(&log.history(&ours, later.0, within(60)).await.unwrap()), ["one"]);
    let beyond = log.history(&ours, later.0 + 100_000, within(1)).await;
    assert!(matches!(beyond, Err(ReadError::Unavailable | ReadError::TimedOut)), "{beyond:?}");
}

pub(crate) async fn the_last_message_and_the_end_are_known(broker: Shared) {
    let (ours, log) = (subject(StreamName::Signals), broker.log(StreamName::Signals));
    assert!(log.last(&ours, within(60)).await.unwrap().is_none());
    let before = log.usage(within(60)).await.unwrap();
    let version = history_of(&broker, &ours, &["one", "two"]).await;
    assert_eq!(texts(&[log.last(&ours, within(60)).await.unwrap().unwrap()]), ["two"]);
    let end = log.end(within(60)).await.unwrap();
    assert!(end.sequence >= version.0);
    let after = log.usage(within(60)).await.unwrap();
    assert!(after.messages >= before.messages + 2 && after.bytes > before.bytes && after.bytes_max > 0);
    assert!(after.last_sequence >= version.0 && after.share() > 0.0);
}

// Following.

/// What comes until everything up to a sequence was read and the follower has said that it caught up.
pub(crate) async fn follow_to(
    broker: &Shared,
    after: Option<Position>,
    to: u64,
) -> Result<(Vec<Recorded>, Position), FollowError> {
    let mut follow = broker.log(StreamName::Signals).follow(after.clone());
    let (mut messages, mut read) = (Vec::<Recorded>::new(), after.map(|position| position.sequence));
    loop {
        let next = timeout(Duration::from_secs(60), follow.next()).await.expect("something comes");
        match next.expect("following does not end by itself")? {
            Followed::Message(message) => {
                // Without a position the first message is the first there is.
                assert_eq!(message.sequence, read.map_or(message.sequence, |read| read + 1), "contiguous");
                read = Some(message.sequence);
                messages.push(message);
            }
            Followed::CaughtUp(position) => {
                let read = read.unwrap_or(position.sequence);
                assert_eq!(position.sequence, read, "caught up means: up to what was delivered");
                if read >= to {
                    return Ok((messages, position));
                }
                // It connected before the last message came; connecting again would say so.
                return Box::pin(follow_to(broker, Some(position), to)).await.map(|(rest, position)| {
                    messages.extend(rest);
                    (messages, position)
                });
            }
        }
    }
}

pub(crate) async fn following_is_in_order_and_catches_up(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let start = broker.log(StreamName::Signals).end(within(60)).await.unwrap();
    let version = history_of(&broker, &ours, &["one", "two", "three"]).await;
    let mut follow = broker.log(StreamName::Signals).follow(Some(start.clone()));
    let (mut caught_up, mut read) = (None, Vec::new());
    while caught_up.is_none() || read.len() < 3 {
        match timeout(Duration::from_secs(60), follow.next()).await.unwrap().unwrap().unwrap() {
            Followed::Message(message) if message.subject == ours => read.push(message),
            Followed::Message(_) => {}
            Followed::CaughtUp(position) => caught_up = Some(position),
        }
    }
    assert_eq!(texts(&read), ["one", "two", "three"]);
    assert_eq!(caught_up.unwrap().incarnation, start.incarnation);
    // And then what comes.
    append(&broker, &ours, version, "four").await.unwrap();
    loop {
        let next = timeout(Duration::from_secs(60), follow.next()).await.unwrap().unwrap().unwrap();
        if let Followed::Message(message) = next
            && message.subject == ours
        {
            assert_eq!(texts(&[message]), ["four"]);
            return;
        }
    }
}

pub(crate) async fn following_resumes_after_a_position(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let version = history_of(&broker, &ours, &["one", "two"]).await;
    let (all, position) = follow_to(&broker, None, version.0).await.unwrap();
    assert_eq!(all.first().unwrap().sequence, 1, "without a position it begins at the beginning");
    let (rest, _) = follow_to(&broker, Some(position.clone()), position.sequence).await.unwrap();
    assert_eq!(texts(&rest), [""; 0]);
    let last = append(&broker, &ours, version, "three").await.unwrap().position;
    let (rest, _) = follow_to(&broker, Some(position), last.sequence).await.unwrap();
    let ours: Vec<Recorded> = rest.into_iter().filter(|message| message.subject == ours).collect();
    assert_eq!(texts(&ours), ["three"]);
}

pub(crate) async fn following_another_incarnation_stops(broker: Shared) {
    let ours = subject(StreamName::Signals);
    history_of(&broker, &ours, &["one"]).await;
    let mut position = broker.log(StreamName::Signals).end(within(60)).await.unwrap();
    position.incarnation = Arc::from("2020-01-01T00:00:00Z");
    let stopped = follow_to(&broker, Some(position), 1).await;
    assert_eq!(stopped.unwrap_err(), FollowError::OtherIncarnation { stream: StreamName::Signals });
}

pub(crate) async fn following_from_behind_the_end_stops(broker: Shared) {
    let ours = subject(StreamName::Signals);
    history_of(&broker, &ours, &["one"]).await;
    let mut position = broker.log(StreamName::Signals).end(within(60)).await.unwrap();
    position.sequence += 100_000;
    let read = position.sequence;
    let stopped = follow_to(&broker, Some(position), 1).await.unwrap_err();
    assert!(matches!(stopped, FollowError::EndBelow { read: known, .. } if known == read), "{stopped:?}");
}

// Wake-ups.

/// The next delivery of one of these histories; whatever else comes is acknowledged.
pub(crate) async fn take(wakeups: &dyn Wakeups, of: &BTreeSet<Subject>) -> Box<dyn Delivery> {
    let end = within(60);
    loop {
        assert!(Instant::now() < end, "no delivery came");
        // One at a time: a second one of ours would be dropped here.
        let Ok(Ok(deliveries)) = timeout(Duration::from_secs(60), wakeups.next(1)).await else { continue };
        for delivery in deliveries {
            if of.contains(&delivery.message().subject) {
                return delivery;
            }
            let _ = delivery.acknowledge(within(10)).await;
        }
    }
}

/// Nothing of these histories comes for a while.
async fn nothing_comes(wakeups: &dyn Wakeups, of: &BTreeSet<Subject>, within: Duration) {
    let end = Instant::now() + within;
    while let Ok(next) = tokio::time::timeout_at(end, wakeups.next(1)).await {
        for delivery in next.unwrap_or_default() {
            assert!(!of.contains(&delivery.message().subject), "delivered again: {delivery:?}");
            let _ = delivery.acknowledge(super::conformance::within(10)).await;
        }
    }
}

/// Longer than the wait of the consumers that tests make.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(1);

pub(crate) async fn a_delivery_is_acknowledged_once(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let of = BTreeSet::from([ours.clone()]);
    let wakeups = broker.wakeups(ConsumerName::RoutingSignals);
    let version = history_of(&broker, &ours, &["one"]).await;
    let delivery = take(&*wakeups, &of).await;
    assert_eq!(delivery.message().sequence, version.0);
    assert_eq!(texts(&[delivery.message().clone()]), ["one"]);
    assert!(delivery.message().is_first());
    assert_eq!(delivery.attempt(), 1);
    assert!(wakeups.backlog(within(10)).await.unwrap().unsettled >= 1);
    delivery.acknowledge(within(10)).await.unwrap();
    nothing_comes(&*wakeups, &of, ACK_WAIT * 2).await;
}

pub(crate) async fn a_delivery_that_is_dropped_comes_again(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let of = BTreeSet::from([ours.clone()]);
    let wakeups = broker.wakeups(ConsumerName::RoutingSignals);
    history_of(&broker, &ours, &["one"]).await;
    drop(take(&*wakeups, &of).await);
    let again = take(&*wakeups, &of).await;
    assert!(again.attempt() >= 2);
    again.acknowledge(within(10)).await.unwrap();
}

pub(crate) async fn a_delivery_can_be_put_off(broker: Shared) {
    let ours = subject(StreamName::Signals);
    let of = BTreeSet::from([ours.clone()]);
    let wakeups = broker.wakeups(ConsumerName::RoutingSignals);
    history_of(&broker, &ours, &["one"]).await;
    let delay = ACK_WAIT / 2;
    let put_off = Instant::now();
    take(&*wakeups, &of).await.later(delay).await.unwrap();
    let again = take(&*wakeups, &of).await;
    assert!(put_off.elapsed() >= delay, "came again after {:?}", put_off.elapsed());
    assert_eq!(again.attempt(), 2);
    again.acknowledge(within(10)).await.unwrap();
}

pub(crate) async fn two_takers_share_the_deliveries(broker: Shared) {
    let (one, other) =
        (broker.wakeups(ConsumerName::RoutingSignals), broker.wakeups(ConsumerName::RoutingSignals));
    let ours: BTreeSet<Subject> = (0..20).map(|_| subject(StreamName::Signals)).collect();
    for subject in &ours {
        history_of(&broker, subject, &["one"]).await;
    }
    let mut left = ours.clone();
    while !left.is_empty() {
        let delivery = tokio::select! {
            delivery = take(&*one, &ours) => delivery,
            delivery = take(&*other, &ours) => delivery,
        };
        let subject = delivery.message().subject.clone();
        // Whoever was not chosen may have been given one, which then comes again.
        assert!(left.remove(&subject) || delivery.attempt() > 1, "{subject} was delivered twice");
        let _ = delivery.acknowledge(within(10)).await;
    }
}

// Buckets.

fn key() -> String {
    format!("test.{}", token())
}

pub(crate) async fn a_value_is_created_once(broker: Shared) {
    let (bucket, key) = (broker.bucket(BucketName::Keys), key());
    assert_eq!(bucket.get(&key, within(60)).await.unwrap(), None);
    let revision = bucket.create(&key, Bytes::from_static(b"one"), within(60)).await.unwrap();
    let entry = bucket.get(&key, within(60)).await.unwrap().unwrap();
    assert_eq!((entry.key.as_str(), &entry.value[..], entry.revision), (key.as_str(), &b"one"[..], revision));
    let same = bucket.create(&key, Bytes::from_static(b"one"), within(60)).await;
    assert_eq!(same, Ok(revision), "the same value is no conflict");
    let other = bucket.create(&key, Bytes::from_static(b"two"), within(60)).await;
    assert_eq!(other, Err(BucketError::Conflict));
}

pub(crate) async fn a_value_is_updated_at_its_revision(broker: Shared) {
    let (bucket, key) = (broker.bucket(BucketName::Directory), key());
    let first = bucket.create(&key, Bytes::from_static(b"one"), within(60)).await.unwrap();
    let second = bucket.update(&key, Bytes::from_static(b"two"), first, within(60)).await.unwrap();
    assert!(second > first);
    let stale = bucket.update(&key, Bytes::from_static(b"three"), first, within(60)).await;
    assert_eq!(stale, Err(BucketError::Conflict));
    let entry = bucket.get(&key, within(60)).await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.revision), (&b"two"[..], second));
}

pub(crate) async fn a_removed_key_can_be_created_again(broker: Shared) {
    let (bucket, key) = (broker.bucket(BucketName::Keys), key());
    bucket.create(&key, Bytes::from_static(b"one"), within(60)).await.unwrap();
    bucket.purge(&key, within(60)).await.unwrap();
    bucket.purge(&key, within(60)).await.unwrap();
    assert_eq!(bucket.get(&key, within(60)).await.unwrap(), None);
    assert_eq!(bucket.keys(&key, within(60)).await.unwrap(), [""; 0]);
    let revision = bucket.create(&key, Bytes::from_static(b"two"), within(60)).await.unwrap();
    let entry = bucket.get(&key, within(60)).await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.revision), (&b"two"[..], revision));
}

pub(crate) async fn keys_are_listed_by_prefix(broker: Shared) {
    let (bucket, prefix) = (broker.bucket(BucketName::Keys), key());
    assert_eq!(bucket.keys(&prefix, within(60)).await.unwrap(), [""; 0]);
    for last in ["b", "a", "c/d"] {
        bucket.create(&format!("{prefix}.{last}"), Bytes::from_static(b"x"), within(60)).await.unwrap();
    }
    bucket.create(&key(), Bytes::from_static(b"x"), within(60)).await.unwrap();
    let expected: Vec<String> = ["a", "b", "c/d"].iter().map(|last| format!("{prefix}.{last}")).collect();
    assert_eq!(bucket.keys(&prefix, within(60)).await.unwrap(), expected);
    assert_eq!(bucket.keys(&format!("{prefix}.c"), within(60)).await.unwrap(), expected[2..]);
}

pub(crate) async fn a_watch_tells_every_change(broker: Shared) {
    let (bucket, key) = (broker.bucket(BucketName::Directory), key());
    let first = bucket.create(&key, Bytes::from_static(b"one"), within(60)).await.unwrap();
    let mut watch = bucket.watch(&key);
    let mut next = async || timeout(Duration::from_secs(60), watch.next()).await.unwrap().unwrap();
    assert_eq!(next().await.map(|entry| entry.revision), Some(first));
    let second = bucket.update(&key, Bytes::from_static(b"two"), first, within(60)).await.unwrap();
    assert_eq!(next().await.map(|entry| entry.revision), Some(second));
    bucket.purge(&key, within(60)).await.unwrap();
    assert_eq!(next().await, None);
}

pub(crate) async fn several_values_are_created_together(broker: Shared) {
    let (bucket, prefix) = (broker.bucket(BucketName::Keys), key());
    let entry = |last: usize| (format!("{prefix}.{last:03}"), Bytes::from(format!("value {last}")));
    let all: Vec<_> = (0..200).map(entry).collect();
    bucket.create_all(all.clone(), within(60)).await.unwrap();
    // Once more, with one that is new: what stands there is ours.
    let more: Vec<_> = (100..201).map(entry).collect();
    bucket.create_all(more, within(60)).await.unwrap();
    let expected: Vec<_> = (0..201).map(|last| entry(last).0).collect();
    assert_eq!(bucket.keys(&prefix, within(60)).await.unwrap(), expected);
    for last in [0, 150, 200] {
        let (key, value) = entry(last);
        assert_eq!(bucket.get(&key, within(60)).await.unwrap().unwrap().value, value);
    }
    // Another value in the way is told, and stays.
    let other = vec![entry(300), (entry(7).0, Bytes::from_static(b"other"))];
    assert_eq!(bucket.create_all(other, within(60)).await, Err(BucketError::Conflict));
    let (key, value) = entry(7);
    assert_eq!(bucket.get(&key, within(60)).await.unwrap().unwrap().value, value);
    bucket.create_all(Vec::new(), within(60)).await.unwrap();
}

pub(crate) async fn a_key_with_other_characters_is_refused(broker: Shared) {
    let bucket = broker.bucket(BucketName::Keys);
    for key in ["", ".", "a..b", "a.", "a b", "a*", "a.>", "é", &"a".repeat(201)] {
        assert_eq!(bucket.get(key, within(10)).await, Err(BucketError::BadKey), "{key}");
        assert_eq!(bucket.create(key, Bytes::new(), within(10)).await, Err(BucketError::BadKey), "{key}");
    }
}

// Topology.

pub(crate) async fn applying_the_topology_again_changes_nothing(broker: Shared) {
    let changes = broker.apply(within(60)).await.unwrap();
    assert!(changes.iter().all(|change| change.action == "unchanged"), "{changes:?}");
    assert_eq!(changes.len(), StreamName::ALL.len() + ConsumerName::ALL.len() + BucketName::ALL.len());
    broker.verify(within(60)).await.unwrap();
    assert!(broker.connected());
}

/// A missing consumer is named, so that the operator knows what to do.
pub(crate) async fn a_missing_consumer_is_named(broker: Shared) {
    let missing = broker.wakeups(ConsumerName::RoutingSignals).next(1).await;
    assert_eq!(missing.unwrap_err(), WakeupError::Missing(ConsumerName::RoutingSignals));
    let missing = broker.wakeups(ConsumerName::RoutingSignals).backlog(within(10)).await;
    assert_eq!(missing.unwrap_err(), WakeupError::Missing(ConsumerName::RoutingSignals));
}
