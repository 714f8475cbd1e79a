//! What thinned networks say together of an experiment's data.

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::model::Sequential;
use crate::uncertainty::LogLikelihood;

/// `[monte_carlo]`: when training is over, the test data and the validation data are predicted with thinned networks as well.
/// The test results then have the loss and the metrics of the networks' mean as `mc_loss` …; for a regression `mc_rmse`, and
/// with `tau` `mc_log_likelihood` ([`LogLikelihood`]), in the targets' own units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MonteCarloConfig {
    /// Thinned networks for the test data. Default: 100.
    pub samples: usize,
    /// Thinned networks for the validation data. Default: as many.
    pub validation_samples: Option<usize>,
    /// The precision of the targets around the true function: 1 / the variance of the noise. Default: none.
    pub tau: Option<f64>,
}

impl Default for MonteCarloConfig {
    fn default() -> Self {
        Self { samples: 100, validation_samples: None, tau: None }
    }
}

impl MonteCarloConfig {
    pub(super) fn check(&self) -> Result<()> {
        for (key, samples) in
            [("samples", Some(self.samples)), ("validation_samples", self.validation_samples)]
        {
            if samples == Some(0) {
                let message = "expected at least one thinned network, got 0";
                return Err(Error::config(format!("monte_carlo.{key}"), message));
            }
        }
        match self.tau {
            Some(tau) if !(tau > 0.0 && tau.is_finite()) => {
                Err(Error::config("monte_carlo.tau", format!("expected a precision above 0, got {tau}")))
            }
            _ => Ok(()),
        }
    }

    /// What [`measure`](Self::measure) calls what it measures.
    ///
    /// # Errors
    /// A precision of targets for a model of classes.
    pub(super) fn names(&self, model: &Sequential) -> Result<Vec<String>> {
        let mut names: Vec<String> = model.log_names()?.map(|name| format!("mc_{name}")).collect();
        match (model.gives_probabilities(), self.tau) {
            (true, Some(_)) => {
                return Err(Error::config("monte_carlo.tau", "is for a regression, got a model of classes"));
            }
            (true, None) => {}
            (false, tau) => {
                names.push("mc_rmse".into());
                names.extend(tau.map(|_| "mc_log_likelihood".into()));
            }
        }
        Ok(names)
    }

    /// What `samples` thinned networks say of the data.
    pub(super) fn measure(&self, model: &mut Sequential, data: &Data, samples: usize) -> Result<Logs> {
        let mut likelihood = self.tau.map(|tau| LogLikelihood::new(&data.y, tau)).transpose()?;
        let prediction = model.predict_mc_each(&data.x, samples, |outputs| match &mut likelihood {
            Some(likelihood) => likelihood.add(outputs.iter().copied()),
            None => Ok(()),
        })?;
        let logs = model.evaluate_predictive(&prediction, &data.y)?;
        let mut logs: Logs = logs.into_iter().map(|(name, value)| (format!("mc_{name}"), value)).collect();
        if prediction.is_classification() {
            return Ok(logs);
        }
        logs.insert("mc_rmse".into(), prediction.root_mean_squared_error(&data.y)?);
        if let Some(likelihood) = likelihood {
            logs.insert("mc_log_likelihood".into(), likelihood.mean()?);
        }
        Ok(logs)
    }
}
