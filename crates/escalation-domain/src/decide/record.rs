//! Facts that people record.

use jiff::civil::Date;

use super::{Case, Decided, FACTS_MAX};
use crate::{
    deadline::{Work, day_of, days_after},
    event::{Change, Check, Closing},
    follow_up::at,
    life::{ChangeKind, Phase},
    picture::{answers, by_people},
    refusal::Refusal,
    shape::faults,
    words::{CloseReason, HandOverMoment, WithdrawalScope},
};

/// How far ahead a hand-over can be planned, in days: from a baby to the secondary school is longer than any window, so ten years.
const HAND_OVER_DAYS_MAX: u16 = 3_653;

impl Case<'_> {
    pub(super) fn record(&self, change: &Change) -> Result<Decided, Refusal> {
        let kind = change.kind();
        self.admit(kind)?;
        if !by_people(kind) || kind == ChangeKind::EpisodesLinked {
            return Err(Refusal::NotForPeople);
        }
        if !faults(change).is_empty() {
            return Err(Refusal::Malformed);
        }
        if let Change::Corrected(correction) = change {
            self.may_be_processed(kind, Some(correction.target))?;
            return self.correct(correction);
        }
        self.may_be_processed(kind, None)?;
        self.happened(kind)?;
        let deadlines = match change {
            Change::BaselineAssessed(judgement) => return self.judge(judgement),
            Change::GoalScored { goal, .. } => {
                let set = self
                    .counting()
                    .find(|fact| fact.commit == *goal && fact.change.kind() == ChangeKind::GoalSet)
                    .ok_or(Refusal::UnknownGoal)?;
                self.not_before(self.day(set))?;
                None
            }
            Change::ReferralDecided { referral, decision } => {
                self.decide_referral(*referral, *decision)?;
                None
            }
            Change::CareStarted { referral, destination, .. } => {
                self.start_care(*referral, *destination)?;
                None
            }
            Change::CareEnded { referral, .. } => {
                self.end_care(*referral)?;
                None
            }
            Change::ReferralReviewed { referral, reviewer, of_receiving_provider, .. } => {
                self.review(*referral, reviewer, *of_receiving_provider)?;
                None
            }
            Change::ChildLeft { .. } => {
                self.leave()?;
                self.without(|work| matches!(work, Work::HandOver(_)))
            }
            Change::ConsentWithdrawn { scope } => {
                if self.counting().any(|fact| matches!(fact.change, Change::ConsentWithdrawn { scope: known } if known >= *scope)) {
                    return Err(Refusal::AlreadyWithdrawn);
                }
                self.without(|_| true)
            }
            Change::FollowUpChecked(check) => return self.check(check),
            Change::YouthCareStarted => {
                if self.counting().any(|fact| fact.change.kind() == ChangeKind::YouthCareStarted) {
                    return Err(Refusal::AlreadyYouthCare);
                }
                None
            }
            Change::HandOverPlanned { moment, on } => return self.plan_hand_over(*moment, *on),
            Change::Closed(closing) => {
                self.close(closing)?;
                self.without(|work| matches!(work, Work::HandOver(_)))
            }
            _ => None,
        };
        Ok((change.clone(), deadlines))
    }

    /// What holds for anything that a person records.
    pub(super) fn admit(&self, kind: ChangeKind) -> Result<(), Refusal> {
        if self.command.actor.person().is_none() {
            return Err(Refusal::NotForPeople);
        }
        let now = self.episode.made_by_people();
        if self.command.seen_version != 0 && self.command.seen_version != now {
            return Err(Refusal::VersionChanged { now });
        }
        // Room is left for corrections and for what was withdrawn.
        let room = match kind {
            ChangeKind::Corrected | ChangeKind::ConsentWithdrawn => FACTS_MAX + FACTS_MAX / 10,
            _ => FACTS_MAX,
        };
        if self.episode.events() >= room { Err(Refusal::TooManyFacts) } else { Ok(()) }
    }

    /// Consent, which works forward. A withdrawal that was a mistake can be corrected.
    pub(super) fn may_be_processed(
        &self,
        kind: ChangeKind,
        corrects: Option<voordeur_kernel::CommitId>,
    ) -> Result<(), Refusal> {
        let is_withdrawal = |commit| {
            self.facts
                .iter()
                .any(|fact| fact.commit == commit && matches!(fact.change, Change::ConsentWithdrawn { .. }))
        };
        if corrects.is_some_and(is_withdrawal) {
            return Ok(());
        }
        let whole = self
            .counting()
            .any(|fact| matches!(fact.change, Change::ConsentWithdrawn { scope: WithdrawalScope::All }));
        if whole && kind != ChangeKind::Closed && kind != ChangeKind::ConsentWithdrawn {
            return Err(Refusal::ConsentWithdrawnWhole);
        }
        let goes_on =
            matches!(kind, ChangeKind::Closed | ChangeKind::ConsentWithdrawn | ChangeKind::Corrected);
        if !goes_on && self.withdrawn_before(self.on()) { Err(Refusal::ConsentWithdrawn) } else { Ok(()) }
    }

    /// The day on which it happened: not in the future, within the episode, and before its end where it belongs to the work.
    fn happened(&self, kind: ChangeKind) -> Result<(), Refusal> {
        let on = self.on();
        if on > self.today() {
            return Err(Refusal::InTheFuture);
        }
        if !can_lie_before(kind) && self.opened_on().is_some_and(|opened| on < opened) {
            return Err(Refusal::BeforeTheEpisode);
        }
        let work = matches!(
            kind,
            ChangeKind::GoalSet
                | ChangeKind::GoalScored
                | ChangeKind::SupportGiven
                | ChangeKind::SpecialistConsulted
        );
        if work && self.closed_on().is_some_and(|closed| on > closed) {
            return Err(Refusal::AfterTheEnd);
        }
        Ok(())
    }

    /// The day of the first signal, also when it was voided.
    pub(super) fn opened_on(&self) -> Option<Date> {
        let opened = self.picture.opened.map(|opened| opened.effective);
        let first = || self.facts.first().map(|fact| fact.effective_at);
        opened.or_else(first).map(|at| day_of(at, &self.rules.zone))
    }

    fn closed_on(&self) -> Option<Date> {
        let ended = self.picture.ended.filter(|_| self.episode.phase() == Phase::Closed);
        ended.map(|ending| day_of(ending.at.effective, &self.rules.zone))
    }

    pub(super) fn not_before(&self, cause: Date) -> Result<(), Refusal> {
        if self.on() < cause { Err(Refusal::BeforeItsCause) } else { Ok(()) }
    }

    /// A child that came back can leave again.
    fn leave(&self) -> Result<(), Refusal> {
        let last = self.counting().filter(|fact| {
            matches!(
                fact.change.kind(),
                ChangeKind::ChildLeft | ChangeKind::SignalJoined | ChangeKind::Opened
            )
        });
        let left = last
            .max_by_key(|fact| fact.effective_at)
            .is_some_and(|fact| fact.change.kind() == ChangeKind::ChildLeft);
        if left { Err(Refusal::AlreadyLeft) } else { Ok(()) }
    }

    fn check(&self, check: &Check) -> Result<Decided, Refusal> {
        if check.covers_until > self.on() {
            return Err(Refusal::CoversTheFuture);
        }
        if self.opened_on().is_some_and(|opened| check.covers_until < opened) {
            return Err(Refusal::BeforeTheEpisode);
        }
        let baseline_on =
            self.picture.baseline.as_ref().map(|baseline| day_of(baseline.at.effective, &self.rules.zone));
        if check.day > 0 {
            let baseline_on = baseline_on.ok_or(Refusal::NoBaseline)?;
            if check.covers_until < days_after(baseline_on, check.day) {
                return Err(Refusal::CheckTooEarly);
            }
        }
        let answered = |day| baseline_on.is_some_and(|on| answers(check, on, day));
        let deadlines = self.without(|work| match work {
            Work::FollowUp(day) | Work::MissedFollowUp(day) => answered(day),
            Work::HandOver(_) => false,
        });
        Ok((Change::FollowUpChecked(*check), deadlines))
    }

    fn plan_hand_over(&self, moment: HandOverMoment, on: Date) -> Result<Decided, Refusal> {
        if self.episode.phase() == Phase::Closed {
            return Err(Refusal::AlreadyClosed);
        }
        let today = self.today();
        if on <= today || on > days_after(today, HAND_OVER_DAYS_MAX) {
            return Err(Refusal::HandOverDay);
        }
        if self.picture.withdrawn.is_some() {
            return Ok((Change::HandOverPlanned { moment, on }, None));
        }
        let others = self.episode.deadlines().filter(|deadline| deadline.work != Work::HandOver(moment));
        let deadlines = others.chain(at(on, Work::HandOver(moment), &self.rules.zone)).collect();
        Ok((Change::HandOverPlanned { moment, on }, self.moved(deadlines)))
    }

    fn close(&self, closing: &Closing) -> Result<(), Refusal> {
        if self.episode.phase() == Phase::Closed {
            return Err(Refusal::AlreadyClosed);
        }
        let on = self.on();
        let before =
            |kind: ChangeKind| self.counting().any(|fact| fact.change.kind() == kind && self.day(fact) <= on);
        match closing.reason {
            CloseReason::WindowEnded
                if self.picture.window_ends(&self.rules.zone).is_some_and(|last| on <= last) =>
            {
                Err(Refusal::WindowRuns)
            }
            CloseReason::ChildLeft if !before(ChangeKind::ChildLeft) => Err(Refusal::NotLeft),
            CloseReason::ConsentWithdrawn if !before(ChangeKind::ConsentWithdrawn) => {
                Err(Refusal::ConsentStands)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn link(&self, earlier: &super::Earlier) -> Result<Decided, Refusal> {
        self.admit(ChangeKind::EpisodesLinked)?;
        self.may_be_processed(ChangeKind::EpisodesLinked, None)?;
        if self.on() > self.today() {
            return Err(Refusal::InTheFuture);
        }
        if earlier.child == self.episode.child() || earlier.episode == self.command.episode {
            return Err(Refusal::SameChild);
        }
        let opened = self.picture.opened.map(|opened| opened.effective);
        let own = (opened, self.episode.child());
        if (Some(earlier.opened_at), earlier.child) > own {
            return Err(Refusal::LinkFromLater);
        }
        if self.picture.linked.contains(&earlier.episode) {
            return Err(Refusal::AlreadyLinked);
        }
        // The child is asked after once: from the baseline that counts.
        let deadlines = if earlier.judged {
            self.without(|work| matches!(work, Work::FollowUp(_) | Work::MissedFollowUp(_)))
        } else {
            None
        };
        Ok((Change::EpisodesLinked { earlier: earlier.episode }, deadlines))
    }
}

/// A referral and its care may have been there before anybody raised a signal here.
pub(super) const fn can_lie_before(kind: ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::ReferralRequested
            | ChangeKind::ReferralDecided
            | ChangeKind::CareStarted
            | ChangeKind::CareEnded
    )
}
