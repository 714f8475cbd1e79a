//! Metrics: what is reported besides the loss.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::data::TargetRows;
use crate::losses::TargetKind;
use crate::shape::Shape;

/// A metric that is gathered over batches. Its state is additive: states of two parts of the data are merged by adding
/// them element by element, so that shards can be reduced in a fixed order.
pub trait Metric: Debug + Send + Sync {
    /// Keras's class name.
    fn class_name(&self) -> &'static str;

    /// The arguments under Keras's names.
    fn config(&self) -> Map<String, Value>;

    /// The key in logs and histories: `accuracy`, `auc` …
    fn name(&self) -> &str;

    /// Whether the model's output and the targets fit this metric.
    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String>;

    /// How many numbers the state has.
    fn state_len(&self, outputs: &Shape) -> usize;

    /// Adds some rows to the state. `weights` holds each row's sample weight (1 where none was given).
    fn update(
        &self,
        state: &mut [f64],
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        weights: &[f32],
    );

    /// The metric's value.
    fn result(&self, state: &[f64]) -> f64;

    /// A copy behind a box.
    fn clone_box(&self) -> Box<dyn Metric>;
}
