//! Which children a table is about, and whether two tables are too close to each other.

use std::collections::BTreeMap;

use super::LEAST;

/// Steps after which a search for a dangerous combination gives up, and says that there is one.
const PATIENCE: u32 = 100_000;

/// Children, each by a number that is the same wherever the child is counted and means nothing. It is only compared, never shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Population(Vec<u64>);

impl FromIterator<u64> for Population {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut numbers: Vec<u64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }
}

impl Population {
    /// How many children.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, number: u64) -> bool {
        self.0.binary_search(&number).is_ok()
    }

    /// How many are in one of the two only.
    fn apart(&self, other: &Self) -> u64 {
        let here = self.0.iter().filter(|&&number| other.has(number)).count() as u64;
        self.len() + other.len() - 2 * here
    }

    /// Whether the two differ by 1 to 9 children.
    pub(super) fn is_too_close(&self, other: &Self) -> bool {
        // Sizes that differ by more need no comparing: most do.
        self.len().abs_diff(other.len()) < LEAST && (1..LEAST).contains(&self.apart(other))
    }

    /// Whether all of these are among those, and not the other way round.
    pub(super) fn is_part_of(&self, whole: &Self) -> bool {
        if self.len() >= whole.len() {
            return false;
        }
        // Both are in order: one walk, where a search for each would take longer.
        if self.len() * 20 < whole.len() {
            return self.0.iter().all(|&number| whole.has(number));
        }
        let mut walk = whole.0.iter();
        self.0.iter().all(|number| walk.by_ref().find(|next| *next >= number) == Some(number))
    }

    /// Whether some of the parts, none of which overlap, leave 1 to 9 of the whole: those could be found by subtraction.
    pub(super) fn leaves_few(&self, parts: &[&Self]) -> bool {
        let mut sizes: BTreeMap<Vec<usize>, u64> = BTreeMap::new();
        // All are in order, so one walk through each is enough.
        let mut walks: Vec<_> = parts.iter().map(|part| part.0.iter().copied().peekable()).collect();
        let mut among = Vec::with_capacity(parts.len());
        for &number in &self.0 {
            among.clear();
            for (at, walk) in walks.iter_mut().enumerate() {
                while walk.next_if(|next| *next < number).is_some() {}
                if walk.peek() == Some(&number) {
                    among.push(at);
                }
            }
            match sizes.get_mut(among.as_slice()) {
                Some(size) => *size += 1,
                None => _ = sizes.insert(among.clone(), 1),
            }
        }
        let pieces: Vec<Piece> =
            sizes.into_iter().map(|(parts, size)| Piece { parts, size, fate: Fate::Open }).collect();
        Search { pieces, patience: PATIENCE }.leaves_few(0, 0)
    }
}

/// Children who are in the same parts.
struct Piece {
    parts: Vec<usize>,
    size: u64,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Left,
    Taken,
}

struct Search {
    pieces: Vec<Piece>,
    patience: u32,
}

impl Search {
    /// Leaves or takes the first open piece, in every way there is; `taken` parts so far, `left` children.
    fn leaves_few(&mut self, taken: u32, left: u64) -> bool {
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            return true;
        }
        let Some(at) = self.pieces.iter().position(|piece| piece.fate == Fate::Open) else {
            return taken > 0 && (1..LEAST).contains(&left);
        };
        let Some((parts, size)) = self.pieces.get(at).map(|piece| (piece.parts.clone(), piece.size)) else {
            return false;
        };
        if left + size < LEAST {
            self.decide(&[at], Fate::Left);
            if self.leaves_few(taken, left + size) {
                return true;
            }
            self.decide(&[at], Fate::Open);
        }
        for part in parts {
            let all = |pieces: &[Piece]| -> Vec<usize> {
                let within = pieces.iter().enumerate().filter(|(_, piece)| piece.parts.contains(&part));
                within.map(|(at, _)| at).collect()
            };
            let pieces = all(&self.pieces);
            let open = |at: &usize| self.pieces.get(*at).is_some_and(|piece| piece.fate == Fate::Open);
            if !pieces.iter().all(open) {
                continue;
            }
            self.decide(&pieces, Fate::Taken);
            if self.leaves_few(taken + 1, left) {
                return true;
            }
            self.decide(&pieces, Fate::Open);
        }
        false
    }

    fn decide(&mut self, pieces: &[usize], fate: Fate) {
        for &at in pieces {
            if let Some(piece) = self.pieces.get_mut(at) {
                piece.fate = fate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: std::ops::Range<u64>) -> Population {
        numbers.collect()
    }

    #[test]
    fn populations_are_too_close_when_one_to_nine_children_are_in_one_only() {
        let whole = of(0..50);
        for (other, close) in
            [(0..50, false), (1..50, true), (0..59, true), (0..60, false), (9..50, true), (10..50, false)]
        {
            assert_eq!(whole.is_too_close(&of(other.clone())), close, "{other:?}");
            assert_eq!(of(other).is_too_close(&whole), close);
        }
        assert!(of(0..50).is_too_close(&of(4..54)));
    }

    #[test]
    fn what_several_parts_leave_together_counts() {
        let whole = of(0..60);
        let (a, b, c, rest) = (of(0..20), of(20..40), of(40..55), of(55..60));
        assert!(whole.leaves_few(&[&a, &b, &c]));
        assert!(whole.leaves_few(&[&a, &b, &c, &rest]));
        assert!(!whole.leaves_few(&[&a, &b]));
        assert!(!whole.leaves_few(&[]));
        assert!(!whole.leaves_few(&[&a, &b, &of(40..60)]));
        // Those that overlap cannot be subtracted one after the other.
        assert!(!whole.leaves_few(&[&of(0..30), &of(20..55)]));
    }
}
