//! Calling the services: where they are, who we are, how long it may take.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;
use tokio::time::Instant;
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use voordeur_chassis::{
    DEV_IDENTITY, Identity,
    config::{Config, ListenConfig},
};
use voordeur_contracts::{
    common::CommandContext,
    escalation::{
        activity_service_client::ActivityServiceClient, episode_service_client::EpisodeServiceClient,
        outcome_report_service_client::OutcomeReportServiceClient,
    },
    intake::{
        details_service_client::DetailsServiceClient, signal_intake_service_client::SignalIntakeServiceClient,
    },
    routing::{
        notice_service_client::NoticeServiceClient, presence_service_client::PresenceServiceClient,
        task_service_client::TaskServiceClient,
    },
};
use voordeur_eventlog::nats::{NatsBroker, NatsSettings};
use voordeur_routing::Overrides;

use crate::{
    arguments::{Act, Global},
    failure::{Failure, Why},
    serve::{nats_settings, overrides, spans},
};

/// How long to wait before asking again when a service is away.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Says who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Option<MetadataValue<Ascii>>);

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert(DEV_IDENTITY, value.clone());
        }
        Ok(request)
    }
}

type Wire = InterceptedService<Channel, Caller>;

/// What `--endpoints-file` holds: addresses by service and kind, the spans that routing counts with, and the broker when it is ours.
#[derive(Debug, Clone, Default, Deserialize)]
struct Endpoints(BTreeMap<String, BTreeMap<String, String>>);

impl Endpoints {
    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(Why::NotAvailable, format!("{shown}: {error}"))
                .advise("`voordeur serve all --endpoints-file FILE` writes it when everything is ready")
        })?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("{shown} is no file with endpoints: {error}")))
    }

    fn get(&self, what: &str, kind: &str) -> Option<&str> {
        self.0.get(what)?.get(kind).map(String::as_str)
    }
}

/// Where everything is, and who we are.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    endpoints: Endpoints,
    config: Config,
    caller: Option<Identity>,
    timeout: Duration,
}

impl Client {
    /// From the command line.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        Ok(Self {
            endpoints: global.endpoints.as_deref().map(Endpoints::read).transpose()?.unwrap_or_default(),
            config: Config::load(global.config.as_deref())?,
            caller: global.caller.clone(),
            timeout: global.timeout,
        })
    }

    /// For commands that need no service: a file with endpoints that is not there tells nothing.
    pub(crate) fn offline(global: &Global) -> Result<Self, Failure> {
        let endpoints = global.endpoints.clone().filter(|file| file.exists());
        Self::new(&Global { endpoints, ..global.clone() })
    }

    /// Spans other than those of the policy: those of the service that runs, when its file with endpoints tells, else those of the settings.
    pub(crate) fn overrides(&self) -> Overrides {
        let mut routing = self.config.routing.clone();
        for (name, span) in spans(&mut routing) {
            if let Some(told) = self.endpoints.get("routing", name).and_then(|text| text.parse().ok()) {
                *span = told;
            }
        }
        overrides(&routing)
    }

    /// The same, but somebody else.
    pub(crate) fn as_caller(&self, caller: Identity) -> Self {
        Self { caller: Some(caller), ..self.clone() }
    }

    pub(crate) fn has_caller(&self) -> bool {
        self.caller.is_some()
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    fn wire(&self, service: &str, listen: ListenConfig) -> Result<Wire, Failure> {
        let address = match self.endpoints.get(service, "grpc") {
            Some(address) => address.to_owned(),
            None => format!("http://{}", listen.grpc),
        };
        let endpoint = Endpoint::from_shared(address.clone())
            .map_err(|error| Failure::usage(format!("{address} is no address: {error}")))?
            .connect_timeout(Duration::from_secs(2));
        let caller = self.caller.as_ref().and_then(|caller| caller.to_string().parse().ok());
        Ok(InterceptedService::new(endpoint.connect_lazy(), Caller(caller)))
    }

    pub(crate) fn signals(&self) -> Result<SignalIntakeServiceClient<Wire>, Failure> {
        self.wire("intake", self.config.intake).map(SignalIntakeServiceClient::new)
    }

    pub(crate) fn details(&self) -> Result<DetailsServiceClient<Wire>, Failure> {
        self.wire("intake", self.config.intake).map(DetailsServiceClient::new)
    }

    pub(crate) fn tasks(&self) -> Result<TaskServiceClient<Wire>, Failure> {
        self.wire("routing", self.config.routing.listen()).map(TaskServiceClient::new)
    }

    pub(crate) fn notices(&self) -> Result<NoticeServiceClient<Wire>, Failure> {
        self.wire("routing", self.config.routing.listen()).map(NoticeServiceClient::new)
    }

    pub(crate) fn presence(&self) -> Result<PresenceServiceClient<Wire>, Failure> {
        self.wire("routing", self.config.routing.listen()).map(PresenceServiceClient::new)
    }

    pub(crate) fn episodes(&self) -> Result<EpisodeServiceClient<Wire>, Failure> {
        self.wire("escalation", self.config.escalation.listen()).map(EpisodeServiceClient::new)
    }

    pub(crate) fn reports(&self) -> Result<OutcomeReportServiceClient<Wire>, Failure> {
        self.wire("escalation", self.config.escalation.listen()).map(OutcomeReportServiceClient::new)
    }

    pub(crate) fn activities(&self) -> Result<ActivityServiceClient<Wire>, Failure> {
        self.wire("escalation", self.config.escalation.listen()).map(ActivityServiceClient::new)
    }

    /// Where the broker is: the one that `serve all` runs when there is a file with endpoints, else that of the settings.
    fn nats(&self) -> NatsSettings {
        let mut settings = nats_settings(&self.config, "operations");
        if let Some(url) = self.endpoints.get("nats", "url") {
            settings.urls = vec![url.to_owned()];
        }
        if let Some(url) = self.endpoints.get("nats", "monitor") {
            settings.monitor_urls = vec![url.to_owned()];
        }
        settings
    }

    /// The broker itself, for operations.
    pub(crate) async fn broker(&self) -> Result<NatsBroker, Failure> {
        let settings = self.nats();
        NatsBroker::connect(settings).await.map_err(|error| Failure::usage(error.to_string()))
    }

    /// When an answer has to be there.
    pub(crate) fn deadline(&self) -> voordeur_eventlog::Deadline {
        voordeur_eventlog::Deadline::now() + self.timeout
    }

    /// Calls, and calls again while nobody answers and there is time. Every call can be repeated: reads, and acts by their key.
    pub(crate) async fn call<T: Clone, R, F>(
        &self,
        content: T,
        mut send: impl FnMut(Request<T>) -> F,
    ) -> Result<R, Failure>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let end = Instant::now() + self.timeout;
        loop {
            let mut request = Request::new(content.clone());
            let left = end.saturating_duration_since(Instant::now());
            request.set_timeout(left);
            match send(request).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(status) if status.code() == Code::Unavailable && left > AGAIN_AFTER * 2 => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                Err(status) => return Err(status.into()),
            }
        }
    }
}

impl Act {
    /// What goes with the command.
    pub(crate) fn context(&self) -> Result<Option<CommandContext>, Failure> {
        let idempotency_key = match &self.key {
            Some(key) => key.clone(),
            None => drawn_key()?,
        };
        Ok(Some(CommandContext { idempotency_key, seen_version: self.seen }))
    }
}

/// A key that nobody used before: 128 random bits.
pub(crate) fn drawn_key() -> Result<String, Failure> {
    let bytes =
        voordeur_vault::random_id().map_err(|_| Failure::failed("the source of randomness failed"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
