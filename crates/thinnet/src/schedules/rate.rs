//! Dropout rates, and SGD's momentum, that change with the optimizer's steps.

use std::f64::consts::PI;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::config::named_enum;

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

/// initial + (end − initial)·min(step / steps, 1). From 0 to the rate over all of training, this is DropBlock's schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Linear {
    /// The rate of step 0. Default: 0.
    pub initial_rate: f64,
    /// The rate from step `steps` on. Default: 0.
    pub end_rate: f64,
    /// How many steps lie between the two. Must be given.
    pub steps: u64,
}

impl Linear {
    /// From `initial_rate` to `end_rate` in `steps`.
    pub fn new(initial_rate: f64, end_rate: f64, steps: u64) -> Self {
        Self { initial_rate, end_rate, steps }
    }
}

/// end + (initial − end)·½(1 + cos(π·min(step / steps, 1))): half a cosine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cosine {
    /// The rate of step 0. Default: 0.
    pub initial_rate: f64,
    /// The rate from step `steps` on. Default: 0.
    pub end_rate: f64,
    /// How many steps lie between the two. Must be given.
    pub steps: u64,
}

impl Cosine {
    /// From `initial_rate` to `end_rate` in `steps`.
    pub fn new(initial_rate: f64, end_rate: f64, steps: u64) -> Self {
        Self { initial_rate, end_rate, steps }
    }
}

/// `rates[i]` before step `boundaries[i]`, and the last rate from the last boundary on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// The first step of each rate but the first.
    pub boundaries: Vec<u64>,
    /// One rate more than boundaries.
    pub rates: Vec<f64>,
}

impl Step {
    /// With these boundaries and one rate more.
    pub fn new(boundaries: impl Into<Vec<u64>>, rates: impl Into<Vec<f64>>) -> Self {
        Self { boundaries: boundaries.into(), rates: rates.into() }
    }
}

/// rate·max(1 − step / steps, 0): dropout for the first part of training only, against *under*fitting.
///
/// Liu, Xu, Jin, Shen & Darrell 2023, "Dropout reduces underfitting": a rate of 0.1 falls linearly to 0 within a sixth of
/// training (50 of 300 epochs).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyDropout {
    /// The rate of step 0. Default: 0.1.
    pub rate: f64,
    /// The first step without dropout: a sixth of all in the paper. Must be given.
    pub steps: u64,
}

impl Default for EarlyDropout {
    fn default() -> Self {
        Self::new(0.1, 0)
    }
}

impl EarlyDropout {
    /// From `rate` to 0 in `steps`.
    pub fn new(rate: f64, steps: u64) -> Self {
        Self { rate, steps }
    }
}

/// 0 before step `start`, then `rate`: dropout for the last part of training only, against overfitting.
///
/// Liu, Xu, Jin, Shen & Darrell 2023, "Dropout reduces underfitting".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LateDropout {
    /// The rate from `start` on. Default: 0.1.
    pub rate: f64,
    /// The first step with dropout. Must be given.
    pub start: u64,
}

impl Default for LateDropout {
    fn default() -> Self {
        Self::new(0.1, 0)
    }
}

impl LateDropout {
    /// `rate` from step `start` on.
    pub fn new(rate: f64, start: u64) -> Self {
        Self { rate, start }
    }
}

/// rate·(1 − e^(−γ·step)) with γ = 10 / steps: from no dropout to the whole rate, fast at first.
///
/// Morerio, Cavazza, Volpi, Vidal & Murino 2017, "Curriculum dropout": the share that is kept is
/// θ(t) = (1 − θ)·e^(−γt) + θ, with γ = 10 / T for T steps of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurriculumDropout {
    /// The rate in the limit, 1 − θ. Default: 0.5.
    pub rate: f64,
    /// How many steps the training has, T. Must be given.
    pub steps: u64,
}

impl Default for CurriculumDropout {
    fn default() -> Self {
        Self::new(0.5, 0)
    }
}

impl CurriculumDropout {
    /// From 0 to `rate` over a training of `steps`.
    pub fn new(rate: f64, steps: u64) -> Self {
        Self { rate, steps }
    }
}

