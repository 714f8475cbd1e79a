//! Each image through a random affine map of its own.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::config::Argument;
use crate::data::augmentation::{Affine, Border, FillMode, Resampling, image_size};
use crate::engine::Context;
use crate::layers::arguments::DataFormat;
use crate::layers::source::Source;
use crate::layers::{Built, InPlace, Interpolation, Needs};
use crate::random::Draws;
use crate::shape::Shape;

/// The arguments of layers that look pixels up. A layer holds them in a flattened field `lookup`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LookupArguments {
    pub(super) fill_mode: Argument<FillMode>,
    pub(super) interpolation: Argument<Interpolation>,
    pub(super) seed: Option<u64>,
    pub(super) fill_value: f64,
    data_format: DataFormat,
}

impl Default for LookupArguments {
    fn default() -> Self {
        Self {
            fill_mode: FillMode::Reflect.into(),
            interpolation: Argument::default(),
            seed: None,
            fill_value: 0.0,
            data_format: DataFormat,
        }
    }
}

impl LookupArguments {
    /// How pixels of images of a shape are looked up.
    pub(super) fn resampling(&self, input: &Shape) -> Result<Resampling, String> {
        let [height, width, channels] = image_size(input)?;
        if !self.fill_value.is_finite() {
            return Err(format!("fill_value must be finite, got {}", self.fill_value));
        }
        let (border, fill) = (Border::layer(*self.fill_mode.get()?), self.fill_value as f32);
        let nearest = *self.interpolation.get()? == Interpolation::Nearest;
        Ok(Resampling { height, width, channels, border, fill, nearest })
    }

    /// A layer that looks each image's pixels up through a random map.
    pub(super) fn built(
        &self,
        input: &Shape,
        resampling: Resampling,
        map: impl RandomMap + 'static,
    ) -> Built {
        Built::in_place(input, Lookup { source: Source::new(self.seed), resampling, map })
    }
}

/// The builder methods of layers with a field `lookup`.
macro_rules! lookup_methods {
    () => {
        /// What lies beyond the edge. `constant` blends with `fill_value` at the edge, `wrap` lets the first pixel follow
        /// the last one. Default: `reflect`.
        #[must_use]
        pub fn fill_mode(
            mut self,
            fill_mode: impl Into<$crate::config::Argument<$crate::data::augmentation::FillMode>>,
        ) -> Self {
            self.lookup.fill_mode = fill_mode.into();
            self
        }

        /// How a place between pixels gets its value. Default: `bilinear`.
        #[must_use]
        pub fn interpolation(
            mut self,
            interpolation: impl Into<$crate::config::Argument<$crate::layers::Interpolation>>,
        ) -> Self {
            self.lookup.interpolation = interpolation.into();
            self
        }

        /// The value beyond the edge for the fill mode `constant`. Default: 0.
        #[must_use]
        pub fn fill_value(mut self, fill_value: f64) -> Self {
            self.lookup.fill_value = fill_value;
            self
        }

        $crate::layers::seed_method!(in lookup);
    };
}
pub(super) use lookup_methods;

/// A distribution of affine maps.
pub(super) trait RandomMap: Debug + Send + Sync {
    fn draw(&self, draws: &mut Draws) -> Affine;
}

/// Looks each image's pixels up through a random map. Linear in the image, but for the fill value.
#[derive(Debug)]
struct Lookup<M> {
    source: Source,
    resampling: Resampling,
    map: M,
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
