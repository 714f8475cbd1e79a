//! Schedules: numbers that change with the optimizer's steps.

mod rate;
mod scheduled;

use std::f64::consts::PI;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::config::{named_enum, not_negative};

pub(crate) use scheduled::scheduled;

pub use rate::{Cosine, CurriculumDropout, EarlyDropout, LateDropout, Linear, Rate, RateSchedule, Step};

/// A learning rate: a number, or a [`Schedule`].
///
/// ```
/// use thinnet::schedules::{ExponentialDecay, LearningRate};
/// let halving = LearningRate::from(ExponentialDecay::new(0.1, 100.0, 0.5));
/// assert_eq!(halving.at(200), 0.025);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum LearningRate {
    /// The same in every step.
    Constant(f64),
    /// A function of the step.
    Schedule(Schedule),
}

named_enum! {
    /// A function of the optimizer's step, by Keras's class names.
    Schedule("learning-rate schedule", "keras.optimizers.schedules") {
        ExponentialDecay = "exponential_decay",
        PiecewiseConstantDecay = "piecewise_constant_decay",
        PolynomialDecay = "polynomial_decay",
        InverseTimeDecay = "inverse_time_decay",
        CosineDecay = "cosine_decay",
        CosineDecayRestarts = "cosine_decay_restarts",
    }
}

/// initial · rate^(step / decay_steps)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExponentialDecay {
    /// The value at step 0. Default: 0.001.
    pub initial_learning_rate: f64,
    /// After how many steps the value is multiplied by `decay_rate` once. Default: 1000.
    pub decay_steps: f64,
    /// Default: 0.96.
    pub decay_rate: f64,
    /// Whether the value changes only every `decay_steps`. Default: false.
    pub staircase: bool,
    /// Keras's name of the schedule. Not used.
    pub name: Option<String>,
}

impl Default for ExponentialDecay {
    fn default() -> Self {
        Self::new(0.001, 1000.0, 0.96)
    }
}

impl ExponentialDecay {
    /// From `initial_learning_rate`, times `decay_rate` every `decay_steps`.
    pub fn new(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) -> Self {
        Self { initial_learning_rate, decay_steps, decay_rate, staircase: false, name: None }
    }

    /// Whether the value changes only every `decay_steps`. Default: false.
    #[must_use]
    pub fn staircase(mut self, staircase: bool) -> Self {
        self.staircase = staircase;
        self
    }
}

/// `values[i]` up to and including step `boundaries[i]`, and the last value after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PiecewiseConstantDecay {
    /// The last step of each value but the last.
    pub boundaries: Vec<f64>,
    /// One value more than boundaries.
    pub values: Vec<f64>,
    /// Keras's name of the schedule. Not used.
    pub name: Option<String>,
}

impl Default for PiecewiseConstantDecay {
    fn default() -> Self {
        Self::new([], [0.001])
    }
}

impl PiecewiseConstantDecay {
    /// With these boundaries and one value more.
    pub fn new(boundaries: impl Into<Vec<f64>>, values: impl Into<Vec<f64>>) -> Self {
        Self { boundaries: boundaries.into(), values: values.into(), name: None }
    }
}

/// (initial − end)·(1 − step / decay_steps)^power + end
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolynomialDecay {
    /// The value at step 0. Default: 0.001.
    pub initial_learning_rate: f64,
    /// The step from which the value is `end_learning_rate`. Default: 1000.
    pub decay_steps: f64,
    /// Default: 0.0001.
    pub end_learning_rate: f64,
    /// Default: 1 (linear).
    pub power: f64,
    /// Whether the decay begins anew, stretched, each time that it has ended. Default: false.
    pub cycle: bool,
    /// Keras's name of the schedule. Not used.
    pub name: Option<String>,
}

impl Default for PolynomialDecay {
    fn default() -> Self {
        Self::new(0.001, 1000.0)
    }
}

impl PolynomialDecay {
    /// From `initial_learning_rate` to 0.0001 in `decay_steps`, linearly.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        let (end_learning_rate, power, cycle, name) = (0.0001, 1.0, false, None);
        Self { initial_learning_rate, decay_steps, end_learning_rate, power, cycle, name }
    }

    /// The last value. Default: 0.0001.
    #[must_use]
    pub fn end_learning_rate(mut self, end: f64) -> Self {
        self.end_learning_rate = end;
        self
    }

    /// The exponent. Default: 1.
    #[must_use]
    pub fn power(mut self, power: f64) -> Self {
        self.power = power;
        self
    }

    /// Whether the decay begins anew, stretched, each time that it has ended. Default: false.
    #[must_use]
    pub fn cycle(mut self, cycle: bool) -> Self {
        self.cycle = cycle;
        self
    }
}

/// initial / (1 + rate · step / decay_steps)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InverseTimeDecay {
    /// The value at step 0. Default: 0.001.
    pub initial_learning_rate: f64,
    /// Default: 1000.
    pub decay_steps: f64,
    /// Default: 1.
    pub decay_rate: f64,
    /// Whether the value changes only every `decay_steps`. Default: false.
    pub staircase: bool,
    /// Keras's name of the schedule. Not used.
    pub name: Option<String>,
}

