//! Sums of slices.

use crate::isa::{Arithmetic, Vector, dispatch};

#[inline(always)]
fn add_body<A: Arithmetic>(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

#[inline(always)]
fn add_rows_body<A: Arithmetic>(x: &[f32], sums: &mut [f32]) {
    let (width, lanes) = (sums.len(), A::Vector::LANES);
    for (index, sums) in sums.chunks_mut(4 * lanes).enumerate() {
        let start = index * 4 * lanes;
        match sums.len().div_ceil(lanes) {
            1 => add_columns::<A::Vector, 1>(x, width, start, sums),
            2 => add_columns::<A::Vector, 2>(x, width, start, sums),
            3 => add_columns::<A::Vector, 3>(x, width, start, sums),
            _ => add_columns::<A::Vector, 4>(x, width, start, sums),
        }
    }
}

/// Adds some columns of rows of `width` to sums that stay in registers: in memory, each row would wait for the one before.
#[inline(always)]
fn add_columns<V: Vector, const VECTORS: usize>(x: &[f32], width: usize, start: usize, sums: &mut [f32]) {
    let mut totals = [V::splat(0.0); VECTORS];
    for (index, total) in totals.iter_mut().enumerate() {
        *total = V::load_part(&sums[index * V::LANES..]);
    }
    for row in 0..x.len() / width {
        for (index, total) in totals.iter_mut().enumerate() {
            let x = &x[row * width + start + index * V::LANES..];
            // Beyond the last column are numbers of the next row, whose sums are not stored.
            *total = total.add(match x.get(..V::LANES) {
                Some(x) => V::load(x),
                None => V::load_part(x),
            });
        }
    }
    for (total, sums) in totals.into_iter().zip(sums.chunks_mut(V::LANES)) {
        total.store_part(sums);
    }
}

dispatch! {
    /// y ← y + x
    pub fn add(x: &[f32], y: &mut [f32]) = add_body
}

dispatch! {
    /// Adds all rows of x, each as long as `sums`, to `sums`, in their order.
    pub fn add_rows(x: &[f32], sums: &mut [f32]) = add_rows_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn every_element_is_added() {
        on_every_set(|| {
            let (x, mut y) = ([1.0; 21], [2.5; 21]);
            add(&x, &mut y);
            assert_eq!(y, [3.5; 21]);
            y.to_vec()
        });
    }

    #[test]
    fn every_row_is_added() {
        for width in [1, 11, 32, 64, 77] {
            let x: Vec<f32> = (0..3 * width).map(|i| i as f32).collect();
            on_every_set(|| {
                let mut sums = vec![1.0; width];
                add_rows(&x, &mut sums);
                let expected = |i: usize| (1 + 3 * width + 3 * i) as f32;
                assert!(sums.iter().enumerate().all(|(i, &sum)| sum == expected(i)));
                sums
            });
        }
    }
}
