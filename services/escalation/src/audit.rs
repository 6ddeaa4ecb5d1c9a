//! Who looked at an episode, on record before it is shown. Field names follow NEN 7513.

use std::sync::Arc;

use prost::bytes::Bytes;
use voordeur_chassis::{AuditTrail, Problem};
use voordeur_contracts::{
    common,
    event::{AuditAction, AuditControls, AuditEvent, AuditEventType, AuditObjectType, AuditOutcome},
};
use voordeur_eventlog::{Deadline, EventLog};
use voordeur_kernel::{ChildAlias, CommitId, EpisodeId, ProfessionalKey, Role, Timestamp};
use voordeur_vault::random_id;

use crate::codec::{SERVICE, SOURCE};

/// One look of one person at one episode.
#[derive(Debug, Clone)]
pub(crate) struct Look<'a> {
    /// Who.
    pub(crate) person: &'a ProfessionalKey,
    /// In which role.
    pub(crate) role: Role,
    /// At what.
    pub(crate) episode: EpisodeId,
    /// About whom.
    pub(crate) child: ChildAlias,
    /// The processing activity, for instance `get-episode`.
    pub(crate) activity: &'static str,
    /// Whether it was shown.
    pub(crate) allowed: bool,
    /// When.
    pub(crate) at: Timestamp,
    /// Version of the directory that said who works where.
    pub(crate) directory_version: u64,
}

/// Writes looks down.
#[derive(Debug, Clone)]
pub(crate) struct Audit(AuditTrail);

impl Audit {
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self(AuditTrail::new(log, SERVICE, SOURCE))
    }

    /// Stores a look; only after that may anything be shown.
    ///
    /// # Errors
    /// When it is not on record. Nothing may be shown then.
    pub(crate) async fn record(&self, look: &Look<'_>, deadline: Deadline) -> Result<(), Problem> {
        // Every look is its own, so its id is random and not derived.
        let id = random_id().map_err(|_| Problem::broken("no randomness for an audit record"))?;
        let case = look.episode.to_hex();
        self.0.record(&case, CommitId::from_bytes(id), look.at, event(look), deadline).await
    }
}

fn event(look: &Look<'_>) -> AuditEvent {
    let outcome = if look.allowed { AuditOutcome::Success } else { AuditOutcome::Refused };
    let person = common::Person { key: look.person.to_string(), role: common::Role::from(look.role).into() };
    AuditEvent {
        event_action_code: AuditAction::R.into(),
        event_outcome_indicator: outcome.into(),
        event_id: look.activity.to_owned(),
        event_type_code: AuditEventType::Normal.into(),
        user: Some(common::Actor { who: Some(common::actor::Who::Person(person)) }),
        purpose_of_use: "follow-episode".to_owned(),
        participant_object_id: Bytes::copy_from_slice(look.episode.as_bytes()),
        participant_object_id_type: AuditObjectType::Episode.into(),
        data_subject_id: Bytes::copy_from_slice(look.child.as_bytes()),
        // The rule that decided: people of the centre, by this version of the directory.
        autorisatie_protocol: format!("team-of-centre/1 directory/{}", look.directory_version),
        controles: Some(AuditControls {
            autorisatie: look.allowed,
            behandelrelatie: look.allowed,
            toestemming: false,
            noodknop: false,
        }),
        ..AuditEvent::default()
    }
}
