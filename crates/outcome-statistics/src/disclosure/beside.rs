//! A table beside one that describes a part of its children, or of which it describes a part: whole, part and the difference that nobody
//! published.
//!
//! What is possible is shown by moving: in four cells at the corners of a rectangle (totals are cells too) something is added and taken away, so
//! that everything adds up as before, in both tables or in one of them and the difference. Not every other possibility is found that way, and
//! what is not found counts as impossible: more may be hidden than must.

use super::{
    LEAST,
    audit::Bounds,
    grid::{Grid, Spot},
    suppress::{SLACK, Status},
};

/// A published table, and whether it describes a part of the children of the one at hand, or more of them.
pub(super) struct Beside {
    pub(super) values: Grid<u64>,
    pub(super) status: Grid<Status>,
    pub(super) is_part: bool,
}

/// What moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    Whole,
    Part,
    Difference,
}

/// Two of the three layers move, so that the part and the difference are still the whole. Signs within a way are those of the first.
const WAYS: [[(Layer, i64); 2]; 3] = [
    [(Layer::Whole, 1), (Layer::Part, 1)],
    [(Layer::Whole, 1), (Layer::Difference, 1)],
    [(Layer::Part, 1), (Layer::Difference, -1)],
];

impl Beside {
    fn difference(&self, ours: &Grid<u64>, spot: Spot) -> u64 {
        ours.get(spot).unwrap_or(0).abs_diff(self.values.get(spot).unwrap_or(0))
    }

    /// Whether the small difference of a cell could be read off, were it shown in both.
    pub(super) fn gives_away(&self, ours: &Grid<u64>, spot: Spot) -> bool {
        self.difference(ours, spot) < LEAST && self.status.is(spot, Status::Shown)
    }

    /// A cell of which, in one of the three, a hidden count has too few possible values.
    pub(super) fn narrow(&self, ours: &Grid<u64>, status: &Grid<Status>) -> Option<Spot> {
        let both = Both { beside: self, ours, status };
        ours.spots().find(|&spot| {
            let open =
                [Layer::Whole, Layer::Part, Layer::Difference].map(|layer| both.must_be_open(layer, spot));
            open != [false; 3] && !both.is_open(spot, open)
        })
    }
}

struct Both<'a> {
    beside: &'a Beside,
    ours: &'a Grid<u64>,
    status: &'a Grid<Status>,
}

impl Both<'_> {
    fn layer(&self, layer: Layer) -> (&Grid<u64>, &Grid<Status>) {
        if (layer == Layer::Part) == self.beside.is_part {
            (&self.beside.values, &self.beside.status)
        } else {
            (self.ours, self.status)
        }
    }

    fn must_be_open(&self, layer: Layer, spot: Spot) -> bool {
        match layer {
            Layer::Whole | Layer::Part => {
                matches!(self.layer(layer).1.get(spot), Some(Status::Small | Status::Hidden))
            }
            Layer::Difference => {
                let printed = !self.status.is(spot, Status::Absent);
                printed && self.beside.difference(self.ours, spot) < LEAST
            }
        }
    }

    fn count(&self, layer: Layer, spot: Spot) -> (u64, Bounds) {
        if layer == Layer::Difference {
            return (self.beside.difference(self.ours, spot), Bounds::ANY);
        }
        let (values, status) = self.layer(layer);
        let value = values.get(spot).unwrap_or(0);
        (value, status.get(spot).map_or(Bounds::ANY, |status| status.bounds(value)))
    }

    /// Whether each layer that must be open at a spot has enough other values.
    fn is_open(&self, spot: Spot, must: [bool; 3]) -> bool {
        let mut room = [0; 3];
        for other in self.ours.spots().filter(|other| other.row != spot.row && other.column != spot.column) {
            for way in WAYS {
                let width = self.width(spot, other, way);
                for (layer, _) in way {
                    if let Some(room) = room.get_mut(layer as usize) {
                        *room = width.max(*room);
                    }
                }
            }
        }
        room.iter().zip(must).all(|(room, must)| !must || *room >= SLACK)
    }

    /// How far the rectangle between two spots can be moved, up and down together.
    fn width(&self, spot: Spot, other: Spot, way: [(Layer, i64); 2]) -> u64 {
        let corners = [
            (spot, 1),
            (Spot { row: spot.row, column: other.column }, -1),
            (Spot { row: other.row, column: spot.column }, -1),
            (other, 1),
        ];
        let (mut up, mut down) = (u64::MAX, u64::MAX);
        for (corner, sign) in corners {
            // A total stands on the other side of its sum.
            let total = |is_total: bool| if is_total { -1 } else { 1 };
            let side = total(corner.row == self.ours.rows()) * total(corner.column == self.ours.columns());
            for (layer, of_layer) in way {
                let (value, bounds) = self.count(layer, corner);
                let (more, less) = (bounds.upper.saturating_sub(value), value.saturating_sub(bounds.lower));
                let (forth, back) = if sign * side * of_layer > 0 { (more, less) } else { (less, more) };
                (up, down) = (up.min(forth), down.min(back));
            }
        }
        up.saturating_add(down)
    }
}