impl RateSchedule {
    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        let done = |steps: u64| (step as f64 / steps as f64).min(1.0);
        // Both ends exactly, whatever is rounded between.
        let between = |from: f64, to: f64, share: f64| from * (1.0 - share) + to * share;
        match self {
            Self::Linear(s) => between(s.initial_rate, s.end_rate, done(s.steps)),
            Self::Cosine(s) => between(s.initial_rate, s.end_rate, 0.5 * (1.0 - (PI * done(s.steps)).cos())),
            Self::Step(s) => s.rates[s.boundaries.partition_point(|&boundary| boundary <= step)],
            Self::EarlyDropout(s) => between(s.rate, 0.0, done(s.steps)),
            Self::LateDropout(s) => {
                if step < s.start {
                    0.0
                } else {
                    s.rate
                }
            }
            Self::CurriculumDropout(s) => s.rate * -(-10.0 * step as f64 / s.steps as f64).exp_m1(),
        }
    }

    /// The rates between which all others lie, by the arguments' names.
    fn extremes(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Linear(Linear { initial_rate, end_rate, .. })
            | Self::Cosine(Cosine { initial_rate, end_rate, .. }) => {
                vec![("initial_rate", *initial_rate), ("end_rate", *end_rate)]
            }
            Self::Step(s) => s.rates.iter().map(|&rate| ("rates", rate)).collect(),
            Self::EarlyDropout(EarlyDropout { rate, .. })
            | Self::LateDropout(LateDropout { rate, .. })
            | Self::CurriculumDropout(CurriculumDropout { rate, .. }) => vec![("rate", *rate)],
        }
    }

    /// Checks that the schedule has what it needs.
    fn check(&self) -> Result<(), String> {
        let steps = match self {
            Self::Linear(s) => ("steps", s.steps),
            Self::Cosine(s) => ("steps", s.steps),
            Self::EarlyDropout(s) => ("steps", s.steps),
            Self::CurriculumDropout(s) => ("steps", s.steps),
            Self::LateDropout(s) => ("start", s.start),
            Self::Step(s) => {
                if s.rates.len() != s.boundaries.len() + 1 {
                    let (rates, boundaries) = (s.rates.len(), s.boundaries.len());
                    return Err(format!(
                        "rates must be one more than boundaries, got {rates} rates and {boundaries} boundaries"
                    ));
                }
                if !s.boundaries.is_sorted() {
                    return Err(format!("boundaries must be in ascending order, got {:?}", s.boundaries));
                }
                return Ok(());
            }
        };
        match steps {
            (name, 0) => Err(format!(
                "{name} must be positive: a number of the optimizer's steps, of which an epoch has as many as batches"
            )),
            _ => Ok(()),
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
                schedule.extremes().into_iter().map(|(_, rate)| rate).fold(0.0, f64::max)
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
                match schedule.extremes().into_iter().find(|(_, rate)| !allowed(*rate)) {
                    Some((argument, rate)) => {
                        Err(format!("{name}: {argument} must be {expected}, got {rate}"))
                    }
                    None => schedule.check().map_err(|message| format!("{name}: {message}")),
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
mod tests {
    use serde_json::json;

    use super::*;

    /// Worked out from the papers' formulas.
    #[test]
    fn rates_are_those_of_the_definitions() {
        let table: [(Rate, [f64; 5]); 7] = [
            (0.3.into(), [0.3; 5]),
            (Linear::new(0.1, 0.5, 100).into(), [0.1, 0.104, 0.3, 0.5, 0.5]),
            (Cosine::new(0.8, 0.2, 100).into(), [0.8, 0.799_851_968, 0.5, 0.2, 0.2]),
            (Step::new([1, 50], [0.0, 0.2, 0.4]).into(), [0.0, 0.2, 0.4, 0.4, 0.4]),
            (EarlyDropout::new(0.1, 100).into(), [0.1, 0.099, 0.05, 0.0, 0.0]),
            (LateDropout::new(0.1, 50).into(), [0.0, 0.0, 0.1, 0.1, 0.1]),
            (
                CurriculumDropout::new(0.5, 100).into(),
                [0.0, 0.047_581_29, 0.496_631_03, 0.499_977_3, 0.499_999_999],
            ),
        ];
        for (rate, expected) in table {
            for (step, expected) in [0, 1, 50, 100, 200].into_iter().zip(expected) {
                let came = rate.at(step);
                assert!((came - expected).abs() < 1e-8, "{rate:?} at {step}: {came}, expected {expected}");
            }
        }
    }

    #[test]
    fn every_schedule_stays_between_its_extremes_for_ever() {
        for rate in [
            Rate::from(Linear::new(0.1, 1.0, 7)),
            Cosine::new(0.3, 0.0, 7).into(),
            Step::new([3], [1.0, 0.0]).into(),
            EarlyDropout::new(1.0, 7).into(),
            LateDropout::new(1.0, 7).into(),
            CurriculumDropout::new(1.0, 7).into(),
        ] {
            assert!(rate.check().is_ok());
            let steps = (0..100).chain([u64::MAX / 2, u64::MAX]);
            steps.for_each(|step| {
                assert!((0.0..=rate.highest()).contains(&rate.at(step)), "{rate:?} at {step}")
            });
        }
    }

    #[test]
    fn numbers_and_tables_are_read_and_written() {
        let read = |value: Value| serde_json::from_value::<Rate>(value).map_err(|error| error.to_string());
        assert_eq!(read(json!(0.5)).unwrap(), 0.5.into());
        assert_eq!(read(json!(1)).unwrap(), 1.0.into());
        let table = json!({"class": "EarlyDropout", "steps": 60});
        assert_eq!(read(table).unwrap(), EarlyDropout::new(0.1, 60).into());
        for rate in [Rate::from(0.25), Step::new([5], [0.0, 0.5]).into(), Cosine::new(0.0, 0.5, 9).into()] {
            assert_eq!(read(serde_json::to_value(&rate).unwrap()).unwrap(), rate);
        }
        for (value, message) in [
            (json!({"class": "Linaer"}), "unknown rate schedule `Linaer`: did you mean `Linear`?"),
            (json!({"class": "Linear", "step": 3}), "Linear: unknown argument `step`: did you mean `steps`?"),
            (json!("high"), "expected a number in [0, 1] or a table with `class`, a schedule, got \"high\""),
        ] {
            assert_eq!(read(value).unwrap_err(), message);
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        for (rate, message) in [
            (
                Rate::from(Linear::new(0.1, 1.5, 10)),
                "rate: end_rate must be in [0, 1] (the fraction that is dropped), got 1.5",
            ),
            (
                Step::new([5], [0.1, -0.1]).into(),
                "rate: rates must be in [0, 1] (the fraction that is dropped), got -0.1",
            ),
            (
                EarlyDropout::new(0.1, 0).into(),
                "rate: steps must be positive: a number of the optimizer's steps, of which an epoch has as many as \
                 batches",
            ),
            (
                Step::new([], []).into(),
                "rate: rates must be one more than boundaries, got 0 rates and 0 boundaries",
            ),
            (
                Step::new([5, 3], [0.1, 0.2, 0.3]).into(),
                "rate: boundaries must be in ascending order, got [5, 3]",
            ),
        ] {
            assert_eq!(rate.check().unwrap_err(), message);
        }
    }
}
