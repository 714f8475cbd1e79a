//! The micro-kernel of all matrix products: the sums of a tile, some rows by some panels of sixteen columns, stay in
//! registers while the depth goes by.
//!
//! A sum's products are added in the order of the depths, one after the other, whatever the tile: its bits do not depend on
//! where the tiles lie, nor on how wide an instruction set's registers are.

use std::mem::MaybeUninit;
use std::slice;

use crate::isa::{Arithmetic, Vector};

/// Columns of a panel: a register of AVX-512, two of AVX2.
pub(crate) const COLUMNS: usize = 16;

/// Where the left operand's numbers lie in a slice: at the sum of a place of the tile's row and one of the depth.
pub(crate) trait Left: Copy {
    /// Whether a row's numbers lie side by side, from depth to depth.
    const SIDE_BY_SIDE: bool = false;

    /// The part of a row of the tile.
    fn row(self, row: usize) -> usize;

    /// The part of a depth.
    fn depth(self, depth: usize) -> usize;
}

/// A left operand whose places grow with row and depth: where the last one lies within a slice, all do.
pub(crate) trait Growing: Left {
    /// The place of the number of a row of the tile at a depth. One that no `usize` holds is the largest, which lies in no
    /// slice.
    fn place(self, row: usize, depth: usize) -> usize;
}

/// A matrix whose rows are the tile's: they are so far apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows(pub(crate) usize);

/// A matrix whose columns are the tile's rows: its own rows are so far apart.
#[derive(Clone, Copy)]
pub(crate) struct Transposed(pub(crate) usize);

impl Left for Rows {
    const SIDE_BY_SIDE: bool = true;

    #[inline(always)]
    fn row(self, row: usize) -> usize {
        row * self.0
    }

    #[inline(always)]
    fn depth(self, depth: usize) -> usize {
        depth
    }
}

impl Left for Transposed {
    #[inline(always)]
    fn row(self, row: usize) -> usize {
        row
    }

    #[inline(always)]
    fn depth(self, depth: usize) -> usize {
        depth * self.0
    }
}

impl Growing for Rows {
    #[inline(always)]
    fn place(self, row: usize, depth: usize) -> usize {
        row.saturating_mul(self.0).saturating_add(depth)
    }
}

impl Growing for Transposed {
    #[inline(always)]
    fn place(self, row: usize, depth: usize) -> usize {
        depth.saturating_mul(self.0).saturating_add(row)
    }
}

/// The right operand: row `depth` of panel `panel` begins at panel · `panel_step` + depth · `row_step`.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    /// Beyond the rows that products are asked of may lie what was never written.
    pub(crate) numbers: &'a [MaybeUninit<f32>],
    pub(crate) panel_step: usize,
    pub(crate) row_step: usize,
}

impl<'a> Panels<'a> {
    #[inline(always)]
    pub(crate) fn new(numbers: &'a [f32], panel_step: usize, row_step: usize) -> Self {
        // SAFETY: memory with numbers in it is memory that may have some.
        let numbers = unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len()) };
        Self { numbers, panel_step, row_step }
    }

    /// Whether so many rows of so many panels lie within the numbers.
    #[inline(always)]
    pub(crate) fn reach(self, panels: usize, depth: usize) -> bool {
        let panel = (panels - 1).saturating_mul(self.panel_step);
        let row = depth.saturating_sub(1).saturating_mul(self.row_step);
        panel.saturating_add(row).saturating_add(COLUMNS) <= self.numbers.len()
    }
}

/// Sums of a tile.
pub(crate) type Sums<A, const ROWS: usize, const PANELS: usize> = [[<A as Arithmetic>::Panel; PANELS]; ROWS];

/// Sums of nothing.
#[inline(always)]
pub(crate) fn zeros<A: Arithmetic, const ROWS: usize, const PANELS: usize>() -> Sums<A, ROWS, PANELS> {
    [[A::Panel::splat(0.0); PANELS]; ROWS]
}

