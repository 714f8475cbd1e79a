//! `DropBlock2D`: dropout of squares of neighbouring places.

use serde::{Deserialize, Serialize};

use super::Source;
use crate::engine::Context;
use crate::layers::arguments::{DataFormat, map};
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::random::Draws;
use crate::schedules::Rate;
use crate::shape::Shape;

/// Dropout of squares of b×b neighbouring places (b = `block_size`) of maps of shape (rows, columns, channels), in each
/// channel on its own. In training, each of the (H − b + 1)(W − b + 1) squares that lie within a channel's H×W map is dropped
/// with probability
///
/// γ = rate·H·W / (b²·(H − b + 1)·(W − b + 1)),
///
/// at most 1, so that about a share `rate` of the elements is dropped where squares do not overlap; what a sample keeps is
/// scaled by its elements' number / the number that is kept. Does nothing in inference.
///
/// Ghiasi, Lin & Le 2018, "DropBlock: a regularization method for convolutional networks". Their schedule lets the rate rise
/// from 0 to its whole over training: `rate = { class = "Linear", end_rate = 0.1, steps = … }`. A `block_size` of 1 is
/// [`Dropout`](super::Dropout) but for the scale; one as large as the map is
/// [`SpatialDropout2D`](super::SpatialDropout2D) but for the scale.
///
/// ```
/// use thinnet::layers::DropBlock2D;
/// use thinnet::schedules::Linear;
/// let layer = DropBlock2D::new(Linear::new(0.0, 0.1, 3750), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DropBlock2D {
    #[serde(skip)]
    base: Base,
    rate: Rate,
    block_size: usize,
    seed: Option<u64>,
    data_format: DataFormat,
}

impl Default for DropBlock2D {
    /// A rate of 0 and the paper's block size, 7.
    fn default() -> Self {
        Self::new(0.0, 7)
    }
}

impl DropBlock2D {
    /// Drops about a fraction `rate`, in [0, 1], in squares of `block_size` places along both axes. The rate is a number, or a
    /// schedule.
    pub fn new(rate: impl Into<Rate>, block_size: usize) -> Self {
        let (base, data_format) = (Base::default(), DataFormat);
        Self { base, rate: rate.into(), block_size, seed: None, data_format }
    }

    seed_method!();

    base_methods!();
}

impl Layer for DropBlock2D {
    layer_methods!("DropBlock2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        self.rate.check()?;
        let block = self.block_size;
        if block == 0 || block > rows.min(columns) {
            return Err(format!(
                "block_size must be from 1 to {} for maps of {rows}×{columns} places, got {block}",
                rows.min(columns)
            ));
        }
        if self.rate.highest() == 0.0 {
            return Ok(Built::view(input.clone()));
        }
        let (source, rate) = (Source::new(self.seed), self.rate.clone());
        Ok(Built::in_place(input, DropBlocks { source, rate, block, sizes: [rows, columns, channels] }))
    }
}

#[derive(Debug)]
struct DropBlocks {
    source: Source,
    rate: Rate,
    block: usize,
    /// Rows, columns, channels.
    sizes: [usize; 3],
}

impl DropBlocks {
    fn len(&self) -> usize {
        self.sizes.iter().product()
    }

    /// Rows and columns of the squares' first places.
    fn corners(&self) -> [usize; 2] {
        [self.sizes[0] - self.block + 1, self.sizes[1] - self.block + 1]
    }

    /// How likely each square is dropped.
    fn gamma(&self, rate: f64) -> f64 {
        let product = |sizes: &[usize]| sizes.iter().product::<usize>() as f64;
        let squares = product(&self.corners()) * product(&[self.block; 2]);
        (rate * product(&self.sizes[..2]) / squares).min(1.0)
    }

    /// The first places of the dropped squares, in ascending order among those of all channels. Few are dropped: draws are not
    /// made for each square, but of how many are kept before the next that is dropped.
    fn dropped(&self, mut draws: Draws, gamma: f64) -> impl Iterator<Item = usize> {
        let [_, columns, channels] = self.sizes;
        let [rows, width] = self.corners();
        let width = width * channels;
        let log_kept = (-gamma).ln_1p();
        let mut next = 0_usize;
        std::iter::from_fn(move || {
            // P(gap ≥ k) = P(u ≤ (1 − γ)^k) for a uniform u. A number too large for its type becomes the type's largest.
            let gap = ((1.0 - draws.uniform()).ln() / log_kept) as usize;
            let square = next.saturating_add(gap);
            next = square.saturating_add(1);
            (square < rows * width).then(|| square / width * columns * channels + square % width)
        })
    }

    /// Sets the squares with these first places to zero, and answers how many places that are. `seen` has a bit for each place.
    fn drop(&self, squares: impl Iterator<Item = usize>, x: &mut [f32], seen: &mut [f32]) -> usize {
        let [_, columns, channels] = self.sizes;
        seen.fill(f32::from_bits(0));
        let mut dropped = 0;
        for first in squares {
            for start in (first..).step_by(columns * channels).take(self.block) {
                for place in (start..).step_by(channels).take(self.block) {
                    let (bits, bit) = (seen[place / 32].to_bits(), 1 << (place % 32));
                    dropped += usize::from(bits & bit == 0);
                    seen[place / 32] = f32::from_bits(bits | bit);
                    x[place] = 0.0;
                }
            }
        }
        dropped
    }
}

