//! The larger parts of events: what was received, permission, sealed texts.

use bytes::Bytes;
use jiff::civil::Date;
use voordeur_contracts::{common::SealedText, convert::from_wire_time, event};
use voordeur_intake_domain::{
    AgeBand, AskedBy, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, GroundKind, SafetyService,
    SubjectKind,
    consent::Consent,
    draft::Code,
    life::{
        Received,
        signal::{RecordedGround, RecordedPermission, Sealed},
    },
    submission::{Call, Certainty, Domains, Severity},
};
use voordeur_kernel::{
    AskerId, CentreKey, ChildAlias, ConcernDomain, GroupKey, OrganisationKey, ProfessionalKey, Role,
    SafetyLevel,
};

use super::{code, event::BadEvent, number, time};

/// A code that must be there and be known.
pub(super) fn required<T: Copy>(all: &[T], wire: i32, place: &'static str) -> Result<T, BadEvent> {
    code(all, wire).known().ok_or(BadEvent(place))
}

/// A code that may be absent, but not unknown.
fn optional<T: Copy>(all: &[T], wire: i32, place: &'static str) -> Result<Option<T>, BadEvent> {
    match code(all, wire) {
        Code::Absent => Ok(None),
        Code::Known(known) => Ok(Some(known)),
        Code::Unknown => Err(BadEvent(place)),
    }
}

/// A sealed text on the wire.
pub(crate) fn sealed(text: &Sealed) -> SealedText {
    SealedText {
        key_id: Bytes::copy_from_slice(&text.key),
        r#box: Bytes::copy_from_slice(&text.sealed),
        purpose: text.purpose,
        owner: Bytes::copy_from_slice(&text.owner),
    }
}

/// A sealed text from the wire; whether it opens is the vault's business.
pub(crate) fn open_sealed(text: &SealedText, place: &'static str) -> Result<Sealed, BadEvent> {
    let sixteen = |bytes: &Bytes| <[u8; 16]>::try_from(bytes.as_ref()).map_err(|_| BadEvent(place));
    Ok(Sealed {
        key: sixteen(&text.key_id)?,
        sealed: text.r#box.to_vec(),
        purpose: text.purpose,
        owner: sixteen(&text.owner)?,
    })
}

pub(super) fn write_received(received: &Received) -> event::SignalReceived {
    event::SignalReceived {
        organisation: received.organisation.to_string(),
        centre: received.centre.to_string(),
        subject: number(SubjectKind::ALL, &received.subject),
        child: received.child.map(|child| Bytes::copy_from_slice(child.as_bytes())).unwrap_or_default(),
        group: received.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        domains: received.domains().iter().map(|domain| number(&ConcernDomain::ALL, domain)).collect(),
        severity: received.severity.get().into(),
        safety: number(&SafetyLevel::ALL, &received.safety),
        duration: received.duration.map_or(0, |duration| number(ConcernDuration::ALL, &duration)),
        asked_by: number(AskedBy::ALL, &received.asked_by),
        certainty: received.certainty.map(|certainty| certainty.get().into()),
        answer_wanted: received.answer_wanted,
        permission: received.permission.as_ref().map(write_permission),
        details: Some(sealed(&received.details)),
        askers: received.askers.iter().map(|asker| Bytes::copy_from_slice(asker.as_bytes())).collect(),
        calls: received.calls.iter().map(write_call).collect(),
        age_band: received.age_band.map_or(0, |age_band| number(AgeBand::ALL, &age_band)),
        waived_fields: received.waived.clone(),
        urgent: received.urgent,
    }
}

