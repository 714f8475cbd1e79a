//! `TerminateOnNaN`.

use serde::{Deserialize, Serialize};

use super::{BatchEnd, Callback, Training};
use crate::error::{Error, Result};

/// Ends training when the loss is NaN or infinite, as Keras's callback.
///
/// ```
/// use thinnet::callbacks::TerminateOnNaN;
/// let strict = TerminateOnNaN::new().raise_error(true);
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TerminateOnNaN {
    raise_error: bool,
}

impl TerminateOnNaN {
    /// Ends training after the epoch's validation, without an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `fit` fails at once instead. Default: false.
    #[must_use]
    pub fn raise_error(mut self, raise_error: bool) -> Self {
        self.raise_error = raise_error;
        self
    }
}

impl Callback for TerminateOnNaN {
    fn on_batch_end(&mut self, training: &mut Training, batch: &BatchEnd) -> Result<()> {
        let loss = batch.loss();
        if loss.is_finite() {
            return Ok(());
        }
        if self.raise_error {
            let (epoch, step) = (training.epoch + 1, batch.step + 1);
            return Err(Error::Training(format!(
                "the loss became {loss} (epoch {epoch}, step {step}): lower the learning rate or clip the gradients"
            )));
        }
        training.stop();
        Ok(())
    }
}
