//! Dropout's masks: drawn, compared and applied in one pass, and never stored.
//!
//! Element e of a row is kept where its random word (word e % 4 of Philox block [e / 4, rest]; see [`Rows`]) is at least
//! `threshold`, which is the rate times 2³². The backward pass is the same call on the gradient.

use crate::isa::dispatch;
use crate::philox::{Groups, Rows, zip, zip_rows};

/// The smallest word that is kept: a uniform draw word / 2³² is at least `rate` where word ≥ ⌈rate · 2³²⌉.
///
/// `rate` is in [0, 1]; at 1 the threshold is 2³², which no word reaches.
pub fn threshold(rate: f64) -> u64 {
    (rate * (1u64 << 32) as f64).ceil() as u64
}

#[inline(always)]
fn select_body<G: Groups>(rows: Rows, threshold: u64, scale: f32, offset: f32, dropped: f32, x: &mut [f32]) {
    let Ok(threshold) = u32::try_from(threshold) else { return x.fill(dropped) };
    zip_rows::<G>(rows, x, |x, words| {
        for (x, &word) in x.iter_mut().zip(words) {
            *x = if word >= threshold { *x * scale + offset } else { dropped };
        }
    });
}

#[inline(always)]
fn scale_body<G: Groups>(rows: Rows, threshold: u64, scale: f32, x: &mut [f32]) {
    let Ok(threshold) = u32::try_from(threshold) else { return x.fill(0.0) };
    zip_rows::<G>(rows, x, |x, words| G::keep(x, words, threshold, scale));
}

#[inline(always)]
fn multipliers_body<G: Groups>(key: [u32; 2], rest: [u32; 3], threshold: u64, scale: f32, out: &mut [f32]) {
    let Ok(threshold) = u32::try_from(threshold) else { return out.fill(0.0) };
    zip::<G, f32>(key, rest, out, |out, words| {
        for (out, &word) in out.iter_mut().zip(words) {
            *out = if word >= threshold { scale } else { 0.0 };
        }
    });
}

dispatch! {
    /// x ← x·`scale` where kept, else 0.
    pub fn scale(rows: Rows, threshold: u64, scale: f32, x: &mut [f32]) = scale_body
}

dispatch! {
    /// out ← `scale` where kept, else 0: for masks that are shared along an axis.
    pub fn multipliers(key: [u32; 2], rest: [u32; 3], threshold: u64, scale: f32, out: &mut [f32])
        = multipliers_body
}

dispatch! {
    /// x ← x·`scale` + `offset` where kept, else `dropped`: alpha dropout.
    pub fn select(
        rows: Rows,
        threshold: u64,
        scale: f32,
        offset: f32,
        dropped: f32,
        x: &mut [f32],
    ) = select_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;
    use crate::philox;

    const KEY: [u32; 2] = [3, 1 << 31];
    const REST: [u32; 3] = [9, 8, 7];

    fn draw(e: usize) -> f64 {
        f64::from(philox::block(KEY, [(e / 4) as u32, REST[0], REST[1], REST[2]])[e % 4]) / 2f64.powi(32)
    }

    #[test]
    fn an_element_is_kept_where_its_draw_is_at_least_the_rate() {
        for rate in [0.0, 0.2, 0.5, draw(17), 0.999_999, 1.0 - f64::EPSILON, 1.0] {
            for count in [0, 1, 31, 64, 65, 1000] {
                let input: Vec<f32> = (0..count).map(|e| e as f32 - 40.5).collect();
                let kept = |e: usize| draw(e) >= rate;
                let row = Rows { len: count, key: KEY, rest: REST, stride: 1 };
                on_every_set(|| {
                    let mut x = input.clone();
                    scale(row, threshold(rate), 1.25, &mut x);
                    let mut m = vec![f32::NAN; count];
                    multipliers(KEY, REST, threshold(rate), 1.25, &mut m);
                    let mut s = input.clone();
                    select(row, threshold(rate), 1.25, 0.5, -2.0, &mut s);
                    for e in 0..count {
                        assert_eq!(x[e], if kept(e) { input[e] * 1.25 } else { 0.0 });
                        assert_eq!(m[e], if kept(e) { 1.25 } else { 0.0 });
                        assert_eq!(s[e], if kept(e) { input[e] * 1.25 + 0.5 } else { -2.0 });
                    }

                    [x, m, s].concat()
                });
            }
        }
    }

    #[test]
    fn rows_of_every_length_have_draws_of_their_own_or_the_same() {
        for len in [1, 4, 6, 13, 31, 32, 33, 50, 64, 65, 130] {
            for stride in [0, 1] {
                on_every_set(|| {
                    let mut x = vec![1.0; 19 * len];
                    scale(Rows { len, key: KEY, rest: [u32::MAX - 5, 8, 7], stride }, 1 << 31, 2.0, &mut x);
                    for (row, x) in x.chunks(len).enumerate() {
                        let place = (u32::MAX - 5).wrapping_add(stride * row as u32);
                        for (e, &x) in x.iter().enumerate() {
                            let word = philox::block(KEY, [(e / 4) as u32, place, 8, 7])[e % 4];
                            assert_eq!(x, if word >= 1 << 31 { 2.0 } else { 0.0 }, "row {row} of {len}");
                        }
                    }

                    x
                });
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_dropped_too() {
        let mut x = [f32::NAN, f32::INFINITY];
        let row = Rows { len: 2, key: KEY, rest: REST, stride: 1 };
        scale(row, threshold(1.0), f32::INFINITY, &mut x);
        assert_eq!(x, [0.0; 2]);
    }
}
