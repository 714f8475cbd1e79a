//! `EarlyDropout`.

use serde::{Deserialize, Serialize};

use super::{Course, between, check_steps, done};

/// rate·max(1 − step / steps, 0): dropout for the first part of training only, against *under*fitting.
///
/// Liu, Xu, Jin, Shen & Darrell 2023, "Dropout reduces underfitting": a rate of 0.1 falls linearly to 0 within a sixth of
/// training (50 of 300 epochs).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyDropout {
    /// The rate of step 0. Default: 0.1.
    pub rate: f64,
    /// The first step without dropout: a sixth of all in the paper. Must be given.
    pub steps: u64,
}

impl Default for EarlyDropout {
    fn default() -> Self {
        Self::new(0.1, 0)
    }
}

impl EarlyDropout {
    /// From `rate` to 0 in `steps`.
    pub fn new(rate: f64, steps: u64) -> Self {
        Self { rate, steps }
    }
}

impl Course for EarlyDropout {
    fn at(&self, step: u64) -> f64 {
        between(self.rate, 0.0, done(step, self.steps))
    }

    fn extremes(&self) -> Vec<(&'static str, f64)> {
        vec![("rate", self.rate)]
    }

    fn check(&self) -> Result<(), String> {
        check_steps("steps", self.steps)
    }
}
