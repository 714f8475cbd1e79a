//! Cross-entropy of labels that are 0 or 1.

use serde::{Deserialize, Serialize};
use thinnet_kernels::scalar::{exp, ln, ln_1p};

use super::rows::{EPSILON, Rows, check_same_shape, check_smoothing};
use super::{Link, Loss, TargetKind, loss_methods};
use crate::data::TargetRows;
use crate::shape::Shape;

/// Cross-entropy between labels y, 0 or 1, and predicted probabilities: −y·ln p − (1 − y)·ln(1 − p), the mean over the
/// outputs.
///
/// Targets have the output's shape, or are class numbers 0 and 1 for a single output. A model that ends in sigmoid has
/// it computed from the logits; other probabilities are clipped to [1e-7, 1 − 1e-7].
///
/// Label smoothing s makes the targets y(1 − s) + s/2.
///
/// ```
/// use thinnet::losses::{BinaryCrossentropy, IntoLoss};
///
/// let loss = BinaryCrossentropy::default().from_logits(true).into_loss()?;
/// assert_eq!(loss.class_name(), "bce".into_loss()?.class_name());
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BinaryCrossentropy {
    from_logits: bool,
    label_smoothing: f64,
}

impl BinaryCrossentropy {
    /// Whether the predictions are logits: what a sigmoid would make probabilities. Default: false.
    #[must_use]
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }

    /// How far the labels are moved towards ½, from 0 to 1. Default: 0.
    #[must_use]
    pub fn label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }
}

impl Loss for BinaryCrossentropy {
    loss_methods!("BinaryCrossentropy");

    fn validate(&self) -> Result<(), String> {
        check_smoothing(self.label_smoothing)
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        match targets {
            TargetKind::Values(shape) => check_same_shape(output, shape),
            TargetKind::Classes if output.len() == 1 => Ok(()),
            TargetKind::Classes => Err(format!(
                "binary_crossentropy expects a label 0 or 1 for each output of {output}, got one class number a \
                 sample: use sparse_categorical_crossentropy for classes that exclude each other"
            )),
        }
    }

    fn link(&self) -> Option<Link> {
        (!self.from_logits).then_some(Link::Sigmoid)
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
        let smoothed = |y: f32| y * (1.0 - smoothing) + 0.5 * smoothing;
        if from_link || self.from_logits {
            rows.by_element(|z, y| {
                let y = smoothed(y);
                // e^(−|z|) never overflows.
                let e = exp(-z.abs());
                let sigmoid = if z < 0.0 { e } else { 1.0 } / (1.0 + e);
                (z.max(0.0) - z * y + ln_1p(e), sigmoid - y)
            });
        } else {
            rows.by_element(|prediction, y| {
                let y = smoothed(y);
                let p = prediction.clamp(EPSILON, 1.0 - EPSILON);
                // A clipped prediction has no influence.
                let slope = if p == prediction { (p - y) / (p * (1.0 - p)) } else { 0.0 };
                (-y * ln(p) - (1.0 - y) * ln(1.0 - p), slope)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::checks::{HITS, LOGITS, PROBABILITIES, agrees, equals, evaluate};

    fn smoothed(y: f32, smoothing: f64) -> f64 {
        f64::from(y) * (1.0 - smoothing) + smoothing / 2.0
    }

    #[test]
    fn from_logits_it_is_the_log_sigmoid() {
        for smoothing in [0.0, 0.2] {
            let reference = |row: usize, z: &[f64]| {
                let one = |(j, &z): (usize, &f64)| {
                    let y = smoothed(HITS[row * 3 + j], smoothing);
                    y * (-z).exp().ln_1p() + (1.0 - y) * z.exp().ln_1p()
                };
                z.iter().enumerate().map(one).sum::<f64>() / 3.0
            };
            let loss = BinaryCrossentropy::default().label_smoothing(smoothing);
            agrees(&loss, true, 3, &LOGITS, TargetRows::Values(&HITS), reference);
            let loss = loss.from_logits(true);
            assert_eq!(loss.link(), None);
            agrees(&loss, false, 3, &LOGITS, TargetRows::Values(&HITS), reference);
        }
    }

    #[test]
    fn from_probabilities_it_is_the_logarithm() {
        let predictions = [0.2, 0.5, 0.3, 0.1, 0.6, 0.1];
        for smoothing in [0.0, 0.2] {
            let reference = |row: usize, p: &[f64]| {
                let one = |(j, &p): (usize, &f64)| {
                    let y = smoothed(HITS[row * 3 + j], smoothing);
                    -y * p.ln() - (1.0 - y) * (1.0 - p).ln()
                };
                p.iter().enumerate().map(one).sum::<f64>() / 3.0
            };
            let loss = BinaryCrossentropy::default().label_smoothing(smoothing);
            agrees(&loss, false, 3, &predictions, TargetRows::Values(&HITS[..6]), reference);
        }
    }

    #[test]
    fn class_numbers_are_the_labels_of_one_output() {
        let loss = BinaryCrossentropy::default();
        let one = Shape::from(1);
        let by_number = evaluate(&loss, true, &one, &[0.3, -2.0], TargetRows::Classes(&[1, 0]));
        assert_eq!(by_number, evaluate(&loss, true, &one, &[0.3, -2.0], TargetRows::Values(&[1.0, 0.0])));
        assert_eq!(loss.check(&one, &TargetKind::Classes), Ok(()));
        let error = loss.check(&Shape::from(3), &TargetKind::Classes).unwrap_err();
        assert!(error.contains("sparse_categorical_crossentropy"), "{error}");
    }

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Values(&HITS);
        let loss = BinaryCrossentropy::default();
        equals(&loss, 3, &PROBABILITIES, targets, &[1.0156753, 0.8770297, 10.686826, 0.6459806]);
        equals(
            &loss.clone().label_smoothing(0.2),
            3,
            &PROBABILITIES,
            targets,
            &[1.5529451, 0.9232395, 10.155414, 0.6594961],
        );
        let loss = loss.from_logits(true);
        equals(&loss, 3, &LOGITS, targets, &[1.3815218, 0.71376705, 17.104422, 33.56438]);
        equals(&loss.label_smoothing(0.2), 3, &LOGITS, targets, &[1.2848552, 0.71376705, 15.40442, 33.56438]);
    }

    #[test]
    fn extremes_stay_finite_and_nan_stays_nan() {
        let loss = BinaryCrossentropy::default();
        let targets = TargetRows::Classes(&[1, 0]);
        let (losses, gradient) = evaluate(&loss, true, &Shape::from(1), &[-1e30, -1e30], targets);
        assert_eq!((losses, gradient), (vec![1e30, 0.0], vec![-1.0, 0.0]));
        for from_link in [false, true] {
            let (losses, _) = evaluate(&loss, from_link, &Shape::from(1), &[f32::NAN, f32::NAN], targets);
            assert!(losses.iter().all(|loss| loss.is_nan()), "{losses:?}");
        }
    }
}
