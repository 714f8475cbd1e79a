//! How often the one-hot target's class is among the largest outputs.

use serde::{Deserialize, Serialize};

use super::rows::{add_matches, check_targets, mean};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::{Target, TargetKind};
use crate::shape::Shape;

/// How often the one-hot target's class is among the `k` largest outputs. A class that ties with the `k`-th is; in a row
/// with NaN or infinite outputs none is.
///
/// ```
/// use thinnet::metrics::{IntoMetric, TopKCategoricalAccuracy};
///
/// assert_eq!(TopKCategoricalAccuracy::new(3).into_metric()?.name(), "top_k_categorical_accuracy");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopKCategoricalAccuracy {
    name: String,
    k: usize,
}

impl Default for TopKCategoricalAccuracy {
    fn default() -> Self {
        Self { name: "top_k_categorical_accuracy".into(), k: 5 }
    }
}

impl TopKCategoricalAccuracy {
    name_method!();

    /// Among the `k` largest; [`default`](Self::default) has 5.
    pub fn new(k: usize) -> Self {
        Self { k, ..Self::default() }
    }
}

impl Metric for TopKCategoricalAccuracy {
    metric_methods!("TopKCategoricalAccuracy", Up);

    fn validate(&self) -> Result<(), String> {
        check_k(self.k)
    }

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
        let right = |p: &[f32], y: Target| is_in_top(p, y, self.k);
        add_matches(state, outputs, predictions, targets, weights, right);
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state)
    }
}

pub(super) fn check_k(k: usize) -> Result<(), String> {
    if k > 0 { Ok(()) } else { Err("k must be at least 1, got 0".into()) }
}

/// 1 where fewer than `k` of one position's predictions are larger than its class's, else 0.
pub(super) fn is_in_top(predictions: &[f32], target: Target, k: usize) -> f64 {
    let own = predictions[target.class()];
    let comparable = predictions.iter().all(|p| p.is_finite());
    let larger = predictions.iter().filter(|&&p| p > own).count();
    f64::from(u8::from(comparable && larger < k))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::IntoMetric;
    use crate::metrics::checks::{ONE_HOT, PROBABILITIES, WEIGHTS, near, value, weighted_value};

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Values(&ONE_HOT);
        near(value(&TopKCategoricalAccuracy::new(2), 3, &PROBABILITIES, targets), 1.0);
        near(
            weighted_value(&TopKCategoricalAccuracy::new(1), 3, &PROBABILITIES, targets, &WEIGHTS),
            0.2857143,
        );
    }

    #[test]
    fn a_tie_counts_and_nan_does_not() {
        let ties = [0.4, 0.4, 0.2];
        for class in 0..2 {
            assert_eq!(value(&TopKCategoricalAccuracy::new(1), 3, &ties, TargetRows::Classes(&[class])), 1.0);
        }
        let nan = [f32::NAN, 0.4, 0.2];
        assert_eq!(value(&TopKCategoricalAccuracy::default(), 3, &nan, TargetRows::Classes(&[1])), 0.0);
    }

    #[test]
    fn k_must_not_be_zero() {
        let error = TopKCategoricalAccuracy::new(0).into_metric().unwrap_err().to_string();
        assert_eq!(error, "TopKCategoricalAccuracy: k must be at least 1, got 0");
    }
}
