//! Which counts are hidden.

use super::{
    LEAST,
    audit::{Bounds, Network},
    beside::Beside,
    grid::{Grid, Line, Spot},
};

/// A hidden count must have this many possible values beside the true one: as many as are left of a count that is shown as 10.
pub(super) const SLACK: u64 = 4;

/// How a count is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Not at all: the total of a single cell says the same as the cell.
    Absent,
    /// Rounded.
    Shown,
    /// As "<10".
    Small,
    /// As a dot. Whoever reads knows that it is at least 10.
    Hidden,
}

impl Status {
    /// What somebody knows of a count who knows exactly what is shown.
    pub(super) const fn bounds(self, value: u64) -> Bounds {
        match self {
            Self::Absent => Bounds::ANY,
            Self::Shown => Bounds { lower: value, upper: value },
            Self::Small => Bounds { lower: 0, upper: LEAST - 1 },
            Self::Hidden => Bounds { lower: LEAST, upper: u64::MAX },
        }
    }
}

/// What else binds a table.
pub(super) struct Bindings {
    /// Shown in another table already: hiding it here protects nothing.
    pub(super) public: Grid<bool>,
    /// Hidden in another table: showing it here gives it away.
    pub(super) secret: Grid<bool>,
    /// Tables that describe a part of this one's children, or of which this one describes a part, split the same way.
    pub(super) beside: Vec<Beside>,
}

/// How a table may be shown. None when nothing can protect it any more.
pub(super) fn pattern(values: &Grid<u64>, bindings: &Bindings) -> Option<Grid<Status>> {
    let mut table =
        Hiding { values, bindings, status: values.map(|spot| first_status(values, bindings, spot)) };
    if values.spots().any(|spot| bindings.public.is(spot, true) && table.is_hidden(spot)) {
        return None;
    }
    while let Some(fault) = table.fault() {
        table.hide_one(&fault)?;
    }
    Some(table.status)
}

fn first_status(values: &Grid<u64>, bindings: &Bindings, spot: Spot) -> Status {
    let value = values.get(spot).unwrap_or(0);
    let gives_difference_away = bindings.beside.iter().any(|beside| beside.gives_away(values, spot));
    // One cell and its total are the same count.
    let total_of_one = (values.columns() == 1 && spot.column == 1) || (values.rows() == 1 && spot.row == 1);
    if total_of_one {
        Status::Absent
    } else if value < LEAST {
        Status::Small
    } else if bindings.secret.is(spot, true) || gives_difference_away {
        Status::Hidden
    } else {
        Status::Shown
    }
}

/// Why more must be hidden: where to look for it, in this order.
struct Fault {
    first: Vec<Spot>,
    then: Vec<Spot>,
}

struct Hiding<'a> {
    values: &'a Grid<u64>,
    bindings: &'a Bindings,
    status: Grid<Status>,
}

impl Hiding<'_> {
    fn is_hidden(&self, spot: Spot) -> bool {
        matches!(self.status.get(spot), Some(Status::Small | Status::Hidden))
    }

    fn fault(&self) -> Option<Fault> {
        let broken = self.status.lines().into_iter().find(|line| self.is_broken(line));
        if let Some(line) = broken {
            return Some(Fault { first: line.parts, then: vec![line.total] });
        }
        let narrow = self.narrow().or_else(|| self.narrow_beside())?;
        let [row, column] = self.status.lines_of(narrow);
        let totals = vec![row.total, column.total];
        Some(Fault { first: row.parts.into_iter().chain(column.parts).collect(), then: totals })
    }

    /// Whether a hidden cell of the line could be found by subtraction, or all of them together are too few.
    fn is_broken(&self, line: &Line) -> bool {
        let hidden: Vec<Spot> = line.parts.iter().copied().filter(|&spot| self.is_hidden(spot)).collect();
        match self.status.get(line.total) {
            Some(Status::Shown) => {
                let sum: u64 = hidden.iter().filter_map(|&spot| self.values.get(spot)).sum();
                hidden.len() == 1 || (!hidden.is_empty() && sum < LEAST)
            }
            Some(Status::Small | Status::Hidden) => hidden.is_empty(),
            Some(Status::Absent) | None => false,
        }
    }

    /// A hidden cell with too few possible values, from this table.
    fn narrow(&self) -> Option<Spot> {
        let known = |spot| Some(self.status.get(spot)?.bounds(self.values.get(spot)?));
        let bounds = self.status.map(|spot| known(spot).unwrap_or(Bounds::ANY));
        let network = Network::new(self.values, &bounds);
        self.status.spots().find(|&spot| self.is_hidden(spot) && network.slack(spot, SLACK) < SLACK)
    }

    fn narrow_beside(&self) -> Option<Spot> {
        self.bindings.beside.iter().find_map(|beside| beside.narrow(self.values, &self.status))
    }

    /// Hides one count more; None when there is none left that may be hidden.
    fn hide_one(&mut self, fault: &Fault) -> Option<()> {
        let everywhere: Vec<Spot> = self.status.spots().collect();
        let spot = [&fault.first, &fault.then, &everywhere].into_iter().find_map(|spots| self.next(spots))?;
        self.status.set(spot, Status::Hidden);
        Some(())
    }

    /// The smallest of those that will not be alone in their other line; of all, when all of them will be. One that is alone takes the next
    /// with it, and that one the next, until nothing is left to print.
    fn next(&self, spots: &[Spot]) -> Option<Spot> {
        let may = |spot: &Spot| self.status.is(*spot, Status::Shown) && !self.bindings.public.is(*spot, true);
        spots
            .iter()
            .copied()
            .filter(may)
            .min_by_key(|&spot| (self.is_alone(spot), self.values.get(spot), spot))
    }

    /// Whether one of the lines of a cell has no hidden cell yet.
    fn is_alone(&self, spot: Spot) -> bool {
        let lines = self.status.lines_of(spot);
        lines.iter().any(|line| !line.parts.iter().chain([&line.total]).any(|&other| self.is_hidden(other)))
    }
}
