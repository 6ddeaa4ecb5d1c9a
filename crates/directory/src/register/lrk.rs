//! The Landelijk Register Kinderopvang. Source: its open data, `export_opendata_lrk.csv` (`;`, Windows-1252, refreshed on Mondays and Fridays).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use voordeur_kernel::identifier::{Identifier, Scheme};

use super::{
    Change, Review, ended, holds_on, known, numbers, same_municipality,
    sheet::{Odd, Row, Sheet, address},
    taking_part,
};
use crate::model::{Centre, Directory, Opvang, Period, Registration};

const ID: &str = "lrk_id";
const KIND: &str = "type_oko";
const NAME: &str = "actuele_naam_oko";
const STATUS: &str = "status";
const FROM: &str = "inschrijfdatum";
const UNTIL: &str = "uitschrijfdatum";
const ADDRESS: &str = "opvanglocatie_adres";
const POSTCODE: &str = "opvanglocatie_postcode";
const HOLDER: &str = "kvk_nummer_houder";
const MUNICIPALITY: &str = "verantwoordelijke_gemeente";

/// The columns that are needed.
pub(super) const COLUMNS: [&str; 10] =
    [ID, KIND, NAME, STATUS, FROM, UNTIL, ADDRESS, POSTCODE, HOLDER, MUNICIPALITY];

/// What the register calls a registration that holds.
const REGISTERED: &str = "ingeschreven";

/// A registration of childcare.
struct Entry<'s> {
    row: Row<'s>,
    identifier: Identifier,
    /// Nothing for what no centre has: gastouders and their bureaus, the peuterspeelzaal of before 2018.
    opvang: Option<Opvang>,
    open: bool,
    from: Option<Date>,
    until: Option<Date>,
    postcode: Option<String>,
    holder: Option<Identifier>,
}

impl<'s> Entry<'s> {
    fn read(row: Row<'s>, on: Date) -> Result<Self, Odd> {
        let identifier = row.identifier(ID, Scheme::Lrk, 9)?;
        let opvang = match row.field(KIND).to_uppercase().as_str() {
            "KDV" => Some(Opvang::Kdv),
            "BSO" => Some(Opvang::Bso),
            "GOB" | "VGO" | "PSZ" => None,
            _ => return Err(row.odd(KIND, "is none of KDV, BSO, GOB, VGO and PSZ")),
        };
        let (from, until) = (row.date(FROM)?, row.date(UNTIL)?);
        let status = row.field(STATUS);
        if status.is_empty() {
            return Err(row.odd(STATUS, "is empty"));
        }
        let open = status.to_lowercase() == REGISTERED && until.is_none_or(|until| on <= until);
        // Who the holder is helps, and is not there for a holder who is a private person.
        let holder = row.identifier(HOLDER, Scheme::Kvk, 8).ok();
        let postcode = row.postcode(POSTCODE);
        Ok(Self { row, identifier, opvang, open, from, until, postcode, holder })
    }

    fn place(&self) -> Option<(String, String)> {
        Some((self.postcode.clone()?, address(self.row.field(ADDRESS))))
    }

    fn told(&self) -> String {
        format!("line {}, {:?}", self.row.line, self.row.field(NAME))
    }
}

pub(super) fn review(sheet: &Sheet, directory: &Directory, on: Date, review: &mut Review) {
    let mut entries: BTreeMap<Identifier, Entry<'_>> = BTreeMap::new();
    for row in sheet.rows() {
        match Entry::read(row, on) {
            Ok(entry) => {
                if let Some(earlier) = entries.get(&entry.identifier) {
                    let what = format!("is also on line {}; the one that is open counts", earlier.row.line);
                    review.odd.push(entry.row.odd(ID, what));
                    if earlier.open || !entry.open {
                        continue;
                    }
                }
                entries.insert(entry.identifier.clone(), entry);
            }
            Err(odd) => review.odd.push(odd),
        }
    }
    let known = known(directory, Scheme::Lrk);
    for (identifier, places) in &known {
        for (centre, registration) in places {
            match entries.get(*identifier) {
                Some(entry) => compare(entry, centre, registration, directory, on, review),
                None => absent(sheet, centre, registration, on, review),
            }
        }
    }
    for centre in directory.centres() {
        propose(centre, &entries, &known.keys().copied().collect(), directory, review);
    }
}

