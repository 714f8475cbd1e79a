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

/// What the batches have as targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchTargets {
    OfData,
    Images,
    None,
}

/// What flows of data and of folders have in common.
#[derive(Clone, Debug)]
pub(super) struct FlowOptions {
    pub(super) batch_size: usize,
    pub(super) shuffle: bool,
    pub(super) seed: u64,
    pub(super) subset: Option<Argument<Subset>>,
}

impl Default for FlowOptions {
    fn default() -> Self {
        Self { batch_size: 32, shuffle: true, seed: crate::model::DEFAULT_SEED, subset: None }
    }
}

/// The builder methods of a flow, for a struct with a field `options: FlowOptions`.
macro_rules! flow_methods {
    () => {
        /// How many images a batch has; the last of an epoch may have fewer. Default: 32.
        #[must_use]
        pub fn batch_size(mut self, batch_size: usize) -> Self {
            self.options.batch_size = batch_size;
            self
        }

        /// Whether each epoch has another order. Default: true. Otherwise images come in the order of the data, or of a
        /// folder's [`filenames`](crate::data::augmentation::DirectoryFlow::filenames).
        #[must_use]
        pub fn shuffle(mut self, shuffle: bool) -> Self {
            self.options.shuffle = shuffle;
            self
        }

        /// The seed of the order and of the changes. Default: 42.
        #[must_use]
        pub fn seed(mut self, seed: u64) -> Self {
            self.options.seed = seed;
            self
        }

        /// Only a part of the images: of all n, or of each class of a folder with n, the first ⌊n·`validation_split`⌋ are
        /// for validation. Default: all of them.
        #[must_use]
        pub fn subset(
            mut self,
            subset: impl Into<$crate::config::Argument<$crate::data::augmentation::Subset>>,
        ) -> Self {
            self.options.subset = Some(subset.into());
            self
        }
    };
}
pub(super) use flow_methods;

/// Batches of an [`ImageDataGenerator`]'s images with their targets: what [`ImageDataGenerator::flow`] gives.
#[derive(Clone, Debug)]
pub struct Flow<'a> {
    datagen: &'a ImageDataGenerator,
    data: Data<'a>,
    options: FlowOptions,
    ignore_class_split: bool,
    targets: BatchTargets,
}

impl<'a> Flow<'a> {
    pub(super) fn new(datagen: &'a ImageDataGenerator, data: Data<'a>) -> Self {
        Self {
            datagen,
            data,
            options: FlowOptions::default(),
            ignore_class_split: false,
            targets: BatchTargets::OfData,
        }
    }

    /// All images of a folder, of which the options' subset has been taken already.
    pub(super) fn of_directory(
        datagen: &'a ImageDataGenerator,
        data: Data<'a>,
        options: &FlowOptions,
        targets: BatchTargets,
    ) -> Self {
        let options = FlowOptions { subset: None, ..options.clone() };
        Self { options, targets, ..Self::new(datagen, data) }
    }

    pub(super) fn data(&self) -> &Data<'a> {
        &self.data
    }

    flow_methods!();

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
        if self.options.batch_size == 0 {
            return Err(Error::Usage("batch_size must be at least 1, got 0".into()));
        }
        let mut order: Vec<usize> = range.collect();
        if self.options.shuffle {
            Stream::new(self.options.seed, Domain::Shuffle).at(epoch, 0).shuffle(&mut order);
        }
        let scratch = vec![0.0; self.datagen.scratch(sample)];
        Ok(Batches { flow: self, epoch, order, next: 0, image: vec![0.0; sample.len()], scratch })
    }

    fn range(&self) -> Result<std::ops::Range<usize>> {
        self.data.check()?;
        let (all, split) = (self.data.len(), self.datagen.validation_split);
        let Some(subset) = &self.options.subset else { return Ok(0..all) };
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
        let Flow { datagen, data, options: FlowOptions { batch_size, seed, .. }, .. } = self.flow;
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
        let y = match (self.flow.targets, &data.y) {
            (BatchTargets::Images, _) => {
                let values = x.iter().copied().collect();
                Targets::Values { sample: sample.clone(), values }
            }
            (BatchTargets::None, _) => Targets::Classes(Vec::new().into()),
            (_, Targets::Classes(classes)) => Targets::Classes(indices.iter().map(|&i| classes[i]).collect()),
            (_, Targets::Values { sample, values }) => {
                let len = sample.len();
                let rows = indices.iter().flat_map(|&i| &values[i * len..][..len]);
                Targets::Values { sample: sample.clone(), values: rows.copied().collect() }
            }
        };
        Some(AugmentedBatch { x, y, indices })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let batches = (self.order.len() - self.next).div_ceil(self.flow.options.batch_size);
        (batches, Some(batches))
    }
}

impl ExactSizeIterator for Batches<'_> {}

