//! A report as text, JSON and CSV. The same report gives the same bytes everywhere.

mod csv;
mod json;
mod text;

use jiff::civil::Date;

use crate::{
    lint::{Forbidden, forbidden},
    model::{Absent, Cell, Report, Value},
};

/// A report that may not be shown: a word in it needs more evidence than there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the report is not shown: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Refused(pub Vec<Forbidden>);

impl Report {
    /// In Dutch, for a terminal of 100 columns.
    ///
    /// # Errors
    /// When a word needs more evidence than there is.
    pub fn to_text(&self) -> Result<String, Refused> {
        self.checked(text::text(self))
    }

    /// One JSON document with a stable order of keys.
    ///
    /// # Errors
    /// When a word needs more evidence than there is.
    pub fn to_json(&self) -> Result<String, Refused> {
        self.checked(json::json(self))
    }

    /// Every cell on a line of its own, RFC 4180 with semicolons, as spreadsheets in the Netherlands read it.
    ///
    /// # Errors
    /// When a word needs more evidence than there is.
    pub fn to_csv(&self) -> Result<String, Refused> {
        self.checked(csv::csv(self))
    }

    /// Names of centres and partners are theirs; everything else is ours, and is read once more.
    fn checked(&self, text: String) -> Result<String, Refused> {
        let mut ours = text.clone();
        let mut names: Vec<&str> = self.question.subject.names().collect();
        let partners = self.cells().filter(|(path, _)| path.ends_with("/partners"));
        names.extend(partners.filter_map(|(_, cell)| match &cell.value {
            Ok(Value::Words(words)) => Some(words.as_str()),
            _ => None,
        }));
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            ours = ours.replace(name, "…");
        }
        let found = forbidden(&ours, self.evidence);
        if found.is_empty() { Ok(text) } else { Err(Refused(found)) }
    }
}

/// A value on screen.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Count(count) => grouped(*count),
        Value::Few => "<10".to_owned(),
        Value::Hidden => ".".to_owned(),
        Value::Percent(percent) => format!("{percent}%"),
        Value::Percent90OrMore => "90% of hoger".to_owned(),
        Value::Tenths(tenths) => decimal(*tenths, 10, ','),
        Value::Hundredths(hundredths) => decimal(*hundredths, 100, ','),
        Value::Day(date) => day(*date),
        Value::Words(words) => words.clone(),
    }
}

/// A whole cell on screen.
pub(crate) fn shown(cell: &Cell) -> String {
    let between = cell.between.as_ref().map(|(low, high)| format!("{} en {}", value(low), value(high)));
    match (&cell.value, between) {
        (Err(why), _) => absent(*why).to_owned(),
        (Ok(Value::Words(word)), Some(between)) if word == "tussen" => format!("tussen {between}"),
        (Ok(shown), Some(between)) => format!("{} (tussen {between})", value(shown)),
        (Ok(shown), None) => value(shown),
    }
}

/// Why nothing stands there, on screen.
const fn absent(why: Absent) -> &'static str {
    match why {
        Absent::TooFew => "te weinig",
        Absent::TooMuchUnknown => "te veel onbekend",
        Absent::NoPopulation => "geen opgave",
        Absent::NotAsked => "niet bekend",
        Absent::NotYet => "nog niet",
        Absent::NotComputable => "niet te bepalen",
        Absent::Withheld => "niet getoond",
    }
}

/// A day as it is written in the Netherlands.
pub(crate) fn day(date: Date) -> String {
    format!("{:02}-{:02}-{:04}", date.day(), date.month(), date.year())
}

fn decimal(value: i64, unit: i64, point: char) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.abs() / unit, value.abs() % unit);
    if unit == 100 { format!("{sign}{whole}{point}{rest:02}") } else { format!("{sign}{whole}{point}{rest}") }
}

/// 12345 as 12.345.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_the_netherlands() {
        let shown: Vec<_> = [
            Value::Count(12_345),
            Value::Count(5),
            Value::Few,
            Value::Hidden,
            Value::Percent(36),
            Value::Percent90OrMore,
            Value::Tenths(-25),
            Value::Hundredths(7),
            Value::Day(jiff::civil::date(2027, 2, 1)),
        ]
        .iter()
        .map(value)
        .collect();
        assert_eq!(shown, ["12.345", "5", "<10", ".", "36%", "90% of hoger", "-2,5", "0,07", "01-02-2027"]);
    }
}
