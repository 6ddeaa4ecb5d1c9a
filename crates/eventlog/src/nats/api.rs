//! Requests to the broker: one at a time, with what its answers mean.

use std::sync::Arc;

use async_nats::{
    HeaderMap, HeaderName, HeaderValue, Request,
    client::RequestErrorKind,
    jetstream::{message::StreamMessage, stream::RawMessage},
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{ATTEMPT_TIME, Core};
use crate::{Deadline, Header, ReadError, Recorded, Subject, resolve::Outcome, wire};

/// Numbers of the broker's errors.
pub(super) mod code {
    pub(crate) const ACCOUNT_RESOURCES_EXCEEDED: u64 = 10_002;
    pub(crate) const NO_SUITABLE_PEERS: u64 = 10_005;
    pub(crate) const CLUSTER_NOT_AVAILABLE: u64 = 10_008;
    pub(crate) const CONSUMER_NOT_FOUND: u64 = 10_014;
    pub(crate) const INSUFFICIENT_RESOURCES: u64 = 10_023;
    pub(crate) const NO_MESSAGE_FOUND: u64 = 10_037;
    pub(crate) const STORAGE_RESOURCES_EXCEEDED: u64 = 10_047;
    pub(crate) const MESSAGE_TOO_LARGE: u64 = 10_054;
    pub(crate) const STREAM_NOT_FOUND: u64 = 10_059;
    pub(crate) const WRONG_LAST_SEQUENCE: u64 = 10_071;
    pub(crate) const STORE_FAILED: u64 = 10_077;
    /// "duplicate message id is in process": an earlier attempt of ours is between proposal and storage.
    pub(crate) const DUPLICATE_IN_PROCESS: u64 = 10_158;
    pub(crate) const WRONG_LAST_SEQUENCE_NO_VALUE: u64 = 10_164;
    pub(crate) const BATCH_DISABLED: u64 = 10_174;
    pub(crate) const BATCH_INCOMPLETE: u64 = 10_176;
    pub(crate) const BATCH_TOO_LARGE: u64 = 10_199;
    pub(crate) const BATCH_DUPLICATE: u64 = 10_201;
    pub(crate) const BATCHES_TOO_MANY: u64 = 10_210;
}

/// Why a request was not answered as hoped.
#[derive(Debug)]
pub(super) enum ApiError {
    /// No connection, no leader, or no answer in time.
    Unavailable,
    /// The deadline passed.
    TimedOut,
    /// The broker said no.
    Refused { code: u64, text: String },
}

impl From<ApiError> for ReadError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Unavailable => Self::Unavailable,
            ApiError::TimedOut => Self::TimedOut,
            ApiError::Refused { code: code::STREAM_NOT_FOUND, .. } => {
                Self::Broken("the stream is missing; run `voordeur streams apply`".to_owned())
            }
            ApiError::Refused { text, .. } => Self::Broken(text),
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable => f.write_str("no connection, no leader or no answer"),
            Self::TimedOut => f.write_str("the deadline passed"),
            Self::Refused { text, .. } => f.write_str(text),
        }
    }
}

/// The refusal in an answer of the broker, if it is one.
pub(super) fn refusal(answer: &Value) -> Option<(u64, u64, String)> {
    let error = answer.get("error")?;
    let number = |name: &str| error.get(name).and_then(Value::as_u64).unwrap_or(0);
    let text = error.get("description").and_then(Value::as_str).unwrap_or("unknown");
    Some((number("code"), number("err_code"), format!("{text} ({})", number("err_code"))))
}

/// Reads the answer to a request.
pub(super) fn read_answer<T: DeserializeOwned>(payload: &[u8]) -> Result<T, ApiError> {
    let refused = |text: String| ApiError::Refused { code: 0, text };
    let answer: Value =
        serde_json::from_slice(payload).map_err(|e| refused(format!("unreadable answer: {e}")))?;
    match refusal(&answer) {
        Some((_, code::CLUSTER_NOT_AVAILABLE | code::INSUFFICIENT_RESOURCES, _)) => {
            Err(ApiError::Unavailable)
        }
        Some((503, 0, _)) => Err(ApiError::Unavailable),
        Some((_, code, text)) => Err(ApiError::Refused { code, text }),
        None => serde_json::from_value(answer).map_err(|e| refused(format!("unreadable answer: {e}"))),
    }
}

