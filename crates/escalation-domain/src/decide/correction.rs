//! Corrections: one more fact, agreed by a second person.

use super::{Case, Decided, record::can_lie_before};
use crate::{
    deadline::{day_of, days_between},
    event::{Change, Correction},
    follow_up::waits_for,
    life::{ChangeKind, Phase},
    picture::BASELINE_DAYS,
    refusal::Refusal,
    standing::{Standing, standing},
    words::{Baseline, CorrectionReason},
};

impl Case<'_> {
    pub(super) fn correct(&self, correction: &Correction) -> Result<Decided, Refusal> {
        if self.on() > self.today() {
            return Err(Refusal::InTheFuture);
        }
        let target =
            self.facts.iter().find(|fact| fact.commit == correction.target).ok_or(Refusal::UnknownFact)?;
        let kind = target.change.kind();
        if matches!(kind, ChangeKind::Corrected | ChangeKind::WorkDue) {
            return Err(Refusal::NotCorrectable);
        }
        if self.command.actor.person() == Some(&correction.second_person) {
            return Err(Refusal::SamePerson);
        }
        self.corrects_something(target, correction)?;
        if let Some(at) = correction.effective_at {
            let on = day_of(at, &self.rules.zone);
            if on > self.today() {
                return Err(Refusal::InTheFuture);
            }
            let opening = matches!(kind, ChangeKind::Opened | ChangeKind::SignalJoined);
            if !opening && !can_lie_before(kind) && self.opened_on().is_some_and(|opened| on < opened) {
                return Err(Refusal::BeforeTheEpisode);
            }
        }
        if let Change::BaselineAssessed(_) = target.change {
            self.corrects_baseline(target, correction)?;
        }
        let change = Change::Corrected(correction.clone());
        let deadlines = self.after(kind, &change);
        Ok((change, deadlines))
    }

    fn corrects_something(&self, target: &Standing, correction: &Correction) -> Result<(), Refusal> {
        let other_answer = match (&target.change, correction.baseline) {
            (Change::BaselineAssessed(judgement), Some(baseline)) => judgement.baseline != baseline,
            (_, Some(_)) => return Err(Refusal::NothingCorrected),
            (_, None) => false,
        };
        let other_day = correction.effective_at.is_some_and(|at| at != target.effective_at);
        if correction.void == target.voided && !other_answer && !other_day {
            return Err(Refusal::NothingCorrected);
        }
        Ok(())
    }

    /// A baseline is locked: what is known afterwards must not change what was judged before.
    fn corrects_baseline(&self, target: &Standing, correction: &Correction) -> Result<(), Refusal> {
        if correction.baseline == Some(Baseline::Imminent)
            && matches!(&target.change, Change::BaselineAssessed(judgement) if judgement.marks.is_empty())
        {
            return Err(Refusal::MarkNeeded);
        }
        let about_somebody_else = correction.void
            && matches!(
                correction.reason,
                Some(CorrectionReason::WrongChild | CorrectionReason::ParentObjected)
            );
        if about_somebody_else {
            return Ok(());
        }
        let judged_on = self.day(target);
        let late = days_between(judged_on, self.today()) > i64::from(BASELINE_DAYS);
        if late || self.referral_since(judged_on) { Err(Refusal::CorrectionTooLate) } else { Ok(()) }
    }

    /// What the episode waits for once the correction is applied.
    fn after(&self, target: ChangeKind, change: &Change) -> Option<Vec<crate::deadline::Deadline>> {
        let moves = matches!(
            target,
            ChangeKind::BaselineAssessed
                | ChangeKind::FollowUpChecked
                | ChangeKind::ConsentWithdrawn
                | ChangeKind::ChildLeft
                | ChangeKind::HandOverPlanned
                | ChangeKind::Closed
        );
        if !moves {
            return None;
        }
        let correction = crate::ledger::Fact {
            commit: self.command.commit,
            effective_at: self.command.effective_at,
            recorded_at: self.command.now,
            by: self.command.actor.clone(),
            change: change.clone(),
        };
        let facts = standing(self.episode.facts().chain([correction]));
        let last = facts.iter().filter(|fact| !fact.voided).rev().find_map(|fact| match fact.change.kind() {
            ChangeKind::Closed => Some(Phase::Closed),
            ChangeKind::Opened | ChangeKind::SignalJoined => Some(Phase::Open),
            _ => None,
        });
        self.moved(waits_for(&facts, self.command.episode, last.unwrap_or(Phase::Open), self.rules))
    }
}
