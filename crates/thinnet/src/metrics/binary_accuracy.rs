//! How often predictions are on the right side of a threshold.

use serde::{Deserialize, Serialize};

use super::rows::{add_matches, check_targets, mean};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::{Target, TargetKind};
use crate::shape::Shape;

/// How often (p > threshold) is the label, 0 or 1. Of several outputs each counts for itself.
///
/// ```
/// use thinnet::metrics::{BinaryAccuracy, IntoMetric};
///
/// let metric = BinaryAccuracy::default().threshold(0.3).into_metric()?;
/// assert_eq!(metric.name(), "binary_accuracy");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BinaryAccuracy {
    name: String,
    threshold: f64,
}

impl Default for BinaryAccuracy {
    fn default() -> Self {
        Self { name: "binary_accuracy".into(), threshold: 0.5 }
    }
}

impl BinaryAccuracy {
    name_method!();

    /// Predictions above it count as 1. Default: 0.5.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }
}

impl Metric for BinaryAccuracy {
    metric_methods!("BinaryAccuracy", Up);

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_targets(output, targets)
    }

    fn state_len(&self, _outputs: &Shape) -> usize {
        2
    }

    fn update(
        &self,
        state: &mut [f64],
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        weights: &[f32],
    ) {
        let right = |p: &[f32], y: Target| share_right(p, y, self.threshold as f32);
        add_matches(state, outputs, predictions, targets, weights, right);
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state)
    }
}

/// The share of one position's predictions that are on the right side.
pub(super) fn share_right(predictions: &[f32], target: Target, threshold: f32) -> f64 {
    let count = predictions.len();
    let label = |above: bool| f32::from(u8::from(above));
    let right = |&(place, &p): &(usize, &f32)| label(p > threshold) == target.value(place, count);
    predictions.iter().enumerate().filter(right).count() as f64 / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{HITS, PROBABILITIES, WEIGHTS, near, value, weighted_value};

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Values(&HITS);
        near(value(&BinaryAccuracy::default(), 3, &PROBABILITIES, targets), 0.5833334);
        let metric = BinaryAccuracy::default().threshold(0.3);
        near(weighted_value(&metric, 3, &PROBABILITIES, targets, &WEIGHTS), 0.4761905);
    }
}
