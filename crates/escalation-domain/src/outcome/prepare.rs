//! Before the rows are asked: what was known, once, as it was corrected, and without what happened after consent was withdrawn.

use voordeur_kernel::CommitId;

use super::{
    classify::Question,
    day::Day,
    fact::{CaseFact, FactKind, Patch},
    result::{Flag, Flags},
    ruleset::Ruleset,
};
use crate::words::{Baseline, DomainStatus};

/// One id with two contents: the history can't be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("a fact with the same id and other content is there: {0}")]
pub struct Contradiction(
    /// The id.
    pub CommitId,
);

/// Everything in `facts` that counts for the question, sorted by id. Corrections are applied and gone.
pub(super) fn prepare(
    facts: &mut Vec<CaseFact>,
    ruleset: &Ruleset,
    question: Question,
    flags: &mut Flags,
) -> Result<(), Contradiction> {
    facts.sort_unstable_by_key(|fact| fact.id);
    // Among everything, also what isn't known yet on that day: a contradiction is one whatever is asked.
    if let Some(twice) = facts.windows(2).find_map(|pair| match pair {
        [one, other] if one.id == other.id && one != other => Some(one.id),
        _ => None,
    }) {
        return Err(Contradiction(twice));
    }
    facts.dedup();
    facts.retain(|fact| fact.recorded <= question.known);
    if facts.iter().any(|fact| matches!(fact.kind, FactKind::Corrected { .. })) {
        correct(facts, ruleset, flags);
    }
    facts.retain(|fact| fact.effective <= question.observed);
    respect_withdrawal(facts);
    Ok(())
}

/// One correction of a fact.
struct Correction {
    target: CommitId,
    place: (Day, u32, CommitId),
    patch: Patch,
}

/// Applies the corrections, of each fact in the order in which they became known: the last one wins.
fn correct(facts: &mut Vec<CaseFact>, ruleset: &Ruleset, flags: &mut Flags) {
    let mut corrections: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact.kind {
            FactKind::Corrected { target, patch } => Some(Correction { target, place: fact.place(), patch }),
            _ => None,
        })
        .collect();
    corrections.sort_unstable_by_key(|correction| (correction.target, correction.place));
    facts.retain(|fact| !matches!(fact.kind, FactKind::Corrected { .. }));

    // Sorted by id, because the corrections are.
    let mut voided = Vec::new();
    let mut of_judgements = Vec::new();
    for group in corrections.chunk_by(|one, other| one.target == other.target) {
        let Some(fact) = group.first().and_then(|correction| find(facts, correction.target)) else {
            flags.insert(Flag::CorrectionWithoutTarget);
            continue;
        };
        if matches!(fact.kind, FactKind::Baseline(_)) {
            of_judgements.push(group);
            continue;
        }
        flags.insert(Flag::Corrected);
        if apply(fact, group.iter()) {
            voided.push(fact.id);
        }
    }
    remove(facts, &voided);
    if of_judgements.is_empty() {
        return;
    }

    // The lock: a judgement is corrected soon, and before any outcome is known, or not at all.
    let outcomes = Outcomes::of(facts);
    voided.clear();
    for group in of_judgements {
        let Some(judgement) = group.first().and_then(|correction| find(facts, correction.target)) else {
            continue;
        };
        let known = outcomes.first_known_of(judgement.effective);
        let judged = judgement.effective;
        let in_time = |correction: &&Correction| {
            let (recorded, ..) = correction.place;
            recorded.since(judged) <= ruleset.corrected_within && known.is_none_or(|known| recorded < known)
        };
        let accepted = group.iter().filter(in_time).count();
        flags.insert_if(Flag::LateBaselineCorrectionIgnored, accepted < group.len());
        flags.insert_if(Flag::Corrected, accepted > 0);
        if apply(judgement, group.iter().filter(in_time)) {
            voided.push(judgement.id);
        }
    }
    remove(facts, &voided);
}

fn find(facts: &mut [CaseFact], id: CommitId) -> Option<&mut CaseFact> {
    let index = facts.binary_search_by_key(&id, |fact| fact.id).ok()?;
    facts.get_mut(index)
}

