//! Every declared table through SDC-1, in order of importance: what comes first is shown, and what would give it away stays inside.

use voordeur_outcome_statistics::{
    Confidence, Interval, Subject as Observed, Timeline,
    disclosure::{CurveValue, Entry, Percentage, Published, Release, Withheld, curve_values},
};

use crate::{
    counted::Counted,
    model::{Absent, Cell, Value},
    question::{Period, Subject},
    tally::Tally,
};

/// A share of fewer is not printed, and neither is a mean.
const FEWEST_FOR_A_SHARE: u64 = 30;

/// Draws of the rounding: 64 uniform bits for a cell that nobody outside can work out, for instance a keyed hash.
pub type Draws<'a> = &'a (dyn Fn(&str) -> u64 + Sync);

/// Everything that was published so far. Give it the earlier publications first, oldest first, each as it was known then.
pub struct Publications<'a>(Release<Draws<'a>>);

impl std::fmt::Debug for Publications<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Publications(..)")
    }
}

impl<'a> Publications<'a> {
    /// Nothing was published yet.
    #[must_use]
    pub const fn new(draws: Draws<'a>) -> Self {
        Self(Release::new(draws))
    }

    /// Takes in an earlier publication, as it was known then.
    pub fn take_in(&mut self, tally: &Tally, subject: &Subject) {
        let _ = Printed::of(tally, subject, self);
    }

    /// A total that somebody outside counted: hidden when it is small, rounded otherwise.
    pub(crate) fn total(
        &mut self,
        tally: &Tally,
        subject: &Subject,
        what: &'static [(&'static str, &'static str)],
        count: u64,
    ) -> Shown {
        let mut counted = crate::declared::total_of(what);
        // There are no children to compare; they have numbers of their own, the same for the same total.
        let salt = what.iter().flat_map(|(name, value)| name.bytes().chain(value.bytes()));
        let salt = salt.fold(0_u64, |sum, byte| crate::counted::nth(sum, u64::from(byte)));
        let period =
            i64::from(tally.period.from().year()) * 1_000 + i64::from(tally.period.from().day_of_year());
        let salt = crate::counted::nth(salt, period.unsigned_abs());
        (0..count).for_each(|n| counted.add(0, 0, crate::counted::nth(salt, n)));
        self.put(&counted, subject, &tally.period, tally.known_on)
    }

    fn put<const ROWS: usize, const COLUMNS: usize>(
        &mut self,
        counted: &Counted<ROWS, COLUMNS>,
        subject: &Subject,
        period: &Period,
        known_on: jiff::civil::Date,
    ) -> Shown {
        let population = subject.key();
        let period = format!("{}/{}", period.from(), period.until());
        let whole = [("population", population.as_str()), ("period", period.as_str())];
        match counted.table(&whole, &known_on.to_string()) {
            Ok(table) => Shown(self.0.publish(table).map_err(Some)),
            Err(_) => Shown(Err(None)),
        }
    }
}

/// A table as it may be shown, or why it stays inside.
#[derive(Debug)]
pub(crate) struct Shown(Result<Published, Option<Withheld>>);

impl Shown {
    fn entry(&self, pick: impl FnOnce(&Published) -> Option<Entry>) -> Result<Value, Absent> {
        let published = self.0.as_ref().map_err(|_| Absent::Withheld)?;
        pick(published).map(value).ok_or(Absent::NotComputable)
    }

    /// A cell.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Result<Value, Absent> {
        self.entry(|published| published.cell(row, column))
    }

    /// The total of a row.
    pub(crate) fn row_total(&self, row: usize) -> Result<Value, Absent> {
        self.entry(|published| published.row_total(row).or_else(|| published.cell(row, 0)))
    }

    /// The total of a column.
    pub(crate) fn column_total(&self, column: usize) -> Result<Value, Absent> {
        self.entry(|published| published.column_total(column).or_else(|| published.cell(0, column)))
    }

    /// Everybody.
    pub(crate) fn total(&self) -> Result<Value, Absent> {
        self.entry(Published::total)
    }

    /// Why it stays inside.
    pub(crate) fn withheld(&self) -> Option<Withheld> {
        self.0.as_ref().err().copied().flatten()
    }
}

const fn value(entry: Entry) -> Value {
    match entry {
        Entry::Rounded(count) => Value::Count(count),
        Entry::FewerThanTen => Value::Few,
        Entry::Hidden => Value::Hidden,
    }
}

const fn percentage(shown: Percentage) -> Value {
    match shown {
        Percentage::Whole(percent) => Value::Percent(percent),
        Percentage::AtLeastNinety => Value::Percent90OrMore,
    }
}

