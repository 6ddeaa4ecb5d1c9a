//! Work on the floor: noted, corrected and looked back on; due look-backs fire once, on the twin and on a real broker.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use prost::Message as _;
use tonic::{
    Code, Request, Status,
    service::{Routes, interceptor::InterceptedService},
};
use tonic_types::StatusExt as _;
use voordeur_chassis::{Environment, Identity, Service, Tasks};
use voordeur_contracts::{
    common::{CommandContext, ConcernDomain, DateRange, SealedText, TextPurpose},
    escalation::{
        Activity, CorrectActivityRequest, GetFloorPictureRequest, GetFloorPictureResponse,
        ListActivitiesRequest, NoteActivityRequest, RecordLookBackRequest,
        activity_service_client::ActivityServiceClient,
    },
    event::{ActivityEvent, ActivityKind, ActivityNoted, Funding, LookBackResult, activity_event::Change},
};
use voordeur_directory::{Directory, DirectoryStore, DirectoryWatch};
use voordeur_escalation::Settings;
use voordeur_eventlog::{
    Broker, BucketName, Recorded, StreamName, Subject,
    memory::{Faults, MemoryBroker},
};
use voordeur_kernel::{CentreKey, Clock as _, ManualClock};
use voordeur_testkit::{NatsServer, eventually};
use voordeur_vault::KeyFile;

use crate::world::soon;

const DIRECTORY: &str = concat!(
    include_str!("../../../../deploy/directory/demo.toml"),
    r#"
[centre.de-eik]
label = "Kindcentrum De Eik"
municipality = "9999"
holiday_region = "midden"
organisations = ["jeugdhulp-de-brug"]

[person.eva]
label = "Eva"
organisation = "jeugdhulp-de-brug"
role = "coordinator"
centres = ["de-eik"]
"#
);

type Client = ActivityServiceClient<
    InterceptedService<Routes, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>>,
>;

struct Floor {
    broker: Arc<dyn Broker>,
    clock: ManualClock,
    keys: Arc<KeyFile>,
}

struct Replica {
    service: Service,
    tasks: Tasks,
}

impl Replica {
    fn person(&self, key: &str) -> Client {
        self.client(format!("person:{key}").parse().unwrap())
    }

    fn client(&self, who: Identity) -> Client {
        ActivityServiceClient::with_interceptor(
            self.service.grpc.clone(),
            Box::new(move |mut request: Request<()>| {
                request.extensions_mut().insert(who.clone());
                Ok(request)
            }),
        )
    }

    fn digest(&self) -> voordeur_chassis::Digest {
        let (_, digest) = self.service.folds.iter().find(|(name, _)| *name == "activities").unwrap();
        digest()
    }

    async fn stop(self) {
        self.tasks.finish().await;
        assert_eq!(self.tasks.failed(), None);
    }
}

impl Floor {
    fn on(broker: Arc<dyn Broker>) -> Self {
        let clock = ManualClock::at("2026-11-23T09:00:00Z".parse().unwrap());
        Self { broker, clock, keys: Arc::new(KeyFile::generate().unwrap()) }
    }

    fn new() -> Self {
        Self::on(Arc::new(MemoryBroker::new()))
    }

    async fn replica(&self) -> Replica {
        let tasks = Tasks::new();
        let env = Environment {
            broker: Arc::clone(&self.broker),
            clock: Arc::new(self.clock.clone()),
            tasks: tasks.clone(),
            dev: true,
        };
        let (directory, _) = Directory::parse(DIRECTORY).unwrap();
        let store = DirectoryStore::new(self.broker.bucket(BucketName::Directory));
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

    async fn history(&self) -> Vec<Recorded> {
        let subject = Subject::parse("voordeur.activity.v1.de-wilg").unwrap();
        self.broker.log(StreamName::Episodes).history(&subject, 0, soon()).await.unwrap()
    }

    async fn events(&self) -> Vec<&'static str> {
        let kind = |message: &Recorded| match ActivityEvent::decode(&*message.data).unwrap().change.unwrap() {
            Change::Noted(_) => "noted",
            Change::Corrected(_) => "corrected",
            Change::LookBackDue(_) => "due",
            Change::LookedBack(_) => "looked back",
        };
        self.history().await.iter().map(kind).collect()
    }

    /// Waits until so many look-backs were asked for.
    async fn asked(&self, times: usize) {
        eventually(&format!("{times} look-backs asked for"), Duration::from_secs(60), || async {
            let events = self.events().await;
            let asked = events.iter().filter(|event| **event == "due").count();
            if asked >= times { Ok(()) } else { Err(events.join(", ")) }
        })
        .await;
    }

