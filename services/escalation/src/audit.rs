//! Who looked at an episode, on record before it is shown. Field names follow NEN 7513.

use std::sync::Arc;

use prost::{Message as _, bytes::Bytes};
use voordeur_chassis::{Problem, trace_headers};
use voordeur_contracts::{
    common,
    convert::to_wire_time,
    event::{AuditAction, AuditControls, AuditEvent, AuditEventType, AuditObjectType, AuditOutcome},
};
use voordeur_eventlog::{AppendError, Commit, Deadline, EventLog, Subject, Version};
use voordeur_kernel::{ChildAlias, CommitId, EpisodeId, ProfessionalKey, Role, Timestamp, limits};
use voordeur_vault::random_id;

use crate::codec::{SERVICE, SOURCE};

/// `ce-type` of audit records.
const KIND: &str = "nl.voordeur.audit.v1";

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
pub(crate) struct Audit {
    log: Arc<dyn EventLog>,
}

impl Audit {
    pub(crate) const fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log }
    }

    /// Stores a look; only after that may anything be shown.
    ///
    /// # Errors
    /// When it is not on record. Nothing may be shown then.
    pub(crate) async fn record(&self, look: &Look<'_>, deadline: Deadline) -> Result<(), Problem> {
        let subject = Subject::of(&format!("voordeur.audit.v1.{SERVICE}"), &look.episode.to_hex())
            .map_err(|error| Problem::broken(error.to_string()))?;
        let trace = trace_headers();
        let trace_id =
            trace.iter().find(|header| header.name == "traceparent").and_then(|h| trace_id(&h.value));
        // Every look is its own, so its id is random and not derived.
        let id = random_id().map_err(|_| Problem::broken("no randomness for an audit record"))?;
        let commit = Commit {
            id: CommitId::from_bytes(id),
            kind: KIND,
            source: SOURCE,
            time: look.at,
            data: event(look, trace_id.unwrap_or_default()).encode_to_vec().into(),
            trace,
            urgent: false,
        };
        // Records of one episode follow on each other; another look in between only means to look again where the end is.
        for _ in 0..limits::CONFLICT_ROUNDS_MAX {
            let last = self.log.last(&subject, deadline).await?;
            let version = last.map_or(Version::ABSENT, |message| Version(message.sequence));
            match self.log.append(&subject, version, commit.clone(), deadline).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppendError::Conflict.into())
    }
}

fn event(look: &Look<'_>, trace_id: Bytes) -> AuditEvent {
    let outcome = if look.allowed { AuditOutcome::Success } else { AuditOutcome::Refused };
    let person = common::Person { key: look.person.to_string(), role: common::Role::from(look.role).into() };
    AuditEvent {
        event_action_code: AuditAction::R.into(),
        event_date_time: Some(to_wire_time(look.at)),
        event_outcome_indicator: outcome.into(),
        event_id: look.activity.to_owned(),
        event_type_code: AuditEventType::Normal.into(),
        user: Some(common::Actor { who: Some(common::actor::Who::Person(person)) }),
        purpose_of_use: "follow-episode".to_owned(),
        network_access_point: SERVICE.to_owned(),
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
        audit_source_id: SERVICE.to_owned(),
        trace_id,
        ..AuditEvent::default()
    }
}

/// The 16 bytes of the trace id in a `traceparent`: `00-<32 digits>-<16 digits>-<flags>`.
fn trace_id(traceparent: &str) -> Option<Bytes> {
    let digits = traceparent.split('-').nth(1)?;
    // The same 32 digits as every id has.
    let id = CommitId::parse_hex(digits).ok()?;
    Some(Bytes::copy_from_slice(id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_taken_from_a_traceparent() {
        let id = trace_id("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!((id.len(), id[0], id[15]), (16, 0x0a, 0x9c));
        assert_eq!(trace_id("nonsense"), None);
    }
}
