//! Sites of primary schools. Source: open data of DUO, "Adressen van vestigingen basisonderwijs", `vestigingenbo.csv`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use voordeur_kernel::identifier::{Identifier, Scheme};

use super::{
    Change, Review, holds_on, known, numbers, same_municipality,
    sheet::{Odd, Row, Sheet},
    taking_part,
};
use crate::model::{Centre, Directory, Period, Registration};

const SCHOOL: &str = "INSTELLINGSCODE";
const SITE: &str = "VESTIGINGSCODE";
const NAME: &str = "VESTIGINGSNAAM";
const POSTCODE: &str = "POSTCODE";
const MUNICIPALITY_CODE: &str = "GEMEENTENUMMER";
const MUNICIPALITY_NAME: &str = "GEMEENTENAAM";

/// The columns that are needed.
pub(super) const COLUMNS: [&str; 4] = [SCHOOL, SITE, NAME, POSTCODE];
/// The columns that are used when they are there.
pub(super) const FURTHER: [&str; 2] = [MUNICIPALITY_CODE, MUNICIPALITY_NAME];

/// A site of a school.
struct Site<'s> {
    row: Row<'s>,
    school: Identifier,
    identifier: Identifier,
    postcode: Option<String>,
}

impl<'s> Site<'s> {
    fn read(row: Row<'s>) -> Result<Self, Odd> {
        let school = row.identifier(SCHOOL, Scheme::Brin4, 4)?;
        // Written whole, or as the two digits behind the code of the school.
        let site = row.field(SITE);
        let whole = if site.len() <= 2 { format!("{}{site:0>2}", school.value()) } else { site.to_owned() };
        let identifier =
            Identifier::parse(Scheme::Brin6, &whole).map_err(|error| row.odd(SITE, error.to_string()))?;
        if !identifier.value().starts_with(school.value()) {
            return Err(row.odd(SITE, "is not a site of the school beside it"));
        }
        let postcode = row.postcode(POSTCODE);
        Ok(Self { row, school, identifier, postcode })
    }

    fn told(&self) -> String {
        format!("line {}, {:?}", self.row.line, self.row.field(NAME))
    }
}

/// The municipality as the row has it: its code, or else its name.
fn municipality<'r>(row: &'r Row<'_>) -> &'r str {
    let code = row.field(MUNICIPALITY_CODE);
    if code.is_empty() { row.field(MUNICIPALITY_NAME) } else { code }
}

pub(super) fn review(sheet: &Sheet, directory: &Directory, on: Date, review: &mut Review) {
    let mut sites: BTreeMap<Identifier, Site<'_>> = BTreeMap::new();
    for row in sheet.rows() {
        match Site::read(row) {
            Ok(site) => {
                if let Some(earlier) = sites.get(&site.identifier) {
                    let what = format!("is also on line {}; the first counts", earlier.row.line);
                    review.odd.push(site.row.odd(SITE, what));
                } else {
                    sites.insert(site.identifier.clone(), site);
                }
            }
            Err(odd) => review.odd.push(odd),
        }
    }
    let known = known(directory, Scheme::Brin6);
    for (identifier, places) in &known {
        for (centre, registration) in places {
            match sites.get(*identifier) {
                Some(site) => compare(site, centre, registration, directory, on, review),
                None => absent(sheet, centre, registration, on, review),
            }
        }
    }
    for centre in directory.centres() {
        propose(centre, &sites, &known.keys().copied().collect(), directory, review);
    }
}

/// A registration of the directory beside the register.
fn compare(
    site: &Site<'_>,
    centre: &Centre,
    registration: &Registration,
    directory: &Directory,
    on: Date,
    review: &mut Review,
) {
    let (identifier, told) = (&site.identifier, site.told());
    if registration.period.until.is_some_and(|until| until < on) {
        let what = format!("{identifier} has ended here, and DUO still has it ({told})");
        review.remark(centre, Some(site.row.line), "STILL_REGISTERED", what);
    }
    let written = municipality(&site.row);
    if same_municipality(centre, written) == Some(false) {
        let what = format!("{identifier} lies in another municipality by DUO ({told})");
        review.remark(centre, Some(site.row.line), "OTHER_MUNICIPALITY", what);
    }
    let schools = numbers(directory, centre, Scheme::Brin4);
    if !schools.is_empty() && !schools.contains(&site.school) {
        let what = format!(
            "{} is the school of {identifier}, which no organisation of this centre has ({told})",
            site.school
        );
        review.remark(centre, Some(site.row.line), "OTHER_HOLDER", what);
    }
}

/// DUO lists the sites that are there: one that is not has been closed, merged or moved. Unless the file is of other municipalities.
fn absent(sheet: &Sheet, centre: &Centre, registration: &Registration, on: Date, review: &mut Review) {
    let whole_country = !sheet.has(MUNICIPALITY_CODE) && !sheet.has(MUNICIPALITY_NAME);
    let here = |row: Row<'_>| same_municipality(centre, municipality(&row)) == Some(true);
    if holds_on(registration, on) && (whole_country || sheet.rows().any(here)) {
        let what = format!(
            "{} is not in the list of DUO: closed, merged or moved? When it is, end it with until = the last day",
            registration.identifier
        );
        review.remark(centre, None, "NOT_FOUND", what);
    }
}

/// Sites of a school that takes part in a centre, by where they are or because there is only one.
fn propose(
    centre: &Centre,
    sites: &BTreeMap<Identifier, Site<'_>>,
    known: &BTreeSet<&Identifier>,
    directory: &Directory,
    review: &mut Review,
) {
    let own = centre.registrations.iter().filter_map(|r| sites.get(&r.identifier));
    let mut postcodes: BTreeSet<&str> = centre.postcode.iter().map(String::as_str).collect();
    postcodes.extend(own.filter_map(|site| site.postcode.as_deref()));
    for site in sites.values().filter(|site| !known.contains(&site.identifier)) {
        let Some(school) = taking_part(directory, centre, &site.school) else { continue };
        let near = site.postcode.as_deref().is_some_and(|postcode| postcodes.contains(postcode));
        let only = sites.values().filter(|other| other.school == site.school).count() == 1
            && directory.centres().filter(|other| other.organisations.contains(school)).count() == 1;
        let why = match (near, only) {
            (true, _) => format!("is a site of {school}, on a postcode of this centre"),
            (false, true) => format!("is the only site of {school}, which takes part here and nowhere else"),
            (false, false) => continue,
        };
        let registration =
            Registration { identifier: site.identifier.clone(), period: Period::default(), opvang: None };
        let why = format!("{why} ({})", site.told());
        review.propose(centre, site.row.line, Change::Add, &registration, why);
    }
}
