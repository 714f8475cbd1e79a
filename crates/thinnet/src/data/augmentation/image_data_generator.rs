//! Keras's `ImageDataGenerator`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ndarray::ArrayViewMut3;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::affine::{Border, Resampling};
use super::ranges::{ShiftRange, ZoomRange, between};
use super::statistics::Statistics;
use super::{FillMode, Flow, FlowFromDirectory, Transform, image_size};
use crate::config::{Argument, not_negative, parse, to_map};
use crate::data::{Data, Features};
use crate::error::{Error, Result};
use crate::random::{Domain, Stream};
use crate::shape::Shape;

/// Random changes of images, with Keras's options, defaults and formulas.
///
/// Each image goes through, in this order: one affine map about its middle (rotation · shift · shear · zoom), a shift of
/// its values, flips, brightness, `preprocessing_function`, `rescale`, centring and scaling by its own statistics, then
/// by those of the training data, and whitening. What does not change is left out. The first four are random and for
/// training only ([`Augment::apply`](super::Augment::apply)); the others are for every image
/// ([`Augment::standardize`](super::Augment::standardize)).
///
/// The random numbers are a function of (seed, epoch, sample): the same whatever the order and the threads.
///
/// ```
/// use thinnet::data::augmentation::ImageDataGenerator;
/// let datagen = ImageDataGenerator::new()
///     .rotation_range(15.0)
///     .width_shift_range(0.1)
///     .height_shift_range(0.1)
///     .horizontal_flip(true);
/// let transform = datagen.random_transform(42, 0, 7, 32, 32);
/// assert!(transform.theta.abs() <= 15.0 && transform.tx.abs() <= 3.2);
/// assert_eq!(transform, datagen.random_transform(42, 0, 7, 32, 32));
/// ```
///
/// Where Keras's program does something else than its documentation says, this follows the documentation:
///
/// - `height_shift_range` moves images up and down, `width_shift_range` to the sides (in Keras's program the two are
///   exchanged);
/// - images are turned and zoomed about their middle also where they are not square (Keras's middle has height and width
///   exchanged);
/// - `brightness_range` also works on images within 0 … 1 (Keras turns them black).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageDataGenerator {
    pub(super) featurewise_center: bool,
    pub(super) samplewise_center: bool,
    pub(super) featurewise_std_normalization: bool,
    pub(super) samplewise_std_normalization: bool,
    pub(super) zca_whitening: bool,
    pub(super) zca_epsilon: f64,
    rotation_range: f64,
    width_shift_range: ShiftRange,
    height_shift_range: ShiftRange,
    brightness_range: Option<[f64; 2]>,
    shear_range: f64,
    zoom_range: ZoomRange,
    channel_shift_range: f64,
    fill_mode: Argument<FillMode>,
    cval: f64,
    horizontal_flip: bool,
    vertical_flip: bool,
    pub(super) rescale: Option<f64>,
    #[serde(skip)]
    pub(super) preprocessing_function: Option<PreprocessingFunction>,
    data_format: Option<String>,
    pub(crate) validation_split: f64,
    interpolation_order: u32,
    dtype: Option<String>,
    #[serde(skip)]
    pub(super) statistics: Option<Arc<Statistics>>,
}

impl Default for ImageDataGenerator {
    fn default() -> Self {
        Self {
            featurewise_center: false,
            samplewise_center: false,
            featurewise_std_normalization: false,
            samplewise_std_normalization: false,
            zca_whitening: false,
            zca_epsilon: 1e-6,
            rotation_range: 0.0,
            width_shift_range: ShiftRange::default(),
            height_shift_range: ShiftRange::default(),
            brightness_range: None,
            shear_range: 0.0,
            zoom_range: ZoomRange::default(),
            channel_shift_range: 0.0,
            fill_mode: FillMode::Nearest.into(),
            cval: 0.0,
            horizontal_flip: false,
            vertical_flip: false,
            rescale: None,
            preprocessing_function: None,
            data_format: None,
            validation_split: 0.0,
            interpolation_order: 1,
            dtype: None,
            statistics: None,
        }
    }
}

/// A function that changes an image (height, width, channels) in place. Equal to itself and its clones only.
#[derive(Clone)]
pub struct PreprocessingFunction(pub(super) Arc<Function>);

pub(super) type Function = dyn Fn(ArrayViewMut3<f32>) + Send + Sync;

impl fmt::Debug for PreprocessingFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function")
    }
}

impl PartialEq for PreprocessingFunction {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $type) -> Self {
                self.$name = $name.into();
                self
            }
        )*
    };
}

impl ImageDataGenerator {
    /// Changes nothing until told to.
    pub fn new() -> Self {
        Self::default()
    }

