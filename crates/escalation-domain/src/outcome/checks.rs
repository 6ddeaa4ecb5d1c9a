//! Which follow-up checks a case should have had, which were made, and which were missed. A missed one never goes away: who isn't asked
//! after can't count as doing well.

use super::{
    classify::Question,
    day::Day,
    fact::{CaseFact, CheckFact, Domain, FactKind},
    prepare::{Contradiction, prepare, standing_judgement},
    result::Flags,
    ruleset::Ruleset,
};
use crate::{
    FollowUpPlan,
    words::{Baseline, DomainStatus, NeedStatus},
};

/// One check of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlannedCheck {
    /// Days after the judgement.
    pub after: u16,
    /// The day on which it is asked for.
    pub due: Day,
    /// What became of it.
    pub state: CheckState,
}

/// What became of a planned check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckState {
    /// Its day hasn't come.
    Ahead,
    /// It is asked for, and there is time.
    Open,
    /// Somebody asked.
    Made {
        /// The day on which they did.
        on: Day,
        /// Were both domains and the state of the child answered?
        complete: bool,
    },
    /// The time is over and nobody asked.
    Missed,
    /// Consent was withdrawn before its day: nobody may ask.
    NotAllowed,
}

/// The checks of a case under a plan, in the order of their days. Empty without a standing judgement, and where the judgement was "none"
/// and the case wasn't drawn for the sample.
///
/// The window of the question means nothing here.
///
/// # Errors
/// When two facts with the same id say different things.
pub fn planned_checks(
    facts: &[CaseFact],
    ruleset: &Ruleset,
    plan: &FollowUpPlan,
    drawn: bool,
    question: Question,
) -> Result<Vec<PlannedCheck>, Contradiction> {
    let mut facts = facts.to_vec();
    let mut flags = Flags::NONE;
    prepare(&mut facts, ruleset, question, &mut flags)?;
    let Some((judgement, level)) = standing_judgement(&facts, ruleset) else { return Ok(Vec::new()) };
    if level == Baseline::None && !drawn {
        return Ok(Vec::new());
    }
    let withdrawn = facts
        .iter()
        .filter(|fact| matches!(fact.kind, FactKind::ConsentWithdrawn(_)))
        .map(|fact| fact.effective)
        .min();
    let mut days = plan.days.clone();
    days.sort_unstable();
    days.dedup();
    let planned = days.into_iter().map(|after| {
        let due = judgement.effective.plus(after);
        let state = match made(&facts, due) {
            Some((on, complete)) => CheckState::Made { on, complete },
            None if withdrawn.is_some_and(|day| day <= due) => CheckState::NotAllowed,
            None if question.observed < due => CheckState::Ahead,
            None if question.observed < due.plus(plan.ask_again_after_days) => CheckState::Open,
            None => CheckState::Missed,
        };
        PlannedCheck { after, due, state }
    });
    Ok(planned.collect())
}

/// The first complete check that reaches a day, or the first one that does.
fn made(facts: &[CaseFact], due: Day) -> Option<(Day, bool)> {
    let reaching = facts.iter().filter_map(|fact| match fact.kind {
        FactKind::Checked(check) if check.covers_until.min(fact.effective) >= due => {
            Some((!is_complete(check), fact.effective))
        }
        _ => None,
    });
    reaching.min().map(|(incomplete, on)| (on, !incomplete))
}

fn is_complete(check: CheckFact) -> bool {
    let answered = |domain| check.status(domain) != DomainStatus::Unknown;
    Domain::ALL.into_iter().all(answered) && check.need != NeedStatus::Unknown
}
