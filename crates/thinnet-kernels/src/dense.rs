//! The products of a dense layer: y = x·w + bias, dx = dy·wᵀ and dw = xᵀ·dy, with all matrices in row-major order and
//! read where they lie.
//!
//! One call runs on one thread and allocates nothing. A row's bits do not depend on the other rows.

use crate::isa::{Arithmetic, LANES, Vector, dispatch};
use crate::tile::{COLUMNS, ROWS, by_rows, groups, pair, store_pair};

/// Products that are summed up before they are added to the result: so many rows of a panel of weights stay in the
/// first-level cache.
const DEPTH: usize = 256;
/// Rows and columns of the tile of `backward`, whose sums are of eight partial sums each.
const DOT_ROWS: usize = 4;
const DOT_COLUMNS: usize = 3;
/// Units from which `backward` sums eight products at once.
const DOTS: usize = 64;

/// Eight numbers of a slice.
///
/// # Safety
/// They must lie within the slice.
#[inline(always)]
unsafe fn load<V: Vector>(numbers: &[f32], at: usize) -> V {
    // SAFETY: the caller's promise.
    V::load(unsafe { &*numbers.as_ptr().add(at).cast() })
}

/// Copies `width` columns of some rows that are `stride` apart, filled up with zeros.
#[inline(always)]
fn copy_panel(from: &[f32], stride: usize, width: usize, panel: &mut [[f32; COLUMNS]]) {
    for (row, to) in panel.iter_mut().enumerate() {
        let from = &from[row * stride..];
        match from.first_chunk() {
            Some(whole) if width == COLUMNS => *to = *whole,
            _ => {
                to[..width].copy_from_slice(&from[..width]);
                to[width..].fill(0.0);
            }
        }
    }
}

#[inline(always)]
fn forward_body<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    units: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let rows = y.len() / units;
    let mut panel = [[0.0; COLUMNS]; DEPTH];
    for first in (0..inputs).step_by(DEPTH) {
        let depth = (inputs - first).min(DEPTH);
        for column in (0..units).step_by(COLUMNS) {
            let width = (units - column).min(COLUMNS);
            copy_panel(&weights[first * units + column..], units, width, &mut panel[..depth]);
            let mut start = [0.0; COLUMNS];
            if let (Some(bias), 0) = (bias, first) {
                start[..width].copy_from_slice(&bias[column..column + width]);
            }
            for (row, count) in groups(rows, ROWS) {
                let x = &x[row * inputs + first..];
                let y = &mut y[row * units + column..];
                let start = if first == 0 { Some(&start) } else { None };
                by_rows!(count, forward_tile::<A>(x, inputs, &panel[..depth], start, y, units, width));
            }
        }
    }
}

/// Writes, or adds where there is no start, the products of `N` rows with a panel.
#[inline(always)]
fn forward_tile<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    panel: &[[f32; COLUMNS]],
    start: Option<&[f32; COLUMNS]>,
    y: &mut [f32],
    units: usize,
    width: usize,
) {
    let x = &x[..(N - 1) * stride + panel.len()];
    let mut sums = [[A::Vector::splat(0.0); 2]; N];
    for (depth, weights) in panel.iter().enumerate() {
        let weights = pair::<A::Vector>(weights);
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `depth` is below the panel's length, to which x has N rows.
            let x = A::Vector::splat(unsafe { *x.get_unchecked(row * stride + depth) });
            *sums = [x.mul_add(weights[0], sums[0]), x.mul_add(weights[1], sums[1])];
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        add_to::<A::Vector>(*sums, start, &mut y[row * units..], width);
    }
}

/// Adds sums to a start, else to what is there.
#[inline(always)]
fn add_to<V: Vector>(sums: [V; 2], start: Option<&[f32; COLUMNS]>, y: &mut [f32], width: usize) {
    let add = |before: [V; 2]| [before[0].add(sums[0]), before[1].add(sums[1])];
    if let (Some(y), true) = (y.first_chunk_mut(), width == COLUMNS) {
        store_pair(add(pair(start.unwrap_or(y))), y);
        return;
    }
    let mut values = [0.0; COLUMNS];
    values[..width].copy_from_slice(start.map_or(&y[..width], |start| &start[..width]));
    store_pair(add(pair(&values)), &mut values);
    y[..width].copy_from_slice(&values[..width]);
}

