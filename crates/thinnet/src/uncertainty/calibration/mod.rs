//! Whether probabilities are right: of all predictions made with 80 % confidence, are 80 % correct?
//!
//! A [`Forecast`] is what a model says of labelled samples. It is measured by proper scores
//! ([`nll`](Forecast::nll), [`brier`](Forecast::brier)) and by calibration errors over a [`Reliability`] diagram; a
//! [`Temperature`] mends it.

mod reliability;
mod scores;
mod temperature;

use ndarray::{Array2, ArrayView1};

pub use reliability::{Bin, Reliability};
pub use scores::Measures;
pub use temperature::Temperature;

use super::Predictive;
use crate::data::Targets;
use crate::error::{Error, Result};

/// The probability of each class for some samples, and what the samples are.
///
/// ```
/// use ndarray::array;
/// use thinnet::uncertainty::Forecast;
///
/// let forecast = Forecast::new(array![[0.8, 0.2], [0.4, 0.6]], &[0, 0])?;
/// assert_eq!(forecast.accuracy(), 0.5);
/// assert!((forecast.brier() - (0.08 + 0.72) / 2.0).abs() < 1e-6);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    probabilities: Array2<f32>,
    /// Each sample's likeliest class, the first of equal ones. A temperature keeps it, though rounding may make others equal.
    likeliest: Vec<usize>,
    labels: Vec<usize>,
}

impl Forecast {
    /// From probabilities, a row a sample, and class numbers.
    ///
    /// # Errors
    /// [`Error::Data`] for no samples, another number of labels, a label that is none of the classes, or rows that are no
    /// probabilities: numbers from 0 to 1 whose sum is 1.
    pub fn new(probabilities: Array2<f32>, labels: &[i64]) -> Result<Self> {
        let (samples, classes) = probabilities.dim();
        if samples == 0 || classes < 2 {
            let message = format!(
                "expected samples with probabilities of two classes or more, got {samples} × {classes}"
            );
            return Err(Error::Data(message));
        }
        if samples != labels.len() {
            let message = format!("expected a label for each of {samples} samples, got {}", labels.len());
            return Err(Error::Data(message));
        }
        for (sample, row) in probabilities.outer_iter().enumerate() {
            // What rounding may leave of a sum of 1.
            const ROUNDING: f32 = 1e-3;
            let sum: f32 = row.iter().sum();
            if !(row.iter().all(|p| (0.0..=1.0 + ROUNDING).contains(p)) && (sum - 1.0).abs() < ROUNDING) {
                let message = format!("expected probabilities that sum to 1, got {row} (sample {sample})");
                return Err(Error::Data(message));
            }
        }
        let label = |(sample, &label): (usize, &i64)| match usize::try_from(label) {
            Ok(class) if class < classes => Ok(class),
            _ => Err(Error::Data(format!(
                "expected class numbers from 0 to {}, got {label} (sample {sample})",
                classes - 1
            ))),
        };
        let labels = labels.iter().enumerate().map(label).collect::<Result<_>>()?;
        let likeliest = probabilities.outer_iter().map(|row| {
            row.iter().enumerate().fold(0, |best, (class, &p)| if p > row[best] { class } else { best })
        });
        let likeliest = likeliest.collect();
        Ok(Self { probabilities, likeliest, labels })
    }

    /// From what networks say of some inputs, and their targets: class numbers or one-hot rows.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`Predictive::probabilities`], and for other targets.
    pub fn of(prediction: &Predictive, y: &Targets) -> Result<Self> {
        let probabilities = prediction.probabilities()?;
        let expected =
            || Error::Data("expected class numbers or one-hot rows as labels, got other values".into());
        let labels = match y {
            Targets::Classes(classes) => classes.to_vec(),
            Targets::Values { sample, values } if sample.len() == 1 => {
                let whole =
                    |&value: &f32| if value.fract() == 0.0 { Ok(value as i64) } else { Err(expected()) };
                values.iter().map(whole).collect::<Result<_>>()?
            }
            Targets::Values { sample, values } => {
                let hot = |row: &[f32]| {
                    let class = row.iter().position(|&value| value == 1.0);
                    let others = row.iter().filter(|value| **value != 0.0).count();
                    class.filter(|_| others == 1).map(|class| class as i64).ok_or_else(expected)
                };
                values.chunks_exact(sample.len()).map(hot).collect::<Result<_>>()?
            }
        };
        Self::new(probabilities, &labels)
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample: never.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Each sample's confidence, the highest of its probabilities, and whether that is its label's. Of equal probabilities
    /// the first counts.
    pub fn decisions(&self) -> impl Iterator<Item = (f32, bool)> {
        self.rows().zip(&self.likeliest).map(|((row, label), &best)| (row[best], best == label))
    }

    /// The share of samples whose likeliest class is right.
    pub fn accuracy(&self) -> f64 {
        self.decisions().filter(|(_, right)| *right).count() as f64 / self.len() as f64
    }

    /// Each sample's probabilities and label.
    fn rows(&self) -> impl Iterator<Item = (ArrayView1<'_, f32>, usize)> {
        self.probabilities.outer_iter().zip(self.labels.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_is_no_forecast_is_explained() {
        let message = |probabilities: Array2<f32>, labels: &[i64]| {
            Forecast::new(probabilities, labels).unwrap_err().to_string()
        };
        assert_eq!(
            message(array![[0.5, 0.6]], &[0]),
            "expected probabilities that sum to 1, got [0.5, 0.6] (sample 0)"
        );
        assert!(message(array![[1.5, -0.5]], &[0]).contains("sum to 1"));
        assert!(message(array![[f32::NAN, 1.0]], &[0]).contains("sum to 1"));
        let even = array![[0.5, 0.5]];
        assert_eq!(message(even.clone(), &[2]), "expected class numbers from 0 to 1, got 2 (sample 0)");
        assert_eq!(message(even.clone(), &[-1]), "expected class numbers from 0 to 1, got -1 (sample 0)");
        assert_eq!(message(even, &[0, 1]), "expected a label for each of 1 samples, got 2");
        assert!(message(Array2::zeros((0, 3)), &[]).contains("got 0 × 3"));
    }

    #[test]
    fn class_numbers_and_one_hot_rows_are_labels() {
        use crate::prelude::*;
        let mut model = Sequential::new().add(Dense::new(3).activation(Softmax).input_shape([2]));
        let prediction = model.predictive(&Array2::<f32>::ones((2, 2))).unwrap();
        let of = |y: Targets| Forecast::of(&prediction, &y).map(|forecast| forecast.labels);
        assert_eq!(of((&array![2_u8, 0]).into()).unwrap(), [2, 0]);
        assert_eq!(of((&array![2.0_f32, 0.0]).into()).unwrap(), [2, 0]);
        assert_eq!(of((&array![[0.0_f32, 0.0, 1.0], [1.0, 0.0, 0.0]]).into()).unwrap(), [2, 0]);
        for other in [array![[0.0_f32, 0.5, 0.5], [1.0, 0.0, 0.0]], array![[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]]
        {
            assert!(of((&other).into()).unwrap_err().to_string().contains("one-hot rows"));
        }
    }

    #[test]
    fn of_equal_probabilities_the_first_counts() {
        let forecast = Forecast::new(array![[0.4, 0.4, 0.2], [0.4, 0.4, 0.2]], &[0, 1]).unwrap();
        assert_eq!(forecast.decisions().collect::<Vec<_>>(), [(0.4, true), (0.4, false)]);
    }
}
