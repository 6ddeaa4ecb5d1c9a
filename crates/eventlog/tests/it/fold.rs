//! The fold and the worker on the in-memory twin: counters as the simplest history that can go wrong.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use voordeur_eventlog::{
    AppendError, Broker, Commit, ConsumerName, Deadline, FollowError, Recorded, StreamName, Subject, Version,
    dead_letters::{DeadLetters, Standing},
    fold::{ExecuteError, Expect, Fold, FoldError, Machine, Unreadable},
    memory::Faults,
    worker::{Handler, HandlerError, Worker},
};
use voordeur_kernel::{CommitId, ErrorKind, ManualClock, Timestamp};

use crate::twin;

/// A counter: every event adds its payload's length; a payload beginning with `!` closes it, one beginning with `?` is of the future.
struct Counters;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Counter {
    total: u64,
    closed: bool,
    commits: Vec<CommitId>,
}

impl Machine for Counters {
    type State = Counter;
    type Index = BTreeMap<String, u64>;

    fn evolve(state: Option<Counter>, message: &Recorded) -> Result<Counter, Unreadable> {
        if message.data.starts_with(b"?") {
            return Err(Unreadable::Event("of the future".into()));
        }
        if state.is_none() && !message.data.starts_with(b"1") {
            return Err(Unreadable::EarlierEventsNeeded);
        }
        let mut state = state.unwrap_or(Counter { total: 0, closed: false, commits: Vec::new() });
        state.total += message.data.len() as u64;
        state.closed |= message.data.contains(&b'!');
        state.commits.extend(message.commit);
        Ok(state)
    }

    fn leaves_memory(state: &Counter) -> bool {
        state.closed
    }

    fn index(index: &mut Self::Index, subject: &Subject, _: Option<&Counter>, after: Option<&Counter>) {
        match after {
            Some(after) => index.insert(subject.key().to_owned(), after.total),
            None => index.remove(subject.key()),
        };
    }
}

fn subject(key: &str) -> Subject {
    Subject::of("voordeur.task.v1", key).unwrap()
}

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(20)
}

fn commit(id: u64, data: &'static str) -> Commit {
    Commit {
        id: CommitId::from_bytes(u128::from(id).to_be_bytes()),
        kind: "nl.voordeur.test.v1",
        source: "voordeur/test",
        time: Timestamp::UNIX_EPOCH,
        data: data.into(),
        trace: Vec::new(),
        urgent: false,
    }
}

/// A replica that has caught up.
async fn replica(broker: &dyn Broker) -> Arc<Fold<Counters>> {
    let fold = Fold::<Counters>::new(broker.log(StreamName::Tasks));
    tokio::spawn(Arc::clone(&fold).run(CancellationToken::new()));
    fold.ready().await;
    fold
}

/// Adds once per id, however often it is asked.
async fn add(fold: &Fold<Counters>, key: &str, id: u64) -> Result<u64, ExecuteError<()>> {
    let done = fold
        .execute(&subject(key), Expect::Known, soon(), |state, _| {
            let wanted = commit(id, if state.is_none() { "1" } else { "+" });
            let known = state.is_some_and(|state| state.commits.contains(&wanted.id));
            Ok(if known { None } else { Some(wanted) })
        })
        .await?;
    Ok(done.state.total)
}

