//! Batches of changed images.

use ndarray::{ArrayD, IxDyn};

use super::{Augment, ImageDataGenerator};
use crate::config::{Argument, words};
use crate::data::{Data, Features, Targets};
use crate::error::{Error, Result};
use crate::random::{Domain, Stream};

words! {
    /// A part of the data: the first samples are for validation, the others for training. How many: see
    /// [`ImageDataGenerator::validation_split`].
    ///
    /// ```
    /// use ndarray::{Array4, array};
    /// use thinnet::data::augmentation::{ImageDataGenerator, Subset};
    /// let (x, y) = (Array4::<f32>::zeros((5, 8, 8, 1)), array![0_u8, 1, 0, 1, 1]);
    /// let datagen = ImageDataGenerator::new().validation_split(0.4);
    /// assert_eq!(datagen.flow((&x, &y)).subset(Subset::Validation).len()?, 2);
    /// assert_eq!(datagen.flow((&x, &y)).subset("training").len()?, 3);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    Subset("subset") {
        /// The samples that are not for validation.
        Training = "training",
        /// The first ⌊n·`validation_split`⌋ samples.
        Validation = "validation",
    }
}

/// Batches of an [`ImageDataGenerator`]'s images with their targets: what [`ImageDataGenerator::flow`] gives.
#[derive(Clone, Debug)]
pub struct Flow<'a> {
    datagen: &'a ImageDataGenerator,
    data: Data<'a>,
    batch_size: usize,
    shuffle: bool,
    seed: u64,
    subset: Option<Argument<Subset>>,
    ignore_class_split: bool,
}

impl<'a> Flow<'a> {
    pub(super) fn new(datagen: &'a ImageDataGenerator, data: Data<'a>) -> Self {
        Self {
            datagen,
            data,
            batch_size: 32,
            shuffle: true,
            seed: 42,
            subset: None,
            ignore_class_split: false,
        }
    }

    /// How many images a batch has; the last of an epoch may have fewer. Default: 32.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Whether each epoch has another order. Default: true.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the order and of the changes. Default: 42.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Only a part of the data. Default: all of it.
    #[must_use]
    pub fn subset(mut self, subset: impl Into<Argument<Subset>>) -> Self {
        self.subset = Some(subset.into());
        self
    }

    /// Whether the two subsets may have different classes. Default: false, for data that is sorted by class would give
    /// a validation subset of one class.
    #[must_use]
    pub fn ignore_class_split(mut self, ignore: bool) -> Self {
        self.ignore_class_split = ignore;
        self
    }

    /// The number of images in an epoch.
    ///
    /// # Errors
    /// As [`epoch`](Self::epoch).
    pub fn len(&self) -> Result<usize> {
        Ok(self.range()?.len())
    }

    /// Whether an epoch has no image.
    ///
    /// # Errors
    /// As [`epoch`](Self::epoch).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The batches of an epoch, counted from 0. Each epoch has other changes and, with `shuffle`, another order; the same
    /// epoch always has the same.
    ///
    /// # Errors
    /// [`Error::Config`] for the generator's options, [`Error::Usage`] for those of the flow, [`Error::Data`] where
    /// images and targets differ in number or the subsets in their classes.
    pub fn epoch(&self, epoch: u64) -> Result<Batches<'_>> {
        let range = self.range()?;
        let sample = self.data.x.sample_shape();
        self.datagen.check(sample).map_err(|message| Error::config("augmentation", message))?;
        if self.batch_size == 0 {
            return Err(Error::Usage("batch_size must be at least 1, got 0".into()));
        }
        let mut order: Vec<usize> = range.collect();
        if self.shuffle {
            Stream::new(self.seed, Domain::Shuffle).at(epoch, 0).shuffle(&mut order);
        }
        let scratch = vec![0.0; self.datagen.scratch(sample)];
        Ok(Batches { flow: self, epoch, order, next: 0, image: vec![0.0; sample.len()], scratch })
    }

    fn range(&self) -> Result<std::ops::Range<usize>> {
        self.data.check()?;
        let (all, split) = (self.data.len(), self.datagen.validation_split);
        let Some(subset) = &self.subset else { return Ok(0..all) };
        let subset = subset.get().map_err(Error::Usage)?;
        if !(0.0..1.0).contains(&split) {
            return Err(Error::config(
                "augmentation",
                format!("validation_split must be in [0, 1), got {split}"),
            ));
        }
        let first = (all as f64 * split) as usize;
        if let (Targets::Classes(classes), false) = (&self.data.y, self.ignore_class_split) {
            let unique = |classes: &[i64]| {
                let mut classes = classes.to_vec();
                classes.sort_unstable();
                classes.dedup();
                classes
            };
            if unique(&classes[..first]) != unique(&classes[first..]) {
                return Err(Error::Data(
                    "expected the same classes in the training and the validation subset, got different ones: if the \
                     data is sorted by class, shuffle it; or say ignore_class_split(true)"
                        .into(),
                ));
            }
        }
        Ok(match subset {
            Subset::Validation => 0..first,
            Subset::Training => first..all,
        })
    }
}

/// A batch of a [`Flow`]. Converts into [`Data`], so that `model.train_on_batch(&batch)` takes it.
#[derive(Clone, Debug)]
pub struct AugmentedBatch {
    /// The changed images, along the first axis.
    pub x: ArrayD<f32>,
    /// Their targets.
    pub y: Targets<'static>,
    /// Each image's number in the data.
    pub indices: Vec<usize>,
}

impl<'a> From<&'a AugmentedBatch> for Data<'a> {
    fn from(batch: &'a AugmentedBatch) -> Self {
        Data { x: Features::from(&batch.x), y: Targets::from(&batch.y) }
    }
}

/// The batches of an epoch: what [`Flow::epoch`] gives.
#[derive(Debug)]
pub struct Batches<'a> {
    flow: &'a Flow<'a>,
    epoch: u64,
    order: Vec<usize>,
    next: usize,
    image: Vec<f32>,
    scratch: Vec<f32>,
}

impl Iterator for Batches<'_> {
    type Item = AugmentedBatch;

    fn next(&mut self) -> Option<AugmentedBatch> {
        let Flow { datagen, data, batch_size, seed, .. } = self.flow;
        let end = self.order.len().min(self.next.saturating_add(*batch_size));
        let indices = self.order[self.next..end].to_vec();
        if indices.is_empty() {
            return None;
        }
        self.next = end;
        let sample = data.x.sample_shape();
        let axes: Vec<usize> = [indices.len()].iter().chain(sample.axes()).copied().collect();
        let mut x = ArrayD::zeros(IxDyn(&axes));
        let images = x.as_slice_mut().expect("a new array lies in standard order");
        for (&index, out) in indices.iter().zip(images.chunks_exact_mut(sample.len())) {
            data.x.gather(index, &mut self.image);
            datagen.apply(sample, *seed, self.epoch, index, &self.image, out, &mut self.scratch);
        }
        let y = match &data.y {
            Targets::Classes(classes) => Targets::Classes(indices.iter().map(|&i| classes[i]).collect()),
            Targets::Values { sample, values } => {
                let len = sample.len();
                let rows = indices.iter().flat_map(|&i| &values[i * len..][..len]);
                Targets::Values { sample: sample.clone(), values: rows.copied().collect() }
            }
        };
        Some(AugmentedBatch { x, y, indices })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let batches = (self.order.len() - self.next).div_ceil(self.flow.batch_size);
        (batches, Some(batches))
    }
}

impl ExactSizeIterator for Batches<'_> {}
