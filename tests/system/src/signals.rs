//! Signals of tests: invented, with identifiers from official test ranges.

use voordeur_contracts::{
    common::{ConcernDomain, SafetyLevel},
    event::{AgeBand, AskedBy, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, SharingConsent},
    intake::{
        CentreReference, ChildSubject, ConsultSubject, GroupSubject, PersonReference, SharingPermission,
        SignalDetails, SubmitSignalRequest, centre_reference::Reference, submit_signal_request::Subject,
    },
};

/// The centre of the demonstration directory.
pub const CENTRE: &str = "de-wilg";
/// Its school.
pub const SCHOOL: &str = "basisschool-de-wilg";
/// Its professionals.
pub const PROFESSIONALS: [&str; 3] = ["noor", "sam", "yasmina"];

/// A name that must not be found anywhere but in what is shown to those who may read it.
pub const NAME: &str = "Kanarienaam";
/// A word of the text, likewise.
pub const TEXT: &str = "Kanarietekst";
/// A local number, likewise.
pub const LOCAL: &str = "kanarienummer";

/// A child by its local number.
#[must_use]
pub fn about_child(number: usize) -> Subject {
    Subject::Child(ChildSubject {
        local_number: format!("{LOCAL}{number}"),
        age_band: AgeBand::Under12.into(),
        group: String::new(),
        display_name: format!("{NAME} {number}"),
    })
}

/// Children that [`signal`] is about.
pub const CHILDREN: usize = 40;

/// Consent of the one parent with authority.
#[must_use]
pub fn consent() -> SharingPermission {
    SharingPermission {
        processing_basis: "toestemming".into(),
        consents: vec![SharingConsent {
            giver: ConsentGiver::SoleParent.into(),
            status: ConsentStatus::Consented.into(),
            scopes: vec![ConsentScope::ShareWithProfessional.into()],
            date: "2026-01-05".into(),
        }],
        ground: None,
    }
}

/// The n-th signal of a run: children, groups and questions in turn, now and then one about safety.
#[must_use]
pub fn signal(run: &str, number: usize) -> SubmitSignalRequest {
    let subject = match number % 3 {
        // Several signals on the same child, so that episodes are joined under fire.
        0 => about_child(number / 3 % CHILDREN),
        1 => Subject::Group(GroupSubject { group: "groep-3".into() }),
        _ => Subject::Consult(ConsultSubject {}),
    };
    let child = matches!(subject, Subject::Child(_));
    SubmitSignalRequest {
        client_reference: format!("{run}-{number}"),
        centre: Some(CentreReference { reference: Some(Reference::Key(CENTRE.into())) }),
        subject: Some(subject),
        domains: vec![ConcernDomain::Gedrag.into()],
        severity: 1 + u32::try_from(number % 5).expect("small"),
        safety: if number % 50 == 7 { SafetyLevel::Structural } else { SafetyLevel::None }.into(),
        duration: ConcernDuration::Under2Weeks.into(),
        asked_by: AskedBy::Staff.into(),
        answer_wanted: true,
        details: Some(SignalDetails {
            text: format!("{TEXT} {number}."),
            signaller: Some(PersonReference {
                local_id: format!("{LOCAL}-leerkracht"),
                name: format!("{NAME} leerkracht"),
                ..PersonReference::default()
            }),
            ..SignalDetails::default()
        }),
        permission: child.then(consent),
        ..SubmitSignalRequest::default()
    }
}
