//! Layers that bring their inputs to mean 0 and variance 1.

mod batch_normalization;
mod layer_normalization;

pub use batch_normalization::BatchNormalization;
pub use layer_normalization::{Axes, LayerNormalization};

use crate::shape::Shape;

/// An axis of samples as 0, 1, …, from Keras's number, which counts the batch as axis 0 or from the end.
fn axis(number: i64, input: &Shape) -> Result<usize, String> {
    let rank = input.rank() as i64;
    let axis = if number < 0 { number + rank } else { number - 1 };
    if !(0..rank).contains(&axis) {
        return Err(format!(
            "axis must be in 1..={rank} or -{rank}..=-1 for an input of {input}, got {number}"
        ));
    }
    Ok(axis as usize)
}

/// Checks what is added to the variance.
fn check_epsilon(epsilon: f64) -> Result<(), String> {
    if epsilon >= 0.0 && epsilon.is_finite() {
        return Ok(());
    }
    Err(format!("epsilon must be a number from 0 on, got {epsilon}"))
}
