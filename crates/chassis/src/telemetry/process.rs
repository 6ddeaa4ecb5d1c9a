//! The spans around handling one wake-up, and around showing one change to somebody who watches.

use voordeur_eventlog::{Header, Recorded};

use crate::trace::link_to;

/// A span for handling one message of another service's stream, by the messaging conventions: a new trace that links to the one that
/// made the message, since the two may be months apart. The subject itself holds an id and stays out.
#[must_use]
pub fn processing(service: &'static str, message: &Recorded) -> tracing::Span {
    let template = format!("{}.{{id}}", message.subject.prefix());
    let span = tracing::info_span!(
        parent: None,
        "process",
        otel.name = format!("process {template}"),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.template = template,
        messaging.consumer.group.name = service,
        messaging.message.id = message.commit.map(|id| id.to_hex()),
        voordeur.service = service,
        otel.status_code = tracing::field::Empty,
        error.type = tracing::field::Empty,
    );
    link_to(&message.headers, &span);
    span
}

/// A short span for one change that is handed to a watching reader; `prefix` is that of its history. The stream itself may be open for
/// hours, so its own span says nothing about one change.
#[must_use]
pub fn delivering(service: &'static str, prefix: &str, headers: &[Header]) -> tracing::Span {
    let span = tracing::info_span!(
        parent: None,
        "deliver",
        otel.name = format!("deliver {prefix}.{{id}}"),
        otel.kind = "producer",
        voordeur.service = service,
    );
    link_to(headers, &span);
    span
}