/// A registration of the directory beside the register.
fn compare(
    entry: &Entry<'_>,
    centre: &Centre,
    registration: &Registration,
    directory: &Directory,
    on: Date,
    review: &mut Review,
) {
    let (line, told) = (entry.row.line, entry.told());
    let identifier = &entry.identifier;
    if !entry.open {
        if holds_on(registration, on) {
            let since = entry.until.map_or_else(
                || "the register does not say since when".to_owned(),
                |day| format!("{day} was its last day"),
            );
            review.remark(
                centre,
                Some(line),
                "CLOSED",
                format!("{identifier} is not registered any more ({told}); {since}"),
            );
            let starts_before = |day: &Date| registration.period.from.is_none_or(|from| from <= *day);
            if let Some(until) = entry.until.filter(starts_before) {
                let why = format!("{identifier} has ended in the register ({told})");
                review.propose(centre, line, Change::Replace, &ended(registration, until), why);
            }
        }
        return;
    }
    if registration.period.until.is_some_and(|until| until < on) {
        let what = format!("{identifier} has ended here, and is still registered ({told})");
        review.remark(centre, Some(line), "STILL_REGISTERED", what);
    }
    match entry.opvang {
        Some(opvang) if registration.opvang.is_none() => {
            let with = Registration { opvang: Some(opvang), ..registration.clone() };
            let why = format!("the register has {identifier} as {} ({told})", opvang.name());
            review.propose(centre, line, Change::Replace, &with, why);
        }
        Some(opvang) if registration.opvang != Some(opvang) => {
            let what = format!("the register has {identifier} as {} ({told})", opvang.name());
            review.remark(centre, Some(line), "OTHER_KIND", what);
        }
        Some(_) => {}
        None => {
            let what = format!("{identifier} is neither KDV nor BSO in the register ({told})");
            review.remark(centre, Some(line), "OTHER_KIND", what);
        }
    }
    let municipality = entry.row.field(MUNICIPALITY);
    if same_municipality(centre, municipality) == Some(false) {
        let what = format!("{identifier} lies in another municipality by the register ({told})");
        review.remark(centre, Some(line), "OTHER_MUNICIPALITY", what);
    }
    let holders = numbers(directory, centre, Scheme::Kvk);
    if let Some(holder) = &entry.holder
        && !holders.is_empty()
        && !holders.contains(holder)
    {
        let what = format!(
            "the holder of {identifier} is {holder}, which no organisation of this centre has ({told})"
        );
        review.remark(centre, Some(line), "OTHER_HOLDER", what);
    }
}

/// A registration of the directory that the file does not have. Extracts of one municipality are about, so only when the file has it.
fn absent(sheet: &Sheet, centre: &Centre, registration: &Registration, on: Date, review: &mut Review) {
    let here = |row: Row<'_>| same_municipality(centre, row.field(MUNICIPALITY)) == Some(true);
    if holds_on(registration, on) && sheet.rows().any(here) {
        let what = format!("{} is not in the register", registration.identifier);
        review.remark(centre, None, "NOT_FOUND", what);
    }
}

/// Registrations that belong to a centre by the place where they are and by who holds them.
fn propose(
    centre: &Centre,
    entries: &BTreeMap<Identifier, Entry<'_>>,
    known: &BTreeSet<&Identifier>,
    directory: &Directory,
    review: &mut Review,
) {
    let own = centre.registrations.iter().filter_map(|r| entries.get(&r.identifier));
    let mut places = BTreeMap::new();
    let mut postcodes: BTreeSet<String> = centre.postcode.iter().cloned().collect();
    // Those that are closed too: a new holder gets a new number on the same address.
    for entry in own {
        postcodes.extend(entry.postcode.clone());
        if let Some(place) = entry.place() {
            places.entry(place).or_insert(&entry.identifier);
        }
    }
    for entry in entries.values().filter(|entry| entry.open && !known.contains(&entry.identifier)) {
        let Some(opvang) = entry.opvang else { continue };
        let holder = entry.holder.as_ref().and_then(|holder| taking_part(directory, centre, holder));
        let beside = entry.place().and_then(|place| places.get(&place).copied());
        let near = entry.postcode.as_ref().is_some_and(|postcode| postcodes.contains(postcode));
        let why = match (beside, holder, near) {
            (Some(beside), Some(holder), _) => {
                format!("is on the address of {beside}, and {holder} is its holder")
            }
            (None, Some(holder), true) => {
                format!("has the postcode of this centre, and {holder} is its holder")
            }
            (Some(beside), None, _) => {
                let who = entry.holder.as_ref().map_or_else(
                    || "the register names no holder".to_owned(),
                    |holder| format!("its holder, {holder}, does not take part here"),
                );
                format!("is on the address of {beside}; {who}: does it belong to this centre?")
            }
            _ => continue,
        };
        let unusual = if entry.identifier.is_unusual() {
            "; the number fails the check that all known LRK numbers pass"
        } else {
            ""
        };
        let registration = Registration {
            identifier: entry.identifier.clone(),
            period: Period { from: entry.from, until: entry.until },
            opvang: Some(opvang),
        };
        let why = format!("{why} ({}){unusual}", entry.told());
        review.propose(centre, entry.row.line, Change::Add, &registration, why);
    }
}
