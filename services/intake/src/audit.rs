//! Who saw what: written before it is shown, with the fields of NEN 7513.

use std::sync::Arc;

use bytes::Bytes;
use voordeur_chassis::{AuditTrail, Problem};
use voordeur_contracts::{
    common::SealedText,
    event::{AuditAction, AuditControls, AuditEvent, AuditEventType, AuditObjectType, AuditOutcome},
};
use voordeur_eventlog::{Deadline, EventLog};
use voordeur_intake_domain::life::Actor;
use voordeur_kernel::{AskerId, ChildAlias, Clock, CommitId};
use voordeur_vault::Vault;

use crate::{api::problem::vault_problem, codec};

/// Version of the rules by which a look is allowed (`voordeur_intake_domain::access`).
const ACCESS_RULES: &str = "intake-access/1";
/// Version of the rule that holding the task is the relation of care.
const CARE_RULES: &str = "task-holder/1";

/// Somebody looks, or wants to.
#[derive(Debug)]
pub(crate) struct Look {
    /// Under which history: the digits of a task or a signal.
    pub(crate) case: String,
    /// Which processing activity.
    pub(crate) activity: &'static str,
    pub(crate) actor: Actor,
    /// A person whom only the asking organisation knows.
    pub(crate) asker: Option<AskerId>,
    pub(crate) object: [u8; 16],
    pub(crate) object_type: AuditObjectType,
    pub(crate) child: Option<ChildAlias>,
    pub(crate) allowed: bool,
    /// An emergency, with its sealed reason.
    pub(crate) emergency: Option<SealedText>,
    /// She has the task in hand, or asked the question.
    pub(crate) in_care: bool,
    pub(crate) consent: bool,
    /// Key of the processing basis.
    pub(crate) consent_profile: String,
}

/// Writes looks down.
#[derive(Debug)]
pub(crate) struct Audit {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Arc<Vault>,
}

impl Audit {
    /// Writes a look down. Only when this succeeded may anything be shown, or a refusal be told.
    pub(crate) async fn record(&self, look: Look, deadline: Deadline) -> Result<(), Problem> {
        // Each look is one of its own, also when the same person looks again.
        let id = CommitId::from_bytes(self.vault.random_id().map_err(vault_problem)?);
        let case = look.case.clone();
        let trail = AuditTrail::new(Arc::clone(&self.log), "intake", "voordeur/intake");
        trail.record(&case, id, self.clock.now(), event(look), deadline).await
    }
}

fn event(look: Look) -> AuditEvent {
    let kind = if look.emergency.is_some() { AuditEventType::Emergency } else { AuditEventType::Normal };
    let outcome = if look.allowed { AuditOutcome::Success } else { AuditOutcome::Refused };
    AuditEvent {
        event_action_code: AuditAction::R.into(),
        event_outcome_indicator: outcome.into(),
        event_id: look.activity.to_owned(),
        event_type_code: kind.into(),
        user: Some(codec::event::write_actor(&look.actor)),
        purpose_of_use: if look.emergency.is_some() { "NOOD" } else { "BEGELEIDING" }.to_owned(),
        participant_object_id: Bytes::copy_from_slice(&look.object),
        participant_object_id_type: look.object_type.into(),
        data_subject_id: look.child.map(|child| Bytes::copy_from_slice(child.as_bytes())).unwrap_or_default(),
        autorisatie_protocol: ACCESS_RULES.to_owned(),
        behandelrelatie_protocol: CARE_RULES.to_owned(),
        toestemmings_profiel: look.consent_profile,
        controles: Some(AuditControls {
            autorisatie: look.allowed,
            behandelrelatie: look.in_care,
            toestemming: look.consent,
            noodknop: look.emergency.is_some(),
        }),
        reason: look.emergency,
        alternate_user_id: look
            .asker
            .map(|asker| Bytes::copy_from_slice(asker.as_bytes()))
            .unwrap_or_default(),
        ..AuditEvent::default()
    }
}
