//! Optimizers: how gradients change variables.

mod adagrad;
mod adam;
mod adamw;
mod nadam;
mod rmsprop;
mod sgd;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{Inert, Known, Tagged, not_negative, parse, read_known};
use crate::error::{Error, Result};
use crate::schedules::LearningRate;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use nadam::Nadam;
pub use rmsprop::RMSprop;
pub use sgd::SGD;

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

    /// Checks the arguments that are its own.
    ///
    /// # Errors
    /// What was expected and what came.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerBase {
    /// The learning rate, or its schedule.
    pub learning_rate: LearningRate,
    /// Weight decay, decoupled from the gradient: each step first takes this share, times the learning rate, of every
    /// value away. Default: none.
    pub weight_decay: Option<f64>,
    /// Clips each variable's gradient to this Euclidean norm; 0, as in Keras, is none. Default: none. At most one of the three
    /// may be given.
    pub clipnorm: Option<f64>,
    /// Clips each element of the gradient to ± this; 0 is none. Default: none.
    pub clipvalue: Option<f64>,
    /// Clips all gradients together to this Euclidean norm; 0 is none. Default: none.
    pub global_clipnorm: Option<f64>,
}

impl Default for OptimizerBase {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl OptimizerBase {
    fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Self {
            learning_rate: learning_rate.into(),
            weight_decay: None,
            clipnorm: None,
            clipvalue: None,
            global_clipnorm: None,
        }
    }

    /// What a step leaves of a value before it changes it: 1 − learning rate × weight decay.
    fn keep(&self, step: &Step) -> f32 {
        (1.0 - step.learning_rate * self.weight_decay.unwrap_or(0.0)) as f32
    }

    fn check(&self) -> Result<(), String> {
        self.learning_rate.check()?;
        let clips = [
            ("clipnorm", self.clipnorm),
            ("clipvalue", self.clipvalue),
            ("global_clipnorm", self.global_clipnorm),
        ];
        let given: Vec<&str> =
            clips.iter().filter(|(_, clip)| clip.is_some()).map(|(name, _)| *name).collect();
        if given.len() > 1 {
            return Err(format!(
                "at most one of clipnorm, clipvalue and global_clipnorm may be given, got {}",
                given.join(" and ")
            ));
        }
        for (name, value) in clips.into_iter().chain([("weight_decay", self.weight_decay)]) {
            value.map_or(Ok(()), |value| not_negative(name, value))?;
        }
        Ok(())
    }
}

/// Whether a number lies in [0, 1).
fn is_share(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}

/// An argument that must lie in [0, 1).
fn check_share(name: &str, value: f64) -> Result<(), String> {
    match is_share(value) {
        true => Ok(()),
        false => Err(format!("{name} must be in [0, 1), got {value}")),
    }
}

/// The builder methods of what every optimizer has, for a struct with a field `base: OptimizerBase`.
macro_rules! base_methods {
    () => {
        /// The learning rate: a number or a schedule.
        #[must_use]
        pub fn learning_rate(mut self, learning_rate: impl Into<$crate::schedules::LearningRate>) -> Self {
            self.base.learning_rate = learning_rate.into();
            self
        }

        /// Weight decay, decoupled from the gradient. Default: none (AdamW: 0.004).
        #[must_use]
        pub fn weight_decay(mut self, weight_decay: f64) -> Self {
            self.base.weight_decay = Some(weight_decay);
            self
        }

        /// Clips each variable's gradient to this Euclidean norm; 0, as in Keras, is none. Default: none.
        #[must_use]
        pub fn clipnorm(mut self, norm: f64) -> Self {
            self.base.clipnorm = Some(norm);
            self
        }

        /// Clips each element of the gradient to ± this; 0 is none. Default: none.
        #[must_use]
        pub fn clipvalue(mut self, value: f64) -> Self {
            self.base.clipvalue = Some(value);
            self
        }

        /// Clips all gradients together to this Euclidean norm; 0 is none. Default: none.
        #[must_use]
        pub fn global_clipnorm(mut self, norm: f64) -> Self {
            self.base.global_clipnorm = Some(norm);
            self
        }
    };
}
use base_methods;

