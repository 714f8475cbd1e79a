//! Gaussian noise.

use serde::{Deserialize, Serialize};
use thinnet_kernels::normal;

use super::Source;
use crate::config::not_negative;
use crate::engine::Context;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::shape::Shape;

/// Adds a normal number of mean 0 and standard deviation `stddev` to each element in training. Does nothing in
/// inference.
///
/// ```
/// use thinnet::layers::GaussianNoise;
/// let layer = GaussianNoise::new(0.1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GaussianNoise {
    #[serde(skip)]
    base: Base,
    stddev: f64,
    seed: Option<u64>,
}

impl GaussianNoise {
    /// With this standard deviation, at least 0. (Keras allows at most 1; here any that is finite in f32 is right.)
    pub fn new(stddev: f64) -> Self {
        Self { stddev, ..Self::default() }
    }

    seed_method!();

    base_methods!();
}

impl Layer for GaussianNoise {
    layer_methods!("GaussianNoise");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let stddev = self.stddev;
        not_negative("stddev", stddev)?;
        if stddev == 0.0 {
            return Ok(Built::view(input.clone()));
        }
        let source = Source::new(self.seed);
        Ok(Built::in_place(input, Add { source, len: input.len(), deviation: stddev as f32 }))
    }
}

#[derive(Debug)]
struct Add {
    source: Source,
    len: usize,
    deviation: f32,
}

impl InPlace for Add {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        false
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.draws()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        self.source.rows(cx, self.len, x, |key, rest, x| normal::add(key, rest, self.deviation, x));
    }

    fn backward(&self, _cx: &Context, _x: &[f32], _y: &[f32], _dy: &mut [f32], _scratch: &mut [f32]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&GaussianNoise::new(0.5), &[&[1], &[10], &[3, 5], &[2, 3, 13]]);
        testing::check(&GaussianNoise::new(2.0).seed(7), &[&[10]]);
    }

    #[test]
    fn no_deviation_is_the_identity() {
        let x = [1.0, -2.0, 3.0, 4.0];
        assert_eq!(testing::train(&GaussianNoise::new(0.0), &[4], &training(0), &x), x);
    }

    /// Over fresh seeds each bound (5 standard errors) would be exceeded with a probability below 1e-6.
    #[test]
    fn noise_has_mean_zero_and_the_deviation_asked_for() {
        for stddev in [0.1, 1.0, 3.0] {
            let n = 1 << 18;
            let y = testing::train(&GaussianNoise::new(stddev), &[256], &training(0), &vec![0.0; n]);
            let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / n as f64;
            let square = y.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / n as f64;
            let error = 5.0 / (n as f64).sqrt();
            assert!(mean.abs() < error * stddev, "stddev {stddev}: mean {mean}");
            assert!((square / stddev.powi(2) - 1.0).abs() < error * 2f64.sqrt(), "variance {square}");
        }
    }

    #[test]
    fn a_bad_deviation_is_explained() {
        testing::fails(&GaussianNoise::new(1e39), &[3], "stddev must be at most 3.4e38, got 1e39");
        for stddev in [-0.5, f64::NAN, f64::INFINITY] {
            let message = format!("stddev must be a number that is not negative, got {stddev}");
            testing::fails(&GaussianNoise::new(stddev), &[3], &message);
        }
    }
}
