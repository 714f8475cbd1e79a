//! Gaussian dropout.

use serde::{Deserialize, Serialize};
use thinnet_kernels::normal;

use super::Source;
use crate::engine::Context;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::schedules::Rate;
use crate::shape::Shape;

/// Multiplies each element in training by a normal number of mean 1 and variance `rate`/(1 − `rate`), which are those
/// of [`Dropout`](super::Dropout)'s factors. Does nothing in inference.
///
/// Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", section 10.
///
/// ```
/// use thinnet::layers::GaussianDropout;
/// let layer = GaussianDropout::new(0.2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GaussianDropout {
    #[serde(skip)]
    base: Base,
    rate: Rate,
    seed: Option<u64>,
}

impl GaussianDropout {
    /// With the noise of a dropout `rate` in [0, 1): 0 changes nothing, at 1 the variance would be infinite. A number, or a
    /// schedule.
    pub fn new(rate: impl Into<Rate>) -> Self {
        Self { rate: rate.into(), ..Self::default() }
    }

    seed_method!();

    base_methods!();
}

impl Layer for GaussianDropout {
    layer_methods!("GaussianDropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let highest = self.rate.highest();
        match (&self.rate, self.rate.check()) {
            (Rate::Schedule(_), Err(message)) => return Err(message),
            (_, Ok(())) if highest < 1.0 => {}
            _ => {
                return Err(format!(
                    "rate must be in [0, 1) (the noise has the variance rate/(1 - rate)), got {highest}"
                ));
            }
        }
        if highest == 0.0 {
            return Ok(Built::view(input.clone()));
        }
        let (source, rate) = (Source::new(self.seed), self.rate.clone());
        Ok(Built::in_place(input, Multiply { source, len: input.len(), rate }))
    }
}

#[derive(Debug)]
struct Multiply {
    source: Source,
    len: usize,
    rate: Rate,
}

impl InPlace for Multiply {
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
        cx.draws() && self.rate.at(cx.step) > 0.0
    }

    fn forward(&self, cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        let rate = self.rate.at(cx.step);
        let deviation = (rate / (1.0 - rate)).sqrt() as f32;
        self.source.rows(cx, self.len, x, |key, rest, x| normal::multiply(key, rest, deviation, x));
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
        testing::check(&GaussianDropout::new(0.5), &[&[1], &[10], &[3, 5], &[2, 3, 13]]);
        testing::check(&GaussianDropout::new(0.2).seed(7), &[&[10]]);
    }

    #[test]
    fn rate_zero_is_the_identity() {
        let x = [1.0, -2.0, 3.0, 4.0];
        assert_eq!(testing::train(&GaussianDropout::new(0.0), &[4], &training(0), &x), x);
    }

    /// Over fresh seeds each bound (5 standard errors) would be exceeded with a probability below 1e-6.
    #[test]
    fn factors_have_the_mean_and_the_variance_of_dropouts() {
        for rate in [0.1, 0.5, 0.8] {
            let n = 1 << 18;
            let y = testing::train(&GaussianDropout::new(rate), &[256], &training(0), &vec![1.0; n]);
            let variance = rate / (1.0 - rate);
            let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / n as f64;
            let square = y.iter().map(|&y| (f64::from(y) - 1.0).powi(2)).sum::<f64>() / n as f64;
            let error = 5.0 / (n as f64).sqrt();
            assert!((mean - 1.0).abs() < error * variance.sqrt(), "rate {rate}: mean {mean}");
            assert!((square / variance - 1.0).abs() < error * 2f64.sqrt(), "rate {rate}: variance {square}");
        }
    }

    #[test]
    fn a_schedule_gives_each_step_its_deviation() {
        let layer = GaussianDropout::new(Linear::new(0.0, 0.5, 10));
        testing::check(&layer, &[&[10]]);
        assert_eq!(testing::train(&layer, &[4], &training(0), &[2.0; 4]), [2.0; 4]);
        let constant = testing::train(&GaussianDropout::new(0.25), &[4], &training(5), &[2.0; 4]);
        assert_eq!(testing::train(&layer, &[4], &training(5), &[2.0; 4]), constant);
    }

    #[test]
    fn a_bad_rate_is_explained() {
        let message = "rate must be in [0, 1) (the noise has the variance rate/(1 - rate)), got 1";
        testing::fails(&GaussianDropout::new(Linear::new(0.0, 1.0, 10)), &[3], message);
        let message = "rate: end_rate must be in [0, 1] (the fraction that is dropped), got 2";
        testing::fails(&GaussianDropout::new(Linear::new(0.0, 2.0, 10)), &[3], message);
        for rate in [1.0, -0.5, f64::NAN] {
            let message =
                format!("rate must be in [0, 1) (the noise has the variance rate/(1 - rate)), got {rate}");
            testing::fails(&GaussianDropout::new(rate), &[3], &message);
        }
    }
}
