//! Inputs on another scale.

use serde::{Deserialize, Serialize};
use thinnet_kernels::affine::affine;

use super::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods};
use crate::engine::Context;
use crate::shape::Shape;

/// x·`scale` + `offset`, in training and in inference: `Rescaling::new(1.0 / 255.0)` takes bytes to [0, 1].
///
/// ```
/// use thinnet::layers::Rescaling;
/// let to_plus_minus_one = Rescaling::new(1.0 / 127.5).offset(-1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rescaling {
    #[serde(skip)]
    base: Base,
    scale: f64,
    offset: f64,
}

impl Default for Rescaling {
    fn default() -> Self {
        Self { base: Base::default(), scale: 1.0, offset: 0.0 }
    }
}

impl Rescaling {
    /// x·`scale`
    pub fn new(scale: f64) -> Self {
        Self { scale, ..Self::default() }
    }

    /// What is added after scaling. Default: 0.
    #[must_use]
    pub fn offset(mut self, offset: f64) -> Self {
        self.offset = offset;
        self
    }

    base_methods!();
}

impl Layer for Rescaling {
    layer_methods!("Rescaling");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        for (name, value) in [("scale", self.scale), ("offset", self.offset)] {
            if !value.is_finite() {
                return Err(format!("{name} must be a finite number, got {value}"));
            }
        }
        Ok(Built::in_place(input, Affine { scale: self.scale as f32, offset: self.offset as f32 }))
    }
}

#[derive(Debug)]
struct Affine {
    scale: f32,
    offset: f32,
}

impl InPlace for Affine {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        self.scale > 0.0 && self.offset == 0.0
    }

    fn forward(&self, _cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        affine(self.scale, self.offset, x);
    }

    fn backward(&self, _cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], _scratch: &mut [f32]) {
        affine(self.scale, 0.0, dy);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Rescaling::new(0.5), &[&[1], &[17], &[3, 5]]);
        testing::check(&Rescaling::new(-2.0).offset(0.25), &[&[17], &[3, 5]]);
    }

    #[test]
    fn values_are_scaled_and_moved() {
        let layer = Rescaling::new(1.0 / 127.5).offset(-1.0);
        for (got, want) in
            testing::infer(&layer, &[3], &[0.0, 127.5, 255.0]).into_iter().zip([-1.0, 0.0, 1.0f32])
        {
            assert!((got - want).abs() < 1e-6);
        }
    }

    #[test]
    fn arguments_must_be_finite() {
        let infinite = f64::INFINITY;
        testing::fails(&Rescaling::new(infinite), &[3], "scale must be a finite number, got inf");
        testing::fails(
            &Rescaling::new(1.0).offset(f64::NAN),
            &[3],
            "offset must be a finite number, got NaN",
        );
    }
}
