//! Arrangements between neighbouring centres: `[[arrangement]]`. Without one, nobody of another centre is ever asked.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::civil::Date;
use voordeur_kernel::CentreKey;

use crate::{
    finding::Notes,
    model::{Directory, Period},
    read::Reader,
};

/// The table in files.
pub(crate) const TABLE: &str = "arrangement";

/// People of a neighbour may be asked for signals of a centre, while it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrangement {
    /// Whose signals.
    pub centre: CentreKey,
    /// Whose people.
    pub neighbour: CentreKey,
    /// While it holds; it has a first day.
    pub period: Period,
}

impl Directory {
    /// The neighbours whose people may be asked for signals of a centre on a day, each once, in order of key.
    pub fn neighbours_of<'a>(&'a self, centre: &'a str, day: Date) -> impl Iterator<Item = &'a CentreKey> {
        // Two that overlap are a fault, so on a day there is one for each neighbour.
        self.arrangements()
            .filter(move |arrangement| {
                arrangement.centre.as_str() == centre && arrangement.period.covers(day)
            })
            .map(|arrangement| &arrangement.neighbour)
    }

    /// Does this person work with children's cases at a neighbour whose people may be asked for signals of a centre, also by an arrangement
    /// that has ended: what she took meanwhile is still hers, until the coordinator says who goes on.
    #[must_use]
    pub fn works_near(&self, person: &str, centre: &str) -> bool {
        self.arrangements().any(|arrangement| {
            arrangement.centre.as_str() == centre && self.works_at(person, arrangement.neighbour.as_str())
        })
    }

    /// Is the work of a centre hers to do: does she work with children's cases there, or [near it](Self::works_near)? Whoever is none of these
    /// is not expected to act on it, and hears nothing of it.
    #[must_use]
    pub fn works_for(&self, person: &str, centre: &str) -> bool {
        self.works_at(person, centre) || self.works_near(person, centre)
    }

    /// The same on one day: of neighbours only those whose arrangement holds then. Who does so no more may not be asked, and is away from
    /// what she holds.
    #[must_use]
    pub fn works_for_on(&self, person: &str, centre: &str, day: Date) -> bool {
        self.works_at(person, centre)
            || self.neighbours_of(centre, day).any(|neighbour| self.works_at(person, neighbour.as_str()))
    }

    /// May she see one piece of the work of a centre? Everybody who works there may; somebody who works [near it](Self::works_near) only when
    /// it is `hers`, as she holds it or was asked for it.
    #[must_use]
    pub fn may_see_work(&self, person: &str, centre: &str, hers: impl FnOnce() -> bool) -> bool {
        self.works_at(person, centre) || hers() && self.works_near(person, centre)
    }
}

/// Reads the tables; one with a fault is left out.
pub(crate) fn read(file: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, Arrangement)> {
    let Some(list) = file.optional(notes, TABLE) else { return Vec::new() };
    let mut all = Vec::new();
    for item in list.items(notes) {
        let Some(mut table) = item.table(notes) else { continue };
        let mut centre = |key| {
            table.required(notes, key).and_then(|value| value.parsed(notes, "BAD_KEY", CentreKey::parse))
        };
        let (centre, neighbour) = (centre("centre"), centre("neighbour"));
        let from = table.required(notes, "from").and_then(|v| v.date(notes));
        let until = table.optional(notes, "until").and_then(|v| v.date(notes));
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            notes.fault_at(&table.path_of("until"), "ENDS_BEFORE_START", "must not lie before from");
        }
        table.finish(notes);
        if let (Some(centre), Some(neighbour), Some(_)) = (centre, neighbour, from) {
            all.push((item.path, Arrangement { centre, neighbour, period: Period { from, until } }));
        }
    }
    all
}

/// Compares them with the centres of the file and with each other.
pub(crate) fn check<C>(all: &[(String, Arrangement)], centres: &BTreeMap<CentreKey, C>, notes: &mut Notes) {
    for (index, (path, arrangement)) in all.iter().enumerate() {
        for (key, centre) in [("centre", &arrangement.centre), ("neighbour", &arrangement.neighbour)] {
            if !centres.contains_key(centre) {
                notes.fault_at(
                    &format!("{path}.{key}"),
                    "UNKNOWN_REFERENCE",
                    "there is no centre with this key in the file",
                );
            }
        }
        if arrangement.centre == arrangement.neighbour {
            notes.fault_at(&format!("{path}.neighbour"), "ITSELF", "is the centre itself; name another one");
        }
        let clash = all.iter().take(index).any(|(_, earlier)| {
            (&earlier.centre, &earlier.neighbour) == (&arrangement.centre, &arrangement.neighbour)
                && earlier.period.overlaps(&arrangement.period)
        });
        if clash {
            notes.fault_at(path, "OVERLAP", "the same two have an arrangement above for some of these days");
        }
    }
}

/// The tables as a file.
pub(crate) fn print<'a>(all: impl Iterator<Item = &'a Arrangement>, out: &mut String) {
    for Arrangement { centre, neighbour, period } in all {
        let _ = writeln!(out, "\n[[{TABLE}]]\ncentre = \"{centre}\"\nneighbour = \"{neighbour}\"");
        for (key, day) in [("from", period.from), ("until", period.until)] {
            if let Some(day) = day {
                let _ = writeln!(out, "{key} = {day}");
            }
        }
    }
}

/// For differences between two directories: path and value.
pub(crate) fn flat(arrangement: &Arrangement) -> (String, String) {
    let Arrangement { centre, neighbour, period } = arrangement;
    let from = period.from.map(|day| day.to_string()).unwrap_or_default();
    let until = period.until.map_or_else(|| "open".to_owned(), |day| day.to_string());
    (format!("{TABLE}.{centre}.{neighbour}.{from}"), format!("until {until}"))
}
