//! Largest and mean values of windows, of channels-last maps.

use std::ops::Range;

use crate::isa::{Arithmetic, Vector, dispatch};

/// Which rows and columns of a map each window covers, those beyond the edge left out.
#[derive(Clone, Debug)]
pub struct Pools {
    /// For each row of the output.
    pub rows: Vec<Range<usize>>,
    /// For each column of the output.
    pub columns: Vec<Range<usize>>,
    /// Columns of the map.
    pub width: usize,
    /// Channels of the map.
    pub channels: usize,
}

impl Pools {
    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.rows.len() * self.columns.len() * self.channels
    }

    /// Calls `f` for each window with its place in the output and its row and column ranges.
    #[inline(always)]
    fn for_each(&self, mut f: impl FnMut(usize, &Range<usize>, &Range<usize>)) {
        for (i, rows) in self.rows.iter().enumerate() {
            for (j, columns) in self.columns.iter().enumerate() {
                f((i * self.columns.len() + j) * self.channels, rows, columns);
            }
        }
    }

    /// Calls `f` with the start of each place of a window.
    #[inline(always)]
    fn places(&self, rows: &Range<usize>, columns: &Range<usize>, mut f: impl FnMut(usize)) {
        for row in rows.clone() {
            for column in columns.clone() {
                f((row * self.width + column) * self.channels);
            }
        }
    }
}

/// The largest value of some channels in a window, and the number of the first place that has it. NaN stays, as it must not
/// get lost in a maximum.
#[inline(always)]
fn largest<V: Vector>(
    pools: &Pools,
    (rows, columns): (&Range<usize>, &Range<usize>),
    x: &[f32],
    channels: &Range<usize>,
) -> [V; 2] {
    let (mut largest, mut place) = (V::splat(f32::NEG_INFINITY), V::splat(0.0));
    let mut number = 0.0;
    for row in rows.clone() {
        for column in columns.clone() {
            let start = (row * pools.width + column) * pools.channels;
            let x = V::load_part(&x[start + channels.start..start + channels.end]);
            let taken = x.above(largest).or(x.is_nan());
            largest = x.and(taken).or(largest.without(taken));
            place = V::splat(number).and(taken).or(place.without(taken));
            number += 1.0;
        }
    }
    [largest, place]
}

/// Whether ranges have nothing in common, and whether they are all of `0..end`.
fn are_apart(ranges: &[Range<usize>], end: usize) -> [bool; 2] {
    let gaps = |pair: &[Range<usize>]| pair[0].end < pair[1].start;
    let apart = ranges.windows(2).all(|pair| pair[0].end <= pair[1].start);
    let (first, last) = (ranges.first().map_or(0, |r| r.start), ranges.last().map_or(0, |r| r.end));
    [apart, first == 0 && last == end && !ranges.windows(2).any(gaps)]
}

// Plain loops: the compiler does not always inline vector instructions through closures.

#[inline(always)]
fn max_body<A: Arithmetic>(pools: &Pools, x: &[f32], y: &mut [f32]) {
    for (rows, y) in pools.rows.iter().zip(y.chunks_exact_mut(pools.columns.len() * pools.channels)) {
        for (columns, y) in pools.columns.iter().zip(y.chunks_exact_mut(pools.channels)) {
            for first in (0..pools.channels).step_by(A::Vector::LANES) {
                let channels = first..(first + A::Vector::LANES).min(pools.channels);
                let [largest, _] = largest::<A::Vector>(pools, (rows, columns), x, &channels);
                largest.store_part(&mut y[channels]);
            }
        }
    }
}

#[inline(always)]
fn max_noted_body<A: Arithmetic>(pools: &Pools, x: &[f32], y: &mut [f32], notes: &mut [f32]) {
    let row = pools.columns.len() * pools.channels;
    let outputs = y.chunks_exact_mut(row).zip(notes.chunks_exact_mut(row));
    for (rows, (y, notes)) in pools.rows.iter().zip(outputs) {
        let outputs = y.chunks_exact_mut(pools.channels).zip(notes.chunks_exact_mut(pools.channels));
        for (columns, (y, notes)) in pools.columns.iter().zip(outputs) {
            for first in (0..pools.channels).step_by(A::Vector::LANES) {
                let channels = first..(first + A::Vector::LANES).min(pools.channels);
                let [largest, place] = largest::<A::Vector>(pools, (rows, columns), x, &channels);
                largest.store_part(&mut y[channels.clone()]);
                place.store_part(&mut notes[channels]);
            }
        }
    }
}