impl InPlace for DropBlocks {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.draws() && self.rate.at(cx.step) > 0.0
    }

    fn scratch(&self) -> usize {
        self.len().div_ceil(32)
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        let gamma = self.gamma(self.rate.at(cx.step));
        for (row, x) in x.chunks_exact_mut(self.len()).enumerate() {
            let squares = self.dropped(self.source.draws(cx, row), gamma);
            let kept = self.len() - self.drop(squares, x, &mut scratch[..self.scratch()]);
            // Where nothing is kept there is nothing to scale.
            let scale = self.len() as f32 / kept.max(1) as f32;
            x.iter_mut().for_each(|x| *x *= scale);
        }
    }

    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        self.forward(cx, dy, scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};
    use crate::schedules::Linear;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&DropBlock2D::new(0.5, 2), &[&[2, 3, 1], &[4, 5, 2]]);
        testing::check(&DropBlock2D::new(0.3, 3).seed(7), &[&[3, 3, 2]]);
        testing::check(&DropBlock2D::new(Linear::new(0.2, 0.6, 10), 1), &[&[3, 2, 3]]);
    }

    #[test]
    fn squares_are_dropped_and_the_rest_is_scaled() {
        let cx = training(3);
        let layer = DropBlock2D::new(0.4, 3);
        let y = testing::train(&layer, &[6, 5, 2], &cx, &vec![1.0; 60 * 20]);
        // 0.4·30 / (9·4·3)
        let gamma: f64 = 1.0 / 9.0;
        let mut dropped = 0;
        for (sample, y) in y.chunks(60).enumerate() {
            let mut expected = [1.0_f32; 60];
            let mut draws = cx.stream.at(3, sample);
            let mut kept_before = || ((1.0 - draws.uniform()).ln() / (1.0 - gamma).ln()).floor();
            let mut until = kept_before();
            for row in 0..4 {
                for column in 0..3 {
                    for channel in 0..2 {
                        until -= 1.0;
                        if until < 0.0 {
                            for place in 0..9 {
                                let (row, column) = (row + place / 3, column + place % 3);
                                expected[(row * 5 + column) * 2 + channel] = 0.0;
                            }
                            until = kept_before();
                        }
                    }
                }
            }
            let kept = expected.iter().sum::<f32>();
            dropped += 60 - kept as usize;
            expected.iter_mut().for_each(|e| *e *= 60.0 / kept);
            assert_eq!(y, expected);
        }
        assert!(dropped > 0);
    }

    /// A place within the map lies in b² squares, in the corners in one, and is kept where none of them is dropped; whether other
    /// channels keep it has nothing to do with it. ±5 standard deviations of the binomial distribution: over fresh seeds one of
    /// the 21 would be exceeded with a probability of 1.2e-5.
    #[test]
    fn a_place_is_kept_as_often_as_all_squares_around_it_are() {
        let samples = 1 << 14;
        for (rate, block) in [(0.1, 3), (0.3, 2), (0.5, 1)] {
            let layer = DropBlock2D::new(rate, block);
            let y = testing::train(&layer, &[7, 7, 2], &training(1), &vec![1.0; 98 * samples]);
            let (b, n) = (block as f64, samples as f64);
            let gamma = rate * 49.0 / (b * b * (8.0 - b) * (8.0 - b));
            let is_near = |what: &str, is_kept: &dyn Fn(&[f32]) -> bool, p: f64| {
                let kept = y.chunks(98).filter(|y| is_kept(y)).count() as f64;
                let deviation = (kept - n * p) / (n * p * (1.0 - p)).sqrt();
                assert!(deviation.abs() < 5.0, "rate {rate}, block {block}, {what}: {kept} of {n} at {p}");
            };
            let within = (1.0 - gamma).powi((block * block) as i32);
            for channel in 0..2 {
                is_near("the first place", &|y| y[channel] > 0.0, 1.0 - gamma);
                is_near("the last place", &|y| y[96 + channel] > 0.0, 1.0 - gamma);
                is_near("the middle", &|y| y[48 + channel] > 0.0, within);
            }
            is_near("the middle of both channels", &|y| y[48] > 0.0 && y[49] > 0.0, within * within);
        }
    }

    #[test]
    fn the_ends_of_the_rate() {
        let x = [1.0, -2.0, 3.0, 4.0];
        assert_eq!(testing::train(&DropBlock2D::new(0.0, 1), &[2, 2, 1], &training(0), &x), x);
        assert_eq!(testing::train(&DropBlock2D::new(1.0, 2), &[2, 2, 1], &training(0), &x), [0.0; 4]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let message = "block_size must be from 1 to 4 for maps of 4×6 places, got 7";
        testing::fails(&DropBlock2D::new(0.1, 7), &[4, 6, 3], message);
        let message = "block_size must be from 1 to 4 for maps of 4×6 places, got 0";
        testing::fails(&DropBlock2D::new(0.1, 0), &[4, 6, 3], message);
        let message = "rate must be in [0, 1] (the fraction that is dropped), got 2";
        testing::fails(&DropBlock2D::new(2.0, 1), &[4, 6, 3], message);
        let message = "expected maps of shape (rows, columns, channels), got samples of shape (None, 5): for images \
                       without an axis of channels, put a Reshape before";
        testing::fails(&DropBlock2D::new(0.1, 1), &[5], message);
    }
}
