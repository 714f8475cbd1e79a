//! An activation as a layer of its own.

use serde::{Deserialize, Serialize};

use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::activations;
use crate::config::Argument;
use crate::shape::Shape;

/// Applies an activation, given by value or by name.
///
/// ```
/// use thinnet::activations::Relu;
/// use thinnet::layers::Activation;
/// assert_eq!(Activation::new(Relu), Activation::new("relu"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activation {
    #[serde(skip)]
    base: Base,
    activation: Argument<activations::Activation>,
}

impl Activation {
    /// A layer that applies `activation`. A name that is not known is an error when the model is built.
    pub fn new(activation: impl Into<Argument<activations::Activation>>) -> Self {
        Self { activation: activation.into(), ..Self::default() }
    }

    base_methods!();
}

impl Layer for Activation {
    layer_methods!("Activation");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        Built::activation(input, self.activation.get()?)
    }
}

impl Built {
    /// A layer that is an activation and nothing else.
    pub(super) fn activation(input: &Shape, activation: &activations::Activation) -> Result<Self, String> {
        activation.check()?;
        Ok(Self {
            operations: activation.operation(input).into_iter().collect(),
            ..Self::view(input.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::activations::{Elu, Gelu, LeakyRelu, Relu};

    #[test]
    fn every_activation_behaves_as_a_layer() {
        for name in [
            "linear",
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "selu",
            "gelu",
            "sigmoid",
            "tanh",
            "softplus",
            "silu",
            "softmax",
            "log_softmax",
        ] {
            testing::check(&Activation::new(name), &[&[1], &[10], &[3, 5]]);
        }
    }

    #[test]
    fn activations_with_arguments_behave_as_layers() {
        let all: [activations::Activation; 6] = [
            Relu.max_value(1.0).into(),
            Relu.negative_slope(0.5).into(),
            Relu.negative_slope(0.5).threshold(0.5).max_value(1.5).into(),
            LeakyRelu.negative_slope(0.0).into(),
            Elu.alpha(0.5).into(),
            Gelu.approximate(true).into(),
        ];
        for activation in all {
            testing::check(&Activation::new(activation), &[&[10], &[3, 5]]);
        }
    }

    #[test]
    fn unknown_names_and_bad_arguments_wait_for_the_build() {
        let unknown = "unknown activation `sigmoidd`: did you mean `sigmoid`?";
        testing::fails(&Activation::new("sigmoidd"), &[3], unknown);
        let negative = "alpha must be a number that is not negative, got -1";
        testing::fails(&Activation::new(Elu.alpha(-1.0)), &[3], negative);
    }
}
