//! `EarlyStopping`.

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::monitor::watched;
use super::{Callback, CallbackState, Mode, Training};
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::metrics::Direction;

/// Stops training when a value has not got better for `patience` epochs, as Keras's callback. Of a value that comes from
/// validation, epochs without validation are not counted.
///
/// With `restore_best_weights` the model ends with the weights of its best epoch, whether training was stopped or ran
/// to its end.
///
/// ```
/// use thinnet::callbacks::EarlyStopping;
/// let stopping = EarlyStopping::new("val_loss").patience(3).restore_best_weights(true);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyStopping {
    monitor: String,
    min_delta: f64,
    patience: usize,
    mode: Mode,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    #[serde(skip)]
    best: Option<f64>,
    #[serde(skip)]
    best_epoch: usize,
    #[serde(skip)]
    wait: usize,
    #[serde(skip)]
    stopped_epoch: Option<usize>,
    #[serde(skip)]
    best_weights: Option<Vec<ArrayD<f32>>>,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self::new("val_loss")
    }
}

impl EarlyStopping {
    /// Watches a value of the logs: `val_loss`, `accuracy` …
    pub fn new(monitor: impl Into<String>) -> Self {
        Self {
            monitor: monitor.into(),
            min_delta: 0.0,
            patience: 0,
            mode: Mode::Auto,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            best: None,
            best_epoch: 0,
            wait: 0,
            stopped_epoch: None,
            best_weights: None,
        }
    }

    /// The least change that counts as better. Default: 0.
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// How many epochs without getting better are allowed. Default: 0.
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

    /// A value that must be beaten too, for the patience to begin anew. Default: none.
    #[must_use]
    pub fn baseline(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Whether the model gets the weights of its best epoch back at the end. Default: false.
    #[must_use]
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// The first epoch that is watched. Default: 0.
    #[must_use]
    pub fn start_from_epoch(mut self, epoch: usize) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    fn direction(&self, training: &Training) -> Result<Direction> {
        self.mode.direction("EarlyStopping", training, &self.monitor)
    }

    /// The epoch (from 0) after which training was stopped, if it was.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.stopped_epoch
    }

    /// The best epoch so far, from 0.
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }
}

impl Callback for EarlyStopping {
    fn on_train_begin(&mut self, training: &mut Training) -> Result<()> {
        self.direction(training)?;
        self.best = None;
        self.best_epoch = 0;
        self.wait = 0;
        self.stopped_epoch = None;
        self.best_weights = None;
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training, epoch: usize, logs: &mut Logs) -> Result<()> {
        let Some(current) = watched(training, logs, &self.monitor)? else { return Ok(()) };
        if epoch < self.start_from_epoch {
            return Ok(());
        }
        if self.restore_best_weights && self.best_weights.is_none() {
            self.best_weights = Some(training.model.get_weights()?);
            self.best_epoch = epoch;
        }
        self.wait += 1;
        let direction = self.direction(training)?;
        let improves = |best| direction.improves(current, best, self.min_delta);
        if improves(self.best) {
            let beats_baseline = self.baseline.is_none() || improves(self.baseline);
            self.best = Some(current);
            self.best_epoch = epoch;
            if self.restore_best_weights {
                self.best_weights = Some(training.model.get_weights()?);
            }
            if beats_baseline {
                self.wait = 0;
            }
        } else if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = Some(epoch);
            training.stop();
        }
        Ok(())
    }

    fn on_train_end(&mut self, training: &mut Training) -> Result<()> {
        match &self.best_weights {
            // An interrupted run goes on later, with its latest weights.
            Some(weights) if !training.interrupted() => training.model.set_weights(weights),
            _ => Ok(()),
        }
    }

    fn state(&self) -> CallbackState {
        let values = json!({
            "best": self.best.map(f64::to_bits),
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "stopped_epoch": self.stopped_epoch,
        });
        CallbackState { values, weights: self.best_weights.clone() }
    }

    fn restore(&mut self, state: CallbackState) -> Result<()> {
        let number = |key: &str| state.values[key].as_u64();
        let missing = || Error::Training("the backup is not of a run with this EarlyStopping".into());
        self.best = number("best").map(f64::from_bits);
        self.best_epoch = number("best_epoch").ok_or_else(missing)? as usize;
        self.wait = number("wait").ok_or_else(missing)? as usize;
        self.stopped_epoch = number("stopped_epoch").map(|epoch| epoch as usize);
        self.best_weights = state.weights;
        Ok(())
    }
}
