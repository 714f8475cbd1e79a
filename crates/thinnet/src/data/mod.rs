//! Data: samples and targets at the library's edge, data sets, and the files that they come from.

mod features;
mod targets;

pub use features::{FeatureElement, Features};
pub use targets::{TargetElement, TargetRows, Targets, to_categorical};
