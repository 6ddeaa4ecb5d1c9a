//! What every target needs: framing, messages of a stream, and promises about refusals.

use std::{cell::RefCell, future::Future};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use voordeur_eventlog::{Deadline, Recorded, Subject};
use voordeur_kernel::{CommitId, Timestamp};

/// Stands in the kept inputs wherever somebody could write about a person. No refusal may repeat it.
pub const CANARY: &str = "Kanarienaam";
/// Most of the canary, in case that only a part gets through.
const TRACE: &str = "anarien";
/// Refusals are for people and headers: short, whatever the input.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;
/// The moment of every target: nothing looks at a clock.
pub const NOW: i64 = 1_795_000_000;

/// A moment that never moves.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a moment of this century")
}

/// A refusal says what is wrong, never what was written, and is short.
pub fn is_discreet(refusal: &str) {
    assert!(!refusal.to_lowercase().contains(TRACE), "a refusal repeats what was written: {refusal}");
    assert!(refusal.len() <= REFUSAL_BYTES_MAX, "a refusal of {} bytes", refusal.len());
}

/// What was read of an input is not much larger than the input.
pub fn is_bounded(out: usize, input: &[u8]) {
    assert!(out <= input.len() * 4 + 1024, "{} bytes became {out}", input.len());
}

/// Several parts out of one input: two bytes length and the part; the last one takes what there is.
#[must_use]
pub fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (part, rest) = rest.split_at(length);
        parts.push(part);
        input = rest;
    }
    parts
}

/// One part, as [`parts`] reads it.
#[must_use]
pub fn part(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a kept input is small");
    [&length.to_be_bytes(), content].concat()
}

/// A stored message.
#[must_use]
pub fn message(subject: &str, sequence: u64, data: &[u8]) -> Recorded {
    Recorded {
        subject: Subject::parse(subject).expect("a subject"),
        sequence,
        stored_at: now(),
        commit: Some(CommitId::from_bytes([7; 16])),
        kind: String::new(),
        data: Bytes::copy_from_slice(data),
        headers: [].into(),
    }
}

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"),
    );
}

/// Runs a future to its end, in time that passes only when there is nothing else to do.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with_borrow(|runtime| runtime.block_on(future))
}

/// Far away; with paused time nobody waits for it.
#[must_use]
pub fn until() -> Deadline {
    Deadline::now() + std::time::Duration::from_secs(10)
}
