//! Weekly presence in local time: `presence` of a person.

use std::fmt::Write as _;

use jiff::civil::{Date, Weekday};
use voordeur_kernel::{CentreKey, calendar::Hours};

use crate::{
    finding::Notes,
    model::Period,
    opening,
    parse::weekday_name,
    print::{clock, quoted},
    read::Reader,
};

/// Every other week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weeks {
    /// Weeks with an even ISO number.
    Even,
    /// Weeks with an odd ISO number. After week 53 comes week 1: two odd weeks follow each other.
    Odd,
}

impl Weeks {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Even, Self::Odd];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Odd => "odd",
        }
    }

    /// Is the ISO week of the day one of them?
    #[must_use]
    pub fn covers(self, day: Date) -> bool {
        (day.iso_week_date().week() % 2 == 0) == (self == Self::Even)
    }
}

/// One interval of a week at one centre: from a minute (included) until a minute (not included), local time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Presence {
    /// Where.
    pub centre: CentreKey,
    /// Day of the week, 1 = Monday to 7 = Sunday.
    pub weekday: u8,
    /// At what time of the day.
    pub hours: Hours,
    /// From and until which day, both included.
    pub period: Period,
    /// Every other week only.
    pub weeks: Option<Weeks>,
    /// Also in the school holidays?
    pub school_holidays: bool,
}

impl Presence {
    /// Does the interval hold on a day? Holidays and closed days are looked up by the directory.
    pub(crate) fn holds_on(&self, day: Date) -> bool {
        self.weekday == number(day.weekday())
            && self.period.covers(day)
            && self.weeks.is_none_or(|weeks| weeks.covers(day))
    }

    /// Is there a week in which both run at the same time?
    pub(crate) fn clashes_with(&self, other: &Self) -> bool {
        self.weekday == other.weekday
            && self.hours.from() < other.hours.until()
            && other.hours.from() < self.hours.until()
            && self.period.overlaps(&other.period)
            && (self.weeks.is_none() || other.weeks.is_none() || self.weeks == other.weeks)
    }

    /// When the interval holds, in words; empty when it always does.
    fn conditions(&self) -> String {
        let mut words = Vec::new();
        if let Some(day) = self.period.from {
            words.push(format!("from {day}"));
        }
        if let Some(day) = self.period.until {
            words.push(format!("until {day}"));
        }
        if let Some(weeks) = self.weeks {
            words.push(format!("{} weeks", weeks.name()));
        }
        if !self.school_holidays {
            words.push("not in school holidays".to_owned());
        }
        if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
    }
}

fn number(weekday: Weekday) -> u8 {
    weekday.to_monday_one_offset().unsigned_abs()
}

/// Reads one table of `presence`: an interval for each of its days.
pub(crate) fn read(table: &mut Reader<'_, '_>, notes: &mut Notes, intervals: &mut Vec<(String, Presence)>) {
    let centre = table.required(notes, "centre").and_then(|v| v.parsed(notes, "BAD_KEY", CentreKey::parse));
    let days = opening::days(table, notes);
    let hours = opening::hours(table, notes);
    let from = table.optional(notes, "from_date").and_then(|v| v.date(notes));
    let until = table.optional(notes, "until_date").and_then(|v| v.date(notes));
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        notes.fault_at(&table.path_of("until_date"), "ENDS_BEFORE_START", "must not lie before from_date");
    }
    let weeks = table.optional(notes, "weeks").and_then(|v| v.word(notes, Weeks::ALL, Weeks::name));
    let school_holidays =
        table.optional(notes, "school_holidays").and_then(|v| v.truth(notes)).unwrap_or(true);
    if let (Some(centre), Some(hours)) = (centre, hours) {
        let period = Period { from, until };
        intervals.extend(days.into_iter().map(|(path, weekday)| {
            (path, Presence { centre: centre.clone(), weekday, hours, period, weeks, school_holidays })
        }));
    }
}

/// Days with the same hours and conditions at the same centre share a line.
pub(crate) fn print(out: &mut String, presence: &[Presence]) {
    let mut lines: Vec<(&Presence, Vec<u8>)> = Vec::new();
    for interval in presence {
        let same = |other: &Presence| Presence { weekday: interval.weekday, ..other.clone() } == *interval;
        match lines.iter_mut().find(|(other, _)| same(other)) {
            Some((_, days)) => days.push(interval.weekday),
            None => lines.push((interval, vec![interval.weekday])),
        }
    }
    if lines.is_empty() {
        return;
    }
    out.push_str("presence = [\n");
    for (interval, days) in lines {
        let days: Vec<_> = days.into_iter().map(|day| quoted(weekday_name(day))).collect();
        let _ = write!(
            out,
            "    {{ centre = {}, days = [{}], from = \"{}\", until = \"{}\"",
            quoted(interval.centre.as_str()),
            days.join(", "),
            clock(interval.hours.from()),
            clock(interval.hours.until()),
        );
        for (key, day) in [("from_date", interval.period.from), ("until_date", interval.period.until)] {
            if let Some(day) = day {
                let _ = write!(out, ", {key} = {day}");
            }
        }
        if let Some(weeks) = interval.weeks {
            let _ = write!(out, ", weeks = \"{}\"", weeks.name());
        }
        if !interval.school_holidays {
            out.push_str(", school_holidays = false");
        }
        out.push_str(" },\n");
    }
    out.push_str("]\n");
}

/// For differences between two directories: one interval.
pub(crate) fn flat(interval: &Presence) -> String {
    format!(
        "{} {}-{}{}",
        weekday_name(interval.weekday),
        clock(interval.hours.from()),
        clock(interval.hours.until()),
        interval.conditions()
    )
}
