//! One signal, lists, and who may read an answer.

use tonic::Code;
use voordeur_contracts::{
    common::{CommandContext, Position, SafetyLevel, SubjectKind, TextPurpose},
    event::{AnswerStatus, AuditObjectType, AuditOutcome, Helped},
    intake::{
        AcknowledgeAnswerRequest, GetSignalRequest, ListSignalsRequest, SealTextRequest, SignalStatus,
        get_signal_request::Signal as Which,
    },
};

use voordeur_testkit::eventually;

use crate::world::{SOON, Step, World, about_child, acute, by_id, consult, fields, guidance, reason};

fn by_reference(reference: &str) -> GetSignalRequest {
    GetSignalRequest { signal: Some(Which::ClientReference(reference.to_owned())), ..Default::default() }
}

#[tokio::test]
async fn a_signal_is_found_by_its_id_and_by_its_reference_and_only_by_its_own_organisation() {
    let world = World::new().await;
    let signal = world.submit(acute(about_child("zorg-1"))).await;
    for request in [by_id(signal), by_reference("zorg-1")] {
        let found = world.school().get_signal(request.clone()).await.unwrap().into_inner();
        let shown = found.signal.unwrap();
        assert_eq!(shown.signal_id, signal.to_string());
        assert_eq!((shown.subject(), shown.safety()), (SubjectKind::Child, SafetyLevel::Acute));
        assert_eq!(
            (shown.status(), shown.centre.as_str(), shown.version),
            (SignalStatus::Received, "de-wilg", 1)
        );
        assert!(found.answer.is_none());
        let mut other = world.replica.intake("organisation:opvang-a");
        assert_eq!(other.get_signal(request).await.unwrap_err().code(), Code::NotFound);
    }
    let nothing = world.school().get_signal(by_reference("zorg-2")).await.unwrap_err();
    assert_eq!(nothing.code(), Code::NotFound);
    let bad = GetSignalRequest { signal: Some(Which::SignalId("sig_1".into())), ..Default::default() };
    assert_eq!(fields(&world.school().get_signal(bad).await.unwrap_err()), ["signal_id"]);
    let none = world.school().get_signal(GetSignalRequest::default()).await.unwrap_err();
    assert_eq!(fields(&none), ["signal"]);
}

