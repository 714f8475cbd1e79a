//! Random rotations.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::factor::Factor;
use super::lookup::{LookupArguments, RandomMap, lookup_methods};
use crate::data::augmentation::{Affine, between};
use crate::layers::{Base, Built, Layer, base_methods, layer_methods};
use crate::random::Draws;
use crate::shape::Shape;

/// Turns each image about its middle by a random angle in training. Does nothing in inference.
///
/// ```
/// use thinnet::layers::RandomRotation;
/// let layer = RandomRotation::new(15.0 / 360.0).fill_mode("nearest"); // by at most 15 degrees
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomRotation {
    #[serde(skip)]
    base: Base,
    factor: Factor,
    #[serde(flatten)]
    lookup: LookupArguments,
}

impl RandomRotation {
    /// By at most `factor` of a full turn, in [−1, 1], to either side; or between two such fractions, of which positive
    /// ones are counter-clockwise.
    pub fn new(factor: impl Into<Factor>) -> Self {
        Self { factor: factor.into(), ..Self::default() }
    }

    lookup_methods!();
    base_methods!();
}

impl Layer for RandomRotation {
    layer_methods!("RandomRotation");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let expected = "a fraction of a full turn in [-1, 1]";
        let factor = self.factor.limits("factor", expected, |factor| (-1.0..=1.0).contains(&factor))?;
        let resampling = self.lookup.resampling(input)?;
        if factor == [0.0; 2] {
            return Ok(Built::view(input.clone()));
        }
        let middle = [resampling.height, resampling.width].map(|size| (size as f64 - 1.0) / 2.0);
        let map = Rotation { turns: factor, middle };
        Ok(self.lookup.built(input, resampling, map))
    }
}

#[derive(Debug)]
struct Rotation {
    turns: [f64; 2],
    middle: [f64; 2],
}

impl Rotation {
    fn by(&self, turns: f64) -> Affine {
        let (sin, cos) = (turns * TAU).sin_cos();
        let [row, column] = self.middle;
        Affine { rows: [cos, sin, 0.0], columns: [-sin, cos, 0.0] }.about(row, column)
    }
}

impl RandomMap for Rotation {
    fn draw(&self, draws: &mut Draws) -> Affine {
        self.by(between(draws, self.turns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        for mode in ["reflect", "nearest", "wrap", "constant"] {
            let layer = RandomRotation::new(0.3).fill_mode(mode).fill_value(0.5);
            testing::check(&layer, &[&[5, 6, 2], &[4, 3], &[3, 3, 3], &[1, 2, 4], &[3, 2, 1]]);
        }
        testing::check(&RandomRotation::new([-0.1, 0.3]).interpolation("nearest").seed(3), &[&[5, 6, 2]]);
    }

    #[test]
    fn a_quarter_turn_is_counter_clockwise() {
        let layer = RandomRotation::new([0.25, 0.25]);
        let y = testing::train(&layer, &[2, 2], &training(0), &[1.0, 2.0, 3.0, 4.0]);
        for (y, want) in y.into_iter().zip([2.0, 4.0, 1.0, 3.0f32]) {
            assert!((y - want).abs() < 1e-5);
        }
    }

    /// Over fresh seeds 400 draws would leave out the last twentieth at an end of their range with a probability of 1e-9.
    #[test]
    fn angles_fill_their_range() {
        let rotation = Rotation { turns: [-0.1, 0.2], middle: [0.0; 2] };
        let angle = |sample| {
            let Affine { rows: [cos, sin, _], .. } = rotation.draw(&mut training(0).stream.at(0, sample));
            sin.atan2(cos) / TAU
        };
        let angles: Vec<f64> = (0..400).map(angle).collect();
        assert!(angles.iter().all(|angle| (-0.1..0.2).contains(angle)));
        assert!(angles.iter().any(|&angle| angle < -0.085) && angles.iter().any(|&angle| angle > 0.185));
    }

    #[test]
    fn bad_arguments_are_explained() {
        let message = "factor must be a fraction of a full turn in [-1, 1], got 15";
        testing::fails(&RandomRotation::new(15.0), &[4, 4, 1], message);
        testing::fails(
            &RandomRotation::new(0.1),
            &[784],
            "images must be (height, width, channels) or (height, width), got samples of (None, 784): give them that \
             shape first",
        );
        testing::fails(
            &RandomRotation::new(0.1),
            &[0, 4],
            "images must not be empty, got samples of (None, 0, 4)",
        );
        testing::fails(
            &RandomRotation::new(0.1).fill_mode("neerest"),
            &[4, 4],
            "unknown fill mode `neerest`: did you mean `nearest`?",
        );
        testing::fails(
            &RandomRotation::new(0.1).fill_value(f64::NAN),
            &[4, 4],
            "fill_value must be finite, got NaN",
        );
    }
}
