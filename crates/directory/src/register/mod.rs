//! The national registers of childcare (LRK) and of schools (DUO) beside a directory: what to add, what has ended, what differs. It is a list
//! to review; nothing is changed here.

mod duo;
mod lrk;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use voordeur_kernel::{
    CentreKey, OrganisationKey,
    identifier::{Identifier, Scheme},
};

pub(crate) use sheet::postcode;
pub use sheet::{Odd, Unreadable};

use crate::{
    model::{Centre, Directory, Period, Registration},
    municipality,
    print::registration_line,
};
use sheet::Sheet;

/// A register that publishes its registrations as open data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// Landelijk Register Kinderopvang: `export_opendata_lrk.csv`.
    Lrk,
    /// DUO, sites of primary schools: `vestigingenbo.csv`.
    Duo,
}

/// What a proposed line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A registration that is not in the directory.
    Add,
    /// Takes the place of the line that is there.
    Replace,
}

impl Change {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
        }
    }
}

/// A line for `registrations` of a centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// For which centre.
    pub centre: CentreKey,
    /// Line of the register, from 1.
    pub line: u64,
    /// What it does.
    pub change: Change,
    /// The line, ready to be pasted.
    pub toml: String,
    /// Why, in English.
    pub why: String,
}

/// Something to look at that is no line to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// About which centre.
    pub centre: CentreKey,
    /// Line of the register, when it stands there.
    pub line: Option<u64>,
    /// Stable code in capitals, for instance `CLOSED`.
    pub code: &'static str,
    /// What, in English.
    pub what: String,
}

/// What a register says about the centres of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    /// Rows that were read.
    pub rows: usize,
    /// Lines to add or replace, in order of centre and line.
    pub proposals: Vec<Proposal>,
    /// What else to look at, in order of centre and line.
    pub remarks: Vec<Remark>,
    /// Rows that could not be understood, in order of line; they were left out.
    pub odd: Vec<Odd>,
}

impl Review {
    /// Is there anything to look at?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.proposals.is_empty() && self.remarks.is_empty()
    }
}

/// Compares a register with a directory, as of a day.
///
/// # Errors
/// Everything that makes the file unreadable, in order of line.
pub fn review(
    register: Register,
    bytes: &[u8],
    directory: &Directory,
    on: Date,
) -> Result<Review, Vec<Unreadable>> {
    let sheet = match register {
        Register::Lrk => Sheet::read(bytes, &lrk::COLUMNS, &[])?,
        Register::Duo => Sheet::read(bytes, &duo::COLUMNS, &duo::FURTHER)?,
    };
    let mut review = Review { rows: sheet.len(), ..Review::default() };
    match register {
        Register::Lrk => lrk::review(&sheet, directory, on, &mut review),
        Register::Duo => duo::review(&sheet, directory, on, &mut review),
    }
    review.proposals.sort_by(|a, b| (&a.centre, a.line).cmp(&(&b.centre, b.line)));
    review.remarks.sort_by(|a, b| (&a.centre, a.line).cmp(&(&b.centre, b.line)));
    review.odd.sort();
    Ok(review)
}

impl Review {
    fn remark(&mut self, centre: &Centre, line: Option<u64>, code: &'static str, what: String) {
        self.remarks.push(Remark { centre: centre.key.clone(), line, code, what });
    }

    fn propose(
        &mut self,
        centre: &Centre,
        line: u64,
        change: Change,
        registration: &Registration,
        why: String,
    ) {
        let toml = registration_line(registration);
        self.proposals.push(Proposal { centre: centre.key.clone(), line, change, toml, why });
    }
}

/// The registrations of a scheme in the directory: where each stands.
fn known(directory: &Directory, scheme: Scheme) -> BTreeMap<&Identifier, Vec<(&Centre, &Registration)>> {
    let mut known: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for centre in directory.centres() {
        for registration in centre.registrations.iter().filter(|r| r.identifier.scheme() == scheme) {
            known.entry(&registration.identifier).or_default().push((centre, registration));
        }
    }
    known
}

/// The organisation that takes part in a centre under a number of its own.
fn taking_part<'d>(
    directory: &'d Directory,
    centre: &'d Centre,
    identifier: &Identifier,
) -> Option<&'d OrganisationKey> {
    centre.organisations.iter().find(|key| {
        directory
            .organisation(key.as_str())
            .is_some_and(|o| o.registrations.iter().any(|r| r.identifier == *identifier))
    })
}

/// The numbers of a scheme under which the organisations of a centre are known.
fn numbers(directory: &Directory, centre: &Centre, scheme: Scheme) -> BTreeSet<Identifier> {
    let organisations = centre.organisations.iter().filter_map(|key| directory.organisation(key.as_str()));
    let registrations = organisations.flat_map(|o| &o.registrations);
    registrations.map(|r| r.identifier.clone()).filter(|identifier| identifier.scheme() == scheme).collect()
}

/// Is the municipality, as a register writes it, that of the centre? A code or a name; registers leave out what CBS adds in brackets. Nothing
/// when the register does not say, or when it gives a name and the centre lies in the invented municipality.
fn same_municipality(centre: &Centre, written: &str) -> Option<bool> {
    let code = centre.municipality.value();
    let plain = |text: &str| {
        let text = text.split('(').next().unwrap_or_default().to_lowercase();
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>()
    };
    if written.is_empty() {
        return None;
    }
    if written.bytes().all(|b| b.is_ascii_digit()) {
        return Some(written.trim_start_matches('0') == code.trim_start_matches('0'));
    }
    municipality::name(code).map(|name| plain(name) == plain(written))
}

/// Is the registration in force on a day?
fn holds_on(registration: &Registration, day: Date) -> bool {
    registration.period.covers(day)
}

/// The same registration until a day.
fn ended(registration: &Registration, until: Date) -> Registration {
    Registration { period: Period { until: Some(until), ..registration.period }, ..registration.clone() }
}