#[cfg(test)]
mod tests {
    use ndarray::{Array4, array};

    use super::*;
    use crate::prelude::*;

    fn images(count: usize) -> Array4<f32> {
        Array4::from_shape_fn((count, 4, 4, 1), |(sample, row, column, _)| {
            (sample * 16 + row * 4 + column) as f32
        })
    }

    #[test]
    fn an_epoch_has_every_sample_once_with_its_target() {
        let (x, y) = (images(7), array![0_u8, 1, 2, 3, 4, 5, 6]);
        let datagen = ImageDataGenerator::new();
        let flow = datagen.flow((&x, &y)).batch_size(3);
        let batches: Vec<AugmentedBatch> = flow.epoch(0).unwrap().collect();
        assert_eq!(batches.iter().map(|batch| batch.x.shape()[0]).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(flow.epoch(0).unwrap().len(), 3);
        let mut seen = Vec::new();
        for batch in &batches {
            let Targets::Classes(classes) = &batch.y else { panic!("integers are classes") };
            for (row, (&index, &class)) in batch.indices.iter().zip(&classes[..]).enumerate() {
                assert_eq!(batch.x[[row, 1, 2, 0]], x[[index, 1, 2, 0]]);
                assert_eq!(class, index as i64);
                seen.push(index);
            }
        }
        assert_ne!(seen, [0, 1, 2, 3, 4, 5, 6], "not shuffled");
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn an_image_is_changed_the_same_whatever_the_order_and_the_batches() {
        let (x, y) = (images(9), array![[0f32], [1.], [2.], [3.], [4.], [5.], [6.], [7.], [8.]]);
        let datagen = ImageDataGenerator::new().rotation_range(90.0);
        let of_epoch = |flow: &Flow, epoch: u64| {
            let mut images = vec![Vec::new(); 9];
            for batch in flow.epoch(epoch).unwrap() {
                let Targets::Values { values, .. } = &batch.y else { panic!("floats are values") };
                for (row, &index) in batch.indices.iter().enumerate() {
                    assert_eq!(values[row], index as f32);
                    images[index] = batch.x.index_axis(ndarray::Axis(0), row).iter().copied().collect();
                }
            }
            images
        };
        let flow = datagen.flow((&x, &y));
        let first = of_epoch(&flow, 0);
        assert_eq!(of_epoch(&flow.clone().shuffle(false).batch_size(2), 0), first);
        assert_ne!(of_epoch(&flow, 1), first);
        assert_ne!(of_epoch(&flow.clone().seed(1), 0), first);
    }

    #[test]
    fn validation_has_the_first_samples() {
        let (x, y) = (images(7), array![0_u8, 1, 0, 1, 0, 1, 0]);
        let datagen = ImageDataGenerator::new().validation_split(0.3);
        let indices = |subset: &str| {
            let flow = datagen.flow((&x, &y)).subset(subset).shuffle(false);
            flow.epoch(0).unwrap().flat_map(|batch| batch.indices).collect::<Vec<_>>()
        };
        assert_eq!(indices("validation"), [0, 1]);
        assert_eq!(indices("training"), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_model_trains_on_batches() {
        let (x, y) = (images(4), array![0_u8, 1, 0, 1]);
        let datagen = ImageDataGenerator::new().horizontal_flip(true);
        let mut model = Sequential::new()
            .add(Flatten::new().input_shape([4, 4, 1]))
            .add(Dense::new(2).activation("softmax"));
        model.compile("sgd", "sparse_categorical_crossentropy", [] as [&str; 0]).unwrap();
        for batch in datagen.flow((&x, &y)).batch_size(2).epoch(0).unwrap() {
            assert!(model.train_on_batch(&batch).unwrap()["loss"] >= 0.0);
        }
    }

    #[test]
    fn what_cannot_flow_is_explained() {
        let (x, sorted) = (images(4), array![0_u8, 0, 1, 1]);
        let datagen = ImageDataGenerator::new().validation_split(0.5);
        let flow = datagen.flow((&x, &sorted));
        let message = |flow: &Flow| flow.epoch(0).map(|_| ()).unwrap_err().to_string();
        assert!(message(&flow.clone().subset("training")).starts_with("expected the same classes"));
        assert!(flow.clone().subset("training").ignore_class_split(true).epoch(0).is_ok());
        assert_eq!(
            message(&flow.clone().subset("valid")),
            "unknown subset `valid`: did you mean `validation`?"
        );
        assert_eq!(message(&flow.clone().batch_size(0)), "batch_size must be at least 1, got 0");
        assert_eq!(
            message(&datagen.flow((&x, &array![0_u8]))),
            "expected one target for each sample, got 4 samples and 1 targets"
        );
        let unfitted = ImageDataGenerator::new().featurewise_center(true);
        assert!(message(&unfitted.flow((&x, &sorted))).contains("call fit"));
    }
}
