//! Which share of what is predicted is so.

use serde::{Deserialize, Serialize};

use super::decisions::{Decisions, one_threshold};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::TargetKind;
use crate::shape::Shape;

/// The share of what is predicted positive that is: true positives / (true + false positives).
///
/// An output counts as positive where it is above the threshold and, with `top_k`, among the `top_k` largest of its
/// row. Targets have the output's shape (anything but 0 is positive), or are class numbers, which stand for one-hot
/// vectors.
///
/// ```
/// use thinnet::metrics::{IntoMetric, Precision};
///
/// assert_eq!(Precision::default().thresholds(0.7).into_metric()?.name(), "precision");
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Precision {
    name: String,
    #[serde(deserialize_with = "one_threshold")]
    thresholds: Option<f64>,
    top_k: Option<usize>,
    class_id: Option<usize>,
}

impl Default for Precision {
    fn default() -> Self {
        Self { name: "precision".into(), thresholds: None, top_k: None, class_id: None }
    }
}

impl Precision {
    name_method!();

    /// Outputs above it are positive, from 0 to 1; 0 for logits. Keras takes a list, too: here that is a metric for
    /// each. Default: 0.5, or none with `top_k`.
    #[must_use]
    pub fn thresholds(mut self, threshold: f64) -> Self {
        self.thresholds = Some(threshold);
        self
    }

    /// Only so many outputs of a row, the largest, are positive. Default: any number.
    #[must_use]
    pub fn top_k(mut self, top_k: usize) -> Self {
        self.top_k = Some(top_k);
        self
    }

    /// The only class that is looked at. Default: all.
    #[must_use]
    pub fn class_id(mut self, class_id: usize) -> Self {
        self.class_id = Some(class_id);
        self
    }

    fn decisions(&self) -> Decisions {
        Decisions { threshold: self.thresholds, top_k: self.top_k, class_id: self.class_id }
    }
}

impl Metric for Precision {
    metric_methods!("Precision", Up);

    fn validate(&self) -> Result<(), String> {
        self.decisions().validate()
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        self.decisions().check(output, targets)
    }

    /// True positives and false positives.
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
        self.decisions().for_each(outputs, predictions, targets, weights, |weight, positive, label| {
            match (positive, label) {
                (true, true) => state[0] += weight,
                (true, false) => state[1] += weight,
                _ => {}
            }
        });
    }

    /// 0 where there is nothing to divide by.
    fn result(&self, state: &[f64]) -> f64 {
        if state[0] == 0.0 { 0.0 } else { state[0] / (state[0] + state[1]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::IntoMetric;
    use crate::metrics::checks::{HITS, PROBABILITIES, WEIGHTS, near, value, weighted_value};

    #[test]
    fn values_are_those_of_keras() {
        let targets = TargetRows::Values(&HITS);
        let of = |metric: Precision| value(&metric, 3, &PROBABILITIES, targets);
        near(of(Precision::default()), 0.6666667);
        near(of(Precision::default().top_k(2)), 0.625);
        near(of(Precision::default().top_k(2).thresholds(0.2)), 0.6);
        near(of(Precision::default().class_id(1)), 1.0);
        let metric = Precision::default().thresholds(0.3);
        near(weighted_value(&metric, 3, &PROBABILITIES, targets, &WEIGHTS), 0.42857143);
    }

    #[test]
    fn a_list_of_one_threshold_is_read() {
        let read = |thresholds: serde_json::Value| {
            serde_json::json!({"class": "Precision", "thresholds": thresholds}).into_metric()
        };
        assert_eq!(read([0.25].into()).unwrap().config()["thresholds"], 0.25);
        assert!(read(serde_json::Value::Null).unwrap().config()["thresholds"].is_null());
        let two = read(vec![0.25, 0.5].into()).unwrap_err().to_string();
        assert_eq!(two, "Precision.thresholds: expected a number, or a list of one");
    }

    #[test]
    fn arguments_out_of_range_are_errors() {
        let error = Precision::default().thresholds(1.5).into_metric().unwrap_err().to_string();
        assert_eq!(error, "Precision: thresholds must be from 0 to 1, got 1.5");
        let error =
            Precision::default().class_id(3).check(&Shape::from(3), &TargetKind::Classes).unwrap_err();
        assert_eq!(error, "class_id is 3, but the output (None, 3) has classes 0 to 2");
        let error = Precision::default().top_k(4).check(&Shape::from(3), &TargetKind::Classes).unwrap_err();
        assert_eq!(error, "top_k is 4, but the output (None, 3) has only 3 classes");
    }

    #[test]
    fn nan_is_never_positive() {
        let nan = [f32::NAN; 3];
        assert_eq!(value(&Precision::default().top_k(3), 3, &nan, TargetRows::Classes(&[0])), 0.0);
    }
}
