//! Softmax as a layer, over any axis.

use serde::{Deserialize, Serialize};
use thinnet_kernels::activations::softmax::{softmax, softmax_backward};

use super::normalization::axis;
use super::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods};
use crate::activations::Activation;
use crate::engine::Context;
use crate::shape::Shape;

/// eˣ / Σ eˣ over an axis. (The activation of the same name, over the last axis, is
/// [`activations::Softmax`](crate::activations::Softmax).)
///
/// ```
/// use thinnet::layers::Softmax;
/// let over_rows = Softmax::new().axis(1);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Softmax {
    #[serde(skip)]
    base: Base,
    axis: i64,
}

impl Default for Softmax {
    fn default() -> Self {
        Self { base: Base::default(), axis: -1 }
    }
}

impl Softmax {
    /// Over the last axis.
    pub fn new() -> Self {
        Self::default()
    }

    /// The axis: 1 is a sample's first (0 would be the batch's), −1 the last. Default: −1.
    #[must_use]
    pub fn axis(mut self, axis: i64) -> Self {
        self.axis = axis;
        self
    }

    base_methods!();
}

impl Layer for Softmax {
    layer_methods!("Softmax");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let place = axis(self.axis, input)?;
        let (before, after) = input.axes().split_at(place + 1);
        match after.iter().product() {
            1 => Built::activation(&Shape::from(before), &Activation::Softmax)
                .map(|built| Built { output: input.clone(), ..built }),
            stride => Ok(Built::in_place(input, Strided { len: input.axes()[place], stride })),
        }
    }
}

/// Softmax over elements that lie `stride` apart.
#[derive(Debug)]
struct Strided {
    len: usize,
    stride: usize,
}

impl InPlace for Strided {
    fn needs(&self) -> Needs {
        Needs::Output
    }

    fn keeps_sign(&self) -> bool {
        false
    }

    fn scratch(&self) -> usize {
        2 * self.len
    }

    fn forward(&self, _cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        let line = &mut scratch[..self.len];
        for block in x.chunks_exact_mut(self.len * self.stride) {
            for start in 0..self.stride {
                self.gather(&block[start..], line);
                softmax(self.len, line);
                self.scatter(line, &mut block[start..]);
            }
        }
    }

    fn backward(&self, _cx: &Context, _x: &[f32], y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        let (line, gradient) = scratch[..2 * self.len].split_at_mut(self.len);
        let size = self.len * self.stride;
        for (y, dy) in y.chunks_exact(size).zip(dy.chunks_exact_mut(size)) {
            for start in 0..self.stride {
                self.gather(&y[start..], line);
                self.gather(&dy[start..], gradient);
                softmax_backward(self.len, line, gradient);
                self.scatter(gradient, &mut dy[start..]);
            }
        }
    }
}

impl Strided {
    fn gather(&self, from: &[f32], line: &mut [f32]) {
        for (to, from) in line.iter_mut().zip(from.iter().step_by(self.stride)) {
            *to = *from;
        }
    }

    fn scatter(&self, line: &[f32], to: &mut [f32]) {
        for (to, from) in to.iter_mut().step_by(self.stride).zip(line) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Softmax::new(), &[&[1], &[10], &[3, 5]]);
        testing::check(&Softmax::new().axis(1), &[&[10], &[3, 5], &[3, 2, 4]]);
        testing::check(&Softmax::new().axis(-2), &[&[3, 5], &[3, 2, 4]]);
    }

    #[test]
    fn the_values_along_the_axis_sum_to_one() {
        let x: Vec<f32> = (0..24).map(|i| (i * 7 % 11) as f32 / 4.0).collect();
        let y = testing::infer(&Softmax::new().axis(2), &[2, 3, 4], &x);
        for block in y.chunks_exact(12) {
            for column in 0..4 {
                let sum: f32 = block[column..].iter().step_by(4).sum();
                assert!((sum - 1.0).abs() < 1e-6);
            }
        }
        let ratio = y[0] / y[4];
        assert!((ratio - (x[0] - x[4]).exp()).abs() < 1e-5 * ratio);
    }

    #[test]
    fn an_axis_that_is_not_there_is_explained() {
        for axis in [0, 3, -3] {
            let message =
                format!("axis must be in 1..=2 or -2..=-1 for an input of (None, 4, 5), got {axis}");
            testing::fails(&Softmax::new().axis(axis), &[4, 5], &message);
        }
    }
}
