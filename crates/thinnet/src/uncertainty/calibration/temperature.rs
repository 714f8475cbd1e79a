//! Temperature scaling.

use ndarray::Array2;

use super::Forecast;
use crate::error::{Error, Result};

/// A temperature T that makes probabilities softer (T > 1) or sharper (T < 1): p ∝ p^(1/T), which for a softmax is
/// softmax(logits / T). The likeliest class stays the same.
///
/// Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks". Fit it to samples that the model was not
/// trained on, and that nothing is measured on afterwards.
///
/// ```
/// use ndarray::array;
/// use thinnet::uncertainty::{Forecast, Temperature};
///
/// // Right two times of three, though 90 % sure.
/// let sure = Forecast::new(array![[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], &[0, 0, 1])?;
/// let temperature = Temperature::fit(&sure);
/// assert!(temperature.value() > 3.0);
/// let (confidence, _) = temperature.apply(&sure).decisions().next().unwrap();
/// assert!((confidence - 2.0 / 3.0).abs() < 1e-4);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    value: f64,
}

/// No forecast needs more, but one that is always right (or worse than a guess) would have no bound.
const HOTTEST: f64 = 100.0;

impl Temperature {
    /// This temperature.
    ///
    /// # Errors
    /// Where it is not a positive number.
    pub fn new(value: f64) -> Result<Self> {
        match value > 0.0 && value.is_finite() {
            true => Ok(Self { value }),
            false => Err(Error::Usage(format!("expected a temperature above 0, got {value}"))),
        }
    }

    /// The temperature from 0.01 to 100 with the lowest [`nll`](Forecast::nll).
    ///
    /// The negative log-likelihood is convex in β = 1/T: Newton's method finds where its slope Σ (E\[ln p\] − ln p(label))
    /// is 0, the expectation being under p^β; a step that leaves the bracket is replaced by halving it.
    pub fn fit(forecast: &Forecast) -> Self {
        let logs = logs(forecast);
        let slope = |beta: f64| {
            let (mut slope, mut curvature) = (0.0, 0.0);
            for (row, &label) in logs.outer_iter().zip(&forecast.labels) {
                let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
                for &log in row {
                    let weight = (beta * (log - largest)).exp();
                    sum += weight;
                    mean += weight * log;
                    square += weight * log * log;
                }
                let mean = mean / sum;
                slope += mean - row[label];
                curvature += (square / sum - mean * mean).max(0.0);
            }
            (slope, curvature)
        };
        let (mut low, mut high) = (1.0 / HOTTEST, HOTTEST);
        for (end, is_outside) in [(low, slope(low).0 >= 0.0), (high, slope(high).0 <= 0.0)] {
            if is_outside {
                return Self { value: 1.0 / end };
            }
        }
        let mut beta = 1.0;
        for _ in 0..100 {
            let (slope, curvature) = slope(beta);
            if slope < 0.0 {
                low = beta
            } else {
                high = beta
            }
            let newton = beta - slope / curvature;
            let next = if newton > low && newton < high { newton } else { (low + high) / 2.0 };
            if (next - beta).abs() <= 1e-10 * beta {
                break;
            }
            beta = next;
        }
        Self { value: 1.0 / beta }
    }

    /// The temperature itself.
    pub fn value(self) -> f64 {
        self.value
    }

    /// The forecast at this temperature.
    #[must_use]
    pub fn apply(self, forecast: &Forecast) -> Forecast {
        let mut logs = logs(forecast);
        for mut row in logs.outer_iter_mut() {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.mapv_inplace(|log| ((log - largest) / self.value).exp());
            let sum = row.sum();
            row.mapv_inplace(|p| p / sum);
        }
        Forecast { probabilities: logs.mapv(|p| p as f32), ..forecast.clone() }
    }
}

/// The logarithms of probabilities: logits, but for a constant a row.
fn logs(forecast: &Forecast) -> Array2<f64> {
    forecast.probabilities.mapv(|p| f64::from(p.max(f32::MIN_POSITIVE)).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    /// Confidences that are right as often as they say: 3 of 4 at 0.75, 1 of 2 at 0.5.
    fn calibrated() -> Forecast {
        let rows = array![[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.5, 0.5], [0.5, 0.5]];
        Forecast::new(rows, &[0, 0, 0, 1, 0, 1]).unwrap()
    }

    #[test]
    fn a_calibrated_forecast_has_temperature_one_and_a_sharpened_one_its_exponent() {
        assert!((Temperature::fit(&calibrated()).value() - 1.0).abs() < 1e-6);
        for exponent in [0.2, 0.5, 2.0, 5.0] {
            let sharpened = Temperature::new(1.0 / exponent).unwrap().apply(&calibrated());
            let fitted = Temperature::fit(&sharpened);
            assert!((fitted.value() / exponent - 1.0).abs() < 1e-4, "{exponent}: {}", fitted.value());
            assert!((fitted.apply(&sharpened).nll() - calibrated().nll()).abs() < 1e-6);
        }
    }

    #[test]
    fn what_is_always_right_is_as_sharp_as_allowed_and_what_is_always_wrong_as_soft() {
        let right = Forecast::new(array![[0.6, 0.4], [0.4, 0.6]], &[0, 1]).unwrap();
        assert_eq!(Temperature::fit(&right).value(), 0.01);
        let wrong = Forecast::new(array![[0.6, 0.4], [0.4, 0.6]], &[1, 0]).unwrap();
        assert_eq!(Temperature::fit(&wrong).value(), 100.0);
        let certain = Forecast::new(array![[1.0, 0.0], [1.0, 0.0]], &[0, 1]).unwrap();
        assert!(Temperature::fit(&certain).apply(&certain).nll() < certain.nll());
        assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|&value| Temperature::new(value).is_err()));
    }

    /// Half a unit in the last place apart, the classes are equal at 100 degrees.
    #[test]
    fn what_rounding_makes_equal_keeps_its_class() {
        let close = Forecast::new(array![[0.499_999_94, 0.500_000_06]], &[1]).unwrap();
        let scaled = Temperature::new(100.0).unwrap().apply(&close);
        assert_eq!(scaled.probabilities, array![[0.5, 0.5]]);
        assert_eq!((scaled.accuracy(), close.accuracy()), (1.0, 1.0));
    }

    proptest! {
        /// No temperature that is tried is better than the fitted one, and none changes what is said.
        #[test]
        fn the_fit_is_the_best_and_keeps_the_accuracy(
            rows in prop::collection::vec((prop::array::uniform3(0.01_f32..1.0), 0..3_i64), 2..40), tried in 0.05_f64..20.0,
        ) {
            let sum = |row: &[f32; 3]| row.iter().sum::<f32>();
            let p = |(sample, class): (usize, usize)| rows[sample].0[class] / sum(&rows[sample].0);
            let labels: Vec<i64> = rows.iter().map(|row| row.1).collect();
            let forecast = Forecast::new(Array2::from_shape_fn((rows.len(), 3), p), &labels).unwrap();
            let fitted = Temperature::fit(&forecast).apply(&forecast);
            let other = Temperature::new(tried).unwrap().apply(&forecast);
            prop_assert!(fitted.nll() <= other.nll() + 1e-5, "{} {}", fitted.nll(), other.nll());
            prop_assert_eq!(other.accuracy(), forecast.accuracy());
        }
    }
}
