//! Metrics: what is reported besides the loss.

mod accuracy;
mod auc;
mod binary_accuracy;
mod categorical_accuracy;
#[cfg(test)]
mod checks;
mod confusion_matrix;
mod decisions;
mod mean_loss;
mod names;
mod precision;
mod recall;
mod root_mean_squared_error;
mod rows;
mod sparse_categorical_accuracy;
mod sparse_top_k_categorical_accuracy;
mod top_k_categorical_accuracy;

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::data::TargetRows;
use crate::losses::TargetKind;
use crate::shape::Shape;

pub use accuracy::Accuracy;
pub use auc::{AUC, Curve, SummationMethod};
pub use binary_accuracy::BinaryAccuracy;
pub use categorical_accuracy::CategoricalAccuracy;
pub use confusion_matrix::{confusion_matrix, per_class_accuracy};
pub use mean_loss::{
    BinaryCrossentropy, CategoricalCrossentropy, KLDivergence, MeanAbsoluteError, MeanLoss, MeanSquaredError,
    SparseCategoricalCrossentropy,
};
pub use names::IntoMetric;
pub use precision::Precision;
pub use recall::Recall;
pub use root_mean_squared_error::RootMeanSquaredError;
pub use sparse_categorical_accuracy::SparseCategoricalAccuracy;
pub use sparse_top_k_categorical_accuracy::SparseTopKCategoricalAccuracy;
pub use top_k_categorical_accuracy::TopKCategoricalAccuracy;

/// Which way a value gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Greater is better.
    Up,
    /// Smaller is better.
    Down,
}

/// A metric that is gathered over batches. Its state is additive: states of two parts of the data are merged by adding
/// them element by element, so that shards can be reduced in a fixed order.
pub trait Metric: Debug + Send + Sync {
    /// Keras's class name.
    fn class_name(&self) -> &'static str;

    /// The arguments under Keras's names.
    fn config(&self) -> Map<String, Value>;

    /// The key in logs and histories: `accuracy`, `auc` …
    fn name(&self) -> &str;

    /// Which way it gets better, where that is known: what callbacks go by that are not told which way.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// Whether the arguments are in their ranges. Asked when the model is compiled.
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

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

impl Clone for Box<dyn Metric> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// What every metric of this library says of itself in the same way.
macro_rules! metric_methods {
    ($class:literal, $direction:ident) => {
        fn class_name(&self) -> &'static str {
            $class
        }

        fn config(&self) -> serde_json::Map<String, serde_json::Value> {
            crate::config::to_map(self)
        }

        fn name(&self) -> &str {
            &self.name
        }

        fn direction(&self) -> Option<crate::metrics::Direction> {
            Some(crate::metrics::Direction::$direction)
        }

        fn clone_box(&self) -> Box<dyn Metric> {
            Box::new(self.clone())
        }
    };
}
use metric_methods;

/// The builder method that every metric of this library has.
macro_rules! name_method {
    () => {
        /// The key in logs. Default: the class's name in snake case.
        #[must_use]
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = name.into();
            self
        }
    };
}
use name_method;
