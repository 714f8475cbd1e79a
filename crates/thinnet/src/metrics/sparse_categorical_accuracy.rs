//! How often the largest output is the class's.

use serde::{Deserialize, Serialize};

use super::categorical_accuracy::is_right;
use super::rows::{add_matches, check_targets, mean};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::TargetKind;
use crate::shape::Shape;

/// How often the largest output is the one of the class number. Logits do as well as probabilities.
///
/// ```
/// use thinnet::metrics::{SparseCategoricalAccuracy, IntoMetric};
///
/// assert_eq!(SparseCategoricalAccuracy::default().into_metric()?.name(), "sparse_categorical_accuracy");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SparseCategoricalAccuracy {
    name: String,
}

impl Default for SparseCategoricalAccuracy {
    fn default() -> Self {
        Self { name: "sparse_categorical_accuracy".into() }
    }
}

impl SparseCategoricalAccuracy {
    name_method!();
}

impl Metric for SparseCategoricalAccuracy {
    metric_methods!("SparseCategoricalAccuracy", Up);

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
        add_matches(state, outputs, predictions, targets, weights, is_right);
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{CLASSES, PROBABILITIES, WEIGHTS, near, value, weighted_value};

    #[test]
    fn values_are_those_of_keras() {
        let (metric, targets) = (SparseCategoricalAccuracy::default(), TargetRows::Classes(&CLASSES));
        near(value(&metric, 3, &PROBABILITIES, targets), 0.75);
        near(weighted_value(&metric, 3, &PROBABILITIES, targets, &WEIGHTS), 0.85714287);
    }
}
