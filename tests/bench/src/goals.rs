//! The goals, as data. They are ratios, so that they mean the same on every machine; bytes per task are the one exception.

use serde::Serialize;

/// Which side of it is good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Good is this or more.
    AtLeast(f64),
    /// Good is this or less.
    AtMost(f64),
}

/// A goal of one figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// The figure, by its name in the report.
    pub figure: &'static str,
    /// What it should be.
    pub bound: Bound,
}

const fn goal(figure: &'static str, bound: Bound) -> Goal {
    Goal { figure, bound }
}

use Bound::{AtLeast, AtMost};

/// Every goal.
pub const GOALS: &[Goal] = &[
    goal("intake.submit_1.p50_by_raw", AtMost(3.0)),
    goal("intake.submit_16.rate_by_raw", AtLeast(0.75)),
    goal("intake.submit_128.rate_by_raw", AtLeast(2.5)),
    goal("intake.submit_128.p99_by_raw", AtMost(1.0)),
    goal("intake.streams_4.rate_by_raw", AtLeast(6.0)),
    goal("journey.idle.p50_by_raw", AtMost(10.0)),
    goal("journey.half_load.p50_by_raw", AtMost(10.0)),
    goal("pipeline.rate_by_intake", AtLeast(0.25)),
    goal("restart.100000.bytes_per_task", AtMost(600.0)),
    goal("restart.1000000.bytes_per_task", AtMost(600.0)),
    goal("restart.100000.folds_by_reader", AtLeast(0.4)),
    goal("restart.1000000.folds_by_reader", AtLeast(0.4)),
    goal("growth.100000.submit_p50_by_smallest", AtMost(1.2)),
    goal("growth.1000000.submit_p50_by_smallest", AtMost(1.2)),
    goal("growth.100000.task_p50_by_smallest", AtMost(1.2)),
    goal("growth.1000000.task_p50_by_smallest", AtMost(1.2)),
    goal("growth.100000.accept_p50_by_smallest", AtMost(1.2)),
    goal("growth.1000000.accept_p50_by_smallest", AtMost(1.2)),
    goal("growth.100000.rate_by_smallest", AtLeast(0.8)),
    goal("growth.1000000.rate_by_smallest", AtLeast(0.8)),
    goal("outcomes.bytes_per_open_episode", AtMost(600.0)),
];

impl Bound {
    /// Is it met, and the value as a share of the goal: 1.1 of an `AtLeast` is ten per cent better than asked, of an `AtMost` ten per cent
    /// worse.
    #[must_use]
    pub fn judge(self, value: f64) -> (bool, f64) {
        match self {
            AtLeast(least) => (value >= least, value / least),
            AtMost(most) => (value <= most, value / most),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_figure_has_two_goals() {
        let names: BTreeSet<_> = GOALS.iter().map(|goal| goal.figure).collect();
        assert_eq!(names.len(), GOALS.len());
    }

    #[test]
    fn a_goal_tells_whether_it_is_met_and_by_how_much() {
        assert_eq!(AtLeast(2.0).judge(3.0), (true, 1.5));
        assert_eq!(AtLeast(2.0).judge(1.0), (false, 0.5));
        assert_eq!(AtMost(2.0).judge(1.0), (true, 0.5));
        assert_eq!(AtMost(2.0).judge(3.0), (false, 1.5));
        assert!(!AtMost(2.0).judge(f64::NAN).0 && !AtLeast(2.0).judge(f64::NAN).0);
    }
}
