//! A small world: a broker, a directory, somebody who writes the histories of tasks, and replicas of the service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prost::Message as _;
use tonic::{
    Request, Status,
    service::{Routes, interceptor::InterceptedService},
};
use voordeur_chassis::{Environment, Identity, Service, Tasks};
use voordeur_contracts::{
    common,
    convert::to_wire_time,
    escalation::{
        Episode, GetEpisodeRequest, episode_service_client::EpisodeServiceClient, get_episode_request,
    },
    event::{
        self, ContactKind, ContactRecorded, ContactWith, EpisodeEvent, TaskAnswered, TaskEvent, TaskOutcome,
        TaskRequested, TaskStanding, TaskState, TaskTrigger, task_event::Change, task_trigger::Source,
    },
};
use voordeur_directory::{Directory, DirectoryStore, DirectoryWatch};
use voordeur_escalation::Settings;
use voordeur_eventlog::{
    AppendError, Broker, BucketName, Commit, Deadline, EventLog, StreamName, Subject, Version, fold::Digest,
    memory::MemoryBroker,
};
use voordeur_kernel::{CommitId, ManualClock, TaskId, Timestamp};
use voordeur_testkit::eventually;
use voordeur_vault::KeyFile;

/// De Wilg of the demo, a second centre with people of its own, and a third whose people may be asked for De Wilg.
const DIRECTORY: &str = concat!(
    include_str!("../../../../deploy/directory/demo.toml"),
    r#"
[centre.de-eik]
label = "Kindcentrum De Eik"
municipality = "9999"
holiday_region = "midden"
organisations = ["basisschool-de-wilg", "jeugdhulp-de-brug"]

[person.eva]
label = "Eva"
organisation = "jeugdhulp-de-brug"
role = "coordinator"
centres = ["de-eik"]

[person.bo]
label = "Bo"
organisation = "jeugdhulp-de-brug"
role = "coordinator"
centres = ["de-eik", "de-wilg"]

[centre.de-els]
label = "Kindcentrum De Els"
municipality = "9999"
holiday_region = "midden"
organisations = ["basisschool-de-wilg", "jeugdhulp-de-brug"]

[person.jet]
label = "Jet"
organisation = "jeugdhulp-de-brug"
role = "professional"
registration = { scheme = "SKJ", value = "990000009" }
expertise = ["GEDRAG"]
hours_per_week = 24
centres = ["de-els"]

[person.ko]
label = "Ko"
organisation = "jeugdhulp-de-brug"
role = "coordinator"
centres = ["de-els"]

[[arrangement]]
centre = "de-wilg"
neighbour = "de-els"
from = 2026-01-01
"#
);

pub(crate) fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(30)
}

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_000 + minute * 60).unwrap()
}

pub(crate) fn task(number: u8) -> TaskId {
    TaskId::from_bytes([number; 16])
}

pub(crate) type Client = EpisodeServiceClient<
    InterceptedService<Routes, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>>,
>;

/// One replica.
pub(crate) struct Replica {
    pub(crate) service: Service,
    pub(crate) tasks: Tasks,
}

impl Replica {
    pub(crate) fn client(&self, who: Identity) -> Client {
        EpisodeServiceClient::with_interceptor(
            self.service.grpc.clone(),
            Box::new(move |mut request: Request<()>| {
                request.extensions_mut().insert(who.clone());
                Ok(request)
            }),
        )
    }

    pub(crate) fn person(&self, key: &str) -> Client {
        self.client(format!("person:{key}").parse().unwrap())
    }

    pub(crate) fn digest(&self) -> Digest {
        self.service.folds[0].1()
    }

    pub(crate) async fn stop(self) {
        self.tasks.finish().await;
        assert_eq!(self.tasks.failed(), None);
    }
}

/// Everything around the service.
pub(crate) struct World {
    pub(crate) broker: MemoryBroker,
    /// What the replicas run on: that one, or a real one.
    pub(crate) on: Arc<dyn Broker>,
    pub(crate) clock: ManualClock,
    keys: Arc<KeyFile>,
    commits: AtomicU64,
}

/// What is said about a new task.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) number: u8,
    pub(crate) child: Option<u8>,
    pub(crate) centre: &'static str,
    pub(crate) came: i64,
    /// The task that it continues; otherwise a signal asked for it.
    pub(crate) continues: Option<u8>,
}

