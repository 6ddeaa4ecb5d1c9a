//! Every cell on a line.

use super::{decimal, value};
use crate::model::{Cell, Report, Value};

const COLUMNS: [&str; 12] = [
    "onderdeel",
    "tabel",
    "rij",
    "kolom",
    "omschrijving",
    "waarde",
    "ondergrens",
    "bovengrens",
    "n",
    "reden",
    "status",
    "kennisdatum",
];

pub(super) fn csv(report: &Report) -> String {
    let mut out = COLUMNS.join(";");
    out.push_str("\r\n");
    let (status, known_on) = (report.status.name(), report.question.known_on.to_string());
    for section in &report.sections {
        for table in &section.tables {
            for row in &table.rows {
                for ((column, label), cell) in table.columns.iter().zip(&row.cells) {
                    let words =
                        if label.is_empty() { row.label.clone() } else { format!("{}: {label}", row.label) };
                    let mut fields = vec![
                        section.key.to_owned(),
                        table.key.to_owned(),
                        row.key.clone(),
                        (*column).to_owned(),
                        words,
                    ];
                    fields.extend(of_cell(cell));
                    fields.push(status.to_owned());
                    fields.push(known_on.clone());
                    out.push_str(&fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(";"));
                    out.push_str("\r\n");
                }
            }
        }
    }
    out
}

fn of_cell(cell: &Cell) -> [String; 5] {
    let (low, high) =
        cell.between.as_ref().map_or((String::new(), String::new()), |(low, high)| (plain(low), plain(high)));
    let (shown, reason) = match &cell.value {
        Ok(value) => (plain(value), String::new()),
        Err(why) => (String::new(), why.name().to_owned()),
    };
    [shown, low, high, cell.n.as_ref().map(plain).unwrap_or_default(), reason]
}

/// Without grouping, so that a spreadsheet reads a number.
fn plain(shown: &Value) -> String {
    match shown {
        Value::Count(count) => count.to_string(),
        Value::Tenths(tenths) => decimal(*tenths, 10, ','),
        Value::Day(date) => date.to_string(),
        other => value(other),
    }
}

fn quoted(field: &str) -> String {
    // A spreadsheet runs what begins with these as a formula.
    let guarded =
        if field.starts_with(['=', '+', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() };
    if guarded.contains([';', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}
