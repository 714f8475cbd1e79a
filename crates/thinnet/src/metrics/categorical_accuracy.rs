//! How often the largest output is the one-hot target's class.

use serde::{Deserialize, Serialize};

use super::rows::{add_matches, check_targets, mean};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::{Target, TargetKind, argmax};
use crate::shape::Shape;

/// How often the largest output is where the one-hot target's 1 is. Logits do as well as probabilities.
///
/// ```
/// use thinnet::metrics::{CategoricalAccuracy, IntoMetric};
///
/// assert_eq!(CategoricalAccuracy::default().into_metric()?.name(), "categorical_accuracy");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CategoricalAccuracy {
    name: String,
}

impl Default for CategoricalAccuracy {
    fn default() -> Self {
        Self { name: "categorical_accuracy".into() }
    }
}

impl CategoricalAccuracy {
    name_method!();
}

impl Metric for CategoricalAccuracy {
    metric_methods!("CategoricalAccuracy", Up);

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

/// 1 where the largest of one position's predictions is its class's, else 0.
pub(super) fn is_right(predictions: &[f32], target: Target) -> f64 {
    f64::from(u8::from(argmax(predictions) == target.class()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{PROBABILITIES, SOFT, near, value};

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Values(&SOFT);
        near(value(&CategoricalAccuracy::default(), 3, &PROBABILITIES, targets), 0.25);
    }
}
