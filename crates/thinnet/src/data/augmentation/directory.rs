//! Batches of changed images from a folder.

use std::path::{Path, PathBuf};

use super::flow::{BatchTargets, FlowOptions, flow_methods};
use super::{Augment, Batches, Flow, ImageDataGenerator, Subset};
use crate::config::{Argument, words};
use crate::data::formats::image::{ColorMode, Interpolation, check_size};
use crate::data::formats::image_folder::ImageFolder;
use crate::data::{Data, Features, Targets, to_categorical};
use crate::error::{Error, Result};
use crate::shape::Shape;

words! {
    /// What the targets of a folder's images are: Keras's `class_mode`.
    ///
    /// ```
    /// use thinnet::data::augmentation::ClassMode;
    /// assert_eq!(ClassMode::default().word(), "categorical");
    /// ```
    ClassMode("class_mode") {
        /// The class, one-hot: for `categorical_crossentropy`.
        Categorical = "categorical",
        /// The class of two, 0 or 1, as one number: for `binary_crossentropy`.
        Binary = "binary",
        /// The class's number: for `sparse_categorical_crossentropy`.
        Sparse = "sparse",
        /// The image itself: for autoencoders.
        Input = "input",
        /// Nothing: for `predict`. Keras's `None`.
        None = "none",
    }
}

/// How a folder of images is read: what [`ImageDataGenerator::flow_from_directory`] gives, with Keras's arguments and
/// defaults.
///
/// The folder has a folder for each class, with files that end in `.png`, `.jpg` or `.jpeg`. Those that begin with a dot are
/// left out; folders within a class's folder are not looked into. Values are from 0 to 255, as in Keras: give the generator
/// a [`rescale`](ImageDataGenerator::rescale), or the model a [`Rescaling`](crate::layers::Rescaling) layer.
#[derive(Clone, Debug)]
pub struct FlowFromDirectory<'a> {
    datagen: &'a ImageDataGenerator,
    directory: PathBuf,
    target_size: (usize, usize),
    color_mode: Argument<ColorMode>,
    classes: Option<Vec<String>>,
    class_mode: Argument<ClassMode>,
    interpolation: Argument<Interpolation>,
    options: FlowOptions,
}

impl<'a> FlowFromDirectory<'a> {
    pub(super) fn new(datagen: &'a ImageDataGenerator, directory: PathBuf) -> Self {
        Self {
            datagen,
            directory,
            target_size: (256, 256),
            color_mode: ColorMode::Rgb.into(),
            classes: None,
            class_mode: ClassMode::Categorical.into(),
            interpolation: Interpolation::Nearest.into(),
            options: FlowOptions::default(),
        }
    }

    /// The height and the width that all images are given. Default: 256 and 256.
    #[must_use]
    pub fn target_size(mut self, height: usize, width: usize) -> Self {
        self.target_size = (height, width);
        self
    }

    /// Which channels they are given. Default: `rgb`.
    #[must_use]
    pub fn color_mode(mut self, color_mode: impl Into<Argument<ColorMode>>) -> Self {
        self.color_mode = color_mode.into();
        self
    }

    /// The folders that are classes, in the order of their numbers. Default: all, in alphabetical order.
    #[must_use]
    pub fn classes(mut self, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.classes = Some(classes.into_iter().map(Into::into).collect());
        self
    }

    /// What the targets are. Default: `categorical`.
    #[must_use]
    pub fn class_mode(mut self, class_mode: impl Into<Argument<ClassMode>>) -> Self {
        self.class_mode = class_mode.into();
        self
    }

    flow_methods!();

    /// How images are resized. `bilinear` differs from Keras's where images get smaller: see [`Interpolation::resize`].
    /// Default: `nearest`.
    #[must_use]
    pub fn interpolation(mut self, interpolation: impl Into<Argument<Interpolation>>) -> Self {
        self.interpolation = interpolation.into();
        self
    }

