//! Mean of absolute errors.

use serde::{Deserialize, Serialize};

use super::rows::{Rows, check_values};
use super::{Loss, TargetKind, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// Mean of absolute errors: mean(|y − p|) over the outputs. Its gradient at y is 0.
///
/// Targets have the output's shape.
///
/// ```
/// use thinnet::losses::{IntoLoss, MeanAbsoluteError};
///
/// let loss = MeanAbsoluteError::default().into_loss()?;
/// assert_eq!(loss.class_name(), "mae".into_loss()?.class_name());
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MeanAbsoluteError {}

impl Loss for MeanAbsoluteError {
    loss_methods!("MeanAbsoluteError");

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_values("mean_absolute_error", output, targets)
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
            (error.abs(), if error == 0.0 { 0.0 } else { error.signum() })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::checks::{GUESSES, NUMBERS, agrees, equals, evaluate};

    #[test]
    fn it_is_the_mean_over_all_outputs() {
        let targets: Vec<f32> =
            GUESSES.iter().enumerate().map(|(at, p)| p + (at as f32 - 5.5) / 4.0).collect();
        let reference = |row: usize, p: &[f64]| {
            let y = &targets[row * p.len()..];
            p.iter().zip(y).map(|(p, &y)| (p - f64::from(y)).abs()).sum::<f64>() / p.len() as f64
        };
        for outputs in [Shape::from(1), Shape::from(3), Shape::from([3, 2])] {
            let loss = MeanAbsoluteError::default();
            agrees(&loss, false, outputs, &GUESSES, TargetRows::Values(&targets), reference);
        }
    }

    #[test]
    fn without_error_there_is_no_gradient() {
        let loss = MeanAbsoluteError::default();
        let result = evaluate(&loss, false, &Shape::from(2), &[1.0, 2.0], TargetRows::Values(&[1.0, 2.0]));
        assert_eq!(result, (vec![0.0], vec![0.0, 0.0]));
    }

    #[test]
    fn values_are_those_of_keras() {
        equals(
            &MeanAbsoluteError::default(),
            3,
            &GUESSES,
            TargetRows::Values(&NUMBERS),
            &[0.33333334, 3.8333333, 1.3666667, 0.50033337],
        );
    }
}
