//! What was measured: named figures, each with its rounds and its goal, as a table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    environment::Environment,
    goals::{Bound, GOALS},
    measure::{Sample, median},
};

/// A figure: the median of its rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// Bench, what, which number: `intake.submit_128.rate_by_raw`.
    pub name: String,
    /// Of the value.
    pub unit: &'static str,
    /// Median of the rounds; for a ratio, the ratio of two medians.
    pub value: f64,
    /// What each round came to; empty for a ratio.
    pub rounds: Vec<f64>,
    /// What it should be, where anything was promised.
    pub goal: Option<Judged>,
}

/// A goal and how it came out.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Judged {
    /// The goal.
    #[serde(flatten)]
    pub bound: Bound,
    /// Whether the value meets it.
    pub met: bool,
    /// The value divided by the goal.
    pub share: f64,
}

/// Everything that was measured in one run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where.
    pub environment: Environment,
    /// How often and how long.
    pub run: Run,
    /// The figures, in the order in which they were first measured.
    pub figures: Vec<Figure>,
    /// What a reader has to know to read the figures.
    pub notes: Vec<String>,
}

/// How often and how long was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Names of the benches.
    pub benches: Vec<&'static str>,
    /// Alternating rounds.
    pub rounds: usize,
    /// Of one measurement.
    pub seconds: f64,
    /// Open tasks in the log, for those benches that ask.
    pub levels: Vec<usize>,
    /// The whole run.
    pub took_seconds: f64,
}

impl Report {
    pub(crate) fn new(environment: Environment, run: Run) -> Self {
        Self { environment, run, figures: Vec::new(), notes: Vec::new() }
    }

    /// One round of a figure.
    pub(crate) fn round(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        let name = name.into();
        let known = self.figures.iter().position(|figure| figure.name == name);
        let at = known.unwrap_or_else(|| {
            self.figures.push(Figure { name, unit, value, rounds: Vec::new(), goal: None });
            self.figures.len() - 1
        });
        if let Some(figure) = self.figures.get_mut(at) {
            figure.rounds.push(value);
            figure.value = median(&figure.rounds);
        }
    }

    /// One round of what a sample tells.
    pub(crate) fn sample(&mut self, name: &str, sample: &Sample) {
        self.round(format!("{name}.per_second"), "1/s", sample.per_second);
        self.latency(name, sample);
    }

    /// One round of the latencies of a sample.
    pub(crate) fn latency(&mut self, name: &str, sample: &Sample) {
        self.round(format!("{name}.p50"), "ms", sample.p50_ms);
        self.round(format!("{name}.p99"), "ms", sample.p99_ms);
    }

    /// A figure divided by another, once both are complete.
    pub(crate) fn ratio(&mut self, name: impl Into<String>, above: &str, below: &str) {
        let (Some(above), Some(below)) = (self.value(above), self.value(below)) else { return };
        self.derived(name, "ratio", above / below);
    }

    /// A figure that follows from others.
    pub(crate) fn derived(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.figures.push(Figure { name: name.into(), unit, value, rounds: Vec::new(), goal: None });
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The value of a figure.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// Puts the figures of a bench together, and the goals beside them.
    pub(crate) fn judge(&mut self) {
        let bench_of = |figure: &Figure| figure.name.split('.').next().unwrap_or_default().to_owned();
        let mut order: Vec<String> = Vec::new();
        for bench in self.figures.iter().map(bench_of) {
            if !order.contains(&bench) {
                order.push(bench);
            }
        }
        self.figures.sort_by_key(|figure| order.iter().position(|bench| *bench == bench_of(figure)));
        for figure in &mut self.figures {
            figure.goal = GOALS.iter().find(|goal| goal.figure == figure.name).map(|goal| {
                let (met, share) = goal.bound.judge(figure.value);
                Judged { bound: goal.bound, met, share }
            });
        }
    }

    /// Were all goals met whose figures were measured?
    #[must_use]
    pub fn goals_met(&self) -> bool {
        self.figures.iter().all(|figure| figure.goal.is_none_or(|goal| goal.met))
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = self.environment.lines();
        let mut bench = "";
        for figure in &self.figures {
            let of = figure.name.split('.').next().unwrap_or_default();
            if of != bench {
                bench = of;
                let _ = write!(
                    text,
                    "\n{:<44} {:>12} {:<7} {:>12} {:>12}  goal\n",
                    bench, "median", "unit", "least", "most"
                );
            }
            let least = figure.rounds.iter().copied().reduce(f64::min).map(number).unwrap_or_default();
            let most = figure.rounds.iter().copied().reduce(f64::max).map(number).unwrap_or_default();
            let goal = figure.goal.map(|goal| goal.words()).unwrap_or_default();
            let line = format!(
                "{:<44} {:>12} {:<7} {least:>12} {most:>12}  {goal}",
                figure.name,
                number(figure.value),
                figure.unit
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "* {note}");
        }
        let goals = self.figures.iter().filter_map(|figure| figure.goal);
        let (met, all) = goals.fold((0, 0), |(met, all), goal| (met + usize::from(goal.met), all + 1));
        let _ = writeln!(
            text,
            "\n{met} of {all} goals met; {} rounds of {} s, {:.0} s in all",
            self.run.rounds, self.run.seconds, self.run.took_seconds
        );
        text
    }
}

impl Judged {
    fn words(&self) -> String {
        let (sign, bound) = match self.bound {
            Bound::AtLeast(bound) => (">=", bound),
            Bound::AtMost(bound) => ("<=", bound),
        };
        let verdict = if self.met { "met" } else { "NOT met" };
        format!("{sign} {bound}: {verdict}, {:.2} of it", self.share)
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let run = Run { benches: vec!["intake"], rounds: 3, seconds: 1.0, levels: vec![], took_seconds: 4.0 };
        Report::new(Environment::default(), run)
    }

    #[test]
    fn a_figure_is_the_median_of_its_rounds_and_a_ratio_that_of_two_medians() {
        let mut report = report();
        for (ours, raw) in [(30.0, 10.0), (10.0, 20.0), (25.0, 5.0)] {
            report.round("intake.submit_128.per_second", "1/s", ours);
            report.round("intake.raw_128.per_second", "1/s", raw);
        }
        report.ratio(
            "intake.submit_128.rate_by_raw",
            "intake.submit_128.per_second",
            "intake.raw_128.per_second",
        );
        report.ratio("intake.unknown", "intake.nothing", "intake.raw_128.per_second");
        report.judge();
        assert_eq!(report.value("intake.submit_128.rate_by_raw"), Some(2.5));
        assert_eq!(report.value("intake.unknown"), None);
        assert!(report.goals_met());
        let table = report.table();
        assert!(table.contains(">= 2.5: met, 1.00 of it") && table.contains("1 of 1 goals met"), "{table}");
    }

    #[test]
    fn a_goal_that_is_not_met_says_by_how_much() {
        let mut report = report();
        report.derived("restart.1000000.bytes_per_task", "bytes", 900.0);
        report.judge();
        assert!(!report.goals_met());
        assert!(report.table().contains("<= 600: NOT met, 1.50 of it"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["figures"][0]["goal"]["at_most"], 600.0);
        assert_eq!(json["figures"][0]["goal"]["met"], false);
    }
}
