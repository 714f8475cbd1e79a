//! Softmax and its logarithm, over rows.

use super::map;
use crate::isa::{Arithmetic, dispatch};
use crate::math::{exp, ln};

/// Lanes of the sums: their order is fixed, whatever the instruction set.
const LANES: usize = 8;

/// What [`LANES`] interleaved partial sums add up to.
#[inline(always)]
fn total([a, b, c, d, e, f, g, h]: [f32; LANES]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let (chunks, tail) = row.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(tail) {
        *lane += x;
    }
    total(lanes)
}

#[inline(always)]
fn sum_of_products<A: Arithmetic>(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_tail) = a.as_chunks::<LANES>();
    let (b_chunks, b_tail) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = A::mul_add(a, b, *lane);
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(a_tail).zip(b_tail) {
        *lane = A::mul_add(a, b, *lane);
    }
    total(lanes)
}

/// Σ eˣ⁻ˢ for a shift s.
#[inline(always)]
fn sum_of_exponentials<A: Arithmetic>(row: &[f32], shift: f32) -> f32 {
    let (chunks, tail) = row.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += exp::<A>(x - shift);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(tail) {
        *lane += exp::<A>(x - shift);
    }
    total(lanes)
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, tail) = row.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    lanes.into_iter().chain(tail.iter().copied()).fold(f32::NEG_INFINITY, larger)
}

/// x ← x − max(row), so that no exponential overflows.
#[inline(always)]
fn shift(row_len: usize, x: &mut [f32]) {
    for row in x.chunks_exact_mut(row_len) {
        let max = largest(row);
        for x in row {
            *x -= max;
        }
    }
}

#[inline(always)]
fn softmax_body<A: Arithmetic>(row_len: usize, x: &mut [f32]) {
    shift(row_len, x);
    // All rows in one pass: rows are often shorter than two vectors.
    map(x, |x| exp::<A>(x));
    for row in x.chunks_exact_mut(row_len) {
        let inverse = 1.0 / sum(row);
        for y in row {
            *y *= inverse;
        }
    }
}

#[inline(always)]
fn softmax_backward_body<A: Arithmetic>(row_len: usize, y: &[f32], dy: &mut [f32]) {
    for (y, dy) in y.chunks_exact(row_len).zip(dy.chunks_exact_mut(row_len)) {
        let mean = sum_of_products::<A>(y, dy);
        for (dy, &y) in dy.iter_mut().zip(y) {
            *dy = y * (*dy - mean);
        }
    }
}

#[inline(always)]
fn log_softmax_body<A: Arithmetic>(row_len: usize, x: &mut [f32]) {
    shift(row_len, x);
    for row in x.chunks_exact_mut(row_len) {
        let log = ln::<A>(sum_of_exponentials::<A>(row, 0.0));
        for x in row {
            *x -= log;
        }
    }
}

#[inline(always)]
fn log_softmax_backward_body<A: Arithmetic>(row_len: usize, y: &[f32], dy: &mut [f32]) {
    for (y, dy) in y.chunks_exact(row_len).zip(dy.chunks_exact_mut(row_len)) {
        let total = sum(dy);
        for (dy, &y) in dy.iter_mut().zip(y) {
            *dy = A::mul_add(-exp::<A>(y), total, *dy);
        }
    }
}

#[inline(always)]
fn log_sum_exp_body<A: Arithmetic>(x: &[f32]) -> f32 {
    let max = largest(x);
    max + ln::<A>(sum_of_exponentials::<A>(x, max))
}

#[inline(always)]
fn softmax_and_log_sum_body<A: Arithmetic>(x: &[f32], y: &mut [f32]) -> f32 {
    let max = largest(x);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = exp::<A>(x - max);
    }
    let sum = sum(y);
    let inverse = 1.0 / sum;
    for y in y {
        *y *= inverse;
    }
    max + ln::<A>(sum)
}

dispatch! {
    /// eˣ / Σ eˣ for each row of `row_len` elements
    pub fn softmax(row_len: usize, x: &mut [f32]) = softmax_body
}

dispatch! {
    /// The gradient of [`softmax`] from its output.
    pub fn softmax_backward(row_len: usize, y: &[f32], dy: &mut [f32]) = softmax_backward_body
}

