//! Area under a curve of all thresholds.

use serde::{Deserialize, Serialize};
use thinnet_kernels::scalar::exp;

use super::rows::{check_targets, for_positions};
use super::{Metric, metric_methods, name_method};
use crate::data::TargetRows;
use crate::losses::TargetKind;
use crate::shape::Shape;

/// How far the first threshold lies below 0 and the last above 1, so that rounding moves nothing across them.
const EPSILON: f32 = 1e-7;

/// The curve whose area [`AUC`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curve {
    /// True-positive rate over false-positive rate.
    #[default]
    #[serde(rename = "ROC", alias = "roc")]
    Roc,
    /// Precision over recall.
    #[serde(rename = "PR", alias = "pr")]
    Pr,
    /// Precision gain over recall gain (Flach and Kull 2015, "Precision-recall-gain curves").
    #[serde(rename = "PRGAIN", alias = "prgain")]
    PrGain,
}

/// How the area between two thresholds is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SummationMethod {
    /// A trapezium; for the precision-recall curve the interpolation of Davis and Goadrich 2006, "The relationship
    /// between precision-recall and ROC curves".
    #[default]
    #[serde(alias = "Interpolation")]
    Interpolation,
    /// The lower of both heights: a bound from below.
    #[serde(alias = "Minoring")]
    Minoring,
    /// The higher of both heights: a bound from above.
    #[serde(alias = "Majoring")]
    Majoring,
}

/// Area under the ROC or precision-recall curve of labels 0 and 1, approximated at `num_thresholds` thresholds.
///
/// The ROC's is the probability that a positive sample scores higher than a negative one: 0.5 for guesses, 1 for
/// perfect scores. Predictions are from 0 to 1; several outputs count as one set of predictions, or each for itself
/// with [`multi_label`](Self::multi_label). Targets have the output's shape (anything but 0 is positive), or are class
/// numbers, which stand for one-hot vectors.
///
/// ```
/// use thinnet::metrics::{AUC, Curve, IntoMetric};
///
/// assert_eq!(AUC::default().curve(Curve::Pr).into_metric()?.name(), "auc");
/// let table = serde_json::json!({"class": "AUC", "curve": "PR", "num_thresholds": 50});
/// assert_eq!(table.into_metric()?.config()["num_thresholds"], 50);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AUC {
    name: String,
    num_thresholds: usize,
    curve: Curve,
    summation_method: SummationMethod,
    thresholds: Option<Vec<f64>>,
    multi_label: bool,
    num_labels: Option<usize>,
    label_weights: Option<Vec<f64>>,
    from_logits: bool,
}

impl Default for AUC {
    fn default() -> Self {
        Self {
            name: "auc".into(),
            num_thresholds: 200,
            curve: Curve::default(),
            summation_method: SummationMethod::default(),
            thresholds: None,
            multi_label: false,
            num_labels: None,
            label_weights: None,
            from_logits: false,
        }
    }
}

impl AUC {
    name_method!();

    /// How many thresholds there are, at equal distances from 0 to 1; at least 2. Default: 200.
    #[must_use]
    pub fn num_thresholds(mut self, num_thresholds: usize) -> Self {
        self.num_thresholds = num_thresholds;
        self
    }

    /// The curve. Default: ROC.
    #[must_use]
    pub fn curve(mut self, curve: Curve) -> Self {
        self.curve = curve;
        self
    }

    /// How the area between two thresholds is taken. Default: by interpolation.
    #[must_use]
    pub fn summation_method(mut self, summation_method: SummationMethod) -> Self {
        self.summation_method = summation_method;
        self
    }

    /// The thresholds between 0 and 1, instead of `num_thresholds`.
    #[must_use]
    pub fn thresholds(mut self, thresholds: impl Into<Vec<f64>>) -> Self {
        self.thresholds = Some(thresholds.into());
        self
    }

