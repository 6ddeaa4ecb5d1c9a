//! Many signals at once: one result per item, in the order of the items.

use std::sync::Arc;

use futures_util::{StreamExt as _, future::Either, stream};
use tonic::Streaming;
use tracing::Instrument as _;
use voordeur_chassis::{Identity, Problem};
use voordeur_contracts::intake::{
    SubmitSignalsRequest, SubmitSignalsResponse, submit_signals_response::Result as ItemResult,
};
use voordeur_eventlog::Deadline;
use voordeur_kernel::limits;

use super::{Intake, problem::item_error, service::Items};

/// Items that are worked on side by side.
const SIDE_BY_SIDE: usize = 256;

/// Works through a stream of signals. What was begun is finished even when the caller is gone; a stream that breaks off keeps the
/// results it had, and ends with the error.
pub(super) fn submit_all(
    intake: Arc<Intake>,
    caller: Identity,
    items: Streaming<SubmitSignalsRequest>,
) -> Items<SubmitSignalsResponse> {
    let caller = Arc::new(caller);
    items
        // The first error is the last that comes.
        .scan(false, |broken, item| {
            let ended = std::mem::replace(broken, item.is_err());
            std::future::ready((!ended).then_some(item))
        })
        .zip(stream::iter(0_u64..))
        .map(move |(item, index)| match item {
            Err(status) => Either::Left(std::future::ready(Err(status))),
            Ok(item) => {
                let (intake, caller) = (Arc::clone(&intake), Arc::clone(&caller));
                let work = async move { submit_one(&intake, &caller, index, item).await };
                let done = tokio::spawn(work.in_current_span());
                Either::Right(async move {
                    done.await.map_err(|_| Problem::broken("an item could not be worked on").into())
                })
            }
        })
        .buffered(SIDE_BY_SIDE)
        .boxed()
}

async fn submit_one(
    intake: &Intake,
    caller: &Identity,
    index: u64,
    item: SubmitSignalsRequest,
) -> SubmitSignalsResponse {
    let Some(signal) = item.signal else {
        let problem = Problem::fault("signal", "REQUIRED", "each item holds one signal");
        let result = Some(ItemResult::Error(item_error(problem)));
        return SubmitSignalsResponse { index, client_reference: String::new(), result };
    };
    let client_reference = signal.client_reference.clone();
    let deadline = Deadline::now() + limits::REQUEST_TIME_DEFAULT;
    let result = match intake.submit(caller, signal, deadline).await {
        Ok(accepted) => ItemResult::Accepted(accepted),
        Err(problem) => ItemResult::Error(item_error(problem)),
    };
    SubmitSignalsResponse { index, client_reference, result: Some(result) }
}
