//! The population file: enrolment and yearly totals of the centres, counts only. The format stands in docs/domain/report.md.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::question::{Period, days_between};

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 200_000;
/// Most faults that are reported.
const FAULTS_MAX: usize = 100;
/// Stands in the column `centre` for all centres of the report together.
pub const ALL_CENTRES: &str = "*";
/// The columns of the file; those after the first three may be left out or left empty.
pub const COLUMNS: [&str; 8] =
    ["centre", "from", "until", "children", "child_years", "specialist_starts", "sbo_so", "children_4_12"];

/// One fault of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineFault {
    /// Line, from 1.
    pub line: usize,
    /// Column, empty when the line as a whole is meant.
    pub column: &'static str,
    /// Stable code.
    pub reason: &'static str,
    /// What is wrong and what to do; never what stands there.
    pub description: String,
}

impl std::fmt::Display for LineFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.column.is_empty() {
            write!(f, "line {}: {}", self.line, self.description)
        } else {
            write!(f, "line {}, {}: {}", self.line, self.column, self.description)
        }
    }
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    centre: String,
    period: Period,
    child_years: Option<f64>,
    specialist_starts: Option<u64>,
    sbo_so: Option<u64>,
    children_4_12: Option<u64>,
}

/// What the file says about the centres of a report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Population {
    rows: Vec<Row>,
    /// Centres that the report is about.
    centres: BTreeSet<String>,
}

/// A total of the file with what it is set against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Child-years, or children of 4-12 on 1 October.
    pub of: f64,
}

impl Population {
    /// Reads a file for the centres of a report.
    ///
    /// # Errors
    /// Every fault of the file, in order of line.
    pub fn parse(bytes: &[u8], centres: &BTreeSet<String>) -> Result<Self, Vec<LineFault>> {
        let mut reading = Reading { faults: Vec::new() };
        if bytes.len() > FILE_BYTES_MAX {
            reading.fault(
                1,
                "",
                "TOO_LARGE",
                "the file is larger than 200 kB; give only the centres and years of the report",
            );
            return Err(reading.faults);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            let before = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            let line = before.matches('\n').count() + 1;
            reading.fault(line, "", "NOT_UTF8", "the file is not UTF-8; save it as CSV UTF-8");
            return Err(reading.faults);
        };
        let rows = reading.rows(text.trim_start_matches('\u{feff}'), centres);
        reading.overlaps(&rows);
        if reading.faults.is_empty() {
            let rows = rows.into_iter().map(|(_, row)| row).collect();
            Ok(Self { rows, centres: centres.clone() })
        } else {
            reading.faults.sort();
            reading.faults.truncate(FAULTS_MAX);
            Err(reading.faults)
        }
    }

    /// Child-years of all centres in a period, pro rata by day. Nothing when the lines do not cover every centre on every day.
    #[must_use]
    pub fn child_years(&self, period: &Period) -> Option<f64> {
        let of = |centre: &str| {
            let mut years = 0.0;
            let mut days = 0;
            for row in self.rows.iter().filter(|row| row.centre == centre) {
                let (Some(all), shared) = (row.child_years, shared_days(&row.period, period)) else {
                    continue;
                };
                days += shared;
                years += all * f64::from(shared) / f64::from(row.period.days());
            }
            (days == period.days()).then_some(years)
        };
        of(ALL_CENTRES).or_else(|| self.centres.iter().map(|centre| of(centre)).sum())
    }

    /// First starts of specialist care (R1) in the lines that lie inside the period, with their child-years. Nothing when the totals
    /// do not cover the period.
    #[must_use]
    pub fn specialist_starts(&self, period: &Period) -> Option<Total> {
        let count = self.total(period, |row| row.specialist_starts)?;
        Some(Total { count, of: self.child_years(period)? })
    }

