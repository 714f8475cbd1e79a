//! How long training takes, and how long it will.

use std::time::{Duration, Instant};

use super::{BatchEnd, Training};

/// How often progress is drawn anew.
pub(super) const PAUSE: Duration = Duration::from_millis(80);

/// Where training is.
pub(super) struct Place {
    /// The share of this epoch's steps that is done, more than 0.
    pub(super) done: f64,
    /// Whole epochs after this one.
    epochs_to_come: usize,
    /// The epochs of a run.
    epochs: usize,
    /// Runs after this one.
    runs_to_come: usize,
    /// The time for validation as a share of that for an epoch's steps, as far as it can be guessed.
    validation: f64,
}

impl Place {
    /// After a step of the training, when so many runs like it come after it.
    pub(super) fn of(training: &Training, batch: &BatchEnd, runs_to_come: usize) -> Self {
        let done = (batch.step + 1) as f64 / batch.steps as f64;
        Self {
            done,
            epochs_to_come: training.epochs.saturating_sub(training.epoch + 1),
            epochs: training.epochs,
            runs_to_come,
            // A sample that is only looked at costs about a third of one that is learned from.
            validation: training.validation_samples as f64 * done / (3.0 * batch.samples().max(1) as f64),
        }
    }
}

/// What epochs take: their steps, and what comes after the steps (validation, saving).
#[derive(Debug, Default)]
pub(super) struct Pace {
    begun: Option<Instant>,
    trained: Option<Instant>,
    /// Seconds of the last epoch: for its steps, and for what came after them.
    last: Option<(f64, f64)>,
}

impl Pace {
    /// An epoch begins.
    pub(super) fn begin(&mut self, now: Instant) {
        if let (Some(begun), Some(trained)) = (self.begun, self.trained) {
            let seconds = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64();
            self.last = Some((seconds(begun, trained), seconds(trained, now)));
        }
        (self.begun, self.trained) = (Some(now), None);
    }

    /// The last of its steps is done.
    pub(super) fn trained(&mut self, now: Instant) {
        self.trained = Some(now);
    }

    /// The seconds that are left of all runs, `elapsed` seconds after the epoch's beginning.
    pub(super) fn left(&self, elapsed: f64, place: &Place) -> f64 {
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
