//! `LateDropout`.

use serde::{Deserialize, Serialize};

use super::{Course, check_steps};

/// 0 before step `start`, then `rate`: dropout for the last part of training only, against overfitting.
///
/// Liu, Xu, Jin, Shen & Darrell 2023, "Dropout reduces underfitting".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LateDropout {
    /// The rate from `start` on. Default: 0.1.
    pub rate: f64,
    /// The first step with dropout. Must be given.
    pub start: u64,
}

impl Default for LateDropout {
    fn default() -> Self {
        Self::new(0.1, 0)
    }
}

impl LateDropout {
    /// `rate` from step `start` on.
    pub fn new(rate: f64, start: u64) -> Self {
        Self { rate, start }
    }
}

impl Course for LateDropout {
    fn at(&self, step: u64) -> f64 {
        if step < self.start { 0.0 } else { self.rate }
    }

    fn extremes(&self) -> Vec<(&'static str, f64)> {
        vec![("rate", self.rate)]
    }

    fn check(&self) -> Result<(), String> {
        check_steps("start", self.start)
    }
}
