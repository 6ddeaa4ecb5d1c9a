//! The baseline judgement and its lock.

use super::{Case, Decided};
use crate::{
    deadline::{Work, day_of, days_between},
    event::{Change, Destination, Judgement},
    follow_up::follow_ups,
    outcome::ESC_1,
    picture::BASELINE_DAYS,
    refusal::Refusal,
    standing::Standing,
    words::{DomainStatus, Verwijzer},
};

impl Case<'_> {
    pub(super) fn judge(&self, judgement: &Judgement) -> Result<Decided, Refusal> {
        let zone = &self.rules.zone;
        let contact = self.picture.first_contact.ok_or(Refusal::NoFirstContact)?;
        let (on, contact_on) = (self.on(), day_of(contact.at.effective, zone));
        if on < contact_on {
            return Err(Refusal::BaselineBeforeContact);
        }
        let judge = self.command.actor.person();
        match (&self.picture.baseline, &self.picture.second_baseline) {
            (Some(_), _) if !judgement.second => return Err(Refusal::BaselineLocked),
            (None, _) if judgement.second => return Err(Refusal::NoFirstJudgement),
            (Some(_), Some(_)) => return Err(Refusal::SecondJudged),
            (Some(first), None) if first.by.as_ref() == judge => return Err(Refusal::SameJudge),
            _ => {}
        }
        let limit = i64::from(BASELINE_DAYS);
        if days_between(contact_on, on) > limit {
            return Err(Refusal::BaselineTooLate);
        }
        if days_between(on, self.today()) > limit {
            return Err(Refusal::BaselineRecordedTooLate);
        }
        if self.referral_since(contact_on) {
            return Err(Refusal::ReferralKnown);
        }
        let plan_version = self.rules.plan.version;
        let judgement = Judgement { plan_version, ..*judgement };
        // Judged before a withdrawal and recorded after it: nobody is asked any more.
        let asked = !judgement.second && self.picture.withdrawn.is_none();
        let deadlines = if asked { self.asked_after(&judgement) } else { None };
        Ok((Change::BaselineAssessed(judgement), deadlines))
    }

    /// What the episode waits for once this judgement stands.
    fn asked_after(&self, judgement: &Judgement) -> Option<Vec<crate::deadline::Deadline>> {
        let mut facts = self.facts.clone();
        facts.push(Standing {
            commit: self.command.commit,
            effective_at: self.command.effective_at,
            recorded_at: self.command.now,
            by: self.command.actor.clone(),
            change: Change::BaselineAssessed(*judgement),
            voided: false,
            corrected: false,
        });
        let others = self.episode.deadlines().filter(|deadline| matches!(deadline.work, Work::HandOver(_)));
        self.moved(others.chain(follow_ups(&facts, self.command.episode, self.rules)).collect())
    }

    /// Is a referral known that lies on this day or after it? Only such a one tells who judges how it will end: an earlier one means
    /// that the child was referred already, which the rules see by themselves.
    pub(super) fn referral_since(&self, from: jiff::civil::Date) -> bool {
        self.counting().any(|fact| {
            let told = match &fact.change {
                Change::ReferralRequested { destination, verwijzer, .. } => {
                    is_endpoint(*destination, Some(*verwijzer))
                }
                Change::CareStarted { destination, verwijzer, .. } => is_endpoint(*destination, *verwijzer),
                Change::FollowUpChecked(check) => {
                    check.jeugdhulp == DomainStatus::Referred || check.onderwijs == DomainStatus::Referred
                }
                _ => false,
            };
            told && self.day(fact) >= from
        })
    }
}

fn is_endpoint(destination: Destination, verwijzer: Option<Verwijzer>) -> bool {
    ESC_1.endpoints.of(destination, verwijzer).is_some()
}
