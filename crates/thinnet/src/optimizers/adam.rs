//! `Adam`.

use serde::{Deserialize, Serialize};
use thinnet_kernels::optimizers as kernels;

use super::{Optimizer, OptimizerBase, Step, base_methods, check_share, optimizer_methods};
use crate::config::not_negative;
use crate::schedules::LearningRate;

/// Adam (Kingma & Ba 2015).
///
/// m ← m + (g − m)(1 − β₁), v ← v + (g² − v)(1 − β₂), w ← w − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε)
///
/// ```
/// use thinnet::optimizers::Adam;
/// let optimizer = Adam::new(0.002).beta_1(0.8);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    #[serde(flatten)]
    base: OptimizerBase,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl Adam {
    /// With this learning rate, or schedule; the default is 0.001.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Self {
            base: OptimizerBase::new(learning_rate),
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
            amsgrad: false,
        }
    }

    base_methods!();

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

    /// Whether the largest v so far stands under the root (Reddi et al. 2018). Default: false.
    #[must_use]
    pub fn amsgrad(mut self, amsgrad: bool) -> Self {
        self.amsgrad = amsgrad;
        self
    }
}

impl Optimizer for Adam {
    optimizer_methods!("Adam");

    fn check(&self) -> Result<(), String> {
        check_share("beta_1", self.beta_1)?;
        check_share("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.amsgrad { &["momentum", "velocity", "velocity_hat"] } else { &["momentum", "velocity"] }
    }

    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], [a, b, c]: [&mut [f32]; 3]) {
        let constants = constants(&self.base, step, [self.beta_1, self.beta_2, self.epsilon]);
        if self.amsgrad {
            kernels::amsgrad(values, gradient, a, b, c, &constants);
        } else {
            kernels::adam(values, gradient, a, b, &constants);
        }
    }
}

/// What a step depends on, given (β₁, β₂, ε).
pub(super) fn constants(
    base: &OptimizerBase,
    step: &Step,
    [beta_1, beta_2, epsilon]: [f64; 3],
) -> kernels::Adam {
    let t = step.iteration as f64;
    kernels::Adam {
        step: (step.learning_rate * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t))) as f32,
        one_minus_beta_1: (1.0 - beta_1) as f32,
        one_minus_beta_2: (1.0 - beta_2) as f32,
        epsilon: epsilon as f32,
        keep: base.keep(step),
    }
}
