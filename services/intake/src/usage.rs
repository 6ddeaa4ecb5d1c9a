//! How full the stream of signals is. Looked at now and then, never during a request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use voordeur_eventlog::{Deadline, EventLog};

/// Share from which an operator must do something.
const ALARM: f64 = 0.7;

/// Whether only safety signals are taken, so that work in hand can finish.
#[derive(Debug, Default)]
pub(crate) struct Fullness(AtomicBool);

impl Fullness {
    /// Is it so full that only safety signals are taken?
    pub(crate) fn refuses(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Looks at the stream until it is told to stop. When it cannot be read, what was known stays.
    pub(crate) async fn follow(
        self: Arc<Self>,
        log: Arc<dyn EventLog>,
        every: Duration,
        refuse: f64,
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
            match log.usage(Deadline::now() + Duration::from_secs(5)).await {
                Ok(usage) => {
                    let share = usage.share();
                    let full = share >= refuse;
                    if self.0.swap(full, Ordering::Relaxed) != full {
                        tracing::warn!(
                            full,
                            share,
                            "the stream of signals is {}",
                            if full {
                                "nearly full: only safety signals are taken"
                            } else {
                                "free enough again"
                            }
                        );
                    } else if share >= ALARM {
                        tracing::warn!(
                            share,
                            "the stream of signals fills up; free space or raise its limit"
                        );
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot see how full the stream of signals is"),
            }
        }
    }
}
