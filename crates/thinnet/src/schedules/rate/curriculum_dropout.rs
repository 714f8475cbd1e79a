//! `CurriculumDropout`.

use serde::{Deserialize, Serialize};

use super::{Course, check_steps};

/// rate·(1 − e^(−γ·step)) with γ = 10 / steps: from no dropout to the whole rate, fast at first.
///
/// Morerio, Cavazza, Volpi, Vidal & Murino 2017, "Curriculum dropout": the share that is kept is
/// θ(t) = (1 − θ)·e^(−γt) + θ, with γ = 10 / T for T steps of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurriculumDropout {
    /// The rate in the limit, 1 − θ. Default: 0.5.
    pub rate: f64,
    /// How many steps the training has, T. Must be given.
    pub steps: u64,
}

impl Default for CurriculumDropout {
    fn default() -> Self {
        Self::new(0.5, 0)
    }
}

impl CurriculumDropout {
    /// From 0 to `rate` over a training of `steps`.
    pub fn new(rate: f64, steps: u64) -> Self {
        Self { rate, steps }
    }
}

impl Course for CurriculumDropout {
    fn at(&self, step: u64) -> f64 {
        self.rate * -(-10.0 * step as f64 / self.steps as f64).exp_m1()
    }

    fn extremes(&self) -> Vec<(&'static str, f64)> {
        vec![("rate", self.rate)]
    }

    fn check(&self) -> Result<(), String> {
        check_steps("steps", self.steps)
    }
}
