//! Reports over a whole log: what is asked, by whom, what is published, and that every replica says the same bytes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{
    Timestamp,
    civil::{Date, date},
};
use prost::Message as _;
use tonic::{
    Code, Request, Status,
    service::{Routes, interceptor::InterceptedService},
};
use tonic_types::StatusExt as _;
use voordeur_chassis::{Environment, Identity, Service, Tasks};
use voordeur_contracts::{
    common::{self, CommandContext, DateRange},
    convert::to_wire_time,
    escalation::{
        ListReportsRequest, MakeReportRequest, MakeReportResponse, PublishReportRequest, ReportQuestion,
        outcome_report_service_client::OutcomeReportServiceClient,
    },
    event::{self, AnswerAcknowledged, SignalEvent, SignalReceived, report_event, signal_event},
};
use voordeur_directory::{Directory, DirectoryStore, DirectoryWatch};
use voordeur_escalation::{Settings, write_event};
use voordeur_escalation_domain::{
    Actor, Baseline, Change, Check, Closing, Destination, Event, Jeugdhulp, Judgement, Meta, Opened,
    SignalJoined, WordSet,
    words::{
        CloseReason, DomainStatus, FollowUpSource, Funding, NeedStatus, OutcomeInformant, SupportKind,
        Verwijzer,
    },
};
use voordeur_eventlog::{
    Broker, BucketName, Commit, Deadline, StreamName, Subject, Version, memory::MemoryBroker,
};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, EpisodeId, ManualClock, SafetyLevel, SignalId, TaskId,
};
use voordeur_testkit::{NatsServer, eventually};
use voordeur_vault::KeyFile;

const DIRECTORY: &str = concat!(
    include_str!("../../../../deploy/directory/voorbeeld.toml"),
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
centres = ["de-eik", "de-wilg"]
"#
);

/// Well after everything is final.
const NOW: &str = "2030-03-01T09:00:00Z";

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(120)
}

fn noon(day: Date) -> Timestamp {
    day.at(11, 0, 0, 0).in_tz("Europe/Amsterdam").unwrap().timestamp()
}

type Client = OutcomeReportServiceClient<
    InterceptedService<Routes, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>>,
>;

struct Replica {
    service: Service,
    tasks: Tasks,
}

impl Replica {
    fn client(&self, who: &str) -> Client {
        let who: Identity = who.parse().unwrap();
        OutcomeReportServiceClient::with_interceptor(
            self.service.grpc.clone(),
            Box::new(move |mut request: Request<()>| {
                request.extensions_mut().insert(who.clone());
                Ok(request)
            }) as Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>,
        )
        .max_decoding_message_size(8 << 20)
    }

    async fn stop(self) {
        self.tasks.finish().await;
        assert_eq!(self.tasks.failed(), None);
    }
}

/// A broker, and histories that are written into it.
struct Place {
    broker: Arc<dyn Broker>,
    clock: ManualClock,
    keys: Arc<KeyFile>,
    versions: HashMap<String, u64>,
    commits: u128,
}

impl Place {
    fn on(broker: Arc<dyn Broker>) -> Self {
        let clock = ManualClock::at(NOW.parse().unwrap());
        Self {
            broker,
            clock,
            keys: Arc::new(KeyFile::generate().unwrap()),
            versions: HashMap::new(),
            commits: 1 << 64,
        }
    }

    fn in_memory() -> Self {
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
        let directory = Some(DirectoryWatch::fixed(store, directory));
        let settings = Settings { directory, ..Settings::new(Arc::clone(&self.keys)) };
        let service = voordeur_escalation::start(&env, settings).await.unwrap();
        eventually("the replica is ready", Duration::from_secs(60), || async {
            if service.ready.iter().all(|(_, ready)| ready()) { Ok(()) } else { Err("not ready") }
        })
        .await;
        Replica { service, tasks }
    }

