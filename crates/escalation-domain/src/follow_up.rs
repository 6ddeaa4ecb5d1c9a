//! When episodes are followed up: the plan is data, and what an episode waits for follows from its facts.

use jiff::{civil::Date, tz::TimeZone};
use voordeur_kernel::EpisodeId;

use crate::{
    deadline::{Deadline, Work, days_after, start_of},
    event::Change,
    life::Phase,
    picture::answers,
    standing::{Standing, at_risk, counting, first_judgement},
    words::{Baseline, HandOverMoment},
};

/// When children are asked after. Episodes name the version under which they were judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FollowUpPlan {
    /// Version of the plan, from 1.
    pub version: u32,
    /// Days after the baseline on which it is asked how things go.
    pub days: Vec<u16>,
    /// Of the children of whom nobody considers a referral so many in a hundred are asked after as well, to find threats that nobody saw.
    pub sample_percent: u8,
    /// So many days after it was asked for, a check that was not made is asked for again.
    pub ask_again_after_days: u16,
}

impl Default for FollowUpPlan {
    fn default() -> Self {
        Self { version: 1, days: vec![90, 180, 365], sample_percent: 10, ask_again_after_days: 21 }
    }
}

/// What decisions need to know beside the episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Days are counted here.
    pub zone: TimeZone,
    /// When children are asked after.
    pub plan: FollowUpPlan,
}

/// Is an episode without a threat in the sample? Its id is a keyed fingerprint, so that nobody chooses.
#[must_use]
pub fn in_sample(episode: EpisodeId, percent: u8) -> bool {
    let [a, b, c, d, ..] = *episode.as_bytes();
    u32::from_be_bytes([a, b, c, d]) % 100 < u32::from(percent)
}

/// Is it asked how things go with this child?
fn followed(episode: EpisodeId, baseline: Baseline, plan: &FollowUpPlan) -> bool {
    at_risk(baseline) || in_sample(episode, plan.sample_percent)
}

/// Everything that an episode waits for, worked out from its facts anew; soonest first.
pub(crate) fn waits_for(all: &[Standing], episode: EpisodeId, phase: Phase, rules: &Rules) -> Vec<Deadline> {
    if counting(all).any(|fact| matches!(fact.change, Change::ConsentWithdrawn { .. })) {
        return Vec::new();
    }
    let mut deadlines: Vec<Deadline> = follow_ups(all, episode, rules);
    deadlines.extend(hand_overs(all, phase, &rules.zone));
    sorted(deadlines)
}

pub(crate) fn sorted(mut deadlines: Vec<Deadline>) -> Vec<Deadline> {
    deadlines.sort_unstable();
    deadlines.dedup();
    deadlines
}

/// Checks that were not made yet.
pub(crate) fn follow_ups(all: &[Standing], episode: EpisodeId, rules: &Rules) -> Vec<Deadline> {
    let Some((judged, judgement)) = first_judgement(all) else { return Vec::new() };
    if !followed(episode, judgement.baseline, &rules.plan) {
        return Vec::new();
    }
    let baseline_on = judged.day(&rules.zone);
    let came = |work: Work| {
        counting(all).any(|fact| matches!(fact.change, Change::WorkDue { work: known, .. } if known == work))
    };
    let made = |day: u16| {
        counting(all).any(
            |fact| matches!(&fact.change, Change::FollowUpChecked(check) if answers(check, baseline_on, day)),
        )
    };
    let mut deadlines = Vec::new();
    for day in rules.plan.days.iter().copied().filter(|day| !made(*day)) {
        let asked_on = days_after(baseline_on, day);
        if !came(Work::FollowUp(day)) {
            deadlines.extend(at(asked_on, Work::FollowUp(day), &rules.zone));
        } else if !came(Work::MissedFollowUp(day)) {
            deadlines.extend(ask_again(asked_on, day, rules));
        }
    }
    deadlines
}

/// The moment at which a check that was asked for is asked for again.
pub(crate) fn ask_again(asked_on: Date, day: u16, rules: &Rules) -> Option<Deadline> {
    at(days_after(asked_on, rules.plan.ask_again_after_days), Work::MissedFollowUp(day), &rules.zone)
}

fn hand_overs(all: &[Standing], phase: Phase, zone: &TimeZone) -> Vec<Deadline> {
    if phase == Phase::Closed {
        return Vec::new();
    }
    HandOverMoment::ALL.iter().filter_map(|moment| hand_over(all, *moment, zone)).collect()
}

/// The moment as it was planned last, when it has not come.
fn hand_over(all: &[Standing], moment: HandOverMoment, zone: &TimeZone) -> Option<Deadline> {
    let planned = counting(all).enumerate().filter_map(|(place, fact)| match fact.change {
        Change::HandOverPlanned { moment: of, on } if of == moment => Some((place, on)),
        _ => None,
    });
    let (place, on) = planned.last()?;
    let passed = counting(all).skip(place).any(|fact| {
        matches!(fact.change, Change::WorkDue { work: Work::HandOver(of), .. } if of == moment)
            || matches!(fact.change, Change::ChildLeft { .. })
    });
    if passed { None } else { at(on, Work::HandOver(moment), zone) }
}

pub(crate) fn at(day: Date, work: Work, zone: &TimeZone) -> Option<Deadline> {
    start_of(day, zone).map(|due| Deadline { due, work })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_about_the_declared_size_and_is_always_the_same() {
        let ids = |salt: u32| {
            (0_u32..10_000).map(move |n| {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).wrapping_add(salt).to_be_bytes());
                EpisodeId::from_bytes(bytes)
            })
        };
        let size = ids(7).filter(|id| in_sample(*id, 10)).count();
        assert!((900..1_100).contains(&size), "{size}");
        assert!(ids(7).all(|id| !in_sample(id, 0) && in_sample(id, 100)));
    }
}
