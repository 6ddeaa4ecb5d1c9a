//! Laying a file and the environment over the defaults. The defaults decide which settings there are and of which type.

use toml::{Spanned, Table, Value, de::DeTable};
use voordeur_kernel::Faults;

use super::{DEFAULTS, ENVIRONMENT_PREFIX};

#[expect(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
pub(super) fn defaults() -> Table {
    DEFAULTS.parse().expect("the compiled-in defaults are TOML")
}

pub(super) fn lay_file(table: &mut Table, name: &str, text: &str, faults: &mut Faults) {
    // Twice: once for the values and once for where they stand.
    let (values, spans) = match (text.parse::<Table>(), DeTable::parse(text)) {
        (Ok(values), Ok(spans)) => (values, spans),
        (Err(error), _) | (_, Err(error)) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            faults.add(format!("{name} line {line}"), "BAD_TOML", error.message().to_owned());
            return;
        }
    };
    let place = |section: &str, key: Option<&str>| {
        let find = |table: &DeTable<'_>, wanted: &str| {
            table.iter().find(|(key, _)| key.get_ref() == wanted).map(|(key, _)| key.span().start)
        };
        let start = key
            .and_then(|key| {
                let inner: &Spanned<_> = spans.get_ref().get(section)?;
                find(inner.get_ref().as_table()?, key)
            })
            .or_else(|| find(spans.get_ref(), section));
        format!("{name} line {}", line_of(text, start.unwrap_or(0)))
    };
    for (section, inner) in values {
        let known: Vec<String> = table.keys().cloned().collect();
        let (Some(Value::Table(target)), Value::Table(inner)) = (table.get_mut(&section), inner) else {
            let hint = nearest(&section, &known);
            let place = place(&section, None);
            faults.add(section, "UNKNOWN_SETTING", format!("{place}: there is no such section{hint}"));
            continue;
        };
        for (key, value) in inner {
            let path = format!("{section}.{key}");
            let place = place(&section, Some(&key));
            let known: Vec<String> = target.keys().map(|key| format!("{section}.{key}")).collect();
            match target.get_mut(&key) {
                None => {
                    let hint = nearest(&path, &known);
                    faults.add(path, "UNKNOWN_SETTING", format!("{place}: there is no such setting{hint}"));
                }
                Some(target) => match fit(target, value) {
                    Some(value) => *target = value,
                    None => faults.add(path, "WRONG_TYPE", format!("{place}: {}", wanted(target))),
                },
            }
        }
    }
}

pub(super) fn lay_variable(table: &mut Table, name: &str, text: &str, faults: &mut Faults) {
    let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) else { return };
    let path = path.to_lowercase();
    let target = path.split_once("__").and_then(|(section, key)| table.get_mut(section)?.get_mut(key));
    let Some(target) = target else {
        let known: Vec<String> = table
            .iter()
            .flat_map(|(section, inner)| {
                let keys = inner.as_table().into_iter().flat_map(Table::keys);
                keys.map(move |key| variable_name(section, key))
            })
            .collect();
        let hint = nearest(name, &known);
        faults.add(name, "UNKNOWN_SETTING", format!("there is no such setting{hint}"));
        return;
    };
    let value = match target {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Float(_) => text.trim().parse().ok().map(Value::Float),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        Value::Array(_) => Some(Value::Array(
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
        )),
        Value::Datetime(_) | Value::Table(_) => None,
    };
    match value {
        Some(value) => *target = value,
        None => faults.add(name, "WRONG_TYPE", wanted(target)),
    }
}

pub(super) fn variable_name(section: &str, key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}

/// The value, if it is of the type of the default.
fn fit(default: &Value, value: Value) -> Option<Value> {
    match (default, value) {
        #[expect(clippy::cast_precision_loss, reason = "who writes 1 for 1.0 writes a small number")]
        (Value::Float(_), Value::Integer(number)) => Some(Value::Float(number as f64)),
        (Value::Array(_), Value::Array(items)) => {
            items.iter().all(Value::is_str).then_some(Value::Array(items))
        }
        (default, value) => default.same_type(&value).then_some(value),
    }
}

fn wanted(default: &Value) -> &'static str {
    match default {
        Value::String(_) => "give a text between quotes",
        Value::Integer(_) => "give a whole number",
        Value::Float(_) => "give a number",
        Value::Boolean(_) => "give true or false",
        Value::Array(_) => "give a list of texts",
        Value::Datetime(_) | Value::Table(_) => "give a value",
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// `; did you mean x?` when something comes near.
fn nearest(wrong: &str, known: &[String]) -> String {
    known
        .iter()
        .map(|name| (distance(wrong, name), name))
        .min()
        .filter(|(far, _)| *far <= 4)
        .map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}

/// Edit distance of Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let here = (diagonal + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        for (a, b, far) in
            [("", "", 0), ("kitten", "sitting", 3), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }
}
