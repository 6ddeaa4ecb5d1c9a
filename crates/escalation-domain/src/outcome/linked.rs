//! Several histories of one child. Aliases that were linked afterwards had episodes of their own; those that lie inside one window are one
//! case, and the earlier start counts.

use voordeur_kernel::CommitId;

use super::{
    day::Day,
    fact::{CaseFact, FactKind, Subject},
    prepare::Contradiction,
};

/// Which histories of one child are one case: groups of places in `histories`, each beginning with the history that began first.
///
/// A history joins the case that began before it when its first signal lies at most `window` days after the beginning of that case;
/// otherwise it is a case of its own. Histories without a signal about a child are cases of their own. The order of the histories means
/// nothing for who is together with whom.
#[must_use]
pub fn join(histories: &[&[CaseFact]], window: u16) -> Vec<Vec<usize>> {
    let mut begun: Vec<(Day, CommitId, usize)> = Vec::new();
    let mut cases: Vec<Vec<usize>> = Vec::new();
    for (index, facts) in histories.iter().enumerate() {
        match beginning(facts) {
            Some((day, id)) => begun.push((day, id, index)),
            None => cases.push(vec![index]),
        }
    }
    begun.sort_unstable();
    let mut running: Option<(Day, Vec<usize>)> = None;
    for (day, _, index) in begun {
        match &mut running {
            Some((start, members)) if day.since(*start) <= i32::from(window) => members.push(index),
            _ => cases.extend(running.replace((day, vec![index])).map(|(_, members)| members)),
        }
    }
    cases.extend(running.map(|(_, members)| members));
    cases
}

/// The first signal about the child.
fn beginning(facts: &[CaseFact]) -> Option<(Day, CommitId)> {
    let signals = facts.iter().filter(|fact| fact.kind == FactKind::Signal(Subject::Child));
    signals.map(|fact| (fact.effective, fact.id)).min()
}

/// The facts of several histories as one case, sorted by id, each once. [`super::classify`] of it finds the first contact and the
/// judgement that were recorded first, whichever history they come from.
///
/// # Errors
/// When two facts with the same id say different things.
pub fn merge<'a>(
    histories: impl IntoIterator<Item = &'a [CaseFact]>,
) -> Result<Vec<CaseFact>, Contradiction> {
    let mut facts: Vec<CaseFact> = histories.into_iter().flatten().copied().collect();
    facts.sort_unstable_by_key(|fact| fact.id);
    facts.dedup();
    match facts.windows(2).find_map(|pair| match pair {
        [one, other] if one.id == other.id => Some(one.id),
        _ => None,
    }) {
        Some(id) => Err(Contradiction(id)),
        None => Ok(facts),
    }
}
