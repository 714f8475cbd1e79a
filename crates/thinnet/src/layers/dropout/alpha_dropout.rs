//! Alpha dropout.

use serde::{Deserialize, Serialize};
use thinnet_kernels::dropout;

use super::NoiseShape;
use super::mask::Mask;
use crate::engine::Context;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::schedules::Rate;
use crate::shape::Shape;

/// What dropped elements become before the affine map: the limit of [`Selu`](crate::activations::Selu) at −∞.
const DROPPED: f64 = -1.758_099_340_847_376_6;

/// Dropout that keeps mean 0 and variance 1, for networks with [`Selu`](crate::activations::Selu): in training a·(x or
/// α′) + b, where a fraction `rate` becomes α′ = −1.7581, a = ((1 − rate)·(1 + rate·α′²))^−½ and b = −a·α′·rate. Does
/// nothing in inference.
///
/// Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks".
///
/// ```
/// use thinnet::layers::AlphaDropout;
/// let layer = AlphaDropout::new(0.1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlphaDropout {
    #[serde(skip)]
    base: Base,
    rate: Rate,
    noise_shape: Option<NoiseShape>,
    seed: Option<u64>,
}

impl AlphaDropout {
    /// Drops a fraction `rate`, in [0, 1]: 0 drops nothing, 1 gives zeros (the limit). A number, or a schedule.
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

impl Layer for AlphaDropout {
    layer_methods!("AlphaDropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        Ok(match Mask::new(&self.rate, self.noise_shape.as_ref(), self.seed, input)? {
            Some(mask) => Built::in_place(input, Replace { mask }),
            None => Built::view(input.clone()),
        })
    }
}

#[derive(Debug)]
struct Replace {
    mask: Mask,
}

impl Replace {
    /// a, b and a·α′ + b of a step.
    fn map(&self, cx: &Context) -> [f32; 3] {
        let rate = self.mask.rate(cx);
        let q = 1.0 - rate;
        // At rate 1, where a is infinite, the limit: a·α′ + b = a·α′·(1 − rate) goes to 0.
        let a = if q > 0.0 { (q * (1.0 + rate * DROPPED * DROPPED)).powf(-0.5) } else { 0.0 };
        let b = -a * DROPPED * rate;
        [a, b, a * DROPPED + b].map(|value| value as f32)
    }
}

