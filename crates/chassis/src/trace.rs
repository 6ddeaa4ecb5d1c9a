//! Trace context in and out: W3C `traceparent` and `tracestate` only. Baggage is neither read nor written, it could carry anything.

use opentelemetry::{
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{SpanContext, TraceContextExt as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use voordeur_eventlog::Header;

struct Headers(Vec<Header>);

impl Injector for Headers {
    fn set(&mut self, name: &str, value: String) {
        // An empty tracestate says nothing.
        if !value.is_empty() {
            self.0.push(Header { name: name.to_owned(), value });
        }
    }
}

struct Stored<'a>(&'a [Header]);

impl Extractor for Stored<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|header| header.name.as_str()).collect()
    }
}

struct Map<'a>(&'a http::HeaderMap);

impl Extractor for Map<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// `traceparent` (and `tracestate`) of the current span, to be stored with a commit. Empty when nothing is traced.
#[must_use]
pub fn trace_headers() -> Vec<Header> {
    headers_of(&tracing::Span::current())
}

/// `traceparent` (and `tracestate`) of a span.
#[must_use]
pub fn headers_of(span: &tracing::Span) -> Vec<Header> {
    let mut headers = Headers(Vec::new());
    TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
    headers.0
}

/// Links a span to the one that made a message. A link and not a parent: what a message sets off may come months later.
pub fn link_to(headers: &[Header], span: &tracing::Span) {
    if let Some(context) = valid(&Stored(headers)) {
        span.add_link(context);
    }
}

/// The caller's context in the metadata of a request, if it is a valid one.
pub(crate) fn context_in(headers: &http::HeaderMap) -> Option<SpanContext> {
    valid(&Map(headers))
}

fn valid(extractor: &dyn Extractor) -> Option<SpanContext> {
    let context =
        TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), extractor);
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_from_stored_headers_and_nonsense_is_passed_over() {
        let header = |value: &str| [Header { name: "traceparent".into(), value: value.into() }];
        let good = header("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert!(valid(&Stored(&good)).is_some());
        for bad in ["", "00-0-0-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "\u{e9}"] {
            assert!(valid(&Stored(&header(bad))).is_none(), "{bad}");
        }
    }

    #[test]
    fn outside_a_trace_there_is_nothing_to_store() {
        assert_eq!(trace_headers(), []);
    }
}
