//! From counts to a report: the declared sections and tables, in their fixed order.

mod agreements;
mod care;
mod comparison;
mod early;
mod escalation;
mod outcome;
mod population;
mod quality;
mod support;

pub use agreements::{INDICATORS, Indicator};
use voordeur_outcome_statistics::Confidence;

use crate::{
    disclosure::{Printed, Publications, Shown},
    input::{Agreement, Earlier},
    lint::Evidence,
    model::{Absent, Cell, Changed, Changes, Report, Row, Table, Value},
    population::Population,
    question::{Question, days_after},
    render::shown,
    tally::Tally,
};

/// What a report needs beside its counts.
#[derive(Debug)]
pub struct Beside<'a> {
    /// Enrolment and yearly totals, when a file was given.
    pub population: Option<&'a Population>,
    /// What the partners agreed.
    pub agreements: &'a [Agreement],
    /// The last publication on the same centres and period.
    pub earlier: Option<&'a Earlier>,
}

/// Why a report may not be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPublishable {
    /// Its windows still run, or ended only just now.
    #[error("the windows have not ended long enough ago")]
    TooEarly,
    /// Fewer than ten children at risk.
    #[error("there are fewer than ten children at risk")]
    TooSmall,
    /// Together with what was published it would tell about one to nine children.
    #[error("together with earlier publications it would tell about one to nine children")]
    GivesAway,
}

/// Everything that the sections are made from.
pub(crate) struct Making<'a> {
    pub(crate) tally: &'a Tally,
    pub(crate) question: &'a Question,
    pub(crate) beside: &'a Beside<'a>,
    pub(crate) printed: &'a Printed,
    /// Child-years, when the file covers the period.
    pub(crate) years: Option<f64>,
    /// First starts of specialist care, from the file, with the child-years.
    pub(crate) starts: Option<(Shown, f64)>,
    /// Children that went to SBO or SO, from the file, with the children of 4-12.
    pub(crate) special: Option<(Shown, f64)>,
}

/// Makes the report; `publications` holds every earlier one. Says too whether it may be published.
pub fn report(
    tally: &Tally,
    question: &Question,
    beside: &Beside<'_>,
    publications: &mut Publications<'_>,
) -> (Report, Result<(), NotPublishable>) {
    let subject = &question.subject;
    let printed = Printed::of(tally, subject, publications);
    let file = beside.population;
    let starts = file.and_then(|file| file.specialist_starts(&question.period));
    let special = file.and_then(|file| file.special_education(&question.period));
    let mut total = |what, total: crate::population::Total| {
        (publications.total(tally, subject, what, total.count), total.of)
    };
    let making = Making {
        tally,
        question,
        beside,
        printed: &printed,
        years: file.and_then(|file| file.child_years(&question.period)),
        starts: starts.map(|starts| total(&[("who", "specialist_starts")], starts)),
        special: special.map(|special| total(&[("who", "special_education")], special)),
    };
    let (comparison, beside_each_other) = comparison::section(&making);
    let evidence = if beside_each_other { Evidence::TwoPeriods } else { Evidence::Cases };
    let mut sections = vec![
        outcome::section(&making),
        population::section(&making),
        early::section(&making),
        escalation::section(&making),
        comparison,
    ];
    sections.push(care::need(&making));
    sections.push(care::certainty(&making));
    sections.push(care::endings(&making));
    sections.push(support::section(&making));
    sections.push(quality::section(&making));
    let agreements = agreements::section(&making, &sections);
    sections.push(agreements);
    let mut report = Report {
        question: question.clone(),
        status: question.status(),
        disclosure: crate::DISCLOSURE_RULES,
        evidence,
        sections,
        changes: None,
    };
    report.changes = beside.earlier.map(|earlier| changes(&report, earlier));
    let publishable = if report.status == crate::Status::Running {
        Err(NotPublishable::TooEarly)
    } else if tally.at_risk() < voordeur_outcome_statistics::disclosure::LEAST {
        Err(NotPublishable::TooSmall)
    } else if printed.outcome.withheld().is_some() {
        Err(NotPublishable::GivesAway)
    } else {
        Ok(())
    };
    (report, publishable)
}

fn changes(report: &Report, earlier: &Earlier) -> Changes {
    let now: std::collections::BTreeMap<String, String> =
        report.cells().map(|(path, cell)| (path, shown(cell))).collect();
    let figures = report
        .cells()
        .map(|(path, _)| path)
        .chain(earlier.figures.keys().filter(|path| !now.contains_key(*path)).cloned())
        .filter_map(|path| {
            let (was, is) = (earlier.figures.get(&path), now.get(&path));
            let text = |value: Option<&String>| value.cloned().unwrap_or_default();
            (was != is).then(|| Changed { was: text(was), is: text(is), path })
        })
        .collect();
    let ruleset = &report.question.ruleset;
    Changes {
        known_on: earlier.known_on,
        status: earlier.status.clone(),
        other_ruleset: (earlier.ruleset != *ruleset).then(|| earlier.ruleset.clone()),
        figures,
    }
}

/// Keys and words of the levels of threat.
pub(crate) const LEVELS: [(&str, &str); 2] =
    [("imminent", "waarschijnlijk binnen 3 maanden"), ("possible", "mogelijk binnen een jaar")];

/// The column of totals.
pub(crate) const TOTAL: (&str, &str) = ("total", "samen");

