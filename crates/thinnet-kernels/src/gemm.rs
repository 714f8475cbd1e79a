//! Matrix products of single precision: a register-tiled micro-kernel below two levels of packing, as in Goto & van de
//! Geijn (2008), "Anatomy of high-performance matrix multiplication".
//!
//! One call runs on one thread and allocates nothing. An element's sum runs over k in order, in blocks of 256:
//! its bits depend on neither m nor n, nor on where it lies in the matrix.

use crate::isa::{Arithmetic, dispatch};

/// Rows of the micro-kernel's tile.
const ROWS: usize = 6;
/// Columns of the micro-kernel's tile: with six rows, twelve of the sixteen vector registers of AVX2 accumulate.
/// Depth of the squares in which columns are packed.
const BLOCK: usize = 8;
const COLUMNS: usize = 16;
/// Products that are summed up in registers before they are added to the result. A panel of `DEPTH` × `COLUMNS` stays
/// in the first-level cache.
const DEPTH: usize = 256;
/// Rows that are packed at once.
const ROW_BLOCK: usize = 16 * ROWS;
/// Columns that are packed at once: `DEPTH` × `COLUMN_BLOCK` stays in the second-level cache.
const COLUMN_BLOCK: usize = 32 * COLUMNS;

/// A matrix that lies in a slice: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix in row-major order whose rows have `columns` elements.
    pub fn row_major(data: &'a [f32], columns: usize) -> Self {
        Self { data, row_stride: columns, column_stride: 1 }
    }

    /// The transpose, without moving anything.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }
}

/// f32 of scratch memory that [`gemm`] needs for an (m, k) × (k, n) product.
pub fn scratch_len(m: usize, n: usize, k: usize) -> usize {
    let depth = k.min(DEPTH);
    let columns = n.min(COLUMN_BLOCK).next_multiple_of(COLUMNS);
    let rows = m.min(ROW_BLOCK).next_multiple_of(ROWS);
    depth * (columns + rows)
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its operands as plain slices and sizes")]
fn gemm_body<A: Arithmetic>(
    m: usize,
    n: usize,
    k: usize,
    a: Matrix,
    b: Matrix,
    c: &mut [f32],
    accumulate: bool,
    scratch: &mut [f32],
) {
    if k == 0 && !accumulate {
        c[..m * n].fill(0.0);
    }
    let (packed_b, packed_a) =
        scratch.split_at_mut(k.min(DEPTH) * n.min(COLUMN_BLOCK).next_multiple_of(COLUMNS));
    for first_column in (0..n).step_by(COLUMN_BLOCK) {
        let columns = (n - first_column).min(COLUMN_BLOCK);
        for first_depth in (0..k).step_by(DEPTH) {
            let depth = (k - first_depth).min(DEPTH);
            let add = accumulate || first_depth > 0;
            pack_columns(b, first_depth, depth, first_column, columns, packed_b);
            for first_row in (0..m).step_by(ROW_BLOCK) {
                let rows = (m - first_row).min(ROW_BLOCK);
                pack_rows(a, first_row, rows, first_depth, depth, packed_a);
                for (j, panel_b) in
                    packed_b.chunks_exact(depth * COLUMNS).take(columns.div_ceil(COLUMNS)).enumerate()
                {
                    for (i, panel_a) in
                        packed_a.chunks_exact(depth * ROWS).take(rows.div_ceil(ROWS)).enumerate()
                    {
                        let tile = tile::<A>(panel_a, panel_b);
                        let (row, column) = (first_row + i * ROWS, first_column + j * COLUMNS);
                        store(
                            &tile,
                            &mut c[row * n + column..],
                            n,
                            (m - row).min(ROWS),
                            (n - column).min(COLUMNS),
                            add,
                        );
                    }
                }
            }
        }
    }
}

/// Panels of `COLUMNS` columns, each with its rows one after the other, filled up with zeros.
#[inline(always)]
fn pack_columns(
    b: Matrix,
    first_depth: usize,
    depth: usize,
    first_column: usize,
    columns: usize,
    packed: &mut [f32],
) {
    for (j, panel) in packed.chunks_exact_mut(depth * COLUMNS).take(columns.div_ceil(COLUMNS)).enumerate() {
        let width = (columns - j * COLUMNS).min(COLUMNS);
        let origin = first_depth * b.row_stride + (first_column + j * COLUMNS) * b.column_stride;
        if b.column_stride == 1 {
            for (p, row) in panel.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
                let from = &b.data[origin + p * b.row_stride..];
                if width == COLUMNS {
                    row.copy_from_slice(&from[..COLUMNS]);
                } else {
                    row[..width].copy_from_slice(&from[..width]);
                    row[width..].fill(0.0);
                }
            }
        } else {
            let (blocks, _) = panel.as_chunks_mut::<{ COLUMNS * BLOCK }>();
            let whole = if width == COLUMNS && b.row_stride == 1 { blocks.len() } else { 0 };
            for (block, to) in blocks.iter_mut().enumerate().take(whole) {
                // Square by square, so that neither side jumps for each element.
                let from: [&[f32; BLOCK]; COLUMNS] = std::array::from_fn(|column| {
                    let start = origin + column * b.column_stride + block * BLOCK;
                    b.data[start..].first_chunk().expect("a column has the panel's depth")
                });
                for p in 0..BLOCK {
                    for column in 0..COLUMNS {
                        to[p * COLUMNS + column] = from[column][p];
                    }
                }
            }
            for p in whole * BLOCK..depth {
                for column in 0..COLUMNS {
                    panel[p * COLUMNS + column] = if column < width {
                        b.data[origin + column * b.column_stride + p * b.row_stride]
                    } else {
                        0.0
                    };
                }
            }
        }
    }
}

