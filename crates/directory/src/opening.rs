//! When a centre is open: `opening` of a centre, and the days that differ, `[[closed]]` and `[[open]]`.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{ToSpan as _, civil::Date};
use voordeur_kernel::{
    CentreKey, OrganisationKey,
    calendar::{Hours, WEEKDAYS, WorkingTime},
};

use crate::{
    finding::Notes,
    model::Period,
    parse::{CentreDraft, weekday_name},
    print::{clock, quoted},
    read::{Reader, Value},
};

/// The table of days on which something is closed.
pub(crate) const CLOSED: &str = "closed";
/// The table of days on which something is open all the same.
pub(crate) const OPEN: &str = "open";
/// Most days of one entry: what is longer is not an exception.
const DAYS_MAX: i32 = 366;

/// Opening hours on a day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opening {
    /// Day of the week, 1 = Monday to 7 = Sunday.
    pub weekday: u8,
    /// At what time of the day.
    pub hours: Hours,
}

/// What is different on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Differs {
    /// Closed.
    Closed,
    /// Open during these hours, whatever the week and the holidays say; without hours: those of the day of the week.
    Open(Vec<Hours>),
}

/// Days on which a centre, or one organisation in it, does not keep to its week.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exception {
    /// Where.
    pub centre: CentreKey,
    /// Who, when it is one organisation only: a study day of the school does not close the childcare.
    pub organisation: Option<OrganisationKey>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
    /// What is different.
    pub differs: Differs,
}

impl Exception {
    const fn period(&self) -> Period {
        Period { from: Some(self.from), until: Some(self.until) }
    }

    const fn table(&self) -> &'static str {
        match self.differs {
            Differs::Closed => CLOSED,
            Differs::Open(_) => OPEN,
        }
    }

    /// Its days in order.
    pub(crate) fn days(&self) -> impl Iterator<Item = Date> {
        days_from(self.from, self.until)
    }
}

/// Days in order, both ends included.
pub(crate) fn days_from(from: Date, until: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |day| day.tomorrow().ok()).take_while(move |day| *day <= until)
}

/// The opening hours as a week, Monday first; the usual office hours when the file does not say.
pub(crate) fn week(opening: &[Opening]) -> [Vec<Hours>; WEEKDAYS] {
    if opening.is_empty() {
        return WorkingTime::office_week();
    }
    std::array::from_fn(|index| {
        opening.iter().filter(|o| usize::from(o.weekday) == index + 1).map(|o| o.hours).collect()
    })
}

/// Reads the key `days` of a table: the days of the week, each with its place.
pub(crate) fn days(table: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, u8)> {
    let mut days: Vec<(String, u8)> = Vec::new();
    let Some(list) = table.required(notes, "days") else { return days };
    for item in list.items(notes) {
        if let Some(day) = item.word(notes, 1..=7_u8, weekday_name) {
            days.push((item.path, day));
        }
    }
    days
}

/// Reads the keys `from` and `until` of a table as times of a day.
pub(crate) fn hours(table: &mut Reader<'_, '_>, notes: &mut Notes) -> Option<Hours> {
    let from = table.required(notes, "from").and_then(|v| v.minute(notes));
    let until = table.required(notes, "until").and_then(|v| v.minute(notes));
    let hours = Hours::new(from?, until?);
    if hours.is_none() {
        notes.fault_at(
            &table.path_of("until"),
            "ENDS_BEFORE_START",
            "must be later than from; split a night into two intervals",
        );
    }
    hours
}

/// Reads `opening` of a centre.
pub(crate) fn read_week(table: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, Opening)> {
    let Some(list) = table.optional(notes, "opening") else { return Vec::new() };
    let before = notes.faults.len();
    let mut week: Vec<(String, Opening)> = Vec::new();
    for item in list.items(notes) {
        let Some(mut entry) = item.table(notes) else { continue };
        let days = days(&mut entry, notes);
        let hours = hours(&mut entry, notes);
        entry.finish(notes);
        let Some(hours) = hours else { continue };
        for (path, weekday) in days {
            let clash = |(_, other): &(String, Opening)| {
                other.weekday == weekday
                    && other.hours.from() < hours.until()
                    && hours.from() < other.hours.until()
            };
            if week.iter().any(clash) {
                notes.fault_at(&path, "OVERLAP", "overlaps with opening hours above");
            }
            week.push((path, Opening { weekday, hours }));
        }
    }
    if week.is_empty() && notes.faults.len() == before {
        notes.fault(
            list.line,
            &list.path,
            "NEVER_OPEN",
            "gives no opening hours, so no working time would ever pass; give them for at least one day, or leave opening out",
        );
    }
    week
}

