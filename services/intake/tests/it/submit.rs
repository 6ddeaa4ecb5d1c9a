use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    common::{Registration, RegistrationScheme, SubjectKind},
    event::signal_event::Change,
    intake::{
        CentreReference, GuidanceKind, OnDuty, SignalStatus, SubmitSignalRequest, centre_reference::Reference,
    },
};
use voordeur_eventlog::{Broker as _, StreamName, memory::Faults};
use voordeur_testkit::eventually;

use crate::world::{
    DIRECTORY, SOON, World, about_child, acute, apply, consult, deadline, fields, guidance, reason,
};

#[tokio::test]
async fn when_the_receipt_comes_the_signal_is_stored_and_nothing_in_it_can_be_read() {
    let world = World::new().await;
    let receipt = world.school().submit_signal(about_child("zorg-1")).await.unwrap().into_inner();
    assert!(!receipt.already_known && receipt.waived_fields.is_empty() && receipt.guidance.is_none());
    assert_eq!(receipt.status(), SignalStatus::Received);
    let position = receipt.position.unwrap();
    let stored = world.stored(StreamName::Signals);
    assert_eq!((stored.len(), position.sequence, position.stream.as_str()), (1, 1, "SIGNALS"));
    assert_eq!(stored[0].kind, "nl.voordeur.signal.v1");
    let events = world.signals();
    let Some(Change::Received(received)) = &events[0].change else { panic!() };
    assert_eq!((received.organisation.as_str(), received.centre.as_str()), ("school-a", "de-wilg"));
    assert_eq!(
        (received.subject(), received.child.len(), received.askers.len()),
        (SubjectKind::Child, 16, 2)
    );
    assert_eq!(events[0].meta.as_ref().unwrap().directory_version, 1);
    let bytes = String::from_utf8_lossy(&stored[0].data).into_owned();
    for secret in ["Mees", "1042", "overgang", "Juf Bo", "bo-7", "zorg-1"] {
        assert!(!bytes.contains(secret), "{secret}");
        assert!(!format!("{:?}", stored[0].headers).contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_same_reference_with_the_same_content_gives_the_same_receipt() {
    let world = World::new().await;
    let first = world.school().submit_signal(about_child("zorg-1")).await.unwrap().into_inner();
    // On another replica, and with the organisation spelled out.
    let other = world.another().await;
    let mut request = about_child("zorg-1");
    request.organisation = "school-a".to_owned();
    let again = other.intake("organisation:school-a").submit_signal(request).await.unwrap().into_inner();
    assert!(again.already_known);
    assert_eq!(
        (&first.signal_id, first.received_at, &first.position),
        (&again.signal_id, again.received_at, &again.position)
    );
    assert_eq!(world.stored(StreamName::Signals).len(), 1);
}

#[tokio::test]
async fn the_same_reference_with_other_content_is_an_error_and_changes_nothing() {
    let world = World::new().await;
    world.submit(consult("zorg-1")).await;
    let status = world.school().submit_signal(about_child("zorg-1")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REFERENCE_REUSED"));
    let faulty = SubmitSignalRequest { severity: 0, ..consult("zorg-1") };
    let status = world.school().submit_signal(faulty).await.unwrap_err();
    assert_eq!(reason(&status), "REFERENCE_REUSED");
    assert_eq!(world.stored(StreamName::Signals).len(), 1);
    // Another organisation has its own references.
    let mut other = world.replica.intake("organisation:opvang-a");
    assert!(!other.submit_signal(consult("zorg-1")).await.unwrap().into_inner().already_known);
}

#[tokio::test]
async fn who_submits_twice_at_the_same_moment_makes_one_signal() {
    let world = World::new().await;
    let other = world.another().await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..16 {
        let mut client = if number % 2 == 0 { world.school() } else { other.intake("organisation:school-a") };
        calls.spawn(async move { client.submit_signal(about_child("zorg-1")).await.unwrap().into_inner() });
    }
    let receipts = calls.join_all().await;
    assert_eq!(receipts.iter().filter(|receipt| !receipt.already_known).count(), 1);
    assert!(receipts.iter().all(|receipt| receipt.signal_id == receipts[0].signal_id));
    assert_eq!(world.stored(StreamName::Signals).len(), 1);
    assert_eq!(world.keys_of("child/").await.len(), 1);
}

#[tokio::test]
async fn a_lost_acknowledgement_is_settled_and_the_signal_is_new_all_the_same() {
    let world = World::new().await;
    eventually("keys", SOON, || async {
        let keys = world.keys_of("dek/").await.len();
        if keys >= 8 { Ok(()) } else { Err(keys) }
    })
    .await;
    world.broker.lose_acknowledgements(1);
    let receipt = world.school().submit_signal(consult("zorg-1")).await.unwrap().into_inner();
    assert!(!receipt.already_known);
    assert_eq!(world.stored(StreamName::Signals).len(), 1);
}

#[tokio::test]
async fn while_the_broker_is_away_nothing_is_stored_and_later_the_same_request_succeeds() {
    let world = World::new().await;
    world.broker.set_available(false);
    let mut request = tonic::Request::new(consult("zorg-1"));
    request.set_timeout(std::time::Duration::from_millis(400));
    let status = world.school().submit_signal(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded), "{status:?}");
    assert_eq!(world.stored(StreamName::Signals).len(), 0);
    world.broker.set_available(true);
    eventually("the receipt", SOON, || async {
        let outcome = world.school().submit_signal(consult("zorg-1")).await;
        outcome.map_err(|status| status.to_string())
    })
    .await;
    assert_eq!(world.stored(StreamName::Signals).len(), 1);
}

#[tokio::test]
async fn two_signals_on_one_child_carry_the_same_alias_and_stay_two() {
    let world = World::new().await;
    world.submit(about_child("zorg-1")).await;
    world.submit(about_child("zorg-2")).await;
    let children: Vec<_> = world
        .signals()
        .into_iter()
        .map(|event| match event.change {
            Some(Change::Received(received)) => received.child,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(children.len(), 2);
    assert_eq!(children[0], children[1]);
}

#[tokio::test]
async fn a_centre_is_found_by_any_of_its_registrations() {
    let world = World::new().await;
    for (number, (scheme, value)) in
        [(RegistrationScheme::Brin6, "99XA00"), (RegistrationScheme::Lrk, "999990019")]
            .into_iter()
            .enumerate()
    {
        let registration = Registration { scheme: scheme.into(), value: value.to_owned() };
        let centre = Some(CentreReference { reference: Some(Reference::Registration(registration)) });
        let request = SubmitSignalRequest { centre, ..consult(&format!("zorg-{number}")) };
        world.submit(request).await;
    }
}

#[tokio::test]
async fn a_question_about_a_colleague_stores_nothing_and_says_whom_to_go_to() {
    let world = World::new().await;
    for (identity, desk, other_desk) in [
        ("organisation:school-a", "bevoegd gezag", "houder"),
        ("organisation:opvang-a", "houder", "bevoegd gezag"),
    ] {
        let mut request = about_child("zorg-1");
        request.about_colleague = true;
        let reply = world.replica.intake(identity).submit_signal(request).await.unwrap().into_inner();
        assert!(reply.signal_id.is_empty() && reply.position.is_none());
        let guidance = reply.guidance.unwrap();
        assert_eq!(guidance.kind(), GuidanceKind::AboutColleague);
        let text = guidance.lines.join("\n");
        assert!(
            text.contains(desk) && text.contains("ertrouwensinspecteur") && !text.contains(other_desk),
            "{text}"
        );
    }
    assert!(world.stored(StreamName::Signals).is_empty());
    assert!(world.keys_of("child/").await.is_empty());
}

#[tokio::test]
async fn a_receipt_is_given_again_also_when_the_directory_has_moved_on() {
    let world = World::new().await;
    world.submit(consult("zorg-1")).await;
    let smaller = DIRECTORY.replace(
        r#"organisations = ["school-a", "opvang-a", "jeugdhulp"]"#,
        r#"organisations = ["opvang-a", "jeugdhulp"]"#,
    );
    let smaller = smaller.replace(
        "label = \"Groep 4\"\norganisation = \"school-a\"",
        "label = \"Groep 4\"\norganisation = \"opvang-a\"",
    );
    let smaller = smaller.replace(
        "organisation = \"school-a\"\nrole = \"intern_begeleider\"",
        "organisation = \"opvang-a\"\nrole = \"intern_begeleider\"",
    );
    apply(&world.broker, &smaller, 1).await;
    eventually("the new directory", SOON, || async {
        match world.school().submit_signal(consult("zorg-2")).await {
            Err(status) if fields(&status) == ["centre"] => Ok(()),
            other => Err(format!("{:?}", other.map(|_| ()))),
        }
    })
    .await;
    let again = world.school().submit_signal(consult("zorg-1")).await.unwrap().into_inner();
    assert!(again.already_known);
}

#[tokio::test]
async fn a_nearly_full_stream_only_takes_safety_signals_and_still_knows_what_it_has() {
    let world = World::new().await;
    for number in 1..20 {
        world.submit(consult(&format!("zorg-{number}"))).await;
    }
    let log = world.broker.log(StreamName::Signals);
    let number = std::sync::atomic::AtomicU32::new(100);
    let refused = eventually("a refusal", SOON, || async {
        let used = log.usage(deadline()).await.unwrap().bytes;
        world.broker.limit(StreamName::Signals, used * 100 / 85);
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match world.school().submit_signal(consult(&format!("zorg-{number}"))).await {
            Err(status) if reason(&status) == "NEARLY_FULL" => Ok(status),
            other => Err(format!("{:?}", other.map(|_| ()))),
        }
    })
    .await;
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(tonic_types::StatusExt::get_details_retry_info(&refused).is_some());
    assert!(world.school().submit_signal(consult("zorg-1")).await.unwrap().into_inner().already_known);
    // There is room for a few more, which ordinary signals do not get.
    world.submit(acute(consult("nood-1"))).await;
    world.broker.limit(StreamName::Signals, 100_000_000);
    eventually("room again", SOON, || async {
        world.school().submit_signal(consult("zorg-99")).await.map_err(|status| status.to_string())
    })
    .await;
}

#[tokio::test]
async fn without_consent_the_error_offers_a_consult_without_a_name() {
    let world = World::new().await;
    let mut request = about_child("zorg-1");
    request.permission = None;
    let status = world.school().submit_signal(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "CONSENT_MISSING"));
    let guidance = guidance(&status).unwrap();
    assert_eq!((guidance.kind(), guidance.on_duty()), (GuidanceKind::OfferConsult, OnDuty::Yes));
    assert!(world.stored(StreamName::Signals).is_empty());
    assert!(world.keys_of("child/").await.is_empty());
}

#[tokio::test]
async fn a_signal_about_a_colleague_that_is_acute_shows_the_numbers_too() {
    let world = World::new().await;
    let mut request = acute(about_child("zorg-1"));
    request.about_colleague = true;
    let guidance = world.school().submit_signal(request).await.unwrap().into_inner().guidance.unwrap();
    assert!(guidance.lines[0].contains("112"));
    assert_eq!(guidance.phone_numbers.len(), 2);
    assert!(guidance.encoded_len() < 4_000, "it fits in a header too");
}

#[tokio::test]
async fn through_a_faulty_broker_every_receipt_is_true_and_nothing_is_stored_twice() {
    for seed in 0..4 {
        let world = World::new().await;
        world.broker.set_faults(Faults::rough(seed));
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..8 {
            let mut client = world.school();
            callers.spawn(async move {
                let mut ids = Vec::new();
                for number in 0..5 {
                    let request = about_child(&format!("zorg-{caller}-{number}"));
                    // As a school's system does: the same request again, until there is a receipt.
                    let receipt = loop {
                        match client.submit_signal(request.clone()).await {
                            Ok(receipt) => break receipt.into_inner(),
                            Err(status) => assert!(
                                matches!(
                                    status.code(),
                                    Code::Unavailable | Code::DeadlineExceeded | Code::Aborted
                                ),
                                "{status:?}"
                            ),
                        }
                    };
                    ids.push(receipt.signal_id);
                }
                ids
            });
        }
        let mut receipts: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
        world.broker.set_faults(Faults::default());
        let mut stored: Vec<String> =
            world.stored(StreamName::Signals).iter().map(|m| format!("sig_{}", m.subject.key())).collect();
        receipts.sort();
        stored.sort();
        assert_eq!((receipts.len(), &receipts), (40, &stored), "seed {seed}");
        assert_eq!(world.keys_of("child/").await.len(), 1, "seed {seed}");
    }
}