pub(crate) fn about(number: u8, child: u8, came: i64) -> About {
    About { number, child: Some(child), centre: "de-wilg", came, continues: None }
}

impl World {
    pub(crate) fn new(broker: MemoryBroker) -> Self {
        let on = Arc::new(broker.clone());
        Self { broker, ..Self::on(on) }
    }

    /// On a real broker.
    pub(crate) fn on(on: Arc<dyn Broker>) -> Self {
        let keys = Arc::new(KeyFile::generate().unwrap());
        let broker = MemoryBroker::new();
        Self { broker, on, clock: ManualClock::at(at(10_000)), keys, commits: AtomicU64::new(1) }
    }

    pub(crate) async fn replica(&self) -> Replica {
        let tasks = Tasks::new();
        let env = Environment {
            broker: Arc::clone(&self.on),
            clock: Arc::new(self.clock.clone()),
            tasks: tasks.clone(),
            dev: true,
        };
        let (directory, _) = Directory::parse(DIRECTORY).unwrap();
        let store = DirectoryStore::new(self.on.bucket(BucketName::Directory));
        let settings = Settings {
            directory: Some(DirectoryWatch::fixed(store, directory)),
            ..Settings::new(Arc::clone(&self.keys))
        };
        let service = voordeur_escalation::start(&env, settings).await.unwrap();
        eventually("the replica is ready", Duration::from_secs(60), || async {
            if service.ready.iter().all(|(_, ready)| ready()) { Ok(()) } else { Err("not ready") }
        })
        .await;
        Replica { service, tasks }
    }

