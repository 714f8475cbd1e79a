//! Dropout rates, and SGD's momentum, that change with the optimizer's steps.

mod cosine;
mod curriculum_dropout;
mod early_dropout;
mod late_dropout;
mod linear;
mod step;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::config::named_enum;

pub use cosine::Cosine;
pub use curriculum_dropout::CurriculumDropout;
pub use early_dropout::EarlyDropout;
pub use late_dropout::LateDropout;
pub use linear::Linear;
pub use step::Step;

/// A dropout rate: a number in \[0, 1\], or a [`RateSchedule`]. [`SGD`](crate::optimizers::SGD)'s momentum is one, too.
///
/// A rate is a pure function of the optimizer's step, so that a resumed run goes on with the same masks. Schedules are
/// given in steps: an epoch has ⌈training samples / batch size⌉ of them (375 for the 48,000 digits that are left of MNIST by
/// `validation_split = 0.2`, in batches of 128). Steps are counted from the model's first, over all calls of `fit`.
/// Monte-Carlo prediction comes after all training: its rate is the schedule's last.
///
/// As a configuration: `rate = 0.5`, or `rate = { class = "Linear", initial_rate = 0.0, end_rate = 0.5, steps = 3750 }`.
///
/// ```
/// use thinnet::layers::Dropout;
/// use thinnet::schedules::{EarlyDropout, Rate};
/// let early = Rate::from(EarlyDropout::new(0.1, 100));
/// assert_eq!([early.at(0), early.at(50), early.at(100)], [0.1, 0.05, 0.0]);
/// let layer = Dropout::new(EarlyDropout::new(0.1, 100));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Rate {
    /// The same in every step.
    Constant(f64),
    /// A function of the step.
    Schedule(RateSchedule),
}

named_enum! {
    /// A dropout rate, or a momentum, as a function of the optimizer's step.
    RateSchedule("rate schedule", "thinnet.schedules") {
        Linear = "linear",
        Cosine = "cosine",
        Step = "step",
        EarlyDropout = "early_dropout",
        LateDropout = "late_dropout",
        CurriculumDropout = "curriculum_dropout",
    }
}

/// What a schedule has to say. Its arguments were checked before it is asked for a rate.
trait Course {
    /// The rate of a step, counted from 0.
    fn at(&self, step: u64) -> f64;

    /// The rates between which all others lie, by the arguments' names.
    fn extremes(&self) -> Vec<(&'static str, f64)>;

    /// Checks the arguments but for the rates.
    fn check(&self) -> Result<(), String>;
}

/// How much of so many steps lies behind a step, at most 1.
fn done(step: u64, steps: u64) -> f64 {
    (step as f64 / steps as f64).min(1.0)
}

/// The rate of a share of the way from one to another: both ends exactly, whatever is rounded between.
fn between(from: f64, to: f64, share: f64) -> f64 {
    from * (1.0 - share) + to * share
}

fn check_steps(name: &str, steps: u64) -> Result<(), String> {
    match steps {
        0 => Err(format!(
            "{name} must be positive: a number of the optimizer's steps, of which an epoch has as many as batches"
        )),
        _ => Ok(()),
    }
}

impl RateSchedule {
    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        self.course().at(step)
    }

    fn course(&self) -> &dyn Course {
        match self {
            Self::Linear(schedule) => schedule,
            Self::Cosine(schedule) => schedule,
            Self::Step(schedule) => schedule,
            Self::EarlyDropout(schedule) => schedule,
            Self::LateDropout(schedule) => schedule,
            Self::CurriculumDropout(schedule) => schedule,
        }
    }
}

impl Rate {
    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Schedule(schedule) => schedule.at(step),
        }
    }

    /// The highest rate of all steps.
    pub fn highest(&self) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Schedule(schedule) => {
                schedule.course().extremes().into_iter().map(|(_, rate)| rate).fold(0.0, f64::max)
            }
        }
    }

    /// Checks that the rate stays in \[0, 1\].
    ///
    /// # Errors
    /// What was expected and what came.
    pub fn check(&self) -> Result<(), String> {
        self.check_named(
            "rate",
            |rate| (0.0..=1.0).contains(&rate),
            "in [0, 1] (the fraction that is dropped)",
        )
    }

    /// Checks a rate that goes by another name, or has other limits.
    pub(crate) fn check_named(
        &self,
        name: &str,
        allowed: impl Fn(f64) -> bool,
        expected: &str,
    ) -> Result<(), String> {
        match self {
            Self::Constant(rate) if allowed(*rate) => Ok(()),
            Self::Constant(rate) => Err(format!("{name} must be {expected}, got {rate}")),
            Self::Schedule(schedule) => {
                match schedule.course().extremes().into_iter().find(|(_, rate)| !allowed(*rate)) {
                    Some((argument, rate)) => {
                        Err(format!("{name}: {argument} must be {expected}, got {rate}"))
                    }
                    None => schedule.course().check().map_err(|message| format!("{name}: {message}")),
                }
            }
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

impl From<f64> for Rate {
    fn from(rate: f64) -> Self {
        Self::Constant(rate)
    }
}

impl<S: Into<RateSchedule>> From<S> for Rate {
    fn from(schedule: S) -> Self {
        Self::Schedule(schedule.into())
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(rate) => rate.serialize(serializer),
            Self::Schedule(schedule) => schedule.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match &value {
            Value::Number(number) => Ok(Self::Constant(number.as_f64().unwrap_or(f64::NAN))),
            Value::Object(_) => {
                RateSchedule::from_value(&value).map(Self::Schedule).map_err(serde::de::Error::custom)
            }
            other => Err(serde::de::Error::custom(format!(
                "expected a number in [0, 1] or a table with `class`, a schedule, got {other}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
