//! What an error looks like from outside. One table decides the gRPC code and the HTTP status of every kind.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use http::StatusCode;
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::pb;
use voordeur_eventlog::{
    AppendError, BucketError, ReadError,
    fold::{ExecuteError, FoldError},
};
use voordeur_kernel::{ErrorKind, Faults, limits};

/// Domain of every `google.rpc.ErrorInfo` of this system.
pub const DOMAIN: &str = "voordeur";

/// An error as a caller sees it. Texts name fields and keys, never values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({reason})")]
pub struct Problem {
    /// Decides the gRPC code, the HTTP status and what becomes of a message.
    pub kind: ErrorKind,
    /// Stable code in capitals, for instance `VERSION_CHANGED`.
    pub reason: &'static str,
    /// What is wrong and what to do, in English.
    pub message: Cow<'static, str>,
    /// Everything that is wrong with the input.
    pub faults: Faults,
    /// When the same request may be sent again.
    pub retry_after: Option<Duration>,
    /// Facts for programs, for instance the limit that was passed. Absent when there are none.
    pub metadata: Option<Box<HashMap<String, String>>>,
    /// Further details, for instance guidance for a safety signal.
    pub extra: Vec<prost_types::Any>,
}

impl Problem {
    /// A problem of a kind.
    #[must_use]
    pub fn new(kind: ErrorKind, reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            reason,
            message: message.into(),
            faults: Faults::new(),
            retry_after: default_retry(kind),
            metadata: None,
            extra: Vec::new(),
        }
    }

    /// An input with faults.
    #[must_use]
    pub fn invalid(faults: Faults) -> Self {
        let reason = faults.as_slice().first().map_or("INVALID", |fault| fault.reason);
        // One fault speaks for itself; with more, each has its own reason in the details.
        let reason = if faults.as_slice().len() > 1 { "INVALID" } else { reason };
        let message = match faults.as_slice() {
            [fault] => format!("{}: {}", fault.field, fault.description),
            many => format!("the request has {} faults; see the details", many.len()),
        };
        Self { faults, ..Self::new(ErrorKind::Invalid, reason, message) }
    }

    /// An input with a single fault.
    #[must_use]
    pub fn fault(field: &str, reason: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let mut faults = Faults::new();
        faults.add(field, reason, description);
        Self::invalid(faults)
    }

    /// It is not there, or not for the caller to know.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        Self::new(ErrorKind::NotFound, "NOT_FOUND", format!("there is no such {what}, or it is not yours"))
    }

    /// The caller may not.
    #[must_use]
    pub fn not_allowed(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotAllowed, reason, message)
    }

    /// A rule says no in this state.
    #[must_use]
    pub fn refused(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Refused, reason, message)
    }

    /// Something is away for a moment.
    #[must_use]
    pub fn unavailable(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unavailable, reason, message)
    }

    /// Our own fault. Say what, never with which data.
    #[must_use]
    pub fn broken(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Broken, "BROKEN", message)
    }

    /// When the same request may be sent again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.get_or_insert_default().insert(key.to_owned(), value.into());
        self
    }

    /// Adds a detail, for instance guidance.
    #[must_use]
    pub fn with_extra(mut self, detail: prost_types::Any) -> Self {
        self.extra.push(detail);
        self
    }

    /// Adds a message as a detail; `full_name` is its name in the contracts, for instance `voordeur.intake.v1.Guidance`.
    #[must_use]
    pub fn with_detail(self, full_name: &str, message: &impl prost::Message) -> Self {
        self.with_extra(prost_types::Any {
            type_url: format!("type.googleapis.com/{full_name}"),
            value: message.encode_to_vec(),
        })
    }

    /// The gRPC code.
    #[must_use]
    pub const fn code(&self) -> Code {
        code_of(self.kind)
    }

    /// The HTTP status.
    #[must_use]
    pub const fn http_status(&self) -> StatusCode {
        http_status_of(self.kind)
    }
}

/// The gRPC code of a kind.
#[must_use]
pub const fn code_of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Invalid => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::Conflict => Code::Aborted,
        ErrorKind::NotAuthenticated => Code::Unauthenticated,
        ErrorKind::NotAllowed => Code::PermissionDenied,
        ErrorKind::Refused => Code::FailedPrecondition,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::TimedOut => Code::DeadlineExceeded,
        ErrorKind::TooMuch => Code::ResourceExhausted,
        ErrorKind::Broken => Code::Internal,
    }
}

/// The HTTP status of a kind.
#[must_use]
pub const fn http_status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::NotAuthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::NotAllowed => StatusCode::FORBIDDEN,
        // 422 and not 409: trying again does not help.
        ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::TooMuch => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

