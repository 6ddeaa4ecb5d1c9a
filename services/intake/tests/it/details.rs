//! Sealing and opening, and the record that comes first.

use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    common::{Role, SealedText, TextPurpose, actor::Who},
    event::{
        ActivityCorrected, ActivityEvent, ActivityNoted, AuditAction, AuditEventType, AuditObjectType,
        AuditOutcome, activity_event, task_trigger::Source,
    },
    intake::{BreakGlass, RevealDetailsRequest, SealTextRequest, SignalStatus},
};
use voordeur_eventlog::{Broker as _, Commit, StreamName, Subject, Version};
use voordeur_kernel::{CommitId, SignalId, TaskId};

use crate::world::{DIRECTORY, Step, World, about_child, apply, consult, deadline, fields, reason};

fn reveal(world: &World, signal: SignalId, emergency: &str) -> RevealDetailsRequest {
    RevealDetailsRequest {
        task_id: world.task(signal).to_string(),
        break_glass: (!emergency.is_empty()).then(|| BreakGlass { reason: emergency.to_owned() }),
    }
}

async fn held_by(world: &World, holder: &str) -> SignalId {
    let signal = world.submit(about_child("zorg-1")).await;
    world.route(signal, Step::requested(holder)).await;
    signal
}

#[tokio::test]
async fn the_holder_reads_what_was_written_and_it_is_on_record_first() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let reply = world.person("noor").reveal_details(reveal(&world, signal, "")).await.unwrap().into_inner();
    let details = reply.details.unwrap();
    assert_eq!(details.child_name, "Mees van Dijk");
    assert_eq!(details.text, "Hoe begeleid ik de overgang naar buiten?");
    assert_eq!(details.signaller.unwrap().name, "Juf Bo");
    assert!(!reply.emergency && reply.signal_id == signal.to_string());

    let stored = world.stored(StreamName::Audit);
    let subject = format!("voordeur.audit.v1.intake.{}", world.task(signal).to_hex());
    assert_eq!((stored.len(), stored[0].subject.as_str()), (1, subject.as_str()));
    let look = world.audit().remove(0);
    assert_eq!(
        (look.event_action_code(), look.event_outcome_indicator()),
        (AuditAction::R, AuditOutcome::Success)
    );
    assert_eq!((look.event_type_code(), look.event_id.as_str()), (AuditEventType::Normal, "reveal-details"));
    assert_eq!(look.participant_object_id_type(), AuditObjectType::Task);
    assert_eq!(look.participant_object_id.as_ref(), world.task(signal).as_bytes());
    assert_eq!(look.data_subject_id.len(), 16);
    let Some(Who::Person(person)) = look.user.unwrap().who else { panic!() };
    assert_eq!((person.key.as_str(), person.role()), ("noor", Role::Professional));
    let controls = look.controles.unwrap();
    assert!(controls.autorisatie && controls.behandelrelatie && controls.toestemming && !controls.noodknop);
    assert_eq!(look.toestemmings_profiel, "toestemming");
    assert!(look.event_date_time.is_some());
}

#[tokio::test]
async fn who_looks_twice_is_on_record_twice() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let mut looks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut client, request) = (world.person("noor"), reveal(&world, signal, ""));
        looks.spawn(async move { client.reveal_details(request).await.map(|_| ()) });
    }
    assert!(looks.join_all().await.into_iter().all(|look| look.is_ok()));
    assert_eq!(world.audit().len(), 8);
}

#[tokio::test]
async fn nothing_is_shown_when_it_cannot_be_put_on_record() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    world.broker.limit(StreamName::Audit, 1);
    let status = world.person("noor").reveal_details(reveal(&world, signal, "")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(world.audit().is_empty());
}

#[tokio::test]
async fn somebody_of_a_neighbour_reads_what_she_holds_by_an_arrangement_and_nothing_else() {
    let world = World::new().await;
    let signal = held_by(&world, "buur").await;
    let refused = world.person("buur").reveal_details(reveal(&world, signal, "")).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_AT_THIS_CENTRE", "without an arrangement");
    let arrangement = "\n[[arrangement]]\ncentre = \"de-wilg\"\nneighbour = \"de-els\"\nfrom = 2026-01-01\n";
    apply(&world.broker, &format!("{DIRECTORY}{arrangement}"), 1).await;
    // A replica that starts has the newest directory.
    let replica = world.another().await;
    let buur = || replica.details("person:buur");
    buur().reveal_details(reveal(&world, signal, "")).await.unwrap();
    world.route(signal, Step::requested("noor")).await;
    let refused = buur().reveal_details(reveal(&world, signal, "")).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_AT_THIS_CENTRE", "it is somebody else's now");
}

