//! Cross-entropy of one-hot targets.

use serde::{Deserialize, Serialize};
use thinnet_kernels::scalar::ln;

use super::rows::{EPSILON, Gradient, Rows, Target, check_same_shape, check_smoothing};
use super::{Link, Loss, TargetKind, logits, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// Cross-entropy between target distributions y (mostly one-hot) and predicted probabilities: −Σ y·ln p over the last
/// axis, where p is the prediction divided by its sum.
///
/// Targets have the output's shape. For class numbers there is
/// [`SparseCategoricalCrossentropy`](super::SparseCategoricalCrossentropy). A model that ends in softmax has it
/// computed from the logits; other probabilities are clipped to [1e-7, 1 − 1e-7].
///
/// Label smoothing s makes the targets y(1 − s) + s/C with C classes (Szegedy et al. 2016, "Rethinking the Inception
/// architecture for computer vision").
///
/// ```
/// use thinnet::losses::{CategoricalCrossentropy, IntoLoss};
///
/// let loss = CategoricalCrossentropy::default().label_smoothing(0.1).into_loss()?;
/// assert_eq!(loss.config()["label_smoothing"], 0.1);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CategoricalCrossentropy {
    from_logits: bool,
    label_smoothing: f64,
}

impl CategoricalCrossentropy {
    /// Whether the predictions are logits: what a softmax would make probabilities. Default: false.
    #[must_use]
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }

    /// How much of each target is spread over all classes, from 0 to 1. Default: 0.
    #[must_use]
    pub fn label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }
}

impl Loss for CategoricalCrossentropy {
    loss_methods!("CategoricalCrossentropy");

