//! The same facts stand in events, in requests and in what is shown; the wire has an own choice for each.

use voordeur_contracts::{
    escalation::{fact::Fact as Shown, record_fact_request::Fact as Asked},
    event::episode_event::Change as Wire,
};
use voordeur_kernel::CommitId;

/// The id of a fact as people see it.
pub(super) fn fact_id(commit: CommitId) -> String {
    format!("fac_{}", commit.to_hex())
}

macro_rules! facts {
    ($($same:ident,)+) => {
        /// A fact of an event as it is shown; nothing for what no person records.
        pub(super) fn to_fact(change: Wire) -> Option<Shown> {
            match change {
                $(Wire::$same(fact) => Some(Shown::$same(fact)),)+
                Wire::Corrected(fact) => Some(Shown::CorrectedFact(fact)),
                Wire::Opened(_)
                | Wire::SignalJoined(_)
                | Wire::FirstContact(_)
                | Wire::TaskCompleted(_)
                | Wire::WorkDue(_) => None,
            }
        }

        /// A fact that somebody asks to record, as an event has it.
        pub(super) fn to_change(fact: Asked) -> Wire {
            match fact {
                $(Asked::$same(fact) => Wire::$same(fact),)+
                Asked::CorrectedFact(fact) => Wire::Corrected(fact),
            }
        }
    };
}

facts! {
    BaselineAssessed,
    GoalSet,
    GoalScored,
    SupportGiven,
    SpecialistConsulted,
    ReferralRequested,
    ReferralDecided,
    CareStarted,
    CareEnded,
    ReferralReviewed,
    VeiligThuisReported,
    ChildLeft,
    ConsentWithdrawn,
    FollowUpChecked,
    YouthCareStarted,
    HandOverPlanned,
    EpisodesLinked,
    Closed,
}
