//! An installation in memory, its callers, and a stand-in for routing that writes histories of tasks.

use std::{sync::Arc, time::Duration};

use prost::Message as _;
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use tonic_types::StatusExt as _;
use voordeur_chassis::{
    DEV_IDENTITY, Environment, Listen, NamedFold, Tasks,
    config::{LimitsConfig, ListenConfig},
    serve,
};
use voordeur_contracts::{
    common::{self, ConcernDomain, SafetyLevel, TextPurpose},
    event::{
        self, AgeBand, AskedBy, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, EventMeta,
        SharingConsent, SignalEvent, TaskEvent, TaskStanding, TaskState, TaskTrigger, task_event,
        task_trigger::Source,
    },
    intake::{
        self, CentreReference, ChildSubject, ConsultSubject, Guidance, PersonReference, SharingPermission,
        SignalDetails, SubmitSignalRequest, centre_reference::Reference,
        details_service_client::DetailsServiceClient,
        signal_intake_service_client::SignalIntakeServiceClient, submit_signal_request::Subject,
    },
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker as _, BucketName, Commit, Deadline, Recorded, StreamName, Version, memory::MemoryBroker,
};
use voordeur_intake::Settings;
use voordeur_kernel::{Clock as _, CommitId, ManualClock, SignalId, TaskId};
use voordeur_testkit::eventually;
use voordeur_vault::{Deriver, KeyFile, VaultSettings};

/// Tuesday morning, ten o'clock at the centre.
pub(crate) const TUESDAY: &str = "2026-03-10T09:00:00Z";
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) const DIRECTORY: &str = include_str!("directory.toml");

pub(crate) type Intake = SignalIntakeServiceClient<InterceptedService<Channel, As>>;
pub(crate) type Details = DetailsServiceClient<InterceptedService<Channel, As>>;

/// Says who calls.
#[derive(Clone)]
pub(crate) struct As(pub(crate) String);

impl Interceptor for As {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(DEV_IDENTITY, self.0.parse().unwrap());
        Ok(request)
    }
}

/// One replica.
pub(crate) struct Replica {
    grpc: std::net::SocketAddr,
    folds: Vec<NamedFold>,
    tasks: Tasks,
    channel: Channel,
}

pub(crate) struct World {
    pub(crate) broker: MemoryBroker,
    pub(crate) clock: ManualClock,
    pub(crate) keys: Arc<KeyFile>,
    pub(crate) replica: Replica,
}

impl World {
    pub(crate) async fn new() -> Self {
        let broker = MemoryBroker::new();
        let keys = Arc::new(KeyFile::generate().unwrap());
        let clock = ManualClock::at(TUESDAY.parse().unwrap());
        apply(&broker, DIRECTORY, 0).await;
        let replica = start(&broker, &clock, &keys).await;
        Self { broker, clock, keys, replica }
    }

    /// Another replica on the same broker.
    pub(crate) async fn another(&self) -> Replica {
        start(&self.broker, &self.clock, &self.keys).await
    }

    pub(crate) fn school(&self) -> Intake {
        self.replica.intake("organisation:school-a")
    }

    pub(crate) fn person(&self, key: &str) -> Details {
        self.replica.details(&format!("person:{key}"))
    }

    pub(crate) fn deriver(&self) -> Deriver {
        self.keys.deriver()
    }

    pub(crate) fn stored(&self, stream: StreamName) -> Vec<Recorded> {
        self.broker.messages(stream)
    }

    /// Events of signals, as they are stored.
    pub(crate) fn signals(&self) -> Vec<SignalEvent> {
        self.stored(StreamName::Signals)
            .iter()
            .map(|m| SignalEvent::decode(m.data.clone()).unwrap())
            .collect()
    }

    pub(crate) fn audit(&self) -> Vec<event::AuditEvent> {
        let messages = self.stored(StreamName::Audit);
        messages.iter().map(|m| event::AuditEvent::decode(m.data.clone()).unwrap()).collect()
    }

    pub(crate) async fn keys_of(&self, prefix: &str) -> Vec<String> {
        self.broker.bucket(BucketName::Keys).keys(prefix, deadline()).await.unwrap()
    }

    pub(crate) async fn submit(&self, request: SubmitSignalRequest) -> SignalId {
        let receipt = self.school().submit_signal(request).await.unwrap().into_inner();
        receipt.signal_id.parse().unwrap()
    }

    pub(crate) async fn status(&self, signal: SignalId) -> intake::SignalStatus {
        let request = by_id(signal);
        self.school().get_signal(request).await.unwrap().into_inner().signal.unwrap().status()
    }

