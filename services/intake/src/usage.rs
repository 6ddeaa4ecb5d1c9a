//! How full the stream of signals is. Looked at now and then, never during a request; what we store ourselves is counted meanwhile, so that a
//! burst does not take the room that safety signals need.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use voordeur_eventlog::{Deadline, EventLog, Usage};

/// Share from which an operator must do something.
const ALARM: f64 = 0.7;
/// What the broker keeps beside the event itself: subject, headers, frame.
const BESIDE_BYTES: usize = 700;

/// Whether only safety signals are taken, so that work in hand can finish.
#[derive(Debug)]
pub(crate) struct Fullness {
    /// Share from which only they are.
    refuse: f64,
    /// What was seen last; none before the first look.
    seen: Mutex<Option<Usage>>,
    /// Bytes that this process stored since.
    since: AtomicU64,
}

impl Fullness {
    /// Refuses from a share on; nothing before the first look.
    pub(crate) const fn new(refuse: f64) -> Self {
        Self { refuse, seen: Mutex::new(None), since: AtomicU64::new(0) }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Usage>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event was stored.
    pub(crate) fn took(&self, event_bytes: usize) {
        let bytes = u64::try_from(event_bytes.saturating_add(BESIDE_BYTES)).unwrap_or(u64::MAX);
        self.since.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Is it so full that only safety signals are taken?
    pub(crate) fn refuses(&self) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        self.seen().is_some_and(|seen| {
            let now = Usage { bytes: seen.bytes.saturating_add(since), ..seen };
            now.share() >= self.refuse
        })
    }

    fn saw(&self, usage: Usage, counted_before: u64) {
        let was = self.refuses();
        // What was stored while the broker was asked may be in its answer already: counted twice until the next look, which is harmless.
        self.since.fetch_sub(counted_before, Ordering::Relaxed);
        *self.seen() = Some(usage);
        let (full, share) = (self.refuses(), usage.share());
        if full != was {
            tracing::warn!(
                full,
                share,
                "the stream of signals is {}",
                if full { "nearly full: only safety signals are taken" } else { "free enough again" }
            );
        } else if share >= ALARM {
            tracing::warn!(full, share, "the stream of signals fills up; free space or raise its limit");
        }
    }

    /// Looks at the stream until it is told to stop. When it cannot be read, what was known stays.
    pub(crate) async fn follow(
        self: Arc<Self>,
        log: Arc<dyn EventLog>,
        every: Duration,
        stop: CancellationToken,
    ) {
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let counted = self.since.load(Ordering::Relaxed);
            match log.usage(Deadline::now() + Duration::from_secs(5)).await {
                Ok(usage) => self.saw(usage, counted),
                Err(error) => tracing::debug!(%error, "cannot see how full the stream of signals is"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_between_two_looks_counts() {
        let fullness = Fullness::new(0.8);
        let usage = |bytes| Usage { bytes, bytes_max: 1_000_000, messages: 1, last_sequence: 1 };
        fullness.took(900_000);
        assert!(!fullness.refuses(), "nothing was seen yet");
        fullness.saw(usage(700_000), 900_700);
        assert!(!fullness.refuses());
        fullness.took(50_000);
        assert!(!fullness.refuses());
        fullness.took(50_000);
        assert!(fullness.refuses());
        // Seen, and not counted twice.
        fullness.saw(usage(790_000), 101_400);
        assert!(!fullness.refuses());
        fullness.saw(usage(800_000), 0);
        assert!(fullness.refuses());
    }
}
