//! How a commit looks on the wire: the CloudEvents 1.0 binding for NATS in binary mode, and the broker's own headers.

use std::{str::FromStr, sync::Arc};

use bytes::Bytes;
use voordeur_kernel::{CommitId, Timestamp, limits::EVENT_BYTES_MAX};

use crate::{Commit, Header, Recorded, StreamName, Subject, Version};

/// The broker's window of repeated ids looks at this header.
pub(crate) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// Compare-and-set on the last sequence of the subject.
pub(crate) const EXPECTED_LAST: &str = "Nats-Expected-Last-Subject-Sequence";
/// Would make the condition be about other subjects; we never set it.
const EXPECTED_LAST_OF: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// Marks the messages of a batch.
const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";
const ID: &str = "ce-id";
const TYPE: &str = "ce-type";

/// Room that a parked message needs around the event it holds: headers, origin, reason.
const PARKED_EXTRA_BYTES: usize = 64 * 1024;

/// Largest payload that a stream takes.
pub(crate) const fn payload_bytes_max(stream: StreamName) -> usize {
    match stream {
        StreamName::DeadLetters => EVENT_BYTES_MAX + PARKED_EXTRA_BYTES,
        _ => EVENT_BYTES_MAX,
    }
}

/// Every header of a commit.
pub(crate) fn headers(commit: &Commit, expected: Version) -> Vec<Header> {
    let header = |name: &str, value: String| Header { name: name.to_owned(), value };
    let mut headers = vec![
        header(MESSAGE_ID, commit.id.to_string()),
        header(EXPECTED_LAST, expected.0.to_string()),
        header("ce-specversion", "1.0".to_owned()),
        header(ID, commit.id.to_string()),
        header("ce-source", commit.source.to_owned()),
        header(TYPE, commit.kind.to_owned()),
        header("ce-time", commit.time.to_string()),
        header("ce-datacontenttype", "application/protobuf".to_owned()),
    ];
    // A header value is one line; a trace that is not is worth less than the commit.
    headers.extend(commit.trace.iter().filter(|header| is_clean(header)).cloned());
    headers
}

/// Where a message stands in a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InBatch<'a> {
    /// Of the batch; no other ever has it.
    pub(crate) id: &'a str,
    /// Counted from 1.
    pub(crate) number: usize,
    /// With the last one the whole batch is stored.
    pub(crate) last: bool,
}

/// Adds what says where a message stands in a batch.
pub(crate) fn in_batch(headers: &mut Vec<Header>, place: InBatch<'_>) {
    let header = |name: &str, value: String| Header { name: name.to_owned(), value };
    headers.push(header(BATCH_ID, place.id.to_owned()));
    headers.push(header(BATCH_SEQUENCE, place.number.to_string()));
    if place.last {
        headers.push(header(BATCH_COMMIT, "1".to_owned()));
    }
}

/// Was a stored message, by its headers, stored under the condition that its subject had none?
pub(crate) fn was_first(headers: &[Header]) -> bool {
    let value = |name: &str| headers.iter().find(|header| header.name == name).map(|h| h.value.as_str());
    value(EXPECTED_LAST) == Some("0") && value(EXPECTED_LAST_OF).is_none()
}

/// The sequence that the broker found to be the last of the history when it stored this message, if the append named one.
pub(crate) fn follows(headers: &[Header]) -> Option<u64> {
    let value = |name: &str| headers.iter().find(|header| header.name == name).map(|h| h.value.as_str());
    if value(EXPECTED_LAST_OF).is_some() { None } else { value(EXPECTED_LAST)?.parse().ok() }
}

fn is_clean(header: &Header) -> bool {
    let name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !header.name.is_empty()
        && header.name.bytes().all(name)
        && header.value.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// A stored message with what its headers say.
pub(crate) fn recorded(
    subject: Subject,
    sequence: u64,
    stored_at: Timestamp,
    headers: Vec<Header>,
    data: Bytes,
) -> Recorded {
    let value = |name: &str| headers.iter().find(|header| header.name == name).map(|h| h.value.as_str());
    Recorded {
        subject,
        sequence,
        stored_at,
        commit: value(ID).and_then(|id| CommitId::from_str(id).ok()),
        kind: value(TYPE).unwrap_or_default().to_owned(),
        data,
        headers: Arc::from(headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_condition_on_its_own_subject_makes_a_message_the_first() {
        let first = |headers: &[(&str, &str)]| {
            let header =
                |(name, value): &(&str, &str)| Header { name: (*name).into(), value: (*value).into() };
            was_first(&headers.iter().map(header).collect::<Vec<_>>())
        };
        assert!(first(&[(EXPECTED_LAST, "0")]));
        assert!(!first(&[]), "written by somebody else, under no condition");
        assert!(!first(&[(EXPECTED_LAST, "7")]));
        assert!(!first(&[(EXPECTED_LAST, "0"), (EXPECTED_LAST_OF, "elsewhere.*")]));
    }
}
