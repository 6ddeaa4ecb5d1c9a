//! Work on the floor with real processes on a real broker: a look-back becomes a task of whoever noted it, once, and the picture shows
//! what came of it. The agreed step is readable nowhere.

use std::time::Duration;

use futures_util::StreamExt as _;
use prost::Message as _;
use voordeur_contracts::{
    common::{CommandContext, TextPurpose},
    escalation::{
        GetFloorPictureRequest, NoteActivityRequest, RecordLookBackRequest,
        activity_service_client::ActivityServiceClient,
    },
    event::{
        ActivityEvent, ActivityKind, ActivityNoted, LookBackResult, TaskOutcome, TaskState,
        activity_event::Change,
    },
    intake::{RevealDetailsRequest, SealTextRequest, details_service_client::DetailsServiceClient},
    routing::{
        AnswerTaskRequest, GetTaskRequest, Task, WatchTasksRequest, follow_up,
        task_service_client::TaskServiceClient, watch_tasks_response::Item,
    },
};
use voordeur_eventlog::{Broker as _, ConsumerName, Deadline, StreamName, Subject};
use voordeur_system_tests::{As, Caller, Installation};
use voordeur_testkit::eventually;

const STEP: &str = "Elke ochtend samen de dag openen";
const CENTRE: &str = "de-wilg";

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(20)
}

fn noor() -> As {
    As("person:noor".to_owned())
}

fn command(key: &str) -> Option<CommandContext> {
    Some(CommandContext { idempotency_key: format!("floor-test-{key}"), seen_version: 0 })
}

fn floor(installation: &Installation, replica: usize) -> ActivityServiceClient<Caller> {
    let channel = installation.channel("escalation", replica).expect("escalation is ready");
    ActivityServiceClient::with_interceptor(channel, noor())
}

fn routing(installation: &Installation, replica: usize) -> TaskServiceClient<Caller> {
    let channel = installation.channel("routing", replica).expect("routing is ready");
    TaskServiceClient::with_interceptor(channel, noor())
}

/// What happened on the floor of the centre, by name.
async fn events(installation: &Installation) -> Vec<&'static str> {
    let log = installation.broker().await.log(StreamName::Episodes);
    let subject = Subject::parse(&format!("voordeur.activity.v1.{CENTRE}")).unwrap();
    let history = log.history(&subject, 0, soon()).await.unwrap();
    let name = |change| match change {
        Change::Noted(_) => "noted",
        Change::Corrected(_) => "corrected",
        Change::LookBackDue(_) => "due",
        Change::LookedBack(_) => "looked back",
    };
    history.iter().map(|m| name(ActivityEvent::decode(&*m.data).unwrap().change.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_back_becomes_a_task_once_is_done_and_the_picture_shows_it() {
    let installation = Installation::prepare(&[]).await;
    installation.start_all(2).await;
    let mut watch =
        routing(&installation, 1).watch_tasks(WatchTasksRequest::default()).await.unwrap().into_inner();

    // Two taps; the day that comes back is today where the centre is.
    let note = |key: &str, activity: ActivityNoted| NoteActivityRequest {
        command: command(key),
        centre: CENTRE.to_owned(),
        on: String::new(),
        activity: Some(activity),
    };
    let coaching =
        || ActivityNoted { kind: ActivityKind::Coaching.into(), minutes: 30, ..Default::default() };
    let first = floor(&installation, 0).note_activity(note("taps", coaching())).await.unwrap().into_inner();
    let today = first.activity.unwrap().on;

    let intake = installation.channel("intake", 0).expect("intake is ready");
    let seal = SealTextRequest {
        centre: CENTRE.to_owned(),
        purpose: TextPurpose::Note.into(),
        text: STEP.to_owned(),
        ..Default::default()
    };
    let sealed = DetailsServiceClient::with_interceptor(intake, noor()).seal_text(seal).await.unwrap();
    let with_step = ActivityNoted {
        group: "vossen".to_owned(),
        agreed_step: sealed.into_inner().sealed,
        look_back_on: today,
        ..coaching()
    };
    let noted = floor(&installation, 0).note_activity(note("step", with_step)).await.unwrap().into_inner();
    let activity = noted.activity.unwrap();
    // Whoever was to fire it may be gone: another one does, or the next.
    installation.kill("escalation", 0);
    installation.kill("routing", 0);
    installation.start("escalation", 0);
    installation.start("routing", 0);

    let task: Task = loop {
        let next = tokio::time::timeout(Duration::from_secs(60), watch.next()).await;
        let item = next.expect("the task comes in time").expect("the stream goes on").unwrap();
        if let Some(Item::Task(task)) = item.item {
            break task;
        }
    };
    let follow_up = task.follow_up.clone().unwrap();
    assert_eq!((follow_up.label.as_str(), task.holder.as_str()), ("Terugblik", "noor"));
    assert_eq!(follow_up.work, Some(follow_up::Work::ActivityId(activity.activity_id.clone())));
    assert_eq!((task.group.as_str(), task.answer_wanted), ("vossen", false));

    let intake = installation.channel("intake", 1).expect("intake is ready");
    let request = RevealDetailsRequest { task_id: task.task_id.clone(), break_glass: None };
    let shown = DetailsServiceClient::with_interceptor(intake, noor()).reveal_details(request).await.unwrap();
    assert_eq!(shown.into_inner().agreed_step, STEP);

    let done = AnswerTaskRequest {
        task_id: task.task_id.clone(),
        command: command("done"),
        outcome: TaskOutcome::Done.into(),
        ..Default::default()
    };
    routing(&installation, 1).answer_task(done).await.unwrap();
    let looked = RecordLookBackRequest {
        command: command("looked"),
        centre: CENTRE.to_owned(),
        activity_id: activity.activity_id,
        result: LookBackResult::Works.into(),
    };
    let at_least = floor(&installation, 1).record_look_back(looked).await.unwrap().into_inner().position;
    let request = GetFloorPictureRequest { centre: CENTRE.to_owned(), at_least, ..Default::default() };
    let picture = floor(&installation, 1).get_floor_picture(request).await.unwrap().into_inner();
    assert_eq!((picture.activities, picture.agreed_steps, picture.look_backs_open), (2, 1, 0));
    assert_eq!((picture.look_backs[0].result(), picture.used[0].minutes), (LookBackResult::Works, 60));
    assert!(picture.minutes_available.is_some());

    // Everybody was heard, nothing was parked, and nothing happened twice.
    let broker = installation.broker().await;
    eventually("every wake-up is settled", Duration::from_secs(60), || async {
        for consumer in
            [ConsumerName::RoutingEpisodes, ConsumerName::IntakeTasks, ConsumerName::EscalationTasks]
        {
            let backlog =
                broker.wakeups(consumer).backlog(soon()).await.map_err(|error| error.to_string())?;
            if backlog.pending + backlog.unsettled > 0 {
                return Err(format!("{consumer}: {backlog:?}"));
            }
        }
        Ok(())
    })
    .await;
    assert_eq!(events(&installation).await, ["noted", "noted", "due", "looked back"]);
    let dead = broker.log(StreamName::DeadLetters).end(soon()).await.unwrap();
    assert_eq!(dead.sequence, 0, "nothing is parked");
    let shown = routing(&installation, 1)
        .get_task(GetTaskRequest { task_id: task.task_id, at_least: None })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.task.unwrap().state(), TaskState::Completed);
    assert!(!installation.keeps(STEP), "the agreed step is readable in the broker's files or in a log");
}
