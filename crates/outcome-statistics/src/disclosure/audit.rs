//! Trying a table as an attacker would: what can a hidden cell be, given everything that is shown?
//!
//! Counts that add up along rows and columns are a flow that goes round: from the whole to its rows, through the cells to the columns, and
//! back to the whole. Whatever an attacker may believe is another such flow within his bounds, and the least and most that one cell can be
//! follow from how much more could go round through it. Flows of whole numbers have no gaps (Ford and Fulkerson), so the answer is exact.

use std::collections::VecDeque;

use super::grid::{Grid, Spot};

/// What the attacker knows of one count; both ends are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) lower: u64,
    pub(super) upper: u64,
}

impl Bounds {
    /// No more than that it is a count.
    pub(super) const ANY: Self = Self { lower: 0, upper: u64::MAX };
}

/// One count between two nodes.
struct Arc {
    spot: Spot,
    tail: usize,
    head: usize,
    value: u64,
    bounds: Bounds,
}

impl Arc {
    /// How much the count can move, when it was moved by `more` and then back by `less` already.
    fn room(&self, moved: Moved, forward: bool) -> u64 {
        let now = self.value.saturating_add(moved.more).saturating_sub(moved.less);
        if forward { self.bounds.upper.saturating_sub(now) } else { now.saturating_sub(self.bounds.lower) }
    }

    /// The node at the other end.
    fn end(&self, forward: bool) -> usize {
        if forward { self.head } else { self.tail }
    }
}

#[derive(Clone, Copy, Default)]
struct Moved {
    more: u64,
    less: u64,
}

/// The counts of a table as a flow.
pub(super) struct Network {
    arcs: Vec<Arc>,
    /// By node: the arcs that touch it, and whether they leave it.
    near: Vec<Vec<(usize, bool)>>,
}

impl Network {
    /// From what is true and what is known; what is true must be possible.
    pub(super) fn new(values: &Grid<u64>, bounds: &Grid<Bounds>) -> Self {
        let (rows, columns) = (values.rows(), values.columns());
        let (whole, sum) = (rows + columns, rows + columns + 1);
        let mut arcs = Vec::new();
        let mut near = vec![Vec::new(); rows + columns + 2];
        for spot in values.spots() {
            let (Some(value), Some(bounds)) = (values.get(spot), bounds.get(spot)) else { continue };
            let (tail, head) = match (spot.row < rows, spot.column < columns) {
                (true, true) => (spot.row, rows + spot.column),
                (true, false) => (whole, spot.row),
                (false, true) => (rows + spot.column, sum),
                (false, false) => (sum, whole),
            };
            for (node, leaves) in [(tail, true), (head, false)] {
                if let Some(touching) = near.get_mut(node) {
                    touching.push((arcs.len(), leaves));
                }
            }
            arcs.push(Arc { spot, tail, head, value, bounds });
        }
        Self { arcs, near }
    }

    /// How many values beside the true one are possible for a count, as far as `enough`.
    pub(super) fn slack(&self, spot: Spot, enough: u64) -> u64 {
        let Some((at, arc)) = self.arcs.iter().enumerate().find(|(_, arc)| arc.spot == spot) else {
            return 0;
        };
        let here = Moved::default();
        let up = self.push(arc.head, arc.tail, at, arc.room(here, true).min(enough));
        let down = self.push(arc.tail, arc.head, at, arc.room(here, false).min(enough));
        (up + down).min(enough)
    }

    /// How much can be sent from a node to another past the skipped arc, as far as `wanted`.
    fn push(&self, from: usize, to: usize, skipped: usize, wanted: u64) -> u64 {
        let mut moved = vec![Moved::default(); self.arcs.len()];
        let mut pushed = 0;
        while pushed < wanted {
            let Some(path) = self.path(&moved, from, to, skipped) else { break };
            let room = path.iter().map(|&(at, forward)| self.room(&moved, at, forward));
            let amount = room.min().unwrap_or(0).min(wanted - pushed);
            if amount == 0 {
                break;
            }
            for (at, forward) in path {
                if let Some(moved) = moved.get_mut(at) {
                    *(if forward { &mut moved.more } else { &mut moved.less }) += amount;
                }
            }
            pushed += amount;
        }
        pushed
    }

    fn room(&self, moved: &[Moved], at: usize, forward: bool) -> u64 {
        match (self.arcs.get(at), moved.get(at)) {
            (Some(arc), Some(moved)) => arc.room(*moved, forward),
            _ => 0,
        }
    }

    /// A shortest way along which something can still be sent: arcs, each with whether it is taken forward.
    fn path(&self, moved: &[Moved], from: usize, to: usize, skipped: usize) -> Option<Vec<(usize, bool)>> {
        let mut came: Vec<Option<(usize, bool, usize)>> = vec![None; self.near.len()];
        let mut waiting = VecDeque::from([from]);
        while let Some(node) = waiting.pop_front() {
            for &(at, forward) in self.near.get(node)? {
                let end = self.arcs.get(at)?.end(forward);
                let known = end == from || came.get(end)?.is_some();
                if at == skipped || known || self.room(moved, at, forward) == 0 {
                    continue;
                }
                *came.get_mut(end)? = Some((at, forward, node));
                if end == to {
                    return trace(&came, from, to);
                }
                waiting.push_back(end);
            }
        }
        None
    }
}

fn trace(came: &[Option<(usize, bool, usize)>], from: usize, to: usize) -> Option<Vec<(usize, bool)>> {
    let mut path = Vec::new();
    let mut node = to;
    while node != from {
        let (at, forward, before) = (*came.get(node)?)?;
        path.push((at, forward));
        node = before;
    }
    Some(path)
}
