//! Shares: how sure one is, and how sure the difference of two is.

use crate::{
    binomial::{chance_of_at_least, chance_of_at_most},
    special::{Confidence, normal_quantile},
};

/// Lower and upper limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// At most the upper one.
    pub lower: f64,
    /// At least the lower one.
    pub upper: f64,
}

/// Wilson's score interval without continuity correction: the one for a share. None without trials, or with more successes than trials.
#[must_use]
pub fn wilson(successes: u64, trials: u64, confidence: Confidence) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let (n, z) = (trials as f64, confidence.z());
    let share = successes as f64 / n;
    let pull = z * z / n;
    let centre = share + pull / 2.0;
    let width = z * (share * (1.0 - share) / n + pull / (4.0 * n)).sqrt();
    // At the ends the limits are exactly 0 and 1; rounding would leave a little.
    let lower = if successes == 0 { 0.0 } else { (centre - width) / (1.0 + pull) };
    let upper = if successes == trials { 1.0 } else { (centre + width) / (1.0 + pull) };
    Some(Interval { lower, upper })
}

/// Clopper and Pearson's exact interval: never too narrow; for a share of 0 or 1. None without trials, or with more successes than trials.
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, confidence: Confidence) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let tail = confidence.tail();
    let lower = if successes == 0 { 0.0 } else { chance_of_at_least(successes, trials, tail) };
    let upper = if successes == trials { 1.0 } else { chance_of_at_most(successes, trials, tail) };
    Some(Interval { lower, upper })
}

/// Newcombe's hybrid score interval for the first share less the second (Stat Med 1998;17:873, method 10).
#[must_use]
pub fn newcombe(first: (u64, u64), second: (u64, u64), confidence: Confidence) -> Option<Interval> {
    let a = wilson(first.0, first.1, confidence)?;
    let b = wilson(second.0, second.1, confidence)?;
    let (p, q) = (first.0 as f64 / first.1 as f64, second.0 as f64 / second.1 as f64);
    Some(Interval {
        lower: p - q - (p - a.lower).hypot(b.upper - q),
        upper: p - q + (a.upper - p).hypot(q - b.lower),
    })
}

/// How many subjects each of two groups needs, so that a difference between these shares is found with this power, by a two-sided test at 5 %
/// (normal approximation, as R's `power.prop.test`). None where there is no difference, or a share or the power is not between 0 and 1.
#[must_use]
pub fn sample_size_per_group(first: f64, second: f64, power: f64) -> Option<u64> {
    let share = |p: f64| (0.0..=1.0).contains(&p);
    if !share(first) || !share(second) || first == second {
        return None;
    }
    let pooled = (first + second) * (1.0 - (first + second) / 2.0);
    let apart = first * (1.0 - first) + second * (1.0 - second);
    let needed = Confidence::NINETY_FIVE.z() * pooled.sqrt() + normal_quantile(power)? * apart.sqrt();
    Some((needed / (first - second)).powi(2).ceil() as u64)
}
