//! Squares of vectors: a tile of a map, and its points.

use crate::isa::Vector;

/// N × N places, of which some lie in a map.
#[derive(Clone, Copy)]
pub(super) struct Square<const N: usize> {
    /// For each row, a bit for each column that lies within the map.
    inside: [u32; N],
    /// Where the first of all places lies, or would lie before the map's first element.
    start: usize,
    /// From row to row, and from column to column: the channels.
    row_step: usize,
    channels: usize,
    /// How long the map is.
    len: usize,
}

impl<const N: usize> Square<N> {
    /// At a corner of a map that has a frame of zeros before it.
    #[inline(always)]
    pub(super) fn new(corner: [usize; 2], before: [usize; 2], map: [usize; 2], channels: usize) -> Self {
        let first = |axis: usize| corner[axis].wrapping_sub(before[axis]);
        let bits = |axis: usize| {
            (0..N)
                .fold(0, |bits, place| bits | u32::from(first(axis).wrapping_add(place) < map[axis]) << place)
        };
        let (rows, columns) = (bits(0), bits(1));
        let mut inside = [0; N];
        for (row, bits) in inside.iter_mut().enumerate() {
            *bits = if rows >> row & 1 == 1 { columns } else { 0 };
        }
        Self {
            inside,
            start: first(0).wrapping_mul(map[1]).wrapping_add(first(1)).wrapping_mul(channels),
            // Of a map that is larger than all memory, no place is read or written (see `load`).
            row_step: map[1].saturating_mul(channels),
            channels,
            len: map[0].saturating_mul(map[1]).saturating_mul(channels),
        }
    }

    #[inline(always)]
    pub(super) fn has(&self, row: usize, column: usize) -> bool {
        self.inside[row] >> column & 1 == 1
    }

    /// The places of its first rows and of its first columns alone, as many as asked for.
    #[inline(always)]
    pub(super) fn first(mut self, rows: usize, columns: usize) -> Self {
        for bits in self.inside.iter_mut().skip(rows) {
            *bits &= (1 << columns) - 1;
        }
        self
    }

    /// Where one of the places within the map begins.
    #[inline(always)]
    pub(super) fn place(&self, row: usize, column: usize) -> usize {
        self.start.wrapping_add(row * self.row_step + column * self.channels)
    }

    /// Some channels of all places; zeros outside of the map. `WHOLE` says that there are as many channels from this one on
    /// as a vector has, otherwise there are zeros beyond the last.
    #[inline(always)]
    pub(super) fn load<V: Vector, const WHOLE: bool>(&self, map: &[f32], channel: usize) -> [[V; N]; N] {
        assert!(self.len <= map.len() && (!WHOLE || channel + V::LANES <= self.channels), "a map's channels");
        let mut square = [[V::splat(0.0); N]; N];
        // Plain loops: the compiler does not inline vector instructions through the closures of an array's methods.
        for (row, vectors) in square.iter_mut().enumerate() {
            for (column, vector) in vectors.iter_mut().enumerate() {
                if self.has(row, column) {
                    let place = self.place(row, column);
                    *vector = if WHOLE {
                        // SAFETY: the place's channels lie within the map, and the vector's are among them.
                        unsafe { V::load_from(map.as_ptr().add(place + channel)) }
                    } else {
                        V::load_part(&map[place + channel..place + self.channels])
                    };
                }
            }
        }
        square
    }

    /// Writes some channels of all places within the map.
    #[inline(always)]
    pub(super) fn store<V: Vector, const WHOLE: bool>(
        &self,
        map: &mut [f32],
        channel: usize,
        square: &[[V; N]; N],
    ) {
        assert!(self.len <= map.len() && (!WHOLE || channel + V::LANES <= self.channels), "a map's channels");
        for (row, vectors) in square.iter().enumerate() {
            for (column, vector) in vectors.iter().enumerate() {
                if self.has(row, column) {
                    let place = self.place(row, column);
                    if WHOLE {
                        // SAFETY: the place's channels lie within the map, and the vector's are among them.
                        unsafe { vector.store_to(map.as_mut_ptr().add(place + channel)) }
                    } else {
                        vector.store_part(&mut map[place + channel..place + self.channels]);
                    }
                }
            }
        }
    }
}

/// Whether a square of vectors whose rows and columns are so far apart lies within so many numbers.
#[inline(always)]
fn fits<V: Vector, const N: usize>(row_step: usize, column_step: usize, len: usize) -> bool {
    row_step.saturating_add(column_step).saturating_mul(N - 1).saturating_add(V::LANES) <= len
}

/// Vectors whose rows and columns are so far apart. Plain loops: the compiler does not inline vector instructions through
/// the closures of an array's methods.
#[inline(always)]
pub(super) fn load_square<V: Vector, const N: usize>(
    from: &[f32],
    row_step: usize,
    column_step: usize,
) -> [[V; N]; N] {
    assert!(fits::<V, N>(row_step, column_step, from.len()), "a square of vectors");
    let mut square = [[V::splat(0.0); N]; N];
    for (row, vectors) in square.iter_mut().enumerate() {
        for (column, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: the last vector lies within the slice.
            *vector = unsafe { V::load_from(from.as_ptr().add(row * row_step + column * column_step)) };
        }
    }
    square
}

/// Overwrites vectors whose rows and columns are so far apart.
#[inline(always)]
pub(super) fn store_square<V: Vector, const N: usize>(
    to: &mut [f32],
    row_step: usize,
    column_step: usize,
    square: &[[V; N]; N],
) {
    assert!(fits::<V, N>(row_step, column_step, to.len()), "a square of vectors");
    for (row, vectors) in square.iter().enumerate() {
        for (column, vector) in vectors.iter().enumerate() {
            // SAFETY: the last vector lies within the slice.
            unsafe { vector.store_to(to.as_mut_ptr().add(row * row_step + column * column_step)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Arithmetic, Separate};

    /// Not even where the sum of its steps, or a multiple of them, only seems to be small.
    #[test]
    fn a_square_that_reaches_beyond_the_numbers_does_not_fit() {
        type Numbers = <Separate as Arithmetic>::Vector;
        let fits = fits::<Numbers, 6>;
        assert!(fits(6, 1, 35 + Numbers::LANES) && !fits(6, 1, 34 + Numbers::LANES));
        assert!(!fits(usize::MAX, 1, 1000) && !fits(1 << 63, 1 << 63, 1000));
        // Five times this step wraps around to 1.
        assert!(!fits(0xCCCC_CCCC_CCCC_CCCD, 0, 1000));
    }
}
