//! How often predictions are right.

use serde::{Deserialize, Serialize};

use super::binary_accuracy::share_right;
use super::categorical_accuracy::is_right;
use super::rows::{add_matches, check_targets, mean};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::{Target, TargetKind};
use crate::shape::Shape;

/// How often predictions are right, as Keras's string `"accuracy"`: it looks at the model and the targets.
///
/// - One output: right where (p > 0.5) is the label, as [`BinaryAccuracy`](super::BinaryAccuracy).
/// - Class numbers: right where the largest output is the class's, as
///   [`SparseCategoricalAccuracy`](super::SparseCategoricalAccuracy).
/// - One-hot targets: the same, as [`CategoricalAccuracy`](super::CategoricalAccuracy).
///
/// (Keras's *class* `Accuracy` asks whether numbers are equal, which is of no use for probabilities.)
///
/// ```
/// use thinnet::metrics::{Accuracy, IntoMetric};
///
/// let metric = Accuracy::default().into_metric()?;
/// assert_eq!(metric.name(), "accuracy");
/// assert_eq!("acc".into_metric()?.name(), "acc");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accuracy {
    name: String,
}

impl Default for Accuracy {
    fn default() -> Self {
        Self { name: "accuracy".into() }
    }
}

impl Accuracy {
    name_method!();
}

impl Metric for Accuracy {
    metric_methods!("Accuracy", Up);

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
        if outputs.last() == 1 {
            let right = |p: &[f32], y: Target| share_right(p, y, 0.5);
            add_matches(state, outputs, predictions, targets, weights, right);
        } else {
            add_matches(state, outputs, predictions, targets, weights, is_right);
        }
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{CLASSES, HITS, PROBABILITIES, SOFT, near, value};

    #[test]
    fn class_numbers_are_compared_with_the_largest_output() {
        let predictions = [0.1, 0.9, 0.0, 0.8, 0.1, 0.1];
        assert_eq!(value(&Accuracy::default(), 3, &predictions, TargetRows::Classes(&[1, 2])), 0.5);
    }

    #[test]
    fn one_hot_targets_too() {
        let predictions = [0.1, 0.9, 0.0, 0.8, 0.1, 0.1];
        let targets = TargetRows::Values(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(value(&Accuracy::default(), 3, &predictions, targets), 0.5);
    }

    #[test]
    fn one_output_is_compared_with_a_half() {
        let predictions = [0.5, 0.6, 0.4, 0.7];
        assert_eq!(value(&Accuracy::default(), 1, &predictions, TargetRows::Classes(&[0, 1, 1, 1])), 0.75);
        let targets = TargetRows::Values(&[0.0, 1.0, 1.0, 1.0]);
        assert_eq!(value(&Accuracy::default(), 1, &predictions, targets), 0.75);
    }

    #[test]
    fn values_are_those_of_keras() {
        near(value(&Accuracy::default(), 3, &PROBABILITIES, TargetRows::Classes(&CLASSES)), 0.75);
        near(value(&Accuracy::default(), 3, &PROBABILITIES, TargetRows::Values(&SOFT)), 0.25);
        near(value(&Accuracy::default(), [3, 1], &PROBABILITIES, TargetRows::Values(&HITS)), 0.5833334);
    }

    #[test]
    fn nan_is_counted_without_panic() {
        let nan = [f32::NAN; 2];
        assert_eq!(value(&Accuracy::default(), 2, &nan, TargetRows::Classes(&[1])), 0.0);
        assert_eq!(value(&Accuracy::default(), 1, &nan, TargetRows::Classes(&[1, 1])), 0.0);
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Accuracy::default().result(&[0.0, 0.0]), 0.0);
    }
}
