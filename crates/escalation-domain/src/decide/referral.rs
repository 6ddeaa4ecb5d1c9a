//! Referrals, the care that they lead to, and whether they were needed.

use std::mem::discriminant;

use voordeur_kernel::{CommitId, ProfessionalKey};

use super::Case;
use crate::{
    deadline::days_between,
    event::{Change, Destination},
    life::ChangeKind,
    refusal::Refusal,
    standing::Standing,
    words::ReferralDecision,
};

/// Days of care before a referral is reviewed.
const REVIEW_AFTER_DAYS: i64 = 90;

/// One referral, or care without a known request, as it stands.
struct Referral<'a> {
    /// The fact that began it.
    origin: &'a Standing,
    destination: Destination,
    requested: bool,
    decision: Option<ReferralDecision>,
    care: Option<&'a Standing>,
    ended: bool,
}

impl Case<'_> {
    fn referral(&self, id: CommitId) -> Result<Referral<'_>, Refusal> {
        let origin = self.counting().find(|fact| fact.commit == id).ok_or(Refusal::UnknownReferral)?;
        let (destination, requested) = match origin.change {
            Change::ReferralRequested { destination, .. } => (destination, true),
            Change::CareStarted { referral, destination, .. } if referral == id => (destination, false),
            _ => return Err(Refusal::UnknownReferral),
        };
        let decision = self
            .counting()
            .filter_map(|fact| match fact.change {
                Change::ReferralDecided { referral, decision } if referral == id => {
                    Some((fact.effective_at, decision))
                }
                _ => None,
            })
            .max()
            .map(|(_, decision)| decision);
        let care = self
            .counting()
            .find(|fact| matches!(fact.change, Change::CareStarted { referral, .. } if referral == id));
        let ended = self
            .counting()
            .any(|fact| matches!(fact.change, Change::CareEnded { referral, .. } if referral == id));
        Ok(Referral { origin, destination, requested, decision, care, ended })
    }

    pub(super) fn decide_referral(&self, id: CommitId, decision: ReferralDecision) -> Result<(), Refusal> {
        let referral = self.referral(id)?;
        if !referral.requested {
            return Err(Refusal::UnknownReferral);
        }
        self.not_before(self.day(referral.origin))?;
        if referral.care.is_some() {
            return if referral.decision.is_none() && decision == ReferralDecision::Granted {
                // That it was granted may become known after the care itself.
                Ok(())
            } else {
                Err(Refusal::CareRuns)
            };
        }
        match (referral.decision, decision) {
            // What was granted can still be let go of.
            (None, _) | (Some(ReferralDecision::Granted), ReferralDecision::Withdrawn) => Ok(()),
            (Some(_), _) => Err(Refusal::AlreadyDecided),
        }
    }

    pub(super) fn start_care(&self, id: CommitId, destination: Destination) -> Result<(), Refusal> {
        if id == self.command.commit {
            // Without a known request.
            return Ok(());
        }
        let referral = self.referral(id)?;
        if referral.care.is_some() {
            return Err(Refusal::CareRuns);
        }
        if matches!(referral.decision, Some(ReferralDecision::Refused | ReferralDecision::Withdrawn)) {
            return Err(Refusal::NotGranted);
        }
        if discriminant(&referral.destination) != discriminant(&destination) {
            return Err(Refusal::OtherDestination);
        }
        self.not_before(self.day(referral.origin))
    }

    pub(super) fn end_care(&self, id: CommitId) -> Result<(), Refusal> {
        let referral = self.referral(id)?;
        let care = referral.care.ok_or(Refusal::NoCare)?;
        if referral.ended {
            return Err(Refusal::CareOver);
        }
        self.not_before(self.day(care))
    }

    pub(super) fn review(
        &self,
        id: CommitId,
        reviewer: &ProfessionalKey,
        of_receiving_provider: bool,
    ) -> Result<(), Refusal> {
        let referral = self.referral(id)?;
        let care = referral.care.ok_or(Refusal::NoCare)?;
        if days_between(self.day(care), self.on()) < REVIEW_AFTER_DAYS {
            return Err(Refusal::ReviewTooEarly);
        }
        if !of_receiving_provider && self.worked_on_the_case(reviewer) {
            return Err(Refusal::ReviewerOwnsCase);
        }
        let reviews: Vec<(&ProfessionalKey, bool)> = self
            .counting()
            .filter_map(|fact| match &fact.change {
                Change::ReferralReviewed { referral, reviewer, of_receiving_provider, .. }
                    if *referral == id =>
                {
                    Some((reviewer, *of_receiving_provider))
                }
                _ => None,
            })
            .collect();
        if reviews.iter().any(|(known, _)| *known == reviewer) {
            return Err(Refusal::SameReviewer);
        }
        match reviews.as_slice() {
            [] => Ok(()),
            [(_, first)] if *first != of_receiving_provider => Ok(()),
            [_] => Err(Refusal::ReviewerOfProviderNeeded),
            _ => Err(Refusal::ReviewsComplete),
        }
    }

    /// Whoever judged, set or scored goals, gave support or recorded the referral did work on the case. Keys of the receiving provider
    /// are of another list of people.
    fn worked_on_the_case(&self, person: &ProfessionalKey) -> bool {
        let work = |kind: ChangeKind| {
            matches!(
                kind,
                ChangeKind::BaselineAssessed
                    | ChangeKind::GoalSet
                    | ChangeKind::GoalScored
                    | ChangeKind::SupportGiven
                    | ChangeKind::SpecialistConsulted
                    | ChangeKind::ReferralRequested
                    | ChangeKind::CareStarted
                    | ChangeKind::Closed
            )
        };
        self.facts.iter().any(|fact| work(fact.change.kind()) && fact.person() == Some(person))
    }
}
