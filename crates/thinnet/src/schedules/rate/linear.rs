//! `Linear`.

use serde::{Deserialize, Serialize};

use super::{Course, between, check_steps, done};

/// initial + (end − initial)·min(step / steps, 1). From 0 to the rate over all of training, this is DropBlock's schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Linear {
    /// The rate of step 0. Default: 0.
    pub initial_rate: f64,
    /// The rate from step `steps` on. Default: 0.
    pub end_rate: f64,
    /// How many steps lie between the two. Must be given.
    pub steps: u64,
}

impl Linear {
    /// From `initial_rate` to `end_rate` in `steps`.
    pub fn new(initial_rate: f64, end_rate: f64, steps: u64) -> Self {
        Self { initial_rate, end_rate, steps }
    }
}

impl Course for Linear {
    fn at(&self, step: u64) -> f64 {
        between(self.initial_rate, self.end_rate, done(step, self.steps))
    }

    fn extremes(&self) -> Vec<(&'static str, f64)> {
        vec![("initial_rate", self.initial_rate), ("end_rate", self.end_rate)]
    }

    fn check(&self) -> Result<(), String> {
        check_steps("steps", self.steps)
    }
}