pub(crate) fn table(
    key: &'static str,
    title: &str,
    columns: &[(&'static str, &str)],
    rows: Vec<Row>,
) -> Table {
    let columns = columns.iter().map(|(key, label)| (*key, (*label).to_owned())).collect();
    Table { key, title: title.to_owned(), columns, rows, notes: Vec::new() }
}

pub(crate) fn row(key: impl Into<String>, label: impl Into<String>, cells: Vec<Cell>) -> Row {
    Row { key: key.into(), label: label.into(), cells }
}

/// A value or why there is none, as a cell.
pub(crate) fn cell(value: Result<Value, Absent>) -> Cell {
    Cell { value, between: None, n: None }
}

/// A table of counts with the totals of its rows.
pub(crate) fn counts(
    shown: &Shown,
    key: &'static str,
    title: &str,
    columns: &[(&'static str, &str)],
    rows: &[(&str, &str)],
) -> Table {
    let cells = |place: usize| {
        let mut cells: Vec<Cell> = (0..columns.len()).map(|column| cell(shown.cell(place, column))).collect();
        cells.push(cell(shown.row_total(place)));
        cells
    };
    let rows = rows.iter().enumerate().map(|(place, (key, label))| row(*key, *label, cells(place))).collect();
    let columns: Vec<_> = columns.iter().copied().chain([TOTAL]).collect();
    table(key, title, &columns, rows)
}

/// Counts in one line, one row each, with the total below.
pub(crate) fn list(
    shown: &Shown,
    key: &'static str,
    title: &str,
    unit: &str,
    rows: &[(&str, &str)],
) -> Table {
    let mut lines: Vec<Row> = rows
        .iter()
        .enumerate()
        .map(|(place, (key, label))| row(*key, *label, vec![cell(shown.cell(0, place))]))
        .collect();
    lines.push(row(TOTAL.0, TOTAL.1, vec![cell(shown.total())]));
    table(key, title, &[("count", unit)], lines)
}

/// A rate from a printed count: so many per `per`, with Byar's interval for the count.
pub(crate) fn rate(count: &Result<Value, Absent>, of: Option<f64>, per: f64) -> Cell {
    let Some(of) = of.filter(|of| *of > 0.0) else { return Cell::absent(Absent::NoPopulation) };
    let count = match count {
        Ok(Value::Count(count)) => *count,
        Ok(_) => return Cell::absent(Absent::TooFew),
        Err(why) => return Cell::absent(*why),
    };
    #[expect(clippy::cast_precision_loss, reason = "a rounded count of children")]
    let n = count as f64;
    let (low, high) = byar(n);
    let tenths = |value: f64| Value::Tenths(round(value * per / of * 10.0));
    Cell::plain(tenths(n)).within(Some((tenths(low), tenths(high)))).of(Value::Count(count))
}

/// Byar's 95 % limits for a count of a Poisson variable: within 1 % of the exact ones from 10 on (Rothman and Boice 1979).
fn byar(count: f64) -> (f64, f64) {
    let z = Confidence::NINETY_FIVE.z();
    let limit = |x: f64, sign: f64| x * (1.0 - 1.0 / (9.0 * x) + sign * z / (3.0 * x.sqrt())).powi(3);
    let low = if count > 0.0 { limit(count, -1.0).max(0.0) } else { 0.0 };
    (low, limit(count + 1.0, 1.0))
}

/// Half away from zero, as a whole number.
#[expect(clippy::cast_possible_truncation, reason = "cut off to what a report prints")]
pub(crate) fn round(value: f64) -> i64 {
    if value.is_finite() { value.round().clamp(-1e12, 1e12) as i64 } else { 0 }
}

/// Have this many days passed since the last judgement?
pub(crate) fn is_over(question: &Question, days: u32) -> bool {
    days_after(question.period.until(), days) <= question.known_on
}

/// A count in a sentence.
pub(crate) fn in_words(value: &Result<Value, Absent>) -> String {
    match value {
        Ok(Value::Few) => "0 tot 9".to_owned(),
        Ok(Value::Hidden) | Err(_) => "een niet getoond aantal".to_owned(),
        Ok(other) => crate::render::value(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_a_count_are_near_the_exact_ones() {
        // Exact (chi-square): 10 is 4.80-18.39, 25 is 16.18-36.90, 100 is 81.36-121.63.
        for (count, low, high) in [(10.0, 4.80, 18.39), (25.0, 16.18, 36.90), (100.0, 81.36, 121.63)] {
            let limits = byar(count);
            assert!(
                (limits.0 / low - 1.0).abs() < 0.01 && (limits.1 / high - 1.0).abs() < 0.01,
                "{limits:?}"
            );
        }
        assert!(byar(0.0).0.abs() < f64::EPSILON);
    }

    #[test]
    fn a_rate_rests_on_the_printed_count_and_needs_child_years() {
        let cell = rate(&Ok(Value::Count(25)), Some(1_000.0), 1_000.0);
        assert_eq!(cell.value, Ok(Value::Tenths(250)));
        assert_eq!(cell.between, Some((Value::Tenths(162), Value::Tenths(369))));
        assert_eq!(rate(&Ok(Value::Few), Some(1_000.0), 1_000.0).value, Err(Absent::TooFew));
        assert_eq!(rate(&Ok(Value::Count(25)), None, 1_000.0).value, Err(Absent::NoPopulation));
    }
}