impl InPlace for Replace {
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
        self.mask.is_active(cx)
    }

    fn scratch(&self) -> usize {
        self.mask.scratch()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        let [scale, offset, dropped] = self.map(cx);
        self.mask.apply(
            cx,
            x,
            scratch,
            |rows, threshold, x| dropout::select(rows, threshold, scale, offset, dropped, x),
            |kept, x| if kept { x * scale + offset } else { dropped },
        );
    }

    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        let [scale, ..] = self.map(cx);
        self.mask.apply(
            cx,
            dy,
            scratch,
            |rows, threshold, dy| dropout::scale(rows, threshold, scale, dy),
            |kept, dy| if kept { dy * scale } else { 0.0 },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::Selu;
    use crate::initializers::{Initializer, LecunNormal};
    use crate::layers::testing::{self, training};
    use crate::layers::{Activation, Dropout};
    use crate::random::{Domain, Stream};
    use crate::schedules::Linear;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&AlphaDropout::new(0.5), &[&[1], &[10], &[3, 5], &[2, 3, 13]]);
        testing::check(&AlphaDropout::new(Linear::new(0.1, 0.4, 10)), &[&[10]]);
        for noise_shape in [[-1, 1, -1], [-1, -1, 1], [1, -1, -1]] {
            testing::check(&AlphaDropout::new(0.5).noise_shape(noise_shape), &[&[3, 5]]);
        }
    }

    #[test]
    fn rate_zero_is_the_identity_and_rate_one_gives_zeros() {
        let x = [1.0, -2.0, 3.0, 4.0];
        assert_eq!(testing::train(&AlphaDropout::new(0.0), &[4], &training(0), &x), x);
        let zeros = testing::train(&AlphaDropout::new(1.0), &[4], &training(0), &x);
        assert_eq!(zeros, [0.0; 4]);
    }

    #[test]
    fn kept_and_dropped_values_are_those_of_the_paper() {
        // a and b at rate 0.5, worked out from the published formula apart from this code.
        let (a, b) = (0.886_404_895, 0.779_193_931);
        let y = testing::train(&AlphaDropout::new(0.5), &[100], &training(0), &[2.0; 100]);
        let (kept, dropped) = ((2.0 * a + b) as f32, (a * DROPPED + b) as f32);
        assert!(y.iter().all(|y| (y - kept).abs() < 1e-5 || (y - dropped).abs() < 1e-5), "{y:?}");
        assert!(y.iter().any(|y| *y > 0.0) && y.iter().any(|y| *y < 0.0));
    }

    /// Over fresh seeds each bound would be exceeded with a probability below 1e-6: 5 standard errors of the mean, and of the
    /// mean square by the fourth moment of what came.
    #[test]
    fn normal_inputs_keep_mean_zero_and_variance_one() {
        for rate in [0.05, 0.2, 0.5, 0.9] {
            let n = 1 << 18;
            let mut draws = Stream::new(11, Domain::Shuffle).at(0, 0);
            let x: Vec<f32> = (0..n).map(|_| draws.normal() as f32).collect();
            let y = testing::train(&AlphaDropout::new(rate), &[256], &training(0), &x);
            let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / n as f64;
            let square = y.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / n as f64;
            let fourth = y.iter().map(|&y| f64::from(y).powi(4)).sum::<f64>() / n as f64;
            let error = 5.0 / (n as f64).sqrt();
            assert!(mean.abs() < error, "rate {rate}: mean {mean}");
            assert!((square - 1.0).abs() < error * (fourth - 1.0).sqrt(), "rate {rate}: variance {square}");
        }
    }

    #[test]
    fn a_bad_rate_is_explained() {
        let message = "rate must be in [0, 1] (the fraction that is dropped), got 2";
        testing::fails(&AlphaDropout::new(2.0), &[3], message);
    }

    /// Through sixteen layers of 256 units with SELU and lecun_normal weights, each with alpha dropout behind it, units keep
    /// mean 0 and variance 1; with ordinary dropout they do not. The bounds leave room for what the weights of a finite network
    /// do to its statistics; the seeds are fixed.
    #[test]
    fn networks_of_selu_stay_normalized_through_many_layers() {
        let (inputs, samples) = (256, 512);
        let mut draws = Stream::new(5, Domain::Shuffle).at(0, 0);
        let x: Vec<f32> = (0..inputs * samples).map(|_| draws.normal() as f32).collect();
        let moments = |dropout: &dyn Layer| {
            let mut values = x.clone();
            let mut course = Vec::new();
            for depth in 0..16 {
                let cx = Context { stream: Stream::new(7, Domain::Layer(depth)), ..training(0) };
                let weights = Initializer::from(LecunNormal::default());
                let mut kernel = vec![0.0; inputs * inputs];
                weights.fill(&[inputs, inputs], Stream::new(9, Domain::Initializer(depth)), &mut kernel);
                values = product(&values, &kernel, inputs);
                values = testing::train(&Activation::new(Selu), &[inputs], &cx, &values);
                values = testing::train(dropout, &[inputs], &cx, &values);
                let n = values.len() as f64;
                let mean = values.iter().map(|&y| f64::from(y)).sum::<f64>() / n;
                let square = values.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / n;
                course.push((mean, square - mean * mean));
            }
            course
        };
        for rate in [0.05, 0.1, 0.2] {
            let course = moments(&AlphaDropout::new(rate));
            let normalized =
                |&(mean, variance): &(f64, f64)| mean.abs() < 0.15 && (variance - 1.0).abs() < 0.3;
            assert!(course.iter().all(normalized), "rate {rate}: {course:?}");
        }
        let ordinary = moments(&Dropout::new(0.2));
        assert!(ordinary.iter().any(|(_, variance)| (variance - 1.0).abs() > 0.3), "{ordinary:?}");
    }

    /// Rows times a square kernel.
    fn product(x: &[f32], kernel: &[f32], inputs: usize) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        for (x, y) in x.chunks(inputs).zip(y.chunks_mut(inputs)) {
            for (&x, kernel) in x.iter().zip(kernel.chunks(inputs)) {
                y.iter_mut().zip(kernel).for_each(|(y, w)| *y += x * w);
            }
        }
        y
    }
}