    options! {
        /// Subtracts each channel's mean over the data that was given to [`fit`](Self::fit). Default: false.
        featurewise_center: bool,
        /// Subtracts each image's mean. Default: false.
        samplewise_center: bool,
        /// Divides by each channel's standard deviation over the data that was given to [`fit`](Self::fit) (plus 1e-6),
        /// after `featurewise_center`, which this turns on. Default: false.
        featurewise_std_normalization: bool,
        /// Divides each image by its standard deviation (plus 1e-6), after `samplewise_center`, which this turns on.
        /// Default: false.
        samplewise_std_normalization: bool,
        /// Whitens images with a matrix from the data that was given to [`fit`](Self::fit): their elements become
        /// uncorrelated and have variance 1, while they change as little as possible (zero-phase component analysis,
        /// Bell & Sejnowski 1997). Turns `featurewise_center` on and `featurewise_std_normalization` off. For images of
        /// at most 3072 elements (32 × 32 × 3). Default: false.
        zca_whitening: bool,
        /// What is added to the singular values before they are divided by. Default: 1e-6.
        zca_epsilon: f64,
        /// The largest angle, in degrees, to either side. Default: 0.
        rotation_range: f64,
        /// How far images are moved to the sides: see [`ShiftRange`]. Default: 0.
        width_shift_range: impl Into<ShiftRange>,
        /// How far images are moved up and down: see [`ShiftRange`]. Default: 0.
        height_shift_range: impl Into<ShiftRange>,
        /// The factors between which the brightness is drawn. For images within 0 … 255 or within 0 … 1; values are
        /// rounded down to bytes, as in Keras. An image with other values is first brought to 0 … 255 by its own range.
        /// Default: none.
        brightness_range: [f64; 2],
        /// The shear's largest angle, in degrees, to either side. Default: 0.
        shear_range: f64,
        /// How far images are zoomed, in height and width separately: see [`ZoomRange`]. Default: 0.
        zoom_range: impl Into<ZoomRange>,
        /// The largest number that is added to all values of an image, to either side; the sum stays within what the
        /// image had before. Default: 0.
        channel_shift_range: f64,
        /// What lies beyond the edge, as `scipy.ndimage` understands the words: with `constant` no place is blended
        /// with `cval`, with `wrap` the first pixel lies on the last one. Default: `nearest`.
        fill_mode: impl Into<Argument<FillMode>>,
        /// The value beyond the edge for the fill mode `constant`. Default: 0.
        cval: f64,
        /// Exchanges left and right of every other image, at random. Default: false.
        horizontal_flip: bool,
        /// Exchanges top and bottom of every other image, at random. Default: false.
        vertical_flip: bool,
        /// What values are multiplied by, after all random changes. Default: nothing.
        rescale: f64,
        /// The fraction of the data that is for validation, in [0, 1): its first samples. See [`flow`](Self::flow).
        /// Default: 0.
        validation_split: f64,
        /// 1 interpolates between the four pixels around a place, 0 takes the nearest. Default: 1.
        interpolation_order: u32,
    }

    /// A function that changes every image in place, after the random changes and before `rescale`. It must be a pure
    /// function of the image. Not part of the configuration as text. Default: none.
    #[must_use]
    pub fn preprocessing_function(
        mut self,
        function: impl Fn(ArrayViewMut3<f32>) + Send + Sync + 'static,
    ) -> Self {
        self.preprocessing_function = Some(PreprocessingFunction(Arc::new(function)));
        self
    }

    /// Reads the options from a table under Keras's names.
    ///
    /// ```
    /// use thinnet::data::augmentation::ImageDataGenerator;
    /// let table = serde_json::json!({"rotation_range": 15, "zoom_range": [0.9, 1.1], "fill_mode": "reflect"});
    /// let datagen = ImageDataGenerator::from_config(table.as_object().unwrap())?;
    /// assert_eq!(datagen.to_config()["rotation_range"], 15.0);
    ///
    /// let typo = serde_json::json!({"rotation": 15});
    /// let error = ImageDataGenerator::from_config(typo.as_object().unwrap()).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "augmentation: unknown argument `rotation`: did you mean `rotation_range`?",
    /// );
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// An argument that is not known, with the nearest one, or that has a wrong type.
    pub fn from_config(config: &Map<String, Value>) -> Result<Self> {
        parse("augmentation", config)
    }

    /// All options as [`from_config`](Self::from_config) reads them.
    pub fn to_config(&self) -> Map<String, Value> {
        to_map(self)
    }