    /// Whether each output has an area of its own, of which the mean is taken. Default: false.
    #[must_use]
    pub fn multi_label(mut self, multi_label: bool) -> Self {
        self.multi_label = multi_label;
        self
    }

    /// How many outputs there must be with `multi_label`. Default: any number.
    #[must_use]
    pub fn num_labels(mut self, num_labels: usize) -> Self {
        self.num_labels = Some(num_labels);
        self
    }

    /// What each output counts: in the mean of areas with `multi_label`, else in the one area. Default: 1.
    #[must_use]
    pub fn label_weights(mut self, label_weights: impl Into<Vec<f64>>) -> Self {
        self.label_weights = Some(label_weights.into());
        self
    }

    /// Whether the predictions are logits, of which the sigmoid is taken first. Default: false.
    #[must_use]
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }

    /// The thresholds, both ends included.
    fn threshold_count(&self) -> usize {
        self.thresholds.as_ref().map_or(self.num_thresholds, |thresholds| thresholds.len() + 2)
    }

    /// The places of one set of counts: 0 to all thresholds may lie below a prediction.
    fn buckets(&self) -> usize {
        self.threshold_count() + 1
    }

    /// How many thresholds lie below a prediction.
    fn bucket(&self, prediction: f32) -> usize {
        let p = if self.from_logits { 1.0 / (1.0 + exp(-prediction)) } else { prediction };
        match &self.thresholds {
            None => {
                // NaN is put with 0.
                let scaled = p.clamp(0.0, 1.0) * (self.num_thresholds - 1) as f32;
                (scaled.ceil() as usize).max(1)
            }
            Some(thresholds) => {
                let inner = thresholds.iter().filter(|&&threshold| p > threshold as f32).count();
                inner + usize::from(p > -EPSILON) + usize::from(p > 1.0 + EPSILON)
            }
        }
    }

    /// The area of one set of counts: positive samples by bucket, then negative ones.
    fn area(&self, counts: &[f64]) -> f64 {
        let (positives, negatives) = counts.split_at(self.buckets());
        let all = Counts { positive: positives.iter().sum(), negative: negatives.iter().sum() };
        let last = self.threshold_count();
        // From the highest threshold down: what lies above it.
        let mut above = Counts { positive: positives[last], negative: negatives[last] };
        let mut area = 0.0;
        for bucket in (1..last).rev() {
            let before = above;
            above.positive += positives[bucket];
            above.negative += negatives[bucket];
            area += self.strip(before, above, all);
        }
        area
    }

    /// The area between two neighbouring thresholds: the higher one, then the lower one.
    fn strip(&self, high: Counts, low: Counts, all: Counts) -> f64 {
        if (self.curve, self.summation_method) == (Curve::Pr, SummationMethod::Interpolation) {
            let gained = low.positive - high.positive;
            let slope = ratio(gained, low.total() - high.total());
            let intercept = high.positive - slope * high.total();
            let growth =
                if low.total() > 0.0 && high.total() > 0.0 { low.total() / high.total() } else { 1.0 };
            return ratio(slope * (gained + intercept * growth.ln()), all.positive);
        }
        let ((low_x, low_y), (high_x, high_y)) = (self.point(low, all), self.point(high, all));
        let height = match self.summation_method {
            SummationMethod::Interpolation => (low_y + high_y) / 2.0,
            SummationMethod::Minoring => low_y.min(high_y),
            SummationMethod::Majoring => low_y.max(high_y),
        };
        (low_x - high_x) * height
    }

    /// The curve's point where `above` is predicted positive.
    fn point(&self, above: Counts, all: Counts) -> (f64, f64) {
        let recall = ratio(above.positive, all.positive);
        match self.curve {
            Curve::Roc => (ratio(above.negative, all.negative), recall),
            Curve::Pr => (recall, ratio(above.positive, above.total())),
            Curve::PrGain if above.positive == 0.0 => (0.0, 1.0),
            Curve::PrGain => {
                let odds = ratio(all.positive, all.negative);
                let recall_gain = 1.0 - odds * (all.positive - above.positive) / above.positive;
                (recall_gain.max(0.0), 1.0 - odds * above.negative / above.positive)
            }
        }
    }
}

