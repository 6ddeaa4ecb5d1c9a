//! What partners agreed to work towards: `[[resultaatafspraak]]`. It stands in reports beside what was seen, and decides nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::civil::Date;
use toml::de::DeValue;
use voordeur_kernel::{CentreKey, GroupKey, OrganisationKey};

use crate::{
    finding::Notes,
    read::{Reader, Value},
};

/// The table in files.
pub(crate) const TABLE: &str = "resultaatafspraak";

/// What an agreement may be about: population rates, time, certainty, parents, completeness and hours. The share of children that was not
/// referred is not among them: it gets better by calling more children threatened.
pub const INDICATORS: [&str; 11] = [
    "contact-binnen-5-dagen",
    "late-vragen",
    "eerste-vragen",
    "specialistische-starts",
    "sbo-so",
    "crises",
    "zekerheid",
    "nut-volgens-ouders",
    "doelen",
    "nagevraagd",
    "uren",
];

/// One agreement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Agreement {
    /// Its key, once in a file.
    pub key: GroupKey,
    /// Who agreed.
    pub partners: BTreeSet<OrganisationKey>,
    /// For which centres.
    pub centres: BTreeSet<CentreKey>,
    /// What it is measured by: one of [`INDICATORS`].
    pub indicator: &'static str,
    /// Where it stood, in tenths of the unit of the indicator.
    pub start: i32,
    /// Where the partners want it, in tenths.
    pub ambition: i32,
    /// Hours a year that go into it.
    pub hours: Option<u16>,
    /// When the partners look again.
    pub review_on: Date,
}

/// Reads the tables; one with a fault is left out.
pub(crate) fn read(file: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, Agreement)> {
    let Some(list) = file.optional(notes, TABLE) else { return Vec::new() };
    let mut all = Vec::new();
    for item in list.items(notes) {
        let Some(mut table) = item.table(notes) else { continue };
        let key = table.required(notes, "key").and_then(|v| v.parsed(notes, "BAD_KEY", GroupKey::parse));
        let partners = table.required(notes, "partners").map(|v| keys(&v, notes, OrganisationKey::parse));
        let centres = table.required(notes, "centres").map(|v| keys(&v, notes, CentreKey::parse));
        let indicator =
            table.required(notes, "indicator").and_then(|v| v.word(notes, INDICATORS, |word| word));
        let start = table.required(notes, "start").and_then(|v| tenths(&v, notes));
        let ambition = table.required(notes, "ambition").and_then(|v| tenths(&v, notes));
        let hours = table.optional(notes, "hours").and_then(|v| v.number(notes, 1..=u16::MAX));
        let review_on = table.required(notes, "review_on").and_then(|v| v.date(notes));
        table.finish(notes);
        if let (
            Some(key),
            Some(partners),
            Some(centres),
            Some(indicator),
            Some(start),
            Some(ambition),
            Some(review_on),
        ) = (key, partners, centres, indicator, start, ambition, review_on)
        {
            let agreement =
                Agreement { key, partners, centres, indicator, start, ambition, hours, review_on };
            all.push((item.path, agreement));
        }
    }
    all
}

/// The keys of a list, each once; an empty list is a fault.
fn keys<K: Ord, E: std::fmt::Display>(
    list: &Value<'_, '_>,
    notes: &mut Notes,
    parse: impl Fn(&str) -> Result<K, E>,
) -> BTreeSet<K> {
    let mut keys = BTreeSet::new();
    let items = list.items(notes);
    if items.is_empty() {
        notes.fault(list.line, &list.path, "REQUIRED", "is empty; name at least one");
    }
    for item in items {
        if let Some(key) = item.parsed(notes, "BAD_KEY", &parse)
            && !keys.insert(key)
        {
            notes.fault(item.line, item.path, "DUPLICATE", "stands here twice");
        }
    }
    keys
}

/// A number with at most one decimal, in tenths.
fn tenths(value: &Value<'_, '_>, notes: &mut Notes) -> Option<i32> {
    let text = match value.value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => "",
    };
    let (whole, decimal) = text.split_once('.').unwrap_or((text, "0"));
    let one_digit = decimal.len() == 1 && decimal.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = match (whole.parse::<i32>(), decimal.parse::<i32>()) {
        (Ok(whole), Ok(decimal)) if one_digit => {
            // The sign of -0.5 is lost in its whole part.
            let sign = if text.starts_with('-') { -1 } else { 1 };
            whole.checked_mul(10).map(|tenths| tenths + sign * decimal)
        }
        _ => None,
    };
    let parsed = parsed.filter(|tenths| (-1_000_000..=1_000_000).contains(tenths));
    if parsed.is_none() {
        notes.fault(
            value.line,
            &value.path,
            "NO_NUMBER",
            "write a number without quotes, with at most one decimal, for instance 2.5",
        );
    }
    parsed
}

/// Compares them with the rest of the file and with each other.
pub(crate) fn check<C, O>(
    all: &[(String, Agreement)],
    centres: &BTreeMap<CentreKey, C>,
    organisations: &BTreeMap<OrganisationKey, O>,
    notes: &mut Notes,
) {
    let mut seen = BTreeSet::new();
    for (path, agreement) in all {
        if !seen.insert(&agreement.key) {
            notes.fault_at(
                &format!("{path}.key"),
                "DUPLICATE",
                "another agreement in this file has this key",
            );
        }
        if agreement.centres.iter().any(|centre| !centres.contains_key(centre)) {
            notes.fault_at(
                &format!("{path}.centres"),
                "UNKNOWN_REFERENCE",
                "names a centre that is not in the file",
            );
        }
        if agreement.partners.iter().any(|partner| !organisations.contains_key(partner)) {
            notes.fault_at(
                &format!("{path}.partners"),
                "UNKNOWN_REFERENCE",
                "names an organisation that is not in the file",
            );
        }
    }
}

/// The tables as a file.
pub(crate) fn print<'a>(all: impl Iterator<Item = &'a Agreement>, out: &mut String) {
    for agreement in all {
        let list =
            |keys: Vec<String>| keys.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "\n[[{TABLE}]]\nkey = \"{}\"", agreement.key);
        let _ = writeln!(
            out,
            "partners = [{}]",
            list(agreement.partners.iter().map(ToString::to_string).collect())
        );
        let _ = writeln!(
            out,
            "centres = [{}]",
            list(agreement.centres.iter().map(ToString::to_string).collect())
        );
        let _ = writeln!(out, "indicator = \"{}\"", agreement.indicator);
        let _ =
            writeln!(out, "start = {}\nambition = {}", decimal(agreement.start), decimal(agreement.ambition));
        if let Some(hours) = agreement.hours {
            let _ = writeln!(out, "hours = {hours}");
        }
        let _ = writeln!(out, "review_on = {}", agreement.review_on);
    }
}

/// Tenths as a number with a point.
pub(crate) fn decimal(tenths: i32) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

/// For differences between two directories: path and value.
pub(crate) fn flat(agreement: &Agreement) -> (String, String) {
    let keys = |keys: Vec<&str>| keys.join(", ");
    let hours = agreement.hours.map(|hours| format!(", {hours} hours a year")).unwrap_or_default();
    let value = format!(
        "{} from {} to {}{hours}, review {}; {}; by {}",
        agreement.indicator,
        decimal(agreement.start),
        decimal(agreement.ambition),
        agreement.review_on,
        keys(agreement.centres.iter().map(CentreKey::as_str).collect()),
        keys(agreement.partners.iter().map(OrganisationKey::as_str).collect()),
    );
    (format!("{TABLE}.{}", agreement.key), value)
}