#[tokio::test]
async fn the_coordinator_reads_while_nobody_holds_it_and_everybody_else_is_refused_on_record() {
    let world = World::new().await;
    let signal = held_by(&world, "").await;
    world.person("marit").reveal_details(reveal(&world, signal, "")).await.unwrap();
    world
        .route(
            signal,
            Step { state: voordeur_contracts::event::TaskState::Accepted, ..Step::requested("noor") },
        )
        .await;
    for (person, why) in
        [("marit", "NOT_THE_HOLDER"), ("sam", "NOT_THE_HOLDER"), ("buur", "NOT_AT_THIS_CENTRE")]
    {
        let status = world.person(person).reveal_details(reveal(&world, signal, "")).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, why), "{person}");
    }
    let outcomes: Vec<_> = world.audit().iter().map(|look| look.event_outcome_indicator()).collect();
    assert_eq!(outcomes[0], AuditOutcome::Success);
    assert_eq!(outcomes[1..], [AuditOutcome::Refused; 3]);
    for identity in ["person:ib-anke", "person:nobody", "organisation:school-a", "operator"] {
        let status =
            world.replica.details(identity).reveal_details(reveal(&world, signal, "")).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{identity}");
    }
}

#[tokio::test]
async fn in_an_emergency_a_colleague_reads_with_a_reason_that_is_kept_sealed_and_not_too_often() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let short = world.person("sam").reveal_details(reveal(&world, signal, "kort")).await.unwrap_err();
    assert_eq!(fields(&short), ["break_glass.reason"]);
    let why = "Noor is ziek en moeder staat aan de deur";
    for _ in 0..2 {
        let reply =
            world.person("sam").reveal_details(reveal(&world, signal, why)).await.unwrap().into_inner();
        assert!(reply.emergency && reply.details.is_some());
    }
    let status = world.person("sam").reveal_details(reveal(&world, signal, why)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "TOO_MANY_EMERGENCIES"));
    world.clock.advance(jiff::SignedDuration::from_mins(61));
    world.person("sam").reveal_details(reveal(&world, signal, why)).await.unwrap();
    let audit = world.audit();
    assert_eq!(audit.len(), 4);
    assert_eq!(audit[2].event_outcome_indicator(), AuditOutcome::Refused);
    for look in &audit {
        assert_eq!(look.event_type_code(), AuditEventType::Emergency);
        assert!(look.controles.as_ref().unwrap().noodknop);
        assert_eq!(look.reason.as_ref().unwrap().purpose(), TextPurpose::BreakGlassReason);
    }
    let stored = world.stored(StreamName::Audit);
    assert!(stored.iter().all(|m| !String::from_utf8_lossy(&m.data).contains("moeder")));
    let other = world.person("buur").reveal_details(reveal(&world, signal, why)).await.unwrap_err();
    assert_eq!(reason(&other), "NOT_AT_THIS_CENTRE");
}

#[tokio::test]
async fn who_goes_on_with_work_that_had_ended_reads_what_was_written_then() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let (more, again) = (TaskId::from_bytes([70; 16]), TaskId::from_bytes([71; 16]));
    let earlier = |task: TaskId| Source::EarlierTask(task.as_bytes().to_vec().into());
    world.step(more, earlier(world.task(signal)), Step::requested("sam")).await;
    world.step(again, earlier(more), Step::requested("sam")).await;
    let request = |task: TaskId| RevealDetailsRequest { task_id: task.to_string(), break_glass: None };
    for task in [more, again] {
        let shown = world.person("sam").reveal_details(request(task)).await.unwrap().into_inner();
        assert_eq!(shown.details.unwrap().child_name, "Mees van Dijk");
        // The one who held the work before does not hold this.
        let refused = world.person("noor").reveal_details(request(task)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let looks = world.audit();
    assert!(looks.iter().all(|look| look.data_subject_id.len() == 16));
    assert_eq!(looks.last().unwrap().participant_object_id.as_ref(), again.as_bytes());

    let nowhere = TaskId::from_bytes([72; 16]);
    world.step(nowhere, earlier(nowhere), Step::requested("sam")).await;
    let status = world.person("sam").reveal_details(request(nowhere)).await.unwrap_err();
    assert_eq!(reason(&status), "NO_DETAILS", "what goes round in a circle ends");
}

#[tokio::test]
async fn a_void_task_shows_nothing() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    world.route(signal, Step::cancelled("noor")).await;
    let status = world.person("noor").reveal_details(reveal(&world, signal, "")).await.unwrap_err();
    assert_eq!(reason(&status), "TASK_CLOSED");
}