    /// Children that went to SBO or SO, with the children of 4-12 on 1 October. Nothing when the totals do not cover the period.
    #[must_use]
    pub fn special_education(&self, period: &Period) -> Option<Total> {
        let count = self.total(period, |row| row.sbo_so)?;
        let of = self.total(period, |row| row.children_4_12)?;
        #[expect(clippy::cast_precision_loss, reason = "numbers of children of a municipality")]
        (of > 0).then_some(Total { count, of: of as f64 })
    }

    /// The sum of a column over whole lines that together are exactly the period, of all centres at once or of each.
    fn total(&self, period: &Period, column: impl Fn(&Row) -> Option<u64>) -> Option<u64> {
        let of = |centre: &str| {
            let mut days = 0;
            let mut sum = 0_u64;
            for row in self.rows.iter().filter(|row| row.centre == centre) {
                let inside = period.from() <= row.period.from() && row.period.until() <= period.until();
                if let (Some(count), true) = (column(row), inside) {
                    days += row.period.days();
                    sum = sum.saturating_add(count);
                }
            }
            (days == period.days()).then_some(sum)
        };
        of(ALL_CENTRES).or_else(|| self.centres.iter().map(|centre| of(centre)).sum())
    }
}

/// Days that two periods share.
fn shared_days(a: &Period, b: &Period) -> u32 {
    let (from, until) = (a.from().max(b.from()), a.until().min(b.until()));
    days_between(from, until).map_or(0, |days| days + 1)
}

struct Reading {
    faults: Vec<LineFault>,
}

impl Reading {
    fn fault(
        &mut self,
        line: usize,
        column: &'static str,
        reason: &'static str,
        description: impl Into<String>,
    ) {
        self.faults.push(LineFault { line, column, reason, description: description.into() });
    }

