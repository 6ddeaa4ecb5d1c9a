//! Somebody who reads what is published, knows the rules, and has time: which counts fit what he sees?

use voordeur_outcome_statistics::disclosure::{Entry, Published};

/// More children there are not.
const MOST: i64 = 100_000;

/// Whole numbers of which only bounds are known, and sums that hold among them.
#[derive(Clone, Default)]
pub struct Attack {
    bounds: Vec<(i64, i64)>,
    /// What is nearest to the truth is tried first; it decides how long the search takes, not what it finds.
    hints: Vec<i64>,
    sums: Vec<Vec<(usize, i64)>>,
}

impl Attack {
    pub fn unknown(&mut self, bounds: (i64, i64), truth: u64) -> usize {
        let truth = truth as i64;
        assert!(bounds.0 <= truth && truth <= bounds.1, "{truth} is not within {bounds:?}");
        self.bounds.push(bounds);
        self.hints.push(truth);
        self.bounds.len() - 1
    }

    /// The parts add up to the total.
    pub fn adds_up(&mut self, parts: &[usize], total: usize) {
        self.sums.push(parts.iter().map(|&part| (part, 1)).chain([(total, -1)]).collect());
    }

    /// How many values fit, as far as five on each side of the truth.
    pub fn values(&self, unknown: usize) -> usize {
        let truth = self.hints[unknown];
        (truth - 5..=truth + 5).filter(|&value| self.fits(unknown, value)).count()
    }

    /// Whether a value other than the truth fits.
    pub fn is_open(&self, unknown: usize) -> bool {
        let truth = self.hints[unknown];
        (1..=9).any(|away| self.fits(unknown, truth + away) || self.fits(unknown, truth - away))
    }

    fn fits(&self, unknown: usize, value: i64) -> bool {
        let (lower, upper) = self.bounds[unknown];
        if value < lower || value > upper {
            return false;
        }
        let mut trial = self.clone();
        trial.bounds[unknown] = (value, value);
        trial.solve(&mut 20_000)
    }

    fn solve(&mut self, patience: &mut u32) -> bool {
        *patience = patience.checked_sub(1).expect("the attacker gave up; give him more time");
        if !self.narrow() {
            return false;
        }
        let open = (0..self.bounds.len()).filter(|&at| self.bounds[at].0 < self.bounds[at].1);
        let Some(at) = open.min_by_key(|&at| self.bounds[at].1 - self.bounds[at].0) else { return true };
        let (lower, upper) = self.bounds[at];
        let first = self.hints[at].clamp(lower, upper);
        for rest in [(first, first), (first + 1, upper), (lower, first - 1)] {
            let mut trial = self.clone();
            trial.bounds[at] = rest;
            if rest.0 <= rest.1 && trial.solve(patience) {
                return true;
            }
        }
        false
    }

    /// Bounds that follow from others; false when nothing fits.
    fn narrow(&mut self) -> bool {
        let mut changed = true;
        while changed {
            changed = false;
            for sum in &self.sums {
                let end = |(at, sign): (usize, i64), high: bool| {
                    let (lower, upper) = self.bounds[at];
                    if (sign > 0) == high { sign * upper } else { sign * lower }
                };
                let least: i64 = sum.iter().map(|&term| end(term, false)).sum();
                let most: i64 = sum.iter().map(|&term| end(term, true)).sum();
                let mut news = Vec::new();
                for &(at, sign) in sum {
                    // The others lie between these; this one makes up for them.
                    let (low, high) = (least - end((at, sign), false), most - end((at, sign), true));
                    let (lower, upper) = if sign > 0 { (-high, -low) } else { (low, high) };
                    let old = self.bounds[at];
                    news.push((at, old, (old.0.max(lower), old.1.min(upper))));
                }
                for (at, old, new) in news {
                    if new.0 > new.1 {
                        return false;
                    }
                    changed |= new != old;
                    self.bounds[at] = new;
                }
            }
        }
        true
    }
}

