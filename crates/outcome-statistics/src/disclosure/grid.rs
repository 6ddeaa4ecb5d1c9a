//! Tables with their margins: one more row and one more column than there are labels.

/// A place in a grid; the last row and the last column are the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) row: usize,
    pub(super) column: usize,
}

/// A value for every cell and every total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid<T> {
    rows: usize,
    columns: usize,
    cells: Vec<T>,
}

/// Cells that add up to a total.
pub(super) struct Line {
    pub(super) parts: Vec<Spot>,
    pub(super) total: Spot,
}

impl<T: Copy> Grid<T> {
    /// `rows` and `columns` without the totals.
    pub(super) fn from_fn(rows: usize, columns: usize, value: impl FnMut(Spot) -> T) -> Self {
        Self { rows, columns, cells: spots(rows, columns).map(value).collect() }
    }

    /// Another grid of the same shape.
    pub(super) fn map<U: Copy>(&self, value: impl FnMut(Spot) -> U) -> Grid<U> {
        Grid::from_fn(self.rows, self.columns, value)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn spots(&self) -> impl Iterator<Item = Spot> + use<T> {
        spots(self.rows, self.columns)
    }

    /// None outside.
    pub(super) fn get(&self, spot: Spot) -> Option<T> {
        let inside = spot.row <= self.rows && spot.column <= self.columns;
        if inside { self.cells.get(spot.row * (self.columns + 1) + spot.column).copied() } else { None }
    }

    pub(super) fn is(&self, spot: Spot, value: T) -> bool
    where
        T: PartialEq,
    {
        self.get(spot) == Some(value)
    }

    pub(super) fn set(&mut self, spot: Spot, value: T) {
        if let Some(cell) = self.cells.get_mut(spot.row * (self.columns + 1) + spot.column) {
            *cell = value;
        }
    }

    /// Every line: rows, the row of totals, columns, the column of totals.
    pub(super) fn lines(&self) -> Vec<Line> {
        (0..=self.rows)
            .map(|row| self.row_line(row))
            .chain((0..=self.columns).map(|column| self.column_line(column)))
            .collect()
    }

    /// The two lines a spot belongs to.
    pub(super) fn lines_of(&self, spot: Spot) -> [Line; 2] {
        [self.row_line(spot.row), self.column_line(spot.column)]
    }

    fn row_line(&self, row: usize) -> Line {
        Line {
            parts: (0..self.columns).map(|column| Spot { row, column }).collect(),
            total: Spot { row, column: self.columns },
        }
    }

    fn column_line(&self, column: usize) -> Line {
        Line {
            parts: (0..self.rows).map(|row| Spot { row, column }).collect(),
            total: Spot { row: self.rows, column },
        }
    }
}

fn spots(rows: usize, columns: usize) -> impl Iterator<Item = Spot> {
    (0..=rows).flat_map(move |row| (0..=columns).map(move |column| Spot { row, column }))
}
