//! A cluster whose nodes do not agree for a while: what one says was stored, another does not show.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say with a panic what went wrong")]

use std::sync::atomic::{AtomicU32, Ordering};

use voordeur_kernel::{CommitId, Timestamp};

use super::*;

/// Says that a commit stands at a sequence from the first attempt on, and shows it from the third look on, or never.
struct Disagreeing {
    looks: AtomicU32,
    /// What stands at that sequence when it is looked for.
    there: Option<Recorded>,
    shows_at_last: bool,
}

const SEQUENCE: u64 = 7;

fn commit() -> Commit {
    Commit {
        id: CommitId::from_bytes([9; 16]),
        kind: "nl.voordeur.signal.v1",
        source: "voordeur/test",
        time: Timestamp::default(),
        data: Bytes::from_static(b"x"),
        trace: Vec::new(),
        urgent: false,
    }
}

fn ours() -> Subject {
    Subject::of("voordeur.signal.v1", "ours").unwrap()
}

fn recorded(subject: Subject, commit: CommitId) -> Recorded {
    Recorded {
        subject,
        sequence: SEQUENCE,
        stored_at: Timestamp::default(),
        commit: Some(commit),
        kind: String::new(),
        data: Bytes::from_static(b"x"),
        headers: Arc::from([]),
    }
}

#[async_trait]
impl Attempts for Disagreeing {
    fn stream(&self) -> StreamName {
        StreamName::Signals
    }
    async fn attempt(&self, _: &Subject, _: Version, _: &Commit, _: Deadline) -> Outcome {
        Outcome::Duplicate(SEQUENCE)
    }
    async fn attempt_batch(&self, _: &[&Member], _: Deadline) -> BatchOutcome {
        BatchOutcome::Ambiguous
    }
    async fn history_from(&self, subject: &Subject, _: u64, _: Deadline) -> Result<Vec<Recorded>, ReadError> {
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        let shown = self.shows_at_last && look >= 2;
        Ok(if shown { vec![recorded(subject.clone(), commit().id)] } else { Vec::new() })
    }
    async fn message_at(&self, _: u64, _: Deadline) -> Result<Option<Recorded>, ReadError> {
        Ok(self.there.clone())
    }
    async fn incarnation(&self, _: Deadline) -> Result<Arc<str>, ReadError> {
        Ok(Arc::from("here"))
    }
    fn jitter(&self) -> u32 {
        0
    }
}

async fn append_to(there: Option<Recorded>, shows_at_last: bool) -> Result<Appended, AppendError> {
    let cluster = Disagreeing { looks: AtomicU32::new(0), there, shows_at_last };
    append(&cluster, &ours(), Version::ABSENT, &commit(), Instant::now() + Duration::from_secs(4)).await
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_no_node_shows_yet_is_looked_for_again() {
    let other = Subject::of("voordeur.signal.v1", "other").unwrap();
    let of_another_leader = recorded(other, CommitId::from_bytes([1; 16]));
    for there in [None, Some(of_another_leader)] {
        let appended = append_to(there, true).await.unwrap();
        assert!(appended.already_stored && appended.position.sequence == SEQUENCE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_no_node_ever_shows_stays_in_doubt_and_is_no_fault() {
    assert!(matches!(append_to(None, false).await, Err(AppendError::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_stands_in_another_history_is_a_fault() {
    let other = Subject::of("voordeur.signal.v1", "other").unwrap();
    let refused = append_to(Some(recorded(other, commit().id)), false).await;
    assert!(matches!(refused, Err(AppendError::Broken(_))), "{refused:?}");
}
