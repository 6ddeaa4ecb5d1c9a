//! Whole services over the broker's twin in memory: any request to any call, any message on any stream.

use std::{
    cell::RefCell,
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::{Builder, Runtime};
use tonic::{Code, Status, body::Body, service::Routes};
use tower::{Layer as _, ServiceExt as _, service_fn};
use voordeur_chassis::{
    DEV_IDENTITY, Environment, Service, Tasks,
    config::LimitsConfig,
    grpc::{CallLayer, CallService},
};
use voordeur_contracts::intake::SubmitSignalRequest;
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker as _, BucketName, Commit, StreamName, Subject, Version, dead_letters::DeadLetters,
    memory::MemoryBroker,
};
use voordeur_kernel::{CommitId, ManualClock};
use voordeur_vault::{KeyFile, VaultSettings};

use crate::{
    check::{is_discreet, now, parts, until},
    kept,
};

static KEYS: LazyLock<Arc<KeyFile>> = LazyLock::new(|| Arc::new(kept::keys()));

const INTAKE: &[&str] = &[
    "/voordeur.intake.v1.SignalIntakeService/SubmitSignal",
    "/voordeur.intake.v1.SignalIntakeService/SubmitSignals",
    "/voordeur.intake.v1.SignalIntakeService/GetSignal",
    "/voordeur.intake.v1.SignalIntakeService/ListSignals",
    "/voordeur.intake.v1.SignalIntakeService/WatchSignals",
    "/voordeur.intake.v1.SignalIntakeService/WithdrawSignal",
    "/voordeur.intake.v1.SignalIntakeService/AcknowledgeAnswer",
    "/voordeur.intake.v1.DetailsService/SealText",
    "/voordeur.intake.v1.DetailsService/RevealDetails",
];
const ROUTING: &[&str] = &[
    "/voordeur.routing.v1.TaskService/WatchTasks",
    "/voordeur.routing.v1.TaskService/ListTasks",
    "/voordeur.routing.v1.TaskService/GetTask",
    "/voordeur.routing.v1.TaskService/AcceptTask",
    "/voordeur.routing.v1.TaskService/DeclineTask",
    "/voordeur.routing.v1.TaskService/HandBackTask",
    "/voordeur.routing.v1.TaskService/HoldTask",
    "/voordeur.routing.v1.TaskService/ResumeTask",
    "/voordeur.routing.v1.TaskService/RecordContact",
    "/voordeur.routing.v1.TaskService/AnswerTask",
    "/voordeur.routing.v1.TaskService/AskColleague",
    "/voordeur.routing.v1.TaskService/AssignTask",
    "/voordeur.routing.v1.TaskService/RequestCancellation",
    "/voordeur.routing.v1.TaskService/DecideCancellation",
    "/voordeur.routing.v1.TaskService/FailTask",
    "/voordeur.routing.v1.TaskService/MarkEnteredInError",
    "/voordeur.routing.v1.TaskService/ExplainRouting",
    "/voordeur.routing.v1.PresenceService/GetPresence",
    "/voordeur.routing.v1.PresenceService/MarkPresent",
    "/voordeur.routing.v1.PresenceService/MarkAbsent",
    "/voordeur.routing.v1.PresenceService/MarkReturned",
];
const ESCALATION: &[&str] = &[
    "/voordeur.escalation.v1.EpisodeService/GetEpisode",
    "/voordeur.escalation.v1.EpisodeService/ListEpisodes",
    "/voordeur.escalation.v1.ActivityService/NoteActivity",
    "/voordeur.escalation.v1.ActivityService/CorrectActivity",
    "/voordeur.escalation.v1.ActivityService/RecordLookBack",
    "/voordeur.escalation.v1.ActivityService/ListActivities",
    "/voordeur.escalation.v1.ActivityService/GetFloorPicture",
    "/voordeur.escalation.v1.EpisodeService/RecordFact",
];
const CALLERS: &[&str] = &[
    "organisation:basisschool-de-wilg",
    "person:noor",
    "person:marit",
    "operator",
    "organisation:opvang-de-els",
    "organisation:jeugdhulp",
    "person:nobody",
];
/// A body that is no framed message, but whatever the input says.
const RAW: u8 = 0x80;
/// After so many calls a world is made anew, also when only looks were recorded.
const CALLS_MAX: u32 = 256;

