//! What the loss gains.

use std::f64::consts::LN_2;
use std::ops::Range;

use super::rates;
use crate::engine::Variables;
use crate::layers::Penalty;
use crate::regularizers::{L2, Regularizer};

/// The prior of the weights and the entropy of the masks, as terms of the loss.
#[derive(Debug)]
pub(super) struct Prior {
    /// The places of the variables.
    pub(super) kernel: usize,
    pub(super) logit: usize,
    /// w
    pub(super) of_weights: f64,
    /// d·K
    pub(super) of_rate: f64,
    /// d, and the number of samples that it was divided by, where it was.
    pub(super) weight: f64,
    pub(super) samples: Option<usize>,
}

impl Penalty for Prior {
    fn value(&self, variables: Variables, variable: usize, range: Range<usize>) -> f64 {
        let logit = variables.get(self.logit)[0];
        let [p, q] = rates(logit);
        if variable == self.kernel {
            self.of_weights / q * squares(&variables.get(variable)[range])
        } else if variable == self.logit {
            // p ln p and q ln q go to zero with p and q.
            let term = |share: f64| if share > 0.0 { share * share.ln() } else { 0.0 };
            self.of_rate * (term(p) + term(q))
        } else {
            0.0
        }
    }

    fn add_gradient(&self, variables: Variables, variable: usize, start: usize, gradient: &mut [f32]) {
        let logit = variables.get(self.logit)[0];
        let [p, q] = rates(logit);
        if variable == self.kernel {
            let weight = (2.0 * self.of_weights / q) as f32;
            let values = &variables.get(variable)[start..];
            gradient.iter_mut().zip(values).for_each(|(gradient, value)| *gradient += weight * value);
        } else if variable == self.logit {
            let of_weights = self.of_weights * squares(variables.get(self.kernel)) * p / q;
            gradient[0] += (of_weights + self.of_rate * f64::from(logit) * p * q) as f32;
        }
    }

    fn check_labels(&self, classes: usize, samples: usize) -> Result<(), String> {
        let (reward, of_labels) = (self.of_rate * LN_2, (classes as f64).ln());
        if reward <= of_labels || classes < 2 {
            return Ok(());
        }
        let enough = |samples: usize| (samples as f64 * reward / of_labels).ceil();
        let advice = match self.samples {
            Some(told) if told == samples => {
                format!("Train on at least {} samples, or give a smaller dropout_regularizer", enough(told))
            }
            Some(told) => {
                format!(
                    "Its `samples` must be at least {}, got {told}; {samples} are trained on",
                    enough(told)
                )
            }
            None => {
                let most = rounded_down(self.weight * of_labels / reward);
                format!("Its dropout_regularizer must be at most {most}, got {}", self.weight)
            }
        };
        Err(format!(
            "integer labels cannot tell what its rate should be: the entropy of its masks lowers the loss by up to {reward:.2}, \
             more than the ln {classes} = {of_labels:.2} that {classes} labels tell. {advice}"
        ))
    }

    fn report(&self, variables: Variables) -> Option<(&'static str, f64)> {
        Some(("rate", rates(variables.get(self.logit)[0])[0]))
    }
}

/// A positive number, to three digits.
fn rounded_down(value: f64) -> f64 {
    let scale = 10f64.powi(2 - value.log10().floor() as i32);
    (value * scale).floor() / scale
}

/// Σw²
fn squares(values: &[f32]) -> f64 {
    Regularizer::from(L2::new(1.0)).penalty(values)
}