    fn pass_days(&self, days: i64) {
        self.clock.advance(SignedDuration::from_hours(24 * days));
    }
}

fn command(key: &str) -> Option<CommandContext> {
    Some(CommandContext { idempotency_key: format!("test-key-{key}"), seen_version: 0 })
}

fn coaching(minutes: u32) -> ActivityNoted {
    ActivityNoted { kind: ActivityKind::Coaching.into(), minutes, ..Default::default() }
}

fn note(key: &str, activity: ActivityNoted) -> NoteActivityRequest {
    NoteActivityRequest {
        command: command(key),
        centre: "de-wilg".into(),
        on: String::new(),
        activity: Some(activity),
    }
}

async fn noted(client: &mut Client, key: &str, activity: ActivityNoted) -> Activity {
    client.note_activity(note(key, activity)).await.unwrap().into_inner().activity.unwrap()
}

/// The picture, and that it is as new as what was just noted.
async fn picture(client: &mut Client, group: &str) -> GetFloorPictureResponse {
    let request =
        GetFloorPictureRequest { centre: "de-wilg".into(), group: group.into(), ..Default::default() };
    client.get_floor_picture(request).await.unwrap().into_inner()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test(start_paused = true)]
async fn two_taps_are_enough_and_the_picture_shows_hours_themes_and_no_names() {
    let floor = Floor::new();
    let replica = floor.replica().await;
    let mut noor = replica.person("noor");
    let first = noted(&mut noor, "1", coaching(90)).await;
    assert_eq!(
        (first.on.as_str(), first.noted_by.as_str(), first.centre.as_str()),
        ("2026-11-23", "noor", "de-wilg")
    );
    assert_eq!(first.noted.as_ref().unwrap().funding(), Funding::Beschikkingsvrij);
    let group = ActivityNoted {
        group: "vossen".into(),
        themes: vec![ConcernDomain::Gedrag.into(), ConcernDomain::Sociaal.into()],
        ..coaching(30)
    };
    let request = NoteActivityRequest { on: "2026-10-01".into(), ..note("2", group) };
    let reply = noor.note_activity(request).await.unwrap().into_inner();
    let at_least = reply.position;

    let mut marit = replica.person("marit");
    let whole = marit
        .get_floor_picture(GetFloorPictureRequest {
            centre: "de-wilg".into(),
            at_least,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((whole.activities, whole.used[0].minutes), (2, 120));
    let themes: Vec<_> = whole.themes.iter().map(|t| (t.group.as_str(), t.theme(), t.activities)).collect();
    assert_eq!(themes, [("vossen", ConcernDomain::Gedrag, 1), ("vossen", ConcernDomain::Sociaal, 1)]);
    assert_eq!(whole.period, Some(DateRange { from: "2026-01-01".into(), until: "2026-11-23".into() }));
    // 3,200 hours in the five years from 2026 on; 327 of their 1,826 days.
    assert_eq!(whole.minutes_available, Some(3_200 * 60 * 327 / 1_826));
    let vossen = picture(&mut marit, "vossen").await;
    assert_eq!((vossen.activities, vossen.minutes_available), (1, None));
    let before = GetFloorPictureRequest {
        centre: "de-wilg".into(),
        period: Some(DateRange { from: "2025-12-01".into(), until: "2026-01-31".into() }),
        ..Default::default()
    };
    let before = marit.get_floor_picture(before).await.unwrap().into_inner();
    assert_eq!(before.minutes_available, None, "nothing was agreed for a part of it");

    let list = ListActivitiesRequest { centre: "de-wilg".into(), page_size: 1, ..Default::default() };
    let page = marit.list_activities(list.clone()).await.unwrap().into_inner();
    assert_eq!(page.activities[0].activity_id, first.activity_id, "newest first");
    let list = ListActivitiesRequest { page_token: page.next_page_token, ..list };
    let page = marit.list_activities(list).await.unwrap().into_inner();
    assert_eq!((page.activities[0].on.as_str(), page.next_page_token.as_str()), ("2026-10-01", ""));
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_is_told_at_once_and_nothing_is_stored() {
    let floor = Floor::new();
    let replica = floor.replica().await;
    let mut noor = replica.person("noor");
    let wrong = NoteActivityRequest {
        command: None,
        on: "2027-01-01".into(),
        activity: Some(ActivityNoted {
            activity: vec![1; 16].into(),
            kind: 99,
            group: "berenbos".into(),
            minutes: 1_441,
            funding: 9,
            themes: vec![1, 1, 99, 2],
            agreed_step: Some(SealedText { purpose: TextPurpose::Answer.into(), ..Default::default() }),
            look_back_on: "2026-11-22".into(),
        }),
        ..note("1", coaching(1))
    };
    let status = noor.note_activity(wrong).await.unwrap_err();
    assert_eq!(
        fields(&status),
        [
            "command",
            "activity.activity",
            "activity.kind",
            "activity.minutes",
            "activity.funding",
            "activity.group",
            "activity.themes",
            "activity.themes[1]",
            "activity.themes[2]",
            "activity.agreed_step",
            "on",
            "activity.look_back_on",
        ]
    );
    let status = noor.note_activity(NoteActivityRequest::default()).await.unwrap_err();
    assert_eq!(fields(&status), ["command", "centre", "activity"]);
    let status =
        noor.note_activity(NoteActivityRequest { on: "1-1-2026".into(), ..note("1", coaching(1)) }).await;
    assert_eq!(reason(&status.unwrap_err()), "NOT_A_DAY");
    let foreign = SealedText {
        key_id: vec![1; 16].into(),
        r#box: vec![2; 40].into(),
        purpose: TextPurpose::Note.into(),
        owner: vec![9; 16].into(),
    };
    let stolen = ActivityNoted { agreed_step: Some(foreign), ..coaching(10) };
    assert_eq!(reason(&noor.note_activity(note("1", stolen)).await.unwrap_err()), "WRONG_OWNER");
    assert_eq!(floor.history().await.len(), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_professionals_and_coordinators_of_the_centre_note_and_look() {
    let floor = Floor::new();
    let replica = floor.replica().await;
    let elsewhere = replica.person("eva").note_activity(note("1", coaching(1))).await.unwrap_err();
    assert_eq!((elsewhere.code(), reason(&elsewhere).as_str()), (Code::InvalidArgument, "UNKNOWN_CENTRE"));
    for (who, expected) in [
        ("organisation:basisschool-de-wilg", "PEOPLE_ONLY"),
        ("person:niemand", "UNKNOWN_PERSON"),
        ("person:ib-de-wilg", "NOT_YOUR_ROLE"),
    ] {
        let mut client = replica.client(who.parse().unwrap());
        let request = GetFloorPictureRequest { centre: "de-wilg".into(), ..Default::default() };
        let status = client.get_floor_picture(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, expected), "{who}");
    }
    assert_eq!(floor.history().await.len(), 0);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_act_counts_once_whichever_replica_hears_it_and_its_key_is_for_nothing_else() {
    let floor = Floor::new();
    let (one, two) = (floor.replica().await, floor.replica().await);
    let first = noted(&mut one.person("noor"), "1", coaching(30)).await;
    let again = noted(&mut two.person("noor"), "1", coaching(30)).await;
    assert_eq!(first, again);
    let other = two.person("noor").note_activity(note("1", coaching(31))).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"));
    let hers = noted(&mut two.person("sam"), "1", coaching(30)).await;
    assert_ne!(first.activity_id, hers.activity_id, "a key belongs to a person");
    assert_eq!(floor.events().await, ["noted", "noted"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sealed_step_stays_in_the_log_and_a_correction_keeps_it() {
    let floor = Floor::new();
    let replica = floor.replica().await;
    let mut noor = replica.person("noor");
    let owner = floor.keys.deriver().floor_owner(&CentreKey::parse("de-wilg").unwrap());
    let sealed = SealedText {
        key_id: vec![1; 16].into(),
        r#box: vec![2; 40].into(),
        purpose: TextPurpose::Note.into(),
        owner: owner.to_vec().into(),
    };
    let agreed = ActivityNoted { agreed_step: Some(sealed.clone()), ..coaching(30) };
    let activity = noted(&mut noor, "1", agreed).await;
    assert!(activity.step_agreed && activity.noted.unwrap().agreed_step.is_none());
    let event = ActivityEvent::decode(&*floor.history().await[0].data).unwrap();
    assert!(matches!(event.change, Some(Change::Noted(noted)) if noted.agreed_step == Some(sealed)));

    let correct = |key: &str, void, instead| CorrectActivityRequest {
        command: command(key),
        centre: "de-wilg".into(),
        activity_id: activity.activity_id.clone(),
        void,
        instead,
    };
    let longer = noor.correct_activity(correct("2", false, Some(coaching(45)))).await.unwrap().into_inner();
    let longer = longer.activity.unwrap();
    assert_eq!((longer.noted.unwrap().minutes, longer.step_agreed), (45, true));
    for (void, instead) in [(true, Some(coaching(1))), (false, None)] {
        let status = noor.correct_activity(correct("3", void, instead)).await.unwrap_err();
        assert_eq!(fields(&status), ["instead"]);
    }
    let voided = noor.correct_activity(correct("4", true, None)).await.unwrap().into_inner();
    assert!(voided.activity.unwrap().voided);
    let late = noor.correct_activity(correct("5", false, Some(coaching(1)))).await.unwrap_err();
    assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "ACTIVITY_VOIDED"));
    eventually("the picture is empty", Duration::from_secs(60), || async {
        let picture = picture(&mut replica.person("marit"), "").await;
        if picture.activities == 0 { Ok(()) } else { Err(format!("{picture:?}")) }
    })
    .await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_look_back_that_came_due_while_nobody_ran_is_asked_for_once_among_replicas() {
    let floor = Floor::new();
    let replica = floor.replica().await;
    let back = ActivityNoted { look_back_on: "2027-01-04".into(), group: "vossen".into(), ..coaching(30) };
    let activity = noted(&mut replica.person("noor"), "1", back).await;
    replica.stop().await;
    floor.pass_days(60);
    let (one, two) = (floor.replica().await, floor.replica().await);
    floor.asked(1).await;
    let mut noor = one.person("noor");
    eventually("it is open in the picture", Duration::from_secs(60), || async {
        let picture = picture(&mut two.person("marit"), "vossen").await;
        let request = GetFloorPictureRequest {
            centre: "de-wilg".into(),
            period: Some(DateRange { from: "2026-11-01".into(), until: String::new() }),
            ..Default::default()
        };
        let longer = two.person("marit").get_floor_picture(request).await.unwrap().into_inner();
        if (picture.look_backs_open, longer.look_backs_open) == (0, 1) {
            Ok(())
        } else {
            Err(format!("{picture:?} {longer:?}"))
        }
    })
    .await;
    let request = RecordLookBackRequest {
        command: command("2"),
        centre: "de-wilg".into(),
        activity_id: activity.activity_id,
        result: LookBackResult::Works.into(),
    };
    let after = noor.record_look_back(request).await.unwrap().into_inner().activity.unwrap();
    assert_eq!((after.look_back_asked, after.look_back()), (true, LookBackResult::Works));
    assert_eq!(floor.events().await, ["noted", "due", "looked back"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_bad_day_every_note_counts_once_and_replicas_agree() {
    let broker = MemoryBroker::new();
    let floor = Floor::on(Arc::new(broker.clone()));
    let (one, two) = (floor.replica().await, floor.replica().await);
    broker.set_faults(Faults::rough(7));
    for number in 0..12_u32 {
        let replica = if number % 2 == 0 { &one } else { &two };
        let back = ActivityNoted { look_back_on: "2026-11-30".into(), ..coaching(number + 1) };
        let request = note(&number.to_string(), back);
        eventually("it is noted", Duration::from_secs(600), || {
            let (mut client, request) = (replica.person("noor"), request.clone());
            async move { client.note_activity(request).await.map_err(|status| status.to_string()) }
        })
        .await;
    }
    floor.pass_days(7);
    eventually("every note and every look-back is stored", Duration::from_secs(600), || async {
        let stored = broker.messages(StreamName::Episodes).len();
        if stored == 24 { Ok(()) } else { Err(stored.to_string()) }
    })
    .await;
    broker.set_faults(Faults::default());
    let log = floor.broker.log(StreamName::Episodes);
    eventually("both have read it all", Duration::from_secs(600), || async {
        let end = log.end(soon()).await.map_err(|error| error.to_string())?;
        let read = |replica: &Replica| replica.digest().position.is_some_and(|p| p.sequence == end.sequence);
        if read(&one) && read(&two) { Ok(()) } else { Err(format!("{end:?}")) }
    })
    .await;
    assert_eq!(one.digest(), two.digest());
    let events = floor.events().await;
    assert_eq!((events.len(), events.iter().filter(|event| **event == "due").count()), (24, 12));
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn on_a_real_broker_a_look_back_is_asked_for_once_after_a_restart() {
    let server = NatsServer::start().await;
    let broker = server.broker().await;
    broker.apply(soon()).await.unwrap();
    let floor = Floor::on(Arc::new(broker));
    let replica = floor.replica().await;
    let back = ActivityNoted { look_back_on: "2026-12-01".into(), ..coaching(30) };
    noted(&mut replica.person("noor"), "1", back).await;
    replica.stop().await;
    floor.pass_days(9);
    let (one, two) = (floor.replica().await, floor.replica().await);
    floor.asked(1).await;
    // A later note shows that the clocks were looked at again.
    let today = floor.clock.now().to_string();
    let again = ActivityNoted { look_back_on: today[..10].to_owned(), ..coaching(5) };
    noted(&mut two.person("sam"), "2", again).await;
    floor.asked(2).await;
    assert_eq!(floor.events().await, ["noted", "due", "noted", "due"]);
    one.stop().await;
    two.stop().await;
}