type Grpc = CallService<Routes>;

/// Three services with one signal about a child, its task and its episode.
struct World {
    broker: MemoryBroker,
    services: [Grpc; 3],
    ready: Vec<Arc<dyn Fn() -> bool + Send + Sync>>,
    tasks: Vec<Tasks>,
    calls: u32,
    stored: u64,
}

impl World {
    async fn new() -> Self {
        let broker = MemoryBroker::new();
        let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
        store.apply(kept::DIRECTORY, 0, until()).await.expect("a good directory");
        let clock = Arc::new(ManualClock::at(now()));
        let environment = || Environment {
            broker: Arc::new(broker.for_another_process()),
            clock: clock.clone(),
            tasks: Tasks::new(),
            dev: true,
        };
        let (mut ready, mut tasks) = (Vec::new(), Vec::new());
        let mut around = |environment: Environment, service: Service| {
            let limits = LimitsConfig { calls_max: 64, streams_max: 64, connection_streams_max: 64 };
            let draining = environment.tasks.draining();
            tasks.push(environment.tasks);
            ready.extend(service.ready.into_iter().map(|(_, holds)| holds));
            CallLayer::new(service.name, true, &limits, draining, service.refusal_detail).layer(service.grpc)
        };
        let intake = environment();
        let settings = voordeur_intake::Settings {
            vault: VaultSettings { keys_ready: 1, ..VaultSettings::default() },
            usage_every: Duration::from_secs(3600),
            ..voordeur_intake::Settings::new(Arc::clone(&KEYS))
        };
        let started = Box::pin(voordeur_intake::start(&intake, settings)).await.expect("intake");
        let intake = around(intake, started);
        let routing = environment();
        let settings = voordeur_routing::Settings::new(KEYS.deriver());
        let started = voordeur_routing::start(&routing, settings).await.expect("routing");
        let routing = around(routing, started);
        let escalation = environment();
        let settings = voordeur_escalation::Settings::new(Arc::clone(&KEYS));
        let started = voordeur_escalation::start(&escalation, settings).await.expect("escalation");
        let escalation = around(escalation, started);
        let mut world =
            Self { broker, services: [intake, routing, escalation], ready, tasks, calls: 0, stored: 0 };
        // Time is paused: this passes as soon as nobody has anything to do.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(world.is_well(), "the services did not start");
        let request = prost::Message::encode_to_vec(&first_signal());
        let (code, _) = call(&world.services[0], INTAKE[0], CALLERS[0], framed(&request)).await;
        assert_eq!(code, Code::Ok, "the first signal was not taken");
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.stored = world.stored().await;
        world
    }

    /// Everything runs, and is ready.
    fn is_well(&self) -> bool {
        self.tasks.iter().all(|tasks| tasks.failed().is_none()) && self.ready.iter().all(|holds| holds())
    }

    /// How much stands on the streams of services.
    async fn stored(&self) -> u64 {
        let mut stored = 0;
        for stream in [StreamName::Signals, StreamName::Tasks, StreamName::Episodes, StreamName::DeadLetters]
        {
            stored += self.broker.log(stream).end(until()).await.expect("an end").sequence;
        }
        stored
    }
}

