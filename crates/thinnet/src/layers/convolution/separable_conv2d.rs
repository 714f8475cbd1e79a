//! `SeparableConv2D`: a depthwise convolution, then a mixture of the channels.

use serde::{Deserialize, Serialize};

use super::channelwise::Channelwise;
use super::{axes, check_groups, check_multiplier, convolution, window_methods};
use crate::activations::Activation;
use crate::config::Argument;
use crate::constraints::Constraint;
use crate::initializers::Initializer;
use crate::layers::arguments::{Axis, DataFormat, Padding, Pair, map};
use crate::layers::{
    Base, Built, Layer, Operation, Variable, activation_methods, base_methods, layer_methods, weight_methods,
};
use crate::regularizers::Regularizer;
use crate::shape::Shape;

/// A depthwise convolution ([`DepthwiseConv2D`](super::DepthwiseConv2D) without bias and activation), then a convolution with
/// kernels of one place (pointwise), a bias and an activation: (rows, columns, channels) becomes (rows', columns', filters).
///
/// Variables: `depthwise_kernel` (rows, columns, channels, depth_multiplier), `pointwise_kernel` (1, 1,
/// channels·depth_multiplier, filters) and, unless switched off, `bias` (filters).
///
/// ```
/// use thinnet::prelude::*;
/// let built = SeparableConv2D::new(16, 3).build(&Shape::from([8, 8, 5])).unwrap();
/// assert_eq!(built.output, Shape::from([6, 6, 16]));
/// assert_eq!(built.variables[1].shape, [1, 1, 5, 16]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeparableConv2D {
    #[serde(skip)]
    base: Base,
    filters: usize,
    kernel_size: Pair,
    strides: Pair,
    padding: Argument<Padding>,
    data_format: DataFormat,
    dilation_rate: Pair,
    depth_multiplier: usize,
    activation: Argument<Activation>,
    use_bias: bool,
    depthwise_initializer: Argument<Initializer>,
    pointwise_initializer: Argument<Initializer>,
    bias_initializer: Argument<Initializer>,
    depthwise_regularizer: Option<Argument<Regularizer>>,
    pointwise_regularizer: Option<Argument<Regularizer>>,
    bias_regularizer: Option<Argument<Regularizer>>,
    activity_regularizer: Option<Argument<Regularizer>>,
    depthwise_constraint: Option<Argument<Constraint>>,
    pointwise_constraint: Option<Argument<Constraint>>,
    bias_constraint: Option<Argument<Constraint>>,
}

impl Default for SeparableConv2D {
    /// Without filters: they must be given, and the kernel's size.
    fn default() -> Self {
        Self {
            base: Base::default(),
            filters: 0,
            kernel_size: Pair([1, 1]),
            strides: Pair([1, 1]),
            padding: Padding::Valid.into(),
            data_format: DataFormat,
            dilation_rate: Pair([1, 1]),
            depth_multiplier: 1,
            activation: Activation::Linear.into(),
            use_bias: true,
            depthwise_initializer: "glorot_uniform".into(),
            pointwise_initializer: "glorot_uniform".into(),
            bias_initializer: "zeros".into(),
            depthwise_regularizer: None,
            pointwise_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            depthwise_constraint: None,
            pointwise_constraint: None,
            bias_constraint: None,
        }
    }
}

impl SeparableConv2D {
    /// `filters` kernels of a size: one number for both sides, or (rows, columns).
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self { filters, kernel_size: kernel_size.into(), ..Self::default() }
    }

    base_methods!();

    window_methods!();

    /// Depthwise kernels for each channel. Default: 1.
    #[must_use]
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> Self {
        self.depth_multiplier = depth_multiplier;
        self
    }

    activation_methods!();

    weight_methods!(
        "depthwise kernel",
        depthwise_initializer = "glorot_uniform",
        depthwise_regularizer,
        depthwise_constraint
    );

    weight_methods!(
        "pointwise kernel",
        pointwise_initializer = "glorot_uniform",
        pointwise_regularizer,
        pointwise_constraint
    );
}

impl Layer for SeparableConv2D {
    layer_methods!("SeparableConv2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let (filters, between) = (self.filters, channels * self.depth_multiplier);
        check_multiplier(self.depth_multiplier)?;
        check_groups(1, between, filters)?;
        let axes =
            axes([rows, columns], self.kernel_size, self.strides, self.dilation_rate, *self.padding.get()?)?;
        let [height, width] = self.kernel_size.0;
        let mut variables = vec![
            Variable::weights(
                "depthwise_kernel",
                vec![height, width, channels, self.depth_multiplier],
                &self.depthwise_initializer,
                self.depthwise_regularizer.as_ref(),
                self.depthwise_constraint.as_ref(),
            )?,
            Variable::weights(
                "pointwise_kernel",
                vec![1, 1, between, filters],
                &self.pointwise_initializer,
                self.pointwise_regularizer.as_ref(),
                self.pointwise_constraint.as_ref(),
            )?,
        ];
        if self.use_bias {
            variables.push(Variable::weights(
                "bias",
                vec![filters],
                &self.bias_initializer,
                self.bias_regularizer.as_ref(),
                self.bias_constraint.as_ref(),
            )?);
        }
        let output = Shape::from([axes[0].output, axes[1].output, filters]);
        let depthwise = Channelwise::new(axes, channels, self.depth_multiplier, false);
        let places = axes.map(|axis| Axis::places(axis.output));
        let pointwise = convolution(places, between, filters, 1, 1..variables.len());
        let operations = vec![Operation::transform(depthwise, 0..1), pointwise];
        Built::weighted(output, variables, operations, &self.activation, self.activity_regularizer.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&SeparableConv2D::new(2, 2), &[&[3, 3, 1], &[3, 2, 3]]);
        let same = SeparableConv2D::new(3, (2, 3)).padding(Padding::Same).strides(2).depth_multiplier(2);
        testing::check(&same.activation("tanh").use_bias(false), &[&[3, 4, 2]]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let layer = SeparableConv2D::new(4, 3).depth_multiplier(0);
        testing::fails(&layer, &[5, 5, 3], "depth_multiplier must be a positive integer, got 0");
    }
}
