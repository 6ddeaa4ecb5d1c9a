//! A request of a source system becomes a draft. Nothing is judged here.

use voordeur_contracts::{
    common::Registration,
    convert::from_wire_time,
    event,
    intake::{self, SubmitSignalRequest, centre_reference::Reference, submit_signal_request::Subject},
};
use voordeur_intake_domain::{
    AgeBand, AskedBy, CentreReference, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, Draft,
    GroundKind, SafetyService,
    draft::{
        CallDraft, ChildDraft, ConsentDraft, DetailsDraft, GroundDraft, PermissionDraft, PersonDraft, Raw,
    },
};
use voordeur_kernel::{
    ConcernDomain, Role, SafetyLevel,
    identifier::{Identifier, Scheme},
};

use super::code;

fn raw(text: &str) -> Raw {
    text.into()
}

/// The draft in a request.
#[must_use]
pub fn draft(request: &SubmitSignalRequest) -> Draft {
    let (mut child, mut group, mut consult) = (None, None, false);
    match &request.subject {
        Some(Subject::Child(subject)) => child = Some(child_draft(subject)),
        Some(Subject::Group(subject)) => group = Some(raw(&subject.group)),
        Some(Subject::Consult(_)) => consult = true,
        None => {}
    }
    Draft {
        client_reference: raw(&request.client_reference),
        about_colleague: request.about_colleague,
        centre: draft_centre(request),
        child,
        group,
        consult,
        domains: request.domains.iter().map(|domain| code(&ConcernDomain::ALL, *domain)).collect(),
        severity: request.severity,
        safety: code(&SafetyLevel::ALL, request.safety),
        duration: code(ConcernDuration::ALL, request.duration),
        asked_by: code(AskedBy::ALL, request.asked_by),
        certainty: request.certainty,
        answer_wanted: request.answer_wanted,
        urgent: request.urgent,
        details: request.details.as_ref().map(details).unwrap_or_default(),
        permission: request.permission.as_ref().map(permission),
        calls: request.calls.iter().map(call).collect(),
    }
}

/// The centre that a request names.
pub(crate) fn draft_centre(request: &SubmitSignalRequest) -> Option<CentreReference> {
    request.centre.as_ref().and_then(centre)
}

fn centre(reference: &intake::CentreReference) -> Option<CentreReference> {
    Some(match reference.reference.as_ref()? {
        Reference::Key(key) => CentreReference::Key(raw(key)),
        Reference::Registration(registration) => {
            identifier(registration).map_or(CentreReference::BadRegistration, CentreReference::Registration)
        }
    })
}

fn identifier(registration: &Registration) -> Option<Identifier> {
    // Registrations of people are in the same list of schemes, behind those of organisations.
    let scheme = code(&Scheme::ALL, registration.scheme).known()?;
    if matches!(scheme, Scheme::Skj | Scheme::Big) {
        return None;
    }
    Identifier::parse(scheme, &registration.value).ok()
}

fn child_draft(subject: &intake::ChildSubject) -> ChildDraft {
    ChildDraft {
        local_number: raw(&subject.local_number),
        age_band: code(AgeBand::ALL, subject.age_band),
        group: raw(&subject.group),
        display_name: raw(&subject.display_name),
    }
}

fn details(details: &intake::SignalDetails) -> DetailsDraft {
    DetailsDraft {
        text: raw(&details.text),
        tried: raw(&details.tried),
        parents_say: raw(&details.parents_say),
        child_thinks: raw(&details.child_thinks),
        signaller: details.signaller.as_ref().map(person),
        intern_begeleider: details.intern_begeleider.as_ref().map(person),
        child_name: raw(&details.child_name),
    }
}

fn person(person: &intake::PersonReference) -> PersonDraft {
    PersonDraft {
        local_id: raw(&person.local_id),
        name: raw(&person.name),
        role: code(&Role::ALL, person.role),
    }
}

fn permission(permission: &intake::SharingPermission) -> PermissionDraft {
    PermissionDraft {
        processing_basis: raw(&permission.processing_basis),
        consents: permission.consents.iter().map(consent).collect(),
        ground: permission.ground.as_ref().map(|ground| GroundDraft {
            kind: code(GroundKind::ALL, ground.kind),
            decided_by: raw(&ground.decided_by),
            reason: raw(&ground.reason),
        }),
    }
}

fn consent(consent: &event::SharingConsent) -> ConsentDraft {
    ConsentDraft {
        giver: code(ConsentGiver::ALL, consent.giver),
        status: code(ConsentStatus::ALL, consent.status),
        scopes: consent.scopes.iter().map(|scope| code(ConsentScope::ALL, *scope)).collect(),
        date: raw(&consent.date),
    }
}

fn call(call: &event::SafetyCall) -> CallDraft {
    CallDraft {
        service: code(SafetyService::ALL, call.service),
        at: call.at.as_ref().and_then(from_wire_time),
        by: code(&Role::ALL, call.by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voordeur_contracts::common::RegistrationScheme;

    #[test]
    fn schemes_of_organisations_have_their_numbers() {
        for number in 1..=11 {
            let wire = RegistrationScheme::try_from(number).unwrap();
            let scheme = code(&Scheme::ALL, number).known().unwrap();
            assert_eq!(wire.as_str_name(), format!("REGISTRATION_SCHEME_{}", scheme.name()));
        }
        let person = Registration { scheme: 12, value: "100012345".into() };
        assert_eq!(identifier(&person), None);
    }
}
