//! Who looked at an episode or changed it, on record before anything is shown. Field names follow NEN 7513.

use std::sync::Arc;

use prost::bytes::Bytes;
use voordeur_chassis::{AuditTrail, Problem};
use voordeur_contracts::{
    common,
    event::{AuditAction, AuditControls, AuditEvent, AuditEventType, AuditObjectType, AuditOutcome},
};
use voordeur_eventlog::{Deadline, EventLog};
use voordeur_kernel::{ChildAlias, CommitId, EpisodeId, ErrorKind, ProfessionalKey, Role, Timestamp};
use voordeur_vault::random_id;

use crate::codec::{SERVICE, SOURCE};

/// What gives somebody the right to see an episode and to record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// She works at one of its centres.
    OfTheTeam,
    /// She is of a neighbouring centre, and holds one of its tasks by an arrangement.
    HoldsATask,
}

impl Right {
    /// The rule as the audit names it.
    const fn rule(self) -> &'static str {
        match self {
            Self::OfTheTeam => "team-of-centre/1",
            Self::HoldsATask => "holder-by-arrangement/1",
        }
    }
}

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
    /// What she does.
    pub(crate) doing: Doing,
    /// When.
    pub(crate) at: Timestamp,
    /// Version of the directory that said who works where.
    pub(crate) directory_version: u64,
}

/// What somebody does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing {
    /// The processing activity, for instance `get-episode`.
    activity: &'static str,
    /// A look, or a change.
    action: AuditAction,
    /// Whether it was shown, or done.
    allowed: bool,
    /// The rule that decided.
    by: Right,
}

impl Doing {
    /// Without a right it is refused.
    pub(crate) fn look(activity: &'static str, right: Option<Right>) -> Self {
        let (allowed, by) = (right.is_some(), right.unwrap_or(Right::OfTheTeam));
        Self { activity, action: AuditAction::R, allowed, by }
    }

    pub(crate) const fn change(activity: &'static str, by: Right) -> Self {
        Self { activity, action: AuditAction::U, allowed: true, by }
    }

    pub(crate) fn refused_change(activity: &'static str, right: Option<Right>) -> Self {
        let by = right.unwrap_or(Right::OfTheTeam);
        Self { activity, action: AuditAction::U, allowed: false, by }
    }
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
        let stored = self.0.record(&case, CommitId::from_bytes(id), look.at, event(look), deadline).await;
        stored.map_err(|problem| {
            if !problem.kind.may_retry() || problem.kind == ErrorKind::TooMuch {
                tracing::error!(
                    reason = problem.reason,
                    "a look cannot be put on record, so nothing is shown"
                );
            }
            Problem::unavailable(
                "NOT_ON_RECORD",
                "this look cannot be put on record now, so nothing is shown; try again",
            )
        })
    }
}

fn event(look: &Look<'_>) -> AuditEvent {
    let outcome = if look.doing.allowed { AuditOutcome::Success } else { AuditOutcome::Refused };
    let person = common::Person { key: look.person.to_string(), role: common::Role::from(look.role).into() };
    AuditEvent {
        event_action_code: look.doing.action.into(),
        event_outcome_indicator: outcome.into(),
        event_id: look.doing.activity.to_owned(),
        event_type_code: AuditEventType::Normal.into(),
        user: Some(common::Actor { who: Some(common::actor::Who::Person(person)) }),
        purpose_of_use: "follow-episode".to_owned(),
        participant_object_id: Bytes::copy_from_slice(look.episode.as_bytes()),
        participant_object_id_type: AuditObjectType::Episode.into(),
        data_subject_id: Bytes::copy_from_slice(look.child.as_bytes()),
        // The rule that decided, by this version of the directory.
        autorisatie_protocol: format!("{} directory/{}", look.doing.by.rule(), look.directory_version),
        controles: Some(AuditControls {
            autorisatie: look.doing.allowed,
            behandelrelatie: look.doing.allowed,
            toestemming: false,
            noodknop: false,
        }),
        ..AuditEvent::default()
    }
}