#[inline(always)]
fn max_backward_body<A: Arithmetic>(pools: &Pools, notes: &[f32], dy: &[f32], dx: &mut [f32]) {
    let [rows_apart, all_rows] = are_apart(&pools.rows, dx.len() / (pools.width * pools.channels));
    let [columns_apart, all_columns] = are_apart(&pools.columns, pools.width);
    let apart = rows_apart && columns_apart;
    if !(apart && all_rows && all_columns) {
        dx.fill(0.0);
    }
    match apart {
        true => scatter::<A, false>(pools, notes, dy, dx),
        false => scatter::<A, true>(pools, notes, dy, dx),
    }
}

/// Writes each window's gradient to the place that was noted and zeros to the others, or adds it where windows overlap.
#[inline(always)]
fn scatter<A: Arithmetic, const ADD: bool>(pools: &Pools, notes: &[f32], dy: &[f32], dx: &mut [f32]) {
    let row = pools.columns.len() * pools.channels;
    for (rows, (notes, dy)) in pools.rows.iter().zip(notes.chunks_exact(row).zip(dy.chunks_exact(row))) {
        let outputs = notes.chunks_exact(pools.channels).zip(dy.chunks_exact(pools.channels));
        for (columns, (notes, dy)) in pools.columns.iter().zip(outputs) {
            for first in (0..pools.channels).step_by(A::Vector::LANES) {
                let channels = first..(first + A::Vector::LANES).min(pools.channels);
                let noted = A::Vector::load_part(&notes[channels.clone()]);
                let dy = A::Vector::load_part(&dy[channels.clone()]);
                let mut number = 0.0;
                for row in rows.clone() {
                    for column in columns.clone() {
                        let start = (row * pools.width + column) * pools.channels;
                        let dx = &mut dx[start + channels.start..start + channels.end];
                        let mut own = dy.and(noted.equals(A::Vector::splat(number)));
                        if ADD {
                            own = A::Vector::load_part(dx).add(own);
                        }
                        own.store_part(dx);
                        number += 1.0;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn average_body<A: Arithmetic>(pools: &Pools, x: &[f32], y: &mut [f32]) {
    pools.for_each(|at, rows, columns| {
        let y = &mut y[at..at + pools.channels];
        y.fill(0.0);
        pools.places(rows, columns, |start| {
            for (y, &x) in y.iter_mut().zip(&x[start..start + pools.channels]) {
                *y += x;
            }
        });
        let share = 1.0 / (rows.len() * columns.len()) as f32;
        y.iter_mut().for_each(|y| *y *= share);
    });
}

#[inline(always)]
fn average_backward_body<A: Arithmetic>(pools: &Pools, dy: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    pools.for_each(|at, rows, columns| {
        let share = 1.0 / (rows.len() * columns.len()) as f32;
        let dy = &dy[at..at + pools.channels];
        pools.places(rows, columns, |start| {
            for (dx, &dy) in dx[start..start + pools.channels].iter_mut().zip(dy) {
                *dx += dy * share;
            }
        });
    });
}

dispatch! {
    /// y\[window, c\] = max x\[place, c\] over the window's places
    pub fn max(pools: &Pools, x: &[f32], y: &mut [f32]) = max_body
}

dispatch! {
    /// The same, and for each output the number of the first place of its window that has the value.
    pub fn max_noted(pools: &Pools, x: &[f32], y: &mut [f32], notes: &mut [f32]) = max_noted_body
}

dispatch! {
    /// dx: dy at the place of each window that was noted, summed over the windows
    pub fn max_backward(pools: &Pools, notes: &[f32], dy: &[f32], dx: &mut [f32]) = max_backward_body
}

dispatch! {
    /// y\[window, c\] = mean of x\[place, c\] over the window's places
    pub fn average(pools: &Pools, x: &[f32], y: &mut [f32]) = average_body
}

dispatch! {
    /// dx: each window's share of dy at each of its places, summed over the windows
    pub fn average_backward(pools: &Pools, dy: &[f32], dx: &mut [f32]) = average_backward_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::{on_every_set, sizes};

    /// Of maps of 3 × 4: overlapping windows, the last ones cut off at the edge; windows side by side, of which the second list
    /// leaves out a row.
    fn pools() -> [Pools; 3] {
        let of = |rows, columns| Pools { rows, columns, width: 4, channels: 11 };
        [
            of(vec![0..2, 1..3, 2..3], vec![0..3, 2..4]),
            of(vec![0..2, 2..3], vec![0..2, 2..4]),
            of(std::iter::once(0..2).collect(), vec![0..2, 2..4]),
        ]
    }

    fn numbers(len: usize, modulus: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 29) % modulus) as f32 - 5.0).collect()
    }

    /// (place in the output, places in the map) for every window and channel
    fn windows(pools: &Pools) -> Vec<(usize, Vec<usize>)> {
        let mut windows = Vec::new();
        for (i, rows) in pools.rows.iter().enumerate() {
            for (j, columns) in pools.columns.iter().enumerate() {
                for c in 0..pools.channels {
                    let at = |row, column| (row * pools.width + column) * pools.channels + c;
                    let places = rows.clone().flat_map(|r| columns.clone().map(move |q| at(r, q))).collect();
                    windows.push(((i * pools.columns.len() + j) * pools.channels + c, places));
                }
            }
        }
        windows
    }

    #[test]
    fn agree_with_the_plain_loops() {
        pools().iter().for_each(|pools| agrees(pools, 3));
        for case in 0..12 {
            let [height, width, channels, a, b, c, d] = sizes(case, [9, 9, 40, 4, 4, 4, 4]);
            let ranges = |size: usize, pool: usize, stride: usize| {
                (0..size).step_by(stride).map(|start| start..(start + pool).min(size)).collect()
            };
            let (rows, columns) = (ranges(height, a, b), ranges(width, c, d));
            agrees(&Pools { rows, columns, width, channels }, height);
        }
    }

    fn agrees(pools: &Pools, height: usize) {
        // Few different values, so that windows have ties.
        let x = numbers(height * pools.width * pools.channels, 7);
        let dy = numbers(pools.output_len(), 23);
        let (mut y, mut mean) = (vec![0.0; dy.len()], vec![0.0; dy.len()]);
        let (mut dx, mut mean_dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for (out, places) in windows(pools) {
            let (mut best, mut sum) = (places[0], 0.0);
            for &place in &places {
                sum += x[place];
                mean_dx[place] += dy[out] * (1.0 / places.len() as f32);
                if x[place] > x[best] {
                    best = place;
                }
            }
            (y[out], mean[out]) = (x[best], sum * (1.0 / places.len() as f32));
            dx[best] += dy[out];
        }
        on_every_set(|| {
            let mut came = vec![f32::NAN; y.len()];
            max(pools, &x, &mut came);
            assert_eq!(came, y);
            average(pools, &x, &mut came);
            assert_eq!(came, mean);
            let mut notes = vec![f32::NAN; y.len()];
            came.fill(f32::NAN);
            max_noted(pools, &x, &mut came, &mut notes);
            assert_eq!(came, y);
            let mut came = vec![f32::NAN; x.len()];
            max_backward(pools, &notes, &dy, &mut came);
            assert_eq!(came, dx);
            average_backward(pools, &dy, &mut came);
            assert_eq!(came, mean_dx);
            came
        });
    }

    #[test]
    fn nan_is_not_lost() {
        let one = |end: usize| std::iter::once(0..end).collect();
        let pools = Pools { rows: one(1), columns: one(3), width: 3, channels: 1 };
        for x in [[f32::NAN, 1.0, 2.0], [1.0, f32::NAN, 2.0], [1.0, 2.0, f32::NAN]] {
            let mut y = [0.0];
            max(&pools, &x, &mut y);
            assert!(y[0].is_nan(), "{x:?}");
        }
    }
}
