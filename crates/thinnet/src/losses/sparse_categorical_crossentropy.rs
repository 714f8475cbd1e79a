//! Cross-entropy of class numbers.

use serde::{Deserialize, Serialize};
use thinnet_kernels::scalar::ln;

use super::rows::{EPSILON, Gradient, Rows, Target};
use super::{Link, Loss, TargetKind, logits, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// Cross-entropy between class numbers and predicted probabilities: −ln p\[class\], where p is the prediction divided
/// by its sum.
///
/// Targets are one integer a sample, from 0 to the number of outputs − 1. For one-hot targets there is
/// [`CategoricalCrossentropy`](super::CategoricalCrossentropy). A model that ends in softmax has it computed from the
/// logits; other probabilities are first clipped to [1e-7, 1 − 1e-7].
///
/// ```
/// use thinnet::losses::{IntoLoss, SparseCategoricalCrossentropy};
///
/// let loss = SparseCategoricalCrossentropy::default().from_logits(true).into_loss()?;
/// assert_eq!(loss.config()["from_logits"], true);
/// assert_eq!("sparse_categorical_crossentropy".into_loss()?.class_name(), "SparseCategoricalCrossentropy");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SparseCategoricalCrossentropy {
    from_logits: bool,
}

impl SparseCategoricalCrossentropy {
    /// Whether the predictions are logits: what a softmax would make probabilities. Default: false.
    #[must_use]
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }
}

impl Loss for SparseCategoricalCrossentropy {
    loss_methods!("SparseCategoricalCrossentropy");

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        if output.last() == 1 {
            return Err(format!(
                "sparse_categorical_crossentropy expects an output a class, got output shape {output}: use \
                 binary_crossentropy for two classes with one output"
            ));
        }
        match targets {
            TargetKind::Classes if output.len() == output.last() => Ok(()),
            TargetKind::Classes => Err(format!(
                "sparse_categorical_crossentropy with one class number a sample expects an output of shape (None, \
                 classes), got {output}: add Flatten, or use categorical_crossentropy with one-hot targets"
            )),
            TargetKind::Values(shape) if shape.axes() == output.axes() => Err(format!(
                "sparse_categorical_crossentropy expects one class number a sample, got values of shape {shape}: use \
                 categorical_crossentropy for one-hot targets"
            )),
            TargetKind::Values(shape) => Err(format!(
                "sparse_categorical_crossentropy expects one class number a sample for output shape {output}, got \
                 values of shape {shape}: give integer class numbers"
            )),
        }
    }

    fn link(&self) -> Option<Link> {
        (!self.from_logits).then_some(Link::Softmax)
    }

    fn evaluate(
        &self,
        from_link: bool,
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        scales: &[f32],
        losses: &mut [f32],
        gradient: Option<&mut [f32]>,
    ) {
        let rows = Rows { outputs, predictions, targets, scales, losses, gradient };
        if from_link || self.from_logits {
            rows.by_position(|predictions, target, gradient| {
                logits::softmax(predictions, target, 0.0, gradient)
            });
        } else {
            rows.by_position(probabilities);
        }
    }
}

/// ln Σq − ln q\[class\], q being the clipped predictions: Keras takes the logarithms for logits.
fn probabilities(predictions: &[f32], target: Target, gradient: Option<Gradient>) -> f32 {
    let class = target.class();
    let clip = |p: f32| p.clamp(EPSILON, 1.0 - EPSILON);
    let sum: f32 = predictions.iter().map(|&p| clip(p)).sum();
    let right = clip(predictions[class]);
    if let Some(Gradient { values, scale }) = gradient {
        for (element, (&p, gradient)) in predictions.iter().zip(values).enumerate() {
            let slope = 1.0 / sum - if element == class { 1.0 / right } else { 0.0 };
            // A clipped prediction has no influence.
            *gradient = if clip(p) == p { scale * slope } else { 0.0 };
        }
    }
    ln(sum) - ln(right)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::LN_10;

    use super::*;
    use crate::losses::checks::{PROBABILITIES, agrees, equals, evaluate, log_softmax};

    const LOGITS: [f32; 9] = [0.3, -1.2, 2.0, 0.0, 0.5, -0.5, 30.0, -20.0, 1.0];
    const CLASSES: [u32; 3] = [2, 0, 0];

    #[test]
    fn from_logits_it_is_the_log_softmax() {
        let reference = |row: usize, z: &[f64]| -log_softmax(z, CLASSES[row] as usize);
        let targets = TargetRows::Classes(&CLASSES);
        agrees(&SparseCategoricalCrossentropy::default(), true, 3, &LOGITS, targets, reference);
        let from_logits = SparseCategoricalCrossentropy::default().from_logits(true);
        agrees(&from_logits, false, 3, &LOGITS, targets, reference);
    }

    #[test]
    fn from_probabilities_it_is_relative_to_their_sum() {
        let predictions = [0.2, 0.5, 0.3, 0.1, 0.6, 0.1];
        let reference = |row: usize, p: &[f64]| p.iter().sum::<f64>().ln() - p[CLASSES[row] as usize].ln();
        let targets = TargetRows::Classes(&CLASSES[..2]);
        agrees(&SparseCategoricalCrossentropy::default(), false, 3, &predictions, targets, reference);
    }

    #[test]
    fn extremes_stay_finite() {
        let loss = SparseCategoricalCrossentropy::default();
        let (losses, gradient) =
            evaluate(&loss, true, &Shape::from(2), &[1e4, -1e4, 1e4, -1e4], TargetRows::Classes(&[0, 1]));
        assert_eq!(losses, [0.0, 2e4]);
        assert_eq!(gradient, [0.0, 0.0, 1.0, -1.0]);
        let predictions = [1.0, 0.0, 0.0, 1.0];
        let (losses, gradient) =
            evaluate(&loss, false, &Shape::from(2), &predictions, TargetRows::Classes(&[0, 0]));
        assert!(losses.iter().chain(&gradient).all(|value| value.is_finite()), "{losses:?} {gradient:?}");
    }

    #[test]
    fn nan_makes_the_loss_nan() {
        let loss = SparseCategoricalCrossentropy::default();
        for from_link in [false, true] {
            let predictions = [f32::NAN, 0.5];
            let (losses, _) =
                evaluate(&loss, from_link, &Shape::from(2), &predictions, TargetRows::Classes(&[1]));
            assert!(losses[0].is_nan());
        }
    }

    #[test]
    fn values_are_those_of_keras() {
        let want = [0.051293444, LN_10, 16.118095, 1.0986123];
        let loss = SparseCategoricalCrossentropy::default();
        equals(&loss, 3, &PROBABILITIES, TargetRows::Classes(&[1, 2, 2, 0]), &want);
    }

    #[test]
    fn messages_name_the_other_loss() {
        let check = |output: &[usize], targets: &TargetKind| {
            SparseCategoricalCrossentropy::default().check(&Shape::from(output), targets)
        };
        assert_eq!(check(&[10], &TargetKind::Classes), Ok(()));
        let one_hot = check(&[10], &TargetKind::Values(Shape::from(10))).unwrap_err();
        assert!(one_hot.contains("categorical_crossentropy for one-hot targets"), "{one_hot}");
        let single = check(&[1], &TargetKind::Classes).unwrap_err();
        assert!(single.contains("binary_crossentropy"), "{single}");
        let image = check(&[4, 10], &TargetKind::Classes).unwrap_err();
        assert!(image.contains("(None, 4, 10)"), "{image}");
    }
}