/// One printed count as a share of another.
pub(crate) fn share_of(part: &Result<Value, Absent>, of: &Result<Value, Absent>) -> Result<Value, Absent> {
    let entry = |value: &Result<Value, Absent>| match value {
        Ok(Value::Count(count)) => Ok(Entry::Rounded(*count)),
        Ok(_) => Err(Absent::TooFew),
        Err(why) => Err(*why),
    };
    Published::percentage(Some(entry(part)?), Some(entry(of)?)).map(percentage).ok_or(Absent::TooFew)
}

/// A printed share with Wilson's interval, from the printed counts.
pub(crate) fn share_cell(part: &Result<Value, Absent>, of: &Result<Value, Absent>) -> Cell {
    let share = match share_of(part, of) {
        Ok(share) => share,
        Err(why) => return Cell::absent(why),
    };
    let (Ok(Value::Count(part)), Ok(Value::Count(of))) = (part, of) else {
        return Cell::absent(Absent::TooFew);
    };
    let interval = voordeur_outcome_statistics::wilson((*part).min(*of), *of, Confidence::NINETY_FIVE);
    Cell::plain(share).within(interval.map(limits)).of(Value::Count(*of))
}

/// A share between 0 and 1 as it is printed.
pub(crate) fn percent(share: f64) -> Value {
    let percent = (share * 100.0).round().clamp(0.0, 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let whole = percent as u8;
    if whole >= 90 { Value::Percent90OrMore } else { Value::Percent(whole) }
}

pub(crate) fn limits(interval: Interval) -> (Value, Value) {
    (percent(interval.lower), percent(interval.upper))
}

/// The incidence of a cause at 90, 180 and 365 days, for `n` as it is printed.
pub(crate) fn curve(subjects: &[Observed], cause: u8, n: &Result<Value, Absent>) -> [(u32, Cell); 3] {
    let n = match n {
        Ok(n) => n.clone(),
        Err(why) => return [90, 180, 365].map(|day| (day, Cell::absent(*why))),
    };
    let Ok(timeline) = Timeline::of(subjects) else {
        return [90, 180, 365].map(|day| (day, Cell::absent(Absent::TooFew).of(n.clone())));
    };
    curve_values(&timeline, cause, Confidence::NINETY_FIVE).map(|(day, shown)| {
        let cell = match (shown, &n) {
            (CurveValue::Share { share, lower, upper }, Value::Count(_)) => {
                Cell::plain(percentage(share)).within(Some((percentage(lower), percentage(upper))))
            }
            _ => Cell::absent(Absent::TooFew),
        };
        (day, cell.of(n.clone()))
    })
}

/// Is it enough for a mean, a median or a measure of agreement?
pub(crate) const fn carries_a_mean(n: u64) -> bool {
    n >= FEWEST_FOR_A_SHARE
}

/// Every declared table, printed.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) outcome: Shown,
    pub(crate) foreseen: Shown,
    pub(crate) endpoints: Shown,
    pub(crate) whys: Shown,
    pub(crate) followed: Shown,
    pub(crate) before: Shown,
    pub(crate) reviews: Shown,
    pub(crate) severity: Shown,
    pub(crate) judged: Shown,
    pub(crate) about: Shown,
    pub(crate) lasting: Shown,
    pub(crate) one_sided: Shown,
    pub(crate) help: Shown,
    pub(crate) useful: Shown,
    pub(crate) goals: Shown,
    pub(crate) just_after: Shown,
    pub(crate) long: Shown,
    pub(crate) corrections: Shown,
    pub(crate) second: Shown,
    pub(crate) calibration: Shown,
    pub(crate) crises: Shown,
}

impl Printed {
    pub(crate) fn of(tally: &Tally, subject: &Subject, publications: &mut Publications<'_>) -> Self {
        let (tables, period, known_on) = (&tally.tables, &tally.period, tally.known_on);
        macro_rules! put {
            ($table:ident) => {
                publications.put(&tables.$table, subject, period, known_on)
            };
        }
        // The order of the fields is the order of importance.
        Self {
            outcome: put!(outcome),
            foreseen: put!(foreseen),
            endpoints: put!(endpoints),
            whys: put!(whys),
            followed: put!(followed),
            before: publications.put(
                &tally.before,
                subject,
                &period.before().unwrap_or(*period),
                tally.known_before,
            ),
            reviews: put!(reviews),
            severity: put!(severity),
            judged: put!(judged),
            about: put!(about),
            lasting: put!(lasting),
            one_sided: put!(one_sided),
            help: put!(help),
            useful: put!(useful),
            goals: put!(goals),
            just_after: put!(just_after),
            long: put!(long),
            corrections: put!(corrections),
            second: put!(second),
            calibration: put!(calibration),
            crises: put!(crises),
        }
    }
}
