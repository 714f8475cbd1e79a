//! `Nadam`.

use serde::{Deserialize, Serialize};
use thinnet_kernels::optimizers as kernels;

use super::{Optimizer, OptimizerBase, Step, base_methods, check_share, optimizer_methods};
use crate::config::not_negative;
use crate::schedules::LearningRate;

/// Adam with Nesterov's momentum (Dozat 2016).
///
/// ```
/// use thinnet::optimizers::Nadam;
/// let optimizer = Nadam::new(0.002);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nadam {
    #[serde(flatten)]
    base: OptimizerBase,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Default for Nadam {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl Nadam {
    /// With this learning rate, or schedule; the default is 0.001.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Self { base: OptimizerBase::new(learning_rate), beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }

    base_methods!();

    /// The momentum uₜ of a step: it rises slowly to β₁.
    fn momentum(&self, step: u64) -> f64 {
        self.beta_1 * (1.0 - 0.5 * 0.96_f64.powf(step as f64))
    }

    /// The decay β₁ of the mean, in [0, 1). Default: 0.9.
    #[must_use]
    pub fn beta_1(mut self, beta_1: f64) -> Self {
        self.beta_1 = beta_1;
        self
    }

    /// The decay β₂ of the mean square, in [0, 1). Default: 0.999.
    #[must_use]
    pub fn beta_2(mut self, beta_2: f64) -> Self {
        self.beta_2 = beta_2;
        self
    }

    /// What is added to the root. Default: 1e-7.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }
}

impl Optimizer for Nadam {
    optimizer_methods!("Nadam");

    fn check(&self) -> Result<(), String> {
        check_share("beta_1", self.beta_1)?;
        check_share("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum", "velocity"]
    }

    fn carry(&self, step: u64, previous: f64) -> f64 {
        previous * self.momentum(step)
    }

    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], [a, b, _]: [&mut [f32]; 3]) {
        let t = step.iteration;
        let (now, next) = (self.momentum(t), self.momentum(t + 1));
        let constants = kernels::Nadam {
            of_momentum: (step.learning_rate * next / (1.0 - step.carry * next)) as f32,
            of_gradient: (step.learning_rate * (1.0 - now) / (1.0 - step.carry)) as f32,
            correction: (1.0 / (1.0 - self.beta_2.powf(t as f64))) as f32,
            one_minus_beta_1: (1.0 - self.beta_1) as f32,
            one_minus_beta_2: (1.0 - self.beta_2) as f32,
            epsilon: self.epsilon as f32,
            keep: self.base.keep(step),
        };
        kernels::nadam(values, gradient, a, b, &constants);
    }
}
