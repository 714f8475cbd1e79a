//! Data: samples and targets at the library's edge, data sets, and the files that they come from.

mod dataset;
pub mod datasets;
mod features;
mod samples;
mod targets;

pub use dataset::Dataset;
pub use features::{FeatureElement, Features};
pub use samples::Data;
pub use targets::{TargetElement, TargetRows, Targets, to_categorical};