/// The answer with a stored message.
#[derive(Deserialize)]
pub(super) struct Stored {
    message: RawMessage,
}

impl Stored {
    pub(super) fn message(self) -> Result<StreamMessage, ApiError> {
        StreamMessage::try_from(self.message)
            .map_err(|error| ApiError::Refused { code: 0, text: format!("unreadable message: {error}") })
    }
}

impl Core {
    /// One request to the broker's API.
    pub(super) async fn api<T: DeserializeOwned>(
        &self,
        subject: &str,
        body: &Value,
        deadline: Deadline,
    ) -> Result<T, ApiError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ApiError::TimedOut);
        }
        if !self.connected() {
            return Err(ApiError::Unavailable);
        }
        let payload = Bytes::from(body.to_string());
        let request = Request::new().payload(payload).timeout(None);
        let sent = self.client.send_request(format!("$JS.API.{subject}"), request);
        // Around the whole: the client's own time begins when the request has found room in its queue.
        let answer = timeout(left.min(ATTEMPT_TIME), sent).await.map_err(|_| ApiError::Unavailable)?;
        let answer = answer.map_err(|_| ApiError::Unavailable)?;
        read_answer(&answer.payload)
    }

    /// What the leader of a stream says about it.
    pub(super) async fn stream_info(&self, name: &str, deadline: Deadline) -> Result<StreamInfo, ApiError> {
        self.api(&format!("STREAM.INFO.{name}"), &json!({}), deadline).await
    }

    /// One message from the leader of a stream; not a direct read, which any replica may answer.
    pub(super) async fn message(
        &self,
        stream: &str,
        which: &Value,
        deadline: Deadline,
    ) -> Result<Option<StreamMessage>, ApiError> {
        match self.api::<Stored>(&format!("STREAM.MSG.GET.{stream}"), which, deadline).await {
            Ok(answer) => answer.message().map(Some),
            Err(ApiError::Refused { code: code::NO_MESSAGE_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One publish that waits for its acknowledgement. The client never tries again by itself; neither does this.
    pub(super) async fn publish(
        &self,
        subject: &str,
        headers: Vec<Header>,
        data: Bytes,
        deadline: Deadline,
    ) -> Outcome {
        let map = match header_map(headers) {
            Ok(map) => map,
            Err(text) => return Outcome::Refused(text),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        // Without a connection the client would keep the publish and send it much later.
        if !self.connected() || left.is_zero() {
            return Outcome::NotTaken;
        }
        let request = Request::new().headers(map).payload(data).timeout(None);
        let sent = self.client.send_request(subject.to_owned(), request);
        // Around the whole: the client's own time begins when the request has found room in its queue.
        let Ok(answer) = timeout(left.min(ATTEMPT_TIME), sent).await else { return Outcome::Ambiguous };
        match answer {
            Ok(answer) => acknowledged(&answer.payload),
            Err(error) => match error.kind() {
                // Nobody listens on the subject: only the leader of a stream does.
                RequestErrorKind::NoResponders => Outcome::NotTaken,
                RequestErrorKind::MaxPayloadExceeded => Outcome::TooLarge,
                RequestErrorKind::InvalidSubject => Outcome::Refused("invalid subject".to_owned()),
                RequestErrorKind::TimedOut | RequestErrorKind::Other => Outcome::Ambiguous,
            },
        }
    }
}

/// Headers as the client wants them.
pub(super) fn header_map(headers: Vec<Header>) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for Header { name, value } in headers {
        let Ok(name) = name.parse::<HeaderName>() else {
            return Err(format!("{name} cannot be the name of a header"));
        };
        let Ok(value) = value.parse::<HeaderValue>() else {
            return Err(format!("the value of header {name} cannot be one"));
        };
        map.insert(name, value);
    }
    Ok(map)
}

/// Reads the answer to a publish.
pub(super) fn acknowledged(payload: &[u8]) -> Outcome {
    #[derive(Deserialize)]
    struct Acknowledgement {
        seq: u64,
        #[serde(default)]
        duplicate: bool,
    }
    let Ok(answer) = serde_json::from_slice::<Value>(payload) else { return Outcome::Ambiguous };
    let Some((status, code, text)) = refusal(&answer) else {
        return match serde_json::from_value::<Acknowledgement>(answer) {
            Ok(Acknowledgement { seq, duplicate: true }) => Outcome::Duplicate(seq),
            Ok(Acknowledgement { seq, .. }) if seq > 0 => Outcome::Stored(seq),
            _ => Outcome::Ambiguous,
        };
    };
    match code {
        code::WRONG_LAST_SEQUENCE | code::WRONG_LAST_SEQUENCE_NO_VALUE => Outcome::WrongLast,
        code::BATCH_DUPLICATE => Outcome::BatchDuplicate,
        code::DUPLICATE_IN_PROCESS => Outcome::Ambiguous,
        code::MESSAGE_TOO_LARGE => Outcome::TooLarge,
        code::CLUSTER_NOT_AVAILABLE => Outcome::NotTaken,
        _ if is_full(code, &text) => Outcome::Full,
        // Too many requests at this moment: refused before it was looked at.
        _ if status == 429 => Outcome::NotTaken,
        // A store or a group of replicas in trouble: it may have been written all the same.
        _ if status >= 500 => Outcome::Ambiguous,
        _ => Outcome::Refused(text),
    }
}

/// Is this refusal about a bound on what is stored?
pub(super) fn is_full(code: u64, text: &str) -> bool {
    match code {
        code::ACCOUNT_RESOURCES_EXCEEDED
        | code::INSUFFICIENT_RESOURCES
        | code::STORAGE_RESOURCES_EXCEEDED => true,
        // One number for every failure of the store; only these are about a bound.
        code::STORE_FAILED => text.contains("exceeded") || text.contains("maximum"),
        _ => false,
    }
}

/// What is used of the broker's description of a stream.
#[derive(Debug, Deserialize)]
pub(super) struct StreamInfo {
    #[serde(deserialize_with = "shared")]
    pub(super) created: Arc<str>,
    pub(super) config: StreamBounds,
    pub(super) state: StreamState,
}

fn shared<'de, D: Deserializer<'de>>(text: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(text).map(Arc::from)
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamState {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// Messages between the first and the last that the leader does not have.
    #[serde(default)]
    pub(super) num_deleted: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamBounds {
    pub(super) max_bytes: i64,
}

/// Headers as they came, in a fixed order.
pub(super) fn headers(map: &HeaderMap) -> Vec<Header> {
    let mut headers: Vec<Header> = map
        .iter()
        .flat_map(|(name, values)| {
            values.iter().map(|value| Header { name: name.to_string(), value: value.as_str().to_owned() })
        })
        .collect();
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    headers
}

/// A moment of the broker.
pub(super) fn moment(nanos: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanos).unwrap_or_default()
}

/// A message that was read by request.
pub(super) fn recorded(message: StreamMessage) -> Recorded {
    wire::recorded(
        Subject::unchecked(message.subject.as_str()),
        message.sequence,
        moment(message.time.unix_timestamp_nanos()),
        headers(&message.headers),
        message.payload,
    )
}

/// A message that was delivered, and how often it was; none when its reply subject does not say what it is.
pub(super) fn delivered(message: &async_nats::jetstream::Message) -> Option<(Recorded, u64)> {
    let info = message.info().ok()?;
    let recorded = wire::recorded(
        Subject::unchecked(message.subject.as_str()),
        info.stream_sequence,
        moment(info.published.unix_timestamp_nanos()),
        message.headers.as_ref().map(headers).unwrap_or_default(),
        message.payload.clone(),
    );
    Some((recorded, u64::try_from(info.delivered).unwrap_or(1)))
}
