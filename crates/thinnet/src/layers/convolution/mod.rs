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

/// The channels that come of a depthwise convolution.
fn multiplied(channels: usize, multiplier: usize) -> Result<usize, String> {
    if multiplier == 0 {
        return Err("depth_multiplier must be a positive integer, got 0".into());
    }
    let too_large = || format!("depth_multiplier {multiplier} is too large for {channels} channels");
    channels.checked_mul(multiplier).ok_or_else(too_large)
}

/// Checks that a map of `channels`, with the zeros that may surround it or its gradient, is not too large: the kernels count
/// its elements in 32 bits.
fn check_size(axes: &[Axis; 2], channels: usize) -> Result<(), String> {
    let [rows, columns] = axes.each_ref().map(|axis| axis.input + axis.extent() - 1);
    let len = rows.checked_mul(columns).and_then(|places| places.checked_mul(channels));
    if len.is_some_and(|len| u32::try_from(len).is_ok()) {
        return Ok(());
    }
    Err(format!(
        "maps of {rows}×{columns} places and {channels} channels, with the zeros around them, are too large: use fewer \
         channels, a smaller kernel or smaller inputs"
    ))
}