    /// Reads the images. They stay in memory, a byte for each value (196 kB for an RGB image of the default size); Keras
    /// reads them anew for each batch.
    ///
    /// # Errors
    /// [`Error::Config`] for the generator's options, [`Error::Usage`] for those of the flow, [`Error::Io`] and
    /// [`Error::File`] where the folder has no folders, a class or the subset has no image, or an image cannot be read.
    pub fn read(&self) -> Result<DirectoryFlow<'a>> {
        let place = |message| Error::config("augmentation", message);
        self.datagen.check_arguments().map_err(place)?;
        let (height, width) = self.target_size;
        if height == 0 || width == 0 {
            return Err(Error::Usage(format!("target_size must be positive, got {height}×{width}")));
        }
        let color_mode = *self.color_mode.get().map_err(Error::Usage)?;
        check_size(height, width, color_mode.channels())
            .map_err(|message| Error::Usage(format!("target_size: {message}")))?;
        let class_mode = *self.class_mode.get().map_err(Error::Usage)?;
        let subset =
            self.options.subset.as_ref().map(|subset| subset.get().map_err(Error::Usage)).transpose()?;
        if let Some(classes) = &self.classes
            && let Some(twice) = classes.iter().enumerate().find(|(i, class)| classes[..*i].contains(class))
        {
            return Err(Error::Usage(format!("classes: `{}` is there twice", twice.1)));
        }
        let reader = ImageFolder::new()
            .image_size(height, width)
            .color_mode(color_mode)
            .interpolation(*self.interpolation.get().map_err(Error::Usage)?);
        let split = self.datagen.validation_split;
        let folders = reader.read_classes(&self.directory, self.classes.clone(), |count| {
            let first = (count as f64 * split) as usize;
            match subset {
                None => 0..count,
                Some(Subset::Validation) => 0..first,
                Some(Subset::Training) => first..count,
            }
        })?;
        let (classes, count) = (folders.classes, folders.class_names.len());
        let y = match class_mode {
            ClassMode::Binary if count != 2 => {
                let names = folders.class_names.join(", ");
                let message = format!("class_mode \"binary\" is for two classes, got {count}: {names}");
                return Err(Error::Usage(message));
            }
            ClassMode::Categorical => {
                let numbers: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
                let (values, _) = to_categorical(&numbers, count).into_raw_vec_and_offset();
                Targets::Values { sample: Shape::from(count), values: values.into() }
            }
            ClassMode::Binary => {
                let values = classes.iter().map(|&class| class as f32).collect();
                Targets::Values { sample: Shape::from(1), values }
            }
            ClassMode::Sparse | ClassMode::Input | ClassMode::None => {
                Targets::Classes(classes.clone().into())
            }
        };
        let data = Data { x: Features::bytes(Shape::from(folders.shape), folders.pixels, 1.0), y };
        let targets = match class_mode {
            ClassMode::Input => BatchTargets::Images,
            ClassMode::None => BatchTargets::None,
            _ => BatchTargets::OfData,
        };
        let flow = Flow::of_directory(self.datagen, data, &self.options, targets);
        Ok(DirectoryFlow {
            datagen: self.datagen,
            flow,
            class_mode,
            classes,
            class_names: folders.class_names,
            filenames: folders.names,
        })
    }
}

/// Images of a folder, in batches or as data: what [`FlowFromDirectory::read`] gives.
///
/// ```no_run
/// use thinnet::prelude::*;
///
/// let datagen = ImageDataGenerator::new().rescale(1.0 / 255.0).rotation_range(15.0).validation_split(0.2);
/// let pets = datagen.flow_from_directory("pets").target_size(64, 64);
/// let (train, validation) = (pets.clone().subset("training").read()?, pets.subset("validation").read()?);
/// # let mut model = Sequential::new();
/// let fit = Fit::new().epochs(10).augment(datagen.clone()).validation_data(validation.data()?);
/// model.fit(train.data()?, fit)?;
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DirectoryFlow<'a> {
    datagen: &'a ImageDataGenerator,
    flow: Flow<'a>,
    class_mode: ClassMode,
    classes: Vec<i64>,
    class_names: Vec<String>,
    filenames: Vec<PathBuf>,
}

