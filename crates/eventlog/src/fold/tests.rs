//! What cannot be seen from outside.

use std::time::Duration;

use bytes::Bytes;
use voordeur_kernel::{CommitId, Timestamp};

use super::*;
use crate::{Broker as _, StreamName, memory::MemoryBroker};

struct Counts;

impl Machine for Counts {
    type State = u64;
    type Index = ();

    fn evolve(state: Option<u64>, _: &Recorded) -> Result<u64, Unreadable> {
        Ok(state.unwrap_or(0) + 1)
    }

    fn leaves_memory(_: &u64) -> bool {
        false
    }

    fn index((): &mut (), _: &Subject, _: Option<&u64>, _: Option<&u64>) {}
}

fn commit(id: u8) -> Commit {
    Commit {
        id: CommitId::from_bytes([id; 16]),
        kind: "nl.voordeur.signal.v1",
        source: "test",
        time: Timestamp::UNIX_EPOCH,
        data: Bytes::from_static(b"x"),
        trace: Vec::new(),
        urgent: false,
    }
}

#[tokio::test]
async fn callers_that_go_away_leave_nothing_behind() {
    let broker = MemoryBroker::new();
    let soon = Deadline::now() + Duration::from_secs(20);
    broker.apply(soon).await.unwrap();
    let fold = Fold::<Counts>::new(broker.log(StreamName::Signals));
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&fold).run(stop.clone()));
    fold.ready().await;
    broker.set_available(false);
    for (number, waiting) in [("a", 1), ("b", 2)] {
        let subject = Subject::of("voordeur.signal.v1", number).unwrap();
        let calls = (0..waiting)
            .map(|id| fold.execute(&subject, Expect::New, soon, move |_, _| Ok::<_, ()>(Some(commit(id)))));
        let calls = futures_util::future::join_all(calls);
        // The caller gives up long before the deadline.
        tokio::time::timeout(Duration::from_millis(50), calls).await.unwrap_err();
    }
    assert_eq!(fold.turns.lock().unwrap().len(), 0);
    stop.cancel();
    running.await.unwrap().unwrap();
}