const fn default_retry(kind: ErrorKind) -> Option<Duration> {
    match kind {
        ErrorKind::Unavailable | ErrorKind::TimedOut => Some(Duration::from_millis(500)),
        ErrorKind::TooMuch => Some(Duration::from_secs(5)),
        // Look again first: only the caller knows how soon it can.
        _ => None,
    }
}

/// `google.rpc.BadRequest` with the `reason` of each violation, which the definition has as field 3 and `tonic-types` has not yet.
#[derive(Clone, PartialEq, prost::Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
    #[prost(string, tag = "3")]
    reason: String,
}

fn any(name: &str, message: &impl prost::Message) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec(),
    }
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let code = problem.code();
        let mut details = Vec::with_capacity(3 + problem.extra.len());
        let mut metadata = problem.metadata.map(|map| *map).unwrap_or_default();
        let faults = problem.faults.into_vec();
        if !faults.is_empty() {
            if faults.len() > limits::FAULTS_MAX {
                // Details travel in a header; who sees this number knows that there is more.
                metadata.insert("faults_total".to_owned(), faults.len().to_string());
            }
            let field_violations = faults
                .into_iter()
                .take(limits::FAULTS_MAX)
                .map(|fault| FieldViolation {
                    field: fault.field,
                    description: fault.description.into_owned(),
                    reason: fault.reason.to_owned(),
                })
                .collect();
            details.push(any("BadRequest", &BadRequest { field_violations }));
        }
        let info = pb::ErrorInfo { reason: problem.reason.to_owned(), domain: DOMAIN.to_owned(), metadata };
        details.push(any("ErrorInfo", &info));
        if let Some(after) = problem.retry_after {
            let delay = prost_types::Duration::try_from(after).ok();
            details.push(any("RetryInfo", &pb::RetryInfo { retry_delay: delay }));
        }
        details.extend(problem.extra);
        let message = problem.message.into_owned();
        let rich = pb::Status { code: code as i32, message: message.clone(), details };
        Self::with_details(code, message, rich.encode_to_vec().into())
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        let (reason, message): (_, Cow<'static, str>) = match &error {
            AppendError::Conflict => {
                ("CONTENDED", "somebody else was first; read again and decide again".into())
            }
            AppendError::Full => {
                ("STREAM_FULL", "the installation is full; try again later or tell its operator".into())
            }
            AppendError::TooLarge => {
                ("TOO_LARGE", "the request makes an event that is too large; send less".into())
            }
            AppendError::Busy => (
                "BUSY",
                "too much is being stored at this moment; send the same request again in a moment".into(),
            ),
            AppendError::Unavailable => {
                ("BROKER_UNAVAILABLE", "the event log is not available; nothing was stored".into())
            }
            AppendError::Unknown => (
                "OUTCOME_UNKNOWN",
                "the deadline passed and the outcome is unknown; send the same request again".into(),
            ),
            AppendError::Broken(detail) => {
                tracing::error!(detail, "the event log refused an append");
                ("BROKEN", "the event log refused; tell the operator".into())
            }
        };
        let busy = error == AppendError::Busy;
        let problem = Self::new(error.kind(), reason, message);
        // What waits is gone within moments; a full stream is not.
        if busy { problem.retry_after(Duration::from_millis(500)) } else { problem }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let (reason, message) = match &error {
            ReadError::Unavailable => ("BROKER_UNAVAILABLE", "the event log is not available"),
            ReadError::TimedOut => {
                ("TIMED_OUT", "the deadline passed while reading; send the same request again")
            }
            ReadError::Broken(detail) => {
                tracing::error!(detail, "the event log refused a read");
                ("BROKEN", "the event log refused; tell the operator")
            }
        };
        Self::new(error.kind(), reason, message)
    }
}

impl From<BucketError> for Problem {
    fn from(error: BucketError) -> Self {
        let (reason, message) = match &error {
            BucketError::Conflict => ("CONTENDED", "somebody else was first; read again and decide again"),
            BucketError::BadKey => ("BAD_KEY", "a key has characters that do not fit"),
            BucketError::Unavailable => ("BROKER_UNAVAILABLE", "the event log is not available"),
            BucketError::Unknown => (
                "OUTCOME_UNKNOWN",
                "the deadline passed and the outcome is unknown; send the same request again",
            ),
            BucketError::Broken(detail) => {
                tracing::error!(detail, "the broker refused an operation on a bucket");
                ("BROKEN", "the broker refused; tell the operator")
            }
        };
        Self::new(error.kind(), reason, message)
    }
}

