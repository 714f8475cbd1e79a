//! What the micro-kernels share: tiles of at most six rows by sixteen columns, of which AVX2 keeps twelve sums in its
//! sixteen registers.

use crate::isa::{LANES, Vector};

/// Rows of a tile.
pub(crate) const ROWS: usize = 6;
/// Columns of a tile, and of a panel of weights.
pub(crate) const COLUMNS: usize = 2 * LANES;

/// Calls `$work::<A, N>` for N rows, at most six.
macro_rules! by_rows {
    ($rows:expr, $work:ident::<$arithmetic:ident>($($argument:expr),* $(,)?)) => {
        match $rows {
            1 => $work::<$arithmetic, 1>($($argument),*),
            2 => $work::<$arithmetic, 2>($($argument),*),
            3 => $work::<$arithmetic, 3>($($argument),*),
            4 => $work::<$arithmetic, 4>($($argument),*),
            5 => $work::<$arithmetic, 5>($($argument),*),
            _ => $work::<$arithmetic, { $crate::tile::ROWS }>($($argument),*),
        }
    };
}
pub(crate) use by_rows;

/// Rows cut into the fewest groups of at most `most`, as even as can be: (first row, rows) of each.
#[inline(always)]
pub(crate) fn groups(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let count = rows.div_ceil(most).max(1);
    let (each, longer) = (rows / count, rows % count);
    (0..count).map(move |group| (group * each + group.min(longer), each + usize::from(group < longer)))
}

/// The two vectors of sixteen numbers.
#[inline(always)]
pub(crate) fn pair<V: Vector>(numbers: &[f32; COLUMNS]) -> [V; 2] {
    let (halves, _) = numbers.as_chunks();
    [V::load(&halves[0]), V::load(&halves[1])]
}

/// Writes two vectors to sixteen numbers.
#[inline(always)]
pub(crate) fn store_pair<V: Vector>([first, second]: [V; 2], numbers: &mut [f32; COLUMNS]) {
    let (halves, _) = numbers.as_chunks_mut();
    first.store(&mut halves[0]);
    second.store(&mut halves[1]);
}
