//! Several commits as one atomic batch of the broker. The client has no publisher for these; they are plain publishes with three more
//! headers, of which the last asks for the answer.

use async_nats::{Request, client::PublishErrorKind, client::RequestErrorKind};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{ATTEMPT_TIME, Core, api};
use crate::{
    Deadline, Header,
    resolve::{BatchOutcome, Refusal},
    wire::{self, InBatch},
};

impl Core {
    /// One attempt at a batch. Nothing of it is visible before the broker has all of it; without the last message it forgets the
    /// rest after ten seconds.
    pub(super) async fn publish_batch(
        &self,
        members: Vec<(String, Vec<Header>, Bytes)>,
        deadline: Deadline,
    ) -> BatchOutcome {
        // The last token of an inbox is as good as unique in the world.
        let inbox = self.client.new_inbox();
        let id = inbox.rsplit('.').next().unwrap_or(&inbox);
        let count = members.len();
        let mut messages = Vec::with_capacity(count);
        for (index, (subject, mut headers, data)) in members.into_iter().enumerate() {
            wire::in_batch(&mut headers, InBatch { id, number: index + 1, last: index + 1 == count });
            match api::header_map(headers) {
                Ok(map) => messages.push((subject, map, data)),
                Err(text) => return BatchOutcome::Refused(Refusal::Other(text)),
            }
        }
        let Some((subject, map, data)) = messages.pop() else {
            return BatchOutcome::Refused(Refusal::Other("a batch without members".to_owned()));
        };
        let now = Instant::now();
        let end = deadline.min(now + ATTEMPT_TIME);
        // Without a connection the client would keep the messages and send them much later.
        if !self.connected() || end <= now {
            return BatchOutcome::NotTaken;
        }
        let sending = async {
            for (subject, map, data) in messages {
                self.client.publish_with_headers(subject, map, data).await?;
            }
            Ok::<_, async_nats::PublishError>(())
        };
        match timeout_at(end, sending).await {
            Ok(Ok(())) => {}
            // The last one was not sent, so the batch can never be complete.
            Ok(Err(error)) => {
                return match error.kind() {
                    PublishErrorKind::MaxPayloadExceeded => BatchOutcome::Refused(Refusal::TooLarge),
                    PublishErrorKind::InvalidSubject => {
                        BatchOutcome::Refused(Refusal::Other("invalid subject".to_owned()))
                    }
                    _ => BatchOutcome::NotTaken,
                };
            }
            Err(_) => return BatchOutcome::NotTaken,
        }
        let request = Request::new().headers(map).payload(data).timeout(None);
        match timeout_at(end, self.client.send_request(subject, request)).await {
            Ok(Ok(answer)) => answered(&answer.payload, id, count),
            Ok(Err(error)) => match error.kind() {
                // Only the leader of a stream listens: nobody completed the batch.
                RequestErrorKind::NoResponders => BatchOutcome::NotTaken,
                RequestErrorKind::MaxPayloadExceeded => BatchOutcome::Refused(Refusal::TooLarge),
                RequestErrorKind::InvalidSubject => {
                    BatchOutcome::Refused(Refusal::Other("invalid subject".to_owned()))
                }
                RequestErrorKind::TimedOut | RequestErrorKind::Other => BatchOutcome::Ambiguous,
            },
            Err(_) => BatchOutcome::Ambiguous,
        }
    }
}

/// Reads the answer to the last message of a batch.
fn answered(payload: &[u8], id: &str, count: usize) -> BatchOutcome {
    #[derive(Deserialize)]
    struct Acknowledgement {
        seq: u64,
        batch: String,
        count: u64,
    }
    let Ok(answer) = serde_json::from_slice::<Value>(payload) else { return BatchOutcome::Ambiguous };
    let Some((status, code, text)) = api::refusal(&answer) else {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        return match serde_json::from_value::<Acknowledgement>(answer) {
            Ok(done) if done.batch == id && done.count == count && done.seq >= count => {
                BatchOutcome::Stored { first: done.seq - count + 1 }
            }
            // Something was stored, but not what we think: every member looks for itself.
            _ => BatchOutcome::Ambiguous,
        };
    };
    let refused = match code {
        api::code::WRONG_LAST_SEQUENCE => Refusal::WrongLast,
        api::code::WRONG_LAST_SEQUENCE_NO_VALUE => Refusal::SubjectTwice,
        api::code::BATCH_DUPLICATE => Refusal::Duplicate,
        api::code::DUPLICATE_IN_PROCESS => Refusal::InProcess,
        api::code::BATCH_INCOMPLETE => Refusal::Incomplete,
        api::code::BATCH_TOO_LARGE => Refusal::TooMany,
        api::code::BATCHES_TOO_MANY => Refusal::Crowded,
        api::code::BATCH_DISABLED => Refusal::Disabled,
        api::code::MESSAGE_TOO_LARGE => Refusal::TooLarge,
        api::code::CLUSTER_NOT_AVAILABLE => return BatchOutcome::NotTaken,
        _ if api::is_full(code, &text) => Refusal::Full,
        // Too many requests at this moment: refused before it was looked at.
        _ if status == 429 => return BatchOutcome::NotTaken,
        // A store or a group of replicas in trouble: it may have been written all the same.
        _ if status >= 500 => return BatchOutcome::Ambiguous,
        _ => Refusal::Other(text),
    };
    BatchOutcome::Refused(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_success_only_when_it_is_about_the_whole_batch() {
        let read = |text: &str| answered(text.as_bytes(), "abc", 3);
        let done = read(r#"{"stream":"SIGNALS","seq":9,"batch":"abc","count":3}"#);
        assert_eq!(done, BatchOutcome::Stored { first: 7 });
        for doubtful in [
            "",
            "{}",
            r#"{"stream":"SIGNALS","seq":9}"#,
            r#"{"stream":"SIGNALS","seq":9,"batch":"abc","count":2}"#,
            r#"{"stream":"SIGNALS","seq":9,"batch":"other","count":3}"#,
            r#"{"stream":"SIGNALS","seq":2,"batch":"abc","count":3}"#,
            r#"{"error":{"code":500,"err_code":10077,"description":"disk on fire"}}"#,
        ] {
            assert_eq!(read(doubtful), BatchOutcome::Ambiguous, "{doubtful}");
        }
        let refused = |code: u64, number: u64, text: &str| {
            read(&format!(r#"{{"error":{{"code":{code},"err_code":{number},"description":"{text}"}}}}"#))
        };
        for (code, number, text, refusal) in [
            (400, 10_071, "wrong last sequence: 4", Refusal::WrongLast),
            (400, 10_164, "wrong last sequence", Refusal::SubjectTwice),
            (400, 10_201, "contains duplicate message id", Refusal::Duplicate),
            (409, 10_158, "in process", Refusal::InProcess),
            (400, 10_176, "incomplete", Refusal::Incomplete),
            (400, 10_199, "too large: 1000", Refusal::TooMany),
            (429, 10_210, "too many inflight", Refusal::Crowded),
            (400, 10_174, "disabled", Refusal::Disabled),
            (503, 10_077, "maximum bytes exceeded", Refusal::Full),
            (400, 10_054, "message size exceeds maximum allowed", Refusal::TooLarge),
        ] {
            assert_eq!(refused(code, number, text), BatchOutcome::Refused(refusal));
        }
        assert_eq!(refused(503, 10_008, "no leader"), BatchOutcome::NotTaken);
        assert_eq!(refused(429, 10_167, "too many requests"), BatchOutcome::NotTaken);
    }
}
