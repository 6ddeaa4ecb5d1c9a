//! Watching: what is there now, then the newest of each signal that moves.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;
use voordeur_chassis::{Identity, Problem, edge::wire_position, telemetry::delivering};
use voordeur_contracts::intake::{
    CaughtUp, WatchSignalsRequest, WatchSignalsResponse, watch_signals_response::Item,
};
use voordeur_eventlog::{
    Deadline, Position,
    fold::{Change, FoldError},
};
use voordeur_kernel::{ErrorKind, OrganisationKey, SignalId};

use super::{Intake, service::Items};
use crate::{
    codec,
    machine::{Kept, Row},
    submit::source_of,
};

/// How often a quiet watch gives a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// Items that wait for the reader beside what the fold keeps for it.
const READY_ITEMS: usize = 16;

/// Begins a watch.
pub(super) async fn watch(
    intake: Arc<Intake>,
    caller: &Identity,
    request: WatchSignalsRequest,
    deadline: Deadline,
) -> Result<Items<WatchSignalsResponse>, Problem> {
    let organisation = source_of(caller, "")?;
    let resume_after = match &request.resume_after {
        None => None,
        Some(position) => {
            let position = codec::parse_position(position).ok_or_else(foreign)?;
            intake.fold.reached(&position, deadline).await.map_err(|error| match error {
                FoldError::ForeignPosition => foreign(),
                other => other.into(),
            })?;
            Some(position.sequence)
        }
    };
    if !intake.fold.is_ready() {
        return Err(FoldError::NotReady.into());
    }
    // Listening begins before looking, so that nothing falls in between; what comes twice is passed over by its sequence.
    let changes = intake.fold.changes();
    let (rows, position) = intake.fold.read(|index, _| {
        let mut rows: Vec<Row> = index
            .rows(&organisation)
            .map(|(_, row)| row)
            .filter(|row| match resume_after {
                Some(after) => row.last > after,
                None => !row.closed,
            })
            .cloned()
            .collect();
        // In the order in which they moved, so that each item is a place to resume from.
        rows.sort_unstable_by_key(|row| row.last);
        (rows, intake.fold.position())
    });
    let position = position.ok_or(FoldError::NotReady)?;
    let (items, stream) = mpsc::channel(READY_ITEMS);
    let reader = Reader { organisation, items, sent: position.clone(), seen: position };
    tokio::spawn(reader.serve(rows, changes));
    Ok(ReceiverStream::new(stream).boxed())
}

fn foreign() -> Problem {
    Problem::fault(
        "resume_after",
        "FOREIGN_POSITION",
        "is not a position of this stream; watch again without it",
    )
}

struct Reader {
    organisation: OrganisationKey,
    items: mpsc::Sender<Result<WatchSignalsResponse, Status>>,
    /// Everything up to here was sent.
    sent: Position,
    /// Everything up to here was looked at.
    seen: Position,
}

impl Reader {
    /// Ends when the reader is gone, is too slow, or the service stops.
    async fn serve(mut self, rows: Vec<Row>, mut changes: broadcast::Receiver<Change<Kept>>) {
        for row in rows {
            let place = Position { sequence: row.last, ..self.seen.clone() };
            if self.send(Item::Signal(codec::view::signal(&row, "")), place).await.is_err() {
                return;
            }
        }
        if self.caught_up().await.is_err() {
            return;
        }
        let mut life = tokio::time::interval(SIGN_OF_LIFE);
        life.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        life.reset();
        loop {
            // In this order, so that what is simulated goes the same way twice.
            let step = tokio::select! {
                biased;
                () = self.items.closed() => return,
                change = changes.recv() => self.take(change).await,
                _ = life.tick() => self.caught_up().await,
            };
            if step.is_err() {
                return;
            }
        }
    }

    async fn take(&mut self, change: Result<Change<Kept>, broadcast::error::RecvError>) -> Result<(), Gone> {
        let change = match change {
            Ok(change) => change,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let _ = self.items.send(Err(self.too_slow().into())).await;
                return Err(Gone);
            }
            Err(broadcast::error::RecvError::Closed) => return Err(Gone),
        };
        if change.sequence <= self.seen.sequence {
            return Ok(());
        }
        self.seen.sequence = change.sequence;
        let own = change.state.signal.received.organisation == self.organisation;
        let (true, Ok(id)) = (own, SignalId::parse_hex(change.subject.key())) else { return Ok(()) };
        let signal = codec::view::signal(&Row::of(id, &change.state), "");
        let span = delivering("intake", change.subject.prefix(), &change.headers);
        self.send(Item::Signal(signal), self.seen.clone()).instrument(span).await
    }

    async fn caught_up(&mut self) -> Result<(), Gone> {
        self.send(Item::CaughtUp(CaughtUp {}), self.seen.clone()).await
    }

    async fn send(&mut self, item: Item, place: Position) -> Result<(), Gone> {
        let item = WatchSignalsResponse { item: Some(item), position: Some(wire_position(&place)) };
        self.items.send(Ok(item)).await.map_err(|_| Gone)?;
        self.sent = place;
        Ok(())
    }

    fn too_slow(&self) -> Problem {
        Problem::new(
            ErrorKind::TooMuch,
            "READER_TOO_SLOW",
            "you read too slowly; watch again and resume after the position in the details",
        )
        .retry_after(Duration::from_secs(1))
        .with_metadata("stream", self.sent.stream.to_string())
        .with_metadata("incarnation", self.sent.incarnation.to_string())
        .with_metadata("sequence", self.sent.sequence.to_string())
    }
}

/// The reader is gone.
#[derive(Debug)]
struct Gone;