#[inline(always)]
fn backward_body<A: Arithmetic>(
    dy: &[f32],
    units: usize,
    weights: &[f32],
    inputs: usize,
    dx: &mut [f32],
    scratch: &mut [f32],
) {
    if units < DOTS {
        // Sums of so few products are better computed for several inputs at once.
        let transposed = &mut scratch[..units * inputs];
        for (input, weights) in weights.chunks_exact(units).enumerate() {
            for (unit, &weight) in weights.iter().enumerate() {
                transposed[unit * inputs + input] = weight;
            }
        }
        return forward_body::<A>(dy, units, transposed, inputs, None, dx);
    }
    let rows = dy.len() / units;
    for (input, columns) in groups(inputs, DOT_COLUMNS) {
        let weights = &weights[input * units..][..columns * units];
        for (row, count) in groups(rows, DOT_ROWS) {
            let dy = &dy[row * units..][..count * units];
            let dx = &mut dx[row * inputs + input..];
            match (count, columns) {
                (DOT_ROWS, DOT_COLUMNS) => dots::<A, DOT_ROWS, DOT_COLUMNS>(dy, units, weights, dx, inputs),
                (3, DOT_COLUMNS) => dots::<A, 3, DOT_COLUMNS>(dy, units, weights, dx, inputs),
                _ => {
                    for row in 0..count {
                        for column in 0..columns {
                            let (dy, weights) = (&dy[row * units..], &weights[column * units..]);
                            dots::<A, 1, 1>(dy, units, weights, &mut dx[row * inputs + column..], inputs);
                        }
                    }
                }
            }
        }
    }
}

