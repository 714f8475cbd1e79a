//! Losses: what training makes small.

mod binary_crossentropy;
mod categorical_crossentropy;
#[cfg(test)]
pub(crate) mod checks;
mod huber;
mod kl_divergence;
mod logits;
mod mean_absolute_error;
mod mean_squared_error;
mod names;
mod rows;
mod sparse_categorical_crossentropy;

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::data::TargetRows;
use crate::shape::Shape;

pub use binary_crossentropy::BinaryCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use huber::Huber;
pub use kl_divergence::KLDivergence;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_squared_error::MeanSquaredError;
pub use names::IntoLoss;
pub(crate) use rows::{Target, argmax, check_same_shape};
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;

/// The function that turns a model's last layer into probabilities, where a loss can be computed more precisely from
/// what comes before it (the logits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The last activation is a softmax over the last axis.
    Softmax,
    /// The last activation is a sigmoid.
    Sigmoid,
}

/// What kind of targets there are, for [`Loss::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One class number a sample.
    Classes,
    /// Values of this shape for each sample.
    Values(Shape),
}

/// A loss. The loss of a batch is the mean over its samples of weight × loss of the sample.
pub trait Loss: Debug + Send + Sync {
    /// Keras's class name.
    fn class_name(&self) -> &'static str;

    /// The arguments under Keras's names.
    fn config(&self) -> Map<String, Value>;

    /// Whether the arguments are in their ranges. Asked when the model is compiled.
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    /// Whether the model's output and the targets fit this loss. An error says what was expected, what came and what
    /// to do.
    fn check(&self, output: &Shape, targets: &TargetKind) -> Result<(), String>;

    /// The link that this loss can do without: it is then given the logits, and gives the gradient by the logits.
    fn link(&self) -> Option<Link> {
        None
    }

    /// Each row's loss (not yet weighted), and where `gradient` is given: gradient of `scales[row]` × loss of the
    /// row by the row's predictions. `outputs` is the number of predictions a row; `from_link` says that
    /// `predictions` are logits in the sense of [`link`](Self::link).
    #[allow(clippy::too_many_arguments, reason = "plain slices, as kernels take them")]
    fn evaluate(
        &self,
        from_link: bool,
        outputs: &Shape,
        predictions: &[f32],
        targets: TargetRows,
        scales: &[f32],
        losses: &mut [f32],
        gradient: Option<&mut [f32]>,
    );

    /// A copy behind a box.
    fn clone_box(&self) -> Box<dyn Loss>;
}

impl Clone for Box<dyn Loss> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// What every loss of this library says of itself in the same way.
macro_rules! loss_methods {
    ($class:literal) => {
        fn class_name(&self) -> &'static str {
            $class
        }

        fn config(&self) -> serde_json::Map<String, serde_json::Value> {
            crate::config::to_map(self)
        }

        fn clone_box(&self) -> Box<dyn Loss> {
            Box::new(self.clone())
        }
    };
}
use loss_methods;
