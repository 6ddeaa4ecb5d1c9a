//! Exact counts of the declared tables, each with whom it counts. Nothing here can be printed: it goes through SDC-1 first.

use voordeur_outcome_statistics::disclosure::{BadTable, Dimension, Population, Table};

/// What a table is called, how its rows and columns are called, and what all its children have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<const ROWS: usize, const COLUMNS: usize> {
    /// Name and value of what they have in common, beside population and period.
    pub(crate) about: &'static [(&'static str, &'static str)],
    /// Name of the dimension of the rows, and its labels. A dimension has one name wherever it occurs.
    pub(crate) rows: (&'static str, [&'static str; ROWS]),
    /// The same of the columns.
    pub(crate) columns: (&'static str, [&'static str; COLUMNS]),
}

/// A declared table with its counts.
#[derive(Clone)]
pub(crate) struct Counted<const ROWS: usize, const COLUMNS: usize> {
    declared: Declared<ROWS, COLUMNS>,
    counts: [[u64; COLUMNS]; ROWS],
    members: Vec<u64>,
}

impl<const ROWS: usize, const COLUMNS: usize> std::fmt::Debug for Counted<ROWS, COLUMNS> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted").finish_non_exhaustive()
    }
}

impl<const ROWS: usize, const COLUMNS: usize> Counted<ROWS, COLUMNS> {
    pub(crate) const fn new(declared: Declared<ROWS, COLUMNS>) -> Self {
        Self { declared, counts: [[0; COLUMNS]; ROWS], members: Vec::new() }
    }

    /// Counts one, who must not have been counted before.
    pub(crate) fn add(&mut self, row: usize, column: usize, member: u64) {
        if let Some(count) = self.counts.get_mut(row).and_then(|row| row.get_mut(column)) {
            *count += 1;
            self.members.push(member);
        }
    }

    /// How many in all; for rules, never to be printed.
    pub(crate) fn len(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// As a table of SDC-1.
    ///
    /// # Errors
    /// When somebody was counted twice.
    pub(crate) fn table(&self, whole: &[(&str, &str)], edition: &str) -> Result<Table, BadTable> {
        let Declared { about, rows, columns } = self.declared;
        let counts: Vec<Vec<u64>> = self.counts.iter().map(|row| row.to_vec()).collect();
        Table::new(
            whole.iter().chain(about).copied(),
            edition,
            Dimension::new(rows.0, rows.1),
            Dimension::new(columns.0, columns.1),
            &counts,
            self.members.iter().copied().collect::<Population>(),
        )
    }
}

/// Another number for the n-th thing of one child: its second goal, its third crisis.
pub(crate) const fn nth(member: u64, n: u64) -> u64 {
    let value = member ^ (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
