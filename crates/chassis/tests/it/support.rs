//! A service to stand on the chassis, and a way to ask it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream::BoxStream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap, transport::Channel};
use voordeur_chassis::{
    Bound, DEV_IDENTITY, Digest, Environment, Listen, Problem, Service, SystemClock, Tasks, config::Config,
    identity,
};
use voordeur_contracts::intake::{
    signal_intake_service_client::SignalIntakeServiceClient,
    signal_intake_service_server::{SignalIntakeService, SignalIntakeServiceServer},
    *,
};
use voordeur_eventlog::{Deadline, Position, StreamName, memory::MemoryBroker};

pub type Client = SignalIntakeServiceClient<Channel>;

/// Does what the reference says.
#[derive(Clone)]
pub struct Toy;

#[tonic::async_trait]
impl SignalIntakeService for Toy {
    async fn submit_signal(
        &self,
        request: Request<SubmitSignalRequest>,
    ) -> Result<Response<SubmitSignalResponse>, Status> {
        let caller = identity(&request)?.to_string();
        let left = voordeur_chassis::deadline(&request) - Deadline::now();
        match request.get_ref().client_reference.as_str() {
            "slow" => std::future::pending().await,
            "panic" => panic!("a fault of ours"),
            "problem" => Err(Problem::fault("severity", "OUT_OF_RANGE", "give 1-5").into()),
            _ => {
                tracing::warn!(step = "taken", "signal taken");
                Ok(Response::new(SubmitSignalResponse {
                    signal_id: caller,
                    waived_fields: vec![left.as_millis().to_string(), traceparent()],
                    ..Default::default()
                }))
            }
        }
    }

    type SubmitSignalsStream = BoxStream<'static, Result<SubmitSignalsResponse, Status>>;

    async fn submit_signals(
        &self,
        request: Request<Streaming<SubmitSignalsRequest>>,
    ) -> Result<Response<Self::SubmitSignalsStream>, Status> {
        let answers = request.into_inner().enumerate().map(|(index, item)| {
            item.map(|item| SubmitSignalsResponse {
                index: index as u64,
                client_reference: item.signal.unwrap_or_default().client_reference,
                ..Default::default()
            })
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn get_signal(&self, _: Request<GetSignalRequest>) -> Result<Response<GetSignalResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_signals(
        &self,
        _: Request<ListSignalsRequest>,
    ) -> Result<Response<ListSignalsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type WatchSignalsStream = BoxStream<'static, Result<WatchSignalsResponse, Status>>;

    async fn watch_signals(
        &self,
        request: Request<WatchSignalsRequest>,
    ) -> Result<Response<Self::WatchSignalsStream>, Status> {
        identity(&request)?;
        let first = futures_util::stream::iter([Ok(WatchSignalsResponse::default())]);
        Ok(Response::new(first.chain(futures_util::stream::pending()).boxed()))
    }

    async fn withdraw_signal(
        &self,
        _: Request<WithdrawSignalRequest>,
    ) -> Result<Response<WithdrawSignalResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn acknowledge_answer(
        &self,
        _: Request<AcknowledgeAnswerRequest>,
    ) -> Result<Response<AcknowledgeAnswerResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// What every refusal of a submission carries.
pub const DETAIL: &str = "voordeur.intake.v1.Guidance";

fn refusal_detail(method: &str) -> Option<prost_types::Any> {
    let guidance = Guidance { lines: vec!["Bel 112.".to_owned()], ..Guidance::default() };
    method.contains("SignalIntakeService/Submit").then(|| prost_types::Any {
        type_url: format!("type.googleapis.com/{DETAIL}"),
        value: prost::Message::encode_to_vec(&guidance),
    })
}

fn traceparent() -> String {
    voordeur_chassis::trace_headers().into_iter().map(|header| header.value).next().unwrap_or_default()
}

/// A running toy.
pub struct Running {
    pub bound: Bound,
    pub tasks: Tasks,
    pub broker: MemoryBroker,
    pub caught_up: Arc<AtomicBool>,
    pub client: Client,
}

pub async fn start() -> Running {
    start_with(|_| {}).await
}

pub async fn start_with(change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::default().on_free_ports();
    change(&mut config);
    let broker = MemoryBroker::new();
    let caught_up = Arc::new(AtomicBool::new(true));
    let tasks = Tasks::new();
    let environment = Environment {
        broker: Arc::new(broker.clone()),
        clock: Arc::new(SystemClock),
        tasks: tasks.clone(),
        dev: true,
    };
    let fold = Arc::clone(&caught_up);
    let service = Service {
        name: "intake",
        grpc: tonic::service::Routes::new(SignalIntakeServiceServer::new(Toy)),
        grpc_services: vec!["voordeur.intake.v1.SignalIntakeService"],
        refusal_detail: Some(refusal_detail),
        ready: vec![("signals_caught_up", Arc::new(move || fold.load(Ordering::SeqCst)))],
        folds: vec![(
            "signals",
            Arc::new(|| Digest {
                position: Some(Position {
                    stream: StreamName::Signals,
                    incarnation: "a".into(),
                    sequence: 7,
                }),
                histories: 3,
                frozen: 0,
                value: 0xabc,
            }),
        )],
    };
    let listen = Listen { addresses: config.intake, limits: config.limits.clone() };
    let bound = voordeur_chassis::serve(service, &listen, &environment).await.unwrap();
    let client = SignalIntakeServiceClient::connect(format!("http://{}", bound.grpc)).await.unwrap();
    Running { bound, tasks, broker, caught_up, client }
}

/// A submission with a reference, as somebody.
pub fn submission(reference: &str, who: &str) -> Request<SubmitSignalRequest> {
    let mut request =
        Request::new(SubmitSignalRequest { client_reference: reference.to_owned(), ..Default::default() });
    say(request.metadata_mut(), DEV_IDENTITY, who);
    request
}

pub fn say(metadata: &mut MetadataMap, name: &'static str, value: &str) {
    metadata.insert(name, value.parse().unwrap());
}

/// GET over HTTP: status and body.
pub async fn get(bound: &Bound, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(bound.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Looks again until it holds, for at most ten seconds; shows what it saw last.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(last) => assert!(tokio::time::Instant::now() < end, "{what}: {last}"),
        }
    }
}
