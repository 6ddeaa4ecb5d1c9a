//! Kaplan and Meier: how long until one thing happens.
//!
//! S(t) = prod (1 - d/n) over the days up to t; Greenwood's variance S^2 sum d/(n(n-d)). Only where one thing can happen: with competing
//! causes 1 - S is too high, and [`crate::AalenJohansen`] is the answer.

use crate::{
    proportion::Interval,
    sample::{Event, Timeline},
    special::Confidence,
};

/// A product of fractions that is exactly 1/2 comes out within this of it.
const ROUNDING: f64 = 1e-12;

/// On which scale an interval is symmetric. R calls these `conf.type`; its default is `log`, ours is `LogLog`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// log(-log S): never leaves 0 to 1. Does not exist where S is 0 or 1.
    LogLog,
    /// log S, cut off at 1. Does not exist where S is 0.
    Log,
    /// S itself, cut off at 0 and 1. Does not exist where S is 0.
    Plain,
}

/// The curve at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Survival {
    /// Share without the event, 0 to 1.
    pub value: f64,
    /// Sum of d/(n(n-d)); infinite from the day on which nobody was left without the event.
    relative_variance: f64,
}

impl Survival {
    const START: Self = Self { value: 1.0, relative_variance: 0.0 };

    /// Greenwood's standard error; does not exist where S is 0.
    #[must_use]
    pub fn std_err(self) -> Option<f64> {
        (self.value > 0.0).then(|| self.value * self.relative_variance.sqrt())
    }

    /// The interval on a scale.
    #[must_use]
    pub fn interval(self, scale: Scale, confidence: Confidence) -> Option<Interval> {
        let std_err = self.std_err()?;
        let (value, margin) = (self.value, confidence.z() * std_err);
        match scale {
            Scale::LogLog => log_log(value, std_err, confidence),
            Scale::Log => {
                let factor = (margin / value).exp();
                Some(Interval { lower: value / factor, upper: (value * factor).min(1.0) })
            }
            Scale::Plain => {
                Some(Interval { lower: (value - margin).max(0.0), upper: (value + margin).min(1.0) })
            }
        }
    }
}

/// p^exp(-+ z s/(p ln p)): symmetric for log(-log p). Does not exist at 0 and 1.
pub(crate) fn log_log(p: f64, std_err: f64, confidence: Confidence) -> Option<Interval> {
    let log = p.ln();
    // At 1 the logarithm is 0, at 0 it is infinite: there is nothing to divide by.
    let width = confidence.z() * std_err / (p * log).abs();
    (p > 0.0 && p < 1.0)
        .then(|| Interval { lower: (log * width.exp()).exp(), upper: (log * (-width).exp()).exp() })
}

/// One day on which somebody had the event or was last seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurvivalDay {
    /// Days since the start.
    pub day: u32,
    /// Everybody whose day is this one or later.
    pub at_risk: u64,
    /// How many had the event on it.
    pub events: u64,
    /// How many were last seen on it.
    pub censored: u64,
    /// The curve from this day on.
    pub survival: Survival,
    /// Nelson and Aalen: sum of d/n.
    pub cumulative_hazard: f64,
}

/// When half of the subjects had the event. `None`: never within what was observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    /// The first day on which S is at most 1/2. This is the one to report.
    pub first_day: Option<u32>,
    /// R's: where S is exactly 1/2 for a while, the middle of that while.
    pub middle: Option<f64>,
    /// Where the lower log-log limit crosses 1/2.
    pub lower: Option<f64>,
    /// Where the upper log-log limit crosses 1/2.
    pub upper: Option<f64>,
}

/// The area under the curve up to a day: days without the event, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestrictedMean {
    /// Days.
    pub value: f64,
    /// Days; Greenwood's variances put in.
    pub std_err: f64,
}

impl RestrictedMean {
    /// This one less another, of other subjects.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self { value: self.value - other.value, std_err: self.std_err.hypot(other.std_err) }
    }

    /// Symmetric interval, in days.
    #[must_use]
    pub fn interval(self, confidence: Confidence) -> Interval {
        let margin = confidence.z() * self.std_err;
        Interval { lower: self.value - margin, upper: self.value + margin }
    }
}

/// The estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct KaplanMeier {
    days: Vec<SurvivalDay>,
}

