//! What several callbacks share: a value that is watched, and which way it gets better.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Suggestion};
use crate::history::Logs;

/// Which way a value gets better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Up for accuracies, AUC, precision and recall, down for everything else.
    #[default]
    Auto,
    /// Down.
    Min,
    /// Up.
    Max,
}

impl Mode {
    /// Whether `value` is better than `best` by more than `min_delta`. Anything is better than nothing.
    pub(super) fn improves(self, monitor: &str, value: f64, best: Option<f64>, min_delta: f64) -> bool {
        let Some(best) = best else { return true };
        let up = match self {
            Self::Min => false,
            Self::Max => true,
            Self::Auto => ["acc", "auc", "precision", "recall"].iter().any(|part| monitor.contains(part)),
        };
        // Keras takes the absolute value, so that its sign does not matter.
        if up { value - min_delta.abs() > best } else { value + min_delta.abs() < best }
    }
}

/// The watched value of an epoch.
pub(super) fn watched(logs: &Logs, monitor: &str) -> Result<f64> {
    logs.get(monitor).copied().ok_or_else(|| {
        let error = Error::unknown("value to monitor", monitor, logs.keys().map(String::as_str));
        // Without validation, every `val_` name is unknown: the near miss would mislead.
        match error {
            Error::Unknown { kind, name, nearest: Suggestion::Nearest(_) } if name.starts_with("val_") => {
                let names = logs.keys().cloned().collect();
                Error::Unknown { kind, name, nearest: Suggestion::All(names) }
            }
            error => error,
        }
    })
}