impl Default for InverseTimeDecay {
    fn default() -> Self {
        Self::new(0.001, 1000.0, 1.0)
    }
}

impl InverseTimeDecay {
    /// With these arguments.
    pub fn new(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) -> Self {
        Self { initial_learning_rate, decay_steps, decay_rate, staircase: false, name: None }
    }

    /// Whether the value changes only every `decay_steps`. Default: false.
    #[must_use]
    pub fn staircase(mut self, staircase: bool) -> Self {
        self.staircase = staircase;
        self
    }
}

/// Half a cosine from the initial value (or, after a linear warm-up, from `warmup_target`) to `alpha` times it
/// (Loshchilov & Hutter 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CosineDecay {
    /// The value at step 0. Default: 0.001.
    pub initial_learning_rate: f64,
    /// Steps of the decay, after the warm-up. Default: 1000.
    pub decay_steps: f64,
    /// The last value, as a share of the first (or of `warmup_target`). Default: 0.
    pub alpha: f64,
    /// What the warm-up rises to. Default: no warm-up.
    pub warmup_target: Option<f64>,
    /// Steps of the warm-up. Default: 0.
    pub warmup_steps: f64,
    /// Keras's name of the schedule. Not used.
    pub name: Option<String>,
}

impl Default for CosineDecay {
    fn default() -> Self {
        Self::new(0.001, 1000.0)
    }
}

impl CosineDecay {
    /// From `initial_learning_rate` to 0 in `decay_steps`.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        let (alpha, warmup_target, warmup_steps, name) = (0.0, None, 0.0, None);
        Self { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps, name }
    }

    /// The last value, as a share of the first. Default: 0.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Rises linearly to `target` in `steps` first. Default: no warm-up.
    #[must_use]
    pub fn warmup(mut self, target: f64, steps: f64) -> Self {
        self.warmup_target = Some(target);
        self.warmup_steps = steps;
        self
    }
}

/// Half a cosine again and again, each `t_mul` times as long and `m_mul` times as high as the one before (Loshchilov &
/// Hutter 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CosineDecayRestarts {
    /// The value at step 0. Default: 0.001.
    pub initial_learning_rate: f64,
    /// Steps of the first decay. Default: 1000.
    pub first_decay_steps: f64,
    /// Default: 2.
    pub t_mul: f64,
    /// Default: 1.
    pub m_mul: f64,
    /// The last value of a decay, as a share of `initial_learning_rate`. Default: 0.
    pub alpha: f64,
    /// Keras's name of the schedule. Not used.
    pub name: Option<String>,
}

impl Default for CosineDecayRestarts {
    fn default() -> Self {
        Self::new(0.001, 1000.0)
    }
}

impl CosineDecayRestarts {
    /// From `initial_learning_rate` to 0, first in `first_decay_steps`.
    pub fn new(initial_learning_rate: f64, first_decay_steps: f64) -> Self {
        let (t_mul, m_mul, alpha, name) = (2.0, 1.0, 0.0, None);
        Self { initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha, name }
    }

    /// How much longer each decay is than the one before. Default: 2.
    #[must_use]
    pub fn t_mul(mut self, t_mul: f64) -> Self {
        self.t_mul = t_mul;
        self
    }

    /// How much higher each decay starts than the one before. Default: 1.
    #[must_use]
    pub fn m_mul(mut self, m_mul: f64) -> Self {
        self.m_mul = m_mul;
        self
    }

    /// The last value of a decay, as a share of `initial_learning_rate`. Default: 0.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }
}

/// Half a cosine from 1 to `alpha`.
fn cosine(done: f64, alpha: f64) -> f64 {
    (1.0 - alpha) * 0.5 * (1.0 + (PI * done).cos()) + alpha
}

