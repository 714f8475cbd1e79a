//! The leaky rectifier as a layer.

use serde::{Deserialize, Serialize};

use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::activations::LeakyRelu;
use crate::shape::Shape;

/// x above zero, `negative_slope`·x below.
///
/// ```
/// use thinnet::layers::LeakyReLU;
/// let layer = LeakyReLU::new().negative_slope(0.1);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeakyReLU {
    #[serde(skip)]
    base: Base,
    negative_slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        Self { base: Base::default(), negative_slope: 0.3 }
    }
}

impl LeakyReLU {
    /// With a slope of 0.3 below zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The slope below zero; must not be negative. Default: 0.3 (Keras's activation `leaky_relu` has 0.2).
    #[must_use]
    pub fn negative_slope(mut self, negative_slope: f64) -> Self {
        self.negative_slope = negative_slope;
        self
    }

    base_methods!();
}

impl Layer for LeakyReLU {
    layer_methods!("LeakyReLU");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        Built::activation(input, &LeakyRelu { negative_slope: self.negative_slope }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&LeakyReLU::new(), &[&[1], &[17], &[3, 5]]);
    }

    #[test]
    fn values_are_those_of_the_definition() {
        assert_eq!(testing::infer(&LeakyReLU::new(), &[3], &[-1.0, 0.0, 2.0]), [-0.3, 0.0, 2.0]);
    }

    #[test]
    fn a_bad_slope_is_explained() {
        let message = "negative_slope must be a number that is not negative, got NaN";
        testing::fails(&LeakyReLU::new().negative_slope(f64::NAN), &[3], message);
    }
}
