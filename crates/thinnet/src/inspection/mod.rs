//! Looking into models: what their layers give, and what their first layer looks for.
//!
//! [`ActivationStatistics`] sums up what a layer gives for many inputs: histogram, dead units, sparsity, correlations.
//! [`Filters`] are the first layer's weights as pictures. An [`ActivationStudy`] has both of several models, side by side.

mod filters;
mod histogram;
mod statistics;
mod study;

pub use filters::Filters;
pub use histogram::Histogram;
pub use statistics::{ActivationStatistics, Unit};
pub use study::{ActivationStudy, Group, Inspected, InspectedLayer, Inspection, Measures};
