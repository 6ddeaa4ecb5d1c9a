//! Tables as they are declared, with their true counts.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{
    grid::{Grid, Spot},
    population::Population,
};

/// One way to split children: by baseline, by outcome, by centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// What it is.
    pub name: String,
    /// What each child is exactly one of.
    pub labels: Vec<String>,
}

impl Dimension {
    /// A dimension.
    #[must_use]
    pub fn new<L: Into<String>>(name: impl Into<String>, labels: impl IntoIterator<Item = L>) -> Self {
        Self { name: name.into(), labels: labels.into_iter().map(Into::into).collect() }
    }
}

/// What is wrong with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadTable {
    /// A dimension without labels splits nothing.
    #[error("a dimension has no labels")]
    NoLabels,
    /// Two labels of a dimension, or two names, are the same: cells could not be told apart.
    #[error("a label or a name stands there twice")]
    Twice,
    /// There is not one count for every pair of labels.
    #[error("the counts do not fit the labels")]
    Shape,
    /// The counts do not add up to the children it is about.
    #[error("the counts do not add up to the population")]
    Total,
}

/// Counts of children by two dimensions, with what all of them have in common. Single dimension: let the other have one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    about: Vec<(String, String)>,
    edition: String,
    rows: Dimension,
    columns: Dimension,
    values: Grid<u64>,
    members: Population,
}

impl Table {
    /// A table of the declared set.
    ///
    /// `about`: what all children in it have in common, as name and value. `edition`: as known on which day; two editions of one table are
    /// compared by rule 6 but have the same draws. `counts`: by row. `members`: the children, each counted once.
    pub fn new<'a>(
        about: impl IntoIterator<Item = (&'a str, &'a str)>,
        edition: &str,
        rows: Dimension,
        columns: Dimension,
        counts: &[Vec<u64>],
        members: Population,
    ) -> Result<Self, BadTable> {
        let mut about: Vec<(String, String)> =
            about.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        about.sort_unstable();
        if rows.labels.is_empty() || columns.labels.is_empty() {
            return Err(BadTable::NoLabels);
        }
        let names: BTreeSet<&String> =
            about.iter().map(|(name, _)| name).chain([&rows.name, &columns.name]).collect();
        let distinct = |labels: &[String]| labels.iter().collect::<BTreeSet<_>>().len() == labels.len();
        if names.len() != about.len() + 2 || !distinct(&rows.labels) || !distinct(&columns.labels) {
            return Err(BadTable::Twice);
        }
        let fits =
            counts.len() == rows.labels.len() && counts.iter().all(|row| row.len() == columns.labels.len());
        if !fits {
            return Err(BadTable::Shape);
        }
        let values = Grid::from_fn(rows.labels.len(), columns.labels.len(), |spot| sum(counts, spot));
        let whole = Spot { row: values.rows(), column: values.columns() };
        if !values.is(whole, members.len()) {
            return Err(BadTable::Total);
        }
        Ok(Self { about, edition: edition.to_owned(), rows, columns, values, members })
    }

    /// What all children in it have in common.
    #[must_use]
    pub fn about(&self) -> &[(String, String)] {
        &self.about
    }

    /// As known on which day.
    #[must_use]
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// The rows.
    #[must_use]
    pub const fn rows(&self) -> &Dimension {
        &self.rows
    }

    /// The columns.
    #[must_use]
    pub const fn columns(&self) -> &Dimension {
        &self.columns
    }

    pub(super) const fn values(&self) -> &Grid<u64> {
        &self.values
    }

    pub(super) const fn members(&self) -> &Population {
        &self.members
    }

    /// Whether the two split their children the same way.
    pub(super) fn is_split_as(&self, other: &Self) -> bool {
        self.rows == other.rows && self.columns == other.columns
    }

    /// Which children a cell is about, whatever table it stands in: the same children have the same key.
    pub(super) fn key(&self, spot: Spot) -> String {
        let mut parts = self.about.clone();
        for (dimension, at) in [(&self.rows, spot.row), (&self.columns, spot.column)] {
            // A dimension with one label splits nothing; a total has no label.
            let label = dimension.labels.get(at).filter(|_| dimension.labels.len() > 1);
            parts.extend(label.map(|label| (dimension.name.clone(), label.clone())));
        }
        parts.sort_unstable();
        let shown = parts.iter().map(|(name, value)| format!("{name}\u{1f}{value}"));
        shown.collect::<Vec<_>>().join("\u{1e}")
    }
}

/// The count of a cell, or of everything in its row, its column or the table.
fn sum(counts: &[Vec<u64>], spot: Spot) -> u64 {
    let rows = counts.iter().enumerate().filter(|(row, _)| *row == spot.row || spot.row == counts.len());
    let in_row = |row: &Vec<u64>| -> u64 {
        if spot.column == row.len() { row.iter().sum() } else { row.get(spot.column).copied().unwrap_or(0) }
    };
    rows.map(|(_, row)| in_row(row)).sum()
}
