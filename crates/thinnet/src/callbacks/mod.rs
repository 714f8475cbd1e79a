//! Callbacks: what happens between the steps and epochs of training.

mod backup_and_restore;
mod csv_logger;
mod early_stopping;
mod learning_rate_scheduler;
mod model_checkpoint;
mod monitor;
mod pace;
mod progress_bar;
mod reduce_lr_on_plateau;
mod seldom;
mod terminate_on_nan;
mod watch;

use std::fmt::Debug;

use ndarray::ArrayD;
use serde_json::Value;

use crate::config::{Tagged, parse};
use crate::engine::Totals;
use crate::error::{Error, Result};
use crate::history::{History, Logs};
use crate::model::Sequential;

pub use backup_and_restore::BackupAndRestore;
pub use csv_logger::CSVLogger;
pub use early_stopping::EarlyStopping;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::ModelCheckpoint;
pub use monitor::Mode;
pub(crate) use pace::words;
pub use progress_bar::ProgressBar;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
pub use terminate_on_nan::TerminateOnNaN;
pub(crate) use watch::{Board, Screen};
pub use watch::{Watch, Watched, restore_terminal};

/// Something that is called while a model is trained. All methods do nothing by default.
///
/// ```
/// use thinnet::callbacks::{Callback, Training};
/// use thinnet::{Logs, Result};
///
/// #[derive(Debug)]
/// struct StopAt(f64);
///
/// impl Callback for StopAt {
///     fn on_epoch_end(&mut self, training: &mut Training, _epoch: usize, logs: &mut Logs) -> Result<()> {
///         if logs["loss"] < self.0 {
///             training.stop();
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Callback: Debug {
    /// Before the first epoch. May change where training starts: see [`Training`].
    fn on_train_begin(&mut self, _training: &mut Training) -> Result<()> {
        Ok(())
    }

    /// Before each epoch, counted from 0.
    fn on_epoch_begin(&mut self, _training: &mut Training, _epoch: usize) -> Result<()> {
        Ok(())
    }

    /// After each step.
    fn on_batch_end(&mut self, _training: &mut Training, _batch: &BatchEnd) -> Result<()> {
        Ok(())
    }

    /// After each epoch and its validation. What is added to `logs` becomes part of the history.
    fn on_epoch_end(&mut self, _training: &mut Training, _epoch: usize, _logs: &mut Logs) -> Result<()> {
        Ok(())
    }

    /// After each epoch, when every callback has seen its end and the history has it: the moment to save everything.
    fn on_epoch_recorded(&mut self, _training: &mut Training) -> Result<()> {
        Ok(())
    }

    /// After the last epoch.
    fn on_train_end(&mut self, _training: &mut Training) -> Result<()> {
        Ok(())
    }

    /// What the callback remembers from epoch to epoch, for [`BackupAndRestore`] to save.
    fn state(&self) -> CallbackState {
        CallbackState::default()
    }

    /// Takes up a saved state, after all callbacks were told that training begins.
    ///
    /// # Errors
    /// Where the state is not one of this callback.
    fn restore(&mut self, _state: CallbackState) -> Result<()> {
        Ok(())
    }
}

/// What a callback remembers.
#[derive(Clone, Debug, Default)]
pub struct CallbackState {
    /// Numbers and names.
    pub values: Value,
    /// A set of the model's weights, as [`Sequential::get_weights`] gives it.
    pub weights: Option<Vec<ArrayD<f32>>>,
}

impl<C: Callback + ?Sized> Callback for &mut C {
    fn on_train_begin(&mut self, training: &mut Training) -> Result<()> {
        (**self).on_train_begin(training)
    }

    fn on_epoch_begin(&mut self, training: &mut Training, epoch: usize) -> Result<()> {
        (**self).on_epoch_begin(training, epoch)
    }

    fn on_batch_end(&mut self, training: &mut Training, batch: &BatchEnd) -> Result<()> {
        (**self).on_batch_end(training, batch)
    }

    fn on_epoch_end(&mut self, training: &mut Training, epoch: usize, logs: &mut Logs) -> Result<()> {
        (**self).on_epoch_end(training, epoch, logs)
    }

    fn on_epoch_recorded(&mut self, training: &mut Training) -> Result<()> {
        (**self).on_epoch_recorded(training)
    }

    fn on_train_end(&mut self, training: &mut Training) -> Result<()> {
        (**self).on_train_end(training)
    }

    fn state(&self) -> CallbackState {
        (**self).state()
    }

