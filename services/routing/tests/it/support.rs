//! A centre with three professionals and a coordinator, a broker in memory, and replicas of the service with real addresses.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use jiff::SignedDuration;
use prost::Message as _;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt as _;
use voordeur_chassis::{
    DEV_IDENTITY, Environment, Listen, Tasks,
    config::{LimitsConfig, ListenConfig},
    serve,
};
use voordeur_contracts::{
    common::{self, CommandContext},
    convert::to_wire_time,
    event::{
        AuditEvent, EventMeta, SignalEvent, SignalReceived, SignalWithdrawn, TaskEvent, TaskStanding,
        signal_event, task_event,
    },
    routing::{
        GetTaskRequest, ListTasksRequest, Task, presence_service_client::PresenceServiceClient,
        task_service_client::TaskServiceClient,
    },
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker, BucketName, Commit, Deadline, Recorded, StreamName, Subject, Version,
    memory::{MemoryBroker, Options},
};
use voordeur_kernel::{Clock as _, CommandId, ManualClock, SignalId, TaskId};
use voordeur_routing::{Settings, start};
use voordeur_testkit::eventually;
use voordeur_vault::Deriver;

pub const COORDINATOR: &str = "dora";
pub const SOON: Duration = Duration::from_secs(20);

/// A directory in which only these professionals are at work.
pub fn directory(present: &[&str]) -> String {
    let mut toml = String::from(
        r#"
format = 1
[organisation.school]
kind = "school"
label = "School"
registrations = [{ scheme = "OIN", value = "00000099000000000001" }]
processing_bases = ["toestemming"]
aandachtsfunctionaris = "kamer 1"
vertrouwensinspecteur = "0900"
[organisation.hulp]
kind = "youth_care_provider"
label = "Hulp"
"#,
    );
    for centre in ["wilg", "els"] {
        let _ = write!(
            toml,
            r#"
[centre.{centre}]
label = "{centre}"
municipality = "9999"
holiday_region = "midden"
organisations = ["school", "hulp"]
[centre.{centre}.group.groep-1]
label = "Groep 1"
organisation = "school"
"#
        );
    }
    let people = [("anna", "wilg", 1), ("bea", "wilg", 2), ("cor", "wilg", 3), ("eva", "els", 4)];
    for (name, centre, number) in people {
        let days = r#"days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00""#;
        let presence = if present.contains(&name) {
            format!("presence = [{{ centre = \"{centre}\", {days} }}]")
        } else {
            String::new()
        };
        let _ = write!(
            toml,
            r#"
[person.{name}]
label = "{name}"
organisation = "hulp"
role = "professional"
registration = {{ scheme = "SKJ", value = "99000000{number}" }}
hours_per_week = 30
centres = ["{centre}"]
{presence}
"#
        );
    }
    for (name, centre) in [(COORDINATOR, "wilg"), ("fien", "els")] {
        let _ = write!(
            toml,
            r#"
[person.{name}]
label = "{name}"
organisation = "hulp"
role = "coordinator"
centres = ["{centre}"]
"#
        );
    }
    toml
}

/// The world that outlives the service.
#[derive(Clone)]
pub struct World {
    pub broker: MemoryBroker,
    pub clock: ManualClock,
    pub deriver: Deriver,
}

pub fn soon() -> Deadline {
    Deadline::now() + SOON
}

impl World {
    pub async fn with(present: &[&str]) -> Self {
        Self::on(present, Options::default()).await
    }

