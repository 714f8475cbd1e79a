//! Dropout.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thinnet_kernels::affine::affine;
use thinnet_kernels::dropout;

use super::NoiseShape;
use super::mask::Mask;
use crate::engine::Context;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::schedules::Rate;
use crate::shape::Shape;

/// Sets a fraction `rate` of the elements to zero in training, at random, and scales the others by 1/(1 − `rate`), so
/// that the expected value of each stays the same. Does nothing in inference: nothing is scaled there.
///
/// An element is kept if its draw, uniform in [0, 1), is at least `rate`. The draws are a function of (seed, layer,
/// step, the sample's place in the batch, element): neither threads nor a resumed run change them.
///
/// Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks
/// from overfitting" (which scales the weights in inference instead: the same in expectation).
///
/// ```
/// use thinnet::layers::Dropout;
/// let layer = Dropout::new(0.3).seed(7);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropout {
    #[serde(skip)]
    base: Base,
    rate: Rate,
    noise_shape: Option<NoiseShape>,
    seed: Option<u64>,
}

impl Dropout {
    /// Drops a fraction `rate`, in [0, 1]: 0 drops nothing, 1 gives zeros. A number, or a schedule.
    pub fn new(rate: impl Into<Rate>) -> Self {
        Self { rate: rate.into(), ..Self::default() }
    }

    /// The shape of the draws, the batch first: −1 keeps the input's size, 1 shares the draw along the axis. Default:
    /// each element has its own.
    #[must_use]
    pub fn noise_shape(mut self, noise_shape: impl Into<NoiseShape>) -> Self {
        self.noise_shape = Some(noise_shape.into());
        self
    }

    seed_method!();

    base_methods!();
}

impl Layer for Dropout {
    layer_methods!("Dropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        built(&self.rate, self.noise_shape.as_ref(), self.seed, input)
    }
}

/// A layer that drops by these arguments.
pub(super) fn built(
    rate: &Rate,
    noise_shape: Option<&NoiseShape>,
    seed: Option<u64>,
    input: &Shape,
) -> Result<Built, String> {
    Ok(match Mask::new(rate, noise_shape, seed, input)? {
        Some(mask) => Built::in_place(input, Drop { mask, behind_stop: false }),
        None => Built::view(input.clone()),
    })
}

#[derive(Clone, Debug)]
struct Drop {
    mask: Mask,
    /// See [`InPlace::behind_stop`].
    behind_stop: bool,
}

impl Drop {
    /// What is kept is multiplied by this.
    fn scale(&self, cx: &Context) -> f32 {
        (1.0 / (1.0 - self.mask.rate(cx))) as f32
    }
}