/// The products of `R` rows with `C` rows: sums of every eighth product, then their sum, then what is left.
#[inline(always)]
fn dots<A: Arithmetic, const R: usize, const C: usize>(
    dy: &[f32],
    units: usize,
    weights: &[f32],
    dx: &mut [f32],
    stride: usize,
) {
    let (dy, weights) = (&dy[..R * units], &weights[..C * units]);
    let mut sums = [[A::Vector::splat(0.0); C]; R];
    let whole = units / LANES * LANES;
    for unit in (0..whole).step_by(LANES) {
        // SAFETY: eight units from `unit` on lie within each of the rows, of which there are R and C.
        let at = |rows: &[f32], row: usize| unsafe { load::<A::Vector>(rows, row * units + unit) };
        let mut columns = [A::Vector::splat(0.0); C];
        for (column, vector) in columns.iter_mut().enumerate() {
            *vector = at(weights, column);
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            let dy = at(dy, row);
            for (sum, &weights) in sums.iter_mut().zip(&columns) {
                *sum = dy.mul_add(weights, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (column, sum) in sums.iter().enumerate() {
            let mut lanes = [0.0; LANES];
            sum.store(&mut lanes);
            let pairs = [lanes[0] + lanes[4], lanes[1] + lanes[5], lanes[2] + lanes[6], lanes[3] + lanes[7]];
            let mut total = (pairs[0] + pairs[2]) + (pairs[1] + pairs[3]);
            for unit in whole..units {
                total = A::mul_add(dy[row * units + unit], weights[column * units + unit], total);
            }
            dx[row * stride + column] = total;
        }
    }
}

#[inline(always)]
fn gradient_body<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    dy: &[&[f32]],
    units: usize,
    accumulate: bool,
    gradient: &mut [f32],
) {
    let rows = x.len() / inputs.max(1);
    let mut panel = [[0.0; COLUMNS]; DEPTH];
    for first in (0..rows).step_by(DEPTH) {
        let depth = (rows - first).min(DEPTH);
        for column in (0..units).step_by(COLUMNS) {
            let width = (units - column).min(COLUMNS);
            let mut filled = 0;
            let mut skipped = first;
            for part in dy {
                let here = (part.len() / units).saturating_sub(skipped).min(depth - filled);
                if here > 0 {
                    copy_panel(
                        &part[skipped * units + column..],
                        units,
                        width,
                        &mut panel[filled..filled + here],
                    );
                }
                filled += here;
                skipped = skipped.saturating_sub(part.len() / units);
            }
            assert_eq!(filled, depth, "dy has as many rows as x");
            let add = accumulate || first > 0;
            for (input, count) in groups(inputs, ROWS) {
                let x = &x[first * inputs + input..];
                let gradient = &mut gradient[input * units + column..];
                by_rows!(count, gradient_tile::<A>(x, inputs, &panel[..depth], add, gradient, units, width));
            }
        }
    }
}

/// Writes, or adds, the products of `N` columns of x with a panel of dy.
#[inline(always)]
fn gradient_tile<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    panel: &[[f32; COLUMNS]],
    add: bool,
    gradient: &mut [f32],
    units: usize,
    width: usize,
) {
    let sums = outer::<A, N>(x, stride, panel);
    let zeros = [0.0; COLUMNS];
    for (row, sums) in sums.iter().enumerate() {
        let start = if add { None } else { Some(&zeros) };
        add_to::<A::Vector>(*sums, start, &mut gradient[row * units..], width);
    }
}

#[inline(always)]
fn outer<A: Arithmetic, const N: usize>(
    x: &[f32],
    stride: usize,
    panel: &[[f32; COLUMNS]],
) -> [[A::Vector; 2]; N] {
    let mut sums = [[A::Vector::splat(0.0); 2]; N];
    for (x, dy) in x.chunks(stride).zip(panel) {
        let Some(x) = x.first_chunk::<N>() else { break };
        let dy = pair::<A::Vector>(dy);
        for (sums, &x) in sums.iter_mut().zip(x) {
            let x = A::Vector::splat(x);
            *sums = [x.mul_add(dy[0], sums[0]), x.mul_add(dy[1], sums[1])];
        }
    }
    sums
}

/// f32 of scratch memory that [`backward`] needs.
pub fn backward_scratch(inputs: usize, units: usize) -> usize {
    if units < DOTS { inputs * units } else { 0 }
}

dispatch! {
    /// y = x·weights + bias: x is (rows, inputs), the weights are (inputs, units).
    ///
    /// ```
    /// let mut y = [0.0];
    /// thinnet_kernels::dense::forward(&[1.0, 2.0], 2, &[3.0, 4.0], 1, Some(&[0.5]), &mut y);
    /// assert_eq!(y, [11.5]);
    /// ```
    pub fn forward(
        x: &[f32],
        inputs: usize,
        weights: &[f32],
        units: usize,
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) = forward_body
}

dispatch! {
    /// dx = dy·weightsᵀ: dy is (rows, units), the weights are (inputs, units). `scratch` has at least [`backward_scratch`]
    /// elements.
    pub fn backward(
        dy: &[f32],
        units: usize,
        weights: &[f32],
        inputs: usize,
        dx: &mut [f32],
        scratch: &mut [f32],
    ) = backward_body
}

dispatch! {
    /// gradient = xᵀ·dy, or gradient += xᵀ·dy where `accumulate` is set: x is (rows, inputs), dy is as many rows of `units`
    /// in parts, one after the other.
    pub fn gradient(
        x: &[f32],
        inputs: usize,
        dy: &[&[f32]],
        units: usize,
        accumulate: bool,
        gradient: &mut [f32],
    ) = gradient_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Separate;
    use crate::philox;

    fn random(seed: u32, len: usize) -> Vec<f32> {
        let words = (0..len.div_ceil(4) as u32).flat_map(|block| philox::block([seed, 0], [block, 0, 0, 0]));
        words.take(len).map(|word| word as f32 / u32::MAX as f32 - 0.5).collect()
    }

    fn assert_close(what: &str, found: &[f32], expected: impl Fn(usize) -> f64, depth: usize) {
        for (place, &found) in found.iter().enumerate() {
            let (expected, bound) = (expected(place), 1e-6 * (depth as f64).sqrt().max(1.0));
            assert!((f64::from(found) - expected).abs() < bound, "{what} {place}: {found} {expected}");
        }
    }

    /// Every remainder of the tiles, one to three blocks of depth, few units and many.
    #[test]
    fn agree_with_the_plain_loops() {
        for (rows, inputs, units) in [
            (1, 1, 1),
            (6, 256, 16),
            (7, 257, 17),
            (13, 31, 33),
            (100, 600, 10),
            (5, 3, 530),
            (520, 4, 64),
            (3, 7, 71),
        ] {
            let (x, w) = (random(1, rows * inputs), random(2, inputs * units));
            let (bias, dy) = (random(3, units), random(4, rows * units));
            let product = |a: &[f32], i: usize, b: &[f32], j: usize| f64::from(a[i]) * f64::from(b[j]);
            for (forward, backward, gradient) in [
                (
                    forward as fn(&_, _, &_, _, _, &mut _),
                    backward as fn(&_, _, &_, _, &mut _, &mut _),
                    gradient as fn(&_, _, &_, _, _, &mut _),
                ),
                (forward_body::<Separate>, backward_body::<Separate>, gradient_body::<Separate>),
            ] {
                let mut y = vec![f32::NAN; rows * units];
                forward(&x, inputs, &w, units, Some(&bias), &mut y);
                let of_y = |p: usize| {
                    let (r, u) = (p / units, p % units);
                    (0..inputs).map(|i| product(&x, r * inputs + i, &w, i * units + u)).sum::<f64>()
                        + f64::from(bias[u])
                };
                assert_close("y", &y, of_y, inputs);
                let mut dx = vec![f32::NAN; rows * inputs];
                let mut scratch = vec![f32::NAN; backward_scratch(inputs, units)];
                backward(&dy, units, &w, inputs, &mut dx, &mut scratch);
                let of_dx = |p: usize| {
                    let (r, i) = (p / inputs, p % inputs);
                    (0..units).map(|u| product(&dy, r * units + u, &w, i * units + u)).sum()
                };
                assert_close("dx", &dx, of_dx, units);
                for accumulate in [false, true] {
                    let mut dw = random(5, inputs * units);
                    let before = dw.clone();
                    let (first, rest) = dy.split_at(rows / 3 * units);
                    gradient(&x, inputs, &[first, rest], units, accumulate, &mut dw);
                    let of_dw = |p: usize| {
                        let (i, u) = (p / units, p % units);
                        let sum: f64 =
                            (0..rows).map(|r| product(&x, r * inputs + i, &dy, r * units + u)).sum();
                        sum + if accumulate { f64::from(before[p]) } else { 0.0 }
                    };
                    assert_close("dw", &dw, of_dw, rows);
                }
            }
        }
    }

    /// What lets a batch be cut into shards of any size.
    #[test]
    fn a_row_has_the_same_bits_alone_and_among_others() {
        for units in [37, 100] {
            let (rows, inputs) = (23, 300);
            let (x, w, dy) = (random(4, rows * inputs), random(5, inputs * units), random(6, rows * units));
            let (mut y, mut dx) = (vec![0.0; rows * units], vec![0.0; rows * inputs]);
            let mut scratch = vec![0.0; backward_scratch(inputs, units)];
            forward(&x, inputs, &w, units, None, &mut y);
            backward(&dy, units, &w, inputs, &mut dx, &mut scratch);
            for row in 0..rows {
                let (mut of_y, mut of_dx) = (vec![0.0; units], vec![0.0; inputs]);
                forward(&x[row * inputs..][..inputs], inputs, &w, units, None, &mut of_y);
                assert_eq!(of_y, y[row * units..][..units]);
                backward(&dy[row * units..][..units], units, &w, inputs, &mut of_dx, &mut scratch);
                assert_eq!(of_dx, dx[row * inputs..][..inputs]);
            }
        }
    }
}
