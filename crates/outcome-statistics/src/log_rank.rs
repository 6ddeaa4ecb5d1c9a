//! The log-rank test and its relatives: do groups differ in how fast one thing happens.
//!
//! With competing causes, and the others censored, it compares cause-specific hazards; [`crate::gray`] compares incidences.

use crate::{
    linear::Square,
    sample::{Event, Member, NotComputable},
    special::chi_square_upper,
};

/// With fewer events in total no test is reported, only intervals (ruleset SDC-1 and outcomes, section 3.2: 20 referrals).
pub const EVENTS_FOR_A_TEST: u64 = 20;

/// What an early event weighs beside a late one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// All the same: the log-rank test (Harrington and Fleming's rho 0).
    Even,
    /// By the share that was still free of the event just before: Peto and Peto's (rho 1).
    PetoPeto,
}

/// The test. Lists are by group.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// How many subjects.
    pub n: Vec<u64>,
    /// Events, weighted.
    pub observed: Vec<f64>,
    /// Events that would be there if the groups did not differ, weighted.
    pub expected: Vec<f64>,
    /// Of observed less expected.
    pub variance: Vec<Vec<f64>>,
    /// Does not exist where `df` is below 1, or where nothing could vary.
    pub chi_square: Option<f64>,
    /// Groups in which an event was possible, less one.
    pub df: i32,
    /// Two-sided. Does not exist where the chi-square does not.
    pub p: Option<f64>,
    /// Events in all groups, unweighted; compare with [`EVENTS_FOR_A_TEST`].
    pub events: u64,
}

/// Compares the groups 0 to `groups` - 1 within each stratum. A member of another group is an event and a person at risk for nobody:
/// there must be none.
pub fn log_rank(
    members: &[Member],
    groups: usize,
    event: Event,
    weighting: Weighting,
) -> Result<LogRank, NotComputable> {
    if members.is_empty() {
        return Err(NotComputable::NoObservations);
    }
    if groups < 2 {
        return Err(NotComputable::OneGroup);
    }
    let mut sorted = members.to_vec();
    sorted.sort_unstable();
    let mut n = vec![0; groups];
    count(&mut n, members);
    let mut sums = Sums {
        observed: vec![0.0; groups],
        expected: vec![0.0; groups],
        variance: Square::zero(groups),
        events: 0,
    };
    for stratum in sorted.chunk_by(|a, b| a.stratum == b.stratum) {
        sums.add(stratum, groups, event, weighting);
    }
    let possible: Vec<usize> = (0..groups).filter(|&group| at(&sums.expected, group) > 0.0).collect();
    let df = possible.len() as i32 - 1;
    let score: Vec<f64> = sums.observed.iter().zip(&sums.expected).map(|(o, e)| o - e).collect();
    // The scores add up to 0, so one of them says nothing new.
    let chi_square =
        if df >= 1 { sums.variance.standardized(&score, possible.get(1..).unwrap_or(&[])) } else { None };
    let p = chi_square.and_then(|chi_square| chi_square_upper(chi_square, df.unsigned_abs()));
    Ok(LogRank {
        n,
        observed: sums.observed,
        expected: sums.expected,
        variance: sums.variance.rows(),
        chi_square,
        df,
        p,
        events: sums.events,
    })
}

struct Sums {
    observed: Vec<f64>,
    expected: Vec<f64>,
    variance: Square,
    events: u64,
}

impl Sums {
    /// Adds one stratum, in order of days.
    fn add(&mut self, stratum: &[Member], groups: usize, event: Event, weighting: Weighting) {
        let mut at_risk = vec![0; groups];
        count(&mut at_risk, stratum);
        let mut free = 1.0;
        for day in stratum.chunk_by(|a, b| a.subject.day == b.subject.day) {
            let n: f64 = at_risk.iter().sum::<u64>() as f64;
            let had: Vec<Member> =
                day.iter().filter(|member| event.is(member.subject.cause)).copied().collect();
            let d = had.len() as f64;
            if !had.is_empty() {
                let weight = match weighting {
                    Weighting::Even => 1.0,
                    Weighting::PetoPeto => free,
                };
                self.events += had.len() as u64;
                for member in &had {
                    if let Some(observed) = self.observed.get_mut(member.group as usize) {
                        *observed += weight;
                    }
                }
                self.expect(&at_risk, n, d, weight);
                free *= (n - d) / n;
            }
            for member in day {
                if let Some(left) = at_risk.get_mut(member.group as usize) {
                    *left -= 1;
                }
            }
        }
    }

    /// d events among n: what each group would have, and how much that varies (hypergeometric).
    fn expect(&mut self, at_risk: &[u64], n: f64, d: f64, weight: f64) {
        let spread = if n > 1.0 { weight * weight * d * (n - d) / (n - 1.0) } else { 0.0 };
        for (i, ours) in at_risk.iter().map(|&count| count as f64 / n).enumerate() {
            if let Some(expected) = self.expected.get_mut(i) {
                *expected += weight * d * ours;
            }
            for (j, theirs) in at_risk.iter().map(|&count| count as f64 / n).enumerate() {
                let same = if i == j { ours } else { 0.0 };
                self.variance.add(i, j, spread * (same - ours * theirs));
            }
        }
    }
}

fn count(by_group: &mut [u64], members: &[Member]) {
    for member in members {
        if let Some(count) = by_group.get_mut(member.group as usize) {
            *count += 1;
        }
    }
}

fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or_default()
}
