//! `ReduceLROnPlateau`.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::monitor::watched;
use super::{Callback, CallbackState, Mode, Training};
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::metrics::Direction;

/// Multiplies the learning rate by `factor` when a value has not got better for `patience` epochs, as Keras's
/// callback. Adds `learning_rate` to the history. Of a value that comes from validation, epochs without validation are not
/// counted.
///
/// ```
/// use thinnet::callbacks::ReduceLROnPlateau;
/// let reduce = ReduceLROnPlateau::new("val_loss").factor(0.5).patience(2).min_lr(1e-5);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ReduceLROnPlateau {
    monitor: String,
    factor: f64,
    patience: usize,
    mode: Mode,
    min_delta: f64,
    cooldown: usize,
    min_lr: f64,
    #[serde(skip)]
    best: Option<f64>,
    #[serde(skip)]
    wait: usize,
    #[serde(skip)]
    cooling: usize,
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        Self::new("val_loss")
    }
}

impl ReduceLROnPlateau {
    /// Watches a value of the logs: `val_loss`, `accuracy` …
    pub fn new(monitor: impl Into<String>) -> Self {
        Self {
            monitor: monitor.into(),
            factor: 0.1,
            patience: 10,
            mode: Mode::Auto,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            best: None,
            wait: 0,
            cooling: 0,
        }
    }

    /// What the learning rate is multiplied by; below 1. Default: 0.1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// How many epochs without getting better are allowed. Default: 10.
    #[must_use]
    pub fn patience(mut self, patience: usize) -> Self {
        self.patience = patience;
        self
    }

    /// Which way is better. Default: as the metric goes, down for the loss.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The least change that counts as better. Default: 1e-4.
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Epochs to wait after a reduction before watching again. Default: 0.
    #[must_use]
    pub fn cooldown(mut self, cooldown: usize) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// The least learning rate. Default: 0.
    #[must_use]
    pub fn min_lr(mut self, min_lr: f64) -> Self {
        self.min_lr = min_lr;
        self
    }

    fn direction(&self, training: &Training) -> Result<Direction> {
        self.mode.direction("ReduceLROnPlateau", training, &self.monitor)
    }
}

impl Callback for ReduceLROnPlateau {
    fn on_train_begin(&mut self, training: &mut Training) -> Result<()> {
        if !(self.factor > 0.0 && self.factor < 1.0) {
            let message = format!("factor must be between 0 and 1, got {}", self.factor);
            return Err(Error::config("ReduceLROnPlateau", message));
        }
        self.direction(training)?;
        self.best = None;
        self.wait = 0;
        self.cooling = 0;
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training, _: usize, logs: &mut Logs) -> Result<()> {
        let learning_rate = training.model.learning_rate()?;
        logs.insert("learning_rate".into(), learning_rate);
        let Some(current) = watched(training, logs, &self.monitor)? else { return Ok(()) };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if self.direction(training)?.improves(current, self.best, self.min_delta) {
            self.best = Some(current);
            self.wait = 0;
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience && learning_rate > self.min_lr {
                training.model.set_learning_rate((learning_rate * self.factor).max(self.min_lr))?;
                self.cooling = self.cooldown;
                self.wait = 0;
            }
        }
        Ok(())
    }

    fn state(&self) -> CallbackState {
        let values = json!({"best": self.best.map(f64::to_bits), "wait": self.wait, "cooling": self.cooling});
        CallbackState { values, weights: None }
    }

    fn restore(&mut self, state: CallbackState) -> Result<()> {
        let number = |key: &str| state.values[key].as_u64();
        let missing = || Error::Training("the backup is not of a run with this ReduceLROnPlateau".into());
        self.best = number("best").map(f64::from_bits);
        self.wait = number("wait").ok_or_else(missing)? as usize;
        self.cooling = number("cooling").ok_or_else(missing)? as usize;
        Ok(())
    }
}