    fn commit(&self, kind: &'static str, data: Vec<u8>) -> Commit {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        Commit {
            id: CommitId::from_bytes(u128::from(number).to_be_bytes()),
            kind,
            source: "voordeur/test",
            time: at(0),
            data: data.into(),
            trace: Vec::new(),
            urgent: false,
        }
    }

    /// Appends at the end of a history, on a bad day too.
    pub(crate) async fn append(&self, stream: StreamName, subject: &Subject, data: Vec<u8>) {
        let log: Arc<dyn EventLog> = self.on.log(stream);
        let commit = self.commit("nl.voordeur.test.v1", data);
        eventually("the event is stored", Duration::from_secs(600), || async {
            let last = log.last(subject, soon()).await.map_err(|error| error.to_string())?;
            let version = last.map_or(Version::ABSENT, |message| Version(message.sequence));
            match log.append(subject, version, commit.clone(), soon()).await {
                Ok(_) => Ok(()),
                Err(AppendError::Broken(error)) => panic!("{error}"),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    pub(crate) async fn task_event(
        &self,
        number: u8,
        recorded: i64,
        standing: TaskStanding,
        change: Option<Change>,
    ) {
        self.event_of(task(number), recorded, standing, change).await;
    }

    async fn event_of(&self, task: TaskId, recorded: i64, standing: TaskStanding, change: Option<Change>) {
        let meta = event::EventMeta { recorded_at: Some(to_wire_time(at(recorded))), ..Default::default() };
        let event = TaskEvent { meta: Some(meta), standing: Some(standing), change };
        let subject = Subject::of("voordeur.task.v1", &task.to_hex()).unwrap();
        self.append(StreamName::Tasks, &subject, event.encode_to_vec()).await;
    }

    fn standing(about: &About) -> TaskStanding {
        let signal = Source::Signal(vec![about.number; 16].into());
        let source = about.continues.map_or(signal, |earlier| Source::EarlierTask(vec![earlier; 16].into()));
        TaskStanding {
            trigger: Some(TaskTrigger { source: Some(source) }),
            child: about.child.map(|child| vec![child; 16].into()).unwrap_or_default(),
            centre: about.centre.to_owned(),
            ..Default::default()
        }
    }

    pub(crate) async fn requested(&self, about: &About) {
        let requested = TaskRequested {
            received_at: Some(to_wire_time(at(about.came))),
            safety: common::SafetyLevel::None.into(),
            severity: u32::from(about.number % 5 + 1),
            ..Default::default()
        };
        let change = Change::Requested(requested);
        self.task_event(about.number, about.came + 1, Self::standing(about), Some(change)).await;
    }

    pub(crate) async fn contact(&self, about: &About, when: i64, reached: bool) {
        let contact = ContactRecorded {
            kind: ContactKind::Phone.into(),
            with: ContactWith::Signaller.into(),
            reached,
            at: Some(to_wire_time(at(when))),
            deadlines: Vec::new(),
        };
        self.task_event(
            about.number,
            when + 1,
            Self::standing(about),
            Some(Change::ContactRecorded(contact)),
        )
        .await;
    }

    pub(crate) async fn answered(&self, about: &About, when: i64) {
        let answered = TaskAnswered { outcome: TaskOutcome::Advice.into(), ..Default::default() };
        self.task_event(about.number, when, Self::standing(about), Some(Change::Answered(answered))).await;
    }

    /// The task came to be in this state, in these hands.
    pub(crate) async fn stands(&self, about: &About, state: TaskState, holder: &str) {
        let standing =
            TaskStanding { state: state.into(), holder: holder.to_owned(), ..Self::standing(about) };
        let change = Change::Resumed(event::TaskResumed::default());
        self.task_event(about.number, about.came + 2, standing, Some(change)).await;
    }

    /// Any task came to stand like this.
    pub(crate) async fn of_task(&self, task: TaskId, standing: TaskStanding) {
        self.event_of(task, 20_000, standing, Some(Change::Resumed(event::TaskResumed::default()))).await;
    }

    pub(crate) fn deriver(&self) -> voordeur_vault::Deriver {
        self.keys.deriver()
    }

    /// A task is told of a later one.
    pub(crate) async fn linked(&self, about: &About, state: TaskState, later: u8) {
        let standing = TaskStanding { state: state.into(), ..Self::standing(about) };
        let change = Change::Linked(event::TaskLinked { task: vec![later; 16].into() });
        self.task_event(about.number, about.came + 3, standing, Some(change)).await;
    }

    /// Every event of every episode, in order.
    pub(crate) fn episode_events(&self) -> Vec<(Subject, EpisodeEvent)> {
        let messages = self.broker.messages(StreamName::Episodes);
        messages.into_iter().map(|m| (m.subject, EpisodeEvent::decode(&*m.data).unwrap())).collect()
    }

    /// The records of looks.
    pub(crate) fn looks(&self) -> Vec<event::AuditEvent> {
        let messages = self.broker.messages(StreamName::Audit);
        messages.into_iter().map(|m| event::AuditEvent::decode(&*m.data).unwrap()).collect()
    }

    /// Waits until the episode of a task looks as it should.
    pub(crate) async fn episode(
        &self,
        replica: &Replica,
        number: u8,
        what: &str,
        right: impl Fn(&Episode) -> bool,
    ) -> Episode {
        eventually(what, Duration::from_secs(600), || {
            let mut client = replica.person("noor");
            let right = &right;
            async move {
                let reply = client.get_episode(of_task(number)).await;
                let episode = reply.map_err(|status| status.to_string())?.into_inner().episode.unwrap();
                if right(&episode) { Ok(episode) } else { Err(format!("{episode:?}")) }
            }
        })
        .await
    }

    /// Waits until the service has nothing more to do: every wake-up settled, every fold at the end.
    pub(crate) async fn quiet(&self, replicas: &[&Replica]) {
        let wakeups = self.broker.wakeups(voordeur_eventlog::ConsumerName::EscalationTasks);
        let log = self.broker.log(StreamName::Episodes);
        eventually("everything is handled", Duration::from_secs(600), || async {
            let backlog = wakeups.backlog(soon()).await.map_err(|error| error.to_string())?;
            let end = log.end(soon()).await.map_err(|error| error.to_string())?;
            let read =
                replicas.iter().all(|r| r.digest().position.is_some_and(|p| p.sequence == end.sequence));
            if backlog.pending + backlog.unsettled == 0 && read {
                Ok(())
            } else {
                Err(format!("{backlog:?} {end:?}"))
            }
        })
        .await;
    }
}

pub(crate) fn of_task(number: u8) -> GetEpisodeRequest {
    GetEpisodeRequest {
        episode: Some(get_episode_request::Episode::TaskId(task(number).to_string())),
        at_least: None,
    }
}

pub(crate) fn of_id(id: &str) -> GetEpisodeRequest {
    GetEpisodeRequest {
        episode: Some(get_episode_request::Episode::EpisodeId(id.to_owned())),
        at_least: None,
    }
}