/// Reads the tables `[[closed]]` and `[[open]]`; an entry with a fault is left out.
pub(crate) fn read(file: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, Exception)> {
    let mut all = Vec::new();
    for name in [CLOSED, OPEN] {
        let Some(list) = file.optional(notes, name) else { continue };
        for item in list.items(notes) {
            let Some(mut table) = item.table(notes) else { continue };
            let centre =
                table.required(notes, "centre").and_then(|v| v.parsed(notes, "BAD_KEY", CentreKey::parse));
            let organisation = table
                .optional(notes, "organisation")
                .map(|v| v.parsed(notes, "BAD_KEY", OrganisationKey::parse));
            let days = which_days(&mut table, notes);
            let hours = if name == OPEN { table.optional(notes, "hours") } else { None };
            let given = hours.is_some();
            let hours = hours.map_or_else(Vec::new, |v| hours_of(&v, notes));
            table.finish(notes);
            // Hours that could not be read must not become the usual ones.
            if given && hours.is_empty() {
                continue;
            }
            let differs = if name == OPEN { Differs::Open(hours) } else { Differs::Closed };
            // An organisation that could not be read must not become the whole centre.
            let (Some(centre), None | Some(Some(_))) = (centre, &organisation) else { continue };
            let organisation = organisation.flatten();
            for (from, until) in days {
                let exception = Exception {
                    centre: centre.clone(),
                    organisation: organisation.clone(),
                    from,
                    until,
                    differs: differs.clone(),
                };
                all.push((item.path.clone(), exception));
            }
        }
    }
    all
}

