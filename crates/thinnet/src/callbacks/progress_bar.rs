//! The progress of training, on standard error.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

use super::{BatchEnd, Callback, Training};
use crate::error::Result;
use crate::history::Logs;

/// Shows a bar for each epoch: what is done, loss and metrics so far, speed and time left. Does nothing where standard
/// error is not a terminal.
#[derive(Debug)]
pub struct ProgressBar {
    bar: Bar,
    started: Instant,
    drawn: Instant,
    samples: usize,
    /// When the last step of the epoch before ended.
    ended: Option<Instant>,
    /// Seconds between the last step of an epoch and the next epoch: validation, backups.
    between: f64,
}

/// How often the text is made anew.
const PAUSE: Duration = Duration::from_millis(80);

impl Default for ProgressBar {
    fn default() -> Self {
        let bar = Bar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(15));
        let now = Instant::now();
        Self { bar, started: now, drawn: now, samples: 0, ended: None, between: 0.0 }
    }
}

impl ProgressBar {
    fn text(&self, logs: &Logs) -> String {
        let mut text = format!("{:.1} s", self.started.elapsed().as_secs_f64());
        let order = |name: &str| (name.starts_with("val_"), !name.ends_with("loss"), name == "learning_rate");
        let mut names: Vec<&String> = logs.keys().collect();
        names.sort_by_key(|name| order(name));
        for name in names {
            // Writing to a string does not fail.
            let _ = if name == "learning_rate" {
                write!(text, " · {name} {:.2e}", logs[name])
            } else {
                write!(text, " · {name} {:.4}", logs[name])
            };
        }
        text
    }

    fn speed(&self) -> f64 {
        self.samples as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }
}

impl Callback for ProgressBar {
    fn on_epoch_begin(&mut self, training: &mut Training, epoch: usize) -> Result<()> {
        if self.bar.is_hidden() {
            return Ok(());
        }
        self.between = self.ended.take().map_or(0.0, |ended| ended.elapsed().as_secs_f64());
        let width = training.epochs.to_string().len();
        let (number, epochs) = (epoch + 1, training.epochs);
        let template =
            format!("Epoch {number:>width$}/{epochs} {{bar:20.cyan/dim}} {{pos}}/{{len}} · {{msg}}");
        // The template is ours and valid; without it the bar has its plain form.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            self.bar.set_style(style.progress_chars("━━╌"));
        }
        self.bar.reset();
        self.bar.set_length(training.steps as u64);
        self.started = Instant::now();
        self.drawn = self.started;
        self.samples = 0;
        Ok(())
    }

    fn on_batch_end(&mut self, training: &mut Training, batch: &BatchEnd) -> Result<()> {
        if self.bar.is_hidden() {
            return Ok(());
        }
        self.samples = batch.samples();
        if self.drawn.elapsed() < PAUSE && batch.step + 1 < batch.steps {
            return Ok(());
        }
        self.drawn = Instant::now();
        let done = batch.step + 1;
        let epochs_left = (training.epochs - training.epoch) as f64 - done as f64 / batch.steps as f64;
        let per_epoch = self.started.elapsed().as_secs_f64() * batch.steps as f64 / done as f64;
        let validations_left = (training.epochs - training.epoch) as f64;
        let (speed, left) = (self.speed(), per_epoch * epochs_left + self.between * validations_left);
        if done == batch.steps {
            self.ended = Some(self.drawn);
        }
        let logs = self.text(&batch.logs(training));
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{logs} · {speed:.0} samples/s · {left:.0} s left"));
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut Training, _: usize, logs: &mut Logs) -> Result<()> {
        if !self.bar.is_hidden() {
            let (logs, speed) = (self.text(logs), self.speed());
            self.bar.abandon_with_message(format!("{logs} · {speed:.0} samples/s"));
            // The next bar goes below this one.
            let ended = self.ended;
            *self = Self { ended, ..Self::default() };
        }
        Ok(())
    }
}
