//! Scores of a forecast.

use super::{Forecast, Reliability};

/// How good a forecast is, by every measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// See [`Forecast::accuracy`].
    pub accuracy: f64,
    /// See [`Forecast::nll`].
    pub nll: f64,
    /// See [`Forecast::brier`].
    pub brier: f64,
    /// See [`Forecast::ece`].
    pub ece: f64,
    /// See [`Forecast::adaptive_ece`].
    pub adaptive_ece: f64,
}

impl Measures {
    /// Each measure with its name.
    pub fn entries(&self) -> [(&'static str, f64); 5] {
        [
            ("accuracy", self.accuracy),
            ("nll", self.nll),
            ("brier", self.brier),
            ("ece", self.ece),
            ("adaptive_ece", self.adaptive_ece),
        ]
    }
}

impl Forecast {
    /// The negative log-likelihood in nats: the mean of −ln p, p being the label's probability. A probability of zero counts
    /// as the smallest normal float (−ln p = 87.3).
    pub fn nll(&self) -> f64 {
        let one = |p: f32| -f64::from(p.max(f32::MIN_POSITIVE)).ln();
        self.rows().map(|(row, label)| one(row[label])).sum::<f64>() / self.len() as f64
    }

    /// Brier's score, from 0 to 2: the mean of Σ (p − y)² over the classes, y being 1 for the label and 0 elsewhere. Brier
    /// 1950, "Verification of forecasts expressed in terms of probability".
    pub fn brier(&self) -> f64 {
        let square = |p: f32, y: f64| (f64::from(p) - y).powi(2);
        let one = |row: ndarray::ArrayView1<f32>, label: usize| -> f64 {
            row.iter().enumerate().map(|(class, &p)| square(p, f64::from(u8::from(class == label)))).sum()
        };
        self.rows().map(|(row, label)| one(row, label)).sum::<f64>() / self.len() as f64
    }

    /// The expected calibration error over 15 equal bins: [`Reliability::error`] of [`Reliability::new`].
    pub fn ece(&self) -> f64 {
        Reliability::new(self, Reliability::BINS).error()
    }

    /// The adaptive calibration error over 15 bins of equally many samples: [`Reliability::error`] of
    /// [`Reliability::adaptive`].
    pub fn adaptive_ece(&self) -> f64 {
        Reliability::adaptive(self, Reliability::BINS).error()
    }

    /// All measures.
    pub fn measures(&self) -> Measures {
        Measures {
            accuracy: self.accuracy(),
            nll: self.nll(),
            brier: self.brier(),
            ece: self.ece(),
            adaptive_ece: self.adaptive_ece(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn scores_are_those_of_their_definitions() {
        let forecast = Forecast::new(array![[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]], &[1, 2]).unwrap();
        assert!((forecast.nll() - (4_f64.ln() + (4.0 / 3.0_f64).ln()) / 2.0).abs() < 1e-12);
        let brier = ((0.25 + 0.5625 + 0.0625) + (0.015_625 + 0.015_625 + 0.0625)) / 2.0;
        assert!((forecast.brier() - brier).abs() < 1e-12);
    }

    #[test]
    fn certainty_is_scored_by_what_came_true() {
        let forecast = |label| Forecast::new(array![[1.0, 0.0]], &[label]).unwrap();
        assert_eq!((forecast(0).nll(), forecast(0).brier(), forecast(0).ece()), (0.0, 0.0, 0.0));
        assert!((forecast(1).nll() - 87.336_544_750).abs() < 1e-6);
        assert_eq!((forecast(1).brier(), forecast(1).ece(), forecast(1).adaptive_ece()), (2.0, 1.0, 1.0));
    }
}