/// The signal that every world begins with.
#[must_use]
pub(crate) fn first_signal() -> SubmitSignalRequest {
    use voordeur_contracts::{
        common::{ConcernDomain, SafetyLevel},
        event::{AgeBand, AskedBy, ConsentGiver, ConsentScope, ConsentStatus, SharingConsent},
        intake::{
            CentreReference, ChildSubject, SharingPermission, SignalDetails, centre_reference::Reference,
            submit_signal_request::Subject,
        },
    };
    SubmitSignalRequest {
        client_reference: "kanarienaam-1".into(),
        centre: Some(CentreReference { reference: Some(Reference::Key("de-wilg".into())) }),
        subject: Some(Subject::Child(ChildSubject {
            local_number: "kanarienaam-7".into(),
            age_band: AgeBand::Under12.into(),
            group: "groep-3".into(),
            display_name: crate::check::CANARY.into(),
        })),
        domains: vec![ConcernDomain::Gedrag.into()],
        severity: 3,
        safety: SafetyLevel::None.into(),
        asked_by: AskedBy::Staff.into(),
        answer_wanted: true,
        details: Some(SignalDetails {
            text: "Kanarienaam slaapt slecht.".into(),
            signaller: Some(voordeur_contracts::intake::PersonReference {
                local_id: "kanarienaam-leerkracht".into(),
                name: crate::check::CANARY.into(),
                ..Default::default()
            }),
            ..SignalDetails::default()
        }),
        permission: Some(SharingPermission {
            processing_basis: "toestemming".into(),
            consents: vec![SharingConsent {
                giver: ConsentGiver::SoleParent.into(),
                status: ConsentStatus::Consented.into(),
                scopes: vec![ConsentScope::ShareWithProfessional.into()],
                date: "2026-01-05".into(),
            }],
            ground: None,
        }),
        ..SubmitSignalRequest::default()
    }
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("a small input");
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

fn request(path: &str, body: Bytes) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::new(body)))
        .expect("a request")
}

/// Calls, and returns how it ended and how much came back. A refusal is discreet and never an internal fault.
async fn call(service: &Grpc, path: &str, caller: &str, body: Bytes) -> (Code, usize) {
    let mut request = request(path, body);
    request.headers_mut().insert(DEV_IDENTITY, caller.parse().expect("a header"));
    request.headers_mut().insert("grpc-timeout", "5S".parse().expect("a header"));
    let response = service.clone().oneshot(request).await.expect("a response");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = status(&parts.headers).or_else(|| status(&trailers)).expect("a status");
    if status.code() != Code::Ok {
        let message = status.message();
        assert!(
            !matches!(status.code(), Code::Internal | Code::Unknown) || is_of_transport(&status),
            "{path}: {status:?}"
        );
        is_discreet(message);
        is_discreet(&String::from_utf8_lossy(status.details()));
    }
    (status.code(), body.to_bytes().len())
}

/// The transport calls a body that it cannot take apart an internal fault; that is the protocol's word, not ours.
fn is_of_transport(status: &Status) -> bool {
    ["decode ", "decoding", "protocol error", "Missing request message"]
        .iter()
        .any(|word| status.message().contains(word))
}

