//! A real OTLP receiver, and telemetry of this process that sends to it. Both live on a runtime of their own, since every test has its own.

use std::sync::{Arc, LazyLock, Mutex};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::OnceCell};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};
use voordeur_chassis::{config::Config, telemetry::Telemetry};

#[derive(Clone, Default)]
pub struct Collector(Arc<Mutex<Received>>);

#[derive(Default)]
pub struct Received {
    pub spans: Vec<Span>,
    pub logs: Vec<LogRecord>,
    pub metrics: Vec<Metric>,
    pub resources: Vec<Resource>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = self.0.lock().unwrap();
        for group in request.into_inner().resource_spans {
            received.resources.extend(group.resource);
            received.spans.extend(group.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let mut received = self.0.lock().unwrap();
        for group in request.into_inner().resource_logs {
            received.logs.extend(group.scope_logs.into_iter().flat_map(|scope| scope.log_records));
        }
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut received = self.0.lock().unwrap();
        for group in request.into_inner().resource_metrics {
            received.metrics.extend(group.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
        }
        Ok(Response::new(Default::default()))
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static RUNNING: OnceCell<(Collector, Telemetry)> = OnceCell::const_new();

impl Collector {
    /// The one of this process.
    pub async fn running() -> Self {
        RUNNING.get_or_init(|| async { RUNTIME.spawn(begin()).await.unwrap() }).await.0.clone()
    }

    /// Sends what waits, then looks.
    pub async fn look<R>(&self, look: impl FnOnce(&Received) -> R) -> R {
        RUNNING.get().unwrap().1.flush().await;
        look(&self.0.lock().unwrap())
    }
}

async fn begin() -> (Collector, Telemetry) {
    let collector = Collector::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(collector.clone()))
        .add_service(LogsServiceServer::new(collector.clone()))
        .add_service(MetricsServiceServer::new(collector.clone()))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    let mut settings = Config::default().telemetry;
    settings.otlp_endpoint = format!("http://{address}");
    settings.metrics_interval_s = 300;
    let telemetry = Telemetry::init("voordeur-test", &settings).unwrap();
    (collector, telemetry)
}

/// The text of an attribute.
pub fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}
