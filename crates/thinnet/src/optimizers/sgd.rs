//! `SGD`.

use serde::{Deserialize, Serialize};
use thinnet_kernels::optimizers as kernels;

use super::{Optimizer, OptimizerBase, Step, base_methods, is_share, optimizer_methods};
use crate::schedules::{LearningRate, Rate};

/// Stochastic gradient descent, with momentum where it is given.
///
/// w ← w − lr·g; with momentum μ: v ← μ·v − lr·g, w ← w + v; with Nesterov's: w ← w + μ·v − lr·g.
///
/// ```
/// use thinnet::optimizers::SGD;
/// use thinnet::schedules::Linear;
/// let optimizer = SGD::new(0.1).momentum(0.9).nesterov(true);
/// // As Srivastava et al. (2014) train with dropout: from 0.5 to 0.9, here over 500 epochs of 600 steps.
/// let rising = SGD::new(0.1).momentum(Linear::new(0.5, 0.9, 500 * 600));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SGD {
    #[serde(flatten)]
    base: OptimizerBase,
    momentum: Rate,
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
        Self { base: OptimizerBase::new(learning_rate), momentum: Rate::default(), nesterov: false }
    }

    base_methods!();

    /// The momentum μ, in [0, 1): a number, or a schedule of the optimizer's steps. Default: 0.
    #[must_use]
    pub fn momentum(mut self, momentum: impl Into<Rate>) -> Self {
        self.momentum = momentum.into();
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
        self.momentum.check_named("momentum", is_share, "in [0, 1)")
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum.highest() == 0.0 { &[] } else { &["momentum"] }
    }

    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], [a, ..]: [&mut [f32]; 3]) {
        let (rate, keep) = (step.learning_rate as f32, self.base.keep(step));
        if self.slots().is_empty() {
            kernels::sgd(values, gradient, rate, keep);
        } else {
            // Schedules count steps from 0.
            let momentum = self.momentum.at(step.iteration - 1) as f32;
            kernels::momentum(values, gradient, a, rate, momentum, self.nesterov, keep);
        }
    }
}
