//! What the broker answers, read from bytes as the requests do it: for tests that feed the readers anything.

use super::{
    api::{self, StreamInfo},
    monitor,
};
use crate::Recorded;

/// What the answer to a publish means.
#[must_use]
pub fn acknowledgement(payload: &[u8]) -> String {
    format!("{:?}", api::acknowledged(payload))
}

/// The message in the answer to a read.
///
/// # Errors
/// Why there is none.
pub fn stored_message(payload: &[u8]) -> Result<Recorded, String> {
    let answer = api::read_answer::<api::Stored>(payload).map_err(|error| error.to_string())?;
    answer.message().map(api::recorded).map_err(|error| error.to_string())
}

/// The description of a stream: its incarnation and its last sequence.
///
/// # Errors
/// Why there is none.
pub fn stream_description(payload: &[u8]) -> Result<(String, u64), String> {
    let info: StreamInfo = api::read_answer(payload).map_err(|error| error.to_string())?;
    Ok((info.created.to_string(), info.state.last_seq))
}

/// A monitoring page: the node's name, and whether it syncs before it acknowledges.
///
/// # Errors
/// Why it cannot be read.
pub fn monitoring_page(page: &[u8]) -> Result<(String, bool), String> {
    monitor::node(page).map(|node| (node.name, node.sync_always))
}
