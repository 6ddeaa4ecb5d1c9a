use proptest::prelude::*;
use voordeur_intake_domain::{
    AgeBand, CentreReference, ConsentGiver, ConsentStatus, Draft, GroundKind, SafetyService, SubjectKind,
    Verdict,
    draft::{CallDraft, ChildDraft, Code, GroundDraft, PermissionDraft, PersonDraft},
    parse,
    submission::Subject,
};
use voordeur_kernel::ConcernDomain;

use crate::world::{World, about_child, accepted, consent, consult, faults, has_faults};

fn with_child(change: impl FnOnce(&mut ChildDraft)) -> Draft {
    let mut draft = about_child();
    change(draft.child.as_mut().unwrap());
    draft
}

fn with_permission(change: impl FnOnce(&mut PermissionDraft)) -> Draft {
    let mut draft = about_child();
    change(draft.permission.as_mut().unwrap());
    draft
}

#[test]
fn good_drafts_are_accepted() {
    assert_eq!(accepted(&consult()).subject.kind(), SubjectKind::Consult);
    let child = accepted(&about_child());
    let Subject::Child(named) = child.subject else { panic!() };
    assert_eq!(named.permission.consents.len(), 2);
    assert_eq!(child.details.child_name.unwrap().as_str(), "Sam");
    let group = Draft { consult: false, group: Some("groep-4".into()), ..consult() };
    assert_eq!(accepted(&group).subject.kind(), SubjectKind::Group);
}

#[test]
fn the_question_about_a_colleague_comes_before_everything_else() {
    let nonsense = Draft { about_colleague: true, ..Draft::default() };
    assert_eq!(parse(&nonsense, &World { only_centre: false }), Ok(Verdict::AboutColleague));
}

#[test]
fn every_fault_is_reported_at_once() {
    let draft = Draft {
        client_reference: "".into(),
        centre: None,
        consult: false,
        domains: vec![],
        severity: 6,
        safety: Code::Absent,
        asked_by: Code::Unknown,
        certainty: Some(11),
        ..consult()
    };
    has_faults(
        &draft,
        &[
            ("client_reference", "REQUIRED"),
            ("centre", "REQUIRED"),
            ("subject", "REQUIRED"),
            ("domains", "REQUIRED"),
            ("severity", "OUT_OF_RANGE"),
            ("safety", "REQUIRED"),
            ("asked_by", "UNKNOWN_CODE"),
            ("certainty", "OUT_OF_RANGE"),
        ],
    );
}

#[test]
fn a_signal_is_about_exactly_one_thing() {
    has_faults(&Draft { consult: false, ..consult() }, &[("subject", "REQUIRED")]);
    has_faults(&Draft { group: Some("groep-4".into()), ..about_child() }, &[("subject", "MORE_THAN_ONE")]);
    has_faults(&Draft { consult: true, ..about_child() }, &[("subject", "MORE_THAN_ONE")]);
}

#[test]
fn a_consult_and_a_group_carry_nothing_of_a_child() {
    let mut draft = consult();
    draft.permission = about_child().permission;
    draft.details.child_name = "Sam".into();
    has_faults(&draft, &[("permission", "NOT_FOR_THIS_SUBJECT"), ("details.child_name", "NOT_HERE")]);
}

#[test]
fn centres_must_be_there_and_be_ones_own() {
    let at = |reference| Draft { centre: Some(reference), ..consult() };
    has_faults(&at(CentreReference::Key("nergens".into())), &[("centre", "UNKNOWN_CENTRE")]);
    has_faults(&at(CentreReference::Key("de-els".into())), &[("centre", "FOREIGN_CENTRE")]);
    has_faults(&at(CentreReference::BadRegistration), &[("centre.registration", "BAD_IDENTIFIER")]);
}

#[test]
fn without_consent_a_named_child_is_refused_and_a_consult_is_offered() {
    let draft = Draft { permission: None, ..about_child() };
    let rejection = parse(&draft, &World { only_centre: false }).unwrap_err();
    assert!(rejection.offer_consult);
    has_faults(&draft, &[("permission", "CONSENT_MISSING")]);
    for consents in [vec![], vec![consent(ConsentGiver::Parent1)]] {
        let draft = with_permission(|p| p.consents = consents);
        assert!(parse(&draft, &World { only_centre: false }).unwrap_err().offer_consult);
        has_faults(&draft, &[("permission.consents", "CONSENT_MISSING")]);
    }
}

