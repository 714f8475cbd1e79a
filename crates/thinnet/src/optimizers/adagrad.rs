//! `Adagrad`.

use serde::{Deserialize, Serialize};
use thinnet_kernels::optimizers as kernels;

use super::{Optimizer, OptimizerBase, Step, base_methods, optimizer_methods};
use crate::config::not_negative;
use crate::schedules::LearningRate;

/// Adagrad (Duchi, Hazan & Singer 2011): s ← s + g², w ← w − lr·g/√(s + ε).
///
/// ```
/// use thinnet::optimizers::Adagrad;
/// let optimizer = Adagrad::new(0.01);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adagrad {
    #[serde(flatten)]
    base: OptimizerBase,
    initial_accumulator_value: f64,
    epsilon: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl Adagrad {
    /// With this learning rate, or schedule; the default is 0.001.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Self { base: OptimizerBase::new(learning_rate), initial_accumulator_value: 0.1, epsilon: 1e-7 }
    }

    base_methods!();

    /// What the sum of squares starts with. Default: 0.1.
    #[must_use]
    pub fn initial_accumulator_value(mut self, initial_accumulator_value: f64) -> Self {
        self.initial_accumulator_value = initial_accumulator_value;
        self
    }

    /// What is added under the root. Default: 1e-7.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }
}

impl Optimizer for Adagrad {
    optimizer_methods!("Adagrad");

    fn check(&self) -> Result<(), String> {
        not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> &'static [&'static str] {
        &["accumulator"]
    }

    fn initial(&self, _: usize) -> f32 {
        self.initial_accumulator_value as f32
    }

    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], [a, ..]: [&mut [f32]; 3]) {
        let (rate, epsilon, keep) = (step.learning_rate as f32, self.epsilon as f32, self.base.keep(step));
        kernels::adagrad(values, gradient, a, rate, epsilon, keep);
    }
}