/// Adds the products at the first `depth` depths to sums. Sums are taken and returned by value: the compiler then keeps all of
/// them in registers, which it does not where they are memory's.
///
/// # Safety
/// For each depth, the left operand's place of each row lies within `x`, and the right operand's row of each panel
/// within its numbers. The processor has the instructions of `A` (see `dispatch!`).
#[inline(always)]
pub(crate) unsafe fn add_products<A: Arithmetic, L: Left, const ROWS: usize, const PANELS: usize>(
    sums: Sums<A, ROWS, PANELS>,
    depth: usize,
    x: &[f32],
    left: L,
    right: Panels,
) -> Sums<A, ROWS, PANELS> {
    // SAFETY: the caller's promise.
    unsafe {
        let rows = std::array::from_fn(|row| x.as_ptr().add(left.row(row)));
        if A::IN_FOURS && right.row_step == COLUMNS {
            add_in_order::<A, L, ROWS, PANELS, true>(sums, depth, rows, left, right)
        } else {
            add_in_order::<A, L, ROWS, PANELS, false>(sums, depth, rows, left, right)
        }
    }
}

/// The same from the rows' addresses. `DENSE`: a panel's rows lie one behind the other.
///
/// # Safety
/// As of [`add_products`].
#[inline(always)]
unsafe fn add_in_order<A: Arithmetic, L: Left, const ROWS: usize, const PANELS: usize, const DENSE: bool>(
    mut sums: Sums<A, ROWS, PANELS>,
    depth: usize,
    rows: [*const f32; ROWS],
    left: L,
    right: Panels,
) -> Sums<A, ROWS, PANELS> {
    let mut row = right.numbers.as_ptr().cast::<f32>();
    let mut first = 0;
    macro_rules! add {
        ($later:literal) => {{
            let place = left.depth(if L::SIDE_BY_SIDE { first } else { first + $later });
            let row = if DENSE { row } else { row.wrapping_add($later * right.row_step) };
            sums =
                A::add_products::<L, ROWS, PANELS, $later, DENSE>(sums, rows, place, row, right.panel_step);
        }};
    }
    // SAFETY: the caller's promise.
    unsafe {
        while A::IN_FOURS && first + 4 <= depth {
            add!(0);
            add!(1);
            add!(2);
            add!(3);
            first += 4;
            row = row.wrapping_add(4 * right.row_step);
        }
        while first < depth {
            add!(0);
            first += 1;
            row = row.wrapping_add(right.row_step);
        }
    }
    sums
}

/// The same for the depths of a list.
///
/// # Safety
/// As of [`add_products`].
#[inline(always)]
pub(crate) unsafe fn add_listed<A: Arithmetic, L: Left, const ROWS: usize, const PANELS: usize>(
    mut sums: Sums<A, ROWS, PANELS>,
    depths: &[u32],
    x: &[f32],
    left: L,
    right: Panels,
) -> Sums<A, ROWS, PANELS> {
    // SAFETY: the caller's promise.
    unsafe {
        let rows = std::array::from_fn(|row| x.as_ptr().add(left.row(row)));
        for &depth in depths {
            let depth = depth as usize;
            let row = right.numbers.as_ptr().cast::<f32>().add(depth * right.row_step);
            let place = left.depth(depth);
            sums = A::add_products::<L, ROWS, PANELS, 0, false>(sums, rows, place, row, right.panel_step);
        }
    }
    sums
}

/// What the sums of a tile are added to before they are stored.
#[derive(Clone, Copy)]
pub(crate) enum Onto<'a> {
    Nothing,
    /// A row, to each of the tile's.
    Row(&'a [f32]),
    /// What is there.
    Itself,
}