/// Applies corrections in their order, and says whether the fact is void in the end.
fn apply<'a>(fact: &mut CaseFact, corrections: impl Iterator<Item = &'a Correction>) -> bool {
    corrections.fold(false, |_, correction| {
        correction.patch.apply(fact);
        correction.patch == Patch::Void
    })
}

fn remove(facts: &mut Vec<CaseFact>, sorted: &[CommitId]) {
    if !sorted.is_empty() {
        facts.retain(|fact| sorted.binary_search(&fact.id).is_err());
    }
}

/// When the outcomes of a case became known.
struct Outcomes(Vec<(Day, Day)>);

impl Outcomes {
    /// An outcome is whatever ends the time at risk: a referral, also one without a date; leaving; a report to Veilig Thuis.
    fn of(facts: &[CaseFact]) -> Self {
        let mut outcomes: Vec<_> = facts
            .iter()
            .filter_map(|fact| match fact.kind {
                FactKind::Referral(_) | FactKind::Left(_) | FactKind::VeiligThuis => {
                    Some((fact.effective, fact.known()))
                }
                FactKind::Checked(check)
                    if [check.jeugdhulp, check.onderwijs].contains(&DomainStatus::Referred) =>
                {
                    Some((check.covers_until.min(fact.effective), fact.known()))
                }
                _ => None,
            })
            .collect();
        // Latest first, each with the earliest day on which it or a later one was known.
        outcomes.sort_unstable_by(|one, other| other.cmp(one));
        let mut earliest = Day::LAST;
        for (_, known) in &mut outcomes {
            earliest = earliest.min(*known);
            *known = earliest;
        }
        Self(outcomes)
    }

    /// The day on which the first outcome was known that happened on this day or afterwards.
    fn first_known_of(&self, from: Day) -> Option<Day> {
        let after = self.0.partition_point(|(effective, _)| *effective >= from);
        self.0.get(after.checked_sub(1)?).map(|(_, known)| *known)
    }
}

/// A withdrawal works forward: what happened after it isn't processed. What was known before anybody knew of it stays known, also when
/// the withdrawal is dated back.
fn respect_withdrawal(facts: &mut Vec<CaseFact>) {
    let is_withdrawal = |fact: &&CaseFact| matches!(fact.kind, FactKind::ConsentWithdrawn(_));
    if !facts.iter().any(|fact| is_withdrawal(&fact)) {
        return;
    }
    // In the order in which they became known, each with the earliest day of withdrawal known by then.
    let mut withdrawals: Vec<_> =
        facts.iter().filter(is_withdrawal).map(|fact| (fact.known(), fact.effective)).collect();
    withdrawals.sort_unstable();
    let mut earliest = Day::LAST;
    for (_, effective) in &mut withdrawals {
        earliest = earliest.min(*effective);
        *effective = earliest;
    }
    facts.retain(|fact| {
        let known_by_then = withdrawals.partition_point(|(known, _)| *known <= fact.known());
        let withdrawn = known_by_then.checked_sub(1).and_then(|last| withdrawals.get(last));
        is_withdrawal(&fact) || withdrawn.is_none_or(|(_, effective)| fact.effective <= *effective)
    });
}

/// The first contact and the judgement that stand: of each the one that was recorded first, so that nothing that becomes known
/// afterwards moves the clock.
pub(super) fn standing_judgement(facts: &[CaseFact], ruleset: &Ruleset) -> Option<(CaseFact, Baseline)> {
    let contact = facts
        .iter()
        .filter(|fact| fact.kind == FactKind::FirstContact)
        .min_by_key(|fact| fact.place())?
        .effective;
    facts
        .iter()
        .filter_map(|fact| match fact.kind {
            FactKind::Baseline(level) => Some((*fact, level)),
            _ => None,
        })
        .filter(|(fact, _)| {
            fact.effective.since(contact).abs() <= ruleset.judged_within
                && fact.recorded.since(fact.effective) <= ruleset.recorded_within
        })
        .min_by_key(|(fact, _)| fact.place())
}
