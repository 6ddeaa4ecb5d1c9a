//! The group committer over a broker whose answers the test gives itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say with a panic what went wrong"
)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, yield_now},
    time::Instant,
};
use voordeur_kernel::{CommitId, Timestamp};

use super::{GroupSettings, Lane};
use crate::{
    Commit, Deadline, ReadError, Recorded, StreamName, Subject, Version,
    resolve::{Attempts, BatchOutcome, Member, Outcome, Refusal},
};

/// A request that waits for the test's answer.
enum Asked {
    Plain { key: String, answer: oneshot::Sender<Outcome> },
    Batch { keys: Vec<String>, answer: oneshot::Sender<BatchOutcome> },
}

#[derive(Default)]
struct Scripted {
    asked: Mutex<Vec<Asked>>,
}

#[async_trait]
impl Attempts for Scripted {
    fn stream(&self) -> StreamName {
        StreamName::Signals
    }
    async fn attempt(&self, subject: &Subject, _: Version, _: &Commit, _: Deadline) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.asked.lock().unwrap().push(Asked::Plain { key: subject.key().to_owned(), answer });
        answered.await.unwrap()
    }
    async fn attempt_batch(&self, members: &[&Member], _: Deadline) -> BatchOutcome {
        let (answer, answered) = oneshot::channel();
        let keys = members.iter().map(|member| member.subject.key().to_owned()).collect();
        self.asked.lock().unwrap().push(Asked::Batch { keys, answer });
        answered.await.unwrap()
    }
    async fn history_from(&self, _: &Subject, _: u64, _: Deadline) -> Result<Vec<Recorded>, ReadError> {
        Ok(Vec::new())
    }
    async fn message_at(&self, _: u64, _: Deadline) -> Result<Option<Recorded>, ReadError> {
        Ok(None)
    }
    async fn incarnation(&self, _: Deadline) -> Result<Arc<str>, ReadError> {
        Ok(Arc::from("here"))
    }
    fn jitter(&self) -> u32 {
        0
    }
}

struct World {
    broker: Arc<Scripted>,
    lane: Lane,
}

impl World {
    fn new(settings: GroupSettings) -> Self {
        let broker = Arc::new(Scripted::default());
        Self { lane: Lane::new(settings, Arc::clone(&broker) as Arc<dyn Attempts>), broker }
    }

    fn append(&self, key: &str) -> JoinHandle<Outcome> {
        self.append_with(key, false, Duration::from_secs(60), 10)
    }

    fn append_with(&self, key: &str, urgent: bool, within: Duration, bytes: usize) -> JoinHandle<Outcome> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let (lane, subject) = (self.lane.clone(), Subject::of("voordeur.signal.v1", key).unwrap());
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let commit = Commit {
            id: CommitId::from_bytes(u128::from(number).to_be_bytes()),
            kind: "nl.voordeur.signal.v1",
            source: "voordeur/test",
            time: Timestamp::default(),
            data: Bytes::from(vec![0; bytes]),
            trace: Vec::new(),
            urgent,
        };
        tokio::spawn(async move {
            lane.attempt(&subject, Version::ABSENT, &commit, Instant::now() + within).await
        })
    }

    /// Everybody else gets their turn.
    async fn settle(&self) {
        for _ in 0..200 {
            yield_now().await;
        }
    }

    /// What the broker was asked since the last time.
    async fn asked(&self) -> Vec<Asked> {
        self.settle().await;
        std::mem::take(&mut *self.broker.asked.lock().unwrap())
    }

    /// So many plain publishes and nothing else.
    async fn plain(&self, count: usize) -> Vec<(String, oneshot::Sender<Outcome>)> {
        let asked = self.asked().await;
        assert_eq!(asked.len(), count);
        asked
            .into_iter()
            .map(|asked| match asked {
                Asked::Plain { key, answer } => (key, answer),
                Asked::Batch { keys, .. } => panic!("a batch of {}", keys.len()),
            })
            .collect()
    }

    /// One batch and nothing else.
    async fn batch(&self) -> (Vec<String>, oneshot::Sender<BatchOutcome>) {
        let mut asked = self.asked().await;
        assert_eq!(asked.len(), 1);
        match asked.pop() {
            Some(Asked::Batch { keys, answer }) => (keys, answer),
            Some(Asked::Plain { key, .. }) => panic!("{key} went alone"),
            None => panic!("nothing was asked"),
        }
    }

    /// Fills the places of plain publishes, so that what comes next waits.
    async fn crowd(&self) -> Vec<(String, oneshot::Sender<Outcome>)> {
        let count = self.lane.0.settings.side_by_side;
        (0..count).for_each(|n| drop(self.append(&format!("crowd{n}"))));
        self.plain(count).await
    }
}

