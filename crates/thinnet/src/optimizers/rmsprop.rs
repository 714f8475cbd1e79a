//! `RMSprop`.

use serde::{Deserialize, Serialize};
use thinnet_kernels::optimizers as kernels;

use super::{Optimizer, OptimizerBase, Step, base_methods, check_share, optimizer_methods};
use crate::config::not_negative;
use crate::schedules::LearningRate;

/// RMSprop (Tieleman & Hinton 2012).
///
/// v ← ρ·v + (1 − ρ)·g², w ← w − lr·g/√(v + ε); with momentum the step is gathered first, and centered it is divided by
/// the root of the gradient's variance.
///
/// ```
/// use thinnet::optimizers::RMSprop;
/// let optimizer = RMSprop::new(0.001).rho(0.95).momentum(0.9);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RMSprop {
    #[serde(flatten)]
    base: OptimizerBase,
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl Default for RMSprop {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl RMSprop {
    /// With this learning rate, or schedule; the default is 0.001.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Self {
            base: OptimizerBase::new(learning_rate),
            rho: 0.9,
            momentum: 0.0,
            epsilon: 1e-7,
            centered: false,
        }
    }

    base_methods!();

    fn is_plain(&self) -> bool {
        self.momentum == 0.0 && !self.centered
    }

    /// The decay ρ of the mean square, in [0, 1). Default: 0.9.
    #[must_use]
    pub fn rho(mut self, rho: f64) -> Self {
        self.rho = rho;
        self
    }

    /// The momentum, in [0, 1). Default: 0.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// What is added under the root. Default: 1e-7.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether the mean gradient is taken out of the square. Default: false.
    #[must_use]
    pub fn centered(mut self, centered: bool) -> Self {
        self.centered = centered;
        self
    }
}

impl Optimizer for RMSprop {
    optimizer_methods!("RMSprop");

    fn check(&self) -> Result<(), String> {
        check_share("rho", self.rho)?;
        check_share("momentum", self.momentum)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.is_plain() { &["velocity"] } else { &["velocity", "average_gradient", "momentum"] }
    }

    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], [a, b, c]: [&mut [f32]; 3]) {
        let constants = kernels::RmsProp {
            rate: step.learning_rate as f32,
            rho: self.rho as f32,
            epsilon: self.epsilon as f32,
            keep: self.base.keep(step),
        };
        if self.is_plain() {
            kernels::rmsprop(values, gradient, a, &constants);
        } else {
            kernels::rmsprop_general(
                values,
                gradient,
                a,
                b,
                c,
                self.centered,
                self.momentum as f32,
                &constants,
            );
        }
    }
}
