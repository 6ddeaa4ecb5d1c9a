//! Aalen and Johansen: which of several things happens first, and when.
//!
//! F_k(t) = sum S(t-) d_k/n. What is left without any event is S; the F_k and S add up to 1.

use crate::{
    kaplan_meier::log_log,
    proportion::Interval,
    sample::{Event, Timeline},
    special::Confidence,
};

/// The share that has had one cause, at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Incidence {
    /// Share, 0 to 1.
    pub value: f64,
    /// Standard error by the delta method; 0 where the share is 0 or 1.
    pub std_err: f64,
}

impl Incidence {
    const NONE: Self = Self { value: 0.0, std_err: 0.0 };

    fn is_inside(self) -> bool {
        self.value > 0.0 && self.value < 1.0
    }

    /// The interval to report, symmetric for log(-log(1-F)): with one cause it is 1 minus Kaplan and Meier's. Does not exist at 0 and 1;
    /// at 0 print the limit of [`crate::clopper_pearson`] on those who were verified.
    #[must_use]
    pub fn interval(self, confidence: Confidence) -> Option<Interval> {
        let free = log_log(1.0 - self.value, self.std_err, confidence).filter(|_| self.is_inside())?;
        Some(Interval { lower: 1.0 - free.upper, upper: 1.0 - free.lower })
    }

    /// R's `conf.type = "log-log"`, symmetric for log(-log F). Does not exist at 0 and 1.
    #[must_use]
    pub fn log_log_interval(self, confidence: Confidence) -> Option<Interval> {
        log_log(self.value, self.std_err, confidence).filter(|_| self.is_inside())
    }
}

/// One day on which somebody had an event or was last seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncidenceDay {
    /// Days since the start.
    pub day: u32,
    /// Everybody whose day is this one or later.
    pub at_risk: u64,
    /// Share without any event, from this day on.
    pub event_free: f64,
    /// Its standard error; 0 where nobody is left.
    pub event_free_std_err: f64,
}

/// The estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct AalenJohansen {
    days: Vec<IncidenceDay>,
    causes: Vec<(u8, u64, Vec<Incidence>)>,
}

impl AalenJohansen {
    /// Estimates the incidence of the named causes; events of others compete all the same.
    #[must_use]
    pub fn of(timeline: &Timeline, causes: &[u8]) -> Self {
        let days = event_free(timeline);
        let causes = causes
            .iter()
            .map(|&cause| {
                let event = Event::Cause(cause);
                (cause, timeline.events(event), incidence(timeline, event))
            })
            .collect();
        Self { days, causes }
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

    /// Every distinct day.
    #[must_use]
    pub fn days(&self) -> &[IncidenceDay] {
        &self.days
    }

    /// The named causes in the order given, each with how many had it.
    pub fn causes(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.causes.iter().map(|(cause, events, _)| (*cause, *events))
    }

    /// The incidence of a cause on every day of [`Self::days`]; nothing for a cause that was not named.
    #[must_use]
    pub fn incidence(&self, cause: u8) -> &[Incidence] {
        self.causes.iter().find(|(named, _, _)| *named == cause).map_or(&[], |(_, _, values)| values)
    }

    fn passed(&self, day: u32) -> Option<usize> {
        self.days.partition_point(|step| step.day <= day).checked_sub(1)
    }

    /// The incidence of a cause at the end of a day; after the last day it stays as it was.
    #[must_use]
    pub fn at(&self, cause: u8, day: u32) -> Incidence {
        self.passed(day).and_then(|last| self.incidence(cause).get(last)).copied().unwrap_or(Incidence::NONE)
    }

    /// The share without any event at the end of a day.
    #[must_use]
    pub fn event_free_at(&self, day: u32) -> f64 {
        self.passed(day).and_then(|last| self.days.get(last)).map_or(1.0, |step| step.event_free)
    }

    /// How many were observed on a day: everybody whose day is that one or later.
    #[must_use]
    pub fn at_risk(&self, day: u32) -> u64 {
        let before = self.days.partition_point(|step| step.day < day);
        self.days.get(before).map_or(0, |step| step.at_risk)
    }

    /// The area under F up to `tau`: days lost to the cause, on average. Does not exist beyond the last day.
    #[must_use]
    pub fn days_lost(&self, cause: u8, tau: u32) -> Option<f64> {
        if self.days.last().is_none_or(|last| tau > last.day) {
            return None;
        }
        let (mut area, mut end) = (0.0, tau);
        let steps = self.days.iter().zip(self.incidence(cause)).rev();
        for (step, incidence) in steps.filter(|(step, _)| step.day <= tau) {
            area += incidence.value * f64::from(end - step.day);
            end = step.day;
        }
        Some(area)
    }
}

fn event_free(timeline: &Timeline) -> Vec<IncidenceDay> {
    let (mut free, mut relative_variance) = (1.0, 0.0);
    let step = timeline.days().iter().map(|counts| {
        let (n, d) = (counts.at_risk as f64, counts.events(Event::Any) as f64);
        free *= (n - d) / n;
        if d < n {
            relative_variance += d / (n * (n - d));
        }
        IncidenceDay {
            day: counts.day,
            at_risk: counts.at_risk,
            event_free: free,
            event_free_std_err: free * f64::sqrt(relative_variance),
        }
    });
    step.collect()
}

/// F and its standard error day by day. The variance is the delta method's (Dinse and Larson; Marubini and Valsecchi):
///
/// Var F(t) = sum (F(t)-F_i)^2 a_i + sum b_i - 2 sum (F(t)-F_i) c_i, with a = d/(n(n-d)) of any cause, b = S^2 (n-d_k) d_k/n^3 and
/// c = S d_k/n^2, S just before the day. It equals R's infinitesimal jackknife; with one cause it is Greenwood's.
///
/// The sums over the past are carried along as F grows, each by terms that are not negative, so a day costs the same however many
/// days there were before.
fn incidence(timeline: &Timeline, event: Event) -> Vec<Incidence> {
    let (mut free, mut value, mut had, mut had_other) = (1.0, 0.0, 0, 0);
    // sum a, sum (F-F_i) a, sum (F-F_i)^2 a; sum b; sum c, sum (F-F_i) c.
    let (mut a, mut fa, mut ffa, mut b, mut c, mut fc) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    let mut values = Vec::with_capacity(timeline.days().len());
    for counts in timeline.days() {
        let (any, ours) = (counts.events(Event::Any), counts.events(event));
        let (n, d, dk) = (counts.at_risk as f64, any as f64, ours as f64);
        had += ours;
        had_other += any - ours;
        let growth: f64 = free * dk / n;
        value += growth;
        ffa += growth * (2.0 * fa + growth * a);
        fa += growth * a;
        fc += growth * c;
        if any < counts.at_risk {
            a += d / (n * (n - d));
        }
        b += free * free * (n - dk) * dk / (n * n * n);
        c += free * dk / (n * n);
        free *= (n - d) / n;
        values.push(if had == 0 {
            Incidence::NONE
        } else if had_other == 0 && any == counts.at_risk {
            // Everybody had it: exactly 1, whatever the rounding says.
            Incidence { value: 1.0, std_err: 0.0 }
        } else {
            Incidence { value, std_err: (ffa + b - 2.0 * fc).max(0.0).sqrt() }
        });
    }
    values
}