    async fn append(&mut self, stream: StreamName, subject: &str, data: Vec<u8>) -> CommitId {
        self.commits += 1;
        let id =
            CommitId::from_bytes(self.commits.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c85).to_be_bytes());
        let commit = Commit {
            id,
            kind: "nl.voordeur.test.v1",
            source: "voordeur/test",
            time: Timestamp::UNIX_EPOCH,
            data: data.into(),
            trace: Vec::new(),
            urgent: false,
        };
        let version = self.versions.get(subject).copied().unwrap_or(0);
        let history = Subject::parse(subject).unwrap();
        let appended =
            self.broker.log(stream).append(&history, Version(version), commit, soon()).await.unwrap();
        self.versions.insert(subject.to_owned(), appended.position.sequence);
        id
    }

    /// A fact of an episode that happened, and became known, on a day.
    async fn fact(&mut self, episode: EpisodeId, ordinal: &mut u32, on: Date, change: Change) {
        *ordinal += 1;
        let meta = Meta {
            recorded_at: noon(on),
            actor: Actor::Service("escalation".into()),
            command: CommandId::from_bytes((self.commits + 7).to_be_bytes()),
            directory_version: 0,
            ordinal: *ordinal,
        };
        let event = Event { meta, effective_at: noon(on), deadlines: None, continued_by: None, change };
        let data = write_event(&event).encode_to_vec();
        self.append(StreamName::Episodes, &format!("voordeur.episode.v1.{}", episode.to_hex()), data).await;
    }

    /// A child with a question, and what became of it. `fate` 0: referred; 1: not referred, goes well; 2: nobody asked.
    async fn child(&mut self, number: u16, centre: &str, level: Baseline, fate: u8, came: Date) {
        let id = |kind: u8| {
            let mut id = [kind; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            id[2..10]
                .copy_from_slice(&(u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            id
        };
        let day = |days: u32| voordeur_outcome_report::days_after(came, days);
        self.signal(SignalId::from_bytes(id(1)), centre, number, came).await;
        let (episode, task) = (EpisodeId::from_bytes(id(2)), TaskId::from_bytes(id(3)));
        let signal = SignalJoined {
            signal: SignalId::from_bytes(id(1)),
            task,
            centre: CentreKey::parse(centre).unwrap(),
            safety: SafetyLevel::None,
            severity: Some(1 + u8::try_from(number % 5).unwrap()),
        };
        let ordinal = &mut 0;
        let child = ChildAlias::from_bytes(id(4));
        self.fact(episode, ordinal, came, Change::Opened(Opened { child, child_ordinal: 1, signal })).await;
        self.fact(episode, ordinal, day(2), Change::FirstContact { task }).await;
        let judgement = Judgement {
            baseline: level,
            probability_percent: 45,
            took_part: WordSet::empty(),
            marks: WordSet::empty(),
            second: false,
            plan_version: 1,
        };
        self.fact(episode, ordinal, day(5), Change::BaselineAssessed(judgement)).await;
        let minutes = 90;
        let support =
            Change::SupportGiven { kind: SupportKind::Child, minutes, funding: Funding::Beschikkingsvrij };
        self.fact(episode, ordinal, day(20), support).await;
        if fate == 0 {
            let destination = Destination::Jeugdhulp(Jeugdhulp {
                hulpvorm: Some(2),
                productcategorie: Some(45),
                crisis: false,
                court: false,
            });
            let referral = CommitId::from_bytes(id(5));
            let change = Change::ReferralRequested { referral, destination, verwijzer: Verwijzer::Gemeente };
            self.fact(episode, ordinal, day(60 + u32::from(number % 200)), change).await;
        }
        if fate == 1 {
            let check = Check {
                covers_until: day(375),
                jeugdhulp: DomainStatus::None,
                onderwijs: DomainStatus::None,
                need: NeedStatus::Ok,
                source: FollowUpSource::ParentsAndStaff,
                day: 365,
            };
            self.fact(episode, ordinal, day(376), Change::FollowUpChecked(check)).await;
        }
        let closing = Closing {
            usefulness: Some(5 + u8::try_from(number % 5).unwrap()),
            informant: Some(OutcomeInformant::Parent),
            ..Closing::for_reason(CloseReason::WorkDone)
        };
        self.fact(episode, ordinal, day(380), Change::Closed(closing)).await;
    }

    async fn signal(&mut self, id: SignalId, centre: &str, number: u16, on: Date) {
        let subject = format!("voordeur.signal.v1.{}", id.to_hex());
        let meta = |day: Date| {
            Some(event::EventMeta { recorded_at: Some(to_wire_time(noon(day))), ..Default::default() })
        };
        let received = SignalReceived {
            organisation: "basisschool-de-wilg".into(),
            centre: centre.into(),
            subject: common::SubjectKind::Child.into(),
            certainty: Some(4),
            askers: vec![vec![u8::try_from(number % 40).unwrap(); 16].into()],
            ..Default::default()
        };
        let change = Some(signal_event::Change::Received(received));
        self.append(StreamName::Signals, &subject, SignalEvent { meta: meta(on), change }.encode_to_vec())
            .await;
        let heard = AnswerAcknowledged { certainty_now: Some(7), ..Default::default() };
        let change = Some(signal_event::Change::AnswerAcknowledged(heard));
        self.append(StreamName::Signals, &subject, SignalEvent { meta: meta(on), change }.encode_to_vec())
            .await;
    }

    /// Children of a year at a centre: of every ten judged imminent or possible, four referred, five not, one unknown.
    async fn year(&mut self, from: u16, count: u16, centre: &str, year: i16) {
        for n in 0..count {
            let level = if n % 2 == 0 { Baseline::Imminent } else { Baseline::Possible };
            let fate = match n / 2 % 10 {
                0..=3 => 0,
                4..=8 => 1,
                _ => 2,
            };
            let came = voordeur_outcome_report::days_after(date(year, 1, 5), u32::from(n) * 7 % 340);
            self.child(from + n, centre, level, fate, came).await;
        }
    }
}

fn question(centres: &[&str], known_on: &str) -> ReportQuestion {
    ReportQuestion {
        period: Some(DateRange { from: "2027-01-01".into(), until: "2027-12-31".into() }),
        centres: centres.iter().map(ToString::to_string).collect(),
        known_on: known_on.into(),
        ..Default::default()
    }
}

fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(120));
    request
}

