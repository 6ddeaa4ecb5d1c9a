//! A safety signal is never refused for a formality.

use proptest::prelude::*;
use voordeur_intake_domain::{
    AgeBand, CentreReference, Draft, SubjectKind, Verdict,
    draft::{Code, PersonDraft},
    parse,
    submission::Subject,
};
use voordeur_kernel::{ConcernDomain, SafetyLevel, text::holds_bsn};

use crate::world::{World, about_child, accepted, acute, consult, has_faults};

#[test]
fn faults_of_form_are_passed_over_and_listed() {
    let draft = Draft {
        client_reference: "".into(),
        domains: vec![],
        severity: 9,
        certainty: Some(99),
        asked_by: Code::Absent,
        ..acute(consult())
    };
    let signal = accepted(&draft);
    assert_eq!(signal.waived, ["asked_by", "certainty", "client_reference", "domains", "severity"]);
    assert_eq!(signal.severity.get(), 5);
    assert_eq!(signal.domains.as_slice(), [ConcernDomain::Veiligheid]);
    assert!(signal.reference.is_none() && signal.certainty.is_none());
    assert_eq!(signal.safety, SafetyLevel::Acute);
}

#[test]
fn structural_unsafety_has_the_same_path() {
    let draft = Draft { safety: SafetyLevel::Structural.into(), severity: 0, ..consult() };
    assert_eq!(accepted(&draft).waived, ["severity"]);
}

#[test]
fn a_bsn_is_masked_and_the_rest_of_the_text_stays() {
    let mut draft = acute(consult());
    draft.details.text = "Kind 999900006 heeft blauwe plekken".into();
    let signal = accepted(&draft);
    assert_eq!(signal.details.text.unwrap().as_str(), "Kind [BSN verwijderd] heeft blauwe plekken");
    assert_eq!(signal.waived, ["details.text"]);
}

#[test]
fn a_text_that_is_too_long_or_dirty_is_put_right() {
    let mut draft = acute(consult());
    draft.details.text = "é".repeat(4_100).into();
    draft.details.tried = "ge\u{7}praat".into();
    let signal = accepted(&draft);
    assert_eq!(signal.details.text.unwrap().as_str().chars().count(), 4_000);
    assert_eq!(signal.details.tried.unwrap().as_str(), "gepraat");
    assert_eq!(signal.waived, ["details.text", "details.tried"]);
}

#[test]
fn without_consent_nothing_that_names_the_child_is_kept() {
    let draft = Draft { permission: None, ..acute(about_child()) };
    let signal = accepted(&draft);
    assert_eq!(signal.subject, Subject::Consult { age_band: Some(AgeBand::Under12) });
    assert!(signal.details.child_name.is_none());
    assert_eq!(signal.waived, ["child", "permission"]);
    assert!(signal.details.signaller.is_some(), "she can be asked");
}

#[test]
fn with_permission_a_child_without_a_usable_number_keeps_its_name() {
    let mut draft = acute(about_child());
    draft.child.as_mut().unwrap().local_number = "999900006".into();
    let signal = accepted(&draft);
    assert_eq!(signal.subject.kind(), SubjectKind::Consult);
    assert_eq!(signal.details.child_name.unwrap().as_str(), "Sam");
    assert_eq!(signal.waived, ["child.local_number"]);
}

#[test]
fn what_cannot_be_done_without_is_a_centre_and_something_to_act_on() {
    let empty = Draft { safety: SafetyLevel::Acute.into(), ..Draft::default() };
    has_faults(&empty, &[("centre", "REQUIRED"), ("details.text", "REQUIRED")]);
    let foreign = Draft { centre: Some(CentreReference::Key("de-els".into())), ..acute(consult()) };
    has_faults(&foreign, &[("centre", "FOREIGN_CENTRE")]);
    let mut nameless = acute(consult());
    nameless.details.text = "".into();
    accepted(&nameless);
    nameless.details.signaller = Some(PersonDraft { name: "Juf Bo".into(), ..PersonDraft::default() });
    accepted(&nameless);
    nameless.details.signaller = None;
    has_faults(&nameless, &[("details.text", "REQUIRED")]);
}

#[test]
fn who_has_one_centre_need_not_name_it() {
    let draft = Draft { centre: None, ..acute(consult()) };
    let Ok(Verdict::Accept(signal)) = parse(&draft, &World { only_centre: true }) else { panic!() };
    assert_eq!((signal.centre.as_str(), signal.waived), ("de-wilg", vec!["centre".to_owned()]));
}

#[test]
fn who_has_one_centre_and_names_it_wrongly_is_not_sent_away() {
    let named = |centre| Draft { centre: Some(centre), ..acute(consult()) };
    for (wrong, field) in [
        (CentreReference::Key("nergens".into()), "centre"),
        (CentreReference::BadRegistration, "centre.registration"),
    ] {
        let draft = named(wrong);
        let Ok(Verdict::Accept(signal)) = parse(&draft, &World { only_centre: true }) else { panic!() };
        assert_eq!((signal.centre.as_str(), signal.waived), ("de-wilg", vec![field.to_owned()]));
        assert!(parse(&draft, &World { only_centre: false }).is_err(), "with several nobody can tell which");
    }
}

proptest! {
    #[test]
    fn no_bsn_survives_in_a_safety_signal(before in "[a-z ]{0,9}", after in "[ .a-z]{0,9}", pick in 0..4_usize, field in 0..3) {
        let number = ["999900006", "9999.00.018", "999 900 031", "123456782"][pick];
        let mut draft = acute(about_child());
        let text = format!("{before}{number}{after}");
        match field {
            0 => draft.details.text = text.into(),
            1 => draft.details.child_thinks = text.into(),
            _ => draft.child.as_mut().unwrap().display_name = text.into(),
        }
        let details = accepted(&draft).details;
        let kept = [
            details.text.map(|t| t.as_str().to_owned()),
            details.child_thinks.map(|t| t.as_str().to_owned()),
            details.child_name.map(|t| t.as_str().to_owned()),
        ];
        for text in kept.into_iter().flatten() {
            prop_assert!(!holds_bsn(&text, |_| false), "{}", text);
        }
    }
}
