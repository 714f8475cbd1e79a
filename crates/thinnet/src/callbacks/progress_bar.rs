//! The progress of training, on standard error.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

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

/// How often the text is made anew.
const PAUSE: Duration = Duration::from_millis(80);

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
        let place = Place {
            done: done as f64 / batch.steps as f64,
            epochs_to_come: training.epochs.saturating_sub(training.epoch + 1),
            epochs: training.epochs,
            runs_to_come: self.runs_to_come,
            // A sample that is only looked at costs about a third of one that is learned from.
            validation: training.validation_samples as f64 * done as f64
                / (3.0 * batch.steps as f64 * self.samples.max(1) as f64),
        };
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

/// Where training is.
struct Place {
    /// The share of this epoch's steps that is done, more than 0.
    done: f64,
    /// Whole epochs after this one.
    epochs_to_come: usize,
    /// The epochs of a run.
    epochs: usize,
    /// Runs after this one.
    runs_to_come: usize,
    /// The time for validation as a share of that for an epoch's steps, as far as it can be guessed.
    validation: f64,
}

/// What epochs take: their steps, and what comes after the steps (validation, saving).
#[derive(Debug, Default)]
struct Pace {
    begun: Option<Instant>,
    trained: Option<Instant>,
    /// Seconds of the last epoch: for its steps, and for what came after them.
    last: Option<(f64, f64)>,
}

impl Pace {
    /// An epoch begins.
    fn begin(&mut self, now: Instant) {
        if let (Some(begun), Some(trained)) = (self.begun, self.trained) {
            let seconds = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64();
            self.last = Some((seconds(begun, trained), seconds(trained, now)));
        }
        (self.begun, self.trained) = (Some(now), None);
    }

    /// The last of its steps is done.
    fn trained(&mut self, now: Instant) {
        self.trained = Some(now);
    }

    /// The seconds that are left of all runs, `elapsed` seconds after the epoch's beginning.
    fn left(&self, elapsed: f64, place: &Place) -> f64 {
        let &Place { done, epochs_to_come, epochs, runs_to_come, validation } = place;
        let (steps, after) = match self.last {
            // The last epoch counts as much as what this one has shown so far.
            Some((steps, after)) => ((steps + elapsed) / (1.0 + done), after),
            None => (elapsed / done, elapsed / done * validation),
        };
        let whole_epochs = (epochs_to_come + runs_to_come * epochs) as f64;
        steps * (1.0 - done) + after + (steps + after) * whole_epochs
    }
}

/// Seconds in words: `45 s`, `3 min 20 s`, `25 min`, `2 h 5 min`.
pub(crate) fn words(seconds: f64) -> String {
    // More than a century is no time that anybody waits.
    let seconds = seconds.clamp(0.0, 4e9).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => format!("{} min {} s", seconds / 60, seconds % 60),
        600..3600 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {} min", (seconds + 30) / 3600, (seconds + 30) / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place =
        Place { done: 0.25, epochs_to_come: 19, epochs: 20, runs_to_come: 0, validation: 0.1 };

    #[test]
    fn the_time_left_is_that_of_the_whole_training_from_the_first_epoch_on() {
        // 10 s for a quarter of the steps: 40 s an epoch, and 4 s to validate.
        let left = Pace::default().left(10.0, &PLACE);
        assert!((left - (20.0 * 44.0 - 10.0)).abs() < 1e-9, "{left}");
        let left = Pace::default().left(10.0, &Place { runs_to_come: 2, ..PLACE });
        assert!((left - (60.0 * 44.0 - 10.0)).abs() < 1e-9, "{left}");
    }

    #[test]
    fn what_comes_after_the_steps_is_measured() {
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        pace.begin(at(0));
        pace.trained(at(40));
        pace.begin(at(50));
        // The second epoch goes on as the first: 50 s each, 18 are to come.
        let left = pace.left(10.0, &Place { epochs_to_come: 18, ..PLACE });
        assert!((left - (19.0 * 50.0 - 10.0)).abs() < 1e-9, "{left}");
        // At its beginning a slow step changes little.
        let left = pace.left(0.8, &Place { done: 0.01, epochs_to_come: 18, ..PLACE });
        assert!((left - 19.0 * 50.0).abs() < 10.0, "{left}");
        // At its end validation is left.
        let left = pace.left(40.0, &Place { done: 1.0, epochs_to_come: 0, ..PLACE });
        assert!((left - 10.0).abs() < 1e-9, "{left}");
    }

    #[test]
    fn times_are_read_at_a_glance() {
        let expected =
            ["0 s", "59 s", "1 min 0 s", "9 min 59 s", "10 min", "60 min", "1 h 0 min", "2 h 5 min"];
        assert_eq!([0.2, 59.4, 59.6, 599.0, 601.0, 3599.0, 3600.0, 7500.0].map(words), expected);
        assert_eq!(words(f64::NAN), "0 s");
        assert!(words(f64::INFINITY).ends_with(" min"));
    }
}