impl DirectoryFlow<'_> {
    /// The number of images. There is at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.filenames.len()
    }

    /// What the classes are called, by their numbers.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Each image's class.
    pub fn classes(&self) -> &[i64] {
        &self.classes
    }

    /// Each image's path within the folder: sorted by class, then by name.
    pub fn filenames(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.filenames.iter().map(PathBuf::as_path)
    }

    /// The batches of an epoch, as those of [`Flow::epoch`]. With the class mode `none`, their `y` is empty.
    ///
    /// # Errors
    /// As [`Flow::epoch`].
    pub fn epoch(&self, epoch: u64) -> Result<Batches<'_>> {
        self.flow.epoch(epoch)
    }

    /// The images as they are, with their targets: for [`fit`](crate::model::Sequential::fit) together with
    /// [`Fit::augment`](crate::model::Fit::augment), whose threads change them ahead of training. They are sorted by class:
    /// have validation data from a subset, not from the `validation_split` of `Fit`.
    ///
    /// With the class mode `input`, the targets are what [`Augment::standardized`] makes of the images, such as the rescaled
    /// images; with `none` there are none, and only `x` is of use.
    ///
    /// # Errors
    /// With the class mode `input`, as [`ImageDataGenerator::check`].
    pub fn data(&self) -> Result<Data<'_>> {
        let data = Data::from(self.flow.data());
        let y = match self.class_mode {
            ClassMode::Categorical | ClassMode::Binary | ClassMode::Sparse => return Ok(data),
            ClassMode::None => Targets::Classes(Vec::new().into()),
            ClassMode::Input => {
                let sample = data.x.sample_shape();
                self.datagen.check(sample).map_err(|message| Error::config("augmentation", message))?;
                let images = self.datagen.standardized(&data.x);
                let mut values = vec![0.0; images.len() * sample.len()];
                for (index, image) in values.chunks_exact_mut(sample.len()).enumerate() {
                    images.gather(index, image);
                }
                Targets::Values { sample: sample.clone(), values: values.into() }
            }
        };
        Ok(Data { x: data.x, y })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    /// Five cats, from red 10 to red 50, and three dogs of 200; 2×3 pixels, the last cat 4×6.
    fn pets() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (class, reds) in [("cat", &[10_u8, 20, 30, 40, 50][..]), ("dog", &[200, 200, 200])] {
            std::fs::create_dir(folder.path().join(class)).unwrap();
            for (index, &red) in reds.iter().enumerate() {
                let (width, height) = if red == 50 { (6, 4) } else { (3, 2) };
                let file = std::fs::File::create(folder.path().join(format!("{class}/{index}.png"))).unwrap();
                let mut encoder = png::Encoder::new(file, width, height);
                encoder.set_color(png::ColorType::Rgb);
                let mut writer = encoder.write_header().unwrap();
                writer.write_image_data(&[red, 0, 0].repeat((width * height) as usize)).unwrap();
            }
        }
        folder
    }

    fn small<'a>(datagen: &'a ImageDataGenerator, folder: &tempfile::TempDir) -> FlowFromDirectory<'a> {
        datagen.flow_from_directory(folder.path()).target_size(2, 3).shuffle(false)
    }

    /// Each image's first value, of all batches of the first epoch.
    fn reds(flow: &DirectoryFlow) -> Vec<f32> {
        flow.epoch(0)
            .unwrap()
            .flat_map(|batch| batch.x.iter().step_by(18).copied().collect::<Vec<_>>())
            .collect()
    }

    fn values(y: &Targets) -> (Vec<usize>, Vec<f32>) {
        let Targets::Values { sample, values } = y else { panic!("expected values, got {y:?}") };
        (sample.axes().to_vec(), values.to_vec())
    }

    #[test]
    fn the_defaults_are_those_of_keras() {
        let (folder, datagen) = (pets(), ImageDataGenerator::new());
        let flow = datagen.flow_from_directory(folder.path()).read().unwrap();
        let batch = flow.epoch(0).unwrap().next().unwrap();
        assert_eq!(batch.x.shape(), [8, 256, 256, 3]);
        assert_ne!(batch.indices, [0, 1, 2, 3, 4, 5, 6, 7], "shuffled");
        assert_eq!(values(&batch.y).0, [2], "one-hot");
        assert_eq!((flow.flow.epoch(0).unwrap().len(), flow.len()), (1, 8));
        assert_eq!(flow.class_names(), ["cat", "dog"]);
    }

    #[test]
    fn images_come_by_class_and_name_with_values_from_0_to_255() {
        let (folder, datagen) = (pets(), ImageDataGenerator::new());
        let flow = small(&datagen, &folder).batch_size(3).read().unwrap();
        assert_eq!(reds(&flow), [10., 20., 30., 40., 50., 200., 200., 200.]);
        assert_eq!(flow.classes(), [0, 0, 0, 0, 0, 1, 1, 1]);
        let names: Vec<_> = flow.filenames().collect();
        assert_eq!((names[4], names[5]), (Path::new("cat/4.png"), Path::new("dog/0.png")));
        // Other classes, in another order.
        let flow = small(&datagen, &folder).classes(["dog", "cat"]).read().unwrap();
        assert_eq!((flow.classes(), reds(&flow)[0]), (&[0, 0, 0, 1, 1, 1, 1, 1][..], 200.0));
        let flow = small(&datagen, &folder).classes(["dog"]).color_mode("grayscale").read().unwrap();
        assert_eq!(flow.epoch(0).unwrap().next().unwrap().x.shape(), [3, 2, 3, 1]);
    }

    #[test]
    fn subsets_are_split_class_by_class() {
        let folder = pets();
        let datagen = ImageDataGenerator::new().validation_split(0.4);
        let of = |subset: &str| reds(&small(&datagen, &folder).subset(subset).read().unwrap());
        assert_eq!(of("validation"), [10., 20., 200.]);
        assert_eq!(of("training"), [30., 40., 50., 200., 200.]);
    }

    #[test]
    fn targets_are_as_the_class_mode_says() {
        let folder = pets();
        let datagen = ImageDataGenerator::new().rescale(0.5).vertical_flip(true);
        let read = |mode: &str| small(&datagen, &folder).class_mode(mode).batch_size(6).read().unwrap();
        let batch = |mode: &str| read(mode).epoch(0).unwrap().next().unwrap();
        let one_hot = [[1., 0.], [1., 0.], [1., 0.], [1., 0.], [1., 0.], [0., 1.]].concat();
        assert_eq!(values(&batch("categorical").y), (vec![2], one_hot));
        assert_eq!(values(&batch("binary").y), (vec![1], vec![0., 0., 0., 0., 0., 1.]));
        let Targets::Classes(classes) = batch("sparse").y else { panic!("classes") };
        assert_eq!(classes[..], [0, 0, 0, 0, 0, 1]);
        let same = batch("input");
        assert_eq!(values(&same.y), (vec![2, 3, 3], same.x.iter().copied().collect()));
        assert_eq!(same.x[[1, 0, 0, 0]], 10.0, "rescaled");
        assert!(batch("none").y.is_empty());

        let input = read("input");
        let data = input.data().unwrap();
        let mut image = [0.0; 18];
        data.x.gather(1, &mut image);
        assert_eq!((image[0], values(&data.y).1[18]), (20.0, 10.0), "the target is standardized");
        assert_eq!((data.check().is_ok(), read("none").data().unwrap().check().is_ok()), (true, false));
    }

    #[test]
    fn a_model_is_fitted_to_a_folder_in_both_ways() {
        let folder = pets();
        let datagen =
            ImageDataGenerator::new().rescale(1.0 / 255.0).horizontal_flip(true).validation_split(0.4);
        let flow = small(&datagen, &folder).class_mode("binary").shuffle(true);
        let (train, validation) =
            (flow.clone().subset("training").read().unwrap(), flow.subset("validation").read().unwrap());
        let mut model = Sequential::new()
            .add(Flatten::new().input_shape([2, 3, 3]))
            .add(Dense::new(1).activation("sigmoid"));
        model.compile("adam", "binary_crossentropy", ["accuracy"]).unwrap();
        for batch in train.epoch(0).unwrap() {
            model.train_on_batch(&batch).unwrap();
        }
        let fit = Fit::new().verbose(false).epochs(2).augment(datagen.clone());
        let fit = fit.validation_data(validation.data().unwrap());
        assert_eq!(model.fit(train.data().unwrap(), fit).unwrap()["val_loss"].len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        let (folder, datagen) = (pets(), ImageDataGenerator::new());
        let message = |flow: FlowFromDirectory| {
            let message = flow.read().map(drop).unwrap_err().to_string();
            message.replace(&folder.path().display().to_string(), "PETS")
        };
        let flow = || small(&datagen, &folder);
        for (flow, expected) in [
            (flow().class_mode("categoric"), "unknown class_mode `categoric`: did you mean `categorical`?"),
            (flow().color_mode("greyscale"), "unknown color_mode `greyscale`: did you mean `grayscale`?"),
            (flow().interpolation("cubic"), "unknown interpolation `cubic`: known are bilinear, nearest"),
            (flow().subset("test"), "unknown subset `test`"),
            (
                flow().subset("validation"),
                "PETS: expected pictures, got none in the subset (see validation_split)",
            ),
            (flow().target_size(0, 3), "target_size must be positive, got 0×3"),
            (
                flow().target_size(3_000_000_000, 3),
                "target_size: expected a picture of at most 256 MiB of pixels, got 3000000000×3×3",
            ),
            (flow().classes(["cat", "fish"]), "PETS/fish: No such file"),
            (flow().classes(["cat", "cat"]), "classes: `cat` is there twice"),
            (
                flow().classes(["cat"]).class_mode("binary"),
                "class_mode \"binary\" is for two classes, got 1: cat",
            ),
            (
                datagen.flow_from_directory(folder.path().join("cat")),
                "PETS/cat: expected a folder of pictures for each class, as in cat/1.jpg, got no folders",
            ),
        ] {
            let message = message(flow);
            assert!(message.contains(expected), "{message}");
        }
        let unfitted = ImageDataGenerator::new().featurewise_center(true);
        let flow = small(&unfitted, &folder).class_mode("input").read().unwrap();
        assert!(flow.epoch(0).unwrap_err().to_string().contains("call fit"));
        assert!(flow.data().unwrap_err().to_string().contains("call fit"));
    }
}
