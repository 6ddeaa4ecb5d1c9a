//! What it is about, and why a child may be named.

use voordeur_kernel::{CentreKey, GroupKey, ProfessionalKey, limits};

use super::{CONSENT_MISSING, Ground, NamedChild, Permission, Subject, reader::Reader, types::Name};
use crate::{
    codes::{AgeBand, ConsentGiver, ConsentStatus},
    consent::{self, Consent},
    draft::{ChildDraft, ConsentDraft, Draft, GroundDraft, PermissionDraft, Raw},
};

/// The subject, and the name that may be sealed with the details.
pub(super) fn read_subject(
    draft: &Draft,
    centre: Option<&CentreKey>,
    reader: &mut Reader<'_>,
) -> (Option<Subject>, Option<Name>) {
    let given = [draft.child.is_some(), draft.group.is_some(), draft.consult];
    match given.into_iter().filter(|given| *given).count() {
        0 => reader.form(
            "subject",
            "REQUIRED",
            "say whether it is about a child, a group or neither (consult)",
        ),
        1 => {}
        _ => reader.form(
            "subject",
            "MORE_THAN_ONE",
            "a signal is about a child, or a group, or neither; send two signals",
        ),
    }
    if draft.child.is_none() && draft.permission.is_some() {
        reader.form(
            "permission",
            "NOT_FOR_THIS_SUBJECT",
            "permission belongs to a named child; leave it out",
        );
    }
    match (&draft.child, &draft.group) {
        (Some(child), _) => read_child(child, draft.permission.as_ref(), centre, reader),
        (None, Some(group)) => {
            let subject = match read_group("group.group", group, centre, reader) {
                Some(group) => Some(Subject::Group(group)),
                None if reader.lenient => Some(Subject::Consult { age_band: None }),
                None => None,
            };
            (subject, None)
        }
        (None, None) => {
            ((draft.consult || reader.lenient).then_some(Subject::Consult { age_band: None }), None)
        }
    }
}

fn read_child(
    draft: &ChildDraft,
    permission: Option<&PermissionDraft>,
    centre: Option<&CentreKey>,
    reader: &mut Reader<'_>,
) -> (Option<Subject>, Option<Name>) {
    let local_number = reader.reference("child.local_number", &draft.local_number);
    let age_band = reader.code("child.age_band", draft.age_band);
    let group =
        if draft.group.0.is_empty() { None } else { read_group("child.group", &draft.group, centre, reader) };
    let name = reader.text("child.display_name", &draft.display_name);
    let permission = read_permission(age_band, permission, reader);
    match (permission, local_number) {
        (Some(permission), Some(local_number)) => {
            (Some(Subject::Child(NamedChild { local_number, age_band, group, permission })), name)
        }
        // A safety signal goes on without what is missing. With permission the name may still be read by who takes it up; without
        // it nothing that names the child is kept, and the signaller is asked.
        (Some(_), None) if reader.lenient => (Some(Subject::Consult { age_band }), name),
        (None, _) if reader.lenient => {
            reader.form("child", CONSENT_MISSING, "the child was left out");
            (Some(Subject::Consult { age_band }), None)
        }
        _ => (None, None),
    }
}

fn read_group(
    field: &str,
    raw: &Raw,
    centre: Option<&CentreKey>,
    reader: &mut Reader<'_>,
) -> Option<GroupKey> {
    let Ok(group) = GroupKey::parse(&raw.0) else {
        reader.form(field, "BAD_KEY", "give the key of a group of this centre");
        return None;
    };
    // Without a centre nothing can be said about its groups; that fault is reported already.
    if centre.is_some_and(|centre| !reader.premises.has_group(centre, &group)) {
        reader.form(field, "UNKNOWN_GROUP", "is no group of this centre");
        return None;
    }
    Some(group)
}

