//! Random zooms.

use serde::{Deserialize, Serialize};

use super::factor::Factor;
use super::lookup::{LookupArguments, RandomMap, lookup_methods};
use crate::data::augmentation::{Affine, between};
use crate::layers::{Base, Built, Layer, base_methods, layer_methods};
use crate::random::Draws;
use crate::shape::Shape;

/// Enlarges or shrinks each image about its middle by a random factor in training. Does nothing in inference.
///
/// ```
/// use thinnet::layers::RandomZoom;
/// let as_they_are = RandomZoom::new(0.2); // keeps the aspect ratio
/// let stretched = RandomZoom::new(0.2).width_factor(0.2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomZoom {
    #[serde(skip)]
    base: Base,
    height_factor: Factor,
    width_factor: Option<Factor>,
    #[serde(flatten)]
    lookup: LookupArguments,
}

impl RandomZoom {
    /// By at most this fraction, in (−1, 1], either way; or between two such fractions. The output shows 1 + the fraction
    /// of the input's height: positive ones shrink the image.
    pub fn new(height_factor: impl Into<Factor>) -> Self {
        Self { height_factor: height_factor.into(), ..Self::default() }
    }

    /// The same for the width, with a draw of its own. Default: the height's draw, which keeps the aspect ratio.
    #[must_use]
    pub fn width_factor(mut self, width_factor: impl Into<Factor>) -> Self {
        self.width_factor = Some(width_factor.into());
        self
    }

    lookup_methods!();
    base_methods!();
}

impl Layer for RandomZoom {
    layer_methods!("RandomZoom");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let limits = |factor: Factor, name| {
            let allowed = |factor: f64| factor > -1.0 && factor <= 1.0;
            factor
                .limits(name, "a fraction in (-1, 1]", allowed)
                .map(|limits| limits.map(|limit| 1.0 + limit))
        };
        let height = limits(self.height_factor, "height_factor")?;
        let width = self.width_factor.map(|factor| limits(factor, "width_factor")).transpose()?;
        let resampling = self.lookup.resampling(input)?;
        if [height, width.unwrap_or(height)] == [[1.0; 2]; 2] {
            return Ok(Built::view(input.clone()));
        }
        let middle = [resampling.height, resampling.width].map(|size| (size as f64 - 1.0) / 2.0);
        let map = Zoom { height, width, middle };
        Ok(self.lookup.built(input, resampling, map))
    }
}

#[derive(Debug)]
struct Zoom {
    height: [f64; 2],
    width: Option<[f64; 2]>,
    middle: [f64; 2],
}

impl Zoom {
    fn by(&self, height: f64, width: f64) -> Affine {
        let [row, column] = self.middle;
        Affine { rows: [height, 0.0, 0.0], columns: [0.0, width, 0.0] }.about(row, column)
    }
}

impl RandomMap for Zoom {
    fn draw(&self, draws: &mut Draws) -> Affine {
        let height = between(draws, self.height);
        let width = self.width.map_or(height, |limits| between(draws, limits));
        self.by(height, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        for mode in ["reflect", "nearest", "wrap", "constant"] {
            let layer = RandomZoom::new(0.9).fill_mode(mode).fill_value(0.25);
            testing::check(&layer, &[&[5, 6, 2], &[4, 3], &[3, 3, 3], &[1, 2, 4]]);
        }
        let layer = RandomZoom::new([0.1, 0.5]).width_factor([-0.5, -0.1]).seed(3);
        testing::check(&layer.interpolation("nearest"), &[&[5, 6, 2]]);
    }

    #[test]
    fn negative_factors_enlarge_about_the_middle() {
        let layer = RandomZoom::new([-0.5, -0.5]);
        let y = testing::train(&layer, &[1, 5], &training(0), &[0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(y, [1.0, 1.5, 2.0, 2.5, 3.0]);
    }

    #[test]
    fn without_a_width_factor_the_aspect_ratio_stays() {
        let zoom = |width| {
            let zoom = Zoom { height: [0.5, 1.5], width, middle: [2.0; 2] };
            let Affine { rows, columns } = zoom.draw(&mut training(0).stream.at(0, 0));
            (rows[0], columns[1])
        };
        let (height, width) = zoom(None);
        assert_eq!(height, width);
        let (height, width) = zoom(Some([0.5, 1.5]));
        assert_ne!(height, width);
    }

    #[test]
    fn bad_arguments_are_explained() {
        testing::fails(
            &RandomZoom::new(0.1).width_factor(-1.0),
            &[4, 4, 1],
            "width_factor must be a fraction in (-1, 1], got -1",
        );
    }
}
