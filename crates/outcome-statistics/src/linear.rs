//! Small symmetric matrices: variances of scores.

/// A square matrix. What lies outside reads as 0 and is not written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Square {
    size: usize,
    cells: Vec<f64>,
}

impl Square {
    pub(crate) fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        if column < self.size {
            self.cells.get(row * self.size + column).copied().unwrap_or_default()
        } else {
            0.0
        }
    }

    pub(crate) fn add(&mut self, row: usize, column: usize, amount: f64) {
        if column < self.size
            && let Some(cell) = self.cells.get_mut(row * self.size + column)
        {
            *cell += amount;
        }
    }

    pub(crate) fn rows(&self) -> Vec<Vec<f64>> {
        self.cells.chunks(self.size.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// score' M^-1 score over the named rows and columns, by Cholesky's root: the squared length of root^-1 score. None when the part of
    /// the matrix has no inverse.
    pub(crate) fn standardized(&self, score: &[f64], named: &[usize]) -> Option<f64> {
        let mut root: Vec<Vec<f64>> = Vec::with_capacity(named.len());
        let mut solved: Vec<f64> = Vec::with_capacity(named.len());
        for (at, &row) in named.iter().enumerate() {
            let mut line: Vec<f64> = Vec::with_capacity(at + 1);
            for (above, &column) in root.iter().zip(named) {
                let pivot = above.last().copied()?;
                line.push((self.at(row, column) - dot(&line, above)) / pivot);
            }
            let variance = self.at(row, row);
            let left = variance - dot(&line, &line);
            // Rounding leaves about 1e-16 of the variance where nothing is left.
            if left.is_nan() || left <= variance * 1e-12 {
                return None;
            }
            let pivot = left.sqrt();
            solved.push((score.get(row).copied()? - dot(&line, &solved)) / pivot);
            line.push(pivot);
            root.push(line);
        }
        Some(dot(&solved, &solved))
    }
}

/// Over the shorter of the two.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&[f64]]) -> Square {
        let mut matrix = Square::zero(rows.len());
        for (i, row) in rows.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                matrix.add(i, j, *value);
            }
        }
        matrix
    }

    #[test]
    fn a_score_is_measured_by_its_variance() {
        let variance = of(&[&[4.0, 2.0, 0.0], &[2.0, 5.0, 1.0], &[0.0, 1.0, 3.0]]);
        // By hand: the inverse has determinant 44, and (1, 2, 3) gives 168/44.
        let q = variance.standardized(&[1.0, 2.0, 3.0], &[0, 1, 2]).unwrap();
        let inverse = [[14.0, -6.0, 2.0], [-6.0, 12.0, -4.0], [2.0, -4.0, 16.0]];
        let v = [1.0, 2.0, 3.0];
        let by_hand: f64 = (0..3).flat_map(|i| (0..3).map(move |j| v[i] * inverse[i][j] * v[j] / 44.0)).sum();
        assert!((q - by_hand).abs() < 1e-12, "{q} {by_hand}");
        assert!((variance.standardized(&[1.0, 2.0, 3.0], &[1]).unwrap() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn without_an_inverse_there_is_no_answer() {
        let variance = of(&[&[1.0, -1.0], &[-1.0, 1.0]]);
        assert_eq!(variance.standardized(&[1.0, -1.0], &[0, 1]), None);
        assert_eq!(Square::zero(1).standardized(&[0.0], &[0]), None);
        assert_eq!(variance.standardized(&[1.0, -1.0], &[0]), Some(1.0));
    }
}
