//! Each image through a random affine map of its own.

use std::fmt::Debug;

use crate::data::augmentation::{Affine, Resampling};
use crate::engine::Context;
use crate::layers::source::Source;
use crate::layers::{InPlace, Needs};
use crate::random::Draws;

/// A distribution of affine maps.
pub(super) trait RandomMap: Debug + Send + Sync {
    fn draw(&self, draws: &mut Draws) -> Affine;
}

/// Looks each image's pixels up through a random map. Linear in the image, but for the fill value.
#[derive(Debug)]
pub(super) struct Lookup<M> {
    pub(super) source: Source,
    pub(super) resampling: Resampling,
    pub(super) map: M,
}

impl<M: RandomMap> Lookup<M> {
    /// Calls `f` with each image's map, a copy of the image and its place.
    fn each(
        &self,
        cx: &Context,
        x: &mut [f32],
        scratch: &mut [f32],
        f: impl Fn(&Affine, &[f32], &mut [f32]),
    ) {
        let len = self.resampling.len();
        let copy = &mut scratch[..len];
        for (row, x) in x.chunks_exact_mut(len).enumerate() {
            copy.copy_from_slice(x);
            f(&self.map.draw(&mut self.source.draws(cx, row)), copy, x);
        }
    }
}

impl<M: RandomMap> InPlace for Lookup<M> {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        false
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.is_training()
    }

    fn scratch(&self) -> usize {
        self.resampling.len()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        self.each(cx, x, scratch, |map, image, out| self.resampling.apply(map, image, out));
    }

    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        self.each(cx, dy, scratch, |map, dy, dx| {
            dx.fill(0.0);
            self.resampling.adjoint(map, dy, dx);
        });
    }
}
