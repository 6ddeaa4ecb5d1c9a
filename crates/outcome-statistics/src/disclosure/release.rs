//! Everything that was ever published, so that one table does not give another away.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    beside::Beside,
    grid::Grid,
    published::Published,
    suppress::{Bindings, Status, pattern},
    table::Table,
};

/// The draw of a cell: 64 uniform bits that are the same whenever the same cell is asked for, and that nobody outside can work out: a keyed
/// hash of `cell`.
pub trait Draws {
    /// The draw of the cell with this key.
    fn draw(&self, cell: &str) -> u64;
}

impl<F: Fn(&str) -> u64> Draws for F {
    fn draw(&self, cell: &str) -> u64 {
        self(cell)
    }
}

/// Why a table is not published. None of them says how many children it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Withheld {
    /// Its children and those of a published table differ by 1 to 9.
    #[error("it differs by one to nine children from a table that was published")]
    TooClose,
    /// With published tables subtracted, 1 to 9 children remain of a whole.
    #[error("together with tables that were published it leaves one to nine children of a whole")]
    LeavesFew,
    /// It says something else of the same children, in the same edition, than a published table.
    #[error("it contradicts a table of the same edition that was published")]
    Contradicts,
    /// What would have to be hidden is in print already.
    #[error("it cannot be protected beside the tables that were published")]
    NotProtected,
}

struct Kept {
    table: Table,
    status: Grid<Status>,
}

/// The tables that were published, in order. Give it those of earlier reports first, each as it was known then.
pub struct Release<D> {
    draws: D,
    kept: Vec<Kept>,
}

impl<D: Draws> Release<D> {
    /// Nothing was published yet.
    pub const fn new(draws: D) -> Self {
        Self { draws, kept: Vec::new() }
    }

    /// Publishes a table, or says why it stays inside. The same table again gets the same answer.
    pub fn publish(&mut self, table: Table) -> Result<Published, Withheld> {
        if let Some(kept) = self.kept.iter().find(|kept| kept.table == table) {
            return Ok(self.shown(&kept.table, &kept.status));
        }
        self.check_populations(&table)?;
        let bindings = self.bindings(&table)?;
        let status = pattern(table.values(), &bindings).ok_or(Withheld::NotProtected)?;
        let shown = self.shown(&table, &status);
        self.kept.push(Kept { table, status });
        Ok(shown)
    }

    fn shown(&self, table: &Table, status: &Grid<Status>) -> Published {
        Published::new(table, status, |cell| self.draws.draw(cell))
    }

    fn check_populations(&self, table: &Table) -> Result<(), Withheld> {
        let ours = table.members();
        let mut all = vec![ours];
        for kept in &self.kept {
            let theirs = kept.table.members();
            if theirs.is_too_close(ours) {
                return Err(Withheld::TooClose);
            }
            if !all.contains(&theirs) {
                all.push(theirs);
            }
        }
        let wholes = all.iter().filter(|whole| **whole == ours || ours.is_part_of(whole));
        let leaves_few = wholes.into_iter().any(|whole| {
            let parts: Vec<_> = all.iter().copied().filter(|part| part.is_part_of(whole)).collect();
            whole.leaves_few(&parts)
        });
        if leaves_few { Err(Withheld::LeavesFew) } else { Ok(()) }
    }

    /// What tables of the same edition ask of this one.
    fn bindings(&self, table: &Table) -> Result<Bindings, Withheld> {
        let same_edition = || self.kept.iter().filter(|kept| kept.table.edition() == table.edition());
        let mut known: BTreeMap<String, (u64, Status)> = BTreeMap::new();
        for kept in same_edition() {
            for spot in kept.status.spots() {
                let (Some(value), Some(status)) = (kept.table.values().get(spot), kept.status.get(spot))
                else {
                    continue;
                };
                if status != Status::Absent {
                    known.insert(kept.table.key(spot), (value, status));
                }
            }
        }
        let values = table.values();
        let found = |spot| known.get(&table.key(spot)).copied();
        let contradicts =
            values.spots().any(|spot| found(spot).is_some_and(|(count, _)| !values.is(spot, count)));
        if contradicts {
            return Err(Withheld::Contradicts);
        }
        let is = |wanted: Status| values.map(|spot| found(spot).is_some_and(|(_, status)| status == wanted));
        let (ours, split) = (table.members(), |kept: &&Kept| kept.table.is_split_as(table));
        let nested =
            |kept: &&Kept| kept.table.members().is_part_of(ours) || ours.is_part_of(kept.table.members());
        let beside_it = |kept: &Kept| Beside {
            values: kept.table.values().clone(),
            status: kept.status.clone(),
            is_part: kept.table.members().is_part_of(ours),
        };
        let beside = same_edition().filter(split).filter(nested);
        Ok(Bindings {
            public: is(Status::Shown),
            secret: is(Status::Hidden),
            beside: beside.map(beside_it).collect(),
        })
    }
}
