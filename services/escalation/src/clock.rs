//! Deadlines are data: every replica takes them from its folds, and whichever comes first stores the event. After a restart what came
//! due meanwhile fires at once.
//!
//! A fold that holds deadlines offers them as [`Deadlines`]; one loop for each fires them.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge},
};
use tokio_util::sync::CancellationToken;
use tonic::async_trait;
use tracing::Instrument as _;
use voordeur_chassis::Problem;
use voordeur_eventlog::Deadline;
use voordeur_kernel::{Clock, ErrorKind, Timestamp};

/// How often the time is looked at, since it may be moved, and what has changed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Wait after a look that did not succeed whole.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How long one deadline may take to be stored before the next look.
const FIRE_TIME_MAX: Duration = Duration::from_secs(10);
/// Deadlines that are fired side by side.
const SIDE_BY_SIDE: usize = 16;
/// Deadlines of one look; the rest comes with the next.
const AT_ONCE_MAX: usize = 1_024;

/// Deadlines of one kind, as one fold knows them.
#[async_trait]
pub(crate) trait Deadlines: Send + Sync + 'static {
    /// What became due.
    type Due: Send;

    /// Name of the kind, in metrics and logs.
    const KIND: &'static str;

    /// Waits until the fold has read everything.
    async fn ready(&self);

    /// What is due now, the longest overdue first, each with its moment; at most `most`.
    fn due(&self, now: Timestamp, most: usize) -> Vec<(Timestamp, Self::Due)>;

    /// Gives one its event; `false` when it had one already.
    async fn fire(&self, due: Self::Due, now: Timestamp, deadline: Deadline) -> Result<bool, Problem>;
}

/// Fires deadlines until it is told to stop.
pub(crate) async fn run<D: Deadlines>(
    deadlines: Arc<D>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let instruments = Instruments::new(D::KIND);
    tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        () = deadlines.ready() => {}
    }
    loop {
        let pause = if look(&*deadlines, &*clock, &instruments).await { LOOK_EVERY } else { AFTER_TROUBLE };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One look; `false` when something could not be done for now.
async fn look<D: Deadlines>(deadlines: &D, clock: &dyn Clock, instruments: &Instruments) -> bool {
    let now = clock.now();
    let due = deadlines.due(now, AT_ONCE_MAX);
    let oldest = due.first().map_or(0.0, |(due, _)| now.duration_since(*due).as_secs_f64());
    instruments.oldest_overdue(oldest);
    let troubles = AtomicUsize::new(0);
    let troubles_seen = &troubles;
    futures_util::stream::iter(due)
        .for_each_concurrent(SIDE_BY_SIDE, |(_, due)| async move {
            let span = tracing::info_span!(
                parent: None,
                "deadline",
                voordeur.service = crate::codec::SERVICE,
                voordeur.clock = D::KIND,
            );
            match deadlines.fire(due, now, Deadline::now() + FIRE_TIME_MAX).instrument(span).await {
                Ok(true) => {
                    instruments.fired();
                    tracing::info!(clock = D::KIND, "a deadline passed");
                }
                Ok(false) => {}
                Err(problem) => {
                    troubles_seen.fetch_add(usize::from(report(&problem, D::KIND)), Ordering::Relaxed);
                }
            }
        })
        .await;
    troubles.into_inner() == 0
}

/// Says what is wrong; `false` when nothing is: another replica was first, or it stands otherwise by now.
fn report(problem: &Problem, clock: &'static str) -> bool {
    match problem.kind {
        ErrorKind::Conflict | ErrorKind::Refused => return false,
        kind if kind.may_retry() => {
            tracing::warn!(clock, reason = problem.reason, "a deadline has no event yet; trying again");
        }
        _ => tracing::error!(clock, reason = problem.reason, "a deadline has no event yet"),
    }
    true
}

/// What the clocks tell an operator.
struct Instruments {
    oldest_overdue: Gauge<f64>,
    fired: Counter<u64>,
    labels: [KeyValue; 1],
}

impl Instruments {
    fn new(kind: &'static str) -> Self {
        let meter = opentelemetry::global::meter("voordeur");
        Self {
            oldest_overdue: meter
                .f64_gauge("voordeur.escalation.deadline.oldest_overdue")
                .with_unit("s")
                .with_description(
                    "Age of the oldest deadline that passed and has no event yet; 0 when there is none.",
                )
                .build(),
            fired: meter
                .u64_counter("voordeur.escalation.deadline.fired")
                .with_unit("{deadline}")
                .with_description("Deadlines that got their event from this replica, by clock.")
                .build(),
            labels: [KeyValue::new("voordeur.clock", kind)],
        }
    }

    fn oldest_overdue(&self, seconds: f64) {
        self.oldest_overdue.record(seconds, &self.labels);
    }

    fn fired(&self) {
        self.fired.add(1, &self.labels);
    }
}
