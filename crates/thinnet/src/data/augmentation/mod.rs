//! Image augmentation: random changes of the samples, so that no epoch sees the same images twice.
//!
//! [`ImageDataGenerator`] has Keras's options. [`Augment`] is what training asks of it: a pure function of (seed, epoch,
//! sample), so that neither threads nor a stop and resume change what a model sees. The layers that do the same within
//! a model are in [`layers`](crate::layers).

mod affine;
mod ahead;
mod directory;
mod flow;
mod image_data_generator;
mod options;
mod ranges;
#[cfg(test)]
pub(crate) mod reference;
mod standardize;
mod statistics;
mod transform;
mod zca;

use std::fmt::Debug;

use crate::data::Features;
use crate::shape::Shape;

pub use affine::{Affine, FillMode};
pub(crate) use affine::{Border, Resampling};
pub(crate) use ahead::Ahead;
pub use directory::{ClassMode, DirectoryFlow, FlowFromDirectory};
pub use flow::{AugmentedBatch, Batches, Flow, Subset};
pub use image_data_generator::{ImageDataGenerator, PreprocessingFunction};
pub(crate) use ranges::between;
pub use ranges::{ShiftRange, ZoomRange};
pub use transform::Transform;
pub(crate) use transform::{flip_horizontally, flip_vertically};

/// A random change of samples, a pure function of (seed, epoch, sample).
///
/// ```
/// use thinnet::data::augmentation::{Augment, ImageDataGenerator};
///
/// let (shape, x) = ([2, 2, 1].into(), [1.0, 2.0, 3.0, 4.0]);
/// let datagen = ImageDataGenerator::new().horizontal_flip(true);
/// datagen.check(&shape).unwrap();
/// let mut out = [0.0; 4];
/// let mut flips = 0;
/// for index in 0..64 {
///     datagen.apply(&shape, 42, 0, index, &x, &mut out, &mut []);
///     flips += usize::from(out == [2.0, 1.0, 4.0, 3.0]);
/// }
/// assert!((10..54).contains(&flips));
/// ```
pub trait Augment: Debug + Send + Sync {
    /// Checks the arguments, and that samples of this shape can be changed. An error says what was expected, what came
    /// and what to do. The other methods are only called where there is none.
    fn check(&self, sample: &Shape) -> Result<(), String>;

    /// f32 of scratch memory that the other methods need for one sample.
    fn scratch(&self, sample: &Shape) -> usize;

    /// Writes the sample `index` as epoch `epoch` is to see it to `out`, given what it is in `x`.
    #[expect(clippy::too_many_arguments, reason = "where it stands, from where, to where")]
    fn apply(
        &self,
        sample: &Shape,
        seed: u64,
        epoch: u64,
        index: usize,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut [f32],
    );

    /// What is not random of it, in place: the scale and the centring that validation and test data go through too.
    fn standardize(&self, sample: &Shape, x: &mut [f32], scratch: &mut [f32]);

    /// Whether [`standardize`](Self::standardize) changes anything.
    fn standardizes(&self) -> bool;

    /// Samples as an epoch is to see them: what [`Fit::augment`](crate::model::Fit::augment) trains on, all at once.
    fn augmented(&self, x: &Features<'_>, seed: u64, epoch: u64) -> Features<'static> {
        let sample = x.sample_shape();
        let mut values = vec![0.0; x.len() * sample.len()];
        let mut image = vec![0.0; sample.len()];
        let mut scratch = vec![0.0; self.scratch(sample)];
        for (index, row) in values.chunks_exact_mut(sample.len().max(1)).enumerate() {
            x.gather(index, &mut image);
            self.apply(sample, seed, epoch, index, &image, row, &mut scratch);
        }
        Features::floats(sample.clone(), values)
    }

    /// Samples that are not changed at random but standardized: what a model is evaluated on.
    fn standardized<'a>(&self, x: &'a Features<'_>) -> Features<'a> {
        if !self.standardizes() {
            return x.into();
        }
        let sample = x.sample_shape();
        let mut values = vec![0.0; x.len() * sample.len()];
        let mut scratch = vec![0.0; self.scratch(sample)];
        for (index, row) in values.chunks_exact_mut(sample.len().max(1)).enumerate() {
            x.gather(index, row);
            self.standardize(sample, row, &mut scratch);
        }
        Features::floats(sample.clone(), values)
    }
}

/// An image's height, width and channels: a sample of two axes has one channel.
pub(crate) fn image_size(sample: &Shape) -> Result<[usize; 3], String> {
    match *sample.axes() {
        _ if sample.is_empty() => Err(format!("images must not be empty, got samples of {sample}")),
        [height, width] => Ok([height, width, 1]),
        [height, width, channels] => Ok([height, width, channels]),
        _ => Err(format!(
            "images must be (height, width, channels) or (height, width), got samples of {sample}: give them that \
             shape first"
        )),
    }
}