/// The methods of [`Optimizer`] that are the same for every struct with a field `base: OptimizerBase`.
macro_rules! optimizer_methods {
    ($class:literal) => {
        fn class_name(&self) -> &'static str {
            $class
        }

        fn config(&self) -> serde_json::Map<String, serde_json::Value> {
            $crate::config::to_map(self)
        }

        fn base(&self) -> &$crate::optimizers::OptimizerBase {
            &self.base
        }

        fn base_mut(&mut self) -> &mut $crate::optimizers::OptimizerBase {
            &mut self.base
        }

        fn clone_box(&self) -> Box<dyn $crate::optimizers::Optimizer> {
            Box::new(self.clone())
        }
    };
}
use optimizer_methods;

/// What `compile` takes as its optimizer: one by value (`Adam::new(0.01)`), by Keras's name (`"adam"`), or as it stands
/// in a configuration (`{ class = "SGD", momentum = 0.9 }`, Keras's JSON).
pub trait IntoOptimizer {
    /// The optimizer.
    ///
    /// # Errors
    /// An unknown name or argument, with the nearest known one; an argument out of range.
    fn into_optimizer(self) -> Result<Box<dyn Optimizer>>;
}

fn checked(mut optimizer: Box<dyn Optimizer>) -> Result<Box<dyn Optimizer>> {
    let check = optimizer.base().check().and_then(|()| optimizer.check());
    check.map_err(|message| Error::config(optimizer.class_name(), message))?;
    let OptimizerBase { clipnorm, clipvalue, global_clipnorm, .. } = optimizer.base_mut();
    for clip in [clipnorm, clipvalue, global_clipnorm] {
        *clip = clip.filter(|clip| *clip > 0.0);
    }
    Ok(optimizer)
}

impl<O: Optimizer + 'static> IntoOptimizer for O {
    fn into_optimizer(self) -> Result<Box<dyn Optimizer>> {
        checked(Box::new(self))
    }
}

impl IntoOptimizer for Box<dyn Optimizer> {
    fn into_optimizer(self) -> Result<Box<dyn Optimizer>> {
        checked(self)
    }
}

impl IntoOptimizer for &str {
    fn into_optimizer(self) -> Result<Box<dyn Optimizer>> {
        Value::from(self).into_optimizer()
    }
}

impl IntoOptimizer for Value {
    fn into_optimizer(self) -> Result<Box<dyn Optimizer>> {
        checked(read_known("optimizer", &all_known(), &INERT, &Tagged::split("optimizer", &self)?)?)
    }
}

fn known<O>(class: &'static str, aliases: &'static [&'static str]) -> Known<dyn Optimizer>
where
    O: Optimizer + Default + Serialize + serde::de::DeserializeOwned + 'static,
{
    Known { class, aliases, read: |class, config| Ok(Box::new(parse::<O>(class, config)?)) }
}

fn all_known() -> [Known<dyn Optimizer>; 6] {
    [
        known::<SGD>("SGD", &["sgd"]),
        known::<Adam>("Adam", &["adam"]),
        known::<AdamW>("AdamW", &["adamw"]),
        known::<RMSprop>("RMSprop", &["rmsprop"]),
        known::<Adagrad>("Adagrad", &["adagrad"]),
        known::<Nadam>("Nadam", &["nadam"]),
    ]
}

/// What Keras also writes.
const INERT: [Inert; 7] = [
    Inert { key: "name", accepted: &[] },
    Inert { key: "use_ema", accepted: &["false"] },
    Inert { key: "ema_momentum", accepted: &[] },
    Inert { key: "ema_overwrite_frequency", accepted: &[] },
    Inert { key: "gradient_accumulation_steps", accepted: &["null"] },
    Inert { key: "loss_scale_factor", accepted: &["null"] },
    Inert { key: "jit_compile", accepted: &[] },
];

impl Clone for Box<dyn Optimizer> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

#[cfg(test)]
mod tests;
