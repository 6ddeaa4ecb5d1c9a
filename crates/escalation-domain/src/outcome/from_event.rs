//! From the events of an episode to the facts that the rules look at.

use jiff::tz::TimeZone;
use voordeur_kernel::CommitId;

use super::{
    day::Day,
    endpoints::{EndpointList, domain_of},
    fact::{CaseFact, CheckFact, FactKind, Patch, ReferralFact, ShortKey, Subject},
};
use crate::{
    event::{Change, Correction, Destination, Event},
    words::{ReferralDecision, Verwijzer},
};

/// The fact in an event, under an endpoint list; `None` when no rule looks at it. `zone` is that of the centres.
#[must_use]
pub fn case_fact(
    event: &Event,
    commit: CommitId,
    endpoints: &EndpointList,
    zone: &TimeZone,
) -> Option<CaseFact> {
    let kind = match &event.change {
        Change::Opened(_) | Change::SignalJoined(_) => FactKind::Signal(Subject::Child),
        Change::FirstContact { .. } => FactKind::FirstContact,
        // The second, independent judgement only tells how far two people agree.
        Change::BaselineAssessed(judgement) if judgement.second => return None,
        Change::BaselineAssessed(judgement) => FactKind::Baseline(judgement.baseline),
        Change::SupportGiven { .. } => FactKind::Support,
        Change::SpecialistConsulted { .. } => FactKind::Consultation,
        Change::ReferralRequested { referral, destination, verwijzer } => {
            referral_fact(*referral, false, *destination, Some(*verwijzer), endpoints)?
        }
        Change::CareStarted { referral, destination, verwijzer } => {
            referral_fact(*referral, true, *destination, *verwijzer, endpoints)?
        }
        Change::ReferralDecided { referral, decision } => {
            let key = ShortKey::of_commit(*referral);
            match decision {
                ReferralDecision::Granted => FactKind::Granted(key),
                ReferralDecision::Refused => FactKind::Refused(key),
                ReferralDecision::Withdrawn => FactKind::Withdrawn(key),
            }
        }
        Change::CareEnded { referral, .. } => FactKind::CareEnded(ShortKey::of_commit(*referral)),
        Change::ReferralReviewed { referral, reviewer, verdict, .. } => FactKind::Reviewed {
            referral: ShortKey::of_commit(*referral),
            reviewer: ShortKey::of_text(reviewer.as_str()),
            verdict: *verdict,
        },
        Change::VeiligThuisReported => FactKind::VeiligThuis,
        Change::ChildLeft { destination } => FactKind::Left(*destination),
        Change::ConsentWithdrawn { scope } => FactKind::ConsentWithdrawn(*scope),
        Change::FollowUpChecked(check) => FactKind::Checked(CheckFact {
            // A check whose day is in no calendar vouches for nothing.
            covers_until: Day::of_date(check.covers_until).unwrap_or(Day::FIRST),
            jeugdhulp: check.jeugdhulp,
            onderwijs: check.onderwijs,
            need: check.need,
        }),
        Change::Closed(_) => FactKind::Closed,
        Change::Corrected(correction) => {
            FactKind::Corrected { target: correction.target, patch: patch(correction, zone) }
        }
        Change::TaskCompleted { .. }
        | Change::GoalSet(_)
        | Change::GoalScored { .. }
        | Change::YouthCareStarted
        | Change::HandOverPlanned { .. }
        | Change::EpisodesLinked { .. }
        | Change::WorkDue { .. } => return None,
    };
    Some(CaseFact {
        id: commit,
        effective: Day::of_moment(event.effective_at, zone),
        recorded: Day::of_moment(event.meta.recorded_at, zone),
        order: event.meta.ordinal,
        kind,
    })
}

/// Takes the next event of a history in. A correction of something that no rule looks at is left out, so that it doesn't pass for a
/// correction of nothing: in a history the target always comes before.
pub fn take_in(
    facts: &mut Vec<CaseFact>,
    event: &Event,
    commit: CommitId,
    endpoints: &EndpointList,
    zone: &TimeZone,
) {
    let Some(fact) = case_fact(event, commit, endpoints, zone) else { return };
    match fact.kind {
        FactKind::Corrected { target, .. } if !facts.iter().any(|known| known.id == target) => {}
        _ => facts.push(fact),
    }
}

fn referral_fact(
    referral: CommitId,
    started: bool,
    destination: Destination,
    verwijzer: Option<Verwijzer>,
    endpoints: &EndpointList,
) -> Option<FactKind> {
    let (endpoint, imposed) = endpoints.of(destination, verwijzer)?;
    Some(FactKind::Referral(ReferralFact {
        referral: ShortKey::of_commit(referral),
        started,
        domain: domain_of(destination),
        endpoint,
        imposed,
    }))
}

fn patch(correction: &Correction, zone: &TimeZone) -> Patch {
    if correction.void {
        return Patch::Void;
    }
    let effective = correction.effective_at.map(|at| Day::of_moment(at, zone));
    match (effective, correction.baseline) {
        (None, None) => Patch::Stands,
        (Some(day), None) => Patch::Effective(day),
        (None, Some(level)) => Patch::Baseline(level),
        (Some(day), Some(level)) => Patch::EffectiveAndBaseline(day, level),
    }
}
