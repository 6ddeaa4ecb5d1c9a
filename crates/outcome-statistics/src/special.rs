//! The normal and the chi-square distribution, as far as they are needed here.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// How often an interval must hold the truth, and the normal quantile that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    level: f64,
    z: f64,
}

impl Confidence {
    /// What reports use.
    pub const NINETY_FIVE: Self = Self { level: 0.95, z: 1.959_963_984_540_054 };

    /// Another level, strictly between 0 and 1.
    #[must_use]
    pub fn new(level: f64) -> Option<Self> {
        let z = normal_quantile(1.0 - (1.0 - level) / 2.0)?;
        (level > 0.0).then_some(Self { level, z })
    }

    /// The level, 0 to 1.
    #[must_use]
    pub const fn level(self) -> f64 {
        self.level
    }

    /// Two-sided normal quantile: 1.96 at 95 %.
    #[must_use]
    pub const fn z(self) -> f64 {
        self.z
    }

    /// What is left on each side.
    pub(crate) fn tail(self) -> f64 {
        (1.0 - self.level) / 2.0
    }
}

/// Probability that a standard normal value is at most `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The value that a standard normal one stays below with this probability; none unless 0 < `probability` < 1.
#[must_use]
pub fn normal_quantile(probability: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let tail = probability.min(1.0 - probability);
    // Abramowitz and Stegun 26.2.23, right to 4.5e-4; each step of Halley then triples the digits.
    let t = (-2.0 * tail.ln()).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - over / under;
    for _ in 0..4 {
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let step = (normal_cdf(-z) - tail) / density;
        z += 2.0 * step / (2.0 - step * z);
    }
    Some(if probability < 0.5 { -z } else { z })
}

/// Probability that a chi-square value with `df` degrees of freedom is above `x`; none without degrees of freedom.
#[must_use]
pub fn chi_square_upper(x: f64, df: u32) -> Option<f64> {
    if df == 0 || x.is_nan() {
        return None;
    }
    if x <= 0.0 {
        return Some(1.0);
    }
    let half = x / 2.0;
    // Two degrees more add (x/2)^(df/2) e^(-x/2) / gamma(df/2 + 1) (Abramowitz and Stegun 26.4.8): sums of positive terms, nothing cancels.
    let (mut upper, mut term, mut at) = if df % 2 == 1 {
        (libm::erfc(half.sqrt()), 2.0 * (half / PI).sqrt() * (-half).exp(), 1)
    } else {
        ((-half).exp(), half * (-half).exp(), 2)
    };
    while at < df {
        upper += term;
        at += 2;
        term *= half / (f64::from(at) / 2.0);
    }
    Some(upper.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-13 * b.abs(), "{a} {b}");
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        near(normal_quantile(0.975).unwrap(), 1.959_963_984_540_054);
        near(normal_quantile(0.999).unwrap(), 3.090_232_306_167_813);
        near(normal_quantile(0.8).unwrap(), 0.841_621_233_572_914_3);
        near(normal_quantile(0.025).unwrap(), -1.959_963_984_540_054);
        assert!(normal_quantile(0.5).unwrap().abs() < 1e-15);
        for none in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(normal_quantile(none), None);
            assert_eq!(Confidence::new(none), None);
        }
        near(Confidence::new(0.95).unwrap().z(), Confidence::NINETY_FIVE.z());
    }

    #[test]
    fn chi_square_tails_agree_with_their_closed_forms() {
        near(chi_square_upper(3.841_458_820_694_124, 1).unwrap(), 0.05);
        near(chi_square_upper(5.991_464_547_107_979, 2).unwrap(), 0.05);
        near(chi_square_upper(7.814_727_903_251_179, 3).unwrap(), 0.05);
        near(chi_square_upper(18.307_038_053_275_146, 10).unwrap(), 0.05);
        near(chi_square_upper(90.891_720_024_664_86, 1).unwrap(), 1.517_533_618_885_034_9e-21);
        assert_eq!(chi_square_upper(0.0, 1), Some(1.0));
        assert_eq!(chi_square_upper(1.0, 0), None);
    }
}