/// What the attacker knows of a printed count.
pub fn bounds(entry: Entry, truth: u64, exact: bool) -> (i64, i64) {
    match entry {
        Entry::Rounded(_) if exact => (truth as i64, truth as i64),
        Entry::Rounded(shown) => ((shown as i64 - 4).max(10), shown as i64 + 4),
        Entry::FewerThanTen => (0, 9),
        Entry::Hidden => (10, MOST),
    }
}

/// A table in the eyes of the attacker: an unknown for every printed count, row by row, the totals last.
pub struct Seen {
    pub unknowns: Vec<Vec<Option<usize>>>,
    /// Those that are not shown.
    pub hidden: Vec<usize>,
}

/// Adds a published table to what the attacker knows; the truth only guides his search. `exact`: he also knows what was shown before it was
/// rounded.
pub fn see(attack: &mut Attack, published: &Published, truth: &[Vec<u64>], exact: bool) -> Seen {
    let (rows, columns) = (truth.len(), truth[0].len());
    let mut hidden = Vec::new();
    let mut unknowns = vec![vec![None; columns + 1]; rows + 1];
    for (row, line) in unknowns.iter_mut().enumerate() {
        for (column, unknown) in line.iter_mut().enumerate() {
            let one = |limit: usize, at: usize| if at < limit { at..at + 1 } else { 0..limit };
            let count: u64 =
                one(rows, row).map(|i| one(columns, column).map(|j| truth[i][j]).sum::<u64>()).sum();
            let entry = match (row < rows, column < columns) {
                (true, true) => published.cell(row, column),
                (true, false) => published.row_total(row),
                (false, true) => published.column_total(column),
                (false, false) if rows > 1 && columns > 1 => published.total(),
                (false, false) => None,
            };
            *unknown = entry.map(|entry| {
                let at = attack.unknown(bounds(entry, count, exact), count);
                if !matches!(entry, Entry::Rounded(_)) {
                    hidden.push(at);
                }
                at
            });
        }
    }
    let all = |cells: Vec<Option<usize>>| cells.into_iter().collect::<Option<Vec<usize>>>();
    for line in &unknowns {
        if let (Some(parts), Some(total)) = (all(line[..columns].to_vec()), line[columns]) {
            attack.adds_up(&parts, total);
        }
    }
    let (totals, lines) = unknowns.split_last().unwrap();
    for (column, total) in totals.iter().enumerate() {
        let parts = all(lines.iter().map(|line| line[column]).collect());
        if let (Some(parts), Some(total)) = (parts, *total) {
            attack.adds_up(&parts, total);
        }
    }
    Seen { unknowns, hidden }
}

#[test]
fn a_table_without_protection_is_unpicked() {
    // One cell left out, everything else exact: 40 = 12 + x + 21.
    let mut attack = Attack::default();
    let parts = [attack.unknown((12, 12), 12), attack.unknown((0, 9), 7), attack.unknown((21, 21), 21)];
    let total = attack.unknown((40, 40), 40);
    attack.adds_up(&parts, total);
    assert!(!attack.is_open(parts[1]));
    assert_eq!(attack.values(parts[1]), 1);
    // Four counts of 11 rounded up, their total rounded down: rounding alone gives the fifth away.
    let mut attack = Attack::default();
    let mut parts: Vec<_> = (0..4).map(|_| attack.unknown((11, 19), 11)).collect();
    parts.push(attack.unknown((0, 9), 0));
    let total = attack.unknown((36, 44), 44);
    attack.adds_up(&parts, total);
    assert!(!attack.is_open(parts[4]));
    // With a total that says less he does not know.
    let mut attack = Attack::default();
    let parts = [attack.unknown((8, 16), 12), attack.unknown((0, 9), 7), attack.unknown((17, 25), 21)];
    let total = attack.unknown((36, 44), 40);
    attack.adds_up(&parts, total);
    assert!(attack.is_open(parts[1]));
}