/// Weights of positive and of negative samples.
#[derive(Clone, Copy)]
struct Counts {
    positive: f64,
    negative: f64,
}

impl Counts {
    fn total(self) -> f64 {
        self.positive + self.negative
    }
}

/// 0 where there is nothing to divide by.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

impl Metric for AUC {
    metric_methods!("AUC", Up);

    fn validate(&self) -> Result<(), String> {
        if self.num_thresholds < 2 {
            return Err(format!("num_thresholds must be at least 2, got {}", self.num_thresholds));
        }
        let outside =
            |thresholds: &&Vec<f64>| !thresholds.iter().all(|threshold| (0.0..=1.0).contains(threshold));
        if let Some(thresholds) = self.thresholds.as_ref().filter(outside) {
            return Err(format!("thresholds must be from 0 to 1, got {thresholds:?}"));
        }
        if self.num_labels.is_some() && !self.multi_label {
            return Err("num_labels is for multi_label only".into());
        }
        let negative = |weights: &&Vec<f64>| !weights.iter().all(|weight| *weight >= 0.0);
        if let Some(weights) = self.label_weights.as_ref().filter(negative) {
            return Err(format!("label_weights must not be negative, got {weights:?}"));
        }
        Ok(())
    }

    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        let labels = output.last();
        if self.multi_label && output.len() != labels {
            return Err(format!(
                "multi_label expects an output of shape (None, labels), got {output}: add Flatten"
            ));
        }
        if let Some(expected) = self.num_labels.filter(|&expected| expected != labels) {
            return Err(format!("num_labels is {expected}, but the output {output} has {labels}"));
        }
        if let Some(weights) = self.label_weights.as_ref().filter(|weights| weights.len() != labels) {
            return Err(format!(
                "label_weights has {} values, but the output {output} {labels}",
                weights.len()
            ));
        }
        check_targets(output, targets)
    }

    /// For each label with `multi_label`: the positive, then the negative samples' weight by bucket.
    fn state_len(&self, outputs: &Shape) -> usize {
        2 * self.buckets() * if self.multi_label { outputs.last() } else { 1 }
    }

    fn update(
        &self,
        state: &mut [f64],
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        weights: &[f32],
    ) {
        let buckets = self.buckets();
        for_positions(outputs, predictions, targets, |row, predictions, target| {
            for (place, &prediction) in predictions.iter().enumerate() {
                let mut weight = f64::from(weights[row]);
                if let (false, Some(label_weights)) = (self.multi_label, &self.label_weights) {
                    weight *= label_weights[place];
                }
                let positive = target.value(place, predictions.len()) != 0.0;
                let set = 2 * if self.multi_label { place } else { 0 } + usize::from(!positive);
                state[set * buckets + self.bucket(prediction)] += weight;
            }
        });
    }

    fn result(&self, state: &[f64]) -> f64 {
        let areas = state.chunks_exact(2 * self.buckets()).map(|counts| self.area(counts));
        let weight = |label: usize| match &self.label_weights {
            Some(weights) if self.multi_label => weights[label],
            _ => 1.0,
        };
        let (sum, weights) = areas.enumerate().fold((0.0, 0.0), |(sum, weights), (label, area)| {
            (sum + area * weight(label), weights + weight(label))
        });
        ratio(sum, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::IntoMetric;
    use crate::metrics::checks::{near, value, weighted_value};

    /// The same scores and labels as in `tools/keras_losses_and_metrics.py`.
    fn data(columns: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut seed = 1_u64;
        let mut next = || {
            seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
            (seed >> 16) as f32 / 32768.0
        };
        let numbers: Vec<f32> = (0..240).map(|_| next()).collect();
        let column = |at: &usize| at % 3 < columns;
        let scores: Vec<f32> = (0..120).filter(column).map(|at| numbers[at]).collect();
        let label = |at: usize| f32::from(u8::from(numbers[120 + at] < numbers[at]));
        let labels = (0..120).filter(column).map(label).collect();
        (scores, labels, (0..40_u8).map(|row| f32::from(row % 3) / 2.0).collect())
    }

    fn area(metric: &AUC) -> f64 {
        let (scores, labels, _) = data(3);
        value(metric, 3, &scores, TargetRows::Values(&labels))
    }

    fn weighted_area(metric: &AUC) -> f64 {
        let (scores, labels, weights) = data(3);
        weighted_value(metric, 3, &scores, TargetRows::Values(&labels), &weights)
    }

    #[test]
    fn every_curve_and_method_gives_the_value_of_keras() {
        use {Curve::*, SummationMethod::*};
        let cases = [
            (Roc, Interpolation, 0.8721487),
            (Roc, Minoring, 0.8704591),
            (Roc, Majoring, 0.87383837),
            (Pr, Interpolation, 0.9009916),
            (Pr, Minoring, 0.88384813),
            (Pr, Majoring, 0.90326065),
            (PrGain, Interpolation, 0.7194593),
            (PrGain, Minoring, 0.7133924),
            (PrGain, Majoring, 0.72552633),
        ];
        for (curve, method, want) in cases {
            near(area(&AUC::default().curve(curve).summation_method(method)), want);
        }
    }

    #[test]
    fn every_argument_gives_the_value_of_keras() {
        near(area(&AUC::default().num_thresholds(20)), 0.8683469);
        near(area(&AUC::default().thresholds([0.7, 0.1, 0.35])), 0.8415939);
        near(area(&AUC::default().from_logits(true)), 0.87074065);
        near(weighted_area(&AUC::default().label_weights([1.0, 2.0, 0.5])), 0.8626984);
        let multi = AUC::default().multi_label(true);
        near(area(&multi), 0.8701454);
        near(area(&multi.clone().curve(Curve::Pr)), 0.9010832);
        near(weighted_area(&multi.label_weights([1.0, 2.0, 0.5])), 0.8635818);
        let (scores, labels, weights) = data(1);
        let one = weighted_value(&AUC::default(), 1, &scores, TargetRows::Values(&labels), &weights);
        near(one, 0.88502675);
    }

    #[test]
    fn perfect_scores_have_area_one_and_reversed_ones_zero() {
        let labels = TargetRows::Classes(&[0, 0, 1, 1]);
        assert_eq!(value(&AUC::default(), 1, &[0.1, 0.2, 0.8, 0.9], labels), 1.0);
        assert_eq!(value(&AUC::default(), 1, &[0.8, 0.9, 0.1, 0.2], labels), 0.0);
    }

    #[test]
    fn any_number_is_counted() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.5, 1.5];
        for metric in [AUC::default(), AUC::default().thresholds([0.5]), AUC::default().from_logits(true)] {
            assert!(value(&metric, 1, &odd, TargetRows::Classes(&[0, 1, 0, 1, 0])).is_finite());
        }
    }

    #[test]
    fn arguments_out_of_range_are_errors() {
        let message = |metric: AUC| metric.into_metric().unwrap_err().to_string();
        assert_eq!(
            message(AUC::default().num_thresholds(1)),
            "AUC: num_thresholds must be at least 2, got 1"
        );
        assert_eq!(
            message(AUC::default().thresholds([2.0])),
            "AUC: thresholds must be from 0 to 1, got [2.0]"
        );
        assert_eq!(message(AUC::default().num_labels(2)), "AUC: num_labels is for multi_label only");
        assert_eq!(
            message(AUC::default().label_weights([-1.0])),
            "AUC: label_weights must not be negative, got [-1.0]"
        );
        let error =
            AUC::default().label_weights([1.0]).check(&Shape::from(3), &TargetKind::Classes).unwrap_err();
        assert_eq!(error, "label_weights has 1 values, but the output (None, 3) 3");
    }
}
