//! Panels of a matrix, copied to where they lie close together.

use std::mem::MaybeUninit;
use std::slice;

use crate::isa::{Arithmetic, MOST_LANES, Vector, transpose};
use crate::tile::{COLUMNS, Panels};

/// Rows of a panel that are copied at a time: so many of two panels lie in the first-level cache.
pub(crate) const DEPTH: usize = 256;
/// Panels of the widest tile.
const PANELS: usize = 2;

/// Memory for panels, which costs nothing to make.
pub(crate) struct Copied(MaybeUninit<[[[f32; COLUMNS]; DEPTH]; PANELS]>);

/// All bits of the first `width` numbers.
#[inline(always)]
fn first<V: Vector>(width: usize) -> V {
    let mut bits = [0.0; MOST_LANES];
    bits[..width.min(MOST_LANES)].fill(f32::from_bits(u32::MAX));
    V::load(&bits)
}

impl Copied {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Where a row of a panel begins.
    #[inline(always)]
    fn row(&mut self, panel: usize, row: usize) -> *mut f32 {
        assert!(panel < PANELS && row < DEPTH, "row {row} of panel {panel}");
        // SAFETY: it lies within the memory.
        unsafe { self.0.as_mut_ptr().cast::<f32>().add((panel * DEPTH + row) * COLUMNS) }
    }

    /// Copies the first `width` columns of `rows` rows that are `stride` apart, filled up with zeros, to the rows from `start`
    /// on.
    #[inline(always)]
    pub(crate) fn copy<A: Arithmetic>(
        &mut self,
        from: &[f32],
        stride: usize,
        width: usize,
        rows: usize,
        start: usize,
    ) {
        for panel in 0..width.div_ceil(COLUMNS) {
            let width = (width - panel * COLUMNS).min(COLUMNS);
            let mask = first::<A::Panel>(width);
            for row in 0..rows {
                let from = &from[row * stride + panel * COLUMNS..];
                // Numbers of the next row are read and cleared, where there are any.
                let numbers = match from.get(..COLUMNS) {
                    Some(from) => A::Panel::load(from).and(mask),
                    None => A::Panel::load_part(&from[..width]),
                };
                // SAFETY: a row has as many columns as the vector.
                unsafe { numbers.store_to(self.row(panel, start + row)) }
            }
        }
    }

    /// Copies the first `depth` numbers of `width` rows that are `stride` apart as columns, filled up with zeros.
    #[inline(always)]
    pub(crate) fn copy_transposed<A: Arithmetic>(
        &mut self,
        from: &[f32],
        stride: usize,
        width: usize,
        depth: usize,
    ) {
        let lanes = A::Vector::LANES;
        for column in (0..width.next_multiple_of(COLUMNS)).step_by(lanes) {
            for first in (0..depth).step_by(lanes) {
                let mut square = [A::Vector::splat(0.0); MOST_LANES];
                for (row, numbers) in
                    square.iter_mut().enumerate().take(width.saturating_sub(column).min(lanes))
                {
                    let from = &from[(column + row) * stride + first..];
                    *numbers = match from.get(..lanes) {
                        Some(from) => A::Vector::load(from),
                        None => A::Vector::load_part(from),
                    };
                }
                let square = transpose(square);
                for (row, numbers) in square.into_iter().enumerate().take((depth - first).min(lanes)) {
                    let to = self.row(column / COLUMNS, first + row);
                    // SAFETY: a row has a whole number of vectors.
                    unsafe { numbers.store_to(to.add(column % COLUMNS)) }
                }
            }
        }
    }

    /// The panels, of which some rows were copied.
    ///
    /// # Safety
    /// Products are asked of no other rows.
    #[inline(always)]
    pub(crate) unsafe fn panels(&self) -> Panels<'_> {
        // SAFETY: it is all of the memory, whether numbers were written there or not.
        let numbers = unsafe { slice::from_raw_parts(self.0.as_ptr().cast(), PANELS * DEPTH * COLUMNS) };
        Panels { numbers, panel_step: DEPTH * COLUMNS, row_step: COLUMNS }
    }
}
