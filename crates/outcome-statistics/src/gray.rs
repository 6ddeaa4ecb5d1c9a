//! Gray's test: do groups differ in the incidence of one cause, others competing.
//!
//! Gray, Annals of Statistics 1988;16:1141-1154, with weight 1 (rho 0). The variance corrects for ties as cmprsk does.

use crate::{
    linear::Square,
    sample::{Event, Member, NotComputable},
    special::chi_square_upper,
};

/// The test.
#[derive(Debug, Clone, PartialEq)]
pub struct Gray {
    /// Does not exist where nothing could vary: no events of the cause, for one.
    pub statistic: Option<f64>,
    /// Groups less one.
    pub df: u32,
    /// Two-sided. Does not exist where the statistic does not.
    pub p: Option<f64>,
}

/// One group on one day with an event of any cause.
#[derive(Clone, Copy)]
struct State {
    at_risk: f64,
    /// Events of the cause, and of others.
    ours: f64,
    others: f64,
    /// Share without any event just before the day, and after it.
    free_before: f64,
    free: f64,
    /// Incidence of the cause just before the day.
    incidence_before: f64,
}

impl State {
    /// The number at risk as it would be had nobody left by another way; h of the paper.
    fn weight(&self) -> f64 {
        if self.at_risk > 0.0 { self.at_risk / self.free_before } else { 0.0 }
    }
}

/// One day for all groups.
struct Day {
    groups: Vec<State>,
    /// Incidence of the cause in all groups together, before and after.
    pooled_before: f64,
    pooled: f64,
}

impl Day {
    fn weights(&self) -> f64 {
        self.groups.iter().map(State::weight).sum()
    }

    fn ours(&self) -> f64 {
        self.groups.iter().map(|group| group.ours).sum()
    }

    /// How the score of group i leans on group k: h_i (1 if i is k, less h_k / sum h).
    fn lean(&self, i: usize, k: usize) -> f64 {
        let weight = |at: usize| self.groups.get(at).map_or(0.0, State::weight);
        let own = if i == k { 1.0 } else { 0.0 };
        if weight(k) > 0.0 { weight(i) * (own - weight(k) / self.weights()) } else { 0.0 }
    }
}

/// Compares the incidence of a cause in the groups 0 to `groups` - 1; strata are not looked at.
pub fn gray(members: &[Member], groups: usize, cause: u8) -> Result<Gray, NotComputable> {
    if members.is_empty() {
        return Err(NotComputable::NoObservations);
    }
    if groups < 2 {
        return Err(NotComputable::OneGroup);
    }
    let days = days(members, groups, Event::Cause(cause));
    let mut score = vec![0.0; groups];
    for day in &days {
        let not_yet: f64 =
            day.groups.iter().map(|group| group.weight() * (1.0 - group.incidence_before)).sum();
        for (score, group) in score.iter_mut().zip(&day.groups).filter(|(_, group)| group.at_risk > 0.0) {
            *score += group.ours - day.ours() * group.weight() * (1.0 - group.incidence_before) / not_yet;
        }
    }
    let df = groups as u32 - 1;
    let named: Vec<usize> = (0..groups - 1).collect();
    let statistic = variance(&days, groups).standardized(&score, &named);
    Ok(Gray { statistic, df, p: statistic.and_then(|statistic| chi_square_upper(statistic, df)) })
}

/// Days with an event of any cause, in order.
fn days(members: &[Member], groups: usize, event: Event) -> Vec<Day> {
    let mut sorted = members.to_vec();
    sorted.sort_unstable_by_key(|member| member.subject.day);
    let start =
        State { at_risk: 0.0, ours: 0.0, others: 0.0, free_before: 1.0, free: 1.0, incidence_before: 0.0 };
    let mut now = vec![start; groups];
    for member in members {
        if let Some(group) = now.get_mut(member.group as usize) {
            group.at_risk += 1.0;
        }
    }
    let mut pooled = 0.0;
    let mut days = Vec::new();
    for day in sorted.chunk_by(|a, b| a.subject.day == b.subject.day) {
        for group in &mut now {
            (group.ours, group.others) = (0.0, 0.0);
        }
        for member in day {
            let cause = member.subject.cause;
            if let Some(group) = now.get_mut(member.group as usize) {
                if event.is(cause) {
                    group.ours += 1.0;
                } else if Event::Any.is(cause) {
                    group.others += 1.0;
                }
            }
        }
        for group in now.iter_mut().filter(|group| group.at_risk > 0.0) {
            group.free = group.free_before * (group.at_risk - group.ours - group.others) / group.at_risk;
        }
        if now.iter().any(|group| group.ours + group.others > 0.0) {
            let mut record = Day { groups: now.clone(), pooled_before: pooled, pooled };
            record.pooled += record.ours() / record.weights();
            pooled = record.pooled;
            days.push(record);
        }
        for group in now.iter_mut().filter(|group| group.at_risk > 0.0) {
            group.incidence_before += group.free_before * group.ours / group.at_risk;
            group.free_before = group.free;
        }
        for member in day {
            if let Some(group) = now.get_mut(member.group as usize) {
                group.at_risk -= 1.0;
            }
        }
    }
    days
}

/// The variance of the scores but the last: each event of group k moves the score of group i at once, by `lean`, and on later days through the
/// curves of k, by what is still to come of `drift`.
fn variance(days: &[Day], groups: usize) -> Square {
    let mut to_come = Square::zero(groups);
    for day in days {
        add_drift(&mut to_come, day, groups, 1.0);
    }
    let mut variance = Square::zero(groups);
    for day in days {
        add_drift(&mut to_come, day, groups, -1.0);
        let (ours, weights) = (day.ours(), day.weights());
        for (k, group) in day.groups.iter().enumerate().filter(|(_, group)| group.at_risk > 0.0) {
            let later = (1.0 - day.pooled) / group.free;
            if ours > 0.0 {
                let through = if group.free > 0.0 { 1.0 - later } else { 1.0 };
                let ties =
                    if ours > 1.0 { 1.0 - (ours - 1.0) / (weights * group.free_before - 1.0) } else { 1.0 };
                let size = ties * group.free_before * ours / (weights * group.at_risk);
                add_products(&mut variance, groups, size, |i| day.lean(i, k) + through * to_come.at(i, k));
            }
            if group.others > 0.0 && group.free > 0.0 {
                let ties =
                    if group.others > 1.0 { 1.0 - (group.others - 1.0) / (group.at_risk - 1.0) } else { 1.0 };
                let size = ties * (group.free_before / group.at_risk).powi(2) * group.others;
                add_products(&mut variance, groups, size, |i| later * to_come.at(i, k));
            }
        }
    }
    variance
}

/// What one day adds to the drift: `lean` times the pooled hazard of the incidence.
fn add_drift(to_come: &mut Square, day: &Day, groups: usize, sign: f64) {
    let hazard = day.ours() / (day.weights() * (1.0 - day.pooled_before));
    for i in 0..groups {
        for k in 0..groups {
            let lean = day.lean(i, k);
            // Where everybody had the cause the hazard is infinite and nobody leans on it.
            if lean != 0.0 {
                to_come.add(i, k, sign * lean * hazard);
            }
        }
    }
}

fn add_products(variance: &mut Square, groups: usize, size: f64, moved: impl Fn(usize) -> f64) {
    let moves: Vec<f64> = (0..groups).map(moved).collect();
    for (i, a) in moves.iter().enumerate() {
        for (j, b) in moves.iter().enumerate() {
            variance.add(i, j, size * a * b);
        }
    }
}
