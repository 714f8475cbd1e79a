//! `Conv2D`: kernels that slide over maps.

use serde::{Deserialize, Serialize};

use super::windows::{Windows, window_methods};
use super::{check_groups, check_size, convolution};
use crate::layers::arguments::{Pair, map};
use crate::layers::weights::Weights;
use crate::layers::{Base, Built, Layer, activation_methods, base_methods, layer_methods, weight_methods};
use crate::shape::Shape;

/// Cross-correlates maps with `filters` kernels, adds a bias and applies an activation: (rows, columns, channels) becomes
/// (rows', columns', filters), where rows' = ⌊(rows − extent) / stride⌋ + 1 for padding "valid" and ⌈rows / stride⌉ for
/// "same", with extent = (kernel − 1)·dilation + 1; columns likewise.
///
/// y\[i, j, f\] = activation(bias\[f\] + Σ x\[i·stride + a·dilation, j·stride + b·dilation, c\]·kernel\[a, b, c, f\])
///
/// Variables: `kernel` (rows, columns, channels / groups, filters) and, unless switched off, `bias` (filters).
///
/// ```
/// use thinnet::prelude::*;
/// let layer = Conv2D::new(32, (3, 3)).padding(Padding::Same).activation(Relu);
/// let built = layer.build(&Shape::from([32, 32, 3])).unwrap();
/// assert_eq!(built.output, Shape::from([32, 32, 32]));
/// assert_eq!(built.variables[0].shape, [3, 3, 3, 32]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conv2D {
    #[serde(skip)]
    base: Base,
    filters: usize,
    #[serde(flatten)]
    windows: Windows,
    groups: usize,
    #[serde(flatten)]
    weights: Weights,
}

impl Default for Conv2D {
    /// Without filters: they must be given, and the kernel's size.
    fn default() -> Self {
        Self {
            base: Base::default(),
            filters: 0,
            windows: Windows::default(),
            groups: 1,
            weights: Weights::default(),
        }
    }
}

impl Conv2D {
    /// `filters` kernels of a size: one number for both sides, or (rows, columns).
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self { filters, windows: Windows::new(kernel_size.into()), ..Self::default() }
    }

    base_methods!();

    window_methods!();

    /// Into how many groups channels and filters are dealt: each filter sees its group's channels. Default: 1.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    activation_methods!();

    weight_methods!(
        "kernel" in weights,
        kernel_initializer = "glorot_uniform", kernel_regularizer, kernel_constraint);
}

impl Layer for Conv2D {
    layer_methods!("Conv2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let (filters, groups) = (self.filters, self.groups);
        check_groups(groups, channels, filters)?;
        let axes = self.windows.axes([rows, columns])?;
        check_size(&axes, channels.max(filters))?;
        let [height, width] = self.windows.kernel_size.0;
        let variables = self.weights.variables(vec![height, width, channels / groups, filters], filters)?;
        let output = Shape::from([axes[0].output, axes[1].output, filters]);
        let operations = vec![convolution(axes, channels, filters, groups, 0..variables.len())];
        self.weights.built(output, variables, operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::Tanh;
    use crate::layers::{Padding, testing};

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Conv2D::new(2, 3), &[&[3, 3, 1], &[4, 5, 2]]);
        testing::check(&Conv2D::new(3, (2, 1)).use_bias(false).activation(Tanh), &[&[2, 3, 2]]);
        testing::check(&Conv2D::new(17, 1), &[&[1, 2, 3]]);
    }

    #[test]
    fn behaves_with_every_padding_stride_and_dilation() {
        for padding in [Padding::Valid, Padding::Same] {
            for kernel in [(2, 2), (3, 2), (1, 3)] {
                let layer = Conv2D::new(2, kernel).padding(padding);
                testing::check(&layer.clone().strides((2, 3)), &[&[4, 5, 1], &[5, 4, 2]]);
                testing::check(&layer.dilation_rate((2, 1)), &[&[5, 3, 2]]);
            }
        }
    }

    #[test]
    fn behaves_with_groups() {
        testing::check(&Conv2D::new(4, 2).groups(2), &[&[3, 3, 4]]);
        testing::check(&Conv2D::new(6, (1, 2)).groups(3).padding(Padding::Same), &[&[2, 3, 3]]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let layer = Conv2D::new(4, 3);
        testing::fails(
            &layer,
            &[28, 28],
            "expected maps of shape (rows, columns, channels), got samples of shape (None, 28, 28): for images without an \
             axis of channels, put a Reshape before",
        );
        testing::fails(
            &layer.clone().groups(2),
            &[5, 5, 3],
            "the number of input channels must be divisible by groups = 2, got 3",
        );
        testing::fails(
            &layer.clone().groups(3),
            &[5, 5, 3],
            "the number of filters must be divisible by groups = 3, got 4",
        );
        testing::fails(
            &layer.clone().strides(2).dilation_rate(2),
            &[9, 9, 3],
            "strides (2, 2) and dilation_rate (2, 2) cannot both be larger than 1, as in Keras",
        );
        testing::fails(
            &layer.padding(Padding::Causal),
            &[5, 5, 3],
            "padding must be \"valid\" or \"same\": \"causal\" is for Conv1D",
        );
        testing::fails(&Conv2D::new(0, 3), &[5, 5, 3], "filters must be a positive integer, got 0");
        testing::fails(
            &Conv2D::new(usize::MAX, 3),
            &[5, 5, 3],
            &format!(
                "maps of 7×7 places and {} channels, with the zeros around them, are too large: use fewer channels, a \
                 smaller kernel or smaller inputs",
                usize::MAX
            ),
        );
        let wide = Conv2D::new(1, 2).padding(Padding::Same).dilation_rate(1 << 20);
        assert!(
            wide.build(&[5, 5, 3].into()).unwrap_err().starts_with("maps of 1048581×1048581 places and 3")
        );
    }
}
