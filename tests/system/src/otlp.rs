//! A real receiver of traces and logs, and the graph that they make.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

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
    trace::v1::Span,
};
use tonic::{Request, Response, Status, codec::CompressionEncoding, transport::server::TcpIncoming};

/// Trace id and span id.
pub type SpanKey = (Vec<u8>, Vec<u8>);

/// What was received.
#[derive(Debug, Default)]
pub struct Received {
    /// Every span.
    pub spans: BTreeMap<SpanKey, Span>,
    /// Everything that came in, printed: for looking for what must not be in it.
    pub printed: String,
}

/// A receiver on a free port.
#[derive(Debug, Clone, Default)]
pub struct Receiver(Arc<Mutex<Received>>);

impl Receiver {
    /// Starts one; returns it and its address.
    pub async fn start() -> (Self, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let receiver = Self::default();
        let serving = tonic::transport::Server::builder()
            .add_service(
                TraceServiceServer::new(receiver.clone()).accept_compressed(CompressionEncoding::Gzip),
            )
            .add_service(
                LogsServiceServer::new(receiver.clone()).accept_compressed(CompressionEncoding::Gzip),
            )
            .add_service(
                MetricsServiceServer::new(receiver.clone()).accept_compressed(CompressionEncoding::Gzip),
            )
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(serving);
        (receiver, address)
    }

    /// Looks at what was received.
    pub fn look<R>(&self, look: impl FnOnce(&Received) -> R) -> R {
        look(&self.0.lock().expect("no test thread panics while holding it"))
    }

    fn note(&self, request: &impl std::fmt::Debug) {
        use std::fmt::Write as _;
        let _ = writeln!(self.0.lock().expect("see above").printed, "{request:?}");
    }
}

impl Received {
    /// The spans from one to another along parents and links, backwards in time; `None` when there is no way.
    #[must_use]
    pub fn path(&self, from: &SpanKey, to: &SpanKey) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<SpanKey, SpanKey> = BTreeMap::new();
        let mut seen = BTreeSet::from([from.clone()]);
        let mut open = VecDeque::from([from.clone()]);
        while let Some(here) = open.pop_front() {
            if here == *to {
                let mut path = vec![self.name(&here)];
                let mut at = &here;
                while let Some(before) = came_from.get(at) {
                    path.push(self.name(before));
                    at = before;
                }
                return Some(path);
            }
            for next in self.spans.get(&here).map(edges).unwrap_or_default() {
                if seen.insert(next.clone()) {
                    came_from.insert(next.clone(), here.clone());
                    open.push_back(next);
                }
            }
        }
        None
    }

    fn name(&self, key: &SpanKey) -> String {
        self.spans.get(key).map_or_else(|| "the caller's own span".to_owned(), |span| span.name.clone())
    }
}

fn edges(span: &Span) -> Vec<SpanKey> {
    let parent = (span.trace_id.clone(), span.parent_span_id.clone());
    let links = span.links.iter().map(|link| (link.trace_id.clone(), link.span_id.clone()));
    links.chain([parent].into_iter().filter(|(_, id)| !id.is_empty())).collect()
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        self.note(&request);
        let mut received = self.0.lock().expect("see above");
        for span in request.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans) {
            received.spans.insert((span.trace_id.clone(), span.span_id.clone()), span);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.note(request.get_ref());
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.note(request.get_ref());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
