//! The pages of the tutorial's exercises.

mod dropout_rates;
mod index;
mod regularization;
mod trainable_rates;

use std::path::Path;

use super::{Comparison, ModelRuns};
use crate::error::Result;

pub use dropout_rates::{DropoutRates, RateRuns};
pub use index::{ExerciseLink, exercise_index};
pub use regularization::{Choice, Regularization, RegularizedSet};
pub use trainable_rates::{RatesOfSize, TrainableRates};

/// How an exercise was run, as its page says it.
#[derive(Clone, Debug)]
pub struct ExerciseText {
    /// The data, in words.
    pub data: String,
    /// How many epochs each model was trained for.
    pub epochs: usize,
    /// The command that repeats the exercise.
    pub command: String,
}

/// Writes a row for each run of each model.
fn write_comparison<'a>(models: impl IntoIterator<Item = &'a ModelRuns>, folder: &Path) -> Result<()> {
    let models = models.into_iter().cloned().collect();
    Comparison {
        models,
        data: String::new(),
        penalties_differ: false,
        notes: Vec::new(),
        command: String::new(),
    }
    .write_csv(folder.join("comparison.csv"))
}

#[cfg(test)]
mod tests;