    /// On a broker of another kind, or with troubles.
    pub async fn on(present: &[&str], options: Options) -> Self {
        let clock = ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap());
        let options = Options { clock: Some(Arc::new(clock.clone())), ..options };
        let world =
            Self { broker: MemoryBroker::with_options(options), clock, deriver: Deriver::from_key(&[7; 32]) };
        world.at_work(present, 0).await;
        world
    }

    /// A new version of the directory.
    pub async fn at_work(&self, present: &[&str], expected: u64) {
        self.apply(&directory(present), expected).await;
    }

    /// A new version of the directory, as text.
    pub async fn apply(&self, directory: &str, expected: u64) {
        let store = DirectoryStore::new(self.broker.bucket(BucketName::Directory));
        store.apply(directory, expected, soon()).await.unwrap();
    }

    /// What stands in the audit log, oldest first: under which subject, and the record.
    pub fn looks(&self) -> Vec<(String, AuditEvent)> {
        let read = |message: Recorded| {
            (message.subject.as_str().to_owned(), AuditEvent::decode(&*message.data).unwrap())
        };
        self.broker.messages(StreamName::Audit).into_iter().map(read).collect()
    }

    /// Where a task stands by its newest event: what other services see.
    pub async fn standing(&self, task: &str) -> TaskStanding {
        let id: TaskId = task.parse().unwrap();
        let history = self.history(StreamName::Tasks, &id.to_hex()).await;
        TaskEvent::decode(&*history.last().unwrap().data).unwrap().standing.unwrap()
    }

    pub fn task_of(&self, signal: u8) -> String {
        self.deriver.task_for_signal(SignalId::from_bytes([signal; 16])).to_string()
    }

    /// What intake does when a signal comes in.
    pub async fn signal(&self, id: u8) -> String {
        self.signal_with(id, |_| {}).await
    }

    pub async fn signal_with(&self, id: u8, change: impl FnOnce(&mut SignalReceived)) -> String {
        let mut received = SignalReceived {
            organisation: "school".into(),
            centre: "wilg".into(),
            subject: common::SubjectKind::Child.into(),
            child: vec![id; 16].into(),
            group: "groep-1".into(),
            domains: vec![common::ConcernDomain::Sociaal.into()],
            severity: 3,
            safety: common::SafetyLevel::None.into(),
            answer_wanted: true,
            ..SignalReceived::default()
        };
        change(&mut received);
        self.append_signal(id, Version::ABSENT, signal_event::Change::Received(received)).await;
        self.task_of(id)
    }

    pub async fn withdraw(&self, id: u8) {
        let last = self.history(StreamName::Signals, &hex(id)).await.last().unwrap().sequence;
        let withdrawn = SignalWithdrawn { reason: 3 };
        self.append_signal(id, Version(last), signal_event::Change::Withdrawn(withdrawn)).await;
    }

    async fn append_signal(&self, id: u8, expected: Version, change: signal_event::Change) {
        let event = SignalEvent {
            meta: Some(EventMeta {
                recorded_at: Some(to_wire_time(self.clock.now())),
                ..EventMeta::default()
            }),
            change: Some(change),
        };
        self.append(StreamName::Signals, "voordeur.signal.v1", &hex(id), expected, event.encode_to_vec())
            .await;
    }

    /// Stores anything at all.
    pub async fn append(
        &self,
        stream: StreamName,
        prefix: &str,
        key: &str,
        expected: Version,
        data: Vec<u8>,
    ) {
        let command = CommandId::from_bytes([9; 16]);
        let content = format!("{prefix}{key}{}", expected.0);
        let commit = Commit {
            id: self.deriver.commit_id(command, content.as_bytes()),
            kind: "nl.voordeur.signal.v1",
            source: "test",
            time: self.clock.now(),
            data: data.into(),
            trace: Vec::new(),
            urgent: false,
        };
        let subject = Subject::of(prefix, key).unwrap();
        self.broker.log(stream).append(&subject, expected, commit, soon()).await.unwrap();
    }

    pub async fn history(&self, stream: StreamName, key: &str) -> Vec<Recorded> {
        let subject = Subject::of(stream.prefixes()[0], key).unwrap();
        self.broker.log(stream).history(&subject, 0, soon()).await.unwrap()
    }

    /// What happened to a task, by name.
    pub async fn events(&self, task: &str) -> Vec<&'static str> {
        let id: TaskId = task.parse().unwrap();
        let history = self.history(StreamName::Tasks, &id.to_hex()).await;
        history.iter().map(|message| name(&TaskEvent::decode(&*message.data).unwrap())).collect()
    }

    /// Waits until a task has had this event so many times.
    pub async fn happened(&self, task: &str, event: &str, times: usize) {
        eventually(&format!("{times} x {event}"), SOON, || async {
            let events = self.events(task).await;
            if events.iter().filter(|e| **e == event).count() >= times {
                Ok(())
            } else {
                Err(events.join(", "))
            }
        })
        .await;
    }

    pub fn pass(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    pub async fn start(&self) -> Replica {
        self.start_with(Settings::new(self.deriver.clone())).await
    }

    pub async fn start_with(&self, settings: Settings) -> Replica {
        self.start_on(Arc::new(self.broker.clone()), settings).await
    }

    /// A replica with a broker of its own making.
    pub async fn start_on(&self, broker: Arc<dyn Broker>, settings: Settings) -> Replica {
        let environment =
            Environment { broker, clock: Arc::new(self.clock.clone()), tasks: Tasks::new(), dev: true };
        let service = start(&environment, settings).await.unwrap();
        let digest = Arc::clone(&service.folds[0].1);
        let free = || "127.0.0.1:0".parse().unwrap();
        let listen = Listen {
            addresses: ListenConfig { grpc: free(), http: free() },
            limits: LimitsConfig { calls_max: 64, streams_max: 64, connection_streams_max: 64 },
        };
        let bound = serve(service, &listen, &environment).await.unwrap();
        tokio::time::timeout(SOON, bound.ready()).await.unwrap();
        let address = format!("http://{}", bound.grpc);
        let channel = Channel::from_shared(address.clone()).unwrap().connect().await.unwrap();
        Replica {
            world: self.clone(),
            tasks: environment.tasks,
            digest,
            address,
            api: TaskServiceClient::new(channel.clone()),
            presence: PresenceServiceClient::new(channel),
        }
    }
}

