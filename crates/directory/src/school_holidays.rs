//! School holidays: the national dates, compiled in, and what a directory file replaces or adds with `[[school_holiday]]`.

use std::{collections::BTreeMap, fmt, fmt::Write as _, str::FromStr, sync::OnceLock};

use jiff::civil::{Date, date};
use toml::de::DeTable;
use voordeur_kernel::{CentreKey, GroupKey};

use crate::{
    finding::Notes,
    model::{HolidayRegion, Period},
    read::{Reader, Value},
};

/// The table in files.
pub(crate) const TABLE: &str = "school_holiday";

/// The national dates.
const NATIONAL: &str = include_str!("school_holidays.toml");

/// A school year, from 1 August until 31 July: written `2026-2027`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchoolYear(i16);

impl SchoolYear {
    /// The school year that a day lies in.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self(if day.month() >= 8 { day.year() } else { day.year().saturating_sub(1) })
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Days on which a holiday of it may lie: the summer holiday goes on in the year after.
    fn covers(self, day: Date) -> bool {
        date(self.0, 8, 1) <= day && day <= date(self.0 + 1, 9, 30)
    }
}

impl fmt::Display for SchoolYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.0.saturating_add(1))
    }
}

impl FromStr for SchoolYear {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let year = |part: &str| part.parse::<i16>().ok().filter(|year| (2000..=2999).contains(year));
        text.split_once('-')
            .and_then(|(first, second)| Some((year(first)?, year(second)?)))
            .filter(|(first, second)| *second == first + 1)
            .map(|(first, _)| Self(first))
            .ok_or("write a school year as 2026-2027")
    }
}

/// For whom a school holiday holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HolidayScope {
    /// Every centre of a region.
    Region(HolidayRegion),
    /// One centre, whose school deviates.
    Centre(CentreKey),
}

/// A school holiday.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchoolHoliday {
    /// For whom.
    pub scope: HolidayScope,
    /// In which school year.
    pub school_year: SchoolYear,
    /// Which one: `herfst`, `kerst`, `voorjaar`, `mei`, `zomer`, or one of their own. A name stands once in a year for whom it holds.
    pub name: GroupKey,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
}

/// School holidays by year and name.
type Named = BTreeMap<(SchoolYear, GroupKey), (Date, Date)>;

/// Who has which school holidays, looked up by day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SchoolHolidays {
    regions: BTreeMap<HolidayRegion, Named>,
    /// Of the centres that deviate; everything of their region is in it.
    centres: BTreeMap<CentreKey, Named>,
}

impl SchoolHolidays {
    /// The national dates, then what the file says of regions, then what it says of centres.
    pub(crate) fn new(
        own: &[SchoolHoliday],
        region_of: impl Fn(&CentreKey) -> Option<HolidayRegion>,
    ) -> Self {
        let mut all = Self::default();
        for holiday in national().iter().chain(own) {
            if let HolidayScope::Region(region) = holiday.scope {
                put(all.regions.entry(region).or_default(), holiday);
            }
        }
        for holiday in own {
            if let HolidayScope::Centre(centre) = &holiday.scope {
                let named = all.centres.entry(centre.clone()).or_insert_with(|| {
                    region_of(centre).and_then(|region| all.regions.get(&region).cloned()).unwrap_or_default()
                });
                put(named, holiday);
            }
        }
        all
    }

    fn named(&self, centre: &CentreKey, region: HolidayRegion) -> Option<&Named> {
        self.centres.get(centre).or_else(|| self.regions.get(&region))
    }

    /// First and last day of each holiday of a centre.
    pub(crate) fn of(
        &self,
        centre: &CentreKey,
        region: HolidayRegion,
    ) -> impl Iterator<Item = (Date, Date)> + '_ {
        self.named(centre, region).into_iter().flat_map(|named| named.values().copied())
    }

    pub(crate) fn covers(&self, centre: &CentreKey, region: HolidayRegion, day: Date) -> bool {
        self.of(centre, region).any(|(from, until)| from <= day && day <= until)
    }

    /// Are any dates of this school year known for a centre?
    pub(crate) fn knows(&self, centre: &CentreKey, region: HolidayRegion, year: SchoolYear) -> bool {
        self.named(centre, region).is_some_and(|named| named.keys().any(|(known, _)| *known == year))
    }
}