/// The keys `on` (a list of days), or `from` and `until`.
fn which_days(table: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(Date, Date)> {
    let on = table.optional(notes, "on");
    let from = table.optional(notes, "from");
    let until = table.optional(notes, "until");
    match (on, from, until) {
        (Some(list), None, None) => {
            let days: Vec<_> = list.items(notes).iter().filter_map(|day| day.date(notes)).collect();
            if list.value.as_array().is_some_and(|array| array.is_empty()) {
                notes.fault(list.line, &list.path, "REQUIRED", "is empty; name at least one day");
            }
            days.into_iter().map(|day| (day, day)).collect()
        }
        (None, Some(from), Some(until)) => {
            let (Some(first), Some(last)) = (from.date(notes), until.date(notes)) else { return Vec::new() };
            if last < first {
                notes.fault(until.line, until.path, "ENDS_BEFORE_START", "must not lie before from");
                return Vec::new();
            }
            if first.checked_add(DAYS_MAX.days()).is_ok_and(|end| end < last) {
                notes.fault(
                    until.line,
                    until.path,
                    "TOO_LONG",
                    "is more than a year; change opening instead",
                );
                return Vec::new();
            }
            vec![(first, last)]
        }
        _ => {
            notes.fault(
                table.line(),
                table.path(),
                "REQUIRED",
                "say which days: on = [2026-11-25], or from and until",
            );
            Vec::new()
        }
    }
}

/// The key `hours`: a list of tables.
fn hours_of(list: &Value<'_, '_>, notes: &mut Notes) -> Vec<Hours> {
    let mut all = Vec::new();
    let items = list.items(notes);
    if list.value.as_array().is_some_and(|array| array.is_empty()) {
        notes.fault(list.line, &list.path, "REQUIRED", "is empty; leave it out for the usual hours");
    }
    for item in items {
        let Some(mut entry) = item.table(notes) else { continue };
        all.extend(hours(&mut entry, notes));
        entry.finish(notes);
    }
    all.sort_unstable();
    all
}

/// Compares the exceptions with the centres of the file and with each other.
pub(crate) fn check<O>(
    all: &[(String, Exception)],
    centres: &BTreeMap<CentreKey, CentreDraft>,
    organisations: &BTreeMap<OrganisationKey, O>,
    notes: &mut Notes,
) {
    let mut seen: BTreeMap<_, Vec<&Exception>> = BTreeMap::new();
    for (path, exception) in all {
        let Some(centre) = centres.get(&exception.centre) else {
            let path = format!("{path}.centre");
            notes.fault_at(&path, "UNKNOWN_REFERENCE", "there is no centre with this key in the file");
            continue;
        };
        if let Some(organisation) = &exception.organisation {
            let path = format!("{path}.organisation");
            if !organisations.contains_key(organisation) {
                notes.fault_at(
                    &path,
                    "UNKNOWN_REFERENCE",
                    "there is no organisation with this key in the file",
                );
            } else if !centre.organisations.iter().any(|(_, known)| known == organisation) {
                notes.fault_at(
                    &path,
                    "NOT_TAKING_PART",
                    "this organisation does not take part in the centre",
                );
            }
        }
        if exception.differs == Differs::Open(Vec::new()) && centre.opening_is_good {
            let plain: Vec<_> = centre.opening.iter().map(|(_, opening)| *opening).collect();
            let week = week(&plain);
            let never = |day: Date| {
                let index = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
                week.get(index).is_none_or(Vec::is_empty)
            };
            if exception.days().take(WEEKDAYS).any(never) {
                notes.fault_at(
                    path,
                    "HOURS_NEEDED",
                    "the centre has no opening hours on this day of the week; give hours",
                );
            }
        }
        let same = seen.entry((&exception.centre, &exception.organisation)).or_default();
        for earlier in same.iter().copied() {
            if earlier == exception {
                notes.fault_at(path, "DUPLICATE", "stands here twice");
            } else if earlier.table() != exception.table() && earlier.period().overlaps(&exception.period()) {
                notes.warn_at(
                    path,
                    "OPEN_AND_CLOSED",
                    "is also closed on one of these days; open goes first",
                );
            }
        }
        same.push(exception);
    }
}

/// `opening` as a file; days with the same hours share a line.
pub(crate) fn print_week(out: &mut String, opening: &[Opening]) {
    let mut lines: Vec<(Hours, Vec<String>)> = Vec::new();
    for Opening { weekday, hours } in opening {
        let day = quoted(weekday_name(*weekday));
        match lines.iter_mut().find(|(known, _)| known == hours) {
            Some((_, days)) => days.push(day),
            None => lines.push((*hours, vec![day])),
        }
    }
    if lines.is_empty() {
        return;
    }
    out.push_str("opening = [\n");
    for (hours, days) in lines {
        let _ = writeln!(out, "    {{ days = [{}], {} }},", days.join(", "), times(hours));
    }
    out.push_str("]\n");
}

fn times(hours: Hours) -> String {
    format!("from = \"{}\", until = \"{}\"", clock(hours.from()), clock(hours.until()))
}

/// The exceptions as a file.
pub(crate) fn print<'a>(all: impl Iterator<Item = &'a Exception>, out: &mut String) {
    for exception in all {
        let _ = writeln!(out, "\n[[{}]]\ncentre = \"{}\"", exception.table(), exception.centre);
        if let Some(organisation) = &exception.organisation {
            let _ = writeln!(out, "organisation = \"{organisation}\"");
        }
        if exception.from == exception.until {
            let _ = writeln!(out, "on = [{}]", exception.from);
        } else {
            let _ = writeln!(out, "from = {}\nuntil = {}", exception.from, exception.until);
        }
        if let Differs::Open(hours) = &exception.differs
            && !hours.is_empty()
        {
            let hours: Vec<_> = hours.iter().map(|hours| format!("{{ {} }}", times(*hours))).collect();
            let _ = writeln!(out, "hours = [{}]", hours.join(", "));
        }
    }
}

/// For differences between two directories: `opening` of a centre.
pub(crate) fn flat_week(opening: &[Opening]) -> String {
    let one = |o: &Opening| {
        format!("{} {}-{}", weekday_name(o.weekday), clock(o.hours.from()), clock(o.hours.until()))
    };
    opening.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// For differences between two directories: path and value.
pub(crate) fn flat(exception: &Exception) -> (String, String) {
    let who = exception.organisation.as_ref().map(|o| format!(".{o}")).unwrap_or_default();
    let path = format!("{}.{}{who}.{}", exception.table(), exception.centre, exception.from);
    let hours = match &exception.differs {
        Differs::Closed => String::new(),
        Differs::Open(hours) => {
            hours.iter().map(|hours| format!(", {}-{}", clock(hours.from()), clock(hours.until()))).collect()
        }
    };
    (path, format!("until {}{hours}", exception.until))
}
