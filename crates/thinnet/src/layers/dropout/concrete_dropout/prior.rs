//! What the loss gains.

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

    fn least(&self) -> f64 {
        -self.of_rate * std::f64::consts::LN_2
    }

    fn report(&self, variables: Variables) -> Option<(&'static str, f64)> {
        Some(("rate", rates(variables.get(self.logit)[0])[0]))
    }
}

/// Σw²
fn squares(values: &[f32]) -> f64 {
    Regularizer::from(L2::new(1.0)).penalty(values)
}
