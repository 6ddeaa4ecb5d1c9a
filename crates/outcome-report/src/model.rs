//! A report as it may be shown: only values that the rules on small cells let through. There is no way back to what was counted.

use jiff::civil::Date;

use crate::{
    lint::Evidence,
    question::{Question, Status},
};

/// A value that may be printed. Whole numbers only, so that every replica prints the same digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A count, rounded.
    Count(u64),
    /// A count of 0-9.
    Few,
    /// Hidden, because it would give away another one.
    Hidden,
    /// A whole percentage below 90.
    Percent(u8),
    /// 90 % or more.
    Percent90OrMore,
    /// One decimal: 25 is 2,5.
    Tenths(i64),
    /// Two decimals, for measures of agreement: 63 is 0,63.
    Hundredths(i64),
    /// A day.
    Day(Date),
    /// A word or a name.
    Words(String),
}

/// Why nothing stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Absent {
    /// Too few children for a figure.
    TooFew,
    /// Too much is unknown for a share: only counts.
    TooMuchUnknown,
    /// The population file does not say.
    NoPopulation,
    /// Nobody was asked, or nothing was agreed.
    NotAsked,
    /// Its time has not come.
    NotYet,
    /// It does not exist.
    NotComputable,
    /// Together with another table, or an earlier publication, it would tell about a few children.
    Withheld,
}

impl Absent {
    /// The word in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFew => "too_few",
            Self::TooMuchUnknown => "too_much_unknown",
            Self::NoPopulation => "no_population",
            Self::NotAsked => "not_asked",
            Self::NotYet => "not_yet",
            Self::NotComputable => "not_computable",
            Self::Withheld => "withheld",
        }
    }
}

/// One place in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What stands there, or why nothing does.
    pub value: Result<Value, Absent>,
    /// The interval in which it probably lies (95 %).
    pub between: Option<(Value, Value)>,
    /// How many it rests on, rounded.
    pub n: Option<Value>,
}

impl Cell {
    /// Only a value.
    #[must_use]
    pub const fn plain(value: Value) -> Self {
        Self { value: Ok(value), between: None, n: None }
    }

    /// Nothing, and why.
    #[must_use]
    pub const fn absent(why: Absent) -> Self {
        Self { value: Err(why), between: None, n: None }
    }

    /// With the number that it rests on.
    #[must_use]
    pub fn of(mut self, n: Value) -> Self {
        self.n = Some(n);
        self
    }

    /// With its interval.
    #[must_use]
    pub fn within(mut self, between: Option<(Value, Value)>) -> Self {
        self.between = between;
        self
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key, the same in every report.
    pub key: String,
    /// What it says on screen.
    pub label: String,
    /// One cell for each column.
    pub cells: Vec<Cell>,
}

/// A table. Which tables, rows and columns there are is declared and never depends on the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its key, the same in every report.
    pub key: &'static str,
    /// What it says on screen.
    pub title: String,
    /// Keys and words of the columns.
    pub columns: Vec<(&'static str, String)>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Sentences that belong under it.
    pub notes: Vec<String>,
}

/// A part of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its key, the same in every report.
    pub key: &'static str,
    /// What it says on screen.
    pub title: String,
    /// Sentences before the tables.
    pub sentences: Vec<String>,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// One figure that is no longer what was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// `section/table/row/column`.
    pub path: String,
    /// What was printed.
    pub was: String,
    /// What is printed now.
    pub is: String,
}

/// What changed since the last publication on the same centres and period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// What was known by the end of this day.
    pub known_on: Date,
    /// `voorlopig` or `definitief`.
    pub status: String,
    /// Its rules, when they were other ones.
    pub other_ruleset: Option<String>,
    /// Every figure that differs, in the order of the report.
    pub figures: Vec<Changed>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it answers.
    pub question: Question,
    /// How final it is.
    pub status: Status,
    /// The rules on small cells.
    pub disclosure: &'static str,
    /// How far its evidence goes: which words it may use.
    pub evidence: Evidence,
    /// Its parts, in the declared order.
    pub sections: Vec<Section>,
    /// What changed since the last publication; nothing when there is none.
    pub changes: Option<Changes>,
}

impl Report {
    /// Every cell with its path `section/table/row/column`, in the order of the report.
    pub fn cells(&self) -> impl Iterator<Item = (String, &Cell)> {
        self.sections.iter().flat_map(|section| {
            section.tables.iter().flat_map(move |table| {
                table.rows.iter().flat_map(move |row| {
                    table.columns.iter().zip(&row.cells).map(move |((column, _), cell)| {
                        (format!("{}/{}/{}/{column}", section.key, table.key, row.key), cell)
                    })
                })
            })
        })
    }

    /// One cell by its path.
    #[must_use]
    pub fn cell(&self, path: &str) -> Option<&Cell> {
        self.cells().find(|(known, _)| known == path).map(|(_, cell)| cell)
    }
}
