//! Handling wake-ups: take a delivery, let the handler bring its own history up to date, settle by the kind of the outcome.
//!
//! A delivery is only acknowledged when its effect is durable or when it is kept whole among the dead letters. The order of deliveries,
//! how often they come and to which replica means nothing.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use voordeur_kernel::{ErrorKind, MessageFate};

use crate::{
    Deadline, Delivery, Recorded, Wakeups,
    dead_letters::{Cause, DeadLetterError, DeadLetters, Standing, park_deadline},
};

/// How long handling one delivery may take; below the consumer's wait, so that it does not come again meanwhile. Both are short: what a
/// killed process held must soon come to another one.
pub const HANDLE_TIME_MAX: Duration = Duration::from_secs(4);
/// Deliveries that are handled side by side.
pub const IN_FLIGHT_MAX: usize = 64;
/// Longest wait before a delivery that could not be handled comes again. Short, since it may be about safety; the load of repeating is small.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(2);

/// Why a delivery could not be handled. Its kind decides what becomes of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct HandlerError {
    /// What it means.
    pub kind: ErrorKind,
    /// Stable code, for instance `UNREADABLE`.
    pub reason: &'static str,
    /// What went wrong, without anything of the payload.
    pub detail: String,
}

/// Brings one history of the own service up to the history that moved.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles one wake-up. Must be harmless when called again, in any order, by any replica.
    async fn handle(&self, message: &Recorded, deadline: Deadline) -> Result<(), HandlerError>;
}