/// Stores the first `width` columns of a tile in rows that are `stride` apart.
#[inline(always)]
pub(crate) fn store<A: Arithmetic, const ROWS: usize, const PANELS: usize>(
    sums: Sums<A, ROWS, PANELS>,
    onto: Onto,
    y: &mut [f32],
    stride: usize,
    width: usize,
) {
    for (row, sums) in sums.into_iter().enumerate() {
        let y = &mut y[row * stride..][..width];
        for (panel, sum) in sums.into_iter().enumerate() {
            let columns = panel * COLUMNS..width.min((panel + 1) * COLUMNS);
            let y = &mut y[columns.clone()];
            let sum = match onto {
                Onto::Nothing => sum,
                Onto::Row(row) => A::Panel::load_part(&row[columns]).add(sum),
                Onto::Itself => A::Panel::load_part(y).add(sum),
            };
            sum.store_part(y);
        }
    }
}

/// Calls `$work::<A, ROWS, PANELS>` for a number of rows and of panels, at most [`Arithmetic::TILE`].
macro_rules! by_tile {
    ($rows:expr, $panels:expr, $work:ident::<$arithmetic:ident>($($argument:expr),* $(,)?)) => {
        by_tile!(@rows $rows, $panels, $work, $arithmetic, ($($argument),*), 1 2 3 4 5 6 7 8 9 10)
    };
    (@rows $rows:expr, $panels:expr, $work:ident, $arithmetic:ident, $arguments:tt, $($count:literal)*) => {
        match $rows {
            $($count if const { $count <= $arithmetic::TILE[0] } => {
                by_tile!(@panels $panels, $work, $arithmetic, $count, $arguments)
            })*
            rows => unreachable!("{rows} rows in a tile"),
        }
    };
    (@panels $panels:expr, $work:ident, $arithmetic:ident, $count:literal, ($($argument:expr),*)) => {
        if const { $arithmetic::TILE[1] > 1 } && $panels > 1 {
            $work::<$arithmetic, $count, 2>($($argument),*)
        } else {
            $work::<$arithmetic, $count, 1>($($argument),*)
        }
    };
}
pub(crate) use by_tile;

/// Rows cut into the fewest groups of at most `most`, as even as can be: (first row, rows) of each.
#[inline(always)]
pub(crate) fn groups(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let count = rows.div_ceil(most);
    let (each, longer) = (rows / count.max(1), rows % count.max(1));
    (0..count).map(move |group| (group * each + group.min(longer), each + usize::from(group < longer)))
}

/// Columns cut into tiles of at most so many panels: (first column, columns, panels) of each.
#[inline(always)]
pub(crate) fn columns<A: Arithmetic>(columns: usize) -> impl Iterator<Item = (usize, usize, usize)> + Clone {
    let most = A::TILE[1] * COLUMNS;
    (0..columns).step_by(most).map(move |first| {
        let width = (columns - first).min(most);
        (first, width, width.div_ceil(COLUMNS))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without, the checks of the kernels would let places through that only seem to be small.
    #[test]
    fn places_beyond_all_memory_lie_in_no_slice() {
        // Five of these steps wrap around to 1, sixteen of those to 0.
        let (fifth, sixteenth) = (0xCCCC_CCCC_CCCC_CCCD, 1 << 60);
        assert_eq!(Rows(fifth).place(5, 255), usize::MAX);
        assert_eq!(Transposed(sixteenth).place(15, 16), usize::MAX);
        assert_eq!((Rows(7).place(2, 3), Transposed(7).place(2, 3)), (17, 23));
        let reaches = |panel_step, row_step, panels, depth| {
            Panels::new(&[0.0; 40], panel_step, row_step).reach(panels, depth)
        };
        assert!(!reaches(16, sixteenth, 1, 17) && !reaches(usize::MAX, 16, 2, 2));
        assert!(!reaches(usize::MAX - 8, 16, 2, 0));
        assert!(reaches(16, 8, 2, 2) && !reaches(16, 9, 2, 2));
    }

    #[test]
    fn groups_are_even_and_none_is_empty() {
        for (rows, expected) in [(0, vec![]), (3, vec![(0, 3)]), (14, vec![(0, 5), (5, 5), (10, 4)])] {
            assert_eq!(groups(rows, 6).collect::<Vec<_>>(), expected);
        }
    }
}