/// Panels of `ROWS` rows, each with its columns one after the other, filled up with zeros.
#[inline(always)]
fn pack_rows(a: Matrix, first_row: usize, rows: usize, first_depth: usize, depth: usize, packed: &mut [f32]) {
    for (i, panel) in packed.chunks_exact_mut(depth * ROWS).take(rows.div_ceil(ROWS)).enumerate() {
        let height = (rows - i * ROWS).min(ROWS);
        let origin = (first_row + i * ROWS) * a.row_stride + first_depth * a.column_stride;
        let panel = panel.as_chunks_mut::<ROWS>().0;
        if height == ROWS && a.row_stride == 1 {
            for (p, column) in panel.iter_mut().enumerate() {
                let from = &a.data[origin + p * a.column_stride..];
                column.copy_from_slice(&from[..ROWS]);
            }
        } else if height == ROWS && a.column_stride == 1 {
            let from: [&[f32]; ROWS] =
                std::array::from_fn(|row| &a.data[origin + row * a.row_stride..][..depth]);
            for (p, column) in panel.iter_mut().enumerate() {
                *column = std::array::from_fn(|row| from[row][p]);
            }
        } else {
            for (p, column) in panel.iter_mut().enumerate() {
                *column = std::array::from_fn(|row| {
                    if row < height { a.data[origin + row * a.row_stride + p * a.column_stride] } else { 0.0 }
                });
            }
        }
    }
}

/// The micro-kernel: the product of two packed panels.
#[inline(always)]
fn tile<A: Arithmetic>(panel_a: &[f32], panel_b: &[f32]) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [[0.0; COLUMNS]; ROWS];
    for (a, b) in panel_a.as_chunks::<ROWS>().0.iter().zip(panel_b.as_chunks::<COLUMNS>().0) {
        for (sums, &a) in sums.iter_mut().zip(a) {
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = A::mul_add(a, b, *sum);
            }
        }
    }
    sums
}

#[inline(always)]
fn store(
    tile: &[[f32; COLUMNS]; ROWS],
    c: &mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
    add: bool,
) {
    for (row, sums) in tile.iter().enumerate().take(rows) {
        let c = &mut c[row * stride..][..columns];
        if let Ok(c) = <&mut [f32; COLUMNS]>::try_from(&mut *c) {
            for (c, &sum) in c.iter_mut().zip(sums) {
                *c = if add { *c + sum } else { sum };
            }
        } else {
            for (c, &sum) in c.iter_mut().zip(sums) {
                *c = if add { *c + sum } else { sum };
            }
        }
    }
}