    fn restore(&mut self, state: CallbackState) -> Result<()> {
        (**self).restore(state)
    }
}

/// A training run, as callbacks see it.
#[derive(Debug)]
pub struct Training<'a> {
    /// The model.
    pub model: &'a mut Sequential,
    /// The next epoch to run, counted from 0. A callback may set it before training begins, to go on with a run.
    pub epoch: usize,
    /// The epoch to stop before.
    pub epochs: usize,
    /// Steps in an epoch.
    pub steps: usize,
    /// Samples that are validated on; 0 without validation.
    pub validation_samples: usize,
    /// After how many epochs the model is validated, again and again.
    pub validation_freq: usize,
    /// The epochs so far.
    pub history: History,
    stop: bool,
    interrupt: bool,
    /// The states of all callbacks, in their order: at the end of an epoch those of now; set at the beginning of
    /// training, those to restore.
    states: Vec<CallbackState>,
}

impl<'a> Training<'a> {
    pub(crate) fn new(model: &'a mut Sequential, epoch: usize, epochs: usize, steps: usize) -> Self {
        Self {
            model,
            epoch,
            epochs,
            steps,
            validation_samples: 0,
            validation_freq: 1,
            history: History::default(),
            stop: false,
            interrupt: false,
            states: Vec::new(),
        }
    }

    /// Ends training: after this epoch, or when called after a batch, after that batch, whose epoch then ends early.
    pub fn stop(&mut self) {
        self.stop = true;
    }

    /// Ends training now; an epoch that is not complete is left out of the history.
    pub fn interrupt(&mut self) {
        self.stop = true;
        self.interrupt = true;
    }

    /// Whether training is to end.
    pub fn stopped(&self) -> bool {
        self.stop
    }

    /// Takes the callbacks' states.
    pub(crate) fn record_states<'c>(&mut self, callbacks: impl Iterator<Item = &'c dyn Callback>) {
        self.states = callbacks.map(Callback::state).collect();
    }

    /// The states that a callback wants to have restored.
    pub(crate) fn take_restored(&mut self) -> Vec<CallbackState> {
        std::mem::take(&mut self.states)
    }

    /// Whether training was interrupted.
    pub fn interrupted(&self) -> bool {
        self.interrupt
    }
}

/// The end of a step, as callbacks see it.
#[derive(Debug)]
pub struct BatchEnd<'a> {
    /// The step in its epoch, counted from 0.
    pub step: usize,
    /// Steps in the epoch.
    pub steps: usize,
    pub(crate) totals: &'a Totals,
}

impl BatchEnd<'_> {
    /// The mean loss of the epoch so far.
    pub fn loss(&self) -> f64 {
        self.totals.loss()
    }

    /// The samples of the epoch so far.
    pub fn samples(&self) -> usize {
        self.totals.samples()
    }

    /// The loss and metrics of the epoch so far. Computed when called: AUC is not cheap.
    pub fn logs(&self, training: &Training) -> Logs {
        training.model.running_logs(self.totals)
    }
}

/// The names that [`from_config`] knows.
const NAMES: [&str; 7] = [
    "EarlyStopping",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "LearningRateScheduler",
    "CSVLogger",
    "TerminateOnNaN",
    "BackupAndRestore",
];

/// A callback from a table such as `{ class = "EarlyStopping", patience = 3 }`.
///
/// # Errors
/// An unknown class or argument, with the nearest known one; an argument out of range.
pub fn from_config(config: &Value) -> Result<Box<dyn Callback>> {
    let Tagged { class, config } = Tagged::split("callback", config)?;
    Ok(match class.as_str() {
        "EarlyStopping" => Box::new(parse::<EarlyStopping>(&class, &config)?),
        "ModelCheckpoint" => Box::new(parse::<ModelCheckpoint>(&class, &config)?),
        "ReduceLROnPlateau" => Box::new(parse::<ReduceLROnPlateau>(&class, &config)?),
        "LearningRateScheduler" => Box::new(LearningRateScheduler::from_config(&config)?),
        "CSVLogger" => Box::new(parse::<CSVLogger>(&class, &config)?),
        "TerminateOnNaN" => Box::new(parse::<TerminateOnNaN>(&class, &config)?),
        "BackupAndRestore" => Box::new(parse::<BackupAndRestore>(&class, &config)?),
        other => return Err(Error::unknown("callback", other, NAMES)),
    })
}

#[cfg(test)]
mod tests;
