//! Sets of signals as boxes: for each dimension a set of values. Enough to say whether some branches together leave nothing of another.

/// A set of small numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn of(members: impl IntoIterator<Item = bool>) -> Self {
        let mut words = Vec::new();
        for (index, member) in members.into_iter().enumerate() {
            if index % 64 == 0 {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(member) << (index % 64);
            }
        }
        Self(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn combined(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| with(*a, *b)).collect())
    }

    fn and(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & b)
    }

    fn without(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & !b)
    }
}

/// A box: signals whose value in each dimension is in the set of that dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region(pub(super) Vec<Bits>);

impl Region {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().any(Bits::is_empty)
    }

    /// What is in both; nothing when nothing is.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        let both = Self(self.0.iter().zip(&other.0).map(|(a, b)| a.and(b)).collect());
        (!both.is_empty()).then_some(both)
    }

    /// What is left, as boxes that have nothing in common.
    pub(super) fn without(&self, other: &Self) -> Vec<Self> {
        let Some(both) = self.and(other) else { return vec![self.clone()] };
        let mut rest = self.clone();
        let mut left = Vec::new();
        for (dimension, common) in both.0.iter().enumerate() {
            let Some(values) = rest.0.get_mut(dimension) else { continue };
            let outside = values.without(common);
            values.clone_from(common);
            if !outside.is_empty() {
                let mut piece = rest.clone();
                if let Some(values) = piece.0.get_mut(dimension) {
                    *values = outside;
                }
                left.push(piece);
            }
        }
        left
    }
}

/// Boxes at which comparing ends: there are more ways to cut a policy than anybody needs.
pub(super) const REGIONS_MAX: usize = 2000;

/// What is left of some boxes; nothing when there are too many to say.
pub(super) fn without(regions: &[Region], other: &Region) -> Option<Vec<Region>> {
    let mut left = Vec::new();
    for region in regions {
        left.extend(region.without(other));
        if left.len() > REGIONS_MAX {
            return None;
        }
    }
    Some(left)
}

/// Do these together leave nothing of it? No, when there are too many to say.
pub(super) fn cover<'a>(region: &Region, others: impl IntoIterator<Item = &'a Region>) -> bool {
    let mut left = vec![region.clone()];
    for other in others {
        match without(&left, other) {
            Some(rest) => left = rest,
            None => return false,
        }
        if left.is_empty() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(sets: &[&[usize]]) -> Region {
        Region(sets.iter().map(|set| Bits::of((0..70).map(|value| set.contains(&value)))).collect())
    }

    #[test]
    fn a_box_without_a_box_is_what_only_the_first_has() {
        let all: Vec<usize> = (0..70).collect();
        let whole = region(&[&all, &[0, 1, 2]]);
        let hole = region(&[&[3, 69], &[1]]);
        let left = whole.without(&hole);
        let has = |regions: &[Region], a: usize, b: usize| {
            let point = region(&[&[a], &[b]]);
            regions.iter().filter(|r| r.and(&point).is_some()).count()
        };
        for a in 0..70 {
            for b in 0..3 {
                let expected = usize::from(!([3, 69].contains(&a) && b == 1));
                assert_eq!(has(&left, a, b), expected, "{a} {b}");
            }
        }
        assert_eq!(hole.without(&whole), []);
        assert!(cover(&hole, [&whole]) && !cover(&whole, [&hole]));
        assert!(cover(&whole, left.iter().chain([&hole])));
    }
}
