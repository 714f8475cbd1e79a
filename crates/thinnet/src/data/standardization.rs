//! Inputs and targets with mean 0 and standard deviation 1.

use serde::{Deserialize, Serialize};

use super::{Data, Features, Targets};
use crate::error::{Error, Result};

/// How inputs and targets are standardized: each of their elements is shifted and scaled so that it has mean 0 and standard
/// deviation 1 over the samples that this was made [of](Self::of). A model that was given one
/// ([`set_standardization`](crate::model::Sequential::set_standardization)) takes and gives numbers in their own units.
///
/// ```
/// use ndarray::array;
/// use thinnet::data::{Data, Standardization};
/// let (x, y) = (array![[1.0_f32, 5.0], [3.0, 5.0]], array![[10.0_f32], [30.0]]);
/// let standardization = Standardization::of(&Data::from((&x, &y)))?;
/// assert_eq!((standardization.x.mean[0], standardization.x.deviation[0]), (2.0, 1.0));
/// // A column that is the same for all samples is only shifted.
/// assert_eq!((standardization.x.mean[1], standardization.x.deviation[1]), (5.0, 1.0));
/// assert_eq!(standardization.y.unwrap().deviation[0], 10.0);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// That of the inputs.
    pub x: Scale,
    /// That of the targets; `None` where they are classes.
    pub y: Option<Scale>,
}

/// Means and standard deviations (divided by the number of samples), one for each element of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What is subtracted.
    pub mean: Vec<f64>,
    /// What is divided by then: 1 for an element that is the same in all samples.
    pub deviation: Vec<f64>,
}

impl Standardization {
    /// The means and deviations of some samples.
    ///
    /// # Errors
    /// Where there is no sample, or a value that is NaN or infinite.
    pub fn of(data: &Data) -> Result<Self> {
        if data.is_empty() {
            return Err(Error::Data("expected at least one sample to standardize by, got none".into()));
        }
        // One such value would make all samples' NaN, and messages would tell the wrong one.
        data.x.check_finite()?;
        data.y.check_finite()?;
        let len = data.x.sample_shape().len();
        let mut sample = vec![0.0; len];
        let x = Scale::of(len, data.len(), |index, each| {
            data.x.gather(index, &mut sample);
            sample.iter().enumerate().for_each(|(element, &value)| each(element, value));
        });
        let y = match &data.y {
            Targets::Classes(_) => None,
            Targets::Values { sample, values } => {
                let len = sample.len();
                Some(Scale::of(len, data.y.len(), |index, each| {
                    let row = &values[index * len..(index + 1) * len];
                    row.iter().enumerate().for_each(|(element, &value)| each(element, value));
                }))
            }
        };
        Ok(Self { x, y })
    }

    /// Inputs as the network sees them.
    pub(crate) fn inputs(&self, x: &Features) -> Features<'static> {
        let len = x.sample_shape().len();
        let mut values = vec![0.0; x.len() * len];
        for (index, row) in values.chunks_exact_mut(len.max(1)).enumerate() {
            x.gather(index, row);
        }
        self.x.apply(&mut values);
        Features::floats(x.sample_shape().clone(), values)
    }

    /// Targets as the network is to give them. Integers, which may be numbers to predict, become values.
    pub(crate) fn targets(&self, y: &Targets) -> Targets<'static> {
        let Some(scale) = &self.y else { return y.clone().into_owned() };
        let (sample, values) = Targets::from(y).into_values();
        let mut values = values.into_owned();
        scale.apply(&mut values);
        Targets::Values { sample, values: values.into() }
    }
}

impl Scale {
    /// Of `count` samples with `len` elements; `visit` hands the elements of the sample of an index to its second argument.
    fn of(len: usize, count: usize, mut visit: impl FnMut(usize, &mut dyn FnMut(usize, f32))) -> Self {
        let (mut mean, mut squares) = (vec![0.0_f64; len], vec![0.0_f64; len]);
        for index in 0..count {
            visit(index, &mut |element, value| mean[element] += f64::from(value));
        }
        mean.iter_mut().for_each(|sum| *sum /= count as f64);
        for index in 0..count {
            visit(index, &mut |element, value| {
                squares[element] += (f64::from(value) - mean[element]).powi(2)
            });
        }
        let deviation = |(sum, mean): (f64, &f64)| {
            let deviation = (sum / count as f64).sqrt();
            // What differs by rounding alone carries nothing.
            if deviation > mean.abs() * f64::from(f32::EPSILON) { deviation } else { 1.0 }
        };
        let deviation = squares.into_iter().zip(&mean).map(deviation).collect();
        Self { mean, deviation }
    }

    /// Standardizes rows of elements.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        self.each(values, |value, mean, deviation| (value - mean) / deviation);
    }

    /// Gives rows of elements their own units again.
    pub(crate) fn invert(&self, values: &mut [f32]) {
        self.each(values, |value, mean, deviation| value * deviation + mean);
    }

    fn each(&self, values: &mut [f32], change: impl Fn(f64, f64, f64) -> f64) {
        for row in values.chunks_exact_mut(self.mean.len().max(1)) {
            for ((value, &mean), &deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *value = change(f64::from(*value), mean, deviation) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn mean_and_deviation_are_those_of_the_definition_and_are_undone() {
        let x = array![[1.0_f32, -2.0], [4.0, 6.0], [7.0, 5.0]];
        let y = array![[3.0_f32], [3.5], [-1.0]];
        let data = Data::from((&x, &y));
        let standardization = Standardization::of(&data).unwrap();
        let z = standardization.inputs(&data.x);
        let again = Standardization::of(&Data { x: z, y: standardization.targets(&data.y) }).unwrap();
        for scale in [&again.x, again.y.as_ref().unwrap()] {
            assert!(scale.mean.iter().all(|mean| mean.abs() < 1e-7), "{scale:?}");
            assert!(scale.deviation.iter().all(|deviation| (deviation - 1.0).abs() < 1e-6), "{scale:?}");
        }
        let Targets::Values { values, .. } = standardization.targets(&data.y) else { panic!("values") };
        let mut values = values.into_owned();
        standardization.y.unwrap().invert(&mut values);
        assert!(values.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn a_value_that_is_not_finite_is_told_with_its_own_sample() {
        let (x, mut y) = (array![[1.0_f32], [2.0], [4.0]], array![1.0_f32, 2.0, 3.0]);
        y[2] = f32::NAN;
        let message = |x, y| Standardization::of(&Data::from((x, y))).unwrap_err().to_string();
        let told = message(&x, &y);
        assert_eq!(told, "y has a value that is NaN or infinite (sample 2): clean or fill it first");
        let told = message(&x.mapv(|value| 1.0 / (value - 2.0)), &array![1.0_f32, 2.0, 3.0]);
        assert_eq!(
            told,
            "x has a value that is NaN or infinite (sample 1, element 0): clean or fill it first"
        );
    }

    #[test]
    fn constant_columns_are_shifted_only_and_classes_stay() {
        let x = array![[1e6_f32, 0.1], [1e6, 0.1], [1e6, 0.1]];
        let y = array![0_u8, 1, 1];
        let data = Data::from((&x, &y));
        let standardization = Standardization::of(&data).unwrap();
        assert_eq!((&standardization.x.deviation[..], &standardization.y), (&[1.0, 1.0][..], &None));
        let mut row = [9.0; 2];
        standardization.inputs(&data.x).gather(0, &mut row);
        assert_eq!(row, [0.0, 0.0]);
        assert!(matches!(standardization.targets(&data.y), Targets::Classes(_)));
        assert!(Standardization::of(&data.slice(0..0)).is_err());
    }
}
