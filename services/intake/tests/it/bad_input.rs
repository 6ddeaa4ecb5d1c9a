//! Bad input: a clear error, and nothing changed.

use tonic::Code;
use voordeur_contracts::{
    common::{ConcernDomain, Registration, RegistrationScheme},
    event::{ConsentStatus, SafetyCall},
    intake::{
        CentreReference, SubmitSignalRequest, centre_reference::Reference, submit_signal_request::Subject,
    },
};
use voordeur_eventlog::StreamName;

use crate::world::{World, about_child, consult, fields, reason};

fn at(reference: Reference) -> SubmitSignalRequest {
    SubmitSignalRequest { centre: Some(CentreReference { reference: Some(reference) }), ..consult("zorg-1") }
}

fn registered(scheme: RegistrationScheme, value: &str) -> SubmitSignalRequest {
    at(Reference::Registration(Registration { scheme: scheme.into(), value: value.to_owned() }))
}

async fn unchanged(world: &World) {
    assert!(world.stored(StreamName::Signals).is_empty());
    assert!(world.keys_of("child/").await.is_empty());
}

#[tokio::test]
async fn each_wrong_input_says_where_and_stores_nothing() {
    let world = World::new().await;
    let details = |change: fn(&mut voordeur_contracts::intake::SignalDetails)| {
        let mut request = consult("zorg-1");
        change(request.details.as_mut().unwrap());
        request
    };
    let child = |change: fn(&mut SubmitSignalRequest)| {
        let mut request = about_child("zorg-1");
        change(&mut request);
        request
    };
    let table: Vec<(SubmitSignalRequest, &str, &str)> = vec![
        (at(Reference::Key("nergens".into())), "centre", "UNKNOWN_CENTRE"),
        (at(Reference::Key("de-els".into())), "centre", "FOREIGN_CENTRE"),
        (registered(RegistrationScheme::Brin6, "99ZZ00"), "centre", "UNKNOWN_CENTRE"),
        (registered(RegistrationScheme::Brin6, "99XB00"), "centre", "FOREIGN_CENTRE"),
        (registered(RegistrationScheme::Brin6, "onzin"), "centre.registration", "BAD_IDENTIFIER"),
        (SubmitSignalRequest { subject: None, ..consult("zorg-1") }, "subject", "REQUIRED"),
        (
            SubmitSignalRequest { permission: about_child("x").permission, ..consult("zorg-1") },
            "permission",
            "NOT_FOR_THIS_SUBJECT",
        ),
        (details(|d| d.text = "Het gaat om 999900006".into()), "details.text", "BSN"),
        (details(|d| d.text = "x".repeat(4_001)), "details.text", "TOO_LONG"),
        (details(|d| d.text = "a\u{1b}[2Jb".into()), "details.text", "CONTROL_CHARACTERS"),
        (details(|d| d.text = "  ".into()), "details.text", "REQUIRED"),
        (details(|d| d.child_name = "Mees".into()), "details.child_name", "NOT_HERE"),
        (consult(""), "client_reference", "REQUIRED"),
        (consult("met spatie"), "client_reference", "BAD_CHARACTERS"),
        (consult("999900006"), "client_reference", "BSN"),
        (SubmitSignalRequest { severity: 6, ..consult("zorg-1") }, "severity", "OUT_OF_RANGE"),
        (SubmitSignalRequest { safety: 9, ..consult("zorg-1") }, "safety", "UNKNOWN_CODE"),
        (SubmitSignalRequest { domains: (1..=4).collect(), ..consult("zorg-1") }, "domains", "TOO_MANY"),
        (
            SubmitSignalRequest { domains: vec![ConcernDomain::Unspecified.into()], ..consult("zorg-1") },
            "domains[0]",
            "UNKNOWN_CODE",
        ),
        (
            SubmitSignalRequest {
                calls: vec![SafetyCall {
                    service: 1,
                    at: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
                    by: 0,
                }],
                ..consult("zorg-1")
            },
            "calls[0].at",
            "IN_THE_FUTURE",
        ),
        (
            child(|r| r.permission.as_mut().unwrap().consents[1].status = ConsentStatus::Informed.into()),
            "permission.consents",
            "CONSENT_MISSING",
        ),
        (
            child(|r| {
                let Some(Subject::Child(child)) = &mut r.subject else { return };
                child.local_number = "999900018".into();
            }),
            "child.local_number",
            "BSN",
        ),
        (
            child(|r| {
                let Some(Subject::Child(child)) = &mut r.subject else { return };
                child.group = "groep-9".into();
            }),
            "child.group",
            "UNKNOWN_GROUP",
        ),
    ];
    for (request, field, why) in table {
        let status = world.school().submit_signal(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field} {why}");
        assert_eq!((fields(&status), reason(&status).as_str()), (vec![field.to_owned()], why));
        for secret in ["999900006", "999900018", "Mees", "1042"] {
            assert!(!format!("{status:?}").contains(secret), "{field} {why}: {status:?}");
        }
    }
    unchanged(&world).await;
}

#[tokio::test]
async fn all_faults_come_at_once() {
    let world = World::new().await;
    let mut request = about_child("");
    request.severity = 0;
    request.domains.clear();
    request.certainty = Some(11);
    request.permission.as_mut().unwrap().consents[0].date = "2026-03-11".into();
    let status = world.school().submit_signal(request).await.unwrap_err();
    assert_eq!(
        fields(&status),
        [
            "client_reference",
            "permission.consents[0].date",
            "permission.consents",
            "domains",
            "severity",
            "certainty"
        ]
    );
    unchanged(&world).await;
}

#[tokio::test]
async fn only_a_source_system_of_the_directory_hands_over_and_only_for_itself() {
    let world = World::new().await;
    let mut foreign = consult("zorg-1");
    foreign.organisation = "school-b".to_owned();
    let as_other = world.school().submit_signal(foreign).await.unwrap_err();
    assert_eq!(
        (as_other.code(), reason(&as_other).as_str()),
        (Code::PermissionDenied, "FOREIGN_ORGANISATION")
    );
    for (identity, why) in [
        ("organisation:school-z", "UNKNOWN_ORGANISATION"),
        ("organisation:jeugdhulp", "NOT_A_SOURCE_SYSTEM"),
        ("person:noor", "NOT_A_SOURCE_SYSTEM"),
        ("operator", "NOT_A_SOURCE_SYSTEM"),
    ] {
        let status = world.replica.intake(identity).submit_signal(consult("zorg-1")).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, why), "{identity}");
    }
    unchanged(&world).await;
}

#[tokio::test]
async fn without_a_directory_ordinary_signals_wait_and_say_so() {
    let world = World::new().await;
    // A replica that has read none: its bucket is another broker's.
    let empty = voordeur_eventlog::memory::MemoryBroker::new();
    let tasks = voordeur_chassis::Tasks::new();
    let environment = voordeur_chassis::Environment {
        broker: std::sync::Arc::new(empty),
        clock: std::sync::Arc::new(world.clock.clone()),
        tasks: tasks.clone(),
        dev: true,
    };
    let settings = voordeur_intake::Settings::new(world.keys.clone());
    let service = voordeur_intake::start(&environment, settings).await.unwrap();
    let ready: Vec<_> = service.ready.iter().map(|check| (check.0, (check.1)())).collect();
    assert!(ready.contains(&("directory", false)), "{ready:?}");
    tasks.finish().await;
}
