//! `UpSampling2D`: maps with more rows and columns.

use serde::{Deserialize, Serialize};

use crate::config::Argument;
use crate::engine::{Context, Variables};
use crate::layers::arguments::{DataFormat, Pair, map};
use crate::layers::{Base, Built, Interpolation, Layer, Transform, base_methods, layer_methods};
use crate::shape::Shape;

/// Makes maps larger by whole factors: (rows, columns, channels) becomes (rows·factor, columns·factor, channels).
///
/// ```
/// use thinnet::layers::{Interpolation, Layer, UpSampling2D};
/// let layer = UpSampling2D::new(2).interpolation(Interpolation::Bilinear);
/// assert_eq!(layer.build(&[7, 7, 3].into()).unwrap().output, [14, 14, 3].into());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpSampling2D {
    #[serde(skip)]
    base: Base,
    size: Pair,
    data_format: DataFormat,
    interpolation: Argument<Interpolation>,
}

impl Default for UpSampling2D {
    /// Twice as large, by the nearest values.
    fn default() -> Self {
        Self {
            base: Base::default(),
            size: 2.into(),
            data_format: DataFormat,
            interpolation: Interpolation::Nearest.into(),
        }
    }
}

impl UpSampling2D {
    /// By these factors: one number for both sides, or (rows, columns).
    pub fn new(size: impl Into<Pair>) -> Self {
        Self { size: size.into(), ..Self::default() }
    }

    base_methods!();

    /// How values between places are found. Default: nearest.
    #[must_use]
    pub fn interpolation(mut self, interpolation: impl Into<Argument<Interpolation>>) -> Self {
        self.interpolation = interpolation.into();
        self
    }
}

impl Layer for UpSampling2D {
    layer_methods!("UpSampling2D");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [rows, columns, channels] = map(input)?;
        let interpolation = *self.interpolation.get()?;
        let axis = |size: usize, factor: usize| match size.checked_mul(factor) {
            Some(large) if large > 0 && large < 1 << 24 => Ok(points(size, factor, interpolation)),
            _ => Err(format!("size {} is not possible for an input of {input}", self.size)),
        };
        let (height, width) = (axis(rows, self.size.0[0])?, axis(columns, self.size.0[1])?);
        let output = Shape::from([height.len(), width.len(), channels]);
        Ok(Built::transform(
            output,
            Sample { rows: height, columns: width, input: [rows, columns], channels },
        ))
    }
}

/// The two places that a point lies between, and how far it is from the first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    places: [usize; 2],
    weight: f32,
}

/// Where the places of a larger axis lie in the smaller one.
fn points(size: usize, factor: usize, interpolation: Interpolation) -> Vec<Point> {
    let point = |index: usize| match interpolation {
        Interpolation::Nearest => Point { places: [index / factor; 2], weight: 0.0 },
        Interpolation::Bilinear => {
            // Centres of places lie at halves.
            let at = ((index as f32 + 0.5) / factor as f32 - 0.5).clamp(0.0, (size - 1) as f32);
            let place = at.floor() as usize;
            Point { places: [place, (place + 1).min(size - 1)], weight: at - at.floor() }
        }
    };
    (0..size * factor).map(point).collect()
}

#[derive(Debug)]
struct Sample {
    rows: Vec<Point>,
    columns: Vec<Point>,
    input: [usize; 2],
    channels: usize,
}

impl Sample {
    fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Calls `f` with each place of the output, one of the places of the input that it depends on, and how much.
    fn for_each(&self, mut f: impl FnMut(usize, usize, f32)) {
        for (i, row) in self.rows.iter().enumerate() {
            for (j, column) in self.columns.iter().enumerate() {
                let out = (i * self.columns.len() + j) * self.channels;
                for (&r, down) in row.places.iter().zip([1.0 - row.weight, row.weight]) {
                    for (&c, right) in column.places.iter().zip([1.0 - column.weight, column.weight]) {
                        if down * right > 0.0 {
                            f(out, (r * self.input[1] + c) * self.channels, down * right);
                        }
                    }
                }
            }
        }
    }
}

impl Transform for Sample {
    fn output_len(&self) -> usize {
        self.rows.len() * self.columns.len() * self.channels
    }

    fn scratch(&self, _: usize) -> usize {
        0
    }

    fn cost(&self) -> usize {
        4 * self.output_len()
    }

    fn forward(&self, _: &Context, _: Variables, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        let channels = self.channels;
        y.fill(0.0);
        for (x, y) in x.chunks_exact(self.input_len()).zip(y.chunks_exact_mut(self.output_len())) {
            self.for_each(|out, place, weight| {
                let x = &x[place..place + channels];
                y[out..out + channels].iter_mut().zip(x).for_each(|(y, &x)| *y += weight * x);
            });
        }
    }

    fn backward(&self, _: &Context, _: Variables, _: &[f32], dy: &[f32], dx: &mut [f32], _: &mut [f32]) {
        let channels = self.channels;
        dx.fill(0.0);
        for (dx, dy) in dx.chunks_exact_mut(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            self.for_each(|out, place, weight| {
                let dy = &dy[out..out + channels];
                dx[place..place + channels].iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += weight * dy);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing;

    #[test]
    fn behaves_as_a_layer() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            testing::check(&UpSampling2D::new(2).interpolation(interpolation), &[&[1, 1, 1], &[2, 3, 2]]);
            testing::check(&UpSampling2D::new([1, 3]).interpolation(interpolation), &[&[3, 2, 2]]);
        }
    }

    #[test]
    fn values_between_centres_are_in_proportion() {
        let layer = UpSampling2D::new([1, 2]).interpolation(Interpolation::Bilinear);
        assert_eq!(testing::infer(&layer, &[1, 2, 1], &[0.0, 4.0]), [0.0, 1.0, 3.0, 4.0]);
    }

    #[test]
    fn a_factor_of_zero_is_refused() {
        let message = "size (0, 2) is not possible for an input of (None, 4, 4, 1)";
        testing::fails(&UpSampling2D::new([0, 2]), &[4, 4, 1], message);
    }
}
