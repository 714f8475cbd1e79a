//! `ModelCheckpoint`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::monitor::{check_validation, watched};
use super::{Callback, CallbackState, Mode, Training};
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::metrics::Direction;

const PLACE: &str = "ModelCheckpoint";

/// Saves the model after each epoch, or after each that is the best so far, as Keras's callback.
///
/// `filepath` may have fields in Python's form: `{epoch:02d}` (from 1) and the logs' names, such as
/// `model-{epoch:02d}-{val_loss:.4f}.safetensors`. Folders that are not there are made. An epoch without validation is not
/// saved where `filepath` or the best epoch needs a value of validation.
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

    /// Which way is better. Default: as the metric goes, down for the loss.
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

    fn direction(&self, training: &Training) -> Result<Direction> {
        self.mode.direction(PLACE, training, &self.monitor)
    }

    fn parts(&self) -> Result<Vec<Part<'_>>> {
        parse(&self.filepath).map_err(|message| Error::config("ModelCheckpoint.filepath", message))
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, training: &mut Training) -> Result<()> {
        if self.filepath.is_empty() {
            return Err(Error::config(PLACE, "expected a `filepath`"));
        }
        if self.save_best_only {
            self.direction(training)?;
        }
        for part in self.parts()? {
            if let Part::Value { name, .. } = part {
                check_validation(PLACE, training, name)?;
            }
        }
        let folder =
            Path::new(&self.filepath).parent().filter(|folder| !folder.to_string_lossy().contains('{'));
        folder.map_or(Ok(()), make)?;
        self.best = self.initial_value_threshold;
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training, epoch: usize, logs: &mut Logs) -> Result<()> {
        let Some(path) = expand(&self.parts()?, epoch + 1, |name| watched(training, logs, name))? else {
            return Ok(());
        };
        if self.save_best_only {
            let Some(current) = watched(training, logs, &self.monitor)? else { return Ok(()) };
            if !self.direction(training)?.improves(current, self.best, 0.0) {
                return Ok(());
            }
            self.best = Some(current);
        }
        Path::new(&path).parent().map_or(Ok(()), make)?;
        training.model.save(path)
    }

    fn state(&self) -> CallbackState {
        CallbackState { values: json!({"best": self.best.map(f64::to_bits)}), weights: None }
    }

    fn restore(&mut self, state: CallbackState) -> Result<()> {
        self.best = state.values["best"].as_u64().map(f64::from_bits);
        Ok(())
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))
}

/// A part of a path.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    /// `{epoch:02d}`.
    Epoch {
        zeros: bool,
        width: usize,
    },
    /// `{val_loss:.2f}`; without a format, as many digits as the value has.
    Value {
        name: &'a str,
        digits: Option<usize>,
    },
}

/// The parts of a path with fields in Python's form.
fn parse(template: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (field, after) =
            after.split_once('}').ok_or_else(|| format!("`{template}` lacks a closing brace"))?;
        let (name, format) = field.split_once(':').unwrap_or((field, ""));
        parts.push(Part::Text(text));
        parts.push(if name == "epoch" {
            let width = format.strip_suffix('d').unwrap_or(format);
            let width = if width.is_empty() { Some(0) } else { two_digits(width) };
            let width = width.ok_or_else(|| {
                format!(
                    "expected {{epoch}}, {{epoch:d}} or {{epoch:02d}} (at most 99 digits), got {{{field}}}"
                )
            })?;
            Part::Epoch { zeros: format.starts_with('0'), width }
        } else {
            let digits = format.strip_prefix('.').and_then(|format| two_digits(format.strip_suffix('f')?));
            if digits.is_none() && !format.is_empty() {
                return Err(format!(
                    "expected {{{name}}} or {{{name}:.2f}} (at most 99 digits), got {{{field}}}"
                ));
            }
            Part::Value { name, digits }
        });
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// A number up to 99: file names have little more room.
fn two_digits(text: &str) -> Option<usize> {
    // A sign is none of Python's.
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    number.filter(|number| *number <= 99)
}

/// The path of an epoch, counted from 1; none where a value is.
fn expand(
    parts: &[Part],
    epoch: usize,
    value: impl Fn(&str) -> Result<Option<f64>>,
) -> Result<Option<String>> {
    let mut path = String::new();
    for part in parts {
        match *part {
            Part::Text(text) => path += text,
            Part::Epoch { zeros: true, width } => path += &format!("{epoch:0width$}"),
            Part::Epoch { zeros: false, width } => path += &format!("{epoch:width$}"),
            Part::Value { name, digits } => {
                let Some(value) = value(name)? else { return Ok(None) };
                path += &digits.map_or_else(|| value.to_string(), |digits| format!("{value:.digits$}"));
            }
        }
    }
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in_as_in_python() {
        let filled = |template: &str, epoch| {
            let value = |name: &str| Ok((name == "val_loss").then_some(0.12345));
            expand(&parse(template).unwrap(), epoch, value).unwrap()
        };
        assert_eq!(filled("m-{epoch:02d}-{val_loss:.2f}.st", 3).unwrap(), "m-03-0.12.st");
        assert_eq!(filled("{epoch}, {epoch:d}, {epoch:3d}, {epoch:03}", 12).unwrap(), "12, 12,  12, 012");
        assert_eq!(filled("{val_loss}/{val_loss:.0f}", 1).unwrap(), "0.12345/0");
        assert_eq!(filled("{epoch}-{val_accuracy:.2f}", 1), None);
    }

    #[test]
    fn fields_that_cannot_be_filled_in_are_told() {
        let epoch = "expected {epoch}, {epoch:d} or {epoch:02d} (at most 99 digits), got ";
        let loss = "expected {loss} or {loss:.2f} (at most 99 digits), got ";
        for field in
            ["{epoch:xyz}", "{epoch:.2f}", "{epoch:070000d}", "{epoch:+2d}", "{epoch:99999999999999999999d}"]
        {
            assert_eq!(parse(field), Err(format!("{epoch}{field}")));
        }
        for field in ["{loss:.70000f}", "{loss:8.2f}", "{loss:g}", "{loss:.2}", "{loss:.f}"] {
            assert_eq!(parse(field), Err(format!("{loss}{field}")));
        }
        assert_eq!(parse("m-{epoch").unwrap_err(), "`m-{epoch` lacks a closing brace");
    }
}