/// Makes the span around handling one message; the chassis knows how.
pub type SpanMaker = fn(&'static str, &Recorded) -> tracing::Span;

/// Deliveries of one consumer, and who handles them.
#[derive(Clone)]
struct Source {
    wakeups: Arc<dyn Wakeups>,
    handler: Arc<dyn Handler>,
}

/// Takes deliveries of its consumers and hands them to their handlers.
#[derive(Clone)]
pub struct Worker {
    service: &'static str,
    sources: Vec<Source>,
    replays: Arc<dyn Wakeups>,
    dead_letters: DeadLetters,
    span: SpanMaker,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let consumers: Vec<_> = self.sources.iter().map(|source| source.wakeups.consumer()).collect();
        f.debug_struct("Worker").field("consumers", &consumers).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker of `service` on its deliveries, and on the dead letters that it is asked to try again.
    #[must_use]
    pub fn new(
        service: &'static str,
        wakeups: Arc<dyn Wakeups>,
        replays: Arc<dyn Wakeups>,
        dead_letters: DeadLetters,
        handler: Arc<dyn Handler>,
    ) -> Self {
        let sources = vec![Source { wakeups, handler }];
        Self { service, sources, replays, dead_letters, span: |_, _| tracing::Span::none() }
    }

    /// With deliveries of one more stream. A service has one worker, however many streams wake it: the dead letters that it is asked to
    /// try again come from one consumer, and go to the handler of the stream that they are of.
    #[must_use]
    pub fn and(mut self, wakeups: Arc<dyn Wakeups>, handler: Arc<dyn Handler>) -> Self {
        self.sources.push(Source { wakeups, handler });
        self
    }

    /// With spans around the handling.
    #[must_use]
    pub fn with_span(self, span: SpanMaker) -> Self {
        Self { span, ..self }
    }

    /// Works until it is told to stop; then it takes nothing new and finishes what it has.
    pub async fn run(self, stop: CancellationToken) {
        let replaying = self.clone();
        let working = self.sources.iter().map(|source| {
            take(Arc::clone(&source.wakeups), stop.clone(), |delivery| {
                let (worker, source) = (self.clone(), source.clone());
                async move { worker.work(&source, delivery).await }
            })
        });
        tokio::join!(
            futures_util::future::join_all(working),
            take(Arc::clone(&self.replays), stop.clone(), |delivery| {
                let worker = replaying.clone();
                async move { worker.replay(delivery).await }
            }),
        );
    }

    async fn work(&self, source: &Source, delivery: Box<dyn Delivery>) {
        let span = (self.span)(self.service, delivery.message());
        let deadline = Deadline::now() + HANDLE_TIME_MAX;
        async {
            match source.handle(delivery.message(), deadline).await {
                Ok(()) => acknowledge(delivery).await,
                Err(error) => self.settle(source, delivery, error).await,
            }
        }
        .instrument(span)
        .await;
    }

    async fn settle(&self, source: &Source, delivery: Box<dyn Delivery>, error: HandlerError) {
        let consumer = source.wakeups.consumer();
        match error.kind.fate() {
            MessageFate::Acknowledge => acknowledge(delivery).await,
            MessageFate::Retry => {
                tracing::warn!(%consumer, attempt = delivery.attempt(), %error, "trying again later");
                later(delivery).await;
            }
            MessageFate::Park => {
                let cause = Cause { reason: error.reason.to_owned(), detail: error.detail.clone() };
                let parked = self
                    .dead_letters
                    .park(
                        self.service,
                        consumer.as_str(),
                        consumer.stream(),
                        delivery.message(),
                        &cause,
                        park_deadline(),
                    )
                    .await;
                match parked {
                    Ok(()) => {
                        tracing::error!(
                            %consumer, sequence = delivery.message().sequence, %error,
                            "a message was parked; see `voordeur dead-letters list`"
                        );
                        acknowledge(delivery).await;
                    }
                    Err(error) => {
                        tracing::error!(%consumer, %error, "a message could not be parked; trying again later");
                        later(delivery).await;
                    }
                }
            }
        }
    }

    async fn replay(&self, delivery: Box<dyn Delivery>) {
        match self.replay_letter(delivery.message()).await {
            Ok(()) => acknowledge(delivery).await,
            Err(error) if error.kind().may_retry() => later(delivery).await,
            Err(error) => {
                // A dead letter is not parked again: it stays where it is, and the alarm says so.
                tracing::error!(service = self.service, %error, "a dead letter cannot be read");
                acknowledge(delivery).await;
            }
        }
    }

    async fn replay_letter(&self, message: &Recorded) -> Result<(), DeadLetterError> {
        let deadline = Deadline::now() + HANDLE_TIME_MAX;
        let letter = self.dead_letters.get(&message.subject, deadline).await?;
        // Every event of these histories wakes us; only a request that is still open is for us, and only of our own streams.
        let source = self.sources.iter().find(|source| source.wakeups.consumer().stream() == letter.stream);
        let Some(source) = source.filter(|_| letter.standing == Standing::ReplayRequested) else {
            return Ok(());
        };
        let span = (self.span)(self.service, &letter.message);
        let outcome = source.handle(&letter.message, deadline).instrument(span).await;
        let outcome = match outcome {
            Err(error) if error.kind.may_retry() => {
                return Err(DeadLetterError::Read(crate::ReadError::Unavailable));
            }
            Err(error) if error.kind.fate() == MessageFate::Park => {
                Err(Cause { reason: error.reason.to_owned(), detail: error.detail })
            }
            // Handled, or refused by a rule, which is an answer.
            _ => Ok(()),
        };
        self.dead_letters.replayed(&letter, self.service, outcome, park_deadline()).await
    }
}

impl Source {
    async fn handle(&self, message: &Recorded, deadline: Deadline) -> Result<(), HandlerError> {
        match tokio::time::timeout_at(deadline, self.handler.handle(message, deadline)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(HandlerError {
                kind: ErrorKind::TimedOut,
                reason: "TIMED_OUT",
                detail: "handling took too long".into(),
            }),
        }
    }
}

async fn take<F, Fut>(wakeups: Arc<dyn Wakeups>, stop: CancellationToken, work: F)
where
    F: Fn(Box<dyn Delivery>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut running = JoinSet::new();
    loop {
        // A free place first: what is not taken stays with the broker, for another replica.
        let free = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => match place {
                Ok(place) => { drop(place); places.available_permits().max(1) }
                Err(_) => break,
            },
        };
        let deliveries = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            deliveries = wakeups.next(free) => deliveries,
        };
        match deliveries {
            Ok(deliveries) => {
                for delivery in deliveries {
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
                    let task = work(delivery);
                    running.spawn(async move {
                        task.await;
                        drop(place);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(consumer = %wakeups.consumer(), %error, "no deliveries at the moment");
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(Duration::from_millis(250)) => {}
                }
            }
        }
        while let Some(done) = running.try_join_next() {
            report(done);
        }
    }
    while let Some(done) = running.join_next().await {
        report(done);
    }
}

fn report(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        // The delivery was dropped unsettled and comes again; what went wrong is our own fault and must be seen.
        tracing::error!(%error, "handling a delivery ended unexpectedly");
    }
}

async fn acknowledge(delivery: Box<dyn Delivery>) {
    if let Err(error) = delivery.acknowledge(park_deadline()).await {
        tracing::debug!(%error, "an acknowledgement was not confirmed; the delivery may come again");
    }
}

async fn later(delivery: Box<dyn Delivery>) {
    let doublings = u32::try_from(delivery.attempt().saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let wait = Duration::from_millis(100).saturating_mul(1 << doublings).min(RETRY_WAIT_MAX);
    if let Err(error) = delivery.later(wait).await {
        tracing::debug!(%error, "could not ask for a later delivery; it comes by itself");
    }
}
