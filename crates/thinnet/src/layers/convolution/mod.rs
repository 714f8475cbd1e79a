//! Convolutions of sequences and of maps, channels last.

mod channelwise;
mod conv1d;
mod conv2d;
mod depthwise_conv2d;
mod filtering;
mod product;
mod separable_conv2d;

pub use conv1d::Conv1D;
pub use conv2d::Conv2D;
pub use depthwise_conv2d::DepthwiseConv2D;
pub use separable_conv2d::SeparableConv2D;

use std::ops::Range;

use self::filtering::Filtering;
use self::product::Convolution;
use super::Operation;
use super::arguments::{Axis, Padding, Pair};

/// The convolution of maps of `inputs` channels, by the algorithm that takes less time. `variables` are the places of its
/// kernel and, where there is one, its bias.
fn convolution(
    axes: [Axis; 2],
    inputs: usize,
    outputs: usize,
    groups: usize,
    variables: Range<usize>,
) -> Operation {
    let use_bias = variables.len() > 1;
    if Filtering::pays(&axes, inputs, outputs, groups) {
        Operation::transform(Filtering::new(axes, inputs, outputs, use_bias), variables)
    } else {
        Operation::transform(Convolution::new(axes, inputs, outputs, groups, use_bias), variables)
    }
}

/// How a kernel's windows lie in a map of some rows and columns.
fn axes(
    [rows, columns]: [usize; 2],
    kernel: Pair,
    strides: Pair,
    dilation: Pair,
    padding: Padding,
) -> Result<[Axis; 2], String> {
    if padding == Padding::Causal {
        return Err("padding must be \"valid\" or \"same\": \"causal\" is for Conv1D".into());
    }
    if strides.0.iter().any(|&stride| stride > 1) && dilation.0.iter().any(|&rate| rate > 1) {
        return Err(format!(
            "strides {strides} and dilation_rate {dilation} cannot both be larger than 1, as in Keras"
        ));
    }
    let axis = |index: usize, input: usize| {
        Axis::new("kernel_size", input, [kernel.0[index], strides.0[index], dilation.0[index]], padding)
    };
    Ok([axis(0, rows)?, axis(1, columns)?])
}

/// The builder methods that say how windows lie in maps.
macro_rules! window_methods {
    () => {
        /// How far apart neighbouring windows are. Default: 1.
        #[must_use]
        pub fn strides(mut self, strides: impl Into<$crate::layers::Pair>) -> Self {
            self.strides = strides.into();
            self
        }

        /// What windows find beyond the edge. Default: valid.
        #[must_use]
        pub fn padding(
            mut self,
            padding: impl Into<$crate::config::Argument<$crate::layers::Padding>>,
        ) -> Self {
            self.padding = padding.into();
            self
        }

        /// How far apart neighbouring elements of a window are; with strides of 1 only. Default: 1.
        #[must_use]
        pub fn dilation_rate(mut self, dilation_rate: impl Into<$crate::layers::Pair>) -> Self {
            self.dilation_rate = dilation_rate.into();
            self
        }
    };
}
use window_methods;

/// Checks that channels can be dealt out to groups.
fn check_groups(groups: usize, inputs: usize, filters: usize) -> Result<(), String> {
    if filters == 0 {
        return Err("filters must be a positive integer, got 0".into());
    }
    if groups == 0 {
        return Err("groups must be a positive integer, got 0".into());
    }
    for (what, channels) in [("input channels", inputs), ("filters", filters)] {
        if channels % groups != 0 {
            return Err(format!(
                "the number of {what} must be divisible by groups = {groups}, got {channels}"
            ));
        }
    }
    Ok(())
}

fn check_multiplier(multiplier: usize) -> Result<(), String> {
    if multiplier == 0 {
        return Err("depth_multiplier must be a positive integer, got 0".into());
    }
    Ok(())
}