    fn rows(&mut self, text: &str, centres: &BTreeSet<String>) -> Vec<(usize, Row)> {
        let mut lines =
            text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end_matches('\r')));
        let mut lines = lines.by_ref().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let Some((number, header)) = lines.next() else {
            self.fault(
                1,
                "",
                "EMPTY",
                format!("the file is empty; the first line names the columns: {}", COLUMNS.join(",")),
            );
            return Vec::new();
        };
        let separator = if header.contains(';') { ';' } else { ',' };
        let Some(columns) = self.header(number, header, separator) else { return Vec::new() };
        let rows: Vec<_> = lines
            .filter_map(|(number, line)| {
                Some((number, self.row(number, line, separator, &columns, centres)?))
            })
            .collect();
        if rows.is_empty() && self.faults.is_empty() {
            self.fault(number, "", "EMPTY", "no line follows the names of the columns");
        }
        rows
    }

    /// For each place in a line, the column that stands there.
    fn header(&mut self, line: usize, header: &str, separator: char) -> Option<Vec<&'static str>> {
        let mut columns: Vec<&'static str> = Vec::new();
        let before = self.faults.len();
        for name in header.split(separator).map(|name| unquoted(name.trim())) {
            match COLUMNS.into_iter().find(|known| *known == name) {
                None => {
                    self.fault(
                        line,
                        "",
                        "UNKNOWN_COLUMN",
                        format!("a column is not known; known are {}", COLUMNS.join(", ")),
                    );
                }
                Some(known) if columns.contains(&known) => {
                    self.fault(line, known, "TWICE", "stands here twice")
                }
                Some(known) => columns.push(known),
            }
        }
        for needed in ["centre", "from", "until"] {
            if !columns.contains(&needed) {
                self.fault(line, needed, "REQUIRED", "this column is missing");
            }
        }
        (self.faults.len() == before).then_some(columns)
    }

    fn row(
        &mut self,
        line: usize,
        text: &str,
        separator: char,
        columns: &[&'static str],
        centres: &BTreeSet<String>,
    ) -> Option<Row> {
        let fields: Vec<&str> = text.split(separator).map(|field| unquoted(field.trim())).collect();
        if fields.len() != columns.len() {
            let wanted = columns.len();
            self.fault(
                line,
                "",
                "FIELDS",
                format!("has {} fields, the first line has {wanted}; write decimals with a point when fields end with a comma", fields.len()),
            );
            return None;
        }
        let fields: BTreeMap<&'static str, &str> = columns.iter().copied().zip(fields).collect();
        let before = self.faults.len();
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        let centre = field("centre");
        if centre != ALL_CENTRES && !centres.contains(centre) {
            self.fault(
                line,
                "centre",
                "UNKNOWN_CENTRE",
                "is no centre of this report; give its key, or * for all together",
            );
        }
        let from = self.day(line, "from", field("from"));
        let until = self.day(line, "until", field("until"));
        let period = match (from, until) {
            (Some(from), Some(until)) => match Period::new(from, until) {
                Ok(period) => Some(period),
                Err(error) => {
                    self.fault(line, "until", "BAD_PERIOD", error.to_string());
                    None
                }
            },
            _ => None,
        };
        let children = self.decimal(line, "children", field("children"));
        let child_years = self.decimal(line, "child_years", field("child_years"));
        let specialist_starts = self.count(line, "specialist_starts", field("specialist_starts"));
        let sbo_so = self.count(line, "sbo_so", field("sbo_so"));
        let children_4_12 = self.count(line, "children_4_12", field("children_4_12"));
        if field("children").is_empty()
            && field("child_years").is_empty()
            && field("specialist_starts").is_empty()
            && field("sbo_so").is_empty()
            && field("children_4_12").is_empty()
        {
            self.fault(
                line,
                "",
                "NO_FIGURE",
                "says nothing: fill in children, child_years or one of the totals",
            );
        }
        if !field("children").is_empty() && !field("child_years").is_empty() {
            self.fault(line, "child_years", "TWICE", "give children (on average) or child_years, not both");
        }
        let period = period?;
        if self.faults.len() > before {
            return None;
        }
        let of_children = children.map(|children| children * f64::from(period.days()) / 365.25);
        Some(Row {
            centre: centre.to_owned(),
            period,
            child_years: child_years.or(of_children),
            specialist_starts,
            sbo_so,
            children_4_12,
        })
    }

    fn day(&mut self, line: usize, column: &'static str, text: &str) -> Option<Date> {
        let day = if text.len() == 10 { text.parse::<Date>().ok() } else { None };
        if day.is_none() {
            self.fault(line, column, "NO_DAY", "write a day as yyyy-mm-dd");
        }
        day
    }

    fn decimal(&mut self, line: usize, column: &'static str, text: &str) -> Option<f64> {
        if text.is_empty() {
            return None;
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
        let number = if plain { text.replace(',', ".").parse::<f64>().ok() } else { None };
        let number = number.filter(|number| (0.0..=5_000_000.0).contains(number));
        if number.is_none() {
            self.fault(
                line,
                column,
                "NO_NUMBER",
                "write a number of 0 to 5000000, with a point or comma for decimals only",
            );
        }
        number
    }

    fn count(&mut self, line: usize, column: &'static str, text: &str) -> Option<u64> {
        if text.is_empty() {
            return None;
        }
        let number =
            if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None };
        let number = number.filter(|number| *number <= 5_000_000);
        if number.is_none() {
            self.fault(
                line,
                column,
                "NO_COUNT",
                "write a whole number of 0 to 5000000, or nothing when it is not known or hidden",
            );
        }
        number
    }

    /// Lines about one centre may not share a day: a child would count twice.
    fn overlaps(&mut self, rows: &[(usize, Row)]) {
        let mut seen: BTreeMap<&str, Vec<(usize, &Row)>> = BTreeMap::new();
        for (line, row) in rows {
            let others = seen.entry(&row.centre).or_default();
            let clash = others
                .iter()
                .find(|(_, other)| shared_days(&other.period, &row.period) > 0)
                .map(|(at, _)| *at);
            others.push((*line, row));
            if let Some(other) = clash {
                self.fault(
                    *line,
                    "from",
                    "OVERLAP",
                    format!("shares days with line {other} of the same centre"),
                );
            }
        }
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn centres() -> BTreeSet<String> {
        ["de-eik", "de-wilg"].map(str::to_owned).into()
    }

    fn year(year: i16) -> Period {
        Period::new(date(year, 1, 1), date(year, 12, 31)).unwrap()
    }

    #[test]
    fn child_years_are_summed_pro_rata_and_only_when_every_day_is_covered() {
        let file = "centre,from,until,children,child_years\nde-wilg,2027-01-01,2027-07-31,300,\nde-wilg,2027-08-01,2028-07-31,,310\nde-eik,2027-01-01,2027-12-31,200,\n";
        let population = Population::parse(file.as_bytes(), &centres()).unwrap();
        let expected = 300.0 * 212.0 / 365.25 + 310.0 * 153.0 / 366.0 + 200.0 * 365.0 / 365.25;
        assert!((population.child_years(&year(2027)).unwrap() - expected).abs() < 1e-9);
        assert_eq!(population.child_years(&year(2028)), None);
        assert_eq!(population.specialist_starts(&year(2027)), None);
    }

    #[test]
    fn totals_of_all_centres_together_stand_on_lines_with_a_star() {
        let file = "centre;from;until;children;specialist_starts;sbo_so;children_4_12\nde-wilg;2027-01-01;2027-12-31;300,5;;;\n\
                    de-eik;2027-01-01;2027-12-31;200;;;\n*;2027-01-01;2027-12-31;;14;11;420\n";
        let population = Population::parse(file.as_bytes(), &centres()).unwrap();
        let starts = population.specialist_starts(&year(2027)).unwrap();
        assert_eq!(starts.count, 14);
        assert!((starts.of - 500.5 * 365.0 / 365.25).abs() < 1e-9);
        assert_eq!(population.special_education(&year(2027)), Some(Total { count: 11, of: 420.0 }));
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_line() {
        let file = "centre,from,until,children,child_years,specialist_starts\n\
                    nergens,2027-01-01,2027-12-31,10,,\n\
                    de-wilg,2027-13-01,2027-12-31,10,,\n\
                    de-wilg,2027-12-31,2027-01-01,10,,\n\
                    de-wilg,2027-01-01,2027-12-31,-1,,<10\n\
                    de-wilg,2027-01-01,2027-12-31,,,\n\
                    de-wilg,2027-01-01,2027-12-31,1,1,\n\
                    de-wilg,2027-01-01\n\
                    de-eik,2027-01-01,2027-06-30,10,,\n\
                    de-eik,2027-06-30,2027-12-31,10,,\n";
        let faults = Population::parse(file.as_bytes(), &centres()).unwrap_err();
        let seen: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column, fault.reason)).collect();
        assert_eq!(
            seen,
            [
                (2, "centre", "UNKNOWN_CENTRE"),
                (3, "from", "NO_DAY"),
                (4, "until", "BAD_PERIOD"),
                (5, "children", "NO_NUMBER"),
                (5, "specialist_starts", "NO_COUNT"),
                (6, "", "NO_FIGURE"),
                (7, "child_years", "TWICE"),
                (8, "", "FIELDS"),
                (10, "from", "OVERLAP"),
            ]
        );
        assert!(faults.iter().all(|fault| !fault.to_string().contains("nergens")));
    }

    #[test]
    fn a_file_without_lines_or_with_other_columns_says_so() {
        let reasons = |bytes: &[u8]| -> Vec<_> {
            Population::parse(bytes, &centres()).unwrap_err().into_iter().map(|fault| fault.reason).collect()
        };
        assert_eq!(reasons(b""), ["EMPTY"]);
        assert_eq!(reasons(b"centre,from,until\n"), ["EMPTY"]);
        assert_eq!(reasons(b"centre,from,naam\n"), ["UNKNOWN_COLUMN", "REQUIRED"]);
        assert_eq!(reasons(b"centre,from,until\n\xff\xfe"), ["NOT_UTF8"]);
        assert_eq!(reasons(&vec![b'x'; FILE_BYTES_MAX + 1]), ["TOO_LARGE"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = Population::parse(&bytes, &centres());
        }
    }
}
