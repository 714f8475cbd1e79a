//! Kullback-Leibler divergence.

use serde::{Deserialize, Serialize};
use thinnet_kernels::scalar::ln;

use super::rows::{EPSILON, Gradient, Rows, Target, check_values};
use super::{Loss, TargetKind, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// Kullback-Leibler divergence of predicted from target distributions: Σ y·ln(y/p) over the last axis, both clipped to
/// [1e-7, 1].
///
/// Targets have the output's shape.
///
/// ```
/// use thinnet::losses::{IntoLoss, KLDivergence};
///
/// let loss = KLDivergence::default().into_loss()?;
/// assert_eq!(loss.class_name(), "kl_divergence".into_loss()?.class_name());
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KLDivergence {}

impl Loss for KLDivergence {
    loss_methods!("KLDivergence");

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        check_values("kl_divergence", output, targets)
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
        Rows { outputs, predictions, targets, scales, losses, gradient }.by_position(divergence);
    }
}

fn divergence(predictions: &[f32], target: Target, gradient: Option<Gradient>) -> f32 {
    let clip = |p: f32| p.clamp(EPSILON, 1.0);
    let clipped = |element: usize| clip(target.value(element, predictions.len()));
    if let Some(Gradient { values, scale }) = gradient {
        for (element, (&p, gradient)) in predictions.iter().zip(values).enumerate() {
            // A clipped prediction has no influence.
            *gradient = if clip(p) == p { -scale * clipped(element) / p } else { 0.0 };
        }
    }
    let one = |(element, &p): (usize, &f32)| clipped(element) * ln(clipped(element) / clip(p));
    predictions.iter().enumerate().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::checks::{PROBABILITIES, SOFT, agrees, equals};

    #[test]
    fn it_is_the_sum_over_the_last_axis() {
        let predictions = [0.2, 0.5, 0.3, 0.1, 0.6, 0.1, 0.5, 0.25, 0.5, 0.9, 0.05, 0.7];
        let divergence = |first: usize, p: &[f64]| {
            let one = |(p, &y): (&f64, &f32)| {
                let y = f64::from(y).max(1e-7);
                y * (y / p).ln()
            };
            p.iter().zip(&SOFT[first..]).map(one).sum::<f64>()
        };
        let (loss, targets) = (KLDivergence::default(), TargetRows::Values(&SOFT));
        agrees(&loss, false, 3, &predictions, targets, |row, p| divergence(row * 3, p));
        agrees(&loss, false, [2, 3], &predictions, targets, |row, p| divergence(row * 6, p) / 2.0);
    }

    #[test]
    fn values_are_those_of_keras() {
        equals(
            &KLDivergence::default(),
            3,
            &PROBABILITIES,
            TargetRows::Values(&SOFT),
            &[4.4305687, 2.302582, 15.424948, 0.27725887],
        );
    }
}
