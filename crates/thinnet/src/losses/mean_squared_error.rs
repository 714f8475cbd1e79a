//! Mean of squared errors.

use serde::{Deserialize, Serialize};

use super::rows::{Rows, check_values};
use super::{Loss, TargetKind, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// Mean of squared errors, the usual loss of regression: mean((y − p)²) over the outputs.
///
/// Targets have the output's shape.
///
/// ```
/// use thinnet::losses::{IntoLoss, MeanSquaredError};
///
/// let loss = MeanSquaredError::default().into_loss()?;
/// assert_eq!(loss.class_name(), "mse".into_loss()?.class_name());
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MeanSquaredError {}

impl Loss for MeanSquaredError {
    loss_methods!("MeanSquaredError");

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_values("mean_squared_error", output, targets)
    }

    fn evaluate(
        &self,
        _from_link: bool,
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        scales: &[f32],
        losses: &mut [f32],
        gradient: Option<&mut [f32]>,
    ) {
        Rows { outputs, predictions, targets, scales, losses, gradient }.by_element(|p, y| {
            let error = p - y;
            (error * error, 2.0 * error)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::checks::{GUESSES, NUMBERS, agrees, equals};

    fn mean_of_squares(row: usize, p: &[f64]) -> f64 {
        let y = &NUMBERS[row * p.len()..];
        p.iter().zip(y).map(|(p, &y)| (p - f64::from(y)).powi(2)).sum::<f64>() / p.len() as f64
    }

    #[test]
    fn it_is_the_mean_over_all_outputs() {
        let loss = MeanSquaredError::default();
        for outputs in [Shape::from(1), Shape::from(3), Shape::from([3, 2])] {
            agrees(&loss, false, outputs, &GUESSES, TargetRows::Values(&NUMBERS), mean_of_squares);
        }
    }

    #[test]
    fn values_are_those_of_keras() {
        let want = [0.16666667, 33.75, 5.3366666, 0.41666698];
        equals(&MeanSquaredError::default(), 3, &GUESSES, TargetRows::Values(&NUMBERS), &want);
    }

    #[test]
    fn shapes_that_do_not_meet_are_both_named() {
        let check = |targets: TargetKind| MeanSquaredError::default().check(&Shape::from(3), &targets);
        assert_eq!(check(TargetKind::Values(Shape::from([3, 1]))), Ok(()));
        let error = check(TargetKind::Values(Shape::from(4))).unwrap_err();
        assert!(error.contains("(None, 3)") && error.contains("(None, 4)"), "{error}");
        assert!(check(TargetKind::Classes).unwrap_err().contains("class number"));
    }
}