impl Schedule {
    /// The value of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        let step = step as f64;
        let stairs = |staircase: bool, x: f64| if staircase { x.floor() } else { x };
        match self {
            Self::ExponentialDecay(d) => {
                d.initial_learning_rate * d.decay_rate.powf(stairs(d.staircase, step / d.decay_steps))
            }
            Self::PiecewiseConstantDecay(d) => {
                let piece = d.boundaries.iter().position(|&boundary| step <= boundary);
                d.values[piece.unwrap_or(d.boundaries.len())]
            }
            Self::PolynomialDecay(d) => {
                let (step, decay_steps) = if d.cycle {
                    (step, d.decay_steps * (step / d.decay_steps).ceil().max(1.0))
                } else {
                    (step.min(d.decay_steps), d.decay_steps)
                };
                // Rounded, a quotient may pass 1 where a cycle ends, and a root would be NaN.
                let left = (1.0 - step / decay_steps).max(0.0).powf(d.power);
                (d.initial_learning_rate - d.end_learning_rate) * left + d.end_learning_rate
            }
            Self::InverseTimeDecay(d) => {
                d.initial_learning_rate / (1.0 + d.decay_rate * stairs(d.staircase, step / d.decay_steps))
            }
            Self::CosineDecay(d) => match d.warmup_target {
                Some(target) if step < d.warmup_steps => {
                    d.initial_learning_rate + (target - d.initial_learning_rate) * step / d.warmup_steps
                }
                target => {
                    let warmup = if target.is_some() { d.warmup_steps } else { 0.0 };
                    let done = ((step - warmup) / d.decay_steps).min(1.0);
                    target.unwrap_or(d.initial_learning_rate) * cosine(done, d.alpha)
                }
            },
            Self::CosineDecayRestarts(d) => {
                let done = step / d.first_decay_steps;
                let (restart, done) = if d.t_mul == 1.0 {
                    (done.floor(), done.fract())
                } else {
                    let restart = (1.0 - done * (1.0 - d.t_mul)).ln() / d.t_mul.ln();
                    // At the step of a restart, rounded logarithms may give a little less than a whole number.
                    let restart = (restart + 1e-12).floor();
                    let sum = (1.0 - d.t_mul.powf(restart)) / (1.0 - d.t_mul);
                    (restart, (done - sum) / d.t_mul.powf(restart))
                };
                let cosine = 0.5 * d.m_mul.powf(restart) * (1.0 + (PI * done).cos());
                d.initial_learning_rate * ((1.0 - d.alpha) * cosine + d.alpha)
            }
        }
    }

    /// Checks the arguments.
    ///
    /// # Errors
    /// What was expected and what came.
    pub fn check(&self) -> Result<(), String> {
        let positive = |name: &str, value: f64| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(format!("{name} must be positive, got {value}")),
        };
        // Below zero, each of these gives rates that are negative, climb without end or are NaN.
        let all_not_negative =
            |values: &[(&str, f64)]| values.iter().try_for_each(|(name, value)| not_negative(name, *value));
        match self {
            Self::PiecewiseConstantDecay(d) => {
                if d.values.len() != d.boundaries.len() + 1 {
                    let (values, boundaries) = (d.values.len(), d.boundaries.len());
                    return Err(format!(
                        "values must be one more than boundaries, got {values} values and {boundaries} boundaries"
                    ));
                }
                if !d.boundaries.is_sorted() {
                    return Err(format!("boundaries must be in ascending order, got {:?}", d.boundaries));
                }
                d.values.iter().try_for_each(|&value| all_not_negative(&[("values", value)]))
            }
            Self::ExponentialDecay(d) => {
                positive("decay_steps", d.decay_steps)?;
                all_not_negative(&[
                    ("initial_learning_rate", d.initial_learning_rate),
                    ("decay_rate", d.decay_rate),
                ])
            }
            Self::PolynomialDecay(d) => {
                positive("decay_steps", d.decay_steps)?;
                all_not_negative(&[
                    ("initial_learning_rate", d.initial_learning_rate),
                    ("end_learning_rate", d.end_learning_rate),
                    ("power", d.power),
                ])
            }
            Self::InverseTimeDecay(d) => {
                positive("decay_steps", d.decay_steps)?;
                all_not_negative(&[
                    ("initial_learning_rate", d.initial_learning_rate),
                    ("decay_rate", d.decay_rate),
                ])
            }
            Self::CosineDecay(d) => {
                positive("decay_steps", d.decay_steps)?;
                all_not_negative(&[
                    ("initial_learning_rate", d.initial_learning_rate),
                    ("alpha", d.alpha),
                    ("warmup_target", d.warmup_target.unwrap_or(0.0)),
                    ("warmup_steps", d.warmup_steps),
                ])
            }
            Self::CosineDecayRestarts(d) => {
                positive("first_decay_steps", d.first_decay_steps)?;
                // Shorter and shorter decays would end at a step for which no next one is defined.
                if !(d.t_mul.is_finite() && d.t_mul >= 1.0) {
                    return Err(format!("t_mul must be 1 or more, got {}", d.t_mul));
                }
                // Above 1, decays that start higher (`m_mul`) would end below zero.
                if !(0.0..=1.0).contains(&d.alpha) {
                    return Err(format!("alpha must be in [0, 1], got {}", d.alpha));
                }
                all_not_negative(&[("initial_learning_rate", d.initial_learning_rate), ("m_mul", d.m_mul)])
            }
        }
    }
}

impl LearningRate {
    /// The learning rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Schedule(schedule) => schedule.at(step),
        }
    }

    /// Checks the number or the schedule's arguments.
    ///
    /// # Errors
    /// What was expected and what came.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Constant(value) => not_negative("learning_rate", *value),
            Self::Schedule(schedule) => {
                schedule.check().map_err(|message| format!("learning_rate: {message}"))
            }
        }
    }
}

impl From<f64> for LearningRate {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

impl<S: Into<Schedule>> From<S> for LearningRate {
    fn from(schedule: S) -> Self {
        Self::Schedule(schedule.into())
    }
}

impl Serialize for LearningRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => value.serialize(serializer),
            Self::Schedule(schedule) => schedule.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for LearningRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_f64() {
            Some(number) => Ok(Self::Constant(number)),
            None => Schedule::from_value(&value).map(Self::Schedule).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests;
