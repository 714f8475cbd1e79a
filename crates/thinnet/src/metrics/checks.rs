//! What every metric is tested with.

use super::Metric;
use crate::data::TargetRows;
use crate::shape::Shape;

/// What the tests measure, as in `tools/keras_losses_and_metrics.py`.
pub(super) use crate::losses::checks::{GUESSES, HITS, NUMBERS, ONE_HOT, PROBABILITIES, SOFT};
pub(super) const CLASSES: [u32; 4] = [1, 2, 0, 0];
pub(super) const WEIGHTS: [f32; 4] = [1.0, 0.5, 2.0, 0.0];

/// Asserts that a value is Keras's, which computes in f32.
#[track_caller]
pub(super) fn near(got: f64, want: f64) {
    assert!((got - want).abs() <= 3e-6 * want.abs().max(1.0), "got {got}, expected {want}");
}

/// The metric's value over some rows of weight 1. Asserts that the states of the first row and of the others add up to
/// the state of all.
#[track_caller]
pub(super) fn value(
    metric: &dyn Metric,
    outputs: impl Into<Shape>,
    predictions: &[f32],
    targets: TargetRows,
) -> f64 {
    let outputs = outputs.into();
    let weights = vec![1.0; predictions.len() / outputs.len()];
    weighted_value(metric, outputs, predictions, targets, &weights)
}

/// The same with weights.
#[track_caller]
pub(super) fn weighted_value(
    metric: &dyn Metric,
    outputs: impl Into<Shape>,
    predictions: &[f32],
    targets: TargetRows,
    weights: &[f32],
) -> f64 {
    let outputs = outputs.into();
    let len = metric.state_len(&outputs);
    let state_of = |from: usize, to: usize| {
        let targets = match targets {
            TargetRows::Classes(classes) => TargetRows::Classes(&classes[from..to]),
            TargetRows::Values(values) => {
                TargetRows::Values(&values[from * outputs.len()..to * outputs.len()])
            }
        };
        let mut state = vec![0.0; len];
        let predictions = &predictions[from * outputs.len()..to * outputs.len()];
        metric.update(&mut state, &outputs, predictions, targets, &weights[from..to]);
        state
    };
    let rows = weights.len();
    let whole = state_of(0, rows);
    for ((first, others), all) in state_of(0, 1).iter().zip(&state_of(1, rows)).zip(&whole) {
        assert!((first + others - all).abs() <= 1e-12 * all.abs(), "{first} + {others} is not {all}");
    }
    metric.result(&whole)
}
