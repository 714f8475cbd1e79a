//! Squared for small errors, absolute for large ones.

use serde::{Deserialize, Serialize};

use super::rows::{Rows, check_values};
use super::{Loss, TargetKind, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// ½·e² for errors e = p − y up to δ, δ·|e| − ½·δ² beyond, the mean over the outputs (Huber 1964, "Robust estimation of
/// a location parameter").
///
/// Targets have the output's shape.
///
/// ```
/// use thinnet::losses::{Huber, IntoLoss};
///
/// assert_eq!(Huber::new(0.5).into_loss()?.config()["delta"], 0.5);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Huber {
    delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

impl Huber {
    /// With `delta` for [`delta`](Self::delta).
    pub fn new(delta: f64) -> Self {
        Self { delta }
    }

    /// The error from which the loss is a straight line, above 0. Default: 1.
    #[must_use]
    pub fn delta(mut self, delta: f64) -> Self {
        self.delta = delta;
        self
    }
}

impl Loss for Huber {
    loss_methods!("Huber");

    fn validate(&self) -> Result<(), String> {
        if self.delta > 0.0 && self.delta.is_finite() {
            Ok(())
        } else {
            Err(format!("delta must be a positive number, got {}", self.delta))
        }
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_values("huber", output, targets)
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
        let delta = self.delta as f32;
        Rows { outputs, predictions, targets, scales, losses, gradient }.by_element(|p, y| {
            let error = p - y;
            let size = error.abs();
            if size <= delta {
                (0.5 * error * error, error)
            } else {
                (delta * size - 0.5 * delta * delta, delta * error.signum())
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::IntoLoss;
    use crate::losses::checks::{GUESSES, NUMBERS, agrees, equals};

    #[test]
    fn it_is_squared_up_to_delta_and_absolute_beyond() {
        for delta in [1.0, 0.3] {
            let reference = |row: usize, p: &[f64]| {
                let one = |(p, &y): (&f64, &f32)| {
                    let error = (p - f64::from(y)).abs();
                    if error <= delta { error * error / 2.0 } else { delta * error - delta * delta / 2.0 }
                };
                p.iter().zip(&NUMBERS[row * 3..]).map(one).sum::<f64>() / 3.0
            };
            agrees(&Huber::new(delta), false, 3, &GUESSES, TargetRows::Values(&NUMBERS), reference);
        }
    }

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Values(&NUMBERS);
        equals(&Huber::default(), 3, &GUESSES, targets, &[0.083333336, 3.375, 1.1683334, 0.20833349]);
        equals(
            &Huber::default().delta(0.5),
            3,
            &GUESSES,
            targets,
            &[0.083333336, 1.7916666, 0.62666667, 0.16666682],
        );
    }

    #[test]
    fn delta_must_be_positive() {
        for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Huber::new(delta).into_loss().unwrap_err().to_string();
            assert_eq!(error, format!("Huber: delta must be a positive number, got {delta}"));
        }
    }
}
