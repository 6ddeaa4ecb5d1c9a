//! The path of a safety signal.

use tonic::Code;
use voordeur_contracts::{
    common::{CommandContext, Position, SafetyLevel, SubjectKind},
    event::{WithdrawReason, signal_event::Change},
    intake::{
        CentreReference, GuidanceKind, ListSignalsRequest, OnDuty, RevealDetailsRequest, SubmitSignalRequest,
        WithdrawSignalRequest, centre_reference::Reference,
    },
};
use voordeur_eventlog::StreamName;

use crate::world::{Step, World, about_child, acute, by_id, consult, fields, guidance, reason};

fn withdraw(signal: &str, key: &str, reason: WithdrawReason) -> WithdrawSignalRequest {
    WithdrawSignalRequest {
        signal_id: signal.to_owned(),
        command: Some(CommandContext { idempotency_key: key.to_owned(), seen_version: 0 }),
        reason: reason.into(),
    }
}

#[tokio::test]
async fn every_reply_about_a_safety_signal_carries_its_guidance_errors_included() {
    let world = World::new().await;
    let receipt = world.school().submit_signal(acute(consult("nood-1"))).await.unwrap().into_inner();
    let shown = receipt.guidance.unwrap();
    assert_eq!((shown.kind(), shown.on_duty()), (GuidanceKind::Safety, OnDuty::Yes));
    let text = shown.lines.join("\n");
    for needed in [
        "112",
        "0800-2000",
        "dag en nacht",
        "zonder een naam",
        "Petra, kamer 1.04",
        "meldcode niet",
        "niets gemeld",
    ] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
    let again = world.school().submit_signal(acute(consult("nood-1"))).await.unwrap().into_inner();
    assert!(again.already_known && again.guidance.is_some());

    let id = receipt.signal_id.parse().unwrap();
    assert!(world.school().get_signal(by_id(id)).await.unwrap().into_inner().guidance.is_some());
    let mut foreign = by_id(id);
    foreign.at_least = Some(Position { stream: "TASKS".to_owned(), ..Position::default() });
    assert!(guidance(&world.school().get_signal(foreign).await.unwrap_err()).is_some());
    let bad =
        world.school().withdraw_signal(withdraw(&receipt.signal_id, "kort", WithdrawReason::Solved)).await;
    assert!(guidance(&bad.unwrap_err()).is_some());
    let bad = world
        .school()
        .withdraw_signal(withdraw(&receipt.signal_id, "sleutel-1", WithdrawReason::Unspecified))
        .await;
    assert!(guidance(&bad.unwrap_err()).is_some());
    let done = world
        .school()
        .withdraw_signal(withdraw(&receipt.signal_id, "sleutel-1", WithdrawReason::Solved))
        .await;
    assert!(done.unwrap().into_inner().guidance.is_some());
}

#[tokio::test]
async fn errors_of_submission_carry_it_too() {
    let world = World::new().await;
    let centre = |key: &str| Some(CentreReference { reference: Some(Reference::Key(key.to_owned())) });
    for (identity, request, code, on_duty) in [
        (
            "organisation:school-a",
            SubmitSignalRequest { centre: centre("de-els"), ..acute(consult("nood-1")) },
            Code::InvalidArgument,
            OnDuty::Yes,
        ),
        ("organisation:school-z", acute(consult("nood-1")), Code::PermissionDenied, OnDuty::Yes),
        ("person:noor", acute(consult("nood-1")), Code::PermissionDenied, OnDuty::Yes),
    ] {
        let status = world.replica.intake(identity).submit_signal(request).await.unwrap_err();
        let shown = guidance(&status).unwrap();
        assert_eq!((status.code(), shown.on_duty()), (code, on_duty));
        assert!(status.details().len() < 6_000, "it fits in a header");
    }
    world.broker.set_available(false);
    let mut request = tonic::Request::new(acute(about_child("nood-2")));
    request.set_timeout(std::time::Duration::from_millis(400));
    let status = world.school().submit_signal(request).await.unwrap_err();
    assert!(guidance(&status).is_some(), "{status:?}");
    assert!(world.stored(StreamName::Signals).is_empty());
}

#[tokio::test]
async fn a_wrong_name_of_the_only_centre_sends_nobody_away() {
    let world = World::new().await;
    let centre = Some(CentreReference { reference: Some(Reference::Key("nergens".to_owned())) });
    let request = SubmitSignalRequest { centre, ..acute(consult("nood-1")) };
    let receipt = world.school().submit_signal(request).await.unwrap().into_inner();
    assert_eq!(receipt.waived_fields, ["centre"]);
    assert_eq!(receipt.guidance.unwrap().on_duty(), OnDuty::Yes);
    assert_eq!(world.stored(StreamName::Signals).len(), 1);
}

#[tokio::test]
async fn outside_the_roster_nobody_is_promised() {
    let world = World::new().await;
    world.clock.advance(jiff::SignedDuration::from_hours(10));
    let receipt = world.school().submit_signal(acute(consult("nood-1"))).await.unwrap().into_inner();
    let shown = receipt.guidance.unwrap();
    assert_eq!(shown.on_duty(), OnDuty::No);
    assert!(shown.lines.join("\n").contains("Wacht hier niet op antwoord"));
}

