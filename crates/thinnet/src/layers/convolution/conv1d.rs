//! `Conv1D`: kernels that slide along sequences.

use serde::{Deserialize, Serialize};

use super::{check_groups, check_size, convolution};
use crate::config::Argument;
use crate::layers::arguments::{Axis, DataFormat, Padding, Single, sequence};
use crate::layers::weights::Weights;
use crate::layers::{Base, Built, Layer, activation_methods, base_methods, layer_methods, weight_methods};
use crate::shape::Shape;

/// Cross-correlates sequences with `filters` kernels, adds a bias and applies an activation: (steps, channels) becomes
/// (steps', filters), where steps' = ⌊(steps − extent) / stride⌋ + 1 for padding "valid" and ⌈steps / stride⌉ for "same"
/// and "causal", with extent = (kernel − 1)·dilation + 1.
///
/// y\[t, f\] = activation(bias\[f\] + Σ x\[t·stride + a·dilation, c\]·kernel\[a, c, f\])
///
/// Variables: `kernel` (steps, channels / groups, filters) and, unless switched off, `bias` (filters).
///
/// ```
/// use thinnet::prelude::*;
/// let layer = Conv1D::new(8, 3).padding(Padding::Causal).activation(Relu);
/// let built = layer.build(&Shape::from([100, 4])).unwrap();
/// assert_eq!(built.output, Shape::from([100, 8]));
/// assert_eq!(built.variables[0].shape, [3, 4, 8]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conv1D {
    #[serde(skip)]
    base: Base,
    filters: usize,
    kernel_size: Single,
    strides: Single,
    padding: Argument<Padding>,
    data_format: DataFormat,
    dilation_rate: Single,
    groups: usize,
    #[serde(flatten)]
    weights: Weights,
}

impl Default for Conv1D {
    /// Without filters: they must be given, and the kernel's size.
    fn default() -> Self {
        Self {
            base: Base::default(),
            filters: 0,
            kernel_size: Single(1),
            strides: Single(1),
            padding: Padding::Valid.into(),
            data_format: DataFormat,
            dilation_rate: Single(1),
            groups: 1,
            weights: Weights::default(),
        }
    }
}

impl Conv1D {
    /// `filters` kernels of some steps.
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self { filters, kernel_size: Single(kernel_size), ..Self::default() }
    }

    base_methods!();

    /// How far apart neighbouring windows are. Default: 1.
    #[must_use]
    pub fn strides(mut self, strides: usize) -> Self {
        self.strides = Single(strides);
        self
    }

    /// What windows find beyond the edge. Default: valid.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Argument<Padding>>) -> Self {
        self.padding = padding.into();
        self
    }

    /// How far apart neighbouring elements of a window are; with strides of 1 only. Default: 1.
    #[must_use]
    pub fn dilation_rate(mut self, dilation_rate: usize) -> Self {
        self.dilation_rate = Single(dilation_rate);
        self
    }

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

impl Layer for Conv1D {
    layer_methods!("Conv1D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [steps, channels] = sequence(input)?;
        let (filters, groups) = (self.filters, self.groups);
        check_groups(groups, channels, filters)?;
        let (Single(kernel), Single(stride), Single(dilation)) =
            (self.kernel_size, self.strides, self.dilation_rate);
        if stride > 1 && dilation > 1 {
            return Err(format!(
                "strides {stride} and dilation_rate {dilation} cannot both be larger than 1, as in Keras"
            ));
        }
        let axis = Axis::new("kernel_size", steps, [kernel, stride, dilation], *self.padding.get()?)?;
        check_size(&[Axis::ONE, axis], channels.max(filters))?;
        let variables = self.weights.variables(vec![kernel, channels / groups, filters], filters)?;
        let output = Shape::from([axis.output, filters]);
        let operations = vec![convolution([Axis::ONE, axis], channels, filters, groups, 0..variables.len())];
        self.weights.built(output, variables, operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        for padding in [Padding::Valid, Padding::Same, Padding::Causal] {
            let layer = Conv1D::new(2, 3).padding(padding).activation("tanh");
            testing::check(&layer, &[&[3, 1], &[6, 2]]);
            testing::check(&layer.clone().strides(2), &[&[6, 2], &[7, 1]]);
            testing::check(&layer.dilation_rate(2), &[&[7, 2]]);
        }
        testing::check(&Conv1D::new(4, 2).groups(2).use_bias(false), &[&[4, 2]]);
    }

    #[test]
    fn a_causal_output_does_not_depend_on_what_comes_later() {
        let layer = Conv1D::new(1, 3).padding(Padding::Causal).dilation_rate(2);
        let x: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let mut later = x.clone();
        later[5] = 100.0;
        let [y, changed] = [&x, &later].map(|x| testing::infer(&layer, &[8, 1], x));
        assert_eq!(y[..5], changed[..5]);
        assert_ne!(y[5], changed[5]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        testing::fails(
            &Conv1D::new(4, 3),
            &[28],
            "expected sequences of shape (steps, channels), got samples of shape (None, 28)",
        );
        testing::fails(
            &Conv1D::new(4, 9),
            &[5, 1],
            "kernel_size 9 does not fit into an input of 5 places along this axis: use a smaller one, padding \"same\", or \
             larger inputs",
        );
        let layer = Conv1D::new(usize::MAX, 3);
        assert!(layer.build(&[5, 1].into()).unwrap_err().starts_with("maps of 1×7 places and 18446744"));
    }
}
