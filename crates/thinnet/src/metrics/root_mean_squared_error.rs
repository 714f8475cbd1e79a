//! Root of the mean of squared errors.

use serde::{Deserialize, Serialize};

use super::mean_loss::{add_losses, check_loss};
use super::rows::mean;
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::{MeanSquaredError, TargetKind};
use crate::shape::Shape;

/// √(mean of squared errors) over all samples and outputs: an error in the targets' own unit.
///
/// ```
/// use thinnet::metrics::{IntoMetric, RootMeanSquaredError};
///
/// assert_eq!(RootMeanSquaredError::default().into_metric()?.name(), "root_mean_squared_error");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RootMeanSquaredError {
    name: String,
}

impl Default for RootMeanSquaredError {
    fn default() -> Self {
        Self { name: "root_mean_squared_error".into() }
    }
}

impl RootMeanSquaredError {
    name_method!();
}

impl Metric for RootMeanSquaredError {
    metric_methods!("RootMeanSquaredError", Down);

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_loss(&MeanSquaredError::default(), output, targets)
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
        add_losses(&MeanSquaredError::default(), state, outputs, predictions, targets, weights);
    }

    fn result(&self, state: &[f64]) -> f64 {
        mean(state).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::checks::{GUESSES, NUMBERS, WEIGHTS, near, value, weighted_value};

    #[test]
    fn values_are_those_of_keras() {
        let (metric, targets) = (RootMeanSquaredError::default(), TargetRows::Values(&NUMBERS));
        near(value(&metric, 3, &GUESSES, targets), 3.1492064);
        near(weighted_value(&metric, 3, &GUESSES, targets, &WEIGHTS), 2.8139956);
    }
}
