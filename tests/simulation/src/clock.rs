//! The time of a run: it runs with the paused clock of the runtime, and jumps.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::SignedDuration;
use tokio::time::Instant;
use voordeur_kernel::{Clock, Timestamp};

/// Runs with the runtime, and can be set forward by days. Clones show the same time.
#[derive(Debug, Clone)]
pub struct JumpingClock {
    first: Timestamp,
    started: Instant,
    ahead: Arc<AtomicI64>,
}

impl JumpingClock {
    /// Starts at a moment.
    #[must_use]
    pub fn at(first: Timestamp) -> Self {
        Self { first, started: Instant::now(), ahead: Arc::default() }
    }

    /// Sets it forward.
    pub fn jump(&self, by: SignedDuration) {
        self.ahead.fetch_add(i64::try_from(by.as_millis()).expect("some days"), Ordering::SeqCst);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let run = i64::try_from(self.started.elapsed().as_millis()).expect("some days");
        let ahead = self.ahead.load(Ordering::SeqCst);
        self.first.checked_add(SignedDuration::from_millis(run + ahead)).expect("some years")
    }
}