impl InPlace for Drop {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        true
    }

    fn behind_largest(&self, channels: usize, len: usize) -> Option<Arc<dyn InPlace>> {
        Some(Arc::new(Self { mask: self.mask.of_channels(channels, len)?, ..self.clone() }))
    }

    fn behind_stop(&self) -> Option<Arc<dyn InPlace>> {
        Some(Arc::new(Self { behind_stop: true, ..self.clone() }))
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        self.mask.is_active(cx)
    }

    fn scratch(&self) -> usize {
        self.mask.scratch()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        let scale = self.scale(cx);
        self.mask.apply(
            cx,
            x,
            scratch,
            |rows, threshold, x| dropout::scale(rows, threshold, scale, x),
            |kept, x| if kept { x * scale } else { 0.0 },
        );
    }

    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        match self.behind_stop {
            // Where an element was dropped, the output is zero.
            true => affine(self.scale(cx), 0.0, dy),
            false => self.forward(cx, dy, scratch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};
    use crate::random::{Domain, Stream};
    use crate::schedules::Linear;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Dropout::new(0.5), &[&[1], &[10], &[3, 5], &[2, 3, 13]]);
        testing::check(&Dropout::new(0.2).seed(7), &[&[10]]);
        for noise_shape in [[-1, 1, -1], [-1, -1, 1], [1, -1, -1], [1, 1, 5], [-1, 3, 5]] {
            testing::check(&Dropout::new(0.5).noise_shape(noise_shape), &[&[3, 5]]);
        }
    }

    #[test]
    fn rate_zero_is_the_identity_and_rate_one_gives_zeros() {
        let x = [1.0, -2.0, 3.0, 4.0];
        assert_eq!(testing::train(&Dropout::new(0.0), &[4], &training(0), &x), x);
        assert_eq!(testing::train(&Dropout::new(1.0), &[4], &training(0), &x), [0.0; 4]);
        let shared = Dropout::new(1.0).noise_shape([-1, 1]);
        assert_eq!(testing::train(&shared, &[4], &training(0), &x), [0.0; 4]);
    }

    #[test]
    fn an_element_is_kept_where_its_draw_is_at_least_the_rate() {
        let (cx, rate) = (training(3), 0.4);
        let y = testing::train(&Dropout::new(rate), &[6], &cx, &[1.0; 30]);
        for (row, y) in y.chunks(6).enumerate() {
            let mut draws = cx.stream.at(3, row);
            for &y in y {
                let kept = f64::from(draws.word()) / 2f64.powi(32) >= rate;
                assert_eq!(y, if kept { (1.0 / (1.0 - rate)) as f32 } else { 0.0 });
            }
        }
    }

    #[test]
    fn noise_shapes_share_draws_by_value() {
        let mask = |noise_shape: [i64; 3]| {
            let layer = Dropout::new(0.5).noise_shape(noise_shape);
            testing::train(&layer, &[4, 8], &training(1), &[1.0; 3 * 32])
        };
        let at = |y: &[f32], sample: usize, i: usize, j: usize| y[sample * 32 + i * 8 + j];
        let word = |sample: usize, e: usize| {
            let mut draws = training(1).stream.at(1, sample);
            let word = (0..=e).map(|_| draws.word()).last().unwrap();
            if f64::from(word) / 2f64.powi(32) >= 0.5 { 2.0 } else { 0.0 }
        };
        let (rows, columns, batch) = (mask([-1, 1, 8]), mask([-1, 4, 1]), mask([1, -1, -1]));
        for sample in 0..3 {
            for i in 0..4 {
                for j in 0..8 {
                    assert_eq!(at(&rows, sample, i, j), word(sample, j));
                    assert_eq!(at(&columns, sample, i, j), word(sample, i));
                    assert_eq!(at(&batch, sample, i, j), word(0, i * 8 + j));
                }
            }
        }
    }

    #[test]
    fn a_seed_of_its_own_gives_the_same_mask_wherever_the_layer_stands() {
        let x = [1.0; 64];
        let elsewhere = Context { stream: Stream::new(9, Domain::Layer(4)), ..training(2) };
        let mask = |seed: Option<u64>, cx: &Context| {
            let layer = Dropout { seed, ..Dropout::new(0.5) };
            testing::train(&layer, &[64], cx, &x)
        };
        assert_eq!(mask(Some(7), &training(2)), mask(Some(7), &elsewhere));
        assert_ne!(mask(Some(7), &training(2)), mask(Some(8), &training(2)));
        assert_ne!(mask(None, &training(2)), mask(None, &elsewhere));
    }

    #[test]
    fn a_schedule_gives_each_step_its_rate() {
        let layer = Dropout::new(Linear::new(0.0, 1.0, 10));
        testing::check(&layer, &[&[10], &[3, 5]]);
        let x = [1.0; 32];
        for (step, rate) in [(0, 0.0), (5, 0.5), (10, 1.0), (1 << 63, 1.0)] {
            let constant = testing::train(&Dropout::new(rate), &[32], &training(step), &x);
            assert_eq!(testing::train(&layer, &[32], &training(step), &x), constant, "step {step}");
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        let message = "rate: initial_rate must be in [0, 1] (the fraction that is dropped), got 2";
        testing::fails(&Dropout::new(Linear::new(2.0, 0.0, 10)), &[3], message);
        for rate in [1.5, -0.1, f64::NAN] {
            let message = format!("rate must be in [0, 1] (the fraction that is dropped), got {rate}");
            testing::fails(&Dropout::new(rate), &[3], &message);
        }
        testing::fails(
            &Dropout::new(0.0).noise_shape([-1, 2, 3]),
            &[3],
            "noise_shape must have 2 entries for an input of (None, 3) (the batch first), got [null, 2, 3]",
        );
    }
}
