//! Products of few units, whose panels of sixteen columns would be all but empty: here vectors go along the inputs.

use crate::isa::{Arithmetic, Vector};
use crate::panels::{Copied, DEPTH};
use crate::tile::{
    COLUMNS, Growing, Onto, Panels, Transposed, add_products, by_tile, columns, groups, store, zeros,
};

/// The most weights whose columns are copied.
const WEIGHTS: usize = 1024;
/// Columns of the widest tile.
const MOST_COLUMNS: usize = 2 * COLUMNS;

/// Whether that takes less time than tiles of the usual kind, which take as long for one unit as for sixteen. A unit takes
/// its vectors of inputs, and adding up what the last of them leaves takes as long as four more; both with one load for
/// each product, where a tile has several products for a load.
#[inline(always)]
pub(super) fn pays(inputs: usize, units: usize) -> bool {
    let vectors = inputs.div_ceil(COLUMNS);
    2 * units * (vectors + 4) < inputs && units * vectors * COLUMNS <= WEIGHTS
}

/// y = x·weights + bias: sixteen sums along the inputs at a time, then the sixteen numbers of each are added up.
#[inline(always)]
pub(super) fn forward<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    units: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let stride = inputs.next_multiple_of(COLUMNS);
    let mut columns = [0.0; WEIGHTS];
    for (input, weights) in weights.chunks_exact(units).enumerate() {
        for (unit, &weight) in weights.iter().enumerate() {
            columns[unit * stride + input] = weight;
        }
    }
    let (mut row, mut unit) = (0, 0);
    for y in y.chunks_mut(COLUMNS) {
        let mut sums = [A::Panel::splat(0.0); COLUMNS];
        let mut biases = [0.0; COLUMNS];
        for (sum, of_unit) in sums.iter_mut().zip(&mut biases).take(y.len()) {
            let (x, weights) = (&x[row * inputs..][..inputs], &columns[unit * stride..][..stride]);
            let mut total = A::Panel::splat(0.0);
            for (x, weights) in x.chunks(COLUMNS).zip(weights.chunks_exact(COLUMNS)) {
                total = A::Panel::load_part(x).mul_add(A::Panel::load(weights), total);
            }
            *sum = total;
            *of_unit = bias.map_or(0.0, |bias| bias[unit]);
            unit += 1;
            if unit == units {
                (row, unit) = (row + 1, 0);
            }
        }
        // Each round leaves half as many vectors, of twice as many sums each, in the order of their numbers at the end.
        for half in [8, 4, 2, 1] {
            for place in 0..half {
                let [low, high] = sums[place].interleave(sums[place + half]);
                sums[place] = low.add(high);
            }
        }
        sums[0].add(A::Panel::load(&biases)).store_part(y);
    }
}

/// gradient = xᵀ·dy, or gradient += xᵀ·dy: the tiles of dyᵀ·x.
#[inline(always)]
pub(super) fn gradient<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    dy: &[&[f32]],
    units: usize,
    accumulate: bool,
    gradient: &mut [f32],
) {
    if !accumulate {
        gradient.fill(0.0);
    }
    let mut copied = Copied::new();
    let mut rest = x;
    for dy in dy.iter().flat_map(|part| part.chunks(DEPTH * units)) {
        let depth = dy.len() / units;
        let (here, after) = rest.split_at(depth * inputs);
        rest = after;
        for (column, width, panels) in columns::<A>(inputs) {
            let in_place = Panels::new(&here[column..], COLUMNS, inputs);
            let right = if in_place.reach(panels, depth) {
                in_place
            } else {
                copied.copy::<A>(&here[column..], inputs, width, depth, 0);
                // SAFETY: so many rows of these panels were just copied.
                unsafe { copied.panels() }
            };
            for (unit, count) in groups(units, A::TILE[0]) {
                let place = (&mut gradient[column * units + unit..], units, width);
                by_tile!(count, panels, tile::<A>(&dy[unit..], units, right, depth, place));
            }
        }
    }
}

/// Adds the sums of a tile whose rows are units to the columns of the gradient.
#[inline(always)]
fn tile<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    dy: &[f32],
    units: usize,
    x: Panels,
    depth: usize,
    (gradient, stride, width): (&mut [f32], usize, usize),
) {
    let left = Transposed(units);
    assert!(left.place(ROWS - 1, depth - 1) < dy.len() && x.reach(PANELS, depth), "operands of a tile");
    // SAFETY: as in `product`.
    let sums = unsafe { add_products::<A, _, ROWS, PANELS>(zeros::<A, ROWS, PANELS>(), depth, dy, left, x) };
    let mut rows = [[0.0; MOST_COLUMNS]; ROWS];
    store::<A, ROWS, PANELS>(sums, Onto::Nothing, rows.as_flattened_mut(), MOST_COLUMNS, width);
    for (unit, row) in rows.iter().enumerate() {
        for (input, sum) in row[..width].iter().enumerate() {
            gradient[input * stride + unit] += sum;
        }
    }
}
