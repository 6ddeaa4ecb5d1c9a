//! Facts as they stand: corrections applied. Of several corrections of one fact the last by (recorded, id) wins, whatever order they
//! arrived in.

use jiff::{civil::Date, tz::TimeZone};
use voordeur_kernel::{CommitId, ProfessionalKey, Timestamp};

use crate::{
    deadline::day_of,
    event::{Change, Correction, Judgement},
    ledger::Fact,
    words::Baseline,
};

/// A fact with what corrections made of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its id.
    pub commit: CommitId,
    /// When it happened, as corrected.
    pub effective_at: Timestamp,
    /// When it became known first.
    pub recorded_at: Timestamp,
    /// Who told first.
    pub by: crate::event::Actor,
    /// What, as corrected.
    pub change: Change,
    /// It counts no more.
    pub voided: bool,
    /// Somebody corrected it.
    pub corrected: bool,
}

impl Standing {
    /// The day on which it happened.
    #[must_use]
    pub fn day(&self, zone: &TimeZone) -> Date {
        day_of(self.effective_at, zone)
    }

    /// The person who told it first.
    #[must_use]
    pub const fn person(&self) -> Option<&ProfessionalKey> {
        self.by.person()
    }
}

/// Applies the corrections among the facts, and keeps the order.
#[must_use]
pub fn standing(facts: impl IntoIterator<Item = Fact>) -> Vec<Standing> {
    let mut all: Vec<Standing> = facts
        .into_iter()
        .map(|fact| Standing {
            commit: fact.commit,
            effective_at: fact.effective_at,
            recorded_at: fact.recorded_at,
            by: fact.by,
            change: fact.change,
            voided: false,
            corrected: false,
        })
        .collect();
    let mut corrections: Vec<(Timestamp, CommitId, Correction)> = all
        .iter()
        .filter_map(|fact| match &fact.change {
            Change::Corrected(correction) => Some((fact.recorded_at, fact.commit, correction.clone())),
            _ => None,
        })
        .collect();
    corrections.sort_by_key(|(recorded, id, _)| (*recorded, *id));
    for (_, _, correction) in corrections {
        for fact in all.iter_mut().filter(|fact| fact.commit == correction.target) {
            apply(fact, &correction);
        }
    }
    all
}

fn apply(fact: &mut Standing, correction: &Correction) {
    fact.corrected = true;
    fact.voided = correction.void;
    if correction.void {
        return;
    }
    if let Some(at) = correction.effective_at {
        fact.effective_at = at;
    }
    if let (Change::BaselineAssessed(judgement), Some(baseline)) = (&mut fact.change, correction.baseline) {
        judgement.baseline = baseline;
    }
}

/// What counts.
pub(crate) fn counting(all: &[Standing]) -> impl Iterator<Item = &Standing> {
    all.iter().filter(|fact| !fact.voided)
}

/// The judgement that stands: the first by (recorded, id) that is no second one.
pub(crate) fn first_judgement(all: &[Standing]) -> Option<(&Standing, &Judgement)> {
    judgements(all)
        .filter(|(_, judgement)| !judgement.second)
        .min_by_key(|(fact, _)| (fact.recorded_at, fact.commit))
}

pub(crate) fn judgements(all: &[Standing]) -> impl Iterator<Item = (&Standing, &Judgement)> {
    counting(all).filter_map(|fact| match &fact.change {
        Change::BaselineAssessed(judgement) => Some((fact, judgement)),
        _ => None,
    })
}

/// Is the child followed up as a threatened one?
pub(crate) const fn at_risk(baseline: Baseline) -> bool {
    matches!(baseline, Baseline::Possible | Baseline::Imminent)
}