fn small() -> GroupSettings {
    GroupSettings { side_by_side: 2, batch_from: 3, batches_max: 1, ..GroupSettings::default() }
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("k{n}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lone_append_goes_out_at_once() {
    let world = World::new(small());
    let appending = world.append("a");
    let mut plain = world.plain(1).await;
    plain.pop().unwrap().1.send(Outcome::Stored(1)).unwrap();
    assert_eq!(appending.await.unwrap(), Outcome::Stored(1));
    assert_eq!(world.lane.figures().plain, 1);
}

#[tokio::test(start_paused = true)]
async fn a_few_go_side_by_side_and_the_next_when_a_place_is_free() {
    let world = World::new(small());
    let appending: Vec<_> = keys(4).iter().map(|key| world.append(key)).collect();
    let mut plain = world.plain(2).await;
    assert_eq!(world.lane.figures().waiting, 2);
    plain.remove(0).1.send(Outcome::Stored(1)).unwrap();
    let next = world.plain(1).await;
    assert_eq!(next[0].0, "k2", "who came first goes first");
    plain.remove(0).1.send(Outcome::Stored(2)).unwrap();
    let last = world.plain(1).await;
    for (_, answer) in next.into_iter().chain(last) {
        answer.send(Outcome::Stored(3)).unwrap();
    }
    for append in appending {
        assert!(matches!(append.await.unwrap(), Outcome::Stored(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn many_that_wait_leave_together() {
    let world = World::new(small());
    let _crowd = world.crowd().await;
    let appending: Vec<_> = keys(5).iter().map(|key| world.append(key)).collect();
    let (members, answer) = world.batch().await;
    assert_eq!(members, keys(5), "in the order in which they came");
    answer.send(BatchOutcome::Stored { first: 7 }).unwrap();
    for (append, sequence) in appending.into_iter().zip(7..) {
        assert_eq!(append.await.unwrap(), Outcome::Stored(sequence));
    }
    let figures = world.lane.figures();
    assert_eq!((figures.batches, figures.members, figures.waiting), (1, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_a_batch_is_under_way_comes_with_the_next() {
    let world = World::new(small());
    let crowd = world.crowd().await;
    keys(3).iter().for_each(|key| drop(world.append(key)));
    let (_, first) = world.batch().await;
    for (_, answer) in crowd {
        answer.send(Outcome::Stored(1)).unwrap();
    }
    ["x", "y", "z", "w"].iter().for_each(|key| drop(world.append(key)));
    assert!(world.asked().await.is_empty(), "they wait for the batch");
    first.send(BatchOutcome::Stored { first: 3 }).unwrap();
    let (members, _second) = world.batch().await;
    assert_eq!(members, ["x", "y", "z", "w"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_batch_leaves_early_only_when_it_is_as_large() {
    let world = World::new(GroupSettings { batches_max: 2, ..small() });
    let _crowd = world.crowd().await;
    keys(5).iter().for_each(|key| drop(world.append(key)));
    let (_, _first) = world.batch().await;
    ["x", "y", "z", "w"].iter().for_each(|key| drop(world.append(key)));
    assert!(world.asked().await.is_empty());
    drop(world.append("v"));
    let (members, _second) = world.batch().await;
    assert_eq!(members.len(), 5);
    keys(9).iter().for_each(|key| drop(world.append(&format!("{key}more"))));
    assert!(world.asked().await.is_empty(), "two are enough");
}

#[tokio::test(start_paused = true)]
async fn an_urgent_commit_overtakes_everybody() {
    let world = World::new(small());
    let _crowd = world.crowd().await;
    keys(3).iter().for_each(|key| drop(world.append(key)));
    let (_, _batch) = world.batch().await;
    keys(9).iter().for_each(|key| drop(world.append(&format!("{key}more"))));
    let urgent = world.append_with("urgent", true, Duration::from_secs(60), 10);
    let mut plain = world.plain(1).await;
    assert_eq!(plain[0].0, "urgent");
    plain.pop().unwrap().1.send(Outcome::Stored(1)).unwrap();
    assert_eq!(urgent.await.unwrap(), Outcome::Stored(1));
    assert_eq!(world.lane.figures().urgent, 1);
}

#[tokio::test(start_paused = true)]
async fn a_subject_is_in_a_batch_once_and_in_order() {
    let world = World::new(small());
    let _crowd = world.crowd().await;
    let order = ["a", "a", "b", "a", "c", "b"];
    let appending: Vec<_> = order.iter().map(|key| world.append(key)).collect();
    let (members, answer) = world.batch().await;
    assert_eq!(members, ["a", "b", "c"]);
    drop(["d", "e"].map(|key| world.append(key)));
    answer.send(BatchOutcome::Stored { first: 1 }).unwrap();
    let (members, answer) = world.batch().await;
    assert_eq!(members, ["a", "b", "d", "e"], "those behind them keep their turn");
    answer.send(BatchOutcome::Ambiguous).unwrap();
    world.settle().await;
    // The last is alone, and the crowd still has every plain place.
    assert_eq!(world.lane.figures().waiting, 1);
    let outcomes: Vec<bool> = appending.iter().map(JoinHandle::is_finished).collect();
    assert_eq!(outcomes, [true, true, true, false, true, true]);
    assert_eq!(world.lane.figures().in_doubt, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_is_halved_until_what_is_left_goes_alone() {
    let world = World::new(small());
    let _crowd = world.crowd().await;
    let appending: Vec<_> = keys(8).iter().map(|key| world.append(key)).collect();
    let (members, answer) = world.batch().await;
    assert_eq!(members, keys(8));
    answer.send(BatchOutcome::Refused(Refusal::WrongLast)).unwrap();
    let (members, answer) = world.batch().await;
    assert_eq!(members, keys(4));
    answer.send(BatchOutcome::Refused(Refusal::Duplicate)).unwrap();
    // Two and two are too few for a batch; the other half still goes as one.
    let mut asked = world.asked().await;
    let batch = asked.iter().position(|asked| matches!(asked, Asked::Batch { .. })).unwrap();
    let Asked::Batch { keys: members, answer } = asked.remove(batch) else { unreachable!() };
    assert_eq!(members, keys(8)[4..]);
    answer.send(BatchOutcome::Stored { first: 5 }).unwrap();
    assert_eq!(asked.len(), 4);
    for one in asked {
        let Asked::Plain { key, answer } = one else { panic!("these go alone") };
        answer.send(if key == "k1" { Outcome::WrongLast } else { Outcome::Stored(1) }).unwrap();
    }
    let mut outcomes = Vec::new();
    for append in appending {
        outcomes.push(append.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::WrongLast).count(), 1);
    assert_eq!(outcomes[1], Outcome::WrongLast);
    assert_eq!(outcomes[4..], [5, 6, 7, 8].map(Outcome::Stored));
    assert_eq!(world.lane.figures().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_for_another_reason_is_not_halved() {
    let world = World::new(small());
    let crowd = world.crowd().await;
    keys(6).iter().for_each(|key| drop(world.append(key)));
    let (_, answer) = world.batch().await;
    answer.send(BatchOutcome::Refused(Refusal::Disabled)).unwrap();
    let alone = world.plain(6).await;
    // From then on nobody waits for a batch.
    for (_, answer) in crowd.into_iter().chain(alone) {
        answer.send(Outcome::Stored(1)).unwrap();
    }
    let _crowd = world.crowd().await;
    ["a", "b", "c", "d"].iter().for_each(|key| drop(world.append(key)));
    assert!(world.asked().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_doubt_or_not_taken_in_is_that_for_every_member() {
    for (answer, outcome) in
        [(BatchOutcome::Ambiguous, Outcome::Ambiguous), (BatchOutcome::NotTaken, Outcome::NotTaken)]
    {
        let world = World::new(small());
        let _crowd = world.crowd().await;
        let appending: Vec<_> = keys(4).iter().map(|key| world.append(key)).collect();
        world.batch().await.1.send(answer).unwrap();
        for append in appending {
            assert_eq!(append.await.unwrap(), outcome);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_disturbs_nobody() {
    let world = World::new(small());
    let mut crowd = world.crowd().await;
    // Gone before it left: nobody sends it, and who stood behind it moves up.
    let waiting = world.append("a");
    let behind = world.append("a");
    world.settle().await;
    waiting.abort();
    world.settle().await;
    assert_eq!(world.lane.figures().waiting, 1);
    crowd.remove(0).1.send(Outcome::Stored(1)).unwrap();
    let mut plain = world.plain(1).await;
    assert_eq!(plain[0].0, "a");
    // Gone while it is under way: its place is free for others.
    let other = world.append("b");
    world.settle().await;
    behind.abort();
    plain.clear();
    let next = world.plain(1).await;
    assert_eq!(next[0].0, "b");
    // Gone while its batch is under way: the others hear what came of it.
    let members: Vec<_> = keys(3).iter().map(|key| world.append(key)).collect();
    let (_, answer) = world.batch().await;
    members[1].abort();
    world.settle().await;
    answer.send(BatchOutcome::Stored { first: 4 }).unwrap();
    world.settle().await;
    for (index, member) in members.into_iter().enumerate() {
        let outcome = member.await.ok();
        assert_eq!(outcome, [Some(Outcome::Stored(4)), None, Some(Outcome::Stored(6))][index]);
    }
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn everybody_going_away_leaves_an_empty_queue_and_no_place_taken() {
    let world = World::new(small());
    let appending: Vec<_> = (0..50).map(|n| world.append(&format!("k{}", n % 20))).collect();
    world.settle().await;
    appending.iter().for_each(JoinHandle::abort);
    // The batch under way runs on, and is told something at last.
    for asked in world.asked().await {
        if let Asked::Batch { answer, .. } = asked {
            answer.send(BatchOutcome::Stored { first: 1 }).unwrap();
        }
    }
    world.settle().await;
    assert_eq!(world.lane.figures().waiting, 0);
    let again = world.append("k1");
    world.plain(1).await.pop().unwrap().1.send(Outcome::Stored(9)).unwrap();
    assert_eq!(again.await.unwrap(), Outcome::Stored(9));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_queue_means_not_taken_and_in_a_batch_in_doubt() {
    let world = World::new(small());
    let _crowd = world.crowd().await;
    let waiting = world.append_with("a", false, Duration::from_secs(1), 10);
    assert_eq!(waiting.await.unwrap(), Outcome::NotTaken);
    assert_eq!(world.lane.figures().waiting, 0);
    let members: Vec<_> =
        keys(3).iter().map(|key| world.append_with(key, false, Duration::from_secs(1), 10)).collect();
    let (_, answer) = world.batch().await;
    for member in members {
        assert_eq!(member.await.unwrap(), Outcome::Ambiguous);
    }
    answer.send(BatchOutcome::Stored { first: 1 }).unwrap();
}

#[tokio::test(start_paused = true)]
async fn more_than_there_is_room_for_is_turned_away_but_never_what_is_urgent() {
    let world = World::new(GroupSettings { waiting_max: 4, batch_from: 100, ..small() });
    let _crowd = world.crowd().await;
    let _waiting: Vec<_> = keys(4).iter().map(|key| world.append(key)).collect();
    world.settle().await;
    assert_eq!(world.append("one-more").await.unwrap(), Outcome::Busy);
    assert_eq!(world.lane.figures().turned_away, 1);
    let _urgent = world.append_with("urgent", true, Duration::from_secs(60), 10);
    assert_eq!(world.plain(1).await[0].0, "urgent");

    let world = World::new(GroupSettings { waiting_bytes_max: 100_000, batch_from: 100, ..small() });
    let _crowd = world.crowd().await;
    let _waiting = world.append_with("a", false, Duration::from_secs(60), 90_000);
    world.settle().await;
    assert_eq!(world.append_with("b", false, Duration::from_secs(60), 20_000).await.unwrap(), Outcome::Busy);
}

#[tokio::test(start_paused = true)]
async fn a_batch_keeps_its_bounds() {
    let world = World::new(GroupSettings { members_max: 4, ..small() });
    let _crowd = world.crowd().await;
    keys(6).iter().for_each(|key| drop(world.append(key)));
    let (members, answer) = world.batch().await;
    assert_eq!(members, keys(4));
    drop(world.append("one-more"));
    answer.send(BatchOutcome::Stored { first: 1 }).unwrap();
    let (members, _second) = world.batch().await;
    assert_eq!(members, ["k4", "k5", "one-more"]);

    let world = World::new(GroupSettings { bytes_max: 10_000, ..small() });
    let _crowd = world.crowd().await;
    keys(6).iter().for_each(|key| drop(world.append_with(key, false, Duration::from_secs(60), 4_000)));
    let (members, _first) = world.batch().await;
    assert_eq!(members, keys(2));
}

#[tokio::test(start_paused = true)]
async fn switched_off_everything_goes_out_at_once() {
    let world = World::new(GroupSettings::off());
    keys(50).iter().for_each(|key| drop(world.append(key)));
    world.plain(50).await;
}
