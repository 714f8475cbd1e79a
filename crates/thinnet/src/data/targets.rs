//! What a model is to predict: class numbers, or values.

use std::borrow::Cow;

use ndarray::{Array2, ArrayBase, Data, Dimension};

use crate::error::{Error, Result};
use crate::shape::Shape;

/// The targets of all samples, borrowed where that is possible.
#[derive(Clone, Debug)]
pub enum Targets<'a> {
    /// One class number a sample.
    Classes(Cow<'a, [i64]>),
    /// Values of one shape for each sample: one-hot or multi-hot labels, or what a regression predicts.
    Values {
        /// One sample's shape.
        sample: Shape,
        /// The samples' values, one after the other.
        values: Cow<'a, [f32]>,
    },
}

/// The targets of some rows of a batch, as a loss or a metric sees them.
#[derive(Clone, Copy, Debug)]
pub enum TargetRows<'a> {
    /// One class number a row, known to be below the number of classes.
    Classes(&'a [u32]),
    /// As many values a row as the model has outputs.
    Values(&'a [f32]),
}

impl<'a> Targets<'a> {
    /// The number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values { sample, values } => values.len() / sample.len().max(1),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same targets, borrowed from nowhere.
    #[must_use]
    pub fn into_owned(self) -> Targets<'static> {
        match self {
            Self::Classes(classes) => Targets::Classes(Cow::Owned(classes.into_owned())),
            Self::Values { sample, values } => {
                Targets::Values { sample, values: Cow::Owned(values.into_owned()) }
            }
        }
    }

    /// One sample's shape, and the samples' values: class numbers are numbers, too.
    pub(crate) fn into_values(self) -> (Shape, Cow<'a, [f32]>) {
        match self {
            Self::Classes(classes) => (1.into(), classes.iter().map(|&class| class as f32).collect()),
            Self::Values { sample, values } => (sample, values),
        }
    }

    pub(crate) fn check_finite(&self) -> Result<()> {
        let Self::Values { sample, values } = self else { return Ok(()) };
        let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
        Err(Error::Data(format!(
            "y has a value that is NaN or infinite (sample {}): clean or fill it first",
            at / sample.len()
        )))
    }

    /// A part of the samples, borrowed.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Targets<'_> {
        match self {
            Self::Classes(classes) => Targets::Classes(Cow::Borrowed(&classes[range])),
            Self::Values { sample, values } => {
                let len = sample.len();
                let values = Cow::Borrowed(&values[range.start * len..range.end * len]);
                Targets::Values { sample: sample.clone(), values }
            }
        }
    }
}

/// An element type that targets may have at the library's edge: any integer, or `f32`.
pub trait TargetElement: Copy + private::Sealed {
    /// Targets of this element type; `shape` begins with the number of samples.
    fn targets<'a>(shape: &[usize], values: Cow<'a, [Self]>) -> Targets<'a>;
}

mod private {
    pub trait Sealed {}
}

fn sample_shape(shape: &[usize]) -> Shape {
    match shape {
        [_] => Shape::from(1),
        _ => Shape::from(shape.get(1..).unwrap_or_default()),
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl private::Sealed for $integer {}

        /// One integer a sample is a class number; more are values.
        impl TargetElement for $integer {
            fn targets<'a>(shape: &[usize], values: Cow<'a, [Self]>) -> Targets<'a> {
                let sample = sample_shape(shape);
                if sample.len() == 1 {
                    Targets::Classes(values.iter().map(|&class| i64::from(class)).collect())
                } else {
                    Targets::Values { sample, values: values.iter().map(|&value| value as f32).collect() }
                }
            }
        }
    )*};
}
integers!(u8, i8, u16, i16, u32, i32, i64);

impl private::Sealed for f32 {}

impl TargetElement for f32 {
    fn targets<'a>(shape: &[usize], values: Cow<'a, [Self]>) -> Targets<'a> {
        Targets::Values { sample: sample_shape(shape), values }
    }
}

/// The same targets, borrowed.
impl<'a> From<&'a Targets<'_>> for Targets<'a> {
    fn from(targets: &'a Targets<'_>) -> Self {
        targets.slice(0..targets.len())
    }
}

/// The first axis counts the samples. One integer a sample is a class number; anything else is values.
impl<'a, T: TargetElement, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Targets<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Self {
        match array.as_slice() {
            Some(values) => T::targets(array.shape(), Cow::Borrowed(values)),
            None => T::targets(array.shape(), array.iter().copied().collect()),
        }
    }
}

/// One target a sample.
impl<'a, T: TargetElement> From<&'a [T]> for Targets<'a> {
    fn from(values: &'a [T]) -> Self {
        T::targets(&[values.len()], Cow::Borrowed(values))
    }
}

/// One-hot labels of class numbers, as Keras's `to_categorical`.
///
/// ```
/// let labels = thinnet::data::to_categorical(&[1, 0], 3);
/// assert_eq!(labels, ndarray::array![[0., 1., 0.], [1., 0., 0.]]);
/// ```
///
/// # Panics
/// If a class number is not below `count`.
pub fn to_categorical(classes: &[usize], count: usize) -> Array2<f32> {
    for &class in classes {
        assert!(class < count, "expected class numbers below {count}, got {class}: give a larger count");
    }
    Array2::from_shape_fn((classes.len(), count), |(sample, class)| {
        f32::from(u8::from(classes[sample] == class))
    })
}

#[cfg(test)]
mod tests {
    use super::to_categorical;

    #[test]
    #[should_panic(expected = "expected class numbers below 3, got 5: give a larger count")]
    fn a_class_beyond_the_count_has_no_label() {
        to_categorical(&[1, 5], 3);
    }
}
