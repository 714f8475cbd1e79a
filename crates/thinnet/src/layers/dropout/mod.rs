//! Dropout and its family: layers that are random in training.
//!
//! Masks and noise are pure functions of (seed, layer, step, the sample's place in the batch, element). Nothing is
//! stored for the backward pass: it draws them again.

mod alpha_dropout;
mod concrete_dropout;
mod drop_block2d;
mod drop_connect;
#[expect(clippy::module_inception, reason = "a file a layer, found by its name")]
mod dropout;
mod gaussian_dropout;
mod gaussian_noise;
mod mask;
mod multi_sample_dropout;
mod noise_shape;
mod spatial_dropout;
mod spatial_dropout1d;
mod spatial_dropout2d;
mod spatial_dropout3d;
mod standout;
#[cfg(test)]
mod statistics;
mod stochastic_depth;
mod variational_dropout;

pub use alpha_dropout::AlphaDropout;
pub use concrete_dropout::ConcreteDropout;
pub use drop_block2d::DropBlock2D;
pub use drop_connect::DropConnect;
pub use dropout::Dropout;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use multi_sample_dropout::MultiSampleDropout;
pub use noise_shape::NoiseShape;
pub use spatial_dropout1d::SpatialDropout1D;
pub use spatial_dropout2d::SpatialDropout2D;
pub use spatial_dropout3d::SpatialDropout3D;
pub use standout::Standout;
pub use stochastic_depth::StochasticDepth;
pub use variational_dropout::{VariationalDropout, VariationalForm};

use super::source::Source;
