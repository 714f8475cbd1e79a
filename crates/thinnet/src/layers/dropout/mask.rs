//! Masks that keep each element with probability 1 − rate.

use thinnet_kernels::dropout;
use thinnet_kernels::philox::Rows;

use super::noise_shape::Sharing;
use super::{NoiseShape, Source};
use crate::engine::Context;
use crate::random::Stream;
use crate::schedules::Rate;
use crate::shape::Shape;

/// The mask of a layer.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    source: Source,
    rate: Rate,
    len: usize,
    sharing: Option<Sharing>,
}

impl Mask {
    /// The mask of a layer with these arguments on samples of this shape; none where nothing is dropped.
    pub(super) fn new(
        rate: &Rate,
        noise_shape: Option<&NoiseShape>,
        seed: Option<u64>,
        input: &Shape,
    ) -> Result<Option<Self>, String> {
        rate.check()?;
        let sharing = noise_shape.map(|shape| shape.sharing(input)).transpose()?.flatten();
        let (source, len) = (Source::new(seed), input.len());
        Ok((rate.highest() > 0.0).then(|| Self { source, rate: rate.clone(), len, sharing }))
    }

    /// The same mask on samples of `len` elements, where each channel has one draw.
    pub(super) fn of_channels(&self, channels: usize, len: usize) -> Option<Self> {
        let Sharing { draws, index: None, .. } = self.sharing.as_ref()? else { return None };
        (*draws == channels).then(|| Self { len, ..self.clone() })
    }

    /// The rate of a step.
    pub(super) fn rate(&self, cx: &Context) -> f64 {
        self.rate.at(cx.step)
    }

    /// Whether anything is dropped.
    pub(super) fn is_active(&self, cx: &Context) -> bool {
        cx.draws() && self.rate(cx) > 0.0
    }

    /// f32 of memory for the draws that are shared.
    pub(super) fn scratch(&self) -> usize {
        self.sharing.as_ref().map_or(0, |sharing| sharing.draws)
    }

    /// Masks rows: `all` does it with draws for every element, given where their words stand and the threshold; `shared`
    /// does it to one element, given whether it is kept.
    pub(super) fn apply(
        &self,
        cx: &Context,
        x: &mut [f32],
        scratch: &mut [f32],
        all: impl FnOnce(Rows, u64, &mut [f32]),
        shared: impl Fn(bool, f32) -> f32,
    ) {
        let threshold = dropout::threshold(self.rate(cx));
        let Some(Sharing { batch, draws, index }) = &self.sharing else {
            return all(self.source.words(cx, self.len), threshold, x);
        };
        let kept = &mut scratch[..*draws];
        let draw = |sample: usize, kept: &mut [f32]| {
            let rest = Stream::counter(cx.step, sample);
            dropout::multipliers(self.source.key(cx), rest, threshold, 1.0, kept);
        };
        if *batch {
            draw(0, kept);
        }
        for (row, x) in x.chunks_exact_mut(self.len).enumerate() {
            if !batch {
                draw(cx.place(row), kept);
            }
            match index {
                None => {
                    for x in x.chunks_exact_mut(*draws) {
                        x.iter_mut().zip(&*kept).for_each(|(x, &kept)| *x = shared(kept != 0.0, *x));
                    }
                }
                Some(index) => {
                    for (x, &draw) in x.iter_mut().zip(index) {
                        *x = shared(kept[draw as usize] != 0.0, *x);
                    }
                }
            }
        }
    }
}
