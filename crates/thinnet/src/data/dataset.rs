//! A data set: samples to train on, samples to test on, and what their classes are called.

use super::Data;

/// A data set with its published split.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Its name, as [`datasets::load`](super::datasets::load) knows it.
    pub name: String,
    /// What each class is called, by class number; empty for a regression.
    pub class_names: Vec<String>,
    /// The samples to train on.
    pub train: Data<'static>,
    /// The samples to test on.
    pub test: Data<'static>,
}
