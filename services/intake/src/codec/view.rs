//! Signals as their asker sees them.

use voordeur_contracts::{
    common,
    intake::{self, SignalStatus},
};
use voordeur_intake_domain::{SubjectKind, life::Stage};

use super::{number, time};
use crate::machine::Row;

/// The status of a stage.
pub(crate) const fn status(stage: Stage) -> SignalStatus {
    match stage {
        Stage::Received => SignalStatus::Received,
        Stage::Routed => SignalStatus::Routed,
        Stage::Answered => SignalStatus::Answered,
        Stage::Withdrawn => SignalStatus::Withdrawn,
    }
}

/// A signal as its asker sees it.
pub(crate) fn signal(row: &Row, client_reference: &str) -> intake::Signal {
    intake::Signal {
        signal_id: row.id.to_string(),
        client_reference: client_reference.to_owned(),
        status: status(row.stage).into(),
        centre: row.centre.to_string(),
        subject: number(SubjectKind::ALL, &row.subject),
        safety: common::SafetyLevel::from(row.safety).into(),
        received_at: Some(time(row.received_at)),
        answered_at: row.answered_at.map(time),
        answer_acknowledged: row.acknowledged,
        version: row.version,
    }
}
