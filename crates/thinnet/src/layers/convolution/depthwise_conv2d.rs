//! `DepthwiseConv2D`: kernels of its own for each channel of a map.

use serde::{Deserialize, Serialize};

use super::channelwise::Channelwise;
use super::{axes, check_multiplier, window_methods};
use crate::activations::Activation;
use crate::config::Argument;
use crate::constraints::Constraint;
use crate::initializers::Initializer;
use crate::layers::arguments::{DataFormat, Padding, Pair, map};
use crate::layers::{
    Base, Built, Layer, Operation, Variable, activation_methods, base_methods, layer_methods, weight_methods,
};
use crate::regularizers::Regularizer;
use crate::shape::Shape;

/// Cross-correlates each channel of a map with `depth_multiplier` kernels of its own, adds a bias and applies an
/// activation: (rows, columns, channels) becomes (rows', columns', channels·depth_multiplier); rows' and columns' are as for
/// [`Conv2D`](super::Conv2D). The channels that come of channel c start at c·depth_multiplier.
///
/// Variables: `kernel` (rows, columns, channels, depth_multiplier) and, unless switched off, `bias`.
///
/// ```
/// use thinnet::prelude::*;
/// let built = DepthwiseConv2D::new(3).depth_multiplier(2).build(&Shape::from([8, 8, 5])).unwrap();
/// assert_eq!(built.output, Shape::from([6, 6, 10]));
/// assert_eq!(built.variables[0].shape, [3, 3, 5, 2]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DepthwiseConv2D {
    #[serde(skip)]
    base: Base,
    kernel_size: Pair,
    strides: Pair,
    padding: Argument<Padding>,
    data_format: DataFormat,
    dilation_rate: Pair,
    depth_multiplier: usize,
    activation: Argument<Activation>,
    use_bias: bool,
    depthwise_initializer: Argument<Initializer>,
    bias_initializer: Argument<Initializer>,
    depthwise_regularizer: Option<Argument<Regularizer>>,
    bias_regularizer: Option<Argument<Regularizer>>,
    activity_regularizer: Option<Argument<Regularizer>>,
    depthwise_constraint: Option<Argument<Constraint>>,
    bias_constraint: Option<Argument<Constraint>>,
}

impl Default for DepthwiseConv2D {
    /// With a kernel of 1: its size must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            kernel_size: Pair([1, 1]),
            strides: Pair([1, 1]),
            padding: Padding::Valid.into(),
            data_format: DataFormat,
            dilation_rate: Pair([1, 1]),
            depth_multiplier: 1,
            activation: Activation::Linear.into(),
            use_bias: true,
            depthwise_initializer: "glorot_uniform".into(),
            bias_initializer: "zeros".into(),
            depthwise_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            depthwise_constraint: None,
            bias_constraint: None,
        }
    }
}

impl DepthwiseConv2D {
    /// Kernels of a size: one number for both sides, or (rows, columns).
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self { kernel_size: kernel_size.into(), ..Self::default() }
    }

    base_methods!();

    window_methods!();

    /// Kernels for each channel. Default: 1.
    #[must_use]
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> Self {
        self.depth_multiplier = depth_multiplier;
        self
    }

    activation_methods!();

    weight_methods!(
        "kernel",
        depthwise_initializer = "glorot_uniform",
        depthwise_regularizer,
        depthwise_constraint
    );
}

impl Layer for DepthwiseConv2D {
    layer_methods!("DepthwiseConv2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        check_multiplier(self.depth_multiplier)?;
        let axes =
            axes([rows, columns], self.kernel_size, self.strides, self.dilation_rate, *self.padding.get()?)?;
        let [height, width] = self.kernel_size.0;
        let mut variables = vec![Variable::weights(
            "kernel",
            vec![height, width, channels, self.depth_multiplier],
            &self.depthwise_initializer,
            self.depthwise_regularizer.as_ref(),
            self.depthwise_constraint.as_ref(),
        )?];
        if self.use_bias {
            variables.push(Variable::weights(
                "bias",
                vec![channels * self.depth_multiplier],
                &self.bias_initializer,
                self.bias_regularizer.as_ref(),
                self.bias_constraint.as_ref(),
            )?);
        }
        let output = Shape::from([axes[0].output, axes[1].output, channels * self.depth_multiplier]);
        let product = Channelwise::new(axes, channels, self.depth_multiplier, self.use_bias);
        let operations = vec![Operation::transform(product, 0..variables.len())];
        Built::weighted(output, variables, operations, &self.activation, self.activity_regularizer.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        for padding in [Padding::Valid, Padding::Same] {
            let layer = DepthwiseConv2D::new((2, 3)).padding(padding).activation("tanh");
            testing::check(&layer, &[&[3, 3, 1], &[4, 3, 3]]);
            testing::check(&layer.clone().strides(2).depth_multiplier(2), &[&[4, 5, 2]]);
            testing::check(&layer.dilation_rate((2, 1)).use_bias(false), &[&[4, 3, 2]]);
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        let layer = DepthwiseConv2D::new(3).depth_multiplier(0);
        testing::fails(&layer, &[5, 5, 3], "depth_multiplier must be a positive integer, got 0");
    }
}
