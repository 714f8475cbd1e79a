//! `LearningRateScheduler`.

use std::fmt;

use serde_json::{Map, Value};

use super::{Callback, Training};
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::schedules::LearningRate;

/// Sets the learning rate at the start of each epoch, as Keras's callback: the function is given the epoch (from 0)
/// and the learning rate so far. Adds `learning_rate` to the history.
///
/// In a configuration, where there are no functions, `schedule` is a learning-rate schedule whose step is the epoch:
/// `{ class = "LearningRateScheduler", schedule = { class = "ExponentialDecay", … } }`.
///
/// ```
/// use thinnet::callbacks::LearningRateScheduler;
/// let halve_every_ten = LearningRateScheduler::new(|epoch, lr| if epoch > 0 && epoch % 10 == 0 { lr / 2.0 } else { lr });
/// ```
pub struct LearningRateScheduler {
    schedule: Box<dyn Fn(usize, f64) -> f64 + Send>,
}

impl LearningRateScheduler {
    /// A scheduler by a function of the epoch and the learning rate so far.
    pub fn new(schedule: impl Fn(usize, f64) -> f64 + Send + 'static) -> Self {
        Self { schedule: Box::new(schedule) }
    }

    pub(super) fn from_config(config: &Map<String, Value>) -> Result<Self> {
        let place = "LearningRateScheduler";
        if let Some(key) = config.keys().find(|key| *key != "schedule") {
            return Err(Error::config(place, format!("unknown argument `{key}`: known is schedule")));
        }
        let Some(schedule) = config.get("schedule") else {
            return Err(Error::config(
                place,
                "expected a `schedule`, such as { class = \"ExponentialDecay\", … }",
            ));
        };
        let schedule: LearningRate = serde_json::from_value(schedule.clone())
            .map_err(|error| Error::config(format!("{place}.schedule"), error.to_string()))?;
        Ok(Self::new(move |epoch, _| schedule.at(epoch as u64)))
    }
}

impl fmt::Debug for LearningRateScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LearningRateScheduler")
    }
}

impl Callback for LearningRateScheduler {
    fn on_epoch_begin(&mut self, training: &mut Training, epoch: usize) -> Result<()> {
        let learning_rate = (self.schedule)(epoch, training.model.learning_rate()?);
        if !(learning_rate.is_finite() && learning_rate >= 0.0) {
            let message =
                format!("LearningRateScheduler: expected a learning rate of at least 0, got {learning_rate}");
            return Err(Error::Training(message));
        }
        training.model.set_learning_rate(learning_rate)
    }

    fn on_epoch_end(&mut self, training: &mut Training, _: usize, logs: &mut Logs) -> Result<()> {
        logs.insert("learning_rate".into(), training.model.learning_rate()?);
        Ok(())
    }
}
