//! What several callbacks share: a value that is watched, and which way it gets better.

use serde::{Deserialize, Serialize};

use super::Training;
use crate::error::{Error, Result, Suggestion};
use crate::history::Logs;
use crate::metrics::Direction;

/// Which way a value gets better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Down for the loss, and as the metric goes ([`Metric::direction`](crate::metrics::Metric::direction)), whatever it is
    /// named. For other values, one of the other modes must be given.
    #[default]
    Auto,
    /// Down.
    Min,
    /// Up.
    Max,
}

impl Mode {
    /// Which way `monitor` gets better. Asked before training too: all that may be wrong with a name can be told then, but that
    /// nothing logs it.
    pub(super) fn direction(self, callback: &str, training: &Training, monitor: &str) -> Result<Direction> {
        check_validation(callback, training, monitor)?;
        match self {
            Self::Min => Ok(Direction::Down),
            Self::Max => Ok(Direction::Up),
            Self::Auto => {
                let metric = monitor.strip_prefix("val_").unwrap_or(monitor);
                let mut known = training.model.log_directions()?.filter_map(|(name, way)| Some((name, way?)));
                let found = known.find(|(name, _)| *name == metric);
                found.map(|(_, way)| way).ok_or_else(|| unknown_direction(callback, training, monitor))
            }
        }
    }
}

fn unknown_direction(callback: &str, training: &Training, monitor: &str) -> Error {
    let known = training.model.log_directions().into_iter().flatten();
    let names: Vec<&str> = known.filter_map(|(name, way)| way.map(|_| name)).collect();
    let message = format!(
        "expected \"min\" or \"max\" for `{monitor}`: known is only which way {} go",
        names.join(", ")
    );
    Error::config(format!("{callback}.mode"), message)
}

impl Direction {
    /// Whether `value` is better than `best` by more than `min_delta`. NaN never is, any other value is better than nothing.
    pub(super) fn improves(self, value: f64, best: Option<f64>, min_delta: f64) -> bool {
        let Some(best) = best else { return !value.is_nan() };
        // Keras takes the absolute value, so that its sign does not matter.
        match self {
            Self::Up => value - min_delta.abs() > best,
            Self::Down => value + min_delta.abs() < best,
        }
    }
}

/// Whether a value is one of those that come from validation.
fn is_of_validation(training: &Training, monitor: &str) -> Result<bool> {
    let Some(metric) = monitor.strip_prefix("val_") else { return Ok(false) };
    Ok(training.model.log_names()?.any(|name| name == metric))
}

/// An error for a value that comes from validation where no epoch has any.
pub(super) fn check_validation(callback: &str, training: &Training, monitor: &str) -> Result<()> {
    if !is_of_validation(training, monitor)? {
        return Ok(());
    }
    let &Training { validation_samples, validation_freq, epochs, .. } = training;
    let message = match validation_samples {
        0 => "there is no validation: give validation_split or validation_data".to_owned(),
        _ if validation_freq > epochs.max(1) => {
            format!(
                "no epoch is validated: lower validation_freq, {validation_freq}, to the {epochs} epochs or less"
            )
        }
        _ => return Ok(()),
    };
    Err(Error::config(callback, format!("`{monitor}` never comes, as {message}")))
}

/// The value of an epoch; none where it comes from validation, which not every epoch has.
pub(super) fn watched(training: &Training, logs: &Logs, monitor: &str) -> Result<Option<f64>> {
    if let Some(&value) = logs.get(monitor) {
        return Ok(Some(value));
    }
    if is_of_validation(training, monitor)? {
        return Ok(None);
    }
    let error = Error::unknown("value to monitor", monitor, logs.keys().map(String::as_str));
    Err(match error {
        // Not every epoch has the values of validation: the near miss would mislead.
        Error::Unknown { kind, name, nearest: Suggestion::Nearest(_) } if name.starts_with("val_") => {
            Error::Unknown { kind, name, nearest: Suggestion::All(logs.keys().cloned().collect()) }
        }
        error => error,
    })
}
