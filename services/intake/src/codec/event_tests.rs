use proptest::prelude::*;
use prost::Message as _;
use voordeur_intake_domain::{
    AgeBand, AnswerStatus, AskedBy, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, GroundKind,
    Helped, SafetyService, SubjectKind, WithdrawReason,
    consent::Consent,
    life::{
        Received,
        signal::{RecordedGround, RecordedPermission, Sealed},
    },
    submission::{Call, Certainty, Domains, Severity},
};
use voordeur_kernel::{AskerId, CentreKey, ChildAlias, ConcernDomain, GroupKey, SafetyLevel, Timestamp};

use super::*;

fn one<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000, 0..1_000_000_000_i32).prop_map(|(s, n)| Timestamp::new(s, n).unwrap())
}

fn sealed_text() -> impl Strategy<Value = Sealed> {
    (any::<[u8; 16]>(), proptest::collection::vec(any::<u8>(), 0..40), 0..6, any::<[u8; 16]>())
        .prop_map(|(key, sealed, purpose, owner)| Sealed { key, sealed, purpose, owner })
}

fn consent() -> impl Strategy<Value = Consent> {
    (
        one(ConsentGiver::ALL),
        one(ConsentStatus::ALL),
        proptest::sample::subsequence(ConsentScope::ALL, 0..3),
        proptest::option::of(1_i8..28),
    )
        .prop_map(|(giver, status, scopes, day)| Consent {
            giver,
            status,
            scopes,
            date: day.map(|day| jiff::civil::date(2026, 2, day)),
        })
}

fn permission() -> impl Strategy<Value = RecordedPermission> {
    let ground = (one(GroundKind::ALL), sealed_text()).prop_map(|(kind, reason)| RecordedGround {
        kind,
        decided_by: ProfessionalKey::parse("ib").unwrap(),
        reason,
    });
    (proptest::collection::vec(consent(), 0..3), proptest::option::of(ground)).prop_map(
        |(consents, ground)| RecordedPermission { processing_basis: "toestemming".into(), consents, ground },
    )
}

fn received() -> impl Strategy<Value = Received> {
    let codes = (
        one(SubjectKind::ALL),
        one(&SafetyLevel::ALL),
        proptest::option::of(one(ConcernDuration::ALL)),
        one(AskedBy::ALL),
        proptest::option::of(one(AgeBand::ALL)),
        proptest::sample::subsequence(&ConcernDomain::ALL, 1..=3),
    );
    let values = (1_u32..=5, proptest::option::of(0_u32..=10), any::<bool>(), any::<bool>());
    let call = (one(SafetyService::ALL), moment(), proptest::option::of(one(&Role::ALL)))
        .prop_map(|(service, at, by)| Call { service, at, by });
    let parts = (
        proptest::option::of(any::<[u8; 16]>()),
        any::<bool>(),
        proptest::option::of(permission()),
        sealed_text(),
        proptest::collection::vec(any::<[u8; 16]>(), 0..3),
        proptest::collection::vec(call, 0..3),
    );
    (codes, values, parts).prop_map(|(codes, values, parts)| Received {
        organisation: OrganisationKey::parse("school").unwrap(),
        centre: CentreKey::parse("de-wilg").unwrap(),
        subject: codes.0,
        child: parts.0.map(ChildAlias::from_bytes),
        group: parts.1.then(|| GroupKey::parse("groep-4").unwrap()),
        domains: Domains::new(codes.5).unwrap(),
        severity: Severity::new(values.0).unwrap(),
        safety: codes.1,
        duration: codes.2,
        asked_by: codes.3,
        certainty: values.1.and_then(Certainty::new),
        answer_wanted: values.2,
        urgent: values.3,
        permission: parts.2,
        details: parts.3,
        askers: parts.4.into_iter().map(AskerId::from_bytes).collect(),
        calls: parts.5,
        age_band: codes.4,
        waived: vec!["details.text".into()],
    })
}

fn change() -> impl Strategy<Value = Change> {
    let task = any::<[u8; 16]>().prop_map(TaskId::from_bytes);
    let answer = (one(AnswerStatus::ALL), proptest::option::of(sealed_text()))
        .prop_map(|(status, advice)| Answer { status, advice });
    prop_oneof![
        received().prop_map(|received| Change::Received(Box::new(received))),
        task.clone().prop_map(|task| Change::Routed { task }),
        (task.clone(), answer).prop_map(|(task, answer)| Change::Answered { task, answer }),
        task.prop_map(|task| Change::Cancelled { task }),
        one(WithdrawReason::ALL).prop_map(|reason| Change::Withdrawn { reason }),
        (one(Helped::ALL), proptest::option::of(0_u32..=10)).prop_map(|(helped, now)| Change::Acknowledged {
            helped,
            certainty_now: now.and_then(Certainty::new),
        }),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Organisation(OrganisationKey::parse("school").unwrap())),
        one(&Role::ALL).prop_map(|role| Actor::Person(ProfessionalKey::parse("noor").unwrap(), role)),
        Just(Actor::Service("intake".into())),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    (moment(), actor(), any::<[u8; 16]>(), any::<[u8; 16]>(), 0_u64..9, 1_u32..9, change()).prop_map(
        |(recorded_at, actor, command, commit, directory_version, ordinal, change)| Event {
            meta: Meta {
                recorded_at,
                actor,
                command: CommandId::from_bytes(command),
                commit: CommitId::from_bytes(commit),
                directory_version,
                ordinal,
            },
            change,
        },
    )
}

proptest! {
    #[test]
    fn every_event_reads_back_what_was_written(event in event()) {
        let bytes = write(&event).encode_to_vec();
        let wire = SignalEvent::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(read(wire, event.meta.commit), Ok(event));
    }

    #[test]
    fn any_bytes_are_an_event_or_say_where_not(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(wire) = SignalEvent::decode(bytes.as_slice()) {
            let _ = read(wire, CommitId::from_bytes([0; 16]));
        }
    }
}

#[test]
fn an_event_of_a_later_release_cannot_be_read() {
    let later = SignalEvent { meta: None, change: None };
    assert_eq!(read(later, CommitId::from_bytes([0; 16])), Err(BadEvent("meta")));
}
