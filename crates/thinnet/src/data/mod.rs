//! Data: samples and targets at the library's edge, data sets, and the files that they come from.

mod any_array;
pub mod augmentation;
mod contact_sheet;
mod dataset;
pub mod datasets;
mod features;
pub mod formats;
mod samples;
mod standardization;
pub(crate) mod steps;
mod targets;

pub use any_array::{AnyArray, load_array};
pub use contact_sheet::ContactSheet;
pub use dataset::Dataset;
pub use features::{FeatureElement, Features};
pub use formats::image::load_image;
pub use samples::Data;
pub use standardization::{Scale, Standardization};
pub use targets::{TargetElement, TargetRows, Targets, to_categorical};
