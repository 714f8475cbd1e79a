//! The products of a dense layer: y = x·w + bias, dx = dy·wᵀ and dw = xᵀ·dy, with all matrices in row-major order. One
//! operand is read where it lies; of the other, a block at a time is copied where its rows are not what vectors are read from.
//!
//! One call runs on one thread and allocates nothing. A row's bits do not depend on the other rows, and those of finite numbers
//! not on how many of them are zero. Where many are, they are skipped, with whatever they would be multiplied with.

mod across;
mod few;
mod narrow;
mod sparse;

use crate::isa::{Arithmetic, dispatch};
use crate::panels::{Copied, DEPTH};
use crate::tile::{
    COLUMNS, Growing, Onto, Panels, Rows, Transposed, add_products, by_tile, columns, groups, store, zeros,
};

/// Stores the products of a tile of the left operand with panels, of so many numbers each.
#[inline(always)]
fn product<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    x: &[f32],
    left: impl Growing,
    panels: Panels,
    depth: usize,
    onto: Onto,
    (y, stride, width): (&mut [f32], usize, usize),
) {
    assert!(left.place(ROWS - 1, depth - 1) < x.len() && panels.reach(PANELS, depth), "operands of a tile");
    // SAFETY: places grow with row and depth, and the last ones were just compared with the operands' lengths. The processor
    // has the instructions of `A` (see `dispatch!`).
    let sums =
        unsafe { add_products::<A, _, ROWS, PANELS>(zeros::<A, ROWS, PANELS>(), depth, x, left, panels) };
    store::<A, ROWS, PANELS>(sums, onto, y, stride, width);
}

/// y = x·weights + bias, where `panels_of` gives some columns of the weights at some depths, in place or copied:
/// (first column, width), (first depth, depth).
#[inline(always)]
fn rows_by_panels<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    units: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
    panels_of: impl for<'a> Fn(&'a [f32], &'a mut Copied, (usize, usize), (usize, usize)) -> Panels<'a>,
) {
    let rows = y.len() / units;
    if inputs == 0 {
        for y in y.chunks_exact_mut(units) {
            match bias {
                Some(bias) => y.copy_from_slice(&bias[..units]),
                None => y.fill(0.0),
            }
        }
    }
    let mut copied = Copied::new();
    for first in (0..inputs).step_by(DEPTH) {
        let depth = (inputs - first).min(DEPTH);
        for (column, width, panels) in columns::<A>(units) {
            let right = panels_of(weights, &mut copied, (column, width), (first, depth));
            let onto = match bias {
                _ if first > 0 => Onto::Itself,
                Some(bias) => Onto::Row(&bias[column..]),
                None => Onto::Nothing,
            };
            for (row, count) in groups(rows, A::TILE[0]) {
                let x = &x[row * inputs + first..];
                let y = (&mut y[row * units + column..], units, width);
                by_tile!(count, panels, product::<A>(x, Rows(inputs), right, depth, onto, y));
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
    if narrow::pays(inputs, units) {
        return narrow::forward::<A>(x, inputs, weights, units, bias, y);
    }
    if inputs > 0 && few::pays(y.len() / units) {
        return few::forward::<A>(x, inputs, weights, units, bias, y);
    }
    if sparse::pays::<A>(sparse::kept(x), units) {
        return sparse::forward::<A>(x, inputs, weights, units, bias, y);
    }
    rows_by_panels::<A>(
        x,
        inputs,
        weights,
        units,
        bias,
        y,
        |weights, copied, (column, width), (first, depth)| {
            let weights = &weights[first * units + column..];
            if width.is_multiple_of(COLUMNS) {
                return Panels::new(weights, COLUMNS, units);
            }
            copied.copy::<A>(weights, units, width, depth, 0);
            // SAFETY: so many rows of these panels were just copied.
            unsafe { copied.panels() }
        },
    );
}

#[inline(always)]
fn backward_body<A: Arithmetic>(dy: &[f32], units: usize, weights: &[f32], inputs: usize, dx: &mut [f32]) {
    if across::pays(dx.len() / inputs, units) {
        return across::backward::<A>(dy, units, weights, inputs, dx);
    }
    rows_by_panels::<A>(
        dy,
        units,
        weights,
        inputs,
        None,
        dx,
        |weights, copied, (column, width), (first, depth)| {
            copied.copy_transposed::<A>(&weights[column * units + first..], units, width, depth);
            // SAFETY: so many rows of these panels were just copied.
            unsafe { copied.panels() }
        },
    );
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
    if narrow::pays(inputs, units) {
        return narrow::gradient::<A>(x, inputs, dy, units, accumulate, gradient);
    }
    let rows = x.len() / inputs.max(1);
    assert_eq!(dy.iter().map(|part| part.len() / units).sum::<usize>(), rows, "dy has as many rows as x");
    let kept = [x, dy.first().copied().unwrap_or_default()].map(sparse::kept);
    if sparse::pays_by_dy::<A>(kept[1], inputs, dy, units) && kept[1] < kept[0] {
        return sparse::gradient_by_dy::<A>(x, inputs, dy, units, accumulate, gradient);
    }
    if sparse::pays::<A>(kept[0], units) {
        return sparse::gradient_by_x::<A>(x, inputs, dy, units, accumulate, gradient);
    }
    let mut copied = Copied::new();
    if rows == 0 && !accumulate {
        gradient.fill(0.0);
    }
    for first in (0..rows).step_by(DEPTH) {
        let depth = (rows - first).min(DEPTH);
        for (column, width, panels) in columns::<A>(units) {
            let mut filled = 0;
            let mut skipped = first;
            for part in dy {
                let here = (part.len() / units).saturating_sub(skipped).min(depth - filled);
                if here > 0 {
                    copied.copy::<A>(&part[skipped * units + column..], units, width, here, filled);
                }
                filled += here;
                skipped = skipped.saturating_sub(part.len() / units);
            }
            assert_eq!(filled, depth, "dy has as many rows as x");
            // SAFETY: so many rows of these panels were just copied.
            let right = unsafe { copied.panels() };
            let onto = if accumulate || first > 0 { Onto::Itself } else { Onto::Nothing };
            for (input, count) in groups(inputs, A::TILE[0]) {
                let x = &x[first * inputs + input..];
                let gradient = (&mut gradient[input * units + column..], units, width);
                by_tile!(count, panels, product::<A>(x, Transposed(inputs), right, depth, onto, gradient));
            }
        }
    }
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
    /// dx = dy·weightsᵀ: dy is (rows, units), the weights are (inputs, units).
    pub fn backward(dy: &[f32], units: usize, weights: &[f32], inputs: usize, dx: &mut [f32]) = backward_body
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
mod tests;
