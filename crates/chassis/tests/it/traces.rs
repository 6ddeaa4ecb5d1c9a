//! Traces, metrics and logs as a collector gets them.

use opentelemetry_proto::tonic::{
    metrics::v1::metric::Data,
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use tonic::Request;
use voordeur_chassis::{DEV_IDENTITY, telemetry::Telemetry};
use voordeur_contracts::intake::WatchSignalsRequest;

use crate::{
    collector::{Collector, text},
    support::{eventually, get, say, start, submission},
};

const SUBMIT: &str = "voordeur.intake.v1.SignalIntakeService/SubmitSignal";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The span whose trace id the service told.
async fn span_of(collector: &Collector, trace_id: &str) -> Span {
    eventually("the span arrives", async || {
        let found = |span: &&Span| hex(&span.trace_id) == trace_id && !span.name.is_empty();
        collector
            .look(|received| received.spans.iter().find(found).cloned())
            .await
            .ok_or_else(|| "none".to_owned())
    })
    .await
}

#[tokio::test]
async fn a_call_of_a_school_is_a_trace_of_its_own_that_links_to_theirs() {
    let collector = Collector::running().await;
    let mut toy = start().await;
    let mut request = submission("a", "organisation:de-wilg");
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    // Not sampled over there: that decides nothing here.
    say(request.metadata_mut(), "traceparent", &format!("00-{trace}-{parent}-00"));
    say(request.metadata_mut(), "baggage", "pupil=123");
    let reply = toy.client.submit_signal(request).await.unwrap().into_inner();
    let stored = reply.waived_fields[1].split('-').map(str::to_owned).collect::<Vec<_>>();
    assert_ne!(stored[1], trace);

    let span = span_of(&collector, &stored[1]).await;
    assert_eq!((span.name.as_str(), span.kind()), (SUBMIT, SpanKind::Server));
    assert_eq!(hex(&span.span_id), stored[2]);
    assert!(span.parent_span_id.is_empty() && span.events.is_empty());
    assert_eq!(span.links.len(), 1);
    assert_eq!(
        (hex(&span.links[0].trace_id), hex(&span.links[0].span_id)),
        (trace.to_owned(), parent.to_owned())
    );
    for (key, value) in [
        ("rpc.system.name", "grpc"),
        ("rpc.method", SUBMIT),
        ("rpc.status_code", "OK"),
        ("voordeur.service", "intake"),
    ] {
        assert_eq!(text(&span.attributes, key).as_deref(), Some(value), "{key}");
    }
    let allowed = ["rpc.system.name", "rpc.method", "rpc.status_code", "voordeur.service"];
    for attribute in &span.attributes {
        assert!(allowed.contains(&attribute.key.as_str()), "{} does not belong there", attribute.key);
    }

    let log = eventually("the log line arrives", async || {
        let ours = collector
            .look(|received| received.logs.iter().find(|log| hex(&log.trace_id) == stored[1]).cloned());
        ours.await.ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!(hex(&log.span_id), stored[2]);
    assert_eq!(text(&log.attributes, "step").as_deref(), Some("taken"));

    let resource = collector.look(|received| received.resources[0].clone()).await;
    assert_eq!(text(&resource.attributes, "service.name").as_deref(), Some("voordeur-test"));
    assert_eq!(text(&resource.attributes, "service.namespace").as_deref(), Some("voordeur"));
    assert_eq!(text(&resource.attributes, "service.instance.id").unwrap().len(), 16);
}

#[tokio::test]
async fn a_call_of_a_person_continues_the_trace_of_her_page() {
    let collector = Collector::running().await;
    let mut toy = start().await;
    let (trace, parent) = ("1af7651916cd43dd8448eb211c80319c", "c7ad6b7169203331");
    let mut request = submission("problem", "person:noor");
    say(request.metadata_mut(), "traceparent", &format!("00-{trace}-{parent}-01"));
    toy.client.submit_signal(request).await.unwrap_err();
    let span = span_of(&collector, trace).await;
    assert_eq!(hex(&span.parent_span_id), parent);
    assert!(span.links.is_empty());
    assert_eq!(text(&span.attributes, "error.type").as_deref(), Some("INVALID_ARGUMENT"));
    assert_eq!(span.status.unwrap().code(), StatusCode::Error);
}

#[tokio::test]
async fn a_stream_has_its_status_when_it_ends() {
    let collector = Collector::running().await;
    let mut toy = start().await;
    let trace = "2af7651916cd43dd8448eb211c80319c";
    let mut request = Request::new(WatchSignalsRequest::default());
    say(request.metadata_mut(), DEV_IDENTITY, "operator");
    say(request.metadata_mut(), "traceparent", &format!("00-{trace}-c7ad6b7169203331-01"));
    let mut watch = toy.client.watch_signals(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    assert!(collector.look(|received| received.spans.iter().all(|span| hex(&span.trace_id) != trace)).await);
    // The reader goes away.
    drop(watch);
    let span = span_of(&collector, trace).await;
    assert_eq!(text(&span.attributes, "rpc.status_code").as_deref(), Some("CANCELLED"));
}

#[tokio::test]
async fn calls_are_counted_for_the_collector_and_for_scraping() {
    let collector = Collector::running().await;
    let mut toy = start().await;
    toy.client.submit_signal(submission("a", "organisation:de-wilg")).await.unwrap();
    let line = eventually("the series stands on the page", async || {
        let (_, page) = get(&toy.bound, "/metrics").await;
        let wanted = |line: &&str| {
            line.starts_with("rpc_server_call_duration_seconds_bucket")
                && line.contains("rpc_status_code=\"OK\"")
                && line.contains("le=\"0.075\"")
        };
        page.lines().find(wanted).map(str::to_owned).ok_or(page)
    })
    .await;
    assert!(
        line.contains(&format!("rpc_method=\"{SUBMIT}\"")) && line.contains("voordeur_service=\"intake\""),
        "{line}"
    );
    assert!(!line.contains("otel_scope"), "{line}");
    let bounds = eventually("the histogram arrives", async || {
        collector
            .look(|received| {
                let metric =
                    received.metrics.iter().find(|metric| metric.name == "rpc.server.call.duration")?;
                assert_eq!(metric.unit, "s");
                match metric.data.as_ref()? {
                    Data::Histogram(histogram) => Some(histogram.data_points[0].explicit_bounds.clone()),
                    _ => None,
                }
            })
            .await
            .ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!(bounds, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]);
}

#[tokio::test]
async fn backlogs_have_the_names_that_dashboards_of_the_broker_know() {
    Collector::running().await;
    let toy = start().await;
    eventually("the series stand on the page", async || {
        let (_, page) = get(&toy.bound, "/metrics").await;
        let wanted = [
            "jetstream_consumer_num_pending{consumer_name=\"intake-tasks\",stream_name=\"TASKS\"}",
            "voordeur_stream_used_ratio{stream_name=\"SIGNALS\"}",
            "voordeur_broker_connected{voordeur_service=\"intake\"} 1",
        ];
        wanted.iter().all(|series| page.contains(series)).then_some(()).ok_or(page)
    })
    .await;
}

#[tokio::test]
async fn telemetry_is_set_up_once_in_a_process() {
    Collector::running().await;
    let settings = voordeur_chassis::config::Config::default().telemetry;
    assert!(Telemetry::init("again", &settings).unwrap_err().to_string().contains("before"));
}