fn hex(id: u8) -> String {
    SignalId::from_bytes([id; 16]).to_hex()
}

fn name(event: &TaskEvent) -> &'static str {
    use task_event::Change;
    match event.change.as_ref().unwrap() {
        Change::Requested(_) => "requested",
        Change::OffersMade(_) => "offers_made",
        Change::OfferDeclined(_) => "offer_declined",
        Change::OffersTimedOut(_) => "offers_timed_out",
        Change::Accepted(_) => "accepted",
        Change::Assigned(_) => "assigned",
        Change::Linked(_) => "linked",
        Change::ClockRang(_) => "clock_rang",
        Change::NobodyToTell(_) => "nobody_to_tell",
        Change::CancellationRequested(_) => "cancellation_requested",
        Change::CancellationDecided(_) => "cancellation_decided",
        Change::CoordinatorReplaced(_) => "coordinator_replaced",
        Change::Failed(_) => "failed",
        Change::OfferWithdrawn(_) => "offer_withdrawn",
        Change::HolderAway(_) => "holder_away",
        Change::HolderAwayEnded(_) => "holder_away_ended",
        Change::TransferProposed(_) => "transfer_proposed",
        Change::TransferEnded(_) => "transfer_ended",
        Change::MeetingPlanned(_) => "meeting_planned",
        Change::MeetingRecorded(_) => "meeting_recorded",
        Change::Answered(_) => "answered",
        _ => "another",
    }
}

/// One running service.
pub struct Replica {
    world: World,
    pub tasks: Tasks,
    pub digest: Arc<dyn Fn() -> voordeur_chassis::Digest + Send + Sync>,
    address: String,
    pub api: TaskServiceClient<Channel>,
    pub presence: PresenceServiceClient<Channel>,
}

/// A request of a person.
pub fn of<T>(person: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(DEV_IDENTITY, format!("person:{person}").parse().unwrap());
    request.set_timeout(SOON);
    request
}

pub fn command(key: &str) -> Option<CommandContext> {
    Some(CommandContext { idempotency_key: format!("test-key-{key}"), seen_version: 0 })
}

impl Replica {
    pub async fn stop(self) {
        drop((self.api, self.presence));
        tokio::time::timeout(SOON, self.tasks.finish()).await.unwrap();
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        Channel::from_shared(self.address.clone()).unwrap().connect().await.unwrap()
    }

    /// A caller with a connection of her own: who does not read holds up only herself.
    pub async fn apart(&self) -> TaskServiceClient<Channel> {
        let endpoint = Channel::from_shared(self.address.clone()).unwrap();
        // Little waits with the transport, so that a slow reader is felt soon.
        let endpoint = endpoint.initial_stream_window_size(65_535).initial_connection_window_size(65_535);
        TaskServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// Waits for a task as somebody sees it.
    pub async fn task(&self, person: &str, task: &str) -> Task {
        self.task_when(person, task, "is there", |_| true).await
    }

    pub async fn task_when(
        &self,
        person: &str,
        task: &str,
        what: &str,
        when: impl Fn(&Task) -> bool,
    ) -> Task {
        eventually(&format!("a task that {what}"), SOON, || async {
            let found = self.get(person, task).await.map_err(|status| status.to_string())?;
            if when(&found) { Ok(found) } else { Err(format!("{found:?}")) }
        })
        .await
    }

    pub async fn get(&self, person: &str, task: &str) -> Result<Task, Status> {
        let request = GetTaskRequest { task_id: task.to_owned(), at_least: None };
        Ok(self.api.clone().get_task(of(person, request)).await?.into_inner().task.unwrap())
    }

    /// Ids of the tasks on somebody's list.
    pub async fn list(&self, person: &str) -> Vec<String> {
        let reply = self.api.clone().list_tasks(of(person, ListTasksRequest::default())).await.unwrap();
        reply.into_inner().tasks.into_iter().map(|task| task.task_id).collect()
    }

    /// A signal comes in, and its task is there.
    pub async fn signal(&self, id: u8) -> Task {
        let task = self.world.signal(id).await;
        self.task(COORDINATOR, &task).await
    }
}

/// The stable reason of an error.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// An error of this code and reason.
pub fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = outcome.expect_err("should be refused");
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// Calls a step with the given fields and hands out the task.
#[macro_export]
macro_rules! step {
    ($replica:expr, $person:expr, $rpc:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let request = voordeur_contracts::routing::$request { $($field: $value.into(),)* ..Default::default() };
        $replica.api.clone().$rpc($crate::support::of($person, request)).await
            .map(|reply| { let reply = reply.into_inner(); (reply.task.unwrap(), reply.position.unwrap()) })
    }};
}