#[tokio::test]
async fn an_answered_signal_leaves_memory_and_is_still_there_for_its_asker() {
    let world = World::new().await;
    let signal = world.submit(acute(consult("zorg-1"))).await;
    assert_eq!(world.replica.in_memory(), 1);
    world.answer(signal, "Ga eerst een week observeren.").await;
    world.has_status(signal, SignalStatus::Answered).await;
    eventually("it left memory", SOON, || async {
        let left = world.replica.in_memory();
        if left == 0 { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
    let request = GetSignalRequest { asker_local_id: "bo-7".to_owned(), ..by_reference("zorg-1") };
    let found = world.school().get_signal(request.clone()).await.unwrap().into_inner();
    assert_eq!(found.answer.unwrap().advice, "Ga eerst een week observeren.");
    assert!(found.guidance.is_some());
    // Nobody can tell any more how safe it was before it was looked up: guidance goes before certainty.
    let foreign = Position { stream: "TASKS".to_owned(), ..Position::default() };
    let foreign = GetSignalRequest { at_least: Some(foreign), ..request };
    assert!(guidance(&world.school().get_signal(foreign).await.unwrap_err()).is_some());
    let heard = AcknowledgeAnswerRequest {
        signal_id: signal.to_string(),
        command: Some(CommandContext { idempotency_key: "sleutel-1".to_owned(), seen_version: 1 }),
        helped: Helped::Yes.into(),
        certainty_now: None,
    };
    world.school().acknowledge_answer(heard).await.unwrap();
    assert_eq!(world.signals().len(), 4);
}

#[tokio::test]
async fn a_read_that_cannot_tell_how_safe_a_child_is_shows_guidance() {
    let world = World::new().await;
    let signal = world.submit(acute(consult("zorg-1"))).await;
    world.answer(signal, "Ga eerst een week observeren.").await;
    world.has_status(signal, SignalStatus::Answered).await;
    eventually("it left memory", SOON, || async {
        if world.replica.in_memory() == 0 { Ok(()) } else { Err("not yet") }
    })
    .await;
    world.broker.set_available(false);
    let mut get = tonic::Request::new(by_id(signal));
    get.set_timeout(std::time::Duration::from_millis(400));
    assert!(guidance(&world.school().get_signal(get).await.unwrap_err()).is_some());
    let mut heard = tonic::Request::new(AcknowledgeAnswerRequest {
        signal_id: signal.to_string(),
        command: Some(CommandContext { idempotency_key: "sleutel-1".to_owned(), seen_version: 0 }),
        helped: Helped::Yes.into(),
        certainty_now: None,
    });
    heard.set_timeout(std::time::Duration::from_millis(400));
    assert!(guidance(&world.school().acknowledge_answer(heard).await.unwrap_err()).is_some());
}

#[tokio::test]
async fn an_advice_that_does_not_open_does_not_keep_the_status_from_its_asker() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    world.route(signal, Step::requested("noor")).await;
    let seal = SealTextRequest {
        task_id: world.task(signal).to_string(),
        purpose: TextPurpose::Answer.into(),
        text: "Ga eerst een week observeren.".to_owned(),
        idempotency_key: String::new(),
        centre: String::new(),
    };
    let mut sealed = world.person("noor").seal_text(seal).await.unwrap().into_inner().sealed.unwrap();
    // Routing takes what looks like a sealed text; only the vault can tell that it is none.
    let mut bytes = sealed.r#box.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    sealed.r#box = bytes.into();
    world.route(signal, Step::answered("noor", Some(sealed))).await;
    world.has_status(signal, SignalStatus::Answered).await;
    let request = GetSignalRequest { asker_local_id: "bo-7".to_owned(), ..by_reference("zorg-1") };
    let found = world.school().get_signal(request).await.unwrap().into_inner().answer.unwrap();
    assert_eq!((found.status(), found.advice.as_str()), (AnswerStatus::AdviceGiven, ""));
}

#[tokio::test]
async fn a_read_waits_for_the_position_that_it_names_and_refuses_a_foreign_one() {
    let world = World::new().await;
    let receipt = world.school().submit_signal(consult("zorg-1")).await.unwrap().into_inner();
    let mut request = by_reference("zorg-1");
    request.at_least = receipt.position.clone();
    world.school().get_signal(request.clone()).await.unwrap();
    let position = receipt.position.unwrap();
    for foreign in [
        Position { stream: "TASKS".to_owned(), ..position.clone() },
        Position { stream: "NOTHING".to_owned(), ..position.clone() },
        Position { incarnation: "another".to_owned(), ..position.clone() },
    ] {
        request.at_least = Some(foreign);
        assert_eq!(fields(&world.school().get_signal(request.clone()).await.unwrap_err()), ["at_least"]);
    }
    request.at_least = Some(Position { sequence: 1_000, ..position });
    let mut late = tonic::Request::new(request);
    late.set_timeout(std::time::Duration::from_millis(300));
    assert_eq!(world.school().get_signal(late).await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn an_answer_is_read_by_who_asked_and_every_look_is_on_record() {
    let world = World::new().await;
    let signal = world.submit(about_child("zorg-1")).await;
    world.answer(signal, "Kondig de overgang vijf minuten van tevoren aan.").await;
    world.has_status(signal, SignalStatus::Answered).await;
    let ask = |who: &str| GetSignalRequest { asker_local_id: who.to_owned(), ..by_id(signal) };

    let anybody = world.school().get_signal(by_id(signal)).await.unwrap().into_inner();
    assert_eq!(anybody.answer.unwrap().advice, "", "the organisation hears the status only");
    assert!(world.audit().is_empty());
    for asker in ["bo-7", "anke-2"] {
        let answer = world.school().get_signal(ask(asker)).await.unwrap().into_inner().answer.unwrap();
        assert_eq!(answer.advice, "Kondig de overgang vijf minuten van tevoren aan.");
    }
    let status = world.school().get_signal(ask("kees-1")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "NOT_AN_ASKER"));

    let audit = world.audit();
    let outcomes: Vec<_> = audit.iter().map(|look| look.event_outcome_indicator()).collect();
    assert_eq!(outcomes, [AuditOutcome::Success, AuditOutcome::Success, AuditOutcome::Refused]);
    assert_eq!(audit[0].participant_object_id_type(), AuditObjectType::Signal);
    assert_eq!((audit[0].alternate_user_id.len(), audit[0].data_subject_id.len()), (16, 16));
    assert_ne!(audit[0].alternate_user_id, audit[1].alternate_user_id);
}

#[tokio::test]
async fn an_answer_whose_text_was_erased_keeps_its_status() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    world.answer(signal, "Advies").await;
    world.has_status(signal, SignalStatus::Answered).await;
    let bucket = voordeur_eventlog::Broker::bucket(&world.broker, voordeur_eventlog::BucketName::Keys);
    for key in world.keys_of("dek/").await {
        bucket.purge(&key, crate::world::deadline()).await.unwrap();
    }
    let request = GetSignalRequest { asker_local_id: "bo-7".to_owned(), ..by_id(signal) };
    let answer = world.school().get_signal(request).await.unwrap().into_inner().answer.unwrap();
    assert_eq!((answer.status, answer.advice.as_str()), (2, ""));
}

#[tokio::test]
async fn a_list_is_newest_first_in_pages_that_stay_put() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(world.submit(consult(&format!("zorg-{number}"))).await.to_string());
    }
    let mut other = world.replica.intake("organisation:opvang-a");
    other.submit_signal(consult("zorg-0")).await.unwrap();
    ids.reverse();
    let receipt = world.school().submit_signal(consult("zorg-4")).await.unwrap().into_inner();
    let page = |token: &str, size: u32| ListSignalsRequest {
        page_size: size,
        page_token: token.to_owned(),
        at_least: receipt.position.clone(),
        ..Default::default()
    };
    let first = world.school().list_signals(page("", 2)).await.unwrap().into_inner();
    // What comes in between does not move the pages.
    world.submit(consult("zorg-9")).await;
    let mut seen: Vec<_> = first.signals.into_iter().map(|signal| signal.signal_id).collect();
    let mut token = first.next_page_token;
    while !token.is_empty() {
        let next = world.school().list_signals(page(&token, 2)).await.unwrap().into_inner();
        seen.extend(next.signals.into_iter().map(|signal| signal.signal_id));
        token = next.next_page_token;
    }
    assert_eq!(seen, ids);
    for (request, field) in [
        (page("onzin", 2), "page_token"),
        (page("", 501), "page_size"),
        (ListSignalsRequest { statuses: vec![9], ..page("", 1) }, "statuses[0]"),
    ] {
        assert_eq!(fields(&world.school().list_signals(request).await.unwrap_err()), [field]);
    }
}

#[tokio::test]
async fn a_list_shows_closed_signals_too_and_can_be_narrowed() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    let routed = world.submit(consult("zorg-2")).await;
    world.route(routed, Step::requested("noor")).await;
    world.has_status(routed, SignalStatus::Routed).await;
    let list =
        |status: SignalStatus| ListSignalsRequest { statuses: vec![status.into()], ..Default::default() };
    let received = world.school().list_signals(list(SignalStatus::Received)).await.unwrap().into_inner();
    assert_eq!(received.signals.len(), 1);
    assert_eq!(received.signals[0].signal_id, signal.to_string());
    let all = world.school().list_signals(ListSignalsRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.signals.len(), 2);
}