fn status(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

thread_local! {
    static WORLD: RefCell<Option<(Runtime, World)>> = const { RefCell::new(None) };
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

/// A call of one service: which, by whom, and the message.
fn requests(service: usize, paths: &[&str], input: &[u8]) {
    let Some((&[which, who], message)) = input.split_first_chunk::<2>() else { return };
    let path = paths[usize::from(which) % paths.len()];
    let caller = CALLERS[usize::from(who & !RAW) % CALLERS.len()];
    let body = if who & RAW == 0 { framed(message) } else { Bytes::copy_from_slice(message) };
    WORLD.with_borrow_mut(|kept| {
        let (runtime, mut world) = kept.take().unwrap_or_else(|| {
            let runtime = runtime();
            let world = runtime.block_on(World::new());
            (runtime, world)
        });
        let as_before = runtime.block_on(async {
            call(&world.services[service], path, caller, body).await;
            assert!(world.is_well(), "a service is not well after a call");
            world.calls += 1;
            world.calls < CALLS_MAX && world.stored().await == world.stored
        });
        // Every input meets the same world, so that what it does can be repeated.
        if as_before {
            *kept = Some((runtime, world));
        }
    });
}

/// A request to intake.
pub(crate) fn intake(input: &[u8]) {
    requests(0, INTAKE, input);
}

/// A request to routing.
pub(crate) fn routing(input: &[u8]) {
    requests(1, ROUTING, input);
}

/// A request to escalation.
pub(crate) fn escalation(input: &[u8]) {
    requests(2, ESCALATION, input);
}

/// Messages on the streams that the services follow: events of nobody, or more events of the signal, task and episode that are there.
pub(crate) fn streams(input: &[u8]) {
    let runtime = runtime();
    runtime.block_on(async {
        let world = World::new().await;
        let broker = &world.broker;
        let there = |stream| broker.subjects(stream).first().cloned();
        let strange = |text: &str| Subject::parse(text).ok();
        let of_nobody = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
        let places = [
            (StreamName::Signals, strange(&format!("voordeur.signal.v1.{of_nobody}"))),
            (StreamName::Signals, there(StreamName::Signals)),
            (StreamName::Tasks, strange(&format!("voordeur.task.v1.{of_nobody}"))),
            (StreamName::Tasks, there(StreamName::Tasks)),
            (StreamName::Tasks, strange("voordeur.presence.v1.noor")),
            (StreamName::Episodes, strange(&format!("voordeur.episode.v1.{of_nobody}"))),
            (StreamName::Episodes, there(StreamName::Episodes)),
        ];
        for (number, part) in (1..=8).zip(parts(input)) {
            let Some((place, data)) = part.split_first() else { continue };
            let (stream, subject) = &places[usize::from(*place) % places.len()];
            let Some(subject) = subject else { continue };
            let log = broker.log(*stream);
            let last = log.last(subject, until()).await.expect("a log");
            let commit = Commit {
                id: CommitId::from_bytes([number; 16]),
                kind: "nl.voordeur.anything.v1",
                source: "test",
                time: now(),
                data: Bytes::copy_from_slice(data),
                trace: Vec::new(),
                urgent: false,
            };
            let version = last.map_or(Version::ABSENT, |last| Version(last.sequence));
            log.append(subject, version, commit, until()).await.expect("room for a small message");
        }
        tokio::time::sleep(Duration::from_secs(120)).await;
        for tasks in &world.tasks {
            if let Some(failure) = tasks.failed() {
                panic!("a service ended: {failure:?}");
            }
        }
        assert!(world.is_well(), "a service is not ready any more");
        let letters = DeadLetters::new(broker.log(StreamName::DeadLetters), Arc::new(ManualClock::at(now())));
        for letter in letters.list(true).await.expect("a list") {
            is_discreet(&letter.cause.reason);
            is_discreet(&letter.cause.detail);
        }
    });
}

/// Headers of a call, one a line.
pub(crate) fn headers(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let limits = LimitsConfig { calls_max: 4, streams_max: 4, connection_streams_max: 4 };
    let runtime = runtime();
    runtime.block_on(async {
        let layer = CallLayer::new("routing", true, &limits, Tasks::new().draining(), None);
        let inner = service_fn(async |_: Request<Body>| {
            Ok::<_, std::convert::Infallible>(Status::ok("").into_http::<Body>())
        });
        let mut request = request(ROUTING[2], Bytes::new());
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            if let (Ok(name), Ok(value)) =
                (name.parse::<http::HeaderName>(), value.parse::<http::HeaderValue>())
            {
                request.headers_mut().append(name, value);
            }
        }
        let response = layer.layer(inner).oneshot(request).await.expect("a response");
        let status = status(response.headers()).expect("a status");
        assert!(
            matches!(
                status.code(),
                Code::Ok | Code::Unauthenticated | Code::InvalidArgument | Code::DeadlineExceeded
            ),
            "{status:?}"
        );
        is_discreet(status.message());
        is_discreet(&String::from_utf8_lossy(status.details()));
    });
}
