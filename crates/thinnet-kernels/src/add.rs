//! Sums of slices.

use crate::isa::{Arithmetic, dispatch};

#[inline(always)]
fn add_body<A: Arithmetic>(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

#[inline(always)]
fn add_rows_body<A: Arithmetic>(x: &[f32], sums: &mut [f32]) {
    if sums.is_empty() {
        return;
    }
    for row in x.chunks_exact(sums.len()) {
        add_body::<A>(row, sums);
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
        let x: Vec<f32> = (0..33).map(|i| i as f32).collect();
        on_every_set(|| {
            let mut sums = [1.0; 11];
            add_rows(&x, &mut sums);
            assert!(sums.iter().enumerate().all(|(i, &sum)| sum == 34.0 + 3.0 * i as f32));
            sums.to_vec()
        });
    }
}
