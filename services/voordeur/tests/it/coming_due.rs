//! Every service over one broker in memory, and time that is moved: a check of a child's episode reaches the professional as a task, is
//! asked for again when it was not made, and never counts as a signal.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, tz::TimeZone};
use tonic::{
    Request, Status,
    service::{Routes, interceptor::InterceptedService},
};
use voordeur_chassis::{Environment, Service, Tasks};
use voordeur_contracts::{
    common::CommandContext,
    escalation::{
        GetEpisodeRequest, RecordFactRequest, episode_service_client::EpisodeServiceClient,
        get_episode_request, record_fact_request::Fact,
    },
    event::{
        AnswerStatus, Baseline, BaselineAssessed, BaselineParticipant, ContactKind, ContactWith,
        DomainStatus, FollowUpChecked, FollowUpSource, HandOverMoment, HandOverPlanned, NeedStatus,
        TaskOutcome, TaskState,
    },
    intake::{SubmitSignalRequest, signal_intake_service_client::SignalIntakeServiceClient},
    routing::{
        AcceptTaskRequest, AnswerTaskRequest, ListTasksRequest, RecordContactRequest, Task,
        task_service_client::TaskServiceClient,
    },
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{Broker as _, BucketName, ConsumerName, Deadline, StreamName, memory::MemoryBroker};
use voordeur_kernel::{Clock as _, ManualClock};
use voordeur_testkit::eventually;
use voordeur_vault::KeyFile;

use crate::support::file;

const SOON: Duration = Duration::from_secs(30);

type Wire = InterceptedService<Routes, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>>;

fn wire(service: &Service, who: &str) -> Wire {
    let who: voordeur_chassis::Identity = who.parse().unwrap();
    InterceptedService::new(
        service.grpc.clone(),
        Box::new(move |mut request: Request<()>| {
            request.extensions_mut().insert(who.clone());
            Ok(request)
        }),
    )
}

fn command(key: &str) -> Option<CommandContext> {
    Some(CommandContext { idempotency_key: format!("coming-due-{key}"), seen_version: 0 })
}

struct Installation {
    broker: MemoryBroker,
    clock: ManualClock,
    tasks: Tasks,
    intake: Service,
    routing: Service,
    escalation: Service,
}

impl Installation {
    async fn start() -> Self {
        let broker = MemoryBroker::new();
        let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
        let directory = std::fs::read_to_string(file("deploy/directory/demo.toml")).unwrap();
        store.apply(&directory, 0, Deadline::now() + SOON).await.unwrap();
        let clock = ManualClock::at("2026-11-23T09:00:00Z".parse().unwrap());
        let tasks = Tasks::new();
        let environment = Environment {
            broker: Arc::new(broker.clone()),
            clock: Arc::new(clock.clone()),
            tasks: tasks.clone(),
            dev: true,
        };
        let keys = Arc::new(KeyFile::generate().unwrap());
        let intake = voordeur_intake::start(&environment, voordeur_intake::Settings::new(Arc::clone(&keys)));
        let intake = Box::pin(intake).await.unwrap();
        let settings = voordeur_routing::Settings::new(keys.deriver());
        let routing = voordeur_routing::start(&environment, settings).await.unwrap();
        let escalation =
            voordeur_escalation::start(&environment, voordeur_escalation::Settings::new(keys)).await.unwrap();
        let installation = Self { broker, clock, tasks, intake, routing, escalation };
        let services = [&installation.intake, &installation.routing, &installation.escalation];
        eventually("every service is ready", SOON, || async {
            let ready = services.iter().flat_map(|service| &service.ready).all(|(_, ready)| ready());
            if ready { Ok(()) } else { Err("not ready") }
        })
        .await;
        installation
    }

    fn routing(&self) -> TaskServiceClient<Wire> {
        TaskServiceClient::new(wire(&self.routing, "person:noor"))
    }

    fn episodes(&self) -> EpisodeServiceClient<Wire> {
        EpisodeServiceClient::new(wire(&self.escalation, "person:noor"))
    }

    fn pass_days(&self, days: i64) {
        self.clock.advance(SignedDuration::from_hours(24 * days));
    }

    fn today(&self) -> jiff::civil::Date {
        TimeZone::get("Europe/Amsterdam").unwrap().to_datetime(self.clock.now()).date()
    }

    /// Waits for a task on Noor's list.
    async fn task(&self, what: &str, right: impl Fn(&Task) -> bool) -> Task {
        eventually(what, SOON, || async {
            let list = self.routing().list_tasks(ListTasksRequest::default()).await;
            let tasks = list.map_err(|status| status.to_string())?.into_inner().tasks;
            let labels = || format!("{:?}", tasks.iter().map(|t| &t.follow_up).collect::<Vec<_>>());
            tasks.iter().find(|task| right(task)).cloned().ok_or_else(labels)
        })
        .await
    }

    async fn labelled(&self, label: &str) -> Task {
        let is = |task: &Task| task.follow_up.as_ref().is_some_and(|follow_up| follow_up.label == label);
        self.task(label, is).await
    }

    async fn record(&self, episode: &str, key: &str, fact: Fact) {
        let request = RecordFactRequest {
            command: command(key),
            episode_id: episode.to_owned(),
            fact: Some(fact),
            ..Default::default()
        };
        self.episodes().record_fact(request).await.unwrap();
    }

    async fn done(&self, task: &Task, key: &str) {
        let request = AnswerTaskRequest {
            task_id: task.task_id.clone(),
            command: command(key),
            outcome: TaskOutcome::Done.into(),
            ..Default::default()
        };
        let after = self.routing().answer_task(request).await.unwrap().into_inner().task.unwrap();
        assert_eq!(after.state(), TaskState::Completed);
    }
}

/// A signal on a child, taken, contacted and answered by Noor; returns its task.
async fn signal_answered(installation: &Installation) -> Task {
    let line = std::fs::read_to_string(file("deploy/demo/signals.jsonl")).unwrap();
    let name = "voordeur.intake.v1.SubmitSignalRequest";
    let mut json: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("organisation");
    let request: SubmitSignalRequest = voordeur::wire::from_json(name, &json.to_string()).unwrap();
    let school = wire(&installation.intake, "organisation:basisschool-de-wilg");
    SignalIntakeServiceClient::new(school).submit_signal(request).await.unwrap();
    let task = installation.task("the task of the signal", |task| !task.signal_id.is_empty()).await;
    let task_id = task.task_id.clone();
    let accept = AcceptTaskRequest { task_id: task_id.clone(), command: command("accept") };
    installation.routing().accept_task(accept).await.unwrap();
    let contact = RecordContactRequest {
        task_id: task_id.clone(),
        command: command("contact"),
        kind: ContactKind::InPerson.into(),
        with: ContactWith::Signaller.into(),
        reached: true,
    };
    installation.routing().record_contact(contact).await.unwrap();
    let answer = AnswerTaskRequest {
        task_id,
        command: command("answer"),
        outcome: TaskOutcome::SupportOnTheFloor.into(),
        status: AnswerStatus::SupportStarted.into(),
        advice: None,
    };
    installation.routing().answer_task(answer).await.unwrap();
    task
}

#[tokio::test]
async fn a_check_reaches_the_professional_as_a_task_and_a_missed_one_comes_again() {
    let installation = Installation::start().await;
    let of_signal = signal_answered(&installation).await;
    let episode = eventually("the child's episode", SOON, || {
        let (mut episodes, task) = (installation.episodes(), of_signal.task_id.clone());
        async move {
            let which = Some(get_episode_request::Episode::TaskId(task));
            let reply = episodes.get_episode(GetEpisodeRequest { episode: which, at_least: None }).await;
            let episode = reply.map_err(|status| status.to_string())?.into_inner().episode.unwrap();
            if episode.first_contact_at.is_some() { Ok(episode) } else { Err("no contact yet".to_owned()) }
        }
    })
    .await
    .episode_id;
    let baseline = BaselineAssessed {
        baseline: Baseline::Possible.into(),
        probability_percent: 40,
        took_part: vec![BaselineParticipant::Parent.into()],
        ..Default::default()
    };
    installation.record(&episode, "baseline", Fact::BaselineAssessed(baseline)).await;
    let in_a_month = installation.today().checked_add(jiff::Span::new().days(30)).unwrap().to_string();
    let planned = HandOverPlanned { moment: HandOverMoment::ToSchool.into(), on: in_a_month };
    installation.record(&episode, "hand-over", Fact::HandOverPlanned(planned)).await;

    installation.pass_days(31);
    let hand_over = installation.labelled("Warme overdracht naar school").await;
    assert_eq!((hand_over.holder.as_str(), hand_over.state()), ("noor", TaskState::Accepted));
    installation.done(&hand_over, "handed-over").await;

    installation.pass_days(60);
    let check = installation.labelled("Controle na 90 dagen").await;
    assert_eq!(check.holder, "noor", "she knows the child");
    assert_eq!(check.follow_up.as_ref().unwrap().episode_id, episode);
    assert!(check.linked_task_ids.contains(&of_signal.task_id), "{:?}", check.linked_task_ids);
    // Ended without the check: it is asked for again, and stays visible.
    installation.done(&check, "check").await;
    installation.pass_days(22);
    let again = installation.labelled("Controle na 90 dagen (opnieuw gevraagd)").await;
    let checked = FollowUpChecked {
        covers_until: installation.today().to_string(),
        jeugdhulp: DomainStatus::None.into(),
        onderwijs: DomainStatus::None.into(),
        need: NeedStatus::Ok.into(),
        source: FollowUpSource::ParentsAndStaff.into(),
        day: 90,
    };
    installation.record(&episode, "checked", Fact::FollowUpChecked(checked)).await;
    installation.done(&again, "again").await;

    eventually("every wake-up is settled", SOON, || async {
        for consumer in ConsumerName::ALL {
            let wakeups = installation.broker.wakeups(consumer);
            let backlog = wakeups.backlog(Deadline::now() + SOON).await.map_err(|error| error.to_string())?;
            if backlog.pending + backlog.unsettled > 0 {
                return Err(format!("{consumer}: {backlog:?}"));
            }
        }
        Ok(())
    })
    .await;
    assert_eq!(installation.broker.messages(StreamName::DeadLetters).len(), 0, "nothing was parked");
    let which = Some(get_episode_request::Episode::EpisodeId(episode));
    let request = GetEpisodeRequest { episode: which, at_least: None };
    let after = installation.episodes().get_episode(request).await.unwrap().into_inner().episode.unwrap();
    assert_eq!(after.tasks.len(), 1, "a follow-up is no signal");
    assert_eq!(after.missed_follow_up_days, [0_u32; 0]);
    installation.tasks.finish().await;
}