dispatch! {
    /// c = a·b, or c += a·b where `accumulate` is set: a is (m, k), b is (k, n), c is (m, n) in row-major order.
    /// `scratch` has at least [`scratch_len`] elements.
    ///
    /// ```
    /// use thinnet_kernels::gemm::{Matrix, gemm, scratch_len};
    /// let (a, b, mut c) = ([1.0, 2.0], [3.0, 4.0], [0.0]);
    /// let mut scratch = vec![0.0; scratch_len(1, 1, 2)];
    /// gemm(1, 1, 2, Matrix::row_major(&a, 2), Matrix::row_major(&b, 1), &mut c, false, &mut scratch);
    /// assert_eq!(c, [11.0]);
    /// ```
    pub fn gemm(
        m: usize,
        n: usize,
        k: usize,
        a: Matrix,
        b: Matrix,
        c: &mut [f32],
        accumulate: bool,
        scratch: &mut [f32],
    ) = gemm_body
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

    fn transpose(a: &[f32], columns: usize) -> Vec<f32> {
        (0..columns).flat_map(|j| a.iter().skip(j).step_by(columns).copied()).collect()
    }

    /// Every remainder of the tile, one to three blocks of depth, and all four orders of the operands.
    #[test]
    fn agrees_with_the_plain_triple_loop() {
        for (m, n, k) in
            [(1, 1, 1), (6, 16, 256), (7, 17, 257), (13, 33, 31), (100, 10, 600), (5, 530, 3), (128, 1, 50)]
        {
            let (a, b) = (random(1, m * k), random(2, k * n));
            let (at, bt) = (transpose(&a, k), transpose(&b, n));
            let start = random(3, m * n);
            for accumulate in [false, true] {
                let expected: Vec<f64> = (0..m * n)
                    .map(|e| {
                        let sum: f64 =
                            (0..k).map(|p| f64::from(a[e / n * k + p]) * f64::from(b[p * n + e % n])).sum();
                        sum + if accumulate { f64::from(start[e]) } else { 0.0 }
                    })
                    .collect();
                let a_orders = [Matrix::row_major(&a, k), Matrix::row_major(&at, m).transposed()];
                let b_orders = [Matrix::row_major(&b, n), Matrix::row_major(&bt, k).transposed()];
                for a in a_orders {
                    for b in b_orders {
                        for kernel in [gemm, gemm_body::<Separate>] {
                            let (mut c, mut scratch) = (start.clone(), vec![f32::NAN; scratch_len(m, n, k)]);
                            kernel(m, n, k, a, b, &mut c, accumulate, &mut scratch);
                            for (c, expected) in c.iter().zip(&expected) {
                                let bound = 1e-6 * (k as f64).sqrt().max(1.0);
                                assert!(
                                    (f64::from(*c) - expected).abs() < bound,
                                    "{m}×{n}×{k}: {c} {expected}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    /// What lets a batch be cut into shards of any size.
    #[test]
    fn a_row_has_the_same_bits_alone_and_among_others() {
        let (m, n, k) = (23, 37, 300);
        let (a, b) = (random(4, m * k), random(5, k * n));
        let mut scratch = vec![0.0; scratch_len(m, n, k)];
        let mut all = vec![0.0; m * n];
        gemm(m, n, k, Matrix::row_major(&a, k), Matrix::row_major(&b, n), &mut all, false, &mut scratch);
        for row in 0..m {
            let mut alone = vec![0.0; n];
            let a = Matrix::row_major(&a[row * k..(row + 1) * k], k);
            gemm(1, n, k, a, Matrix::row_major(&b, n), &mut alone, false, &mut scratch);
            assert_eq!(alone, all[row * n..(row + 1) * n]);
        }
    }
}