impl KaplanMeier {
    /// Estimates; whatever is not the event counts as censored.
    #[must_use]
    pub fn of(timeline: &Timeline, event: Event) -> Self {
        let (mut value, mut relative_variance, mut cumulative_hazard) = (1.0, 0.0, 0.0);
        let mut days = Vec::with_capacity(timeline.days().len());
        for counts in timeline.days() {
            let events = counts.events(event);
            let (n, d) = (counts.at_risk as f64, events as f64);
            if events > 0 {
                value *= (n - d) / n;
                relative_variance += d / (n * (n - d));
                cumulative_hazard += d / n;
            }
            days.push(SurvivalDay {
                day: counts.day,
                at_risk: counts.at_risk,
                events,
                censored: counts.left() - events,
                survival: Survival { value, relative_variance },
                cumulative_hazard,
            });
        }
        Self { days }
    }

    /// How many subjects there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.days.first().map_or(0, |first| first.at_risk)
    }

    /// Never: there is at least one subject.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// How many had the event.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.days.iter().map(|day| day.events).sum()
    }

    /// Every distinct day, those on which somebody was only last seen included.
    #[must_use]
    pub fn days(&self) -> &[SurvivalDay] {
        &self.days
    }

    /// The curve on a day: what had happened at its end. After the last day it stays as it was.
    #[must_use]
    pub fn at(&self, day: u32) -> Survival {
        let passed = self.days.partition_point(|step| step.day <= day);
        passed
            .checked_sub(1)
            .and_then(|last| self.days.get(last))
            .map_or(Survival::START, |step| step.survival)
    }

    /// How many were observed on a day: everybody whose day is that one or later.
    #[must_use]
    pub fn at_risk(&self, day: u32) -> u64 {
        let before = self.days.partition_point(|step| step.day < day);
        self.days.get(before).map_or(0, |step| step.at_risk)
    }

    /// The median, by both conventions, with its limits.
    #[must_use]
    pub fn median(&self, confidence: Confidence) -> Median {
        let limit = |pick: fn(Interval) -> f64| {
            let limits = self
                .days
                .iter()
                .map(move |step| (step.day, step.survival.interval(Scale::LogLog, confidence).map(pick)));
            crossing(limits)
        };
        let half = self.days.iter().find(|step| step.survival.value <= 0.5 + ROUNDING);
        Median {
            first_day: half.map(|step| step.day),
            middle: crossing(self.days.iter().map(|step| (step.day, Some(step.survival.value)))),
            lower: limit(|interval| interval.lower),
            upper: limit(|interval| interval.upper),
        }
    }

    /// The area under the curve up to `tau`. Does not exist beyond the last day: nobody was there to see.
    #[must_use]
    pub fn restricted_mean(&self, tau: u32) -> Option<RestrictedMean> {
        if self.days.last().is_none_or(|last| tau > last.day) {
            return None;
        }
        // Backwards, so that the area that is still to come at each event is at hand.
        let until = self.days.partition_point(|step| step.day <= tau);
        let (mut area, mut variance, mut end) = (0.0, 0.0, tau);
        for step in self.days.iter().take(until).rev() {
            area += step.survival.value * f64::from(end - step.day);
            end = step.day;
            let (n, d) = (step.at_risk as f64, step.events as f64);
            if step.events > 0 && step.events < step.at_risk {
                variance += area * area * d / (n * (n - d));
            }
        }
        Some(RestrictedMean { value: area + f64::from(end), std_err: variance.sqrt() })
    }
}

/// The day on which a falling curve passes 1/2; the middle of the days on which it is exactly 1/2, counted to the last day of all when it
/// stays there. Moments at which the curve does not exist are passed over.
fn crossing(curve: impl Iterator<Item = (u32, Option<f64>)>) -> Option<f64> {
    let mut reached = None;
    let mut last = 0;
    for (day, value) in curve {
        last = day;
        match (value, reached) {
            (Some(value), None) if value < 0.5 - ROUNDING => return Some(f64::from(day)),
            (Some(value), None) if value <= 0.5 + ROUNDING => reached = Some(day),
            (Some(value), Some(first)) if value < 0.5 - ROUNDING => return Some(middle(first, day)),
            _ => {}
        }
    }
    reached.map(|first| middle(first, last))
}

fn middle(first: u32, last: u32) -> f64 {
    (f64::from(first) + f64::from(last)) / 2.0
}
