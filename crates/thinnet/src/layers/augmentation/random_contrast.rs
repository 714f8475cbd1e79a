//! Random contrast.

use serde::{Deserialize, Serialize};

use super::factor::Factor;
use crate::data::augmentation::{between, image_size};
use crate::engine::Context;
use crate::layers::arguments::DataFormat;
use crate::layers::source::Source;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::shape::Shape;

/// Moves each image's values towards or away from their channel's mean by a random factor in training, and clips them
/// to `value_range`: (x − mean)·factor + mean. Does nothing in inference.
///
/// ```
/// use thinnet::layers::RandomContrast;
/// let layer = RandomContrast::new(0.2).value_range([0.0, 1.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomContrast {
    #[serde(skip)]
    base: Base,
    factor: Factor,
    value_range: [f64; 2],
    seed: Option<u64>,
    data_format: DataFormat,
}

impl Default for RandomContrast {
    fn default() -> Self {
        let value_range = [0.0, 255.0];
        Self {
            base: Base::default(),
            factor: Factor::default(),
            value_range,
            seed: None,
            data_format: DataFormat,
        }
    }
}

impl RandomContrast {
    /// By factors between 1 − `factor` and 1 + `factor`; given two numbers (lower, upper), between 1 − lower and 1 + upper.
    /// All in [0, 1].
    ///
    /// This is what Keras documents; Keras 3's program draws between 1 and 1 + `factor` for a single number.
    pub fn new(factor: impl Into<Factor>) -> Self {
        Self { factor: factor.into(), ..Self::default() }
    }

    /// The lowest and the highest value that images may have; others are clipped. Default: 0 and 255.
    #[must_use]
    pub fn value_range(mut self, value_range: [f64; 2]) -> Self {
        self.value_range = value_range;
        self
    }

    seed_method!();

    base_methods!();
}

impl Layer for RandomContrast {
    layer_methods!("RandomContrast");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [height, width, channels] = image_size(input)?;
        let [lower, upper] = match self.factor {
            Factor::Symmetric(factor) => [factor, factor],
            Factor::Between(limits) => limits,
        };
        for factor in [lower, upper] {
            if !(0.0..=1.0).contains(&factor) {
                return Err(format!("factor must be a fraction in [0, 1], got {factor}"));
            }
        }
        let [low, high] = self.value_range;
        if !(low.is_finite() && high.is_finite()) || low >= high {
            return Err(format!("value_range must be a lower and a higher number, got [{low}, {high}]"));
        }
        let operation = Contrast {
            source: Source::new(self.seed),
            pixels: height * width,
            channels,
            factors: [1.0 - lower, 1.0 + upper],
            low: low as f32,
            high: high as f32,
        };
        Ok(Built::in_place(input, operation))
    }
}

#[derive(Debug)]
struct Contrast {
    source: Source,
    pixels: usize,
    channels: usize,
    factors: [f64; 2],
    low: f32,
    high: f32,
}

impl Contrast {
    fn factor(&self, cx: &Context, row: usize) -> f32 {
        between(&mut self.source.draws(cx, row), self.factors) as f32
    }

    /// The mean of a channel.
    fn mean(&self, image: &[f32], channel: usize) -> f32 {
        let values = image[channel..].iter().step_by(self.channels);
        (values.map(|&x| f64::from(x)).sum::<f64>() / self.pixels as f64) as f32
    }

    fn change(factor: f32, mean: f32, x: f32) -> f32 {
        (x - mean) * factor + mean
    }
}

impl InPlace for Contrast {
    /// The clipping's derivative is read off the input: an output on the limit may have been clipped or not.
    fn needs(&self) -> Needs {
        Needs::Input
    }

    fn keeps_sign(&self) -> bool {
        false
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.is_training()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        for (row, image) in x.chunks_exact_mut(self.pixels * self.channels).enumerate() {
            let factor = self.factor(cx, row);
            for channel in 0..self.channels {
                let mean = self.mean(image, channel);
                for x in image[channel..].iter_mut().step_by(self.channels) {
                    *x = Self::change(factor, mean, *x).max(self.low).min(self.high);
                }
            }
        }
    }

