//! Agreement of two judges, beyond what chance gives (Cohen).

/// What a disagreement by one or more steps costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Any disagreement the same.
    Unweighted,
    /// By the number of steps.
    Linear,
    /// By its square.
    Quadratic,
}

impl Weights {
    fn cost(self, steps: usize, most: usize) -> f64 {
        let share = if most == 0 { 0.0 } else { steps as f64 / most as f64 };
        match self {
            Self::Unweighted => f64::from(u8::from(steps > 0)),
            Self::Linear => share,
            Self::Quadratic => share * share,
        }
    }
}

/// Kappa of a table of counts: first judge by row, second by column, the same ordered judgements. None without judgements, or where chance
/// leaves no room for disagreement: both judges always say the same one thing.
#[must_use]
pub fn kappa<const K: usize>(counts: &[[u64; K]; K], weights: Weights) -> Option<f64> {
    let rows: Vec<f64> = counts.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
    let total: f64 = rows.iter().sum();
    let (mut seen, mut by_chance) = (0.0, 0.0);
    for (i, (row, row_total)) in counts.iter().zip(&rows).enumerate() {
        for (j, count) in row.iter().enumerate() {
            let cost = weights.cost(i.abs_diff(j), K - 1);
            let column: u64 = counts.iter().filter_map(|row| row.get(j)).sum();
            seen += cost * *count as f64;
            by_chance += cost * row_total * column as f64;
        }
    }
    (by_chance > 0.0).then(|| 1.0 - seen * total / by_chance)
}
