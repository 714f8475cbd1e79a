//! Samples, as floats or as bytes that are scaled when a batch is gathered.

use std::borrow::Cow;

use ndarray::{ArrayBase, ArrayView, Data, Dimension};

use crate::error::{Error, Result};
use crate::shape::Shape;

/// The inputs of a model: samples along the first axis, borrowed where that is possible.
///
/// Images stay bytes in memory; a batch's bytes become floats, times [`scale`](Self::bytes), as it is gathered.
#[derive(Clone, Debug)]
pub struct Features<'a> {
    sample: Shape,
    count: usize,
    values: Values<'a>,
}

#[derive(Clone, Debug)]
enum Values<'a> {
    Floats(Cow<'a, [f32]>),
    Bytes { bytes: Cow<'a, [u8]>, scale: f32 },
}

impl<'a> Features<'a> {
    /// Samples of a shape, as floats. `values` holds the samples one after the other.
    pub fn floats(sample: impl Into<Shape>, values: impl Into<Cow<'a, [f32]>>) -> Self {
        let (sample, values) = (sample.into(), values.into());
        let count = values.len() / sample.len().max(1);
        assert_eq!(count * sample.len(), values.len(), "values must be whole samples of shape {sample}");
        Self { sample, count, values: Values::Floats(values) }
    }

    /// Samples of a shape, as bytes: an element's value is its byte times `scale` (1/255 for images).
    pub fn bytes(sample: impl Into<Shape>, bytes: impl Into<Cow<'a, [u8]>>, scale: f32) -> Self {
        let (sample, bytes) = (sample.into(), bytes.into());
        let count = bytes.len() / sample.len().max(1);
        assert_eq!(count * sample.len(), bytes.len(), "bytes must be whole samples of shape {sample}");
        Self { sample, count, values: Values::Bytes { bytes, scale } }
    }

    /// One sample's shape.
    pub fn sample_shape(&self) -> &Shape {
        &self.sample
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes one sample's values to `out`, which has the sample's length.
    pub fn gather(&self, index: usize, out: &mut [f32]) {
        let len = self.sample.len();
        let range = index * len..(index + 1) * len;
        match &self.values {
            Values::Floats(values) => out.copy_from_slice(&values[range]),
            Values::Bytes { bytes, scale } => {
                for (out, byte) in out.iter_mut().zip(&bytes[range]) {
                    *out = f32::from(*byte) * scale;
                }
            }
        }
    }

    /// A part of the samples, borrowed.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Features<'_> {
        let len = self.sample.len();
        let (count, elements) = (range.len(), range.start * len..range.end * len);
        let values = match &self.values {
            Values::Floats(values) => Values::Floats(Cow::Borrowed(&values[elements])),
            Values::Bytes { bytes, scale } => {
                Values::Bytes { bytes: Cow::Borrowed(&bytes[elements]), scale: *scale }
            }
        };
        Features { sample: self.sample.clone(), count, values }
    }

    /// The same samples, borrowed from nowhere.
    #[must_use]
    pub fn into_owned(self) -> Features<'static> {
        let values = match self.values {
            Values::Floats(values) => Values::Floats(Cow::Owned(values.into_owned())),
            Values::Bytes { bytes, scale } => Values::Bytes { bytes: Cow::Owned(bytes.into_owned()), scale },
        };
        Features { sample: self.sample, count: self.count, values }
    }

    /// The same samples in another shape of as many elements, or `None` where the number differs.
    #[must_use]
    pub fn reshaped(self, sample: impl Into<Shape>) -> Option<Self> {
        let sample = sample.into();
        (sample.len() == self.sample.len()).then_some(Self { sample, ..self })
    }

    /// The first element that is NaN or infinite: (sample, element).
    pub fn find_non_finite(&self) -> Option<(usize, usize)> {
        let Values::Floats(values) = &self.values else { return None };
        let at = values.iter().position(|value| !value.is_finite())?;
        Some((at / self.sample.len(), at % self.sample.len()))
    }

    pub(crate) fn check_finite(&self) -> Result<()> {
        let Some((sample, element)) = self.find_non_finite() else { return Ok(()) };
        Err(Error::Data(format!(
            "x has a value that is NaN or infinite (sample {sample}, element {element}): clean or fill it first"
        )))
    }
}

/// An element type that samples may have at the library's edge: `f32`, or `u8` (taken as it is, without a scale: put a
/// `Rescaling` layer first, or use [`Features::bytes`]).
pub trait FeatureElement: Copy + private::Sealed {
    /// Samples of this element type.
    fn features(sample: Shape, values: Cow<'_, [Self]>) -> Features<'_>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u8 {}
}

impl FeatureElement for f32 {
    fn features(sample: Shape, values: Cow<'_, [f32]>) -> Features<'_> {
        Features::floats(sample, values)
    }
}

impl FeatureElement for u8 {
    fn features(sample: Shape, values: Cow<'_, [u8]>) -> Features<'_> {
        Features::bytes(sample, values, 1.0)
    }
}

/// The same samples, borrowed.
impl<'a> From<&'a Features<'_>> for Features<'a> {
    fn from(features: &'a Features<'_>) -> Self {
        features.slice(0..features.len())
    }
}

/// Borrowed where the array lies in standard order, copied otherwise. The first axis counts the samples.
impl<'a, T: FeatureElement, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Features<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Self {
        let sample = Shape::from(array.shape().get(1..).unwrap_or_default());
        match array.as_slice() {
            Some(values) => T::features(sample, Cow::Borrowed(values)),
            None => T::features(sample, array.iter().copied().collect()),
        }
    }
}

/// Borrowed where the view lies in standard order, copied otherwise. The first axis counts the samples.
impl<'a, T: FeatureElement, D: Dimension> From<ArrayView<'a, T, D>> for Features<'a> {
    fn from(view: ArrayView<'a, T, D>) -> Self {
        let sample = Shape::from(view.shape().get(1..).unwrap_or_default());
        match view.to_slice() {
            Some(values) => T::features(sample, Cow::Borrowed(values)),
            None => T::features(sample, view.iter().copied().collect()),
        }
    }
}
