//! Random flips.

use serde::{Deserialize, Serialize};

use crate::config::{Argument, words};
use crate::data::augmentation::{flip_horizontally, flip_vertically, image_size};
use crate::engine::Context;
use crate::layers::arguments::DataFormat;
use crate::layers::source::Source;
use crate::layers::{Base, Built, InPlace, Layer, Needs, base_methods, layer_methods, seed_method};
use crate::shape::Shape;

words! {
    /// Along which axes images are flipped.
    ///
    /// ```
    /// use thinnet::layers::{FlipMode, RandomFlip};
    /// let layer = RandomFlip::new(FlipMode::Horizontal); // or RandomFlip::new("horizontal")
    /// ```
    FlipMode("flip mode") {
        /// Left and right, and top and bottom: together, which turns the image by 180°.
        HorizontalAndVertical = "horizontal_and_vertical",
        /// Left and right.
        Horizontal = "horizontal",
        /// Top and bottom.
        Vertical = "vertical",
    }
}

/// Flips each image with a probability of ½ in training. Does nothing in inference.
///
/// With `horizontal_and_vertical` an image is flipped along both axes or along neither, as in Keras 3. For the four
/// combinations use two layers.
///
/// ```
/// use thinnet::layers::RandomFlip;
/// let layer = RandomFlip::new("horizontal");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomFlip {
    #[serde(skip)]
    base: Base,
    mode: Argument<FlipMode>,
    seed: Option<u64>,
    data_format: DataFormat,
}

impl RandomFlip {
    /// Along the axes that `mode` names. Keras's default is `horizontal_and_vertical`.
    pub fn new(mode: impl Into<Argument<FlipMode>>) -> Self {
        Self { mode: mode.into(), ..Self::default() }
    }

    seed_method!();

    base_methods!();
}

impl Layer for RandomFlip {
    layer_methods!("RandomFlip");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let (mode, size) = (*self.mode.get()?, image_size(input)?);
        Ok(Built::in_place(input, Flip { source: Source::new(self.seed), mode, size }))
    }
}

#[derive(Debug)]
struct Flip {
    source: Source,
    mode: FlipMode,
    size: [usize; 3],
}

impl Flip {
    fn flip(&self, image: &mut [f32]) {
        let [_, width, channels] = self.size;
        if self.mode != FlipMode::Vertical {
            flip_horizontally(width, channels, image);
        }
        if self.mode != FlipMode::Horizontal {
            flip_vertically(width * channels, image);
        }
    }
}

impl InPlace for Flip {
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
        cx.is_training()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        let len = self.size.iter().product();
        for (row, image) in x.chunks_exact_mut(len).enumerate() {
            if self.source.draws(cx, row).uniform() < 0.5 {
                self.flip(image);
            }
        }
    }

    /// A flip is its own transpose.
    fn backward(&self, cx: &Context, _x: &[f32], _y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        self.forward(cx, dy, scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augmentation::reference::{cases, close, floats, image};
    use crate::layers::testing::{self, training};

    #[test]
    fn behaves_as_a_layer() {
        for mode in ["horizontal", "vertical", "horizontal_and_vertical"] {
            testing::check(&RandomFlip::new(mode), &[&[5, 6, 2], &[4, 3], &[3, 3, 3]]);
        }
        testing::check(&RandomFlip::default().seed(3), &[&[2, 2]]);
    }

    /// Over fresh seeds the count (bound: 5 standard deviations) would miss with a probability of 6e-7 in each mode.
    #[test]
    fn every_other_image_is_flipped() {
        let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for (mode, flipped) in [
            ("horizontal", [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]),
            ("vertical", [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]),
            ("horizontal_and_vertical", [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]),
        ] {
            let y = testing::train(&RandomFlip::new(mode), &[2, 3], &training(0), &image.repeat(10_000));
            let flips = y.chunks(6).filter(|&y| y == flipped).count();
            assert_eq!(flips + y.chunks(6).filter(|&y| y == image).count(), 10_000);
            assert!((4750..5250).contains(&flips), "{mode}: {flips} of 10000");
        }
    }

    #[test]
    fn images_are_flipped_as_by_keras() {
        for case in cases("flips") {
            let mode: Argument<FlipMode> = case["mode"].as_str().unwrap().into();
            let flip = Flip { source: Source::new(None), mode: *mode.get().unwrap(), size: [5, 6, 2] };
            let mut x = image(60, 0);
            flip.flip(&mut x);
            close(&flip, &x, &floats(&case["output"]));
        }
    }

    #[test]
    fn an_unknown_mode_is_explained() {
        let message = "unknown flip mode `horizontl`: did you mean `horizontal`?";
        testing::fails(&RandomFlip::new("horizontl"), &[2, 2], message);
    }
}