#[tokio::test]
async fn a_text_that_was_erased_says_so() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let bucket = voordeur_eventlog::Broker::bucket(&world.broker, voordeur_eventlog::BucketName::Keys);
    for key in world.keys_of("dek/").await {
        bucket.purge(&key, crate::world::deadline()).await.unwrap();
    }
    let status = world.person("noor").reveal_details(reveal(&world, signal, "")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "ERASED"));
}

#[tokio::test]
async fn a_text_is_sealed_the_same_way_for_the_same_act_and_stored_nowhere() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let request = |key: &str, text: &str| SealTextRequest {
        task_id: world.task(signal).to_string(),
        purpose: TextPurpose::Answer.into(),
        text: text.to_owned(),
        idempotency_key: key.to_owned(),
        centre: String::new(),
    };
    let seal = async |key: &str, text: &str| {
        world.person("noor").seal_text(request(key, text)).await.unwrap().into_inner().sealed.unwrap()
    };
    let first = seal("sleutel-1", "Probeer het eerst samen.").await;
    assert_eq!(first, seal("sleutel-1", "Probeer het eerst samen.").await);
    assert_ne!(first, seal("sleutel-2", "Probeer het eerst samen.").await);
    assert_ne!(first, seal("sleutel-1", "Iets anders.").await);
    assert_eq!(first.owner.as_ref(), world.task(signal).as_bytes());
    assert!(!String::from_utf8_lossy(&first.r#box).contains("samen"));
}

#[tokio::test]
async fn what_may_not_be_sealed_is_refused_with_every_fault() {
    let world = World::new().await;
    let signal = held_by(&world, "noor").await;
    let good = SealTextRequest {
        task_id: world.task(signal).to_string(),
        purpose: TextPurpose::Note.into(),
        text: "Gebeld.".to_owned(),
        idempotency_key: String::new(),
        centre: String::new(),
    };
    let bad = SealTextRequest {
        task_id: "tsk_1".to_owned(),
        purpose: TextPurpose::SignalDetails.into(),
        text: "BSN 999900006".to_owned(),
        idempotency_key: "kort".to_owned(),
        centre: String::new(),
    };
    let status = world.person("noor").seal_text(bad).await.unwrap_err();
    assert_eq!(fields(&status), ["task_id", "purpose", "text", "idempotency_key"]);
    for (text, why) in [("", "REQUIRED"), ("a\u{0}", "CONTROL_CHARACTERS"), (&*"x".repeat(4_001), "TOO_LONG")]
    {
        let request = SealTextRequest { text: text.to_owned(), ..good.clone() };
        assert_eq!(reason(&world.person("noor").seal_text(request).await.unwrap_err()), why);
    }
    let unknown =
        SealTextRequest { task_id: world.task(SignalId::from_bytes([1; 16])).to_string(), ..good.clone() };
    assert_eq!(world.person("noor").seal_text(unknown).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(world.person("buur").seal_text(good.clone()).await.unwrap_err().code(), Code::NotFound);
    let known = SealTextRequest { text: "Opvang 999990019".to_owned(), ..good };
    world.person("noor").seal_text(known).await.unwrap();
}

#[tokio::test]
async fn two_signals_have_each_their_own_key() {
    let world = World::new().await;
    world.submit(consult("zorg-1")).await;
    let signal = world.submit(consult("zorg-2")).await;
    world.has_status(signal, SignalStatus::Received).await;
    let keys: Vec<_> = world
        .signals()
        .into_iter()
        .map(|event| match event.change {
            Some(voordeur_contracts::event::signal_event::Change::Received(received)) => {
                received.details.unwrap().key_id
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_ne!(keys[0], keys[1]);
}

/// An activity with a step that was sealed for its centre, as escalation would store it.
async fn noted(world: &World, activity: u8, agreed_step: Option<SealedText>, instead: bool) {
    let noted = ActivityNoted { activity: vec![activity; 16].into(), agreed_step, ..Default::default() };
    let change = if instead {
        let activity = vec![activity; 16].into();
        activity_event::Change::Corrected(ActivityCorrected { activity, void: false, instead: Some(noted) })
    } else {
        activity_event::Change::Noted(noted)
    };
    let event = ActivityEvent { change: Some(change), ..Default::default() };
    let subject = Subject::parse("voordeur.activity.v1.de-wilg").unwrap();
    let log = world.broker.log(StreamName::Episodes);
    let history = log.history(&subject, 0, deadline()).await.unwrap();
    let version = history.last().map_or(Version::ABSENT, |last| Version(last.sequence));
    let commit = Commit {
        id: CommitId::from_bytes([100 + u8::try_from(history.len()).unwrap(); 16]),
        kind: "nl.voordeur.activity.v1",
        source: "voordeur/escalation",
        time: voordeur_kernel::Clock::now(&world.clock),
        data: event.encode_to_vec().into(),
        trace: Vec::new(),
        urgent: false,
    };
    log.append(&subject, version, commit, deadline()).await.unwrap();
}

#[tokio::test]
async fn an_agreed_step_is_sealed_for_its_centre_and_opens_behind_the_task_of_its_look_back() {
    let world = World::new().await;
    let seal = |centre: &str, purpose: TextPurpose, text: &str| SealTextRequest {
        centre: centre.to_owned(),
        purpose: purpose.into(),
        text: text.to_owned(),
        ..Default::default()
    };
    let mut noor = world.person("noor");
    let sealed = |text: &'static str| seal("de-wilg", TextPurpose::Note, text);
    let first = noor.seal_text(sealed("Elke ochtend samen openen.")).await.unwrap().into_inner().sealed;
    let better = noor.seal_text(sealed("Elke dag samen openen.")).await.unwrap().into_inner().sealed;
    noted(&world, 7, first, false).await;
    noted(&world, 8, None, false).await;
    noted(&world, 7, better, true).await;
    // A correction that says nothing of it leaves it as it was.
    noted(&world, 7, None, true).await;

    let task = TaskId::from_bytes([60; 16]);
    world.step(task, Source::Activity(vec![7; 16].into()), Step::requested("noor")).await;
    let request = RevealDetailsRequest { task_id: task.to_string(), break_glass: None };
    let shown = noor.reveal_details(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (shown.agreed_step.as_str(), shown.details, shown.emergency),
        ("Elke dag samen openen.", None, false)
    );
    let refused = world.person("sam").reveal_details(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let outcomes: Vec<_> = world.audit().iter().map(|look| look.event_outcome_indicator()).collect();
    assert_eq!(outcomes, [AuditOutcome::Success, AuditOutcome::Refused]);
    assert!(world.audit()[0].data_subject_id.is_empty(), "there is no child in it");

    let without = TaskId::from_bytes([61; 16]);
    world.step(without, Source::Activity(vec![8; 16].into()), Step::requested("noor")).await;
    let request = RevealDetailsRequest { task_id: without.to_string(), break_glass: None };
    assert_eq!(reason(&noor.reveal_details(request).await.unwrap_err()), "NO_DETAILS");

    let elsewhere = noor.seal_text(seal("elders", TextPurpose::Note, "Tekst.")).await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::NotFound);
    let answer = noor.seal_text(seal("de-wilg", TextPurpose::Answer, "Tekst.")).await.unwrap_err();
    assert_eq!(fields(&answer), ["purpose"]);
    let both = SealTextRequest { task_id: task.to_string(), ..seal("de-wilg", TextPurpose::Note, "Tekst.") };
    assert_eq!(fields(&noor.seal_text(both).await.unwrap_err()), ["centre"]);
    let neither = SealTextRequest { centre: String::new(), ..seal("", TextPurpose::Note, "Tekst.") };
    assert_eq!(fields(&noor.seal_text(neither).await.unwrap_err()), ["task_id"]);
}
