//! Optimizers: how gradients change variables.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::schedules::LearningRate;

/// An optimizer. Its arithmetic is element-wise, so that one fused pass over the arena does it in any number of pieces.
pub trait Optimizer: Debug + Send + Sync {
    /// Keras's class name.
    fn class_name(&self) -> &'static str;

    /// The arguments under Keras's names.
    fn config(&self) -> Map<String, Value>;

    /// What every optimizer has.
    fn base(&self) -> &OptimizerBase;

    /// What every optimizer has.
    fn base_mut(&mut self) -> &mut OptimizerBase;

    /// The names of the values that it keeps for each variable, at most three: `momentum`, `velocity` …
    fn slots(&self) -> &'static [&'static str];

    /// The value that a slot starts with.
    fn initial(&self, _slot: usize) -> f32 {
        0.0
    }

    /// One number that is carried from step to step (Nadam's product of momenta), before the first step 1.
    fn carry(&self, _step: u64, previous: f64) -> f64 {
        previous
    }

    /// Changes `values` and `slots` by `gradient`, for any piece of the arena. All slices have the same length; unused
    /// slots are empty.
    fn update(&self, step: &Step, values: &mut [f32], gradient: &[f32], slots: [&mut [f32]; 3]);

    /// A copy behind a box.
    fn clone_box(&self) -> Box<dyn Optimizer>;
}

/// What an update depends on besides the numbers.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The step's number, from 1.
    pub iteration: u64,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// [`Optimizer::carry`] of this step.
    pub carry: f64,
}

/// What every optimizer has, as in Keras.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerBase {
    /// The learning rate, or its schedule.
    pub learning_rate: LearningRate,
    /// Clips each variable's gradient to this Euclidean norm. Default: none. At most one of the three may be given.
    pub clipnorm: Option<f64>,
    /// Clips each element of the gradient to ± this. Default: none.
    pub clipvalue: Option<f64>,
    /// Clips all gradients together to this Euclidean norm. Default: none.
    pub global_clipnorm: Option<f64>,
}