dispatch! {
    /// x − ln Σ eˣ for each row of `row_len` elements
    pub fn log_softmax(row_len: usize, x: &mut [f32]) = log_softmax_body
}

dispatch! {
    /// The gradient of [`log_softmax`] from its output.
    pub fn log_softmax_backward(row_len: usize, y: &[f32], dy: &mut [f32]) = log_softmax_backward_body
}

dispatch! {
    /// ln Σ eˣ of one row, however large the x
    pub fn log_sum_exp(x: &[f32]) -> f32 = log_sum_exp_body
}

dispatch! {
    /// y ← eˣ / Σ eˣ for one row, with ln Σ eˣ
    pub fn softmax_and_log_sum(x: &[f32], y: &mut [f32]) -> f32 = softmax_and_log_sum_body
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, inputs};
    use super::*;
    use crate::isa::testing::on_every_set;

    #[test]
    fn rows_of_any_length_are_their_formulas_and_their_slopes() {
        let all = inputs();
        for row_len in [1, 2, 3, 7, 8, 9, 10, 31, 64, 1000] {
            let x: Vec<f32> = (0..3 * row_len).map(|i| all[i * 2617 % all.len()]).collect();
            let dy: Vec<f32> = (0..x.len()).map(|i| ((i * 37 % 19) as f32 - 8.0) / 4.0).collect();
            on_every_set(|| {
                let (mut y, mut log) = (x.clone(), x.clone());
                softmax(row_len, &mut y);
                log_softmax(row_len, &mut log);
                let (mut dx, mut dlog) = (dy.clone(), dy.clone());
                softmax_backward(row_len, &y, &mut dx);
                log_softmax_backward(row_len, &log, &mut dlog);
                for row in 0..3 {
                    let range = row * row_len..(row + 1) * row_len;
                    let x: Vec<f64> = x[range.clone()].iter().map(|&x| f64::from(x)).collect();
                    let dy: Vec<f64> = dy[range.clone()].iter().map(|&dy| f64::from(dy)).collect();
                    let max = x.iter().copied().fold(f64::MIN, f64::max);
                    let log_sum = max + x.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
                    let p: Vec<f64> = x.iter().map(|x| (x - log_sum).exp()).collect();
                    let mean: f64 = p.iter().zip(&dy).map(|(p, dy)| p * dy).sum();
                    let total: f64 = dy.iter().sum();
                    for (i, e) in range.enumerate() {
                        let at = x[i] as f32;
                        // Rounding x − max moves the exponential by as much, relatively.
                        close(at, y[e], p[i], 1.2e-7 * p[i] * (x[i] - max).abs() + 1.2e-38);
                        close(at, log[e], x[i] - log_sum, 1e-6);
                        close(at, dx[e], p[i] * (dy[i] - mean), 1e-5 * p[i] + 1.2e-38);
                        close(at, dlog[e], dy[i] - p[i] * total, 1e-5);
                    }
                }

                [y, log, dx, dlog].concat()
            });
        }
    }

    #[test]
    fn large_logits_do_not_overflow_and_nan_stays_in_its_row() {
        let mut x = [1e30, 0.0, -1e30, f32::NAN, 1.0, 2.0];
        softmax(3, &mut x);
        assert_eq!(x[..3], [1.0, 0.0, 0.0]);
        assert!(x[3..].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn the_log_sum_is_the_same_with_the_softmax_and_without() {
        for row_len in [1, 2, 7, 8, 10, 100] {
            let x: Vec<f32> = (0..row_len).map(|i| (i * 37 % 19) as f32 - 8.0).collect();
            on_every_set(|| {
                let (mut y, mut other) = (vec![f32::NAN; row_len], x.clone());
                let log_sum = log_sum_exp(&x);
                assert_eq!(softmax_and_log_sum(&x, &mut y).to_bits(), log_sum.to_bits());
                softmax(row_len, &mut other);
                assert_eq!(y, other);
                let want = x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
                close(0.0, log_sum, want, 2e-7 * want.abs().max(1.0));
                y
            });
        }
        assert_eq!(log_sum_exp(&[1e4, -1e4]), 1e4);
        assert!(log_sum_exp(&[0.0, f32::NAN]).is_nan());
    }
}
