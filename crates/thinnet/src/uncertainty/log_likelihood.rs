//! How likely the targets are under what thinned networks say.

use super::predictive::regression_targets;
use crate::data::Targets;
use crate::error::{Error, Result};

/// The predictive log-likelihood of a regression's targets: of target y, of which T networks say ŷ₁ … ŷ_T, with Gaussian noise
/// of precision τ,
///
/// log p(y) = logsumexp_t(−½ τ (y − ŷ_t)²) − log T − ½ log 2π + ½ log τ,
///
/// averaged over the targets. Gal & Ghahramani 2016, "Dropout as a Bayesian approximation", equation 8 (section 4.4 of the
/// appendix). Networks are [added](Self::add) one after the other, so that memory does not grow with their number; sums are in
/// f64, around the greatest term so far.
///
/// ```
/// use ndarray::{Array2, array};
/// use thinnet::prelude::*;
/// use thinnet::uncertainty::LogLikelihood;
/// let mut model = Sequential::new().add(Dropout::new(0.5).input_shape([1])).add(Dense::new(1));
/// let mut likelihood = LogLikelihood::new(&array![[0.0_f32], [0.0]], 4.0)?;
/// model.predict_mc_each(&Array2::<f32>::zeros((2, 1)), 100, |outputs| likelihood.add(outputs.iter().copied()))?;
/// // All networks hit the targets: what is left is the density of the noise at 0.
/// assert!((likelihood.mean()? - (0.5 * 4_f64.ln() - 0.5 * std::f64::consts::TAU.ln())).abs() < 1e-12);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogLikelihood {
    targets: Vec<f64>,
    precision: f64,
    networks: usize,
    /// The greatest exponent of each target so far.
    greatest: Vec<f64>,
    /// The sum of e^(exponent − greatest).
    sums: Vec<f64>,
}

impl LogLikelihood {
    /// No network yet. `precision` is τ, the reciprocal of the variance of the targets around the true function, in the targets'
    /// own units.
    ///
    /// # Errors
    /// Where there is no target, or the precision is not a positive number.
    pub fn new<'a>(y: impl Into<Targets<'a>>, precision: f64) -> Result<Self> {
        if !(precision > 0.0 && precision.is_finite()) {
            return Err(Error::Usage(format!(
                "expected a precision tau above 0 (1 / the noise's variance), got {precision}"
            )));
        }
        let y = y.into();
        let outputs = match &y {
            Targets::Classes(numbers) => numbers.len(),
            Targets::Values { values, .. } => values.len(),
        };
        let targets = regression_targets(false, outputs, &y)?;
        Ok(Self {
            precision,
            networks: 0,
            greatest: vec![f64::NEG_INFINITY; targets.len()],
            sums: vec![0.0; targets.len()],
            targets,
        })
    }

    /// Adds what one network says, in the targets' order.
    ///
    /// # Errors
    /// Where there are not as many outputs as targets.
    pub fn add(&mut self, outputs: impl ExactSizeIterator<Item = f32>) -> Result<()> {
        if outputs.len() != self.targets.len() {
            return Err(Error::Data(format!(
                "expected a target for each of {} outputs, got {}",
                outputs.len(),
                self.targets.len()
            )));
        }
        self.networks += 1;
        let sums = self.greatest.iter_mut().zip(&mut self.sums);
        for ((output, target), (greatest, sum)) in outputs.zip(&self.targets).zip(sums) {
            let exponent = -0.5 * self.precision * (target - f64::from(output)).powi(2);
            let difference = exponent - *greatest;
            if difference <= 0.0 {
                *sum += difference.exp();
            } else {
                *sum = *sum * (-difference).exp() + 1.0;
                *greatest = exponent;
            }
        }
        Ok(())
    }

    /// The mean over the targets, in nats.
    ///
    /// # Errors
    /// Where no network was added.
    pub fn mean(&self) -> Result<f64> {
        if self.networks == 0 {
            return Err(Error::Usage("expected at least one network's outputs, got none".into()));
        }
        let of_noise = 0.5 * (self.precision / std::f64::consts::TAU).ln() - (self.networks as f64).ln();
        let sums = self.greatest.iter().zip(&self.sums).map(|(greatest, sum)| greatest + sum.ln());
        Ok(sums.sum::<f64>() / self.targets.len() as f64 + of_noise)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::random::{Domain, Stream};

    /// The formula word by word: densities are summed, not their logarithms.
    fn plain(targets: &[f32], networks: &[Vec<f32>], tau: f64) -> f64 {
        let density = |y: f32, outputs: &Vec<f32>, at: usize| {
            let error = f64::from(y) - f64::from(outputs[at]);
            (tau / std::f64::consts::TAU).sqrt() * (-0.5 * tau * error * error).exp()
        };
        let of_target = |(at, &y): (usize, &f32)| {
            (networks.iter().map(|outputs| density(y, outputs, at)).sum::<f64>() / networks.len() as f64).ln()
        };
        targets.iter().enumerate().map(of_target).sum::<f64>() / targets.len() as f64
    }

    #[test]
    fn it_is_the_mean_of_the_definition() {
        let mut draws = Stream::new(3, Domain::Shuffle).at(0, 0);
        for (count, networks, tau) in [(1, 1, 1.0), (5, 7, 0.2), (40, 200, 3.0)] {
            let mut normals = |count: usize| (0..count).map(|_| draws.normal() as f32).collect::<Vec<_>>();
            let targets = normals(count);
            let networks: Vec<_> = (0..networks).map(|_| normals(count)).collect();
            let mut likelihood = LogLikelihood::new(&targets[..], tau).unwrap();
            networks.iter().for_each(|outputs| likelihood.add(outputs.iter().copied()).unwrap());
            let (mean, expected) = (likelihood.mean().unwrap(), plain(&targets, &networks, tau));
            assert!((mean - expected).abs() < 1e-12, "{mean} {expected}");
        }
    }

    /// Where every density underflows, its logarithm does not.
    #[test]
    fn targets_far_away_have_a_finite_likelihood() {
        let mut likelihood = LogLikelihood::new(&array![1e4_f32], 2.0).unwrap();
        for output in [0.0, 1.0, 0.5] {
            likelihood.add([output].into_iter()).unwrap();
        }
        let expected = -0.5 * 2.0 * 9999_f64.powi(2) - 3_f64.ln() + 0.5 * (2.0 / std::f64::consts::TAU).ln();
        assert!((likelihood.mean().unwrap() - expected).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_likely_is_explained() {
        for tau in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = LogLikelihood::new(&array![1.0_f32], tau).unwrap_err().to_string();
            assert!(message.starts_with("expected a precision tau above 0"), "{message}");
        }
        let mut likelihood = LogLikelihood::new(&array![1.0_f32, 2.0], 1.0).unwrap();
        let none = likelihood.mean().unwrap_err().to_string();
        assert_eq!(none, "expected at least one network's outputs, got none");
        let message = likelihood.add([1.0].into_iter()).unwrap_err().to_string();
        assert_eq!(message, "expected a target for each of 1 outputs, got 2");
    }
}
