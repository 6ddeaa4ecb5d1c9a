//! Tables as they may be printed.

use super::{
    grid::{Grid, Spot},
    suppress::Status,
    table::{Dimension, Table},
};

/// Counts are rounded to a multiple of this.
const STEP: u64 = 5;
/// A percentage of fewer is not printed.
const DENOMINATOR: u64 = 30;

/// What is printed for a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Rounded to a multiple of 5, up or down.
    Rounded(u64),
    /// "<10"; may be zero.
    FewerThanTen,
    /// Ten or more, and hidden so that another count cannot be found by subtraction: print a dot.
    Hidden,
}

/// A share as it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentage {
    /// Whole number below 90.
    Whole(u8),
    /// Print ">= 90%": nearly all is nearly everybody.
    AtLeastNinety,
}

impl Percentage {
    /// Of a share between 0 and 1, rounded to the nearest whole number.
    pub(super) fn of_share(share: f64) -> Self {
        let percent = (share * 100.0).round();
        if percent >= 90.0 { Self::AtLeastNinety } else { Self::Whole(percent.max(0.0) as u8) }
    }

    /// Of two rounded counts, half a percent up. None when the denominator is below 30.
    fn of_counts(part: u64, of: u64) -> Option<Self> {
        let percent = (part * 200 + of).checked_div(2 * of)?;
        let shown =
            if percent >= 90 { Self::AtLeastNinety } else { Self::Whole(u8::try_from(percent).ok()?) };
        (of >= DENOMINATOR).then_some(shown)
    }
}

/// A table that may be printed. It holds no true count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    rows: Dimension,
    columns: Dimension,
    entries: Grid<Option<Entry>>,
}

impl Published {
    pub(super) fn new(table: &Table, status: &Grid<Status>, draw: impl Fn(&str) -> u64) -> Self {
        let entry = |spot| match (status.get(spot)?, table.values().get(spot)?) {
            (Status::Absent, _) => None,
            (Status::Small, _) => Some(Entry::FewerThanTen),
            (Status::Hidden, _) => Some(Entry::Hidden),
            (Status::Shown, count) => Some(Entry::Rounded(rounded(count, draw(&table.key(spot))))),
        };
        Self { rows: table.rows().clone(), columns: table.columns().clone(), entries: status.map(entry) }
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

    /// A cell, by the places of its labels.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Option<Entry> {
        let inside = row < self.entries.rows() && column < self.entries.columns();
        self.entries.get(Spot { row, column }).flatten().filter(|_| inside)
    }

    /// The total of a row. None where there is one column: the cell is the total.
    #[must_use]
    pub fn row_total(&self, row: usize) -> Option<Entry> {
        let column = self.entries.columns();
        self.entries.get(Spot { row, column }).flatten().filter(|_| row < self.entries.rows())
    }

    /// The total of a column. None where there is one row: the cell is the total.
    #[must_use]
    pub fn column_total(&self, column: usize) -> Option<Entry> {
        let row = self.entries.rows();
        self.entries.get(Spot { row, column }).flatten().filter(|_| column < self.entries.columns())
    }

    /// Everybody.
    #[must_use]
    pub fn total(&self) -> Option<Entry> {
        let (rows, columns) = (self.entries.rows(), self.entries.columns());
        // Where there is one row or column its total is everybody.
        let row = if rows == 1 { 0 } else { rows };
        let column = if columns == 1 { 0 } else { columns };
        self.entries.get(Spot { row, column }).flatten()
    }

    /// One entry as a share of another, from what is printed. None where one of them is hidden, or the whole is below 30.
    #[must_use]
    pub fn percentage(part: Option<Entry>, of: Option<Entry>) -> Option<Percentage> {
        match (part?, of?) {
            (Entry::Rounded(part), Entry::Rounded(of)) => Percentage::of_counts(part, of),
            _ => None,
        }
    }
}

/// Up with a chance of a fifth for every one above the lower multiple of 5: right on average. A draw is uniform over all 64 bits; what is left
/// of it after division by 5 is uniform enough.
fn rounded(count: u64, draw: u64) -> u64 {
    let over = count % STEP;
    count - over + if draw % STEP < over { STEP } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_right_on_average() {
        for count in 10..60 {
            let sum: u64 = (0..5).map(|draw| rounded(count, draw)).sum();
            assert_eq!(sum, 5 * count);
        }
    }

    #[test]
    fn percentages_are_whole_and_do_not_say_nearly_everybody() {
        let of = Percentage::of_counts;
        assert_eq!(of(10, 30), Some(Percentage::Whole(33)));
        assert_eq!(of(25, 40), Some(Percentage::Whole(63)));
        assert_eq!(of(35, 40), Some(Percentage::Whole(88)));
        assert_eq!(of(40, 40), Some(Percentage::AtLeastNinety));
        assert_eq!(of(45, 40), Some(Percentage::AtLeastNinety));
        assert_eq!(of(15, 25), None);
        assert_eq!(of(0, 0), None);
        assert_eq!(Percentage::of_share(0.894_9), Percentage::Whole(89));
        assert_eq!(Percentage::of_share(0.895), Percentage::AtLeastNinety);
    }
}
