//! `DepthwiseConv2D`: kernels of its own for each channel of a map.

use serde::{Deserialize, Serialize};

use super::channelwise::Channelwise;
use super::windows::{Windows, window_methods};
use super::{check_size, multiplied};
use crate::layers::arguments::{Pair, map};
use crate::layers::weights::DepthwiseWeights;
use crate::layers::{
    Base, Built, Layer, Operation, activation_methods, base_methods, layer_methods, weight_methods,
};
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
    #[serde(flatten)]
    windows: Windows,
    depth_multiplier: usize,
    #[serde(flatten)]
    weights: DepthwiseWeights,
}

impl Default for DepthwiseConv2D {
    /// With a kernel of 1: its size must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            windows: Windows::default(),
            depth_multiplier: 1,
            weights: DepthwiseWeights::default(),
        }
    }
}

impl DepthwiseConv2D {
    /// Kernels of a size: one number for both sides, or (rows, columns).
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self { windows: Windows::new(kernel_size.into()), ..Self::default() }
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
        "kernel" in weights,
        depthwise_initializer = "glorot_uniform",
        depthwise_regularizer,
        depthwise_constraint
    );
}

impl Layer for DepthwiseConv2D {
    layer_methods!("DepthwiseConv2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let outputs = multiplied(channels, self.depth_multiplier)?;
        let axes = self.windows.axes([rows, columns])?;
        check_size(&axes, outputs)?;
        let [height, width] = self.windows.kernel_size.0;
        let variables =
            self.weights.variables(vec![height, width, channels, self.depth_multiplier], outputs)?;
        let output = Shape::from([axes[0].output, axes[1].output, outputs]);
        let product = Channelwise::new(axes, channels, self.depth_multiplier, self.weights.use_bias);
        let operations = vec![Operation::transform(product, 0..variables.len())];
        self.weights.built(output, variables, operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Padding, testing};

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
        let layer = layer.depth_multiplier(usize::MAX);
        let message = format!("depth_multiplier {} is too large for 3 channels", usize::MAX);
        testing::fails(&layer, &[5, 5, 3], &message);
        assert!(layer.build(&[5, 5, 1].into()).unwrap_err().starts_with("maps of 7×7 places and 18446744"));
    }
}
