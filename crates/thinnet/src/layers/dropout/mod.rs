//! Layers that are random in training and do nothing in inference.
//!
//! Masks and noise are pure functions of (seed, layer, step, the sample's place in the batch, element). Nothing is
//! stored for the backward pass: it draws them again.

mod alpha_dropout;
#[expect(clippy::module_inception, reason = "a file a layer, found by its name")]
mod dropout;
mod gaussian_dropout;
mod gaussian_noise;
mod mask;
mod noise_shape;
mod spatial_dropout;
mod spatial_dropout1d;
mod spatial_dropout2d;
mod spatial_dropout3d;
#[cfg(test)]
mod statistics;

pub use alpha_dropout::AlphaDropout;
pub use dropout::Dropout;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use noise_shape::NoiseShape;
pub use spatial_dropout1d::SpatialDropout1D;
pub use spatial_dropout2d::SpatialDropout2D;
pub use spatial_dropout3d::SpatialDropout3D;

use crate::engine::Context;
use crate::random::{Domain, Stream};

/// Whether a rate is one.
fn check_rate(rate: f64) -> Result<(), String> {
    match (0.0..=1.0).contains(&rate) {
        true => Ok(()),
        false => Err(format!("rate must be in [0, 1] (the fraction that is dropped), got {rate}")),
    }
}

/// Where a layer's draws come from: the model's stream, or its own if it was given a seed.
#[derive(Clone, Copy, Debug)]
struct Source {
    own: Option<Stream>,
}

impl Source {
    fn new(seed: Option<u64>) -> Self {
        Self { own: seed.map(|seed| Stream::new(seed, Domain::OwnSeed)) }
    }

    /// Philox's key.
    fn key(self, cx: &Context) -> [u32; 2] {
        self.own.unwrap_or(cx.stream).key()
    }

    /// Calls `f` with each row, the key and the last three words of the row's counters.
    fn rows(self, cx: &Context, len: usize, x: &mut [f32], f: impl Fn([u32; 2], [u32; 3], &mut [f32])) {
        let key = self.key(cx);
        for (row, x) in x.chunks_exact_mut(len).enumerate() {
            f(key, Stream::counter(cx.step, cx.first + row), x);
        }
    }
}
