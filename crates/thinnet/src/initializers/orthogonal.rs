//! `Orthogonal`.

use serde::{Deserialize, Serialize};

use crate::random::Draws;

/// A random orthogonal matrix times `gain` (Saxe et al. 2014): with all axes but the last taken together, the rows or the
/// columns, whichever are fewer, are orthonormal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orthogonal {
    /// What the matrix is multiplied by. Default: 1.
    pub gain: f64,
    /// A seed of its own; else the values come from the model's seed.
    pub seed: Option<u64>,
}

impl Default for Orthogonal {
    fn default() -> Self {
        Self { gain: 1.0, seed: None }
    }
}

impl Orthogonal {
    /// With this gain.
    pub fn new(gain: f64) -> Self {
        Self { gain, ..Self::default() }
    }
}

pub(super) fn fill(shape: &[usize], gain: f64, draws: &mut Draws, out: &mut [f32]) {
    let columns = shape.last().copied().unwrap_or(1);
    let rows = out.len() / columns.max(1);
    // Orthonormal vectors by Gram and Schmidt: as many as the shorter side, as long as the longer one. Of normal vectors
    // the result is uniformly distributed.
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..len).map(|_| draws.normal()).collect();
        // Twice, since once loses orthogonality to rounding.
        for _ in 0..2 {
            for other in &vectors {
                let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|a| *a /= norm);
        vectors.push(vector);
    }
    for (index, value) in out.iter_mut().enumerate() {
        let (row, column) = (index / columns, index % columns);
        let element = if rows <= columns { vectors[row][column] } else { vectors[column][row] };
        *value = (gain * element) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Domain, Stream};

    #[test]
    fn the_shorter_side_is_orthonormal_times_the_gain() {
        for (shape, count, len) in
            [(vec![20, 50], 20, 50), (vec![50, 20], 20, 50), (vec![3, 3, 4, 10], 10, 36)]
        {
            let mut out = vec![0.0; shape.iter().product()];
            fill(&shape, 2.0, &mut Stream::new(1, Domain::OwnSeed).at(0, 0), &mut out);
            let columns = shape[shape.len() - 1];
            let at = |vector: usize, element: usize| {
                let index =
                    if count == columns { element * columns + vector } else { vector * columns + element };
                f64::from(out[index])
            };
            for a in 0..count {
                for b in 0..=a {
                    let product: f64 = (0..len).map(|element| at(a, element) * at(b, element)).sum();
                    let expected = if a == b { 4.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-5, "{shape:?}: {a}·{b} = {product}");
                }
            }
        }
    }
}
