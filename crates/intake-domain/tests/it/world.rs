//! An invented directory and a draft that is right.

use voordeur_intake_domain::{
    AgeBand, AskedBy, CentreFound, CentreReference, ConcernDuration, ConsentGiver, ConsentScope,
    ConsentStatus, Draft, Premises,
    draft::{ChildDraft, Code, ConsentDraft, DetailsDraft, PermissionDraft, PersonDraft},
    submission::{Submission, Verdict, parse, places},
};
use voordeur_kernel::{CentreKey, ConcernDomain, GroupKey, Role, SafetyLevel, Timestamp};

pub(crate) struct World {
    pub(crate) only_centre: bool,
}

impl Premises for World {
    fn now(&self) -> Timestamp {
        "2026-03-10T09:00:00Z".parse().unwrap()
    }

    fn centre(&self, reference: &CentreReference) -> CentreFound {
        match reference {
            CentreReference::Key(key) if key.0 == "de-wilg" => CentreFound::Own(self.own()),
            CentreReference::Key(key) if key.0 == "de-els" => CentreFound::Foreign,
            _ => CentreFound::Unknown,
        }
    }

    fn only_centre(&self) -> Option<CentreKey> {
        self.only_centre.then(|| self.own())
    }

    fn has_group(&self, _: &CentreKey, group: &GroupKey) -> bool {
        group.as_str() == "groep-4"
    }

    fn allows_basis(&self, key: &str) -> bool {
        key == "toestemming"
    }

    fn knows_person(&self, key: &str) -> bool {
        key == "ib-anke"
    }

    fn is_register_number(&self, digits: &str) -> bool {
        digits == "105897917"
    }
}

impl World {
    fn own(&self) -> CentreKey {
        CentreKey::parse("de-wilg").unwrap()
    }
}

pub(crate) fn consent(giver: ConsentGiver) -> ConsentDraft {
    ConsentDraft {
        giver: giver.into(),
        status: ConsentStatus::Consented.into(),
        scopes: vec![ConsentScope::ShareWithProfessional.into()],
        date: "2026-03-09".into(),
    }
}

/// A consult that is right.
pub(crate) fn consult() -> Draft {
    Draft {
        client_reference: "ref-1".into(),
        centre: Some(CentreReference::Key("de-wilg".into())),
        consult: true,
        domains: vec![ConcernDomain::Gedrag.into()],
        severity: 2,
        safety: SafetyLevel::None.into(),
        duration: ConcernDuration::Under2Weeks.into(),
        asked_by: AskedBy::Staff.into(),
        certainty: Some(6),
        answer_wanted: true,
        details: DetailsDraft {
            text: "Hoe begeleid ik drukke kinderen bij de overgang naar buiten?".into(),
            signaller: Some(PersonDraft {
                local_id: "medewerker-7".into(),
                name: "Juf Bo".into(),
                role: Role::Signaller.into(),
            }),
            ..DetailsDraft::default()
        },
        ..Draft::default()
    }
}

/// A signal about a named child that is right.
pub(crate) fn about_child() -> Draft {
    Draft {
        consult: false,
        child: Some(ChildDraft {
            local_number: "1042".into(),
            age_band: AgeBand::Under12.into(),
            group: "groep-4".into(),
            display_name: "Sam".into(),
        }),
        permission: Some(PermissionDraft {
            processing_basis: "toestemming".into(),
            consents: vec![consent(ConsentGiver::Parent1), consent(ConsentGiver::Parent2)],
            ground: None,
        }),
        ..consult()
    }
}

pub(crate) fn acute(draft: Draft) -> Draft {
    Draft { safety: Code::Known(SafetyLevel::Acute), ..draft }
}

pub(crate) fn accepted(draft: &Draft) -> Submission {
    match parse(draft, &World { only_centre: false }) {
        Ok(Verdict::Accept(submission)) => *submission,
        other => panic!("{other:?}"),
    }
}

/// Places and reasons of the faults.
pub(crate) fn faults(draft: &Draft) -> Vec<(String, &'static str)> {
    let rejection = parse(draft, &World { only_centre: false }).expect_err("faults");
    places(rejection.faults.as_slice())
        .into_iter()
        .map(|(field, reason)| (field.to_owned(), reason))
        .collect()
}

#[track_caller]
pub(crate) fn has_faults(draft: &Draft, expected: &[(&str, &str)]) {
    let found = faults(draft);
    let found: Vec<(&str, &str)> = found.iter().map(|(f, r)| (f.as_str(), *r)).collect();
    assert_eq!(found, expected);
}
