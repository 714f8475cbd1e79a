//! Sums and affine maps of batch and layer normalization.

use crate::isa::{Arithmetic, dispatch};

/// Sums that run side by side, so that they can be vectors.
const LANES: usize = 16;

#[inline(always)]
fn column_sums_body<A: Arithmetic>(x: &[f32], sums: &mut [f64]) {
    let (plain, squares) = sums.split_at_mut(sums.len() / 2);
    plain.fill(0.0);
    squares.fill(0.0);
    for row in x.chunks_exact(plain.len()) {
        for ((sum, square), &x) in plain.iter_mut().zip(squares.iter_mut()).zip(row) {
            let x = f64::from(x);
            *sum += x;
            *square += x * x;
        }
    }
}

#[inline(always)]
fn column_products_body<A: Arithmetic>(x: &[f32], mean: &[f32], scale: &[f32], dy: &[f32], sums: &mut [f64]) {
    let (plain, products) = sums.split_at_mut(sums.len() / 2);
    plain.fill(0.0);
    products.fill(0.0);
    let columns = plain.len();
    for (x, dy) in x.chunks_exact(columns).zip(dy.chunks_exact(columns)) {
        for c in 0..columns {
            let normalized = (x[c] - mean[c]) * scale[c];
            plain[c] += f64::from(dy[c]);
            products[c] += f64::from(normalized) * f64::from(dy[c]);
        }
    }
}

#[inline(always)]
fn normalize_columns_body<A: Arithmetic>(
    x: &[f32],
    mean: &[f32],
    scale: &[f32],
    offset: &[f32],
    y: &mut [f32],
) {
    let columns = mean.len();
    for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
        for c in 0..columns {
            y[c] = A::mul_add(x[c] - mean[c], scale[c], offset[c]);
        }
    }
}

#[inline(always)]
fn columns_backward_body<A: Arithmetic>(
    x: &[f32],
    dy: &[f32],
    [mean, scale, offset, slope]: [&[f32]; 4],
    dx: &mut [f32],
) {
    let columns = mean.len();
    let rows = x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
    for ((x, dy), dx) in rows {
        for c in 0..columns {
            dx[c] = scale[c] * (dy[c] - offset[c] - (x[c] - mean[c]) * slope[c]);
        }
    }
}

