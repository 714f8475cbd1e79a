//! The rectifier as a layer.

use serde::{Deserialize, Serialize};

use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::activations::Relu;
use crate::shape::Shape;

/// x above `threshold` (at most `max_value`), `negative_slope`·(x − `threshold`) below; by default max(x, 0).
///
/// ```
/// use thinnet::layers::ReLU;
/// let relu6 = ReLU::new().max_value(6.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReLU {
    #[serde(skip)]
    base: Base,
    max_value: Option<f64>,
    negative_slope: f64,
    threshold: f64,
}

impl ReLU {
    /// max(x, 0)
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest value; must be positive. Default: none.
    #[must_use]
    pub fn max_value(mut self, max_value: f64) -> Self {
        self.max_value = Some(max_value);
        self
    }

    /// The slope below the threshold; must not be negative. Default: 0.
    #[must_use]
    pub fn negative_slope(mut self, negative_slope: f64) -> Self {
        self.negative_slope = negative_slope;
        self
    }

    /// Where it starts; must not be negative. Default: 0.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    base_methods!();
}

impl Layer for ReLU {
    layer_methods!("ReLU");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let &Self { max_value, negative_slope, threshold, .. } = self;
        Built::activation(input, &Relu { max_value, negative_slope, threshold }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&ReLU::new(), &[&[1], &[17], &[3, 5]]);
        testing::check(&ReLU::new().max_value(1.0).negative_slope(0.25).threshold(0.5), &[&[17], &[3, 5]]);
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let x = [-2.0, 0.0, 0.5, 1.0, 7.0];
        assert_eq!(testing::infer(&ReLU::new(), &[5], &x), [0.0, 0.0, 0.5, 1.0, 7.0]);
        assert_eq!(testing::infer(&ReLU::new().max_value(6.0), &[5], &x), [0.0, 0.0, 0.5, 1.0, 6.0]);
        let all = ReLU::new().max_value(6.0).negative_slope(0.5).threshold(1.0);
        assert_eq!(testing::infer(&all, &[5], &x), [-1.5, -0.5, -0.25, 0.0, 6.0]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let message = "max_value must be positive (or absent), got -1";
        testing::fails(&ReLU::new().max_value(-1.0), &[3], message);
        let message = "threshold must be a number that is not negative, got -1";
        testing::fails(&ReLU::new().threshold(-1.0), &[3], message);
    }
}
