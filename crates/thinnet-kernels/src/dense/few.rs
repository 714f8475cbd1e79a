//! Products of few rows: the weights are read once, in the order of memory, and the sums go through the first-level cache
//! instead.

use crate::isa::{Arithmetic, Vector};
use crate::panels::DEPTH;
use crate::tile::COLUMNS;

/// The most rows.
const ROWS: usize = 2;
/// Units whose sums are kept at a time.
const UNITS: usize = 1024;
/// Inputs whose weights are added up at a time.
const INPUTS: usize = 4;

/// Whether that takes less time than tiles, whose few sums wait for one another, and for each input's weights from
/// another page of memory.
#[inline(always)]
pub(super) fn pays(rows: usize) -> bool {
    rows <= ROWS
}

/// y = x·weights + bias. Sums are added up in the order of the tiles.
#[inline(always)]
pub(super) fn forward<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    units: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    for first in (0..inputs).step_by(DEPTH) {
        let depth = (inputs - first).min(DEPTH);
        for column in (0..units).step_by(UNITS) {
            let width = (units - column).min(UNITS);
            let mut sums = [[0.0; UNITS]; ROWS];
            for input in (first..first + depth).step_by(INPUTS) {
                let count = (first + depth - input).min(INPUTS);
                let of_input = |place: usize| &weights[(input + place) * units + column..][..width];
                for (sums, x) in sums.iter_mut().zip(x.chunks_exact(inputs)) {
                    let (sums, x) = (&mut sums[..width], &x[input..][..count]);
                    match *x {
                        [a, b, c, d] => {
                            add::<A, 4>(
                                [a, b, c, d],
                                [of_input(0), of_input(1), of_input(2), of_input(3)],
                                sums,
                            );
                        }
                        _ => x
                            .iter()
                            .enumerate()
                            .for_each(|(place, &x)| add::<A, 1>([x], [of_input(place)], sums)),
                    }
                }
            }
            for (y, sums) in y.chunks_exact_mut(units).zip(&sums) {
                let y = &mut y[column..][..width];
                let sums = y.iter_mut().zip(sums);
                match bias {
                    _ if first > 0 => sums.for_each(|(y, sum)| *y += sum),
                    Some(bias) => sums.zip(&bias[column..]).for_each(|((y, sum), bias)| *y = bias + sum),
                    None => sums.for_each(|(y, sum)| *y = *sum),
                }
            }
        }
    }
}

/// Adds the products of some inputs with their weights, one after the other.
#[inline(always)]
fn add<A: Arithmetic, const N: usize>(x: [f32; N], weights: [&[f32]; N], sums: &mut [f32]) {
    let x = x.map(A::Panel::splat);
    let parts = weights.map(|weights| weights.as_chunks::<COLUMNS>());
    let (whole, rest) = sums.as_chunks_mut::<COLUMNS>();
    for (index, sums) in whole.iter_mut().enumerate() {
        let mut total = A::Panel::load(sums);
        for (x, (weights, _)) in x.iter().zip(&parts) {
            total = x.mul_add(A::Panel::load(&weights[index]), total);
        }
        total.store(sums);
    }
    let mut total = A::Panel::load_part(rest);
    for (x, (_, weights)) in x.iter().zip(&parts) {
        total = x.mul_add(A::Panel::load_part(weights), total);
    }
    total.store_part(rest);
}