pub(super) fn read_received(wire: event::SignalReceived) -> Result<Received, BadEvent> {
    let domains: Result<Vec<_>, _> = wire
        .domains
        .iter()
        .map(|domain| required(&ConcernDomain::ALL, *domain, "received.domains"))
        .collect();
    let askers: Result<Vec<_>, _> = wire
        .askers
        .iter()
        .map(|asker| AskerId::parse_bytes(asker).map_err(|_| BadEvent("received.askers")))
        .collect();
    let calls: Result<Vec<_>, _> = wire.calls.iter().map(read_call).collect();
    Ok(Received {
        organisation: OrganisationKey::parse(&wire.organisation)
            .map_err(|_| BadEvent("received.organisation"))?,
        centre: CentreKey::parse(&wire.centre).map_err(|_| BadEvent("received.centre"))?,
        subject: required(SubjectKind::ALL, wire.subject, "received.subject")?,
        child: none_if(wire.child.is_empty(), || ChildAlias::parse_bytes(&wire.child), "received.child")?,
        group: none_if(wire.group.is_empty(), || GroupKey::parse(&wire.group), "received.group")?,
        domains: Domains::new(domains?).ok_or(BadEvent("received.domains"))?,
        severity: Severity::new(wire.severity).ok_or(BadEvent("received.severity"))?,
        safety: required(&SafetyLevel::ALL, wire.safety, "received.safety")?,
        duration: optional(ConcernDuration::ALL, wire.duration, "received.duration")?,
        asked_by: required(AskedBy::ALL, wire.asked_by, "received.asked_by")?,
        certainty: wire
            .certainty
            .map(|value| Certainty::new(value).ok_or(BadEvent("received.certainty")))
            .transpose()?,
        answer_wanted: wire.answer_wanted,
        urgent: wire.urgent,
        permission: wire.permission.map(read_permission).transpose()?,
        details: open_sealed(&wire.details.ok_or(BadEvent("received.details"))?, "received.details")?,
        askers: askers?,
        calls: calls?,
        age_band: optional(AgeBand::ALL, wire.age_band, "received.age_band")?,
        waived: wire.waived_fields,
    })
}

fn none_if<T, E>(
    none: bool,
    read: impl FnOnce() -> Result<T, E>,
    place: &'static str,
) -> Result<Option<T>, BadEvent> {
    if none { Ok(None) } else { read().map(Some).map_err(|_| BadEvent(place)) }
}

fn write_permission(permission: &RecordedPermission) -> event::Permission {
    event::Permission {
        processing_basis: permission.processing_basis.clone(),
        consents: permission
            .consents
            .iter()
            .map(|consent| event::SharingConsent {
                giver: number(ConsentGiver::ALL, &consent.giver),
                status: number(ConsentStatus::ALL, &consent.status),
                scopes: consent.scopes.iter().map(|scope| number(ConsentScope::ALL, scope)).collect(),
                date: consent.date.map(|date| date.to_string()).unwrap_or_default(),
            })
            .collect(),
        ground: permission.ground.as_ref().map(|ground| event::RecordedGround {
            kind: number(GroundKind::ALL, &ground.kind),
            decided_by: ground.decided_by.to_string(),
            reason: Some(sealed(&ground.reason)),
        }),
    }
}

fn read_permission(wire: event::Permission) -> Result<RecordedPermission, BadEvent> {
    let consents: Result<Vec<_>, _> = wire.consents.into_iter().map(read_consent).collect();
    let ground = wire.ground.map(|ground| {
        let reason = ground.reason.ok_or(BadEvent("permission.ground.reason"))?;
        Ok(RecordedGround {
            kind: required(GroundKind::ALL, ground.kind, "permission.ground.kind")?,
            decided_by: ProfessionalKey::parse(&ground.decided_by)
                .map_err(|_| BadEvent("permission.ground.decided_by"))?,
            reason: open_sealed(&reason, "permission.ground.reason")?,
        })
    });
    Ok(RecordedPermission {
        processing_basis: wire.processing_basis,
        consents: consents?,
        ground: ground.transpose()?,
    })
}

fn read_consent(wire: event::SharingConsent) -> Result<Consent, BadEvent> {
    let scopes: Result<Vec<_>, _> = wire
        .scopes
        .iter()
        .map(|scope| required(ConsentScope::ALL, *scope, "permission.consents.scopes"))
        .collect();
    Ok(Consent {
        giver: required(ConsentGiver::ALL, wire.giver, "permission.consents.giver")?,
        status: required(ConsentStatus::ALL, wire.status, "permission.consents.status")?,
        scopes: scopes?,
        date: none_if(wire.date.is_empty(), || wire.date.parse::<Date>(), "permission.consents.date")?,
    })
}

fn write_call(call: &Call) -> event::SafetyCall {
    event::SafetyCall {
        service: number(SafetyService::ALL, &call.service),
        at: Some(time(call.at)),
        by: call.by.map_or(0, |role| number(&Role::ALL, &role)),
    }
}

fn read_call(wire: &event::SafetyCall) -> Result<Call, BadEvent> {
    Ok(Call {
        service: required(SafetyService::ALL, wire.service, "received.calls.service")?,
        at: wire.at.as_ref().and_then(from_wire_time).ok_or(BadEvent("received.calls.at"))?,
        by: optional(&Role::ALL, wire.by, "received.calls.by")?,
    })
}
