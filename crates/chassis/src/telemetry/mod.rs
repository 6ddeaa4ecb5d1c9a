//! Traces, metrics and logs: to an OTLP collector when one is set, metrics for scraping always, log lines on standard error.
//!
//! Once per process. `serve all` runs several services in one process under one resource; what belongs to which service says the
//! attribute `voordeur.service`. Only W3C trace context travels; baggage could carry anything and is neither read nor written. Log
//! events are not copied into spans, and spans carry no files, lines, threads or module paths.

mod format;
mod process;

use std::{sync::OnceLock, time::Duration};

use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{Sampler, SdkTracerProvider},
};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    StartError,
    config::{LogFormat, TelemetryConfig},
};

pub use process::{delivering, processing};

/// Crates whose own spans and events would be sent by the very exporter they describe.
const MUTED: &str = "hyper=off,hyper_util=off,h2=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off,\
                     opentelemetry_otlp=off,opentelemetry-otlp=off";

/// How long the last deliveries may take.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(5);

/// `/metrics` reads this; one per process.
static REGISTRY: OnceLock<prometheus::Registry> = OnceLock::new();

/// What was set up, to be flushed at the end.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: SdkMeterProvider,
    logs: Option<SdkLoggerProvider>,
}

impl Telemetry {
    /// Sets up telemetry for this process. Inside the async runtime, before anything else.
    ///
    /// # Errors
    /// When it was set up before, or the collector's address is none.
    pub fn init(service: &'static str, settings: &TelemetryConfig) -> Result<Self, StartError> {
        let failed = |error: &dyn std::fmt::Display| StartError::Settings(format!("telemetry: {error}"));
        let resource = resource(service, settings);
        let registry = prometheus::Registry::new();
        let scraped = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|error| failed(&error))?;
        let mut metrics = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scraped);
        let (mut traces, mut logs) = (None, None);
        let endpoint = settings.otlp_endpoint.as_str();
        if !endpoint.is_empty() {
            let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
            let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.traces_kept)));
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_sampler(sampler)
                .with_batch_exporter(exporter.map_err(|error| failed(&error))?);
            traces = Some(provider.build());
            let exporter = MetricExporter::builder().with_tonic().with_endpoint(endpoint).build();
            let reader = PeriodicReader::builder(exporter.map_err(|error| failed(&error))?)
                .with_interval(Duration::from_secs(settings.metrics_interval_s));
            metrics = metrics.with_reader(reader.build());
            let exporter = LogExporter::builder().with_tonic().with_endpoint(endpoint).build();
            let provider = SdkLoggerProvider::builder()
                .with_resource(resource.clone())
                .with_batch_exporter(exporter.map_err(|error| failed(&error))?);
            logs = Some(provider.build());
        } else {
            // Without a collector spans still get ids, so that log lines of one call can be found together.
            let provider = SdkTracerProvider::builder().with_resource(resource.clone());
            traces = traces.or_else(|| Some(provider.build()));
        }
        let metrics = metrics.build();
        Self::subscribe(settings, traces.as_ref(), logs.as_ref())?;
        if let Some(traces) = &traces {
            global::set_tracer_provider(traces.clone());
        }
        global::set_meter_provider(metrics.clone());
        // A second set-up was refused by the subscriber above.
        let _ = REGISTRY.set(registry);
        Ok(Self { traces, metrics, logs })
    }

    fn subscribe(
        settings: &TelemetryConfig,
        traces: Option<&SdkTracerProvider>,
        logs: Option<&SdkLoggerProvider>,
    ) -> Result<(), StartError> {
        let levels = || EnvFilter::new(format!("{},{MUTED}", settings.log));
        let spans = traces.map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("voordeur"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                // Spans follow their own level: a quiet log must not make holes in traces.
                .with_filter(
                    EnvFilter::new(format!("info,{MUTED}"))
                        .and(filter_fn(|metadata: &tracing::Metadata<'_>| metadata.is_span())),
                )
        });
        let sent = logs.map(|provider| OpenTelemetryTracingBridge::new(provider).with_filter(levels()));
        let json = (settings.log_format == LogFormat::Json).then(|| {
            tracing_subscriber::fmt::layer()
                .event_format(format::Json)
                .with_writer(std::io::stderr)
                .with_filter(levels())
        });
        let text = (settings.log_format == LogFormat::Text).then(|| {
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(std::io::stderr)
                .with_filter(levels())
        });
        tracing_subscriber::registry().with(spans).with(sent).with(json).with(text).try_init().map_err(
            |error| StartError::Failed(format!("telemetry was set up before in this process: {error}")),
        )
    }

    /// Sends what is waiting, now. For tests, and before a report.
    pub async fn flush(&self) {
        let (traces, metrics, logs) = (self.traces.clone(), self.metrics.clone(), self.logs.clone());
        let flushed = tokio::task::spawn_blocking(move || {
            let _ = traces.map(|provider| provider.force_flush());
            let _ = logs.map(|provider| provider.force_flush());
            let _ = metrics.force_flush();
        });
        let _ = flushed.await;
    }

    /// Sends what is waiting and stops. A collector that does not take it is no reason to end badly.
    pub async fn shutdown(self) {
        let ended = tokio::task::spawn_blocking(move || {
            let outcomes = [
                ("traces", self.traces.map(|provider| provider.shutdown_with_timeout(FLUSH_TIME_MAX))),
                ("logs", self.logs.map(|provider| provider.shutdown_with_timeout(FLUSH_TIME_MAX))),
                ("metrics", Some(self.metrics.shutdown_with_timeout(FLUSH_TIME_MAX))),
            ];
            for (signal, outcome) in outcomes {
                if let Some(Err(error)) = outcome {
                    tracing::warn!(signal, error = %error, "telemetry could not be sent at the end");
                }
            }
        });
        let _ = ended.await;
    }
}

fn resource(service: &'static str, settings: &TelemetryConfig) -> Resource {
    let instance = if settings.instance.is_empty() { drawn_instance() } else { settings.instance.clone() };
    Resource::builder()
        .with_service_name(service)
        .with_attributes([
            KeyValue::new("service.namespace", "voordeur"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
        ])
        .build()
}

/// 64 random bits: the standard library seeds its hash maps with them.
fn drawn_instance() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// What `/metrics` answers, in the text format of Prometheus.
///
/// # Errors
/// When the metrics cannot be written as text.
pub fn scrape() -> Result<String, prometheus::Error> {
    let families = REGISTRY.get().map(prometheus::Registry::gather).unwrap_or_default();
    prometheus::TextEncoder::new().encode_to_string(&families)
}

/// Panics become log lines with their place and first line; the rest could hold data.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, cause = crate::tasks::panic_text(panic.payload()), "panic");
    }));
}