    pub(crate) async fn has_status(&self, signal: SignalId, status: intake::SignalStatus) {
        eventually("the status of the signal", SOON, || async move {
            let now = self.status(signal).await;
            if now == status { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    }

    /// The task that routing would make of a signal.
    pub(crate) fn task(&self, signal: SignalId) -> TaskId {
        self.deriver().task_for_signal(signal)
    }

    /// What routing would store.
    pub(crate) async fn route(&self, signal: SignalId, step: Step<'_>) {
        let source = Source::Signal(signal.as_bytes().to_vec().into());
        self.step(self.task(signal), source, step).await;
    }

    /// What routing would store of a task that anything asked for.
    pub(crate) async fn step(&self, task: TaskId, source: Source, step: Step<'_>) {
        let log = self.broker.log(StreamName::Tasks);
        let subject = voordeur_eventlog::Subject::of("voordeur.task.v1", &task.to_hex()).unwrap();
        let history = log.history(&subject, 0, deadline()).await.unwrap();
        let ordinal = u32::try_from(history.len()).unwrap() + 1;
        let version = history.last().map_or(Version::ABSENT, |last| Version(last.sequence));
        let mut id = *task.as_bytes();
        id[0] = id[0].wrapping_add(u8::try_from(ordinal).unwrap());
        let event = TaskEvent {
            meta: Some(EventMeta { ordinal, ..EventMeta::default() }),
            standing: Some(TaskStanding {
                state: step.state.into(),
                holder: step.holder.to_owned(),
                coordinator: "marit".to_owned(),
                trigger: Some(TaskTrigger { source: Some(source) }),
                centre: "de-wilg".to_owned(),
                ..TaskStanding::default()
            }),
            change: Some(step.change),
        };
        let commit = Commit {
            id: CommitId::from_bytes(id),
            kind: "nl.voordeur.task.v1",
            source: "voordeur/routing",
            time: self.clock.now(),
            data: event.encode_to_vec().into(),
            trace: Vec::new(),
            urgent: false,
        };
        log.append(&subject, version, commit, deadline()).await.unwrap();
    }

    /// Asked for, held by Noor, answered with an advice that she sealed.
    pub(crate) async fn answer(&self, signal: SignalId, advice: &str) {
        self.route(signal, Step::requested("noor")).await;
        let sealed = self
            .person("noor")
            .seal_text(intake::SealTextRequest {
                task_id: self.task(signal).to_string(),
                purpose: TextPurpose::Answer.into(),
                text: advice.to_owned(),
                idempotency_key: "answer-01".to_owned(),
                centre: String::new(),
            })
            .await
            .unwrap()
            .into_inner()
            .sealed;
        self.route(signal, Step::answered("noor", sealed)).await;
    }
}

/// One step of a task.
pub(crate) struct Step<'a> {
    pub(crate) state: TaskState,
    pub(crate) holder: &'a str,
    pub(crate) change: task_event::Change,
}

impl<'a> Step<'a> {
    pub(crate) fn requested(holder: &'a str) -> Self {
        let change = task_event::Change::Requested(event::TaskRequested::default());
        Self { state: TaskState::Requested, holder, change }
    }

    pub(crate) fn answered(holder: &'a str, advice: Option<common::SealedText>) -> Self {
        let change = task_event::Change::Answered(event::TaskAnswered {
            outcome: event::TaskOutcome::Advice.into(),
            status: event::AnswerStatus::AdviceGiven.into(),
            advice,
        });
        Self { state: TaskState::Completed, holder, change }
    }

    pub(crate) fn linked(holder: &'a str) -> Self {
        let change = task_event::Change::Linked(event::TaskLinked { task: vec![9; 16].into() });
        Self { state: TaskState::Completed, holder, change }
    }

    pub(crate) fn entered_in_error(holder: &'a str) -> Self {
        let change = task_event::Change::EnteredInError(event::TaskEnteredInError::default());
        Self { state: TaskState::EnteredInError, holder, change }
    }

    pub(crate) fn cancelled(holder: &'a str) -> Self {
        let change = task_event::Change::CancellationDecided(event::CancellationDecided {
            confirmed: true,
            ..Default::default()
        });
        Self { state: TaskState::Cancelled, holder, change }
    }
}

impl Replica {
    pub(crate) fn intake(&self, identity: &str) -> Intake {
        SignalIntakeServiceClient::with_interceptor(self.channel.clone(), As(identity.to_owned()))
    }

    pub(crate) fn details(&self, identity: &str) -> Details {
        DetailsServiceClient::with_interceptor(self.channel.clone(), As(identity.to_owned()))
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Signals in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.folds.iter().map(|(_, digest)| digest().histories).sum()
    }

    /// A connection that holds little.
    pub(crate) async fn narrow_channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.grpc)).unwrap();
        let endpoint = endpoint.initial_stream_window_size(16_384).initial_connection_window_size(65_535);
        endpoint.connect().await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.tasks.finish().await;
        assert_eq!(self.tasks.failed(), None);
    }
}

