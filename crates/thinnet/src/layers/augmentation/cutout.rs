//! Squares cut out.

use serde::{Deserialize, Serialize};

use crate::data::augmentation::image_size;
use crate::engine::Context;
use crate::layers::source::Source;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::shape::Shape;

/// Covers a square of each image, around a random pixel, with one value in training. Does nothing in inference.
///
/// Every pixel is as likely as any other to be the middle, so the square may stick out of the image: less is covered
/// then. Dropout of a connected region of the input.
///
/// DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with cutout": 16 pixels for CIFAR-10,
/// 8 for CIFAR-100, on normalized images, so that 0 is the mean.
///
/// ```
/// use thinnet::layers::Cutout;
/// let layer = Cutout::new(16);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cutout {
    #[serde(skip)]
    base: Base,
    size: usize,
    fill_value: f64,
    seed: Option<u64>,
}

impl Cutout {
    /// A square with sides of `size` pixels; 0 cuts nothing out.
    pub fn new(size: usize) -> Self {
        Self { size, ..Self::default() }
    }

    /// The value within the square. Default: 0.
    #[must_use]
    pub fn fill_value(mut self, fill_value: f64) -> Self {
        self.fill_value = fill_value;
        self
    }

    seed_method!();

    base_methods!();
}

impl Layer for Cutout {
    layer_methods!("Cutout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let [height, width, channels] = image_size(input)?;
        if !self.fill_value.is_finite() {
            return Err(format!("fill_value must be finite, got {}", self.fill_value));
        }
        let (Ok(rows), Ok(columns)) = (u32::try_from(height), u32::try_from(width)) else {
            return Err(format!("images must have fewer than 2^32 rows and columns, got samples of {input}"));
        };
        if self.size == 0 {
            return Ok(Built::view(input.clone()));
        }
        let (source, fill) = (Source::new(self.seed), self.fill_value as f32);
        Ok(Built::in_place(input, Cut { source, size: self.size, fill, rows, columns, channels }))
    }
}

#[derive(Debug)]
struct Cut {
    source: Source,
    size: usize,
    fill: f32,
    rows: u32,
    columns: u32,
    channels: usize,
}

impl Cut {
    fn fill(&self, cx: &Context, x: &mut [f32], value: f32) {
        let row_len = self.columns as usize * self.channels;
        for (sample, image) in x.chunks_exact_mut(self.rows as usize * row_len).enumerate() {
            let mut draws = self.source.draws(cx, sample);
            let span = |middle: u32, end: u32| {
                // From half the size before the middle on, as in the paper's program.
                let (middle, before) = (middle as usize, self.size / 2);
                middle.saturating_sub(before)..middle.saturating_add(self.size - before).min(end as usize)
            };
            let rows = span(draws.below(self.rows), self.rows);
            let columns = span(draws.below(self.columns), self.columns);
            for row in image.chunks_exact_mut(row_len).take(rows.end).skip(rows.start) {
                row[columns.start * self.channels..columns.end * self.channels].fill(value);
            }
        }
    }
}

impl InPlace for Cut {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn keeps_sign(&self) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        true
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.is_training()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        self.fill(cx, x, self.fill);
    }

    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], _scratch: &mut [f32]) {
        self.fill(cx, dy, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Cutout::new(2), &[&[5, 6, 2], &[4, 3], &[3, 3, 3]]);
        testing::check(&Cutout::new(3).fill_value(-0.5).seed(3), &[&[5, 6, 2]]);
    }

    /// Over fresh seeds a corner's or the middle's count (bound: 5 standard deviations) would miss with a probability of
    /// 6e-7 each.
    #[test]
    fn every_pixel_is_as_likely_to_be_the_middle() {
        let (n, size) = (20_000, 3);
        let y = testing::train(&Cutout::new(size), &[6, 6], &training(0), &vec![1.0; n * 36]);
        let mut covered = [0usize; 36];
        for image in y.chunks(36) {
            let zeros: Vec<usize> = (0..36).filter(|&e| image[e] == 0.0).collect();
            let (first, last) = (zeros[0], zeros[zeros.len() - 1]);
            let (rows, columns) = (last / 6 - first / 6 + 1, last % 6 - first % 6 + 1);
            assert!(
                rows <= size && columns <= size && zeros.len() == rows * columns,
                "a rectangle: {zeros:?}"
            );
            zeros.into_iter().for_each(|e| covered[e] += 1);
        }
        // A pixel is covered by as many middles as there are pixels of the image around it.
        for (pixel, middles) in [(0, 4.0), (1, 6.0), (14, 9.0), (35, 4.0)] {
            let p: f64 = middles / 36.0;
            let deviation = (covered[pixel] as f64 - n as f64 * p) / (n as f64 * p * (1.0 - p)).sqrt();
            assert!(deviation.abs() < 5.0, "pixel {pixel}: {} of {n} at {p}", covered[pixel]);
        }
    }

    #[test]
    fn a_square_larger_than_the_image_covers_all_of_it() {
        for size in [16, usize::MAX] {
            let y = testing::train(&Cutout::new(size).fill_value(7.0), &[4, 4], &training(0), &[1.0; 16]);
            assert_eq!(y, [7.0; 16]);
        }
        assert_eq!(testing::train(&Cutout::new(0), &[2, 1], &training(0), &[1.0, 2.0]), [1.0, 2.0]);
    }

    #[test]
    fn bad_arguments_are_explained() {
        let layer = Cutout::new(2).fill_value(f64::INFINITY);
        testing::fails(&layer, &[2, 2], "fill_value must be finite, got inf");
    }
}
