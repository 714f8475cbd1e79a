//! What precision and recall share: which outputs count as positive.

use serde::{Deserialize, Deserializer};

use super::rows::{check_targets, for_positions};
use crate::data::TargetRows;
use crate::losses::TargetKind;
use crate::shape::Shape;

/// Which outputs are looked at, and which of them count as positive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decisions {
    pub(super) threshold: Option<f64>,
    pub(super) top_k: Option<usize>,
    pub(super) class_id: Option<usize>,
}

impl Decisions {
    pub(super) fn validate(&self) -> Result<(), String> {
        if let Some(threshold) = self.threshold.filter(|threshold| !(0.0..=1.0).contains(threshold)) {
            return Err(format!("thresholds must be from 0 to 1, got {threshold}"));
        }
        if self.top_k == Some(0) {
            return Err("top_k must be at least 1, got 0".into());
        }
        Ok(())
    }

    pub(super) fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String> {
        let outputs = output.last();
        if let Some(top_k) = self.top_k.filter(|&top_k| top_k > outputs) {
            return Err(format!("top_k is {top_k}, but the output {output} has only {outputs} classes"));
        }
        if let Some(class_id) = self.class_id.filter(|&class_id| class_id >= outputs) {
            return Err(format!(
                "class_id is {class_id}, but the output {output} has classes 0 to {}",
                outputs - 1
            ));
        }
        check_targets(output, targets)
    }

    /// Calls `decision` with each output's weight, whether it counts as positive, and whether it should.
    pub(super) fn for_each(
        &self,
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        weights: &[f32],
        mut decision: impl FnMut(f64, bool, bool),
    ) {
        let threshold = match (self.threshold, self.top_k) {
            (Some(threshold), _) => threshold as f32,
            (None, Some(_)) => f32::NEG_INFINITY,
            (None, None) => 0.5,
        };
        for_positions(outputs, predictions, targets, |row, predictions, target| {
            let looked_at = match self.class_id {
                Some(class) => class..class + 1,
                None => 0..predictions.len(),
            };
            for place in looked_at {
                let in_top = self.top_k.is_none_or(|top_k| rank(predictions, place) < top_k);
                let positive = in_top && predictions[place] > threshold;
                let label = target.value(place, predictions.len()) != 0.0;
                decision(f64::from(weights[row]), positive, label);
            }
        });
    }
}

/// How many predictions come before this one: larger ones, and of the same size those further to the left.
fn rank(predictions: &[f32], place: usize) -> usize {
    let own = predictions[place];
    let before = |&(other, &p): &(usize, &f32)| p > own || (p == own && other < place);
    predictions.iter().enumerate().filter(before).count()
}

/// Keras's `thresholds`: none, a number or a list; here a list of one.
pub(super) fn one_threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number, or a list of one")]
    enum Thresholds {
        One(f64),
        List([f64; 1]),
    }
    Ok(Option::deserialize(deserializer)?.map(|thresholds| match thresholds {
        Thresholds::One(threshold) | Thresholds::List([threshold]) => threshold,
    }))
}
