//! What may be printed of a curve: each step of a curve is one child on one date.

use super::{LEAST, published::Percentage};
use crate::{
    aalen_johansen::AalenJohansen,
    proportion::Interval,
    sample::{Event, Timeline},
    special::Confidence,
};

/// The days on which a value may be printed.
pub const CURVE_DAYS: [u32; 3] = [90, 180, 365];

/// A share of fewer subjects is not printed.
const SUBJECTS: u64 = 30;

/// What is printed of a curve on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurveValue {
    /// Too few at risk or too few events: print "<10 van ...".
    TooFew,
    /// A share with its limits.
    Share {
        /// The estimate.
        share: Percentage,
        /// Lower limit.
        lower: Percentage,
        /// Upper limit.
        upper: Percentage,
    },
}

/// What may be printed of an estimate on one day, from how many there were at first, how many are observed on the day and how many events there
/// were until then.
#[must_use]
pub fn curve_value(
    subjects: u64,
    at_risk: u64,
    events: u64,
    share: f64,
    interval: Option<Interval>,
) -> CurveValue {
    match interval {
        Some(Interval { lower, upper }) if subjects >= SUBJECTS && at_risk >= LEAST && events >= LEAST => {
            CurveValue::Share {
                share: Percentage::of_share(share),
                lower: Percentage::of_share(lower),
                upper: Percentage::of_share(upper),
            }
        }
        _ => CurveValue::TooFew,
    }
}

/// What may be printed of the incidence of a cause, on the days of [`CURVE_DAYS`].
#[must_use]
pub fn curve_values(timeline: &Timeline, cause: u8, confidence: Confidence) -> [(u32, CurveValue); 3] {
    let estimate = AalenJohansen::of(timeline, &[cause]);
    CURVE_DAYS.map(|day| {
        let until = timeline.days().iter().filter(|counts| counts.day <= day);
        let events: u64 = until.map(|counts| counts.events(Event::Cause(cause))).sum();
        let incidence = estimate.at(cause, day);
        let interval = incidence.interval(confidence);
        (day, curve_value(timeline.len(), estimate.at_risk(day), events, incidence.value, interval))
    })
}
