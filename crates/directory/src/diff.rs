//! What changes from one directory to another, as lines to read before applying.

use std::{collections::BTreeMap, fmt};

use crate::{
    agreement, arrangement, floor_hours,
    model::{Directory, Registration},
    notify, opening, policy, presence, school_holidays,
};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Stands only in the new one.
    Added {
        /// Where, for instance `person.noor.presence`.
        path: String,
        /// What; empty for names of people.
        value: String,
    },
    /// Stands only in the old one.
    Removed {
        /// Where.
        path: String,
        /// What; empty for names of people.
        value: String,
    },
    /// Stands in both, differently.
    Changed {
        /// Where.
        path: String,
        /// What it was; empty for names of people.
        from: String,
        /// What it becomes; empty for names of people.
        to: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { path, value } if value.is_empty() => write!(f, "+ {path}"),
            Self::Added { path, value } => write!(f, "+ {path}: {value}"),
            Self::Removed { path, value } if value.is_empty() => write!(f, "- {path}"),
            Self::Removed { path, value } => write!(f, "- {path}: {value}"),
            Self::Changed { path, from, to } if from.is_empty() && to.is_empty() => write!(f, "~ {path}"),
            Self::Changed { path, from, to } => write!(f, "~ {path}: {from} -> {to}"),
        }
    }
}

/// The differences from `old` to `new`, in order of path. Names of people are compared, but not printed.
#[must_use]
pub fn diff(old: &Directory, new: &Directory) -> Vec<Difference> {
    let (old, new) = (flat(old), flat(new));
    let mut differences = Vec::new();
    let paths: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for path in paths {
        let shown = |value: &str| if is_name(path) { String::new() } else { value.to_owned() };
        match (old.get(path), new.get(path)) {
            (Some(a), Some(b)) if a != b => {
                differences.push(Difference::Changed { path: path.clone(), from: shown(a), to: shown(b) });
            }
            (Some(a), None) => differences.push(Difference::Removed { path: path.clone(), value: shown(a) }),
            (None, Some(b)) => differences.push(Difference::Added { path: path.clone(), value: shown(b) }),
            _ => {}
        }
    }
    differences
}

/// May this value hold a name or a number of a person?
fn is_name(path: &str) -> bool {
    path.starts_with("person.") && [".label", ".desk", ".notify.email"].iter().any(|end| path.ends_with(end))
        || path.ends_with(".aandachtsfunctionaris")
}

fn flat(directory: &Directory) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    let mut put = |path: String, value: String| {
        if !value.is_empty() {
            flat.insert(path, value);
        }
    };
    for o in directory.organisations() {
        let path = format!("organisation.{}", o.key);
        put(format!("{path}.kind"), o.kind.name().to_owned());
        put(format!("{path}.label"), o.label.clone());
        put(format!("{path}.processing_bases"), joined(o.processing_bases.iter()));
        put(format!("{path}.aandachtsfunctionaris"), o.aandachtsfunctionaris.clone().unwrap_or_default());
        put(format!("{path}.vertrouwensinspecteur"), o.vertrouwensinspecteur.clone().unwrap_or_default());
        put_registrations(&mut put, &path, &o.registrations);
    }
    for c in directory.centres() {
        let path = format!("centre.{}", c.key);
        put(format!("{path}.label"), c.label.clone());
        put(format!("{path}.municipality"), c.municipality.value().to_owned());
        put(format!("{path}.holiday_region"), c.holiday_region.name().to_owned());
        put(format!("{path}.organisations"), joined(c.organisations.iter()));
        put(format!("{path}.postcode"), c.postcode.clone().unwrap_or_default());
        put(format!("{path}.opening"), opening::flat_week(&c.opening));
        let on_holidays = if c.open_on_holidays { "true" } else { "" };
        put(format!("{path}.open_on_holidays"), on_holidays.to_owned());
        put_registrations(&mut put, &path, &c.registrations);
        for group in c.groups.values() {
            let path = format!("{path}.group.{}", group.key);
            put(format!("{path}.label"), group.label.clone());
            put(format!("{path}.organisation"), group.organisation.to_string());
        }
    }
    for p in directory.people() {
        let path = format!("person.{}", p.key);
        put(format!("{path}.label"), p.label.clone());
        put(format!("{path}.organisation"), p.organisation.to_string());
        put(format!("{path}.role"), p.role.name().to_owned());
        put(format!("{path}.desk"), p.desk.clone().unwrap_or_default());
        if let Some(r) = &p.registration {
            put(format!("{path}.registration"), r.identifier.to_string());
            put(
                format!("{path}.registration.valid_until"),
                r.valid_until.map_or_else(String::new, |day| day.to_string()),
            );
        }
        put(format!("{path}.expertise"), joined(p.expertise.iter().map(|d| d.name())));
        put(format!("{path}.hours_per_week"), p.hours_per_week.map_or_else(String::new, |h| h.to_string()));
        put(format!("{path}.max_open_tasks"), p.max_open_tasks.map_or_else(String::new, |n| n.to_string()));
        put(format!("{path}.centres"), joined(p.centres.iter()));
        for (path, value) in p.notify.iter().flat_map(|notify| notify::flat(&path, notify)) {
            put(path, value);
        }
        let mut weeks: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for i in &p.presence {
            weeks.entry(&i.centre).or_default().push(presence::flat(i));
        }
        for (centre, intervals) in weeks {
            put(format!("{path}.presence.{centre}"), intervals.join(", "));
        }
    }
    for agreed in directory.floor_hours() {
        let path = format!("{}.{}.{}", floor_hours::TABLE, agreed.centre, agreed.from);
        put(path, format!("{} hours until {}", agreed.hours, agreed.until));
    }
    for (path, value) in directory.own_policy().map(policy::flat).unwrap_or_default() {
        put(path, value);
    }
    for (path, value) in directory.arrangements().map(arrangement::flat) {
        put(path, value);
    }
    // Of one day there may be several.
    let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, value) in directory.exceptions().map(opening::flat) {
        days.entry(path).or_default().push(value);
    }
    let days = days.into_iter().map(|(path, values)| (path, values.join("; ")));
    let holidays = directory.own_school_holidays().iter().map(school_holidays::flat);
    for (path, value) in directory.agreements().map(agreement::flat).chain(days).chain(holidays) {
        put(path, value);
    }
    flat
}

fn joined(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn put_registrations(put: &mut impl FnMut(String, String), path: &str, registrations: &[Registration]) {
    let mut periods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for r in registrations {
        let day = |day: Option<jiff::civil::Date>| day.map_or_else(|| "open".to_owned(), |d| d.to_string());
        let opvang = r.opvang.map(|o| format!("{} ", o.name())).unwrap_or_default();
        let period = format!("{opvang}{} until {}", day(r.period.from), day(r.period.until));
        periods.entry(r.identifier.to_string()).or_default().push(period);
    }
    for (identifier, periods) in periods {
        put(format!("{path}.{identifier}"), periods.join("; "));
    }
}