impl From<FoldError> for Problem {
    fn from(error: FoldError) -> Self {
        let (reason, message) = match error {
            FoldError::NotReady => ("NOT_READY", "still reading the log; try again in a moment"),
            FoldError::Frozen => (
                "HISTORY_FROZEN",
                "this history holds an event that this release cannot read; tell the operator",
            ),
            FoldError::TimedOut => ("TIMED_OUT", "the deadline passed while catching up with `at_least`"),
            FoldError::ForeignPosition => {
                return Self::fault(
                    "at_least",
                    "FOREIGN_POSITION",
                    "is not a position of this stream; ask without it",
                );
            }
            FoldError::Read(error) => return error.into(),
        };
        Self::new(error.kind(), reason, message)
    }
}

impl<E: Into<Self>> From<ExecuteError<E>> for Problem {
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Fold(error) => error.into(),
            ExecuteError::Append(error) => error.into(),
            ExecuteError::Contended => Self::new(
                ErrorKind::Conflict,
                "CONTENDED",
                "too many changes of the same history at once; try again",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn every_kind_has_its_code_and_its_http_status() {
        let table = [
            (ErrorKind::Invalid, Code::InvalidArgument, 400),
            (ErrorKind::NotFound, Code::NotFound, 404),
            (ErrorKind::AlreadyExists, Code::AlreadyExists, 409),
            (ErrorKind::Conflict, Code::Aborted, 409),
            (ErrorKind::NotAuthenticated, Code::Unauthenticated, 401),
            (ErrorKind::NotAllowed, Code::PermissionDenied, 403),
            (ErrorKind::Refused, Code::FailedPrecondition, 422),
            (ErrorKind::Unavailable, Code::Unavailable, 503),
            (ErrorKind::TimedOut, Code::DeadlineExceeded, 504),
            (ErrorKind::TooMuch, Code::ResourceExhausted, 429),
            (ErrorKind::Broken, Code::Internal, 500),
        ];
        assert_eq!(table.map(|row| row.0), ErrorKind::ALL);
        for (kind, code, http) in table {
            let problem = Problem::new(kind, "REASON", "message");
            assert_eq!((problem.code(), problem.http_status().as_u16()), (code, http), "{kind:?}");
            assert_eq!(Status::from(problem).code(), code);
        }
    }

    #[test]
    fn a_status_carries_every_fault_the_reason_and_when_to_retry() {
        let mut faults = Faults::new();
        faults.add("details.text", "TOO_LONG", "has more than 4000 characters");
        faults.add("severity", "OUT_OF_RANGE", "give 1-5");
        let status = Status::from(
            Problem::invalid(faults)
                .with_metadata("limit", "4000")
                .retry_after(Duration::from_millis(1500))
                .with_detail("voordeur.intake.v1.Guidance", &String::from("x")),
        );
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(
            violations.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(),
            ["details.text", "severity"]
        );
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID", "voordeur"));
        assert_eq!(info.metadata["limit"], "4000");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(1500)));
        let rich = pb::Status::decode(status.details()).unwrap();
        assert_eq!(rich.details.last().unwrap().type_url, "type.googleapis.com/voordeur.intake.v1.Guidance");
        let bad = BadRequest::decode(rich.details[0].value.as_slice()).unwrap();
        assert_eq!(bad.field_violations[0].reason, "TOO_LONG");
    }

    #[test]
    fn a_thousand_faults_still_fit_in_a_header() {
        let mut faults = Faults::new();
        for index in 0..1000 {
            faults.add(format!("consents[{index}].date"), "BAD_DATE", "give a date as yyyy-mm-dd");
        }
        let status = Status::from(Problem::invalid(faults));
        assert!(status.details().len() < 6_000, "{}", status.details().len());
        assert_eq!(status.get_details_error_info().unwrap().metadata["faults_total"], "1000");
    }

    #[test]
    fn a_single_fault_is_the_reason() {
        let problem = Problem::fault("centre", "UNKNOWN_CENTRE", "is not in the directory");
        assert_eq!(problem.to_string(), "centre: is not in the directory (UNKNOWN_CENTRE)");
    }

    #[test]
    fn an_append_that_is_turned_away_says_when_to_come_again() {
        let status = Status::from(Problem::from(AppendError::Busy));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_millis(500)));
        assert_eq!(status.get_details_error_info().unwrap().reason, "BUSY");
    }

    #[test]
    fn an_unsettled_append_asks_for_the_same_request_again() {
        let problem = Problem::from(AppendError::Unknown);
        assert_eq!((problem.kind, problem.reason), (ErrorKind::TimedOut, "OUTCOME_UNKNOWN"));
        assert!(problem.retry_after.is_some());
        assert!(!Problem::from(AppendError::Broken("secret 10071".into())).to_string().contains("10071"));
    }
}