#[inline(always)]
fn sum(values: impl Fn(usize) -> f32, len: usize) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for start in (0..len / LANES * LANES).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += values(start + lane);
        }
    }
    for (lane, place) in (len / LANES * LANES..len).enumerate() {
        lanes[lane] += values(place);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn row_moments_body<A: Arithmetic>(row: &[f32]) -> [f32; 2] {
    let len = row.len() as f32;
    let mean = sum(|i| row[i], row.len()) / len;
    [mean, sum(|i| (row[i] - mean) * (row[i] - mean), row.len()) / len]
}

#[inline(always)]
fn row_backward_body<A: Arithmetic>(
    x: &[f32],
    dy: &[f32],
    gamma: Option<&[f32]>,
    mean: f32,
    scale: f32,
    dx: &mut [f32],
) {
    let len = x.len();
    let (x, dy) = (&x[..len], &dy[..len]);
    match gamma {
        Some(gamma) => dx.iter_mut().zip(dy).zip(gamma).for_each(|((dx, &dy), &gamma)| *dx = dy * gamma),
        None => dx.copy_from_slice(dy),
    }
    let inner = &dx[..len];
    let offset = sum(|i| inner[i], len) / len as f32;
    let slope = sum(|i| inner[i] * ((x[i] - mean) * scale), len) / len as f32;
    for (dx, &x) in dx.iter_mut().zip(x) {
        *dx = scale * (*dx - offset - (x - mean) * scale * slope);
    }
}

dispatch! {
    /// For each column of rows, Σ x in the first half of `sums` and Σ x² in the second.
    pub fn column_sums(x: &[f32], sums: &mut [f64]) = column_sums_body
}

dispatch! {
    /// For each column, Σ dy in the first half of `sums` and Σ dy·(x − mean)·scale in the second.
    pub fn column_products(x: &[f32], mean: &[f32], scale: &[f32], dy: &[f32], sums: &mut [f64])
        = column_products_body
}

dispatch! {
    /// y = (x − mean)·scale + offset, column by column
    pub fn normalize_columns(x: &[f32], mean: &[f32], scale: &[f32], offset: &[f32], y: &mut [f32])
        = normalize_columns_body
}

dispatch! {
    /// dx = scale·(dy − offset − (x − mean)·slope), column by column; the columns' numbers are \[mean, scale, offset,
    /// slope\]
    pub fn columns_backward(x: &[f32], dy: &[f32], columns: [&[f32]; 4], dx: &mut [f32]) = columns_backward_body
}

dispatch! {
    /// \[mean, variance\] of a row
    ///
    /// ```
    /// assert_eq!(thinnet_kernels::normalization::row_moments(&[1.0, 3.0]), [2.0, 1.0]);
    /// ```
    pub fn row_moments(row: &[f32]) -> [f32; 2] = row_moments_body
}

dispatch! {
    /// The gradient by a row that was normalized to (x − mean)·scale and multiplied by `gamma`.
    pub fn row_backward(x: &[f32], dy: &[f32], gamma: Option<&[f32]>, mean: f32, scale: f32, dx: &mut [f32])
        = row_backward_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 31 + seed * 17) % 41) as f32 / 8.0 - 2.0).collect()
    }

    #[test]
    fn sums_are_those_of_the_columns() {
        let (columns, rows) = (11, 7);
        let (x, dy) = (numbers(columns * rows, 1), numbers(columns * rows, 2));
        let (mean, scale) = (numbers(columns, 3), numbers(columns, 4));
        on_every_set(|| {
            let (mut sums, mut products) = (vec![f64::NAN; 2 * columns], vec![f64::NAN; 2 * columns]);
            column_sums(&x, &mut sums);
            column_products(&x, &mean, &scale, &dy, &mut products);
            for c in 0..columns {
                let column = |values: &[f32]| -> Vec<f64> {
                    values.iter().skip(c).step_by(columns).map(|&value| f64::from(value)).collect()
                };
                let (x, dy) = (column(&x), column(&dy));
                assert_eq!(sums[c], x.iter().sum::<f64>());
                assert_eq!(sums[columns + c], x.iter().map(|x| x * x).sum::<f64>());
                assert_eq!(products[c], dy.iter().sum::<f64>());
                let normalized = x.iter().map(|x| (x - f64::from(mean[c])) * f64::from(scale[c]));
                let expected: f64 = normalized.zip(&dy).map(|(n, dy)| n * dy).sum();
                assert!((products[columns + c] - expected).abs() < 1e-4);
            }

            sums.iter().chain(&products).map(|&sum| sum as f32).collect()
        });
    }

    #[test]
    fn columns_are_mapped_one_by_one() {
        let columns = 9;
        let (x, dy) = (numbers(3 * columns, 1), numbers(3 * columns, 2));
        let [mean, scale, offset, slope] = [3, 4, 5, 6].map(|seed| numbers(columns, seed));
        on_every_set(|| {
            let (mut y, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
            normalize_columns(&x, &mean, &scale, &offset, &mut y);
            columns_backward(&x, &dy, [&mean, &scale, &offset, &slope], &mut dx);
            for i in 0..x.len() {
                let c = i % columns;
                assert!((y[i] - ((x[i] - mean[c]) * scale[c] + offset[c])).abs() < 1e-5);
                let expected = scale[c] * (dy[i] - offset[c] - (x[i] - mean[c]) * slope[c]);
                assert!((dx[i] - expected).abs() < 1e-5);
            }

            [y, dx].concat()
        });
    }

    #[test]
    fn moments_are_those_of_the_row() {
        for len in [1, 5, 16, 37, 100] {
            let row = numbers(len, len);
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / len as f64;
            let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / len as f64;
            on_every_set(|| {
                let [came_mean, came_variance] = row_moments(&row);
                assert!((f64::from(came_mean) - mean).abs() < 1e-6, "{len}");
                assert!((f64::from(came_variance) - variance).abs() < 1e-5, "{len}");
                vec![came_mean, came_variance]
            });
        }
    }

    #[test]
    fn a_row_s_gradient_is_the_published_one() {
        let len = 21;
        let (x, dy, gamma) = (numbers(len, 1), numbers(len, 2), numbers(len, 3));
        for gamma in [Some(&gamma[..]), None] {
            on_every_set(|| {
                let [mean, variance] = row_moments(&x);
                let scale = 1.0 / (variance + 1e-3).sqrt();
                let mut dx = vec![f32::NAN; len];
                row_backward(&x, &dy, gamma, mean, scale, &mut dx);
                let normalized = |i: usize| f64::from((x[i] - mean) * scale);
                let inner = |i: usize| f64::from(dy[i] * gamma.map_or(1.0, |gamma| gamma[i]));
                let offset: f64 = (0..len).map(inner).sum::<f64>() / len as f64;
                let slope: f64 = (0..len).map(|i| inner(i) * normalized(i)).sum::<f64>() / len as f64;
                for (i, &dx) in dx.iter().enumerate() {
                    let expected = f64::from(scale) * (inner(i) - offset - normalized(i) * slope);
                    assert!((f64::from(dx) - expected).abs() < 1e-5);
                }

                dx
            });
        }
    }
}
