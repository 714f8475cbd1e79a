//! `SGD`.

use serde::{Deserialize, Serialize};
use thinnet_kernels::optimizers as kernels;

use super::{Optimizer, OptimizerBase, Step, base_methods, check_share, optimizer_methods};
use crate::schedules::LearningRate;

/// Stochastic gradient descent, with momentum where it is given.
///
/// w ← w − lr·g; with momentum μ: v ← μ·v − lr·g, w ← w + v; with Nesterov's: w ← w + μ·v − lr·g.
///
/// ```
/// use thinnet::optimizers::SGD;
/// let optimizer = SGD::new(0.1).momentum(0.9).nesterov(true);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SGD {
    #[serde(flatten)]
    base: OptimizerBase,
    momentum: f64,
    nesterov: bool,
}

impl Default for SGD {
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl SGD {
    /// With this learning rate, or schedule; the default is 0.01.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Self { base: OptimizerBase::new(learning_rate), momentum: 0.0, nesterov: false }
    }

    base_methods!();

    /// The momentum μ, in [0, 1). Default: 0.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether the gradient is taken ahead (Nesterov 1983). Default: false.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }
}

impl Optimizer for SGD {
    optimizer_methods!("SGD");

    fn check(&self) -> Result<(), String> {
        check_share("momentum", self.momentum)
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum"] }
    }

    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], [a, ..]: [&mut [f32]; 3]) {
        let (rate, keep) = (step.learning_rate as f32, self.base.keep(step));
        if self.momentum == 0.0 {
            kernels::sgd(values, gradient, rate, keep);
        } else {
            kernels::momentum(values, gradient, a, rate, self.momentum as f32, self.nesterov, keep);
        }
    }
}