async fn start(broker: &MemoryBroker, clock: &ManualClock, keys: &Arc<KeyFile>) -> Replica {
    let tasks = Tasks::new();
    let environment = Environment {
        broker: Arc::new(broker.clone()),
        clock: Arc::new(clock.clone()),
        tasks: tasks.clone(),
        dev: true,
    };
    let settings = Settings {
        vault: VaultSettings { keys_ready: 8, ..VaultSettings::default() },
        usage_every: Duration::from_millis(20),
        emergencies_per_hour: 2,
        ..Settings::new(Arc::clone(keys))
    };
    let service = voordeur_intake::start(&environment, settings).await.unwrap();
    let folds = service.folds.clone();
    let any_port = "127.0.0.1:0".parse().unwrap();
    let listen = Listen {
        addresses: ListenConfig { grpc: any_port, http: any_port },
        limits: LimitsConfig { calls_max: 256, streams_max: 64, connection_streams_max: 256 },
    };
    let bound = serve(service, &listen, &environment).await.unwrap();
    tokio::time::timeout(SOON, bound.ready()).await.expect("the service is ready");
    let channel = Channel::from_shared(format!("http://{}", bound.grpc)).unwrap().connect().await.unwrap();
    Replica { grpc: bound.grpc, folds, tasks, channel }
}

pub(crate) async fn apply(broker: &MemoryBroker, text: &str, expected: u64) -> u64 {
    let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
    store.apply(text, expected, deadline()).await.unwrap().version
}

pub(crate) fn deadline() -> Deadline {
    Deadline::now() + SOON
}

pub(crate) fn by_id(signal: SignalId) -> intake::GetSignalRequest {
    intake::GetSignalRequest {
        signal: Some(intake::get_signal_request::Signal::SignalId(signal.to_string())),
        ..Default::default()
    }
}

/// A consult that is right.
pub(crate) fn consult(reference: &str) -> SubmitSignalRequest {
    SubmitSignalRequest {
        client_reference: reference.to_owned(),
        centre: Some(CentreReference { reference: Some(Reference::Key("de-wilg".to_owned())) }),
        subject: Some(Subject::Consult(ConsultSubject {})),
        domains: vec![ConcernDomain::Gedrag.into()],
        severity: 2,
        safety: SafetyLevel::None.into(),
        duration: ConcernDuration::Under2Weeks.into(),
        asked_by: AskedBy::Staff.into(),
        certainty: Some(6),
        answer_wanted: true,
        details: Some(SignalDetails {
            text: "Hoe begeleid ik de overgang naar buiten?".to_owned(),
            signaller: Some(PersonReference {
                local_id: "bo-7".to_owned(),
                name: "Juf Bo".to_owned(),
                role: common::Role::Signaller.into(),
            }),
            intern_begeleider: Some(PersonReference {
                local_id: "anke-2".to_owned(),
                name: "Anke".to_owned(),
                role: common::Role::InternBegeleider.into(),
            }),
            ..SignalDetails::default()
        }),
        ..SubmitSignalRequest::default()
    }
}

/// A signal about a named child that is right.
pub(crate) fn about_child(reference: &str) -> SubmitSignalRequest {
    let consent = |giver: ConsentGiver| SharingConsent {
        giver: giver.into(),
        status: ConsentStatus::Consented.into(),
        scopes: vec![ConsentScope::ShareWithProfessional.into()],
        date: "2026-03-09".to_owned(),
    };
    SubmitSignalRequest {
        subject: Some(Subject::Child(ChildSubject {
            local_number: "leerling-1042".to_owned(),
            age_band: AgeBand::Under12.into(),
            group: "groep-4".to_owned(),
            display_name: "Mees van Dijk".to_owned(),
        })),
        permission: Some(SharingPermission {
            processing_basis: "toestemming".to_owned(),
            consents: vec![consent(ConsentGiver::Parent1), consent(ConsentGiver::Parent2)],
            ground: None,
        }),
        ..consult(reference)
    }
}

pub(crate) fn acute(request: SubmitSignalRequest) -> SubmitSignalRequest {
    SubmitSignalRequest { safety: SafetyLevel::Acute.into(), ..request }
}

/// Reason of an error.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Fields of the faults of an error.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

/// Guidance among the details of an error.
pub(crate) fn guidance(status: &Status) -> Option<Guidance> {
    let rich = tonic_types::pb::Status::decode(status.details()).ok()?;
    let detail = rich.details.into_iter().find(|d| d.type_url.ends_with("voordeur.intake.v1.Guidance"))?;
    Guidance::decode(detail.value.as_slice()).ok()
}
