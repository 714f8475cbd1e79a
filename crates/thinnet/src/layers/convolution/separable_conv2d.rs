//! `SeparableConv2D`: a depthwise convolution, then a mixture of the channels.

use serde::{Deserialize, Serialize};

use super::channelwise::Channelwise;
use super::windows::{Windows, window_methods};
use super::{check_groups, check_size, convolution, multiplied};
use crate::layers::arguments::{Axis, Pair, map};
use crate::layers::weights::SeparableWeights;
use crate::layers::{
    Base, Built, Layer, Operation, activation_methods, base_methods, layer_methods, weight_methods,
};
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
    #[serde(flatten)]
    windows: Windows,
    depth_multiplier: usize,
    #[serde(flatten)]
    weights: SeparableWeights,
}

impl Default for SeparableConv2D {
    /// Without filters: they must be given, and the kernel's size.
    fn default() -> Self {
        Self {
            base: Base::default(),
            filters: 0,
            windows: Windows::default(),
            depth_multiplier: 1,
            weights: SeparableWeights::default(),
        }
    }
}

impl SeparableConv2D {
    /// `filters` kernels of a size: one number for both sides, or (rows, columns).
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self { filters, windows: Windows::new(kernel_size.into()), ..Self::default() }
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
        "depthwise kernel" in weights,
        depthwise_initializer = "glorot_uniform",
        depthwise_regularizer,
        depthwise_constraint
    );

    weight_methods!(
        "pointwise kernel" in weights,
        pointwise_initializer = "glorot_uniform",
        pointwise_regularizer,
        pointwise_constraint
    );
}

impl Layer for SeparableConv2D {
    layer_methods!("SeparableConv2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let (filters, between) = (self.filters, multiplied(channels, self.depth_multiplier)?);
        check_groups(1, between, filters)?;
        let axes = self.windows.axes([rows, columns])?;
        check_size(&axes, between.max(filters))?;
        let [height, width] = self.windows.kernel_size.0;
        let depthwise = vec![height, width, channels, self.depth_multiplier];
        let pointwise = vec![1, 1, between, filters];
        let variables = self.weights.variables(depthwise, pointwise, filters)?;
        let output = Shape::from([axes[0].output, axes[1].output, filters]);
        let depthwise = Channelwise::new(axes, channels, self.depth_multiplier, false);
        let places = axes.map(|axis| Axis::places(axis.output));
        let pointwise = convolution(places, between, filters, 1, 1..variables.len());
        let operations = vec![Operation::transform(depthwise, 0..1), pointwise];
        self.weights.built(output, variables, operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Padding, testing};

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
        let message = format!("depth_multiplier {} is too large for 3 channels", usize::MAX);
        testing::fails(&layer.depth_multiplier(usize::MAX), &[5, 5, 3], &message);
        let layer = SeparableConv2D::new(usize::MAX, 3);
        assert!(layer.build(&[5, 5, 1].into()).unwrap_err().starts_with("maps of 7×7 places and 18446744"));
    }
}