fn read_permission(
    age_band: Option<AgeBand>,
    draft: Option<&PermissionDraft>,
    reader: &mut Reader<'_>,
) -> Option<Permission> {
    let Some(draft) = draft else {
        reader.consent_missing = true;
        reader.form(
            "permission",
            CONSENT_MISSING,
            "a named child needs consent or a recorded ground; or ask without a name",
        );
        return None;
    };
    let basis = draft.processing_basis.0.as_str();
    let basis_allowed = !basis.is_empty() && reader.premises.allows_basis(basis);
    if basis.is_empty() {
        reader.form("permission.processing_basis", "REQUIRED", "name the processing basis");
    } else if !basis_allowed {
        reader.form(
            "permission.processing_basis",
            "UNKNOWN_BASIS",
            "is not a processing basis of this installation",
        );
    }
    let consents = read_consents(&draft.consents, reader);
    let ground = draft.ground.as_ref().map(|ground| read_ground(ground, reader));
    let suffices = match age_band {
        Some(age_band) => consent::suffices(age_band, &consents),
        // Nobody knows who decides; that fault is reported already.
        None => Err(consent::Missing::NobodyWithAuthority),
    };
    if let (Err(missing), None) = (&suffices, &ground) {
        reader.consent_missing = true;
        reader.form(
            "permission.consents",
            CONSENT_MISSING,
            format!("{missing}; or record a ground; or ask without a name"),
        );
    }
    let ground = ground.flatten();
    // A faulty ground is no ground.
    (basis_allowed && (suffices.is_ok() || ground.is_some())).then(|| Permission {
        processing_basis: basis.to_owned(),
        consents,
        ground,
    })
}

fn read_consents(drafts: &[ConsentDraft], reader: &mut Reader<'_>) -> Vec<Consent> {
    if drafts.len() > limits::CONSENTS_MAX {
        reader.form("permission.consents", "TOO_MANY", "give at most 5 consents");
    }
    let mut consents: Vec<Consent> = Vec::new();
    for (index, draft) in drafts.iter().take(limits::CONSENTS_MAX).enumerate() {
        let path = format!("permission.consents[{index}]");
        let giver: Option<ConsentGiver> = reader.code(&format!("{path}.giver"), draft.giver);
        let status = reader.code(&format!("{path}.status"), draft.status);
        let mut scopes = Vec::new();
        for (place, scope) in draft.scopes.iter().take(limits::CONSENTS_MAX).enumerate() {
            scopes.extend(reader.code(&format!("{path}.scopes[{place}]"), *scope));
        }
        scopes.sort_unstable();
        scopes.dedup();
        let dated = status == Some(ConsentStatus::Consented) || !draft.date.0.is_empty();
        let date = if dated { reader.past_day(&format!("{path}.date"), &draft.date) } else { None };
        let (Some(giver), Some(status)) = (giver, status) else { continue };
        if consents.iter().any(|earlier| earlier.giver == giver) {
            reader.form(format!("{path}.giver"), "DUPLICATE", "name each giver once");
            continue;
        }
        // In a safety signal a consent without a good date is no consent; elsewhere it has been refused above.
        if !(status == ConsentStatus::Consented && date.is_none()) {
            consents.push(Consent { giver, status, scopes, date });
        }
    }
    consents
}

fn read_ground(draft: &GroundDraft, reader: &mut Reader<'_>) -> Option<Ground> {
    let kind = reader.code("permission.ground.kind", draft.kind);
    let key = ProfessionalKey::parse(&draft.decided_by.0)
        .ok()
        .filter(|key| reader.premises.knows_person(key.as_str()));
    if key.is_none() {
        reader.form(
            "permission.ground.decided_by",
            "UNKNOWN_PERSON",
            "give the key of the person in the directory who decided",
        );
    }
    if draft.reason.0.trim().is_empty() {
        reader.form("permission.ground.reason", "REQUIRED", "say why");
    }
    let reason = reader.text("permission.ground.reason", &draft.reason);
    Some(Ground { kind: kind?, decided_by: key?, reason: reason? })
}