    /// Computes what the feature-wise options and the whitening need. Only `rescale` is applied before, as in Keras.
    ///
    /// # Errors
    /// As [`check`](Self::check), and where there is no sample.
    pub fn fit<'a>(&mut self, x: impl Into<Features<'a>>) -> Result<()> {
        self.statistics = Some(Arc::new(Statistics::of(self, &x.into(), None)?));
        Ok(())
    }

    /// [`fit`](Self::fit) on randomly changed images: `rounds` of each, from the draws of as many epochs under `seed`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and where `rounds` is 0.
    pub fn fit_augmented<'a>(&mut self, x: impl Into<Features<'a>>, rounds: usize, seed: u64) -> Result<()> {
        self.statistics = Some(Arc::new(Statistics::of(self, &x.into(), Some((rounds, seed)))?));
        Ok(())
    }

    /// Each channel's mean, once [`fit`](Self::fit) has computed it.
    pub fn mean(&self) -> Option<&[f32]> {
        self.statistics.as_ref()?.mean.as_deref()
    }

    /// Each channel's standard deviation, once [`fit`](Self::fit) has computed it.
    pub fn std(&self) -> Option<&[f32]> {
        self.statistics.as_ref()?.std.as_deref()
    }

    /// The matrix that flattened images are multiplied by, row by row, once [`fit`](Self::fit) has computed it.
    pub fn zca_whitening_matrix(&self) -> Option<&[f32]> {
        self.statistics.as_ref()?.zca.as_deref()
    }

    /// Batches of changed images with their targets.
    ///
    /// ```
    /// use ndarray::{Array4, array};
    /// use thinnet::data::augmentation::ImageDataGenerator;
    ///
    /// let (x, y) = (Array4::<f32>::zeros((3, 8, 8, 1)), array![0_u8, 1, 1]);
    /// let datagen = ImageDataGenerator::new().horizontal_flip(true);
    /// for batch in datagen.flow((&x, &y)).batch_size(2).epoch(0)? {
    ///     assert_eq!(&batch.x.shape()[1..], [8, 8, 1]);
    /// }
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn flow<'a>(&'a self, data: impl Into<Data<'a>>) -> Flow<'a> {
        Flow::new(self, data.into())
    }

    /// Batches of changed images from a folder that has a folder of pictures for each class.
    ///
    /// ```no_run
    /// use thinnet::data::augmentation::ImageDataGenerator;
    ///
    /// let datagen = ImageDataGenerator::new().rescale(1.0 / 255.0).horizontal_flip(true);
    /// let train = datagen.flow_from_directory("pets/train").target_size(150, 150).class_mode("binary").read()?;
    /// for batch in train.epoch(0)? {
    ///     assert_eq!(&batch.x.shape()[1..], [150, 150, 3]);
    /// }
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn flow_from_directory(&self, directory: impl Into<PathBuf>) -> FlowFromDirectory<'_> {
        FlowFromDirectory::new(self, directory.into())
    }

    /// The change that the sample `index` goes through in an epoch, for images of this size.
    ///
    /// Every parameter has draws of its own: turning one option on does not change the others' numbers.
    pub fn random_transform(
        &self,
        seed: u64,
        epoch: u64,
        index: usize,
        height: usize,
        width: usize,
    ) -> Transform {
        let mut draws = Stream::new(seed, Domain::Augmentation).at(epoch, index);
        let draws = &mut draws;
        let theta = between(draws, symmetric(self.rotation_range));
        let ty = self.height_shift_range.draw(draws, height);
        let tx = self.width_shift_range.draw(draws, width);
        let shear = between(draws, symmetric(self.shear_range));
        let zoom = self.zoom_range.limits();
        let (zx, zy) = (between(draws, zoom), between(draws, zoom));
        let flip_horizontal = (draws.uniform() < 0.5) & self.horizontal_flip;
        let flip_vertical = (draws.uniform() < 0.5) & self.vertical_flip;
        let channel_shift = between(draws, symmetric(self.channel_shift_range));
        let channel_shift_intensity = (self.channel_shift_range != 0.0).then_some(channel_shift);
        let brightness = self.brightness_range.map(|range| between(draws, range));
        Transform {
            theta,
            tx,
            ty,
            shear,
            zx,
            zy,
            flip_horizontal,
            flip_vertical,
            channel_shift_intensity,
            brightness,
        }
    }

    /// Writes `x`, an image (height, width, channels), changed by `transform` to `out`: all that is random, before
    /// `preprocessing_function` and what follows.
    ///
    /// # Errors
    /// As [`check`](Self::check) for the images' shape; where `x` or `out` has another length.
    ///
    /// ```
    /// use thinnet::data::augmentation::{ImageDataGenerator, Transform};
    /// let up = Transform { ty: 1.0, ..Transform::default() };
    /// let mut out = [0.0; 4];
    /// ImageDataGenerator::new().apply_transform(&up, &[4, 1, 1].into(), &[1., 2., 3., 4.], &mut out)?;
    /// assert_eq!(out, [2., 3., 4., 4.]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn apply_transform(
        &self,
        transform: &Transform,
        sample: &Shape,
        x: &[f32],
        out: &mut [f32],
    ) -> Result<()> {
        let place = |message| Error::config("augmentation", message);
        self.check_arguments().map_err(place)?;
        let size = image_size(sample).map_err(place)?;
        for (name, len) in [("x", x.len()), ("out", out.len())] {
            if len != sample.len() {
                return Err(Error::Data(format!(
                    "{name} must have the {} elements of an image of {sample}, got {len}",
                    sample.len()
                )));
            }
        }
        transform.apply(&self.resampling(size), x, out);
        Ok(())
    }

    /// Checks the options, and that images of this shape can be changed with them.
    ///
    /// # Errors
    /// What was expected, what came and what to do.
    pub fn check(&self, sample: &Shape) -> Result<(), String> {
        self.check_arguments()?;
        image_size(sample)?;
        if !self.needs_statistics() {
            return Ok(());
        }
        let Some(statistics) = &self.statistics else {
            let option = [
                (self.zca_whitening, "zca_whitening"),
                (self.featurewise_std_normalization, "featurewise_std_normalization"),
            ];
            let option = option.iter().find(|(on, _)| *on).map_or("featurewise_center", |(_, name)| name);
            return Err(format!("{option} needs statistics of the training data: call fit with it first"));
        };
        statistics.check(self, sample)
    }

    /// Whether [`fit`](Self::fit) must be called before images can be changed.
    ///
    /// ```
    /// use thinnet::data::augmentation::ImageDataGenerator;
    /// assert!(ImageDataGenerator::new().featurewise_center(true).needs_statistics());
    /// assert!(!ImageDataGenerator::new().samplewise_center(true).needs_statistics());
    /// ```
    pub fn needs_statistics(&self) -> bool {
        self.centers_features()
    }

    /// Checks the options alone.
    pub(crate) fn check_arguments(&self) -> Result<(), String> {
        self.fill_mode.get()?;
        self.width_shift_range.check("width_shift_range")?;
        self.height_shift_range.check("height_shift_range")?;
        let [zoom_low, zoom_high] = self.zoom_range.limits();
        let finite = [
            ("rotation_range", self.rotation_range),
            ("shear_range", self.shear_range),
            ("zoom_range", zoom_low),
            ("zoom_range", zoom_high),
            ("channel_shift_range", self.channel_shift_range),
            ("cval", self.cval),
            ("rescale", self.rescale.unwrap_or(1.0)),
        ];
        for (name, value) in finite {
            if !value.is_finite() {
                return Err(format!("{name} must be finite, got {value}"));
            }
        }
        if let Some(range) = self.brightness_range
            && !range.iter().all(|factor| (0.0..f64::INFINITY).contains(factor))
        {
            return Err(format!("brightness_range must be two factors that are not negative, got {range:?}"));
        }
        if self.rescale == Some(0.0) {
            return Err("rescale must not be 0, which would leave nothing of an image".into());
        }
        let (epsilon, split, order) = (self.zca_epsilon, self.validation_split, self.interpolation_order);
        not_negative("zca_epsilon", epsilon)?;
        if !(0.0..1.0).contains(&split) {
            return Err(format!("validation_split must be in [0, 1), got {split}"));
        }
        if order > 1 {
            return Err(format!(
                "interpolation_order must be 0 (the nearest pixel) or 1 (linear), got {order}"
            ));
        }
        match (self.data_format.as_deref(), self.dtype.as_deref()) {
            (Some(format), _) if format != "channels_last" => {
                Err(format!("data_format must be \"channels_last\", got {format:?}"))
            }
            (_, Some(dtype)) if dtype != "float32" => {
                Err(format!("dtype must be \"float32\", got {dtype:?}"))
            }
            _ => Ok(()),
        }
    }

    /// How images of this size are looked up.
    pub(super) fn resampling(&self, [height, width, channels]: [usize; 3]) -> Resampling {
        let fill_mode = self.fill_mode.get().copied().unwrap_or_default();
        let (border, fill) = (Border::scipy(fill_mode), self.cval as f32);
        Resampling { height, width, channels, border, fill, nearest: self.interpolation_order == 0 }
    }

    pub(super) fn centers_features(&self) -> bool {
        self.featurewise_center || self.scales_features() || self.zca_whitening
    }

    pub(super) fn scales_features(&self) -> bool {
        self.featurewise_std_normalization && !self.zca_whitening
    }
}

fn symmetric(range: f64) -> [f64; 2] {
    [-range, range]
}