async fn make(replica: &Replica, who: &str, question: ReportQuestion) -> Result<MakeReportResponse, Status> {
    let request = MakeReportRequest { question: Some(question), at_least: None };
    replica.client(who).make_report(timed(request)).await.map(tonic::Response::into_inner)
}

fn publishing(key: &str, question: ReportQuestion) -> Request<PublishReportRequest> {
    let command = Some(CommandContext { idempotency_key: key.into(), seen_version: 0 });
    timed(PublishReportRequest { command, question: Some(question) })
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_report_counts_what_the_histories_say_and_hides_what_is_small() {
    let mut place = Place::in_memory();
    place.year(1, 80, "de-wilg", 2027).await;
    place.year(500, 200, "de-eik", 2027).await;
    let replica = place.replica().await;
    let made = make(&replica, "person:eva", question(&["de-wilg"], "2029-12-31")).await.unwrap();
    assert_eq!(made.status(), event::ReportStatus::Definitief);
    let json: serde_json::Value = serde_json::from_slice(&made.json).unwrap();
    assert_eq!((json["status"].as_str(), json["ruleset"].as_str()), (Some("definitief"), Some("ESC-1")));
    let table = &json["sections"][0]["tables"][0];
    let row: Vec<_> =
        table["rows"][0]["cells"].as_array().unwrap().iter().map(|cell| cell["value"].clone()).collect();
    // 16, 20 and 4 of 40: the four are hidden, and so is one more.
    assert_eq!(row.iter().filter(|value| value.is_string()).count(), 2, "{row:?}");
    assert_eq!(row[2], "<10");
    assert_eq!(row[3], 40);
    assert!(made.text.contains("kunnen we uit deze cijfers niet zien"), "{}", made.text);
    assert!(made.text.contains("late vragen per 100 kindjaren"), "agreements stand beside it: {}", made.text);
    let both = make(&replica, "person:eva", question(&["de-eik", "de-wilg"], "2029-12-31")).await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&both.json).unwrap();
    let row = &json["sections"][0]["tables"][0]["rows"][0]["cells"];
    assert_eq!(row[3]["value"], 140);
    assert!((55..=60).contains(&row[0]["value"].as_u64().unwrap()), "{row}");
    assert_eq!(both.plots.len(), 2);
    for plot in &both.plots {
        assert!(
            plot.svg.contains("<title") && plot.svg.contains("<desc") && plot.svg.contains("role=\"img\"")
        );
        assert!(plot.svg.contains("Deel verwezen: na "), "{}", plot.svg);
    }
    assert_eq!(
        make(&replica, "person:eva", question(&["de-wilg"], "2029-12-31")).await.unwrap().json,
        made.json
    );
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_became_known_later_does_not_change_what_was_known_then() {
    let mut place = Place::in_memory();
    place.year(1, 120, "de-wilg", 2027).await;
    let replica = place.replica().await;
    let then = make(&replica, "person:eva", question(&["de-wilg"], "2029-06-01")).await.unwrap();
    assert_eq!(then.status(), event::ReportStatus::Voorlopig);
    // A child whose judgement became known long after.
    place.child(900, "de-wilg", Baseline::Imminent, 0, date(2029, 7, 1)).await;
    let again = make(&replica, "person:eva", question(&["de-wilg"], "2029-06-01")).await.unwrap();
    assert_eq!(again.json, then.json);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn publishing_is_recorded_once_and_the_next_one_says_what_changed() {
    let mut place = Place::in_memory();
    place.year(1, 160, "de-wilg", 2027).await;
    let (one, two) = (place.replica().await, place.replica().await);
    let wilg = || question(&["de-wilg"], "2029-06-01");
    let first =
        one.client("person:eva").publish_report(publishing("publish-1", wilg())).await.unwrap().into_inner();
    assert!(!first.known);
    let again =
        two.client("person:eva").publish_report(publishing("publish-2", wilg())).await.unwrap().into_inner();
    assert!(again.known);
    assert_eq!(again.report.unwrap().json, first.report.clone().unwrap().json);
    let other = question(&["de-wilg"], "2029-07-01");
    let status = one.client("person:eva").publish_report(publishing("publish-1", other)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "KEY_IN_USE"));
    let last = two
        .client("person:marit")
        .publish_report(publishing("publish-3", question(&["de-wilg"], "2030-01-15")))
        .await
        .unwrap()
        .into_inner();
    let json: serde_json::Value = serde_json::from_slice(&last.report.unwrap().json).unwrap();
    assert_eq!(json["changes"]["since_known_on"], "2029-06-01");
    assert_eq!(json["changes"]["since_status"], "voorlopig");
    let listed =
        one.client("organisation:gemeente-wilgenmeer").list_reports(ListReportsRequest::default()).await;
    let reports = listed.unwrap().into_inner().reports;
    let seen: Vec<_> = reports
        .iter()
        .map(|report| match report.change.as_ref().unwrap() {
            report_event::Change::Published(published) => (published.known_on.clone(), published.status()),
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("2030-01-15".into(), event::ReportStatus::Definitief),
            ("2029-06-01".into(), event::ReportStatus::Voorlopig)
        ]
    );
    let Some(report_event::Change::Published(published)) = &reports[1].change else { panic!("{reports:?}") };
    assert_eq!(published.fingerprint, voordeur_vault::sha256(&published.published_json).to_vec());
    assert_eq!(published.published_json, first.report.unwrap().json);
    assert_eq!(reports[0].meta.as_ref().unwrap().ordinal, 2);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_would_tell_about_a_few_children_is_not_published() {
    let mut place = Place::in_memory();
    place.year(1, 60, "de-wilg", 2027).await;
    place.year(500, 6, "de-eik", 2027).await;
    let replica = place.replica().await;
    let publish = async |key: &str, question| {
        replica.client("person:eva").publish_report(publishing(key, question)).await
    };
    let small = publish("publish-eik", question(&["de-eik"], "2029-12-31")).await.unwrap_err();
    assert_eq!((small.code(), reason(&small).as_str()), (Code::FailedPrecondition, "TOO_SMALL"));
    publish("publish-wilg", question(&["de-wilg"], "2029-12-31")).await.unwrap();
    let all = ReportQuestion { municipality: "9999".into(), ..question(&[], "2029-12-31") };
    let close = publish("publish-all", all).await.unwrap_err();
    assert_eq!((close.code(), reason(&close).as_str()), (Code::FailedPrecondition, "GIVES_AWAY"));
    assert!(close.message().contains("take the centres"), "{}", close.message());
    let early = publish("publish-early", question(&["de-wilg"], "2028-12-31")).await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "TOO_EARLY"));
    assert!(early.message().contains("2029-03-30"), "{}", early.message());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_may_ask_and_every_fault_at_once() {
    let place = Place::in_memory();
    let replica = place.replica().await;
    let asked = || question(&["de-wilg"], "");
    for (who, expected) in [
        ("operator", "COORDINATOR_ONLY"),
        ("organisation:gemeente-wilgenmeer", "COORDINATOR_ONLY"),
        ("person:noor", "COORDINATOR_ONLY"),
        ("person:niemand", "UNKNOWN_PERSON"),
    ] {
        let status = make(&replica, who, asked()).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, expected), "{who}");
    }
    let status = make(&replica, "person:marit", question(&["de-eik"], "")).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_YOUR_CENTRE");
    let wrong = ReportQuestion {
        period: Some(DateRange { from: "2027-02-30".into(), until: String::new() }),
        centres: vec!["nergens".into()],
        known_on: "2031-01-01".into(),
        population_csv: b"centre\n".to_vec().into(),
        ..Default::default()
    };
    let status = make(&replica, "person:eva", wrong).await.unwrap_err();
    let fields: Vec<_> = status
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .into_iter()
        .map(|violation| violation.field)
        .collect();
    assert_eq!(
        fields,
        [
            "question.period.from",
            "question.period.until",
            "question.known_on",
            "question.centres",
            "question.population_csv",
            "question.population_csv",
        ]
    );
    let empty = make(&replica, "person:eva", asked()).await.unwrap();
    assert!(empty.text.contains("TUSSENSTAND") || empty.text.contains("DEFINITIEF"), "{}", empty.text);
    assert!(empty.plots.is_empty());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_municipality_sees_what_was_published_and_others_do_not() {
    let mut place = Place::in_memory();
    place.year(1, 60, "de-wilg", 2027).await;
    let replica = place.replica().await;
    let published = publishing("publish-wilg", question(&["de-wilg"], "2029-12-31"));
    replica.client("person:eva").publish_report(published).await.unwrap();
    for (who, seen) in [
        ("organisation:gemeente-wilgenmeer", 1),
        ("organisation:basisschool-de-wilg", 1),
        ("person:wijkteam-wilgenmeer", 1),
        ("person:noor", 1),
        ("organisation:jgz-wilgenmeer", 0),
        ("operator", 0),
    ] {
        let reply =
            replica.client(who).list_reports(ListReportsRequest::default()).await.unwrap().into_inner();
        assert_eq!(reply.reports.len(), seen, "{who}");
    }
    let elsewhere = ListReportsRequest { centre: "de-eik".into(), ..Default::default() };
    assert!(
        replica.client("person:eva").list_reports(elsewhere).await.unwrap().into_inner().reports.is_empty()
    );
    replica.stop().await;
}