async fn catch_up(fold: &Fold<Counters>) {
    let end = fold.log().end(soon()).await.unwrap();
    fold.reached(&end, soon()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_command_takes_effect_once_and_is_seen_by_every_replica() {
    let broker = twin(None);
    let (one, two) = (replica(&broker).await, replica(&broker).await);
    assert_eq!(add(&one, "a", 1).await.unwrap(), 1);
    assert_eq!(add(&one, "a", 1).await.unwrap(), 1);
    // At once after the first, without waiting for the broker to bring it back.
    assert_eq!(add(&one, "a", 2).await.unwrap(), 2);
    // The other replica may lie behind: it conflicts, catches up and decides again.
    assert_eq!(add(&two, "a", 3).await.unwrap(), 3);
    catch_up(&one).await;
    catch_up(&two).await;
    assert_eq!(one.digest(), two.digest());
    assert_eq!(replica(&broker).await.digest(), one.digest());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lies_behind_catches_up_before_it_says_no() {
    let broker = twin(None);
    let (one, two) = (replica(&broker).await, replica(&broker).await);
    add(&one, "a", 1).await.unwrap();
    catch_up(&two).await;
    add(&one, "a", 2).await.unwrap();
    let behind = two.get(&subject("a")).unwrap().unwrap();
    assert_eq!(behind.state.total, 1, "nobody read the second one here yet");
    // Refused on what it holds, and allowed on what is there.
    let ask = |least: u64| {
        let two = Arc::clone(&two);
        async move {
            two.execute(&subject("a"), Expect::Known, soon(), |state, _| match state {
                Some(state) if state.total >= least => Ok(Some(commit(least + 10, "+"))),
                _ => Err(()),
            })
            .await
        }
    };
    assert_eq!(ask(2).await.unwrap().state.total, 3);
    assert!(matches!(ask(4).await, Err(ExecuteError::Refused(()))), "a no on the newest state stands");
    broker.set_available(false);
    assert!(matches!(ask(4).await, Err(ExecuteError::Fold(FoldError::Read(_)))), "nobody knows yet");
}

#[tokio::test(start_paused = true)]
async fn a_fold_whose_stream_was_restored_decides_nothing_more() {
    let broker = twin(None);
    let fold = Fold::<Counters>::new(broker.log(StreamName::Tasks));
    let reading = tokio::spawn(Arc::clone(&fold).run(CancellationToken::new()));
    fold.ready().await;
    add(&fold, "a", 1).await.unwrap();
    let backup = broker.back_up_stream(StreamName::Tasks).unwrap();
    add(&fold, "a", 2).await.unwrap();
    catch_up(&fold).await;
    broker.restore_stream(&backup, false);
    reading.await.unwrap().unwrap_err();
    // What was lost is known here: to say that it is done already would lose it for good.
    let again = add(&fold, "a", 2).await.unwrap_err();
    assert!(matches!(again, ExecuteError::Fold(FoldError::NotReady)), "{again:?}");
    assert_eq!(add(&*replica(&broker).await, "a", 2).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_hand_when_a_stream_is_restored_is_not_stored_on_what_came_after() {
    let broker = twin(None);
    let fold = Fold::<Counters>::new(broker.log(StreamName::Tasks));
    let reading = tokio::spawn(Arc::clone(&fold).run(CancellationToken::new()));
    fold.ready().await;
    add(&fold, "a", 1).await.unwrap();
    let backup = broker.back_up_stream(StreamName::Tasks).unwrap();
    add(&fold, "a", 2).await.unwrap();
    catch_up(&fold).await;
    broker.set_available(false);
    let in_hand = tokio::spawn({
        let fold = Arc::clone(&fold);
        async move { add(&fold, "a", 3).await }
    });
    tokio::time::sleep(Duration::from_millis(5)).await;
    broker.restore_stream(&backup, false);
    broker.set_available(true);
    // The history comes to the version that the third was decided on, with something else.
    assert_eq!(add(&*replica(&broker).await, "a", 4).await.unwrap(), 2);
    reading.await.unwrap().unwrap_err();
    in_hand.await.unwrap().unwrap_err();
    let stored = broker.messages(StreamName::Tasks);
    let stored: Vec<_> = stored.iter().filter_map(|message| message.commit).collect();
    assert_eq!(stored, [commit(1, "1").id, commit(4, "+").id]);
}

#[tokio::test(start_paused = true)]
async fn a_fold_that_waits_for_a_history_notices_that_its_stream_was_restored() {
    let broker = twin(None);
    let fold = Fold::<Counters>::new(broker.log(StreamName::Tasks));
    let reading = tokio::spawn(Arc::clone(&fold).run(CancellationToken::new()));
    fold.ready().await;
    let log = broker.log(StreamName::Tasks);
    log.append(&subject("a"), Version::ABSENT, commit(1, "1!"), soon()).await.unwrap();
    catch_up(&fold).await;
    let backup = broker.back_up_stream(StreamName::Tasks).unwrap();
    // The next event of what had left memory comes when its earlier ones cannot be read.
    broker.set_faults(Faults { late_requests: 1000, ..Faults::default() });
    let hurried = Deadline::now() + Duration::from_millis(50);
    tokio::spawn(async move { log.append(&subject("a"), Version(1), commit(2, "+"), hurried).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    broker.set_faults(Faults { unavailable: 1000, ..Faults::default() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(broker.messages(StreamName::Tasks).len(), 2);
    broker.restore_stream(&backup, false);
    broker.set_faults(Faults::default());
    let stopped = tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap().unwrap().unwrap_err();
    assert_eq!(stopped, FollowError::EndBelow { stream: StreamName::Tasks, end: 1, read: 2 });
    assert!(!fold.is_ready());
}

#[tokio::test(start_paused = true)]
async fn many_commands_of_three_replicas_through_a_faulty_broker_are_neither_lost_nor_doubled() {
    for seed in 0..20 {
        let broker = twin(Some(seed));
        let replicas = [replica(&broker).await, replica(&broker).await, replica(&broker).await];
        let mut callers = tokio::task::JoinSet::new();
        for id in 1..=60 {
            let fold = Arc::clone(&replicas[id as usize % 3]);
            callers.spawn(async move {
                // A caller repeats the very same command until it hears an outcome.
                let key = format!("c{}", id % 4);
                loop {
                    match add(&fold, &key, id).await {
                        Ok(_) => break,
                        Err(
                            ExecuteError::Append(AppendError::Unavailable | AppendError::Unknown)
                            | ExecuteError::Contended
                            | ExecuteError::Fold(FoldError::TimedOut | FoldError::Read(_)),
                        ) => {}
                        Err(error) => panic!("seed {seed}: {error}"),
                    }
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.unwrap();
        }
        let fresh = replica(&broker).await;
        let total: u64 = fresh.read(|index, _| index.values().sum());
        assert_eq!(total, 60, "seed {seed}");
        for replica in &replicas {
            catch_up(replica).await;
            assert_eq!(replica.digest(), fresh.digest(), "seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_history_leaves_memory_and_can_still_be_read_and_continued() {
    let broker = twin(None);
    let fold = replica(&broker).await;
    add(&fold, "a", 1).await.unwrap();
    let close = |_: Option<&Counter>, _| Ok::<_, ()>(Some(commit(2, "!")));
    let closed = fold.execute(&subject("a"), Expect::Known, soon(), close).await.unwrap();
    assert!(closed.state.closed);
    catch_up(&fold).await;
    assert_eq!(fold.get(&subject("a")).unwrap().map(|held| held.version), None);
    assert_eq!(fold.digest().histories, 0);
    let held = fold.load(&subject("a"), soon()).await.unwrap().unwrap();
    assert_eq!((held.state.total, held.version), (2, Version(2)));
    assert_eq!(add(&fold, "a", 3).await.unwrap(), 3);
    let fresh = replica(&broker).await;
    catch_up(&fold).await;
    assert_eq!(fresh.digest(), fold.digest());
    assert_eq!(fresh.read(|index, _| index.get("a").copied()), Some(3));
}

#[tokio::test(start_paused = true)]
async fn an_event_of_the_future_freezes_its_own_history_only() {
    let broker = twin(None);
    let fold = replica(&broker).await;
    add(&fold, "a", 1).await.unwrap();
    add(&fold, "b", 2).await.unwrap();
    let log = broker.log(StreamName::Tasks);
    log.append(&subject("a"), Version(1), commit(9, "?"), soon()).await.unwrap();
    catch_up(&fold).await;
    assert_eq!(fold.get(&subject("a")).unwrap_err(), FoldError::Frozen);
    assert!(matches!(add(&fold, "a", 3).await, Err(ExecuteError::Fold(FoldError::Frozen))));
    assert_eq!(add(&fold, "b", 4).await.unwrap(), 2);
    assert!(!fold.read(|index, _| index.contains_key("a")));
    assert_eq!(fold.digest().frozen, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_changes_nothing_and_a_position_of_another_stream_is_refused() {
    let broker = twin(None);
    let fold = replica(&broker).await;
    let refused = fold.execute(&subject("a"), Expect::New, soon(), |_, _| Err("no")).await;
    assert!(matches!(refused, Err(ExecuteError::Refused("no"))));
    let end = fold.log().end(soon()).await.unwrap();
    assert_eq!(end.sequence, 0);
    let foreign = broker.log(StreamName::Signals).end(soon()).await.unwrap();
    assert_eq!(fold.reached(&foreign, soon()).await, Err(FoldError::ForeignPosition));
}

/// Fails in the way the payload of the message asks for.
#[derive(Default)]
struct Moody {
    handled: AtomicU64,
    attempts: AtomicU64,
    healed: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Handler for Moody {
    async fn handle(&self, message: &Recorded, _: Deadline) -> Result<(), HandlerError> {
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
        let error = |kind, reason| Err(HandlerError { kind, reason, detail: String::new() });
        match message.data.first() {
            Some(b'?') if !self.healed.load(Ordering::SeqCst) => error(ErrorKind::Broken, "UNREADABLE"),
            Some(b'~') if attempt < 3 => error(ErrorKind::Unavailable, "AWAY"),
            _ => {
                self.handled.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handled_is_kept_whole_once_and_can_be_tried_again() {
    let broker = twin(None);
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let letters = DeadLetters::new(broker.log(StreamName::DeadLetters), clock);
    let handler = Arc::new(Moody::default());
    let stop = CancellationToken::new();
    let work = |_| {
        let worker = Worker::new(
            "routing",
            broker.wakeups(ConsumerName::RoutingSignals),
            broker.wakeups(ConsumerName::RoutingReplays),
            letters.clone(),
            Arc::clone(&handler) as Arc<dyn Handler>,
        );
        tokio::spawn(worker.run(stop.clone()))
    };
    let replicas: Vec<_> = [1, 2].into_iter().map(work).collect();

    let signals = broker.log(StreamName::Signals);
    for (id, data) in [(1, "fine"), (2, "?damaged"), (3, "~away")] {
        let subject = Subject::of("voordeur.signal.v1", &format!("s{id}")).unwrap();
        signals.append(&subject, Version::ABSENT, commit(id, data), soon()).await.unwrap();
    }
    wait_for("two handled and one parked", || async {
        handler.handled.load(Ordering::SeqCst) == 2 && letters.list(false).await.unwrap().len() == 1
    })
    .await;
    let letter = letters.list(false).await.unwrap().remove(0);
    assert_eq!(
        (letter.sequence, letter.stream, letter.service.as_str()),
        (2, StreamName::Signals, "routing")
    );
    assert_eq!(&letter.message.data[..], b"?damaged");
    assert_eq!(letter.message.commit, Some(commit(2, "").id));
    assert_eq!(letter.cause.reason, "UNREADABLE");

    letters.request_replay(&letter.subject, soon()).await.unwrap();
    wait_for("it failed again", || async {
        let letter = letters.get(&letter.subject, soon()).await.unwrap();
        letter.standing == Standing::Parked && letter.replays == 1
    })
    .await;
    handler.healed.store(true, Ordering::SeqCst);
    letters.request_replay(&letter.subject, soon()).await.unwrap();
    wait_for("it was handled", || async {
        letters.get(&letter.subject, soon()).await.unwrap().standing == Standing::Handled
    })
    .await;
    assert_eq!(letters.list(false).await.unwrap().len(), 0);
    assert!(letters.request_replay(&letter.subject, soon()).await.is_err());
    wait_for("nothing is left unsettled", || async {
        let backlog = broker.wakeups(ConsumerName::RoutingSignals).backlog(soon()).await.unwrap();
        backlog.pending == 0 && backlog.unsettled == 0
    })
    .await;
    stop.cancel();
    for replica in replicas {
        replica.await.unwrap();
    }
}

/// Handles one kind of message only, and says which came.
#[derive(Default)]
struct Only(AtomicU64);

#[async_trait]
impl Handler for Only {
    async fn handle(&self, message: &Recorded, _: Deadline) -> Result<(), HandlerError> {
        let detail = message.subject.to_string();
        if message.data.starts_with(b"?") && self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(HandlerError { kind: ErrorKind::Broken, reason: "UNREADABLE", detail });
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_tried_again_goes_to_the_handler_of_its_own_stream() {
    let broker = twin(None);
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let letters = DeadLetters::new(broker.log(StreamName::DeadLetters), clock);
    let (of_signals, of_episodes) = (Arc::new(Only::default()), Arc::new(Only::default()));
    let stop = CancellationToken::new();
    let worker = Worker::new(
        "routing",
        broker.wakeups(ConsumerName::RoutingSignals),
        broker.wakeups(ConsumerName::RoutingReplays),
        letters.clone(),
        Arc::clone(&of_signals) as Arc<dyn Handler>,
    )
    .and(broker.wakeups(ConsumerName::RoutingEpisodes), Arc::clone(&of_episodes) as Arc<dyn Handler>);
    let running = tokio::spawn(worker.run(stop.clone()));

    // Every kind of history on that stream wakes.
    for (id, prefix) in [(1, "voordeur.episode.v1"), (2, "voordeur.activity.v1")] {
        let subject = Subject::of(prefix, "a").unwrap();
        let data = if id == 1 { "?" } else { "fine" };
        broker
            .log(StreamName::Episodes)
            .append(&subject, Version::ABSENT, commit(id, data), soon())
            .await
            .unwrap();
    }
    wait_for("one is parked", || async { letters.list(false).await.unwrap().len() == 1 }).await;
    let letter = letters.list(false).await.unwrap().remove(0);
    assert_eq!(
        (letter.stream, letter.cause.detail.as_str()),
        (StreamName::Episodes, "voordeur.episode.v1.a")
    );
    letters.request_replay(&letter.subject, soon()).await.unwrap();
    wait_for("it was handled", || async {
        letters.get(&letter.subject, soon()).await.unwrap().standing == Standing::Handled
    })
    .await;
    assert_eq!((of_episodes.0.load(Ordering::SeqCst), of_signals.0.load(Ordering::SeqCst)), (2, 0));
    wait_for("nothing is left unsettled", || async {
        let backlog = broker.wakeups(ConsumerName::RoutingEpisodes).backlog(soon()).await.unwrap();
        backlog.pending == 0 && backlog.unsettled == 0
    })
    .await;
    stop.cancel();
    running.await.unwrap();
}

/// Counts the presence of one person and nothing else of the stream.
struct Half;

impl Machine for Half {
    type State = Counter;
    type Index = BTreeMap<String, u64>;

    fn concerns(subject: &Subject) -> bool {
        subject.prefix() == "voordeur.presence.v1"
    }

    fn evolve(state: Option<Counter>, message: &Recorded) -> Result<Counter, Unreadable> {
        Counters::evolve(state, message)
    }

    fn leaves_memory(state: &Counter) -> bool {
        Counters::leaves_memory(state)
    }

    fn index(index: &mut Self::Index, subject: &Subject, before: Option<&Counter>, after: Option<&Counter>) {
        Counters::index(index, subject, before, after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fold_passes_over_what_does_not_concern_it_and_moves_on_all_the_same() {
    let broker = twin(None);
    let log = broker.log(StreamName::Tasks);
    let hers = Subject::of("voordeur.presence.v1", "noor").unwrap();
    // What it could not even read does not matter to it.
    for (id, subject, data) in [(1, &subject("a"), "?"), (2, &hers, "1"), (3, &subject("b"), "?")] {
        log.append(subject, Version::ABSENT, commit(id, data), soon()).await.unwrap();
    }
    let fold = Fold::<Half>::new(Arc::clone(&log));
    tokio::spawn(Arc::clone(&fold).run(CancellationToken::new()));
    fold.ready().await;
    fold.reached(&log.end(soon()).await.unwrap(), soon()).await.unwrap();
    assert_eq!((fold.frozen().len(), fold.digest().histories), (0, 1));
    assert_eq!(fold.get(&hers).unwrap().unwrap().state.total, 1);
    // Also what comes while it follows.
    let position = log.append(&subject("c"), Version::ABSENT, commit(4, "?"), soon()).await.unwrap().position;
    fold.reached(&position, soon()).await.unwrap();
    assert_eq!(fold.frozen().len(), 0);
}

/// Waits on a condition; time is paused, so this costs none.
async fn wait_for<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Deadline::now() + Duration::from_secs(120);
    while !condition().await {
        assert!(Deadline::now() < deadline, "still not true: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
