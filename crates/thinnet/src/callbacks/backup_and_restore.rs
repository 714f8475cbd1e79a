//! `BackupAndRestore`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::seldom::Seldom;
use super::{Callback, CallbackState, Training};
use crate::error::{Error, Result};
use crate::history::History;

/// Saves everything that training depends on after each epoch, and goes on from there when the same training is
/// started again, as Keras's callback.
///
/// A run that was stopped (by a signal, a power failure …) and started again ends with the same bits, in weights and
/// history, as one that was not: random numbers are functions of the step, and the states of the optimizer and of all
/// callbacks are part of the backup.
///
/// ```
/// use thinnet::callbacks::BackupAndRestore;
/// let backup = BackupAndRestore::new("backup");
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupAndRestore {
    backup_dir: PathBuf,
    delete_checkpoint: bool,
    #[serde(skip)]
    wanted: Option<usize>,
    /// Where not every epoch has a backup.
    #[serde(skip)]
    seldom: Option<Seldom>,
}

impl Default for BackupAndRestore {
    fn default() -> Self {
        Self::new("")
    }
}

impl BackupAndRestore {
    /// The backup's name in its folder.
    pub const FILE: &str = "backup.safetensors";

    /// Keeps the backup in a folder, which is made where it is not there.
    pub fn new(backup_dir: impl Into<PathBuf>) -> Self {
        Self { backup_dir: backup_dir.into(), delete_checkpoint: true, wanted: None, seldom: None }
    }

    /// Whether the backup is removed when training has come to its end. Default: true.
    #[must_use]
    pub fn delete_checkpoint(mut self, delete: bool) -> Self {
        self.delete_checkpoint = delete;
        self
    }

    /// Leaves a backup out where the last one took more than a twentieth of the time since then. The last epoch always has one.
    #[must_use]
    pub(crate) fn seldom(mut self) -> Self {
        self.seldom = Some(Seldom::default());
        self
    }

    /// Makes a backup in any case when so many epochs are done.
    #[must_use]
    pub(crate) fn wanted_after(mut self, epochs: Option<usize>) -> Self {
        self.wanted = epochs;
        self
    }

    fn path(&self) -> PathBuf {
        self.backup_dir.join(Self::FILE)
    }
}

impl Callback for BackupAndRestore {
    fn on_train_begin(&mut self, training: &mut Training) -> Result<()> {
        if self.backup_dir.as_os_str().is_empty() {
            return Err(Error::config("BackupAndRestore", "expected a `backup_dir`"));
        }
        fs::create_dir_all(&self.backup_dir).map_err(Error::io("create", &self.backup_dir))?;
        let path = self.path();
        if !path.exists() {
            return Ok(());
        }
        let (extra, mut kept) = training.model.load_state(&path)?;
        let broken =
            |key: &str| Error::file(&path, format!("`thinnet.extra.{key}` is not what a backup has"));
        training.epoch = extra["epoch"].as_u64().ok_or_else(|| broken("epoch"))? as usize;
        training.history = History::from_bits(&extra["history"]).ok_or_else(|| broken("history"))?;
        let values = extra["callbacks"].as_array().ok_or_else(|| broken("callbacks"))?;
        training.states = values
            .iter()
            .enumerate()
            .map(|(index, values)| CallbackState {
                values: values.clone(),
                weights: kept.remove(&name(index)),
            })
            .collect();
        if extra["stopped"] == Value::Bool(true) {
            training.stop();
        }
        Ok(())
    }

    fn on_epoch_recorded(&mut self, training: &mut Training) -> Result<()> {
        let is_last = training.epoch >= training.epochs || training.stopped();
        let is_due = self.seldom.as_ref().is_none_or(Seldom::is_due);
        if !is_last && self.wanted != Some(training.epoch) && !is_due {
            return Ok(());
        }
        let mut kept = BTreeMap::new();
        let mut values = Vec::new();
        for (index, state) in training.states.iter_mut().enumerate() {
            values.push(state.values.clone());
            if let Some(weights) = state.weights.take() {
                kept.insert(name(index), weights);
            }
        }
        let extra = json!({
            "epoch": training.epoch,
            "stopped": training.stopped(),
            "history": training.history.to_bits(),
            "callbacks": values,
            "kept": kept.keys().collect::<Vec<_>>(),
        });
        let path = self.path();
        let save = || training.model.save_state(&path, &extra, &kept);
        match &mut self.seldom {
            Some(seldom) => seldom.save(save),
            None => save(),
        }
    }

    fn on_train_end(&mut self, training: &mut Training) -> Result<()> {
        let path = self.path();
        if self.delete_checkpoint && !training.interrupted() && path.exists() {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(())
    }
}

/// Under which name the weights that a callback keeps are saved.
fn name(callback: usize) -> String {
    format!("callback_{callback}")
}
