//! Hours beschikkingsvrij that partners agreed on for the floor of a centre: `[[beschikkingsvrije_ruimte]]`.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::civil::Date;
use voordeur_kernel::CentreKey;

use crate::{finding::Notes, model::Period, read::Reader};

/// The table in files.
pub(crate) const TABLE: &str = "beschikkingsvrije_ruimte";

/// Hours that were agreed for a centre and a period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FloorHours {
    /// Which centre.
    pub centre: CentreKey,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
    /// Hours in the whole period.
    pub hours: u16,
}

impl FloorHours {
    fn period(&self) -> Period {
        Period { from: Some(self.from), until: Some(self.until) }
    }
}

/// Reads the tables; one with a fault is left out.
pub(crate) fn read(file: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, FloorHours)> {
    let Some(list) = file.optional(notes, TABLE) else { return Vec::new() };
    let mut all = Vec::new();
    for item in list.items(notes) {
        let Some(mut table) = item.table(notes) else { continue };
        let centre =
            table.required(notes, "centre").and_then(|v| v.parsed(notes, "BAD_KEY", CentreKey::parse));
        let from = table.required(notes, "from").and_then(|v| v.date(notes));
        let until = table.required(notes, "until").and_then(|v| v.date(notes));
        let hours = table.required(notes, "hours").and_then(|v| v.number(notes, 1..=u16::MAX));
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            notes.fault_at(&table.path_of("until"), "ENDS_BEFORE_START", "must not lie before from");
        }
        table.finish(notes);
        if let (Some(centre), Some(from), Some(until), Some(hours)) = (centre, from, until, hours) {
            all.push((item.path, FloorHours { centre, from, until, hours }));
        }
    }
    all
}

/// Compares them with the centres of the file and with each other.
pub(crate) fn check<C>(all: &[(String, FloorHours)], centres: &BTreeMap<CentreKey, C>, notes: &mut Notes) {
    for (index, (path, hours)) in all.iter().enumerate() {
        if !centres.contains_key(&hours.centre) {
            notes.fault_at(
                &format!("{path}.centre"),
                "UNKNOWN_REFERENCE",
                "there is no centre with this key in the file",
            );
        }
        let clash = all
            .iter()
            .take(index)
            .any(|(_, earlier)| earlier.centre == hours.centre && earlier.period().overlaps(&hours.period()));
        if clash {
            notes.fault_at(
                path,
                "OVERLAP",
                "overlaps with hours of this centre above; a day has its hours once",
            );
        }
    }
}

/// The tables as a file.
pub(crate) fn print<'a>(all: impl Iterator<Item = &'a FloorHours>, out: &mut String) {
    for FloorHours { centre, from, until, hours } in all {
        let _ = writeln!(
            out,
            "\n[[{TABLE}]]\ncentre = \"{centre}\"\nfrom = {from}\nuntil = {until}\nhours = {hours}"
        );
    }
}