#[test]
fn informed_is_not_consented_and_a_consent_needs_its_day() {
    let draft = with_permission(|p| p.consents[1].status = ConsentStatus::Informed.into());
    has_faults(&draft, &[("permission.consents", "CONSENT_MISSING")]);
    let draft = with_permission(|p| p.consents[0].date = "2026-03-11".into());
    assert_eq!(faults(&draft)[0], ("permission.consents[0].date".to_owned(), "IN_THE_FUTURE"));
    for bad in ["", "10-03-2026", "2026-02-30", "20260310", "2026-3-1", "1999-01-01"] {
        let draft = with_permission(|p| p.consents[0].date = bad.into());
        assert_eq!(faults(&draft)[0].0, "permission.consents[0].date", "{bad}");
    }
}

#[test]
fn the_day_counts_where_the_centre_is() {
    struct LateEvening;
    impl voordeur_intake_domain::Premises for LateEvening {
        fn now(&self) -> voordeur_kernel::Timestamp {
            "2026-03-10T23:30:00Z".parse().unwrap()
        }
        fn centre(&self, reference: &CentreReference) -> voordeur_intake_domain::CentreFound {
            World { only_centre: false }.centre(reference)
        }
        fn only_centre(&self) -> Option<voordeur_kernel::CentreKey> {
            None
        }
        fn has_group(&self, _: &voordeur_kernel::CentreKey, _: &voordeur_kernel::GroupKey) -> bool {
            true
        }
        fn allows_basis(&self, _: &str) -> bool {
            true
        }
        fn knows_person(&self, _: &str) -> bool {
            true
        }
        fn is_register_number(&self, _: &str) -> bool {
            false
        }
    }
    // Half past midnight on the 11th in Amsterdam.
    let draft = with_permission(|p| p.consents[0].date = "2026-03-11".into());
    assert!(parse(&draft, &LateEvening).is_ok());
}

#[test]
fn a_recorded_ground_replaces_consent_and_says_who_decided_and_why() {
    let ground = GroundDraft {
        kind: GroundKind::ConflictVanPlichten.into(),
        decided_by: "ib-anke".into(),
        reason: "Zes vragen doorlopen.".into(),
    };
    let draft = with_permission(|p| {
        p.consents.clear();
        p.ground = Some(ground.clone());
    });
    let Subject::Child(named) = accepted(&draft).subject else { panic!() };
    assert_eq!(named.permission.ground.unwrap().kind, GroundKind::ConflictVanPlichten);
    let draft = with_permission(|p| {
        p.consents.clear();
        p.ground = Some(GroundDraft { decided_by: "iemand".into(), reason: " ".into(), ..ground });
    });
    has_faults(
        &draft,
        &[("permission.ground.decided_by", "UNKNOWN_PERSON"), ("permission.ground.reason", "REQUIRED")],
    );
}

#[test]
fn a_processing_basis_must_be_allowed() {
    has_faults(
        &with_permission(|p| p.processing_basis = "".into()),
        &[("permission.processing_basis", "REQUIRED")],
    );
    has_faults(
        &with_permission(|p| p.processing_basis = "gewoon".into()),
        &[("permission.processing_basis", "UNKNOWN_BASIS")],
    );
}

#[test]
fn from_twelve_on_the_young_person_is_asked_too() {
    let mut draft = with_child(|c| c.age_band = AgeBand::From12To15.into());
    has_faults(&draft, &[("permission.consents", "CONSENT_MISSING")]);
    draft.permission.as_mut().unwrap().consents.push(consent(ConsentGiver::YoungPerson));
    accepted(&draft);
}

#[test]
fn a_bsn_is_refused_wherever_it_stands() {
    type Change = fn(&mut Draft, &str);
    let number = "999900006";
    let place = |change: Change| {
        let mut draft = about_child();
        change(&mut draft, number);
        faults(&draft)
    };
    let places: [(&str, Change); 9] = [
        ("details.text", |d, n| d.details.text = format!("Het gaat om {n}.").into()),
        ("details.tried", |d, n| d.details.tried = n.into()),
        ("details.parents_say", |d, n| d.details.parents_say = n.into()),
        ("details.child_thinks", |d, n| d.details.child_thinks = n.into()),
        ("details.signaller.name", |d, n| d.details.signaller.as_mut().unwrap().name = n.into()),
        ("details.signaller.local_id", |d, n| d.details.signaller.as_mut().unwrap().local_id = n.into()),
        ("client_reference", |d, n| d.client_reference = n.into()),
        ("child.local_number", |d, n| d.child.as_mut().unwrap().local_number = n.into()),
        ("child.display_name", |d, n| d.child.as_mut().unwrap().display_name = n.into()),
    ];
    for (field, change) in places {
        assert_eq!(place(change), [(field.to_owned(), "BSN")]);
    }
    let mut known = about_child();
    known.details.text = "Opvang met LRK 105897917".into();
    accepted(&known);
}

