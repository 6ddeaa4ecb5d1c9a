//! One call: its span, its place among the others, and how it ended.

use std::sync::Arc;

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, UpDownCounter},
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tonic::Code;
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::methods::Method;
use crate::{Identity, semconv, trace};

/// The instruments of the layer.
#[derive(Debug, Clone)]
pub(crate) struct Instruments {
    duration: Histogram<f64>,
    open: UpDownCounter<i64>,
}

impl Instruments {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("voordeur");
        Self {
            duration: meter
                .f64_histogram(semconv::RPC_SERVER_CALL_DURATION)
                .with_unit("s")
                .with_description(
                    "Time from the arrival of a call until its status; for streams until their end.",
                )
                .with_boundaries(semconv::CALL_DURATION_BOUNDARIES.to_vec())
                .build(),
            open: meter
                .i64_up_down_counter("voordeur.rpc.open")
                .with_unit("{call}")
                .with_description("Calls and streams that are being served.")
                .build(),
        }
    }
}

/// A call from its arrival to its status. Dropped before that, the caller went away.
pub(crate) struct Call {
    pub(crate) span: Span,
    service: &'static str,
    method: Arc<str>,
    started: Instant,
    instruments: Instruments,
    ended: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Call {
    pub(crate) fn begin(
        service: &'static str,
        method: &Method,
        caller: Option<&Identity>,
        headers: &http::HeaderMap,
        instruments: Instruments,
    ) -> Self {
        let call = Self {
            span: span(service, method, caller, headers),
            service,
            method: Arc::clone(&method.name),
            started: Instant::now(),
            instruments,
            ended: false,
            _permit: None,
        };
        call.instruments.open.add(1, &call.attributes());
        call
    }

    pub(crate) fn hold(&mut self, permit: OwnedSemaphorePermit) {
        self._permit = Some(permit);
    }

    fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new(semconv::RPC_SYSTEM_NAME, "grpc"),
            KeyValue::new(semconv::RPC_METHOD, Arc::clone(&self.method)),
            KeyValue::new(semconv::VOORDEUR_SERVICE, self.service),
        ]
    }

    /// Notes how it ended. The first status counts.
    pub(crate) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let name = code_name(code);
        let mut attributes = self.attributes().to_vec();
        self.instruments.open.add(-1, &attributes);
        attributes.push(KeyValue::new(semconv::RPC_STATUS_CODE, name));
        self.span.record("rpc.status_code", name);
        if code != Code::Ok {
            attributes.push(KeyValue::new(semconv::ERROR_TYPE, name));
            self.span.record("error.type", name);
            self.span.record("otel.status_code", "ERROR");
        }
        let elapsed = self.started.elapsed();
        self.instruments.duration.record(elapsed.as_secs_f64(), &attributes);
        let _entered = self.span.enter();
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::error!(rpc.method = &*self.method, rpc.status_code = name, millis, "call failed");
            }
            // That a reader went away is how watches end.
            Code::Ok | Code::Cancelled => {
                tracing::debug!(rpc.method = &*self.method, rpc.status_code = name, millis, "call");
            }
            _ => tracing::info!(
                rpc.method = &*self.method,
                rpc.status_code = name,
                millis,
                "call not fulfilled"
            ),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// Calls of people continue the trace of the page they came from. Calls of source systems begin a trace of their own, with a link to
/// theirs: what somebody else's system says about sampling or about our place in its trace decides nothing here.
fn span(
    service: &'static str,
    method: &Method,
    caller: Option<&Identity>,
    headers: &http::HeaderMap,
) -> Span {
    let span = tracing::info_span!(
        parent: None,
        "call",
        otel.name = &*method.name,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = &*method.name,
        rpc.status_code = Empty,
        error.type = Empty,
        otel.status_code = Empty,
        voordeur.service = service,
    );
    if let Some(context) = trace::context_in(headers) {
        match caller {
            Some(Identity::Person(_) | Identity::Operator) => {
                use opentelemetry::trace::TraceContextExt as _;
                // Refused only when nothing is traced.
                let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(context));
            }
            Some(Identity::Organisation(_)) | None => span.add_link(context),
        }
    }
    span
}

/// The name of a code as the protocol spells it.
#[must_use]
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
