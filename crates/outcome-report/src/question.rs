//! What a report is about, and how final it is.

use jiff::{Span, civil::Date};

/// Days after the baseline in which a referral counts: ESC-1.
pub const WINDOW_DAYS: u32 = 365;
/// Days after the last window before anything may be published: late reports still come in.
pub const SETTLING_DAYS: u32 = 90;
/// Days after that until a figure is final.
pub const FINAL_DAYS: u32 = 180;
/// The second, longer look.
pub const LONG_WINDOW_DAYS: u32 = 730;

/// First and last day, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    from: Date,
    until: Date,
}

/// A period that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    /// The last day lies before the first.
    #[error("the last day lies before the first")]
    Backwards,
    /// Longer than ten years.
    #[error("a period has at most ten years")]
    TooLong,
}

impl Period {
    /// A period.
    ///
    /// # Errors
    /// When it ends before it begins, or is longer than ten years.
    pub fn new(from: Date, until: Date) -> Result<Self, BadPeriod> {
        if until < from {
            return Err(BadPeriod::Backwards);
        }
        let period = Self { from, until };
        if period.days() > 3_660 { Err(BadPeriod::TooLong) } else { Ok(period) }
    }

    /// First day.
    #[must_use]
    pub const fn from(&self) -> Date {
        self.from
    }

    /// Last day.
    #[must_use]
    pub const fn until(&self) -> Date {
        self.until
    }

    /// Does the day lie within?
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && day <= self.until
    }

    /// How many days it has.
    #[must_use]
    pub fn days(&self) -> u32 {
        days_between(self.from, self.until).map_or(0, |days| days + 1)
    }

    /// The period of the same length just before: whole months before whole months, else as many days.
    #[must_use]
    pub fn before(&self) -> Option<Self> {
        let until = self.from.checked_sub(Span::new().days(1)).ok()?;
        let after = self.until.checked_add(Span::new().days(1)).ok()?;
        let months = (i32::from(after.year()) - i32::from(self.from.year())) * 12 + i32::from(after.month())
            - i32::from(self.from.month());
        let from = if after.day() == self.from.day() && months > 0 {
            self.from.checked_sub(Span::new().months(months)).ok()?
        } else {
            self.from.checked_sub(Span::new().days(i64::from(self.days()))).ok()?
        };
        Self::new(from, until).ok()
    }
}

/// Whole days from one day to another; nothing when the second lies before the first.
#[must_use]
pub fn days_between(from: Date, until: Date) -> Option<u32> {
    let days = from.until((jiff::Unit::Day, until)).ok()?.get_days();
    u32::try_from(days).ok()
}

/// A day so many days later; the last day of the calendar when there is none.
#[must_use]
pub fn days_after(day: Date, days: u32) -> Date {
    day.checked_add(Span::new().days(i64::from(days))).unwrap_or(Date::MAX)
}

/// How final a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Windows still run, or have only just ended: for the team, never published.
    Running,
    /// All windows ended 90 days ago or more.
    Provisional,
    /// And 180 days have passed since.
    Final,
}

impl Status {
    /// The status of a report on baselines of a period, as known by the end of a day. Figures that CBS calls provisional end some 5 %
    /// higher; hence the waits.
    #[must_use]
    pub fn of(period: &Period, known_on: Date) -> Self {
        let provisional = Self::provisional_from(period);
        if known_on < provisional {
            Self::Running
        } else if known_on < days_after(provisional, FINAL_DAYS) {
            Self::Provisional
        } else {
            Self::Final
        }
    }

    /// The first day on which a report on the period may be published.
    #[must_use]
    pub fn provisional_from(period: &Period) -> Date {
        days_after(period.until(), WINDOW_DAYS + SETTLING_DAYS)
    }

    /// The first day on which a report on the period is final.
    #[must_use]
    pub fn final_from(period: &Period) -> Date {
        days_after(Self::provisional_from(period), FINAL_DAYS)
    }

    /// The word in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "tussenstand",
            Self::Provisional => "voorlopig",
            Self::Final => "definitief",
        }
    }
}

/// Whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The municipality, when the report is about all of its centres: CBS code and name.
    pub municipality: Option<(String, String)>,
    /// Keys and names of the centres, in order of key.
    pub centres: Vec<(String, String)>,
}

impl Subject {
    /// The same for the same centres, and none for two: the municipality, or the centres.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.municipality {
            Some((code, _)) => format!("gemeente {code}"),
            None => self.centres.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(" "),
        }
    }

    /// Names that stand in the report as they are: what partners call themselves is theirs to choose.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let municipality = self.municipality.iter().map(|(_, name)| name.as_str());
        municipality.chain(self.centres.iter().map(|(_, name)| name.as_str()))
    }
}

/// The question that a report answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Whom it is about.
    pub subject: Subject,
    /// Days of the baseline judgements.
    pub period: Period,
    /// What was known by the end of this day.
    pub known_on: Date,
    /// Name of the rules of the classification, for instance `ESC-1`.
    pub ruleset: String,
    /// Version of the directory that said which centres and agreements there are.
    pub directory_version: u64,
}

impl Question {
    /// How final the answer is.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.period, self.known_on)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn year(year: i16) -> Period {
        Period::new(date(year, 1, 1), date(year, 12, 31)).unwrap()
    }

    #[test]
    fn a_report_is_provisional_455_days_after_the_last_baseline_and_final_180_days_later() {
        let period = year(2027);
        assert_eq!(Status::provisional_from(&period), date(2029, 3, 30));
        assert_eq!(Status::of(&period, date(2029, 3, 29)), Status::Running);
        assert_eq!(Status::of(&period, date(2029, 3, 30)), Status::Provisional);
        assert_eq!(Status::of(&period, date(2029, 9, 25)), Status::Provisional);
        assert_eq!(Status::of(&period, date(2029, 9, 26)), Status::Final);
        assert_eq!(Status::final_from(&period), date(2029, 9, 26));
    }

    #[test]
    fn the_period_before_a_year_is_the_year_before_also_around_29_february() {
        assert_eq!(year(2029).before(), Some(year(2028)));
        assert_eq!(year(2028).days(), 366);
        let three = Period::new(date(2026, 8, 1), date(2029, 7, 31)).unwrap();
        let before = Period::new(date(2023, 8, 1), date(2026, 7, 31)).unwrap();
        assert_eq!(three.before(), Some(before));
        let odd = Period::new(date(2027, 3, 10), date(2027, 3, 19)).unwrap();
        assert_eq!(odd.before(), Period::new(date(2027, 2, 28), date(2027, 3, 9)).ok());
    }

    #[test]
    fn a_period_that_ends_before_it_begins_or_lasts_a_lifetime_is_none() {
        assert_eq!(Period::new(date(2027, 1, 2), date(2027, 1, 1)), Err(BadPeriod::Backwards));
        assert_eq!(Period::new(date(2000, 1, 1), date(2027, 1, 1)), Err(BadPeriod::TooLong));
    }
}