#[test]
fn oversized_texts_and_control_characters_are_refused() {
    let mut draft = consult();
    draft.details.text = "x".repeat(4_001).into();
    draft.details.tried = "x".repeat(2_001).into();
    draft.details.parents_say = "a\u{0}b".into();
    draft.client_reference = "r".repeat(65).into();
    draft.details.signaller = Some(PersonDraft { local_id: "met spatie".into(), ..PersonDraft::default() });
    has_faults(
        &draft,
        &[
            ("client_reference", "TOO_LONG"),
            ("details.text", "TOO_LONG"),
            ("details.tried", "TOO_LONG"),
            ("details.parents_say", "CONTROL_CHARACTERS"),
            ("details.signaller.local_id", "BAD_CHARACTERS"),
        ],
    );
}

#[test]
fn domains_are_one_to_three_each_once() {
    let domains = |domains: &[ConcernDomain]| Draft {
        domains: domains.iter().copied().map(Code::Known).collect(),
        ..consult()
    };
    use ConcernDomain::{Aanwezigheid, Gedrag, Sociaal, SpraakTaal};
    accepted(&domains(&[Gedrag, Sociaal, SpraakTaal]));
    has_faults(&domains(&[Gedrag, Gedrag]), &[("domains[1]", "DUPLICATE")]);
    has_faults(&domains(&[Gedrag, Sociaal, SpraakTaal, Aanwezigheid]), &[("domains", "TOO_MANY")]);
}

#[test]
fn a_call_lies_in_the_past() {
    let call = |at: &str| CallDraft {
        service: SafetyService::VeiligThuis.into(),
        at: Some(at.parse().unwrap()),
        by: Code::Absent,
    };
    accepted(&Draft { calls: vec![call("2026-03-10T08:59:00Z")], ..consult() });
    has_faults(
        &Draft { calls: vec![call("2026-03-10T09:10:00Z")], ..consult() },
        &[("calls[0].at", "IN_THE_FUTURE")],
    );
}

#[test]
fn who_wants_an_answer_says_who_may_read_it() {
    let mut draft = consult();
    draft.details.signaller = None;
    has_faults(&draft, &[("details.signaller", "REQUIRED")]);
    draft.answer_wanted = false;
    accepted(&draft);
}

#[test]
fn groups_belong_to_the_centre() {
    has_faults(&with_child(|c| c.group = "groep-9".into()), &[("child.group", "UNKNOWN_GROUP")]);
    has_faults(&with_child(|c| c.group = "Groep 4".into()), &[("child.group", "BAD_KEY")]);
}

#[test]
fn debug_shows_nothing_that_somebody_wrote() {
    let shown = format!("{:?} {:?}", about_child(), accepted(&about_child()));
    for secret in ["Sam", "1042", "Juf Bo", "drukke", "ref-1", "medewerker-7"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused_with_a_place_and_never_repeated_in_a_fault(
        text in "\\PC{0,80}|[\\x00-\\x7f]{0,40}", number in "\\PC{0,70}", severity: u32, certainty: Option<u32>, safety in 0..4_u8,
    ) {
        let mut draft = about_child();
        draft.details.text = text.clone().into();
        draft.child.as_mut().unwrap().local_number = number.into();
        draft.severity = severity;
        draft.certainty = certainty;
        draft.safety = match safety {
            0 => Code::Absent,
            1 => Code::Known(voordeur_kernel::SafetyLevel::None),
            2 => Code::Known(voordeur_kernel::SafetyLevel::Structural),
            _ => Code::Known(voordeur_kernel::SafetyLevel::Acute),
        };
        match parse(&draft, &World { only_centre: false }) {
            Ok(Verdict::Accept(submission)) => {
                prop_assert!(safety > 1 || submission.waived.is_empty());
            }
            Ok(Verdict::AboutColleague) => prop_assert!(false),
            Err(rejection) => {
                prop_assert!(safety < 2, "a safety signal is not refused for a formality: {}", rejection.faults);
                prop_assert!(!rejection.faults.is_empty());
                if text.trim().len() > 12 {
                    prop_assert!(!rejection.faults.to_string().contains(text.trim()));
                }
            }
        }
    }
}
