//! How often the class is among the largest outputs.

use serde::{Deserialize, Serialize};

use super::rows::{add_matches, check_targets, mean};
use super::top_k_categorical_accuracy::{check_k, is_in_top};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::{Target, TargetKind};
use crate::shape::Shape;

/// How often the class number's output is among the `k` largest. A class that ties with the `k`-th is; in a row with
/// NaN or infinite outputs none is.
///
/// ```
/// use thinnet::metrics::{IntoMetric, SparseTopKCategoricalAccuracy};
///
/// assert_eq!(SparseTopKCategoricalAccuracy::new(3).into_metric()?.name(), "sparse_top_k_categorical_accuracy");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SparseTopKCategoricalAccuracy {
    name: String,
    k: usize,
    from_sorted_ids: bool,
}

impl Default for SparseTopKCategoricalAccuracy {
    fn default() -> Self {
        Self { name: "sparse_top_k_categorical_accuracy".into(), k: 5, from_sorted_ids: false }
    }
}

impl SparseTopKCategoricalAccuracy {
    name_method!();

    /// Among the `k` largest; [`default`](Self::default) has 5.
    pub fn new(k: usize) -> Self {
        Self { k, ..Self::default() }
    }

    /// Whether the outputs are class numbers already, the most likely first, instead of a score a class. Default: false.
    #[must_use]
    pub fn from_sorted_ids(mut self, from_sorted_ids: bool) -> Self {
        self.from_sorted_ids = from_sorted_ids;
        self
    }
}

impl Metric for SparseTopKCategoricalAccuracy {
    metric_methods!("SparseTopKCategoricalAccuracy", Up);

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
        if self.from_sorted_ids {
            let right = |ids: &[f32], y: Target| {
                let class = y.class() as f32;
                f64::from(u8::from(ids.iter().take(self.k).any(|&id| id == class)))
            };
            add_matches(state, outputs, predictions, targets, weights, right);
        } else {
            let right = |p: &[f32], y: Target| is_in_top(p, y, self.k);
            add_matches(state, outputs, predictions, targets, weights, right);
        }
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{CLASSES, PROBABILITIES, near, value};

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Classes(&CLASSES);
        let metric = SparseTopKCategoricalAccuracy::new(2);
        near(value(&metric, 3, &PROBABILITIES, targets), 1.0);
        let ids = [1.0, 0.0, 2.0, 0.0, 1.0, 2.0, 2.0, 1.0, 0.0, 0.0, 2.0, 1.0];
        near(value(&metric.from_sorted_ids(true), 3, &ids, targets), 0.5);
    }
}
