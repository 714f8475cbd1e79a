//! The progress of training, on standard error.

use super::Callback;

/// Shows a bar for each epoch where standard error is a terminal.
#[derive(Debug, Default)]
pub struct ProgressBar {}

impl Callback for ProgressBar {}