    fn backward(&self, cx: &Context, x: &[f32], _y: &[f32], dy: &mut [f32], _scratch: &mut [f32]) {
        let len = self.pixels * self.channels;
        for (row, (image, dy)) in x.chunks_exact(len).zip(dy.chunks_exact_mut(len)).enumerate() {
            let factor = self.factor(cx, row);
            for channel in 0..self.channels {
                let mean = self.mean(image, channel);
                let pixels = image[channel..].iter().step_by(self.channels);
                for (&x, dy) in pixels.zip(dy[channel..].iter_mut().step_by(self.channels)) {
                    if !(self.low..=self.high).contains(&Self::change(factor, mean, x)) {
                        *dy = 0.0;
                    }
                }
                // Each value is also a part of its channel's mean.
                let through_mean = (1.0 - factor) * self.mean(dy, channel);
                for dy in dy[channel..].iter_mut().step_by(self.channels) {
                    *dy = factor * *dy + through_mean;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augmentation::reference::{cases, close, floats, image};
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        // A range that nothing reaches: difference quotients across the clipping's kinks would be wrong.
        let layer = RandomContrast::new(0.5).value_range([-50.0, 50.0]);
        testing::check(&layer, &[&[5, 6, 2], &[4, 3]]);
        testing::check(&RandomContrast::new([0.1, 0.9]).value_range([-50.0, 50.0]).seed(3), &[&[3, 3, 3]]);
    }

    #[test]
    fn values_move_from_their_channels_mean_and_are_clipped() {
        let contrast = Contrast {
            source: Source::new(None),
            pixels: 4,
            channels: 1,
            factors: [2.0, 2.0],
            low: 0.0,
            high: 10.0,
        };
        let x = [1.0, 3.0, 5.0, 7.0];
        let mut y = x;
        contrast.forward(&training(0), &mut y, &mut []);
        assert_eq!(y, [0.0, 2.0, 6.0, 10.0]);
        // Of the four, -2 was clipped and 10 lies on the limit. d(Σ w·y)/dx = 2·w − Σ w/4 over those not clipped.
        let mut dy = [1.0, 2.0, 3.0, 4.0];
        contrast.backward(&training(0), &x, &y, &mut dy, &mut []);
        assert_eq!(dy, [-2.25, 1.75, 3.75, 5.75]);
    }

    /// Over fresh seeds 1000 draws would leave out an end of their range with a probability of 1e-11.
    #[test]
    fn factors_are_between_one_minus_lower_and_one_plus_upper() {
        for (factor, low, high) in [(Factor::from(0.5), 0.5, 1.5), (Factor::from((0.2, 0.6)), 0.8, 1.6)] {
            let layer = RandomContrast::new(factor).value_range([-9.0, 9.0]);
            let y = testing::train(&layer, &[1, 2], &training(0), &[-1.0, 1.0].repeat(1000));
            let factors: Vec<f32> = y.chunks(2).map(|y| y[1]).collect();
            assert!(factors.iter().all(|factor| (low..=high).contains(factor)));
            let near = 0.025 * (high - low);
            assert!(factors.iter().any(|&f| f < low + near) && factors.iter().any(|&f| f > high - near));
        }
    }

    #[test]
    fn images_are_changed_as_by_keras() {
        for case in cases("contrasts") {
            let range = floats(&case["value_range"]);
            let contrast = Contrast {
                source: Source::new(None),
                pixels: 30,
                channels: 2,
                factors: [case["factor"].as_f64().unwrap(); 2],
                low: range[0] as f32,
                high: range[1] as f32,
            };
            let mut x = image(60, 0);
            contrast.forward(&training(0), &mut x, &mut []);
            close(&contrast, &x, &floats(&case["output"]));
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        testing::fails(&RandomContrast::new(1.5), &[2, 2], "factor must be a fraction in [0, 1], got 1.5");
        let layer = RandomContrast::new(0.5).value_range([1.0, 0.0]);
        testing::fails(&layer, &[2, 2], "value_range must be a lower and a higher number, got [1, 0]");
    }
}
