//! What the metrics share: going over rows and positions.

use crate::data::TargetRows;
use crate::losses::{Target, TargetKind, check_same_shape};
use crate::shape::Shape;

/// Calls `position` with each row's number, and the predictions and targets of each of its positions, which are the
/// predictions along the last axis.
pub(super) fn for_positions<'a>(
    outputs: &Shape,
    predictions: &'a [f32],
    targets: TargetRows<'a>,
    mut position: impl FnMut(usize, &'a [f32], Target<'a>),
) {
    let (len, width) = (outputs.len(), outputs.last());
    for (index, predictions) in predictions.chunks_exact(width).enumerate() {
        let row = index * width / len;
        let target = match targets {
            TargetRows::Classes(classes) => Target::Class(classes[row] as usize),
            TargetRows::Values(values) => Target::Values(&values[index * width..][..width]),
        };
        position(row, predictions, target);
    }
}

/// Adds the weighted mean over positions of 0 or 1 to a state of (sum, weight).
pub(super) fn add_matches(
    state: &mut [f64],
    outputs: &Shape,
    predictions: &[f32],
    targets: TargetRows,
    weights: &[f32],
    matches: impl Fn(&[f32], Target) -> f64,
) {
    let share = outputs.last() as f64 / outputs.len() as f64;
    for_positions(outputs, predictions, targets, |row, predictions, target| {
        let weight = f64::from(weights[row]) * share;
        state[0] += weight * matches(predictions, target);
        state[1] += weight;
    });
}

/// The mean of a state of (sum, weight); 0 of nothing, as in Keras.
pub(super) fn mean(state: &[f64]) -> f64 {
    if state[1] == 0.0 { 0.0 } else { state[0] / state[1] }
}

/// The check of metrics that take values of the output's shape, or one class number a sample.
pub(super) fn check_targets(output: &Shape, targets: &TargetKind) -> Result<(), String> {
    match targets {
        TargetKind::Values(shape) => check_same_shape(output, shape),
        TargetKind::Classes if output.len() == output.last() => Ok(()),
        TargetKind::Classes => Err(format!(
            "one class number a sample expects an output of shape (None, classes), got {output}: add Flatten, or give \
             targets of that shape"
        )),
    }
}
