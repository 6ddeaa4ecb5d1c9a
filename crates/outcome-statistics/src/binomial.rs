//! The binomial distribution, exact to the last few digits for any number of trials.

use std::f64::consts::PI;

/// A number of trials, and the chance of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binomial {
    n: u64,
    p: f64,
    q: f64,
}

impl Binomial {
    /// `p` is between 0 and 1.
    pub(crate) fn new(n: u64, p: f64) -> Self {
        Self { n, p, q: 1.0 - p }
    }

    /// Probability of exactly `x`. Loader's way (Fast and accurate computation of binomial probabilities, 2000): logarithms of factorials are
    /// never subtracted from each other, so that nothing cancels.
    pub(crate) fn exactly(self, x: u64) -> f64 {
        if x > self.n {
            return 0.0;
        }
        let (n, k) = (self.n as f64, x as f64);
        let others = n - k;
        if self.p <= 0.0 || self.q <= 0.0 {
            let certain = if self.p <= 0.0 { x == 0 } else { x == self.n };
            return if certain { 1.0 } else { 0.0 };
        }
        if x == 0 {
            return (n * libm::log1p(-self.p)).exp();
        }
        if x == self.n {
            return (n * self.p.ln()).exp();
        }
        let exponent = stirling_error(n)
            - stirling_error(k)
            - stirling_error(others)
            - deviance(k, n * self.p)
            - deviance(others, n * self.q);
        (n / (2.0 * PI * k * others)).sqrt() * exponent.exp()
    }

    /// Probability of at most `x`.
    pub(crate) fn at_most(self, x: u64) -> f64 {
        if x >= self.n {
            1.0
        } else if (x as f64) < self.n as f64 * self.p {
            self.sum_down(x)
        } else {
            1.0 - self.sum_up(x + 1)
        }
    }

    /// Probability of at least `x`.
    pub(crate) fn at_least(self, x: u64) -> f64 {
        if x == 0 {
            1.0
        } else if x as f64 > self.n as f64 * self.p {
            self.sum_up(x)
        } else {
            1.0 - self.sum_down(x - 1)
        }
    }

    /// Smallest number of which at most that many has probability `probability` or more.
    pub(crate) fn quantile(self, probability: f64) -> u64 {
        let (mut below, mut reached) = (0, self.n);
        while below < reached {
            let middle = below + (reached - below) / 2;
            if self.at_most(middle) >= probability {
                reached = middle;
            } else {
                below = middle + 1;
            }
        }
        reached
    }

    /// From `x` down to 0; the terms fall, because `x` is below the mean.
    fn sum_down(self, x: u64) -> f64 {
        let mut term = self.exactly(x);
        let mut sum = term;
        for k in (1..=x).rev() {
            term *= k as f64 * self.q / ((self.n - k + 1) as f64 * self.p);
            sum += term;
            if term <= sum * 1e-18 {
                break;
            }
        }
        sum.min(1.0)
    }

    /// From `x` up to n; the terms fall, because `x` is above the mean.
    fn sum_up(self, x: u64) -> f64 {
        let mut term = self.exactly(x);
        let mut sum = term;
        for k in x..self.n {
            term *= (self.n - k) as f64 * self.p / ((k + 1) as f64 * self.q);
            sum += term;
            if term <= sum * 1e-18 {
                break;
            }
        }
        sum.min(1.0)
    }
}

/// The chance with which at least `x` of `n` has probability `tail`; `x` is above 0.
pub(crate) fn chance_of_at_least(x: u64, n: u64, tail: f64) -> f64 {
    solve(tail, |p| {
        let binomial = Binomial::new(n, p);
        (binomial.at_least(x), x as f64 * binomial.exactly(x) / p)
    })
}

/// The chance with which at most `x` of `n` has probability `tail`; `x` is below `n`.
pub(crate) fn chance_of_at_most(x: u64, n: u64, tail: f64) -> f64 {
    // What rises with the chance is the probability of more than x.
    solve(1.0 - tail, |p| {
        let binomial = Binomial::new(n, p);
        (1.0 - binomial.at_most(x), (n - x) as f64 * binomial.exactly(x) / (1.0 - p))
    })
}

/// The p between 0 and 1 at which a rising probability reaches `target`; `rising` gives it with its slope. Newton, kept between bounds that
/// halve whenever he leaves them.
fn solve(target: f64, rising: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    let mut p = 0.5;
    for _ in 0..200 {
        let (probability, slope) = rising(p);
        let over = probability - target;
        if over > 0.0 {
            high = p;
        } else {
            low = p;
        }
        let newton = p - over / slope;
        let next = if newton > low && newton < high { newton } else { low + (high - low) / 2.0 };
        if (next - p).abs() <= p * 1e-15 {
            return next;
        }
        p = next;
    }
    p
}

/// ln n! less Stirling's formula for it.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        return libm::lgamma(n + 1.0) - (0.5 * (2.0 * PI * n).ln() + n * n.ln() - n);
    }
    let square = n * n;
    let series = 1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - series / square) / square) / n
}

/// x ln(x/m) + m - x, without cancellation where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for j in 1..1000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_to_one_and_agree_with_counting() {
        for (n, p) in [(1, 0.3), (5, 0.1), (40, 0.9), (317, 0.25), (2000, 0.5)] {
            let binomial = Binomial::new(n, p);
            let sum: f64 = (0..=n).map(|x| binomial.exactly(x)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{n} {p} {sum}");
        }
        let binomial = Binomial::new(5, 0.4);
        assert!((binomial.exactly(2) - 0.3456).abs() < 1e-15);
        assert!((binomial.at_most(2) - 0.68256).abs() < 1e-15);
        assert!((binomial.at_least(3) - 0.31744).abs() < 1e-15);
    }

    #[test]
    fn what_is_symmetric_is_symmetric_however_many_there_are() {
        for n in [11_u64, 1_001, 100_001, 10_000_001] {
            let half = Binomial::new(n, 0.5).at_most(n / 2);
            assert!((half - 0.5).abs() < 1e-12, "{n} {half}");
        }
    }

    #[test]
    fn what_cannot_or_must_happen_is_exact() {
        assert_eq!(Binomial::new(3, 0.0).exactly(0), 1.0);
        assert_eq!(Binomial::new(3, 1.0).at_least(3), 1.0);
        assert_eq!(Binomial::new(3, 0.2).exactly(4), 0.0);
        assert_eq!(Binomial::new(0, 0.2).at_most(0), 1.0);
        assert_eq!(Binomial::new(3, 0.2).quantile(1.0), 3);
        assert_eq!(Binomial::new(3, 0.2).quantile(0.0), 0);
    }
}
