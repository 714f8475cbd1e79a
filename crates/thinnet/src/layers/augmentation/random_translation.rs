//! Random translations.

use serde::{Deserialize, Serialize};

use super::factor::Factor;
use super::lookup::{LookupArguments, RandomMap, lookup_methods};
use crate::data::augmentation::{Affine, between};
use crate::layers::{Base, Built, Layer, base_methods, layer_methods};
use crate::random::Draws;
use crate::shape::Shape;

/// Moves each image by a random distance in training. Does nothing in inference.
///
/// ```
/// use thinnet::layers::RandomTranslation;
/// let layer = RandomTranslation::new(0.1, 0.1).fill_mode("nearest");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomTranslation {
    #[serde(skip)]
    base: Base,
    height_factor: Factor,
    width_factor: Factor,
    #[serde(flatten)]
    lookup: LookupArguments,
}

impl RandomTranslation {
    /// By at most these fractions of the height and the width, in [−1, 1], to either side; or between two such fractions,
    /// of which positive ones are down and to the right.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> Self {
        Self { height_factor: height_factor.into(), width_factor: width_factor.into(), ..Self::default() }
    }

    lookup_methods!();
    base_methods!();
}

impl Layer for RandomTranslation {
    layer_methods!("RandomTranslation");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let limits = |factor: Factor, name| {
            factor.limits(name, "a fraction in [-1, 1]", |factor| (-1.0..=1.0).contains(&factor))
        };
        let height = limits(self.height_factor, "height_factor")?;
        let width = limits(self.width_factor, "width_factor")?;
        let resampling = self.lookup.resampling(input)?;
        if [height, width] == [[0.0; 2]; 2] {
            return Ok(Built::view(input.clone()));
        }
        let pixels = |factor: [f64; 2], size: usize| factor.map(|limit| limit * size as f64);
        let map =
            Translation { down: pixels(height, resampling.height), right: pixels(width, resampling.width) };
        Ok(self.lookup.built(input, resampling, map))
    }
}

#[derive(Debug)]
struct Translation {
    down: [f64; 2],
    right: [f64; 2],
}

impl Translation {
    fn by(down: f64, right: f64) -> Affine {
        Affine { rows: [1.0, 0.0, -down], columns: [0.0, 1.0, -right] }
    }
}

impl RandomMap for Translation {
    fn draw(&self, draws: &mut Draws) -> Affine {
        let down = between(draws, self.down);
        Self::by(down, between(draws, self.right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        for mode in ["reflect", "nearest", "wrap", "constant"] {
            let layer = RandomTranslation::new(0.4, (-0.9, 0.3)).fill_mode(mode).fill_value(-0.5);
            testing::check(&layer, &[&[5, 6, 2], &[4, 3], &[3, 3, 3], &[1, 2, 4]]);
        }
        testing::check(&RandomTranslation::new(1.0, 1.0).interpolation("nearest").seed(3), &[&[5, 6, 2]]);
    }

    #[test]
    fn positive_factors_move_down_and_to_the_right() {
        let layer = RandomTranslation::new((0.5, 0.5), (0.5, 0.5));
        let x = [1.0, 2.0, 3.0, 4.0];
        for (mode, want) in [
            ("nearest", [1.0, 1.0, 1.0, 1.0]),
            ("reflect", [1.0, 1.0, 1.0, 1.0]),
            ("wrap", [4.0, 3.0, 2.0, 1.0]),
            ("constant", [9.0, 9.0, 9.0, 1.0]),
        ] {
            let layer = layer.clone().fill_mode(mode).fill_value(9.0);
            assert_eq!(testing::train(&layer, &[2, 2], &training(0), &x), want, "{mode}");
        }
    }

    #[test]
    fn no_translation_is_the_identity() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(testing::train(&RandomTranslation::new(0.0, 0.0), &[2, 2], &training(0), &x), x);
    }

    /// Over fresh seeds each mean (bound: 5 standard errors) would miss with a probability of 6e-7, and the extremes with
    /// one of 1e-9.
    #[test]
    fn shifts_are_uniform_and_independent() {
        let map = Translation { down: [-3.0, 3.0], right: [0.0, 8.0] };
        let n = 10_000;
        let shifts: Vec<[f64; 2]> = (0..n)
            .map(|sample| {
                let map = map.draw(&mut training(0).stream.at(0, sample));
                [-map.rows[2] / 3.0, -map.columns[2] / 4.0 - 1.0]
            })
            .collect();
        let check = |name: &str, mean: f64, deviation: f64| {
            let bound = 5.0 * deviation / (n as f64).sqrt();
            assert!(mean.abs() < bound, "{name}: {mean}, bound {bound}");
        };
        for axis in 0..2 {
            let values = shifts.iter().map(|shift| shift[axis]);
            check("mean", values.clone().sum::<f64>() / n as f64, (1.0f64 / 3.0).sqrt());
            let square = values.clone().map(|x| x * x - 1.0 / 3.0).sum::<f64>() / n as f64;
            check("square", square, (4.0f64 / 45.0).sqrt());
            assert!(values.clone().any(|x| x > 0.99) && values.clone().any(|x| x < -0.99));
        }
        check("product", shifts.iter().map(|[a, b]| a * b).sum::<f64>() / n as f64, 1.0 / 3.0);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let message = "width_factor must be a fraction in [-1, 1], got 2";
        testing::fails(&RandomTranslation::new(0.1, (0.0, 2.0)), &[4, 4, 1], message);
    }
}
