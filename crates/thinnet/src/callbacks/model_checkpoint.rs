//! `ModelCheckpoint`.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::monitor::watched;
use super::{Callback, CallbackState, Mode, Training};
use crate::error::{Error, Result};
use crate::history::Logs;

/// Saves the model after each epoch, or after each that is the best so far, as Keras's callback.
///
/// `filepath` may have fields in Python's form: `{epoch:02d}` (from 1) and the logs' names, such as
/// `model-{epoch:02d}-{val_loss:.4f}.safetensors`.
///
/// ```
/// use thinnet::callbacks::ModelCheckpoint;
/// let checkpoint = ModelCheckpoint::new("best.safetensors").monitor("val_accuracy").save_best_only(true);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelCheckpoint {
    filepath: String,
    monitor: String,
    save_best_only: bool,
    mode: Mode,
    initial_value_threshold: Option<f64>,
    #[serde(skip)]
    best: Option<f64>,
}

impl Default for ModelCheckpoint {
    fn default() -> Self {
        Self::new("")
    }
}

impl ModelCheckpoint {
    /// Saves to `filepath` after each epoch.
    pub fn new(filepath: impl Into<String>) -> Self {
        Self {
            filepath: filepath.into(),
            monitor: "val_loss".into(),
            save_best_only: false,
            mode: Mode::Auto,
            initial_value_threshold: None,
            best: None,
        }
    }

    /// The value that says which epoch is best. Default: `val_loss`.
    #[must_use]
    pub fn monitor(mut self, monitor: impl Into<String>) -> Self {
        self.monitor = monitor.into();
        self
    }

    /// Whether only an epoch that is better than all before is saved. Default: false.
    #[must_use]
    pub fn save_best_only(mut self, save_best_only: bool) -> Self {
        self.save_best_only = save_best_only;
        self
    }

    /// Which way is better. Default: by the value's name.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What the first saved epoch must be better than. Default: nothing.
    #[must_use]
    pub fn initial_value_threshold(mut self, threshold: f64) -> Self {
        self.initial_value_threshold = Some(threshold);
        self
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _: &mut Training) -> Result<()> {
        if self.filepath.is_empty() {
            return Err(Error::config("ModelCheckpoint", "expected a `filepath`"));
        }
        self.best = self.initial_value_threshold;
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training, epoch: usize, logs: &mut Logs) -> Result<()> {
        if self.save_best_only {
            let current = watched(logs, &self.monitor)?;
            if !self.mode.improves(&self.monitor, current, self.best, 0.0) {
                return Ok(());
            }
            self.best = Some(current);
        }
        training.model.save(expand(&self.filepath, epoch + 1, logs)?)
    }

    fn state(&self) -> CallbackState {
        CallbackState { values: json!({"best": self.best.map(f64::to_bits)}), weights: None }
    }

    fn restore(&mut self, state: CallbackState) -> Result<()> {
        self.best = state.values["best"].as_u64().map(f64::from_bits);
        Ok(())
    }
}

/// Fills in `{epoch}`, `{epoch:02d}`, `{val_loss:.2f}` …
fn expand(template: &str, epoch: usize, logs: &Logs) -> Result<String> {
    let mut path = String::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        path += text;
        let Some((field, after)) = after.split_once('}') else {
            return Err(Error::config(
                "ModelCheckpoint.filepath",
                format!("`{template}` lacks a closing brace"),
            ));
        };
        let (name, format) = field.split_once(':').unwrap_or((field, ""));
        path += &if name == "epoch" {
            let width = format.trim_end_matches('d');
            let padded = width.strip_prefix('0').unwrap_or(width);
            let count = padded.parse().unwrap_or(0);
            if width.starts_with('0') { format!("{epoch:0count$}") } else { format!("{epoch:count$}") }
        } else {
            let value = watched(logs, name)?;
            match format
                .strip_prefix('.')
                .and_then(|digits| digits.trim_end_matches('f').parse::<usize>().ok())
            {
                Some(digits) => format!("{value:.digits$}"),
                None => value.to_string(),
            }
        };
        rest = after;
    }
    Ok(path + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in_as_in_python() {
        let logs = Logs::from([("val_loss".to_owned(), 0.12345)]);
        assert_eq!(expand("m-{epoch:02d}-{val_loss:.2f}.st", 3, &logs).unwrap(), "m-03-0.12.st");
        assert_eq!(expand("{epoch}", 12, &logs).unwrap(), "12");
        assert_eq!(
            expand("{val_los}", 1, &logs).unwrap_err().to_string(),
            "unknown value to monitor `val_los`: known are val_loss"
        );
    }
}
