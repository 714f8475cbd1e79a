//! Convolutions of sequences and of maps, channels last.

mod channelwise;
mod conv1d;
mod conv2d;
mod depthwise_conv2d;
mod filtering;
mod product;
mod separable_conv2d;
mod windows;

pub use conv1d::Conv1D;
pub use conv2d::Conv2D;
pub use depthwise_conv2d::DepthwiseConv2D;
pub use separable_conv2d::SeparableConv2D;

use std::ops::Range;

use self::filtering::Filtering;
use self::product::Convolution;
use super::Operation;
use super::arguments::Axis;

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
