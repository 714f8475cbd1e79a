//! The gradient by the input with vectors that go across the rows of a batch. The weights are read along their rows, as they
//! lie, where panels of them would have to be transposed.

use super::product;
use crate::isa::{Arithmetic, MOST_LANES, Vector, transpose};
use crate::panels::{Copied, DEPTH};
use crate::tile::{COLUMNS, Onto, Rows, by_tile};

/// Inputs whose sums are transposed at a time.
const INPUTS: usize = 3 * COLUMNS;

/// Whether that takes less time than panels of transposed weights. Both in products of sixteen numbers for sixteen inputs:
/// rows are filled up to whole panels, and transposing the sums of a panel takes as long as sixteen units more; transposing
/// the weights takes as long as six rows more.
#[inline(always)]
pub(super) fn pays(rows: usize, units: usize) -> bool {
    rows.next_multiple_of(COLUMNS) * (units + 16) < (rows + 6) * units
}

/// dx = dy·weightsᵀ: the tiles of weights·dyᵀ.
#[inline(always)]
pub(super) fn backward<A: Arithmetic>(
    dy: &[f32],
    units: usize,
    weights: &[f32],
    inputs: usize,
    dx: &mut [f32],
) {
    let rows = dx.len() / inputs;
    let mut copied = Copied::new();
    let mut sums = [[0.0; COLUMNS]; INPUTS];
    for first in (0..units).step_by(DEPTH) {
        let depth = (units - first).min(DEPTH);
        for row in (0..rows).step_by(COLUMNS) {
            let width = (rows - row).min(COLUMNS);
            copied.copy_transposed::<A>(&dy[row * units + first..], units, width, depth);
            // SAFETY: so many rows of a panel were just copied.
            let right = unsafe { copied.panels() };
            for input in (0..inputs).step_by(INPUTS) {
                let count = (inputs - input).min(INPUTS);
                for start in (0..count).step_by(A::TILE[0]) {
                    let tile = (count - start).min(A::TILE[0]);
                    let weights = &weights[(input + start) * units + first..];
                    let to = (sums[start..].as_flattened_mut(), COLUMNS, width);
                    by_tile!(tile, 1, product::<A>(weights, Rows(units), right, depth, Onto::Nothing, to));
                }
                let dx = &mut dx[row * inputs + input..];
                store_transposed::<A::Vector, COLUMNS>(&sums[..count], first > 0, dx, inputs, width);
            }
        }
    }
}

/// Stores sums whose columns are `width` rows of dx that are `stride` apart, or adds them to what is there.
#[inline(always)]
pub(super) fn store_transposed<V: Vector, const WIDTH: usize>(
    sums: &[[f32; WIDTH]],
    accumulate: bool,
    dx: &mut [f32],
    stride: usize,
    width: usize,
) {
    for first in (0..sums.len()).step_by(V::LANES) {
        let count = (sums.len() - first).min(V::LANES);
        for column in (0..width).step_by(V::LANES) {
            let mut square = [V::splat(0.0); MOST_LANES];
            for (place, vector) in square.iter_mut().enumerate().take(V::LANES) {
                if let Some(sums) = sums.get(first + place) {
                    *vector = V::load(&sums[column..]);
                }
            }
            let square = transpose(square);
            // As often whatever the width, so that the vectors stay in registers.
            for (row, vector) in square.into_iter().enumerate().take(V::LANES) {
                if column + row < width {
                    let dx = &mut dx[(column + row) * stride + first..][..count];
                    let sum = if accumulate { V::load_part(dx).add(vector) } else { vector };
                    sum.store_part(dx);
                }
            }
        }
    }
}
