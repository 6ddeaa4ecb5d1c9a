//! Printing. Standard output is for results, standard error for everything else.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::failure::Failure;

/// A number with what it counts: `1 line`, `2 lines`.
pub(crate) fn counted<N: std::fmt::Display + PartialEq + From<u8>>(
    number: N,
    one: &str,
    more: &str,
) -> String {
    let what = if number == N::from(1) { one } else { more };
    format!("{number} {what}")
}

/// Prints one line of results.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        // Whoever reads has seen enough; nobody is left to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::failed("")),
        Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
    }
}

/// Prints one line to standard error; nothing helps when that fails.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a JSON value: on one line with `--json`, else as indented `name: value` lines.
pub(crate) fn value(value: &Value, json: bool) -> Result<(), Failure> {
    if json {
        return line(&value.to_string());
    }
    let mut text = String::new();
    render(value, 0, &mut text);
    line(text.trim_end())
}

/// Empty values are left out: who reads wants to see what is there.
fn render(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(_, value)| !is_empty(value)) {
                match value {
                    Value::Object(_) => {
                        text.push_str(&format!("{indent}{name}:\n"));
                        render(value, depth + 1, text);
                    }
                    Value::Array(items) if items.iter().any(|item| item.is_object()) => {
                        text.push_str(&format!("{indent}{name}:\n"));
                        for item in items {
                            let mut inner = String::new();
                            render(item, depth + 2, &mut inner);
                            let inner = inner.trim_start();
                            text.push_str(&format!("{indent}  - {inner}"));
                        }
                    }
                    Value::Array(items) => {
                        let items: Vec<_> = items.iter().map(plain).collect();
                        text.push_str(&format!("{indent}{name}: {}\n", items.join(", ")));
                    }
                    other => text.push_str(&format!("{indent}{name}: {}\n", plain(other))),
                }
            }
        }
        other => text.push_str(&format!("{indent}{}\n", plain(other))),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0" || text.ends_with("_UNSPECIFIED"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Prints rows under headings, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Result<(), Failure> {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let shown = |cells: &[String; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    line(&shown(&headings.map(str::to_uppercase)))?;
    if rows.is_empty() {
        complain("nothing to show");
    }
    rows.iter().try_for_each(|row| line(&shown(row)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_is_counted_as_one() {
        let counts = [0_u64, 1, 2].map(|number| counted(number, "signal", "signals"));
        assert_eq!(counts, ["0 signals", "1 signal", "2 signals"]);
    }

    #[test]
    fn a_value_reads_as_lines_and_what_is_empty_is_left_out() {
        let value = json!({
            "taskId": "tsk_1", "version": "0", "state": "TASK_STATE_REQUESTED", "group": "", "overdue": false,
            "offeredTo": ["noor", "sam"], "deadlines": [{"kind": "ACCEPT", "at": "x"}, {"kind": "ANSWER"}],
            "position": {"stream": "TASKS"}
        });
        let mut text = String::new();
        render(&value, 0, &mut text);
        let expected = "deadlines:\n  - at: x\n    kind: ACCEPT\n  - kind: ANSWER\nofferedTo: noor, sam\noverdue: false\n\
                        position:\n  stream: TASKS\nstate: TASK_STATE_REQUESTED\ntaskId: tsk_1\n";
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&text), sorted(expected));
    }
}
