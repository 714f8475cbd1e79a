//! The progress of training, on standard error.

use std::time::Instant;

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

use super::pace::{PAUSE, Pace, Place, words};
use super::{BatchEnd, Callback, Training};
use crate::error::Result;
use crate::history::Logs;

/// Shows a bar for each epoch: what is done, loss and metrics so far, speed, and the time left of the whole training,
/// validation included. Does nothing where standard error is not a terminal.
#[derive(Debug)]
pub struct ProgressBar {
    bar: Bar,
    started: Instant,
    drawn: Instant,
    samples: usize,
    runs_to_come: usize,
    pace: Pace,
}

impl Default for ProgressBar {
    fn default() -> Self {
        let bar = Bar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(15));
        let now = Instant::now();
        Self { bar, started: now, drawn: now, samples: 0, runs_to_come: 0, pace: Pace::default() }
    }
}

impl ProgressBar {
    /// How many more runs like this come after it: the time left is that of all. Default: 0.
    #[must_use]
    pub fn runs_to_come(mut self, runs: usize) -> Self {
        self.runs_to_come = runs;
        self
    }

    fn text(&self, logs: &Logs) -> String {
        let mut text = format!("{:.1} s", self.started.elapsed().as_secs_f64());
        for (name, value) in said(logs) {
            text += &format!(" · {name} {value}");
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
        let width = training.epochs.to_string().len();
        let (number, epochs) = (epoch + 1, training.epochs);
        let template =
            format!("Epoch {number:>width$}/{epochs} {{bar:20.cyan/dim}} {{pos}}/{{len}} · {{msg}}");
        // The template is ours and valid; without it the bar has its plain form.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            self.bar.set_style(style.progress_chars("━━╌"));
        }
        self.pace.begin(Instant::now());
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
        let done = batch.step + 1;
        if done == batch.steps {
            self.pace.trained(Instant::now());
        }
        if self.drawn.elapsed() < PAUSE && done < batch.steps {
            return Ok(());
        }
        self.drawn = Instant::now();
        let place = Place::of(training, batch, self.runs_to_come);
        let (speed, left) = (self.speed(), self.pace.left(self.started.elapsed().as_secs_f64(), &place));
        let validating =
            if done == batch.steps && training.validation_samples > 0 { " · validating" } else { "" };
        let logs = self.text(&batch.logs(training));
        self.bar.set_position(done as u64);
        // What is cut off in a narrow terminal is what is needed least.
        self.bar.set_message(format!("{} left{validating} · {logs} · {speed:.0} samples/s", words(left)));
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut Training, _: usize, logs: &mut Logs) -> Result<()> {
        if !self.bar.is_hidden() {
            let (logs, speed) = (self.text(logs), self.speed());
            self.bar.abandon_with_message(format!("{logs} · {speed:.0} samples/s"));
            // The next bar goes below this one.
            self.bar = Self::default().bar;
        }
        Ok(())
    }
}

/// Values by name as people read them: the loss first, what is measured in validation after what is measured in training.
pub(super) fn said(logs: &Logs) -> Vec<(String, String)> {
    let order = |name: &str| (name.starts_with("val_"), !name.ends_with("loss"), name == "learning_rate");
    let mut names: Vec<&String> = logs.keys().collect();
    names.sort_by_key(|name| order(name));
    let value = |name: &String| match name.as_str() {
        "learning_rate" => format!("{:.2e}", logs[name]),
        _ => format!("{:.4}", logs[name]),
    };
    names.into_iter().map(|name| (name.clone(), value(name))).collect()
}
