//! Comparing centres: a funnel plot, never a ranking (Spiegelhalter, Stat Med 2005;24:1185-1202).
//!
//! Around the overall share lie exact binomial limits at 95 % and 99.8 %. Only with at least three years of data and at least
//! [`FEWEST`] subjects in a centre; adjusted for who comes there, or not at all; never per professional.

use crate::binomial::Binomial;

/// A centre with fewer subjects is not shown.
pub const FEWEST: u64 = 20;

/// Limits for one size of centre. By interpolation between whole numbers they can lie below 0 or above 1: cut them off when drawing, not
/// when comparing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Below: alarm.
    pub lower_998: f64,
    /// Below: alert.
    pub lower_95: f64,
    /// Above: alert.
    pub upper_95: f64,
    /// Above: alarm.
    pub upper_998: f64,
}

/// Where a centre lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As chance has it.
    Inside,
    /// Outside 95 %: one in twenty does without any cause.
    Alert,
    /// Outside 99.8 %.
    Alarm,
}

/// Limits around an overall share for a centre with `trials` subjects. None without subjects, or unless 0 < `overall` < 1.
#[must_use]
pub fn limits(overall: f64, trials: u64) -> Option<Limits> {
    if trials == 0 || !(overall > 0.0 && overall < 1.0) {
        return None;
    }
    let binomial = Binomial::new(trials, overall);
    let limit = |probability: f64| {
        let reached = binomial.quantile(probability);
        let excess = (binomial.at_most(reached) - probability) / binomial.exactly(reached);
        (reached as f64 - excess) / trials as f64
    };
    Some(Limits {
        lower_998: limit(0.001),
        lower_95: limit(0.025),
        upper_95: limit(0.975),
        upper_998: limit(0.999),
    })
}

impl Limits {
    /// Moved away from the overall share by the square root of the over-dispersion, where that is above 1.
    #[must_use]
    pub fn widened(self, overall: f64, dispersion: f64) -> Self {
        let factor = dispersion.max(1.0).sqrt();
        let moved = |limit: f64| overall + (limit - overall) * factor;
        Self {
            lower_998: moved(self.lower_998),
            lower_95: moved(self.lower_95),
            upper_95: moved(self.upper_95),
            upper_998: moved(self.upper_998),
        }
    }

    /// Where a share lies.
    #[must_use]
    pub fn place(self, share: f64) -> Place {
        if share < self.lower_998 || share > self.upper_998 {
            Place::Alarm
        } else if share < self.lower_95 || share > self.upper_95 {
            Place::Alert
        } else {
            Place::Inside
        }
    }
}

/// The share of all centres together. None without subjects.
#[must_use]
pub fn overall(centres: &[(u64, u64)]) -> Option<f64> {
    let (successes, trials) =
        centres.iter().fold((0, 0), |(successes, trials), centre| (successes + centre.0, trials + centre.1));
    (trials > 0).then(|| successes as f64 / trials as f64)
}

/// How far a centre lies from the overall share, in standard deviations. None without subjects, or unless 0 < `overall` < 1.
#[must_use]
pub fn z_score(successes: u64, trials: u64, overall: f64) -> Option<f64> {
    let n = trials as f64;
    let spread = (overall * (1.0 - overall) / n).sqrt();
    (trials > 0 && overall > 0.0 && overall < 1.0).then(|| (successes as f64 / n - overall) / spread)
}

/// Over-dispersion: the mean of z squared. Above 1 the centres differ more than chance alone makes them. None without centres.
#[must_use]
pub fn dispersion(z_scores: &[f64]) -> Option<f64> {
    let sum: f64 = z_scores.iter().map(|z| z * z).sum();
    (!z_scores.is_empty()).then(|| sum / z_scores.len() as f64)
}