fn put(named: &mut Named, holiday: &SchoolHoliday) {
    named.insert((holiday.school_year, holiday.name.clone()), (holiday.from, holiday.until));
}

/// The dates that are compiled in; a test reads every line of them.
pub(crate) fn national() -> &'static [SchoolHoliday] {
    static READ: OnceLock<Vec<SchoolHoliday>> = OnceLock::new();
    READ.get_or_init(|| {
        let mut notes = Notes::of(NATIONAL);
        let (document, _) = DeTable::parse_recoverable(NATIONAL);
        let mut file = Reader::new(document.get_ref(), String::new(), 1);
        read(&mut file, &mut notes).into_iter().map(|(_, holiday)| holiday).collect()
    })
}

/// Reads the tables; one with a fault is left out.
pub(crate) fn read(file: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<(String, SchoolHoliday)> {
    let Some(list) = file.optional(notes, TABLE) else { return Vec::new() };
    let mut all = Vec::new();
    for item in list.items(notes) {
        let Some(mut table) = item.table(notes) else { continue };
        let scope = scope(&mut table, notes);
        let year = table
            .required(notes, "school_year")
            .and_then(|v| v.parsed(notes, "BAD_YEAR", str::parse::<SchoolYear>));
        let name = table.required(notes, "name").and_then(|v| v.parsed(notes, "BAD_KEY", GroupKey::parse));
        let from = table.required(notes, "from");
        let until = table.required(notes, "until");
        let first = from.as_ref().and_then(|v| v.date(notes));
        let last = until.as_ref().and_then(|v| v.date(notes));
        for (value, day) in [(&from, first), (&until, last)] {
            if let (Some(value), Some(day), Some(year)) = (value, day, year)
                && !year.covers(day)
            {
                out_of_year(value, year, notes);
            }
        }
        if let (Some(first), Some(last)) = (first, last)
            && last < first
        {
            notes.fault_at(&table.path_of("until"), "ENDS_BEFORE_START", "must not lie before from");
        }
        table.finish(notes);
        if let (Some(scope), Some(school_year), Some(name), Some(from), Some(until)) =
            (scope, year, name, first, last)
        {
            all.push((item.path, SchoolHoliday { scope, school_year, name, from, until }));
        }
    }
    all
}

fn scope(table: &mut Reader<'_, '_>, notes: &mut Notes) -> Option<HolidayScope> {
    let region = table.optional(notes, "region");
    let centre = table.optional(notes, "centre");
    match (region, centre) {
        (Some(region), None) => {
            region.word(notes, HolidayRegion::ALL, HolidayRegion::name).map(HolidayScope::Region)
        }
        (None, Some(centre)) => centre.parsed(notes, "BAD_KEY", CentreKey::parse).map(HolidayScope::Centre),
        _ => {
            notes.fault(
                table.line(),
                table.path(),
                "REQUIRED",
                "say for whom: a region, or a centre when only its school deviates",
            );
            None
        }
    }
}

fn out_of_year(value: &Value<'_, '_>, year: SchoolYear, notes: &mut Notes) {
    notes.fault(
        value.line,
        &value.path,
        "OUT_OF_YEAR",
        format!("does not lie in the school year {year} or the summer after it"),
    );
}

/// Compares them with the centres of the file and with each other.
pub(crate) fn check<C>(all: &[(String, SchoolHoliday)], centres: &BTreeMap<CentreKey, C>, notes: &mut Notes) {
    for (index, (path, holiday)) in all.iter().enumerate() {
        if let HolidayScope::Centre(centre) = &holiday.scope
            && !centres.contains_key(centre)
        {
            notes.fault_at(
                &format!("{path}.centre"),
                "UNKNOWN_REFERENCE",
                "there is no centre with this key in the file",
            );
        }
        for (_, earlier) in all.iter().take(index) {
            if earlier.scope != holiday.scope {
                continue;
            }
            if (earlier.school_year, &earlier.name) == (holiday.school_year, &holiday.name) {
                notes.fault_at(&format!("{path}.name"), "DUPLICATE", "stands above for the same school year");
            } else if period(earlier).overlaps(&period(holiday)) {
                notes.fault_at(path, "OVERLAP", "overlaps with a school holiday above");
            }
        }
    }
}

const fn period(holiday: &SchoolHoliday) -> Period {
    Period { from: Some(holiday.from), until: Some(holiday.until) }
}

/// The school years whose dates have to be known on a day: its own, and from 1 May on the next.
pub(crate) fn years_needed(today: Date) -> impl Iterator<Item = SchoolYear> {
    let year = SchoolYear::of(today);
    [Some(year), matches!(today.month(), 5..=7).then(|| year.next())].into_iter().flatten()
}

/// The tables as a file.
pub(crate) fn print(all: &[SchoolHoliday], out: &mut String) {
    for SchoolHoliday { scope, school_year, name, from, until } in all {
        let scope = match scope {
            HolidayScope::Region(region) => format!("region = \"{}\"", region.name()),
            HolidayScope::Centre(centre) => format!("centre = \"{centre}\""),
        };
        let _ = writeln!(
            out,
            "\n[[{TABLE}]]\nschool_year = \"{school_year}\"\n{scope}\nname = \"{name}\"\nfrom = {from}\nuntil = {until}"
        );
    }
}

/// For differences between two directories: path and value.
pub(crate) fn flat(holiday: &SchoolHoliday) -> (String, String) {
    let scope = match &holiday.scope {
        HolidayScope::Region(region) => format!("region.{}", region.name()),
        HolidayScope::Centre(centre) => format!("centre.{centre}"),
    };
    let path = format!("{TABLE}.{scope}.{}.{}", holiday.school_year, holiday.name);
    (path, format!("{} until {}", holiday.from, holiday.until))
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday;

    use super::*;

    #[test]
    fn the_national_dates_are_read_without_a_fault_and_are_whole_weeks() {
        let mut notes = Notes::of(NATIONAL);
        let document = DeTable::parse(NATIONAL).unwrap();
        let mut file = Reader::new(document.get_ref(), String::new(), 1);
        let all = read(&mut file, &mut notes);
        file.finish(&mut notes);
        check(&all, &BTreeMap::<CentreKey, ()>::new(), &mut notes);
        assert_eq!(notes.faults, []);
        assert_eq!(all.len(), 2 * 3 * 5, "two years, three regions, five holidays");
        assert_eq!(national().len(), all.len());
        for (path, holiday) in all {
            let ends = (holiday.from.weekday(), holiday.until.weekday());
            assert_eq!(ends, (Weekday::Saturday, Weekday::Sunday), "{path}");
            let weeks = (holiday.until - holiday.from).get_days() / 7;
            let expected = match holiday.name.as_str() {
                "kerst" => 2,
                "zomer" => 6,
                _ => 1,
            };
            assert_eq!(weeks, expected, "{path}");
        }
    }

    #[test]
    fn a_school_year_begins_in_august_and_is_written_with_both_years() {
        let year = SchoolYear::of(date(2026, 8, 1));
        assert_eq!(year.to_string(), "2026-2027");
        assert_eq!(SchoolYear::of(date(2027, 7, 31)), year);
        assert_eq!("2026-2027".parse(), Ok(year));
        assert_eq!("2027-2028".parse(), Ok(year.next()));
        for wrong in ["2026", "2026-2028", "2026-27", "26-27", "2027-2026", "-1-0"] {
            assert!(wrong.parse::<SchoolYear>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_dates_of_the_next_school_year_are_needed_from_may_on() {
        let needed =
            |month, day| years_needed(date(2027, month, day)).map(|y| y.to_string()).collect::<Vec<_>>();
        assert_eq!(needed(4, 30), ["2026-2027"]);
        assert_eq!(needed(5, 1), ["2026-2027", "2027-2028"]);
        assert_eq!(needed(8, 1), ["2027-2028"]);
    }
}
