//! The exponential linear unit as a layer.

use serde::{Deserialize, Serialize};

use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::activations::Elu;
use crate::shape::Shape;

/// x above zero, `alpha`·(eˣ − 1) below.
///
/// ```
/// use thinnet::layers::ELU;
/// let layer = ELU::new().alpha(0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ELU {
    #[serde(skip)]
    base: Base,
    alpha: f64,
}

impl Default for ELU {
    fn default() -> Self {
        Self { base: Base::default(), alpha: 1.0 }
    }
}

impl ELU {
    /// With α = 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Minus the limit far below zero; must not be negative. Default: 1.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    base_methods!();
}

impl Layer for ELU {
    layer_methods!("ELU");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        Built::activation(input, &Elu { alpha: self.alpha }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&ELU::new(), &[&[1], &[17], &[3, 5]]);
        testing::check(&ELU::new().alpha(0.25), &[&[17]]);
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let y = testing::infer(&ELU::new().alpha(2.0), &[3], &[-1.0, 0.0, 2.0]);
        assert!((y[0] + 1.264_241_1).abs() < 1e-6);
        assert_eq!(y[1..], [0.0, 2.0]);
    }

    #[test]
    fn a_bad_alpha_is_explained() {
        testing::fails(&ELU::new().alpha(-1.0), &[3], "alpha must be a number that is not negative, got -1");
    }
}