    fn validate(&self) -> Result<(), String> {
        check_smoothing(self.label_smoothing)
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        if output.last() == 1 {
            return Err(format!(
                "categorical_crossentropy expects an output a class, got output shape {output}: use \
                 binary_crossentropy for two classes with one output"
            ));
        }
        match targets {
            TargetKind::Values(shape) => check_same_shape(output, shape),
            TargetKind::Classes => Err(format!(
                "categorical_crossentropy expects one-hot targets of the output's shape {output}, got one class number \
                 a sample: use sparse_categorical_crossentropy, or data::to_categorical"
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
        let smoothing = self.label_smoothing as f32;
        if from_link || self.from_logits {
            rows.by_position(|predictions, target, gradient| {
                logits::softmax(predictions, target, smoothing, gradient)
            });
        } else {
            rows.by_position(|predictions, target, gradient| {
                probabilities(predictions, target, smoothing, gradient)
            });
        }
    }
}

fn probabilities(predictions: &[f32], target: Target, smoothing: f32, gradient: Option<Gradient>) -> f32 {
    let count = predictions.len();
    let spread = smoothing / count as f32;
    let smoothed = |element: usize| target.value(element, count) * (1.0 - smoothing) + spread;
    let clip = |p: f32| p.clamp(EPSILON, 1.0 - EPSILON);
    let sum: f32 = predictions.iter().sum();
    // `pull` is Σ p·∂loss/∂p of the normalized predictions: what dividing by the sum takes back.
    let (mut loss, mut pull) = (0.0, 0.0);
    for (element, &prediction) in predictions.iter().enumerate() {
        let (y, p) = (smoothed(element), prediction / sum);
        loss -= y * ln(clip(p));
        if clip(p) == p {
            pull -= y;
        }
    }
    if let Some(Gradient { values, scale }) = gradient {
        for (element, (&prediction, gradient)) in predictions.iter().zip(values).enumerate() {
            let p = prediction / sum;
            // A clipped probability has no influence.
            let own = if clip(p) == p { -smoothed(element) / p } else { 0.0 };
            *gradient = scale * (own - pull) / sum;
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use std::f32::consts::LN_10;

    use super::*;
    use crate::losses::IntoLoss;
    use crate::losses::checks::{LOGITS, ONE_HOT, PROBABILITIES, SOFT, agrees, equals, log_softmax};

    fn smoothed(targets: &[f32], row: usize, element: usize, smoothing: f64) -> f64 {
        f64::from(targets[row * 3 + element]) * (1.0 - smoothing) + smoothing / 3.0
    }

    #[test]
    fn from_logits_it_is_the_log_softmax() {
        for targets in [&ONE_HOT, &SOFT] {
            for smoothing in [0.0, 0.1] {
                let reference = |row: usize, z: &[f64]| {
                    -(0..3).map(|j| smoothed(targets, row, j, smoothing) * log_softmax(z, j)).sum::<f64>()
                };
                let loss = CategoricalCrossentropy::default().label_smoothing(smoothing);
                agrees(&loss, true, 3, &LOGITS, TargetRows::Values(targets), reference);
                let loss = loss.from_logits(true);
                assert_eq!(loss.link(), None);
                agrees(&loss, false, 3, &LOGITS, TargetRows::Values(targets), reference);
            }
        }
    }

    #[test]
    fn from_probabilities_it_is_relative_to_their_sum() {
        let predictions = [0.2, 0.5, 0.3, 0.1, 0.6, 0.1, 0.5, 0.25, 0.5];
        for smoothing in [0.0, 0.1] {
            let reference = |row: usize, p: &[f64]| {
                let sum: f64 = p.iter().sum();
                -(0..3).map(|j| smoothed(&SOFT, row, j, smoothing) * (p[j] / sum).ln()).sum::<f64>()
            };
            let loss = CategoricalCrossentropy::default().label_smoothing(smoothing);
            agrees(&loss, false, 3, &predictions, TargetRows::Values(&SOFT[..9]), reference);
        }
    }

    #[test]
    fn a_row_of_several_positions_has_their_mean() {
        let reference = |row: usize, z: &[f64]| {
            let position = |at: usize| {
                -(0..3)
                    .map(|j| f64::from(SOFT[row * 6 + at * 3 + j]) * log_softmax(&z[at * 3..][..3], j))
                    .sum::<f64>()
            };
            (position(0) + position(1)) / 2.0
        };
        let loss = CategoricalCrossentropy::default();
        agrees(&loss, true, [2, 3], &LOGITS, TargetRows::Values(&SOFT), reference);
    }

    #[test]
    fn values_are_those_of_keras() {
        let loss = CategoricalCrossentropy::default();
        equals(
            &loss,
            3,
            &PROBABILITIES,
            TargetRows::Values(&ONE_HOT),
            &[0.051293306, LN_10, 16.118095, 1.0986123],
        );
        equals(&loss, 3, &PROBABILITIES, TargetRows::Values(&SOFT), &[5.460222, LN_10, 16.118095, 1.0986123]);
        let loss = loss.label_smoothing(0.1);
        equals(
            &loss,
            3,
            &PROBABILITIES,
            TargetRows::Values(&ONE_HOT),
            &[0.6850014, 2.2332704, 15.580826, 1.0986123],
        );
        let loss = loss.from_logits(true);
        equals(&loss, 3, &LOGITS, TargetRows::Values(&ONE_HOT), &[3.2450047, 1.6302698, 28.733334, 100.0]);
    }

    #[test]
    fn messages_name_the_other_loss() {
        let check = |output: usize, targets: TargetKind| {
            CategoricalCrossentropy::default().check(&Shape::from(output), &targets)
        };
        assert_eq!(check(3, TargetKind::Values(Shape::from(3))), Ok(()));
        let classes = check(3, TargetKind::Classes).unwrap_err();
        assert!(classes.contains("use sparse_categorical_crossentropy"), "{classes}");
        let single = check(1, TargetKind::Values(Shape::from(1))).unwrap_err();
        assert!(single.contains("binary_crossentropy"), "{single}");
        let shapes = check(3, TargetKind::Values(Shape::from(4))).unwrap_err();
        assert!(shapes.contains("(None, 3)") && shapes.contains("(None, 4)"), "{shapes}");
    }

    #[test]
    fn smoothing_beyond_one_is_an_error() {
        let error = CategoricalCrossentropy::default().label_smoothing(1.5).into_loss().unwrap_err();
        assert_eq!(
            error.to_string(),
            "CategoricalCrossentropy: label_smoothing must be from 0 to 1, got 1.5"
        );
    }
}