#[tokio::test]
async fn two_replicas_on_a_real_broker_say_the_same_bytes() {
    let server = NatsServer::start().await;
    let broker = server.broker().await;
    broker.apply(soon()).await.unwrap();
    let mut place = Place::on(Arc::new(broker));
    place.year(1, 60, "de-wilg", 2027).await;
    place.year(200, 60, "de-wilg", 2026).await;
    let (one, two) = (place.replica().await, place.replica().await);
    let asked = || {
        let file = "centre,from,until,children\nde-wilg,2027-01-01,2027-12-31,900\n";
        ReportQuestion {
            population_csv: file.as_bytes().to_vec().into(),
            ..question(&["de-wilg"], "2029-12-31")
        }
    };
    let (a, b) = (
        make(&one, "person:eva", asked()).await.unwrap(),
        make(&two, "person:marit", asked()).await.unwrap(),
    );
    assert!(a.json.len() > 10_000);
    assert_eq!((&a.json, &a.text, &a.csv, &a.plots), (&b.json, &b.text, &b.csv, &b.plots));
    let published = one.client("person:eva").publish_report(publishing("publish-1", asked())).await.unwrap();
    assert_eq!(published.into_inner().report.unwrap().json, a.json);
    let known = two
        .client("person:marit")
        .publish_report(publishing("publish-2", asked()))
        .await
        .unwrap()
        .into_inner();
    assert!(known.known && known.report.unwrap().json == a.json);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_replica_makes_one_report_at_a_time() {
    let server = NatsServer::start().await;
    let broker = server.broker().await;
    broker.apply(soon()).await.unwrap();
    let mut place = Place::on(Arc::new(broker));
    place.year(1, 40, "de-wilg", 2027).await;
    let replica = place.replica().await;
    let asked = || make(&replica, "person:eva", question(&["de-wilg"], "2029-12-31"));
    let (one, two) = tokio::join!(asked(), asked());
    let busy: Vec<_> = [&one, &two].into_iter().filter_map(|made| made.as_ref().err()).collect();
    assert_eq!(busy.len(), 1);
    assert_eq!((busy[0].code(), reason(busy[0]).as_str()), (Code::ResourceExhausted, "REPORT_RUNNING"));
    assert!(asked().await.is_ok());
    replica.stop().await;
}