#[tokio::test]
async fn formalities_are_passed_over_and_listed_and_a_bsn_is_masked() {
    let world = World::new().await;
    let mut request = acute(consult(""));
    request.severity = 0;
    request.domains.clear();
    request.details.as_mut().unwrap().text = "Kind 999900006 heeft blauwe plekken".to_owned();
    let receipt = world.school().submit_signal(request.clone()).await.unwrap().into_inner();
    assert_eq!(receipt.waived_fields, ["client_reference", "details.text", "domains", "severity"]);
    let again = world.school().submit_signal(request).await.unwrap().into_inner();
    assert!(again.already_known, "without a reference it is known by its content");

    let signal = receipt.signal_id.parse().unwrap();
    world.route(signal, Step::requested("noor")).await;
    let reveal = RevealDetailsRequest { task_id: world.task(signal).to_string(), break_glass: None };
    let details = world.person("noor").reveal_details(reveal).await.unwrap().into_inner().details.unwrap();
    assert_eq!(details.text, "Kind [BSN verwijderd] heeft blauwe plekken");
}

#[tokio::test]
async fn the_same_words_without_a_reference_are_a_retry_for_an_hour_and_another_signal_after_it() {
    let world = World::new().await;
    let bare = || acute(consult(""));
    let first = world.school().submit_signal(bare()).await.unwrap().into_inner();
    world.clock.advance(jiff::SignedDuration::from_mins(59));
    let again = world.school().submit_signal(bare()).await.unwrap().into_inner();
    assert_eq!((again.already_known, &again.signal_id), (true, &first.signal_id));
    // The next day somebody is in need again, and says it in the same words.
    world.clock.advance(jiff::SignedDuration::from_hours(24));
    let second = world.school().submit_signal(bare()).await.unwrap().into_inner();
    assert!(!second.already_known && second.signal_id != first.signal_id);
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    let again = world.school().submit_signal(bare()).await.unwrap().into_inner();
    assert_eq!((again.already_known, &again.signal_id), (true, &second.signal_id));
    assert_eq!(world.stored(StreamName::Signals).len(), 2);
    // A reference that cannot be used still tells a retry.
    let bad = || acute(consult("een verwijzing met spaties"));
    let first = world.school().submit_signal(bad()).await.unwrap().into_inner();
    world.clock.advance(jiff::SignedDuration::from_hours(24));
    let again = world.school().submit_signal(bad()).await.unwrap().into_inner();
    assert_eq!((again.already_known, &again.signal_id), (true, &first.signal_id));
}

#[tokio::test]
async fn a_call_that_cannot_be_read_or_be_let_in_shows_guidance() {
    let world = World::new().await;
    let nobody = world.replica.intake("somebody").submit_signal(acute(consult("nood-1"))).await.unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    let shown = guidance(&nobody).unwrap();
    assert_eq!(shown.on_duty(), OnDuty::Unknown);
    let mut large = acute(consult("nood-1"));
    large.details.as_mut().unwrap().text = "x".repeat(300_000);
    let large = world.school().submit_signal(large).await.unwrap_err();
    assert!(guidance(&large).unwrap().lines.join("\n").contains("0800-2000"), "{large:?}");
    let list = world.replica.intake("somebody").list_signals(ListSignalsRequest::default()).await;
    assert!(guidance(&list.unwrap_err()).is_none(), "a list is about nobody in need now");
}

#[tokio::test]
async fn without_consent_it_is_taken_without_anything_that_names_the_child() {
    let world = World::new().await;
    let mut request = acute(about_child("nood-1"));
    request.permission = None;
    let receipt = world.school().submit_signal(request).await.unwrap().into_inner();
    assert_eq!(receipt.waived_fields, ["child", "permission"]);
    let events = world.signals();
    let Some(Change::Received(received)) = &events[0].change else { panic!() };
    assert_eq!((received.subject(), received.safety()), (SubjectKind::Consult, SafetyLevel::Acute));
    assert!(received.child.is_empty() && received.permission.is_none());
    assert!(world.keys_of("child/").await.is_empty());
    let signal = receipt.signal_id.parse().unwrap();
    world.route(signal, Step::requested("noor")).await;
    let reveal = RevealDetailsRequest { task_id: world.task(signal).to_string(), break_glass: None };
    let details = world.person("noor").reveal_details(reveal).await.unwrap().into_inner().details.unwrap();
    assert!(details.child_name.is_empty() && details.signaller.is_some());
}

#[tokio::test]
async fn what_cannot_be_done_without_is_still_asked() {
    let world = World::new().await;
    let request = SubmitSignalRequest { safety: SafetyLevel::Acute.into(), ..SubmitSignalRequest::default() };
    let status =
        world.replica.intake("organisation:school-b").submit_signal(request.clone()).await.unwrap_err();
    assert_eq!(fields(&status), ["details.text"], "its only centre need not be named");
    assert_eq!(reason(&status), "REQUIRED");
    assert!(guidance(&status).is_some());
}
