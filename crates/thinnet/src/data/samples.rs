//! Inputs and targets together: what a model is fitted to or evaluated on.

use std::ops::Range;

use super::{Features, Targets};
use crate::error::{Error, Result};

/// Samples with their targets. `fit` and `evaluate` take anything that becomes one: a half of a
/// [`Dataset`](super::Dataset), or a pair of arrays, which are borrowed.
///
/// ```
/// use ndarray::{Array2, array};
/// use thinnet::data::Data;
///
/// let (x, y) = (Array2::<f32>::zeros((3, 2)), array![0_u8, 1, 1]);
/// let data = Data::from((&x, &y));
/// assert_eq!(data.len(), 3);
/// assert_eq!(data.slice(1..3).len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Data<'a> {
    /// The inputs.
    pub x: Features<'a>,
    /// What is to be predicted from them, in the same order.
    pub y: Targets<'a>,
}

impl<'a> Data<'a> {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Some of the samples, borrowed.
    ///
    /// # Panics
    /// If `range` ends beyond the last sample or target.
    pub fn slice(&self, range: Range<usize>) -> Data<'_> {
        Data { x: self.x.slice(range.clone()), y: self.y.slice(range) }
    }

    /// The first samples, at most `count`, as data of their own.
    #[must_use]
    pub fn take(&self, count: usize) -> Data<'static> {
        self.slice(0..count.min(self.len())).into_owned()
    }

    /// The same samples, borrowed from nowhere.
    #[must_use]
    pub fn into_owned(self) -> Data<'static> {
        Data { x: self.x.into_owned(), y: self.y.into_owned() }
    }

    /// Checks that there is one target for each sample.
    ///
    /// # Errors
    /// [`Error::Data`] with both numbers.
    pub fn check(&self) -> Result<()> {
        let (samples, targets) = (self.x.len(), self.y.len());
        if samples == targets {
            return Ok(());
        }
        Err(Error::Data(format!(
            "expected one target for each sample, got {samples} samples and {targets} targets"
        )))
    }
}

/// The same samples, borrowed.
impl<'a> From<&'a Data<'_>> for Data<'a> {
    fn from(data: &'a Data<'_>) -> Self {
        Data { x: Features::from(&data.x), y: Targets::from(&data.y) }
    }
}

/// Inputs and targets, in Keras's order.
impl<'a, X: Into<Features<'a>>, Y: Into<Targets<'a>>> From<(X, Y)> for Data<'a> {
    fn from((x, y): (X, Y)) -> Self {
        Data { x: x.into(), y: y.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn a_slice_keeps_samples_and_targets_together() {
        let x = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let y = array![7_i64, 8, 9];
        let data = Data::from((&x, &y));
        let part = data.slice(1..3);
        let mut sample = [0.0; 2];
        part.x.gather(0, &mut sample);
        assert_eq!(sample, [3.0, 4.0]);
        let Targets::Classes(classes) = &part.y else { panic!("integers are classes") };
        assert_eq!(classes[..], [8, 9]);
    }

    #[test]
    fn a_missing_target_is_told_with_both_numbers() {
        let (x, y) = (Array2::<f32>::zeros((3, 2)), array![0_u8, 1]);
        let message = Data::from((&x, &y)).check().unwrap_err().to_string();
        assert_eq!(message, "expected one target for each sample, got 3 samples and 2 targets");
        assert!(Data::from((&x, &array![0_u8, 1, 1])).check().is_ok());
    }
}
