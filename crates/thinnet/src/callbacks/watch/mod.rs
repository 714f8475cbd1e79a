//! A live picture of training, on the terminal of standard error.

mod board;
mod frame;
mod plot;
mod screen;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub(crate) use self::board::Board;
use self::frame::Frame;
use self::plot::Curve;
pub(crate) use self::screen::Screen;
use super::pace::{PAUSE, Pace, Place, words};
use super::progress_bar::said;
use super::{BatchEnd, Callback, Training};
use crate::error::Result;
use crate::history::{History, Logs};
use crate::report::is_report;
use crate::schedules;

/// The runs that are watched one after the other: the picture of each has the validation curves of those before it, in
/// its model's colour. A clone belongs to the same runs.
///
/// ```
/// use thinnet::callbacks::Watched;
/// use thinnet::model::Fit;
/// let mut fit = Fit::new().epochs(10);
/// // `None` where standard error is no terminal: then there is nothing to watch.
/// if let Some(watched) = Watched::on_terminal() {
///     fit = fit.callback(watched.run("first", 42, 0));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Watched {
    runs: Arc<Mutex<Vec<(String, History)>>>,
}

impl Watched {
    /// Something to watch on; `None` where standard error is not a terminal that can show a picture.
    pub fn on_terminal() -> Option<Self> {
        screen::is_there().then(|| Self { runs: Arc::default() })
    }

    /// Watches a run of the model of that name. `runs_to_come` is how many more come after it: the time left is that of all.
    pub fn run(&self, name: impl Into<String>, seed: u64, runs_to_come: usize) -> Watch {
        let now = Instant::now();
        Watch {
            screen: None,
            watched: self.clone(),
            name: name.into(),
            seed,
            runs_to_come,
            pace: Pace::default(),
            begun: now,
            started: now,
            drawn: now,
            samples: 0,
            trail: Vec::new(),
            logs: Logs::new(),
        }
    }

    fn runs(&self) -> MutexGuard<'_, Vec<(String, History)>> {
        // A list that was pushed to is never half a list.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the ordinary screen of the terminal again, where a [`Watch`] shows another: for a program that is about to end at once.
pub fn restore_terminal() {
    screen::restore();
}

/// A picture of the training in place of its progress bars: curves of the loss, the first metric and learned rates (training
/// dashed, validation solid), the numbers of now, the rates that schedules give, and the time left of all runs. While it
/// runs it has the terminal for itself; in the end the terminal is as before, and a line for the run is left on it.
#[derive(Debug)]
pub struct Watch {
    screen: Option<Screen>,
    watched: Watched,
    name: String,
    seed: u64,
    runs_to_come: usize,
    pace: Pace,
    begun: Instant,
    /// When the epoch began.
    started: Instant,
    drawn: Instant,
    samples: usize,
    /// The means over the first epoch so far, which has no curve yet.
    trail: Vec<(f64, Logs)>,
    /// The last values.
    logs: Logs,
}

/// More points than these are too many for a picture of characters.
const TRAIL: usize = 400;

impl Watch {
    /// Draws the picture; `done` is the share of the epoch's steps that is done.
    fn draw(&mut self, training: &Training, done: f64, pace: String) {
        let Some(screen) = &mut self.screen else { return };
        self.drawn = Instant::now();
        let (width, height) = screen.size();
        let runs = self.watched.runs();
        let mut names: Vec<String> = Vec::new();
        for name in runs.iter().map(|(name, _)| name).chain([&self.name]) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let color = |wanted: &str| names.iter().position(|name| name == wanted).unwrap_or(0);
        let epochs_done = training.epoch as f64;
        let chart = |wanted: &str, title: &str| {
            let validation = format!("val_{wanted}");
            let mut curves: Vec<Curve> = runs
                .iter()
                .filter_map(|(name, history)| {
                    let column = history.get(&validation).or_else(|| history.get(wanted))?;
                    Some(Curve { color: color(name), dashed: false, points: points(history, column) })
                })
                .collect();
            let history = &training.history;
            for (name, dashed) in [(wanted, true), (validation.as_str(), false)] {
                let mut curve = history.get(name).map_or_else(Vec::new, |column| points(history, column));
                if dashed && curve.is_empty() {
                    curve.extend(self.trail.iter().filter_map(|(at, logs)| Some((*at, *logs.get(name)?))));
                }
                if dashed && let Some(value) = self.logs.get(name).filter(|_| done > 0.0) {
                    curve.push((epochs_done + done, *value));
                }
                curves.push(Curve { color: color(&self.name), dashed, points: curve });
            }
            (title.to_owned(), curves)
        };
        let known = || training.history.names().chain(self.logs.keys().map(String::as_str));
        let metric = known().find(|name| *name == "accuracy").or_else(|| {
            known().find(|name| {
                !name.starts_with("val_") && !["loss", "learning_rate"].contains(name) && !is_report(name)
            })
        });
        let mut charts = vec![chart("loss", "loss")];
        charts.extend(metric.map(|name| chart(name, &name.replace('_', " "))));
        let learned = training.history.names().filter(|name| is_report(name) && name.ends_with("_rate"));
        let learned: Vec<Curve> = learned
            .filter_map(|name| training.history.get(name))
            .map(|column| Curve {
                color: color(&self.name),
                dashed: false,
                points: points(&training.history, column),
            })
            .collect();
        if !learned.is_empty() {
            charts.push(("learned rates".into(), learned));
        }
        let step = (training.epoch * training.steps) as u64 + (done * training.steps as f64) as u64;
        let mut values = said(&self.logs);
        let scheduled = schedules::scheduled(training.model.layers(), step);
        values.extend(scheduled.into_iter().map(|(name, rate)| (name, format!("{rate:.4}"))));
        let to_come = match self.runs_to_come {
            0 => String::new(),
            1 => " · 1 run to come".into(),
            runs => format!(" · {runs} runs to come"),
        };
        let epoch = (training.epoch + usize::from(done > 0.0)).clamp(1, training.epochs.max(1));
        let digits = training.epochs.to_string().len();
        let frame = Frame {
            title: format!("{} · seed {}{to_come}", self.name, self.seed),
            head: format!("Epoch {epoch:>digits$}/{}", training.epochs),
            epochs: training.epochs as f64,
            phases: true,
            done: if done > 0.0 { done } else { 1.0 },
            pace,
            values,
            charts,
            names,
        };
        let text = frame.text(width, height, console::colors_enabled_stderr());
        screen.draw(&text);
    }

    fn speed(&self) -> String {
        format!("{:.0} samples/s", self.samples as f64 / self.started.elapsed().as_secs_f64().max(1e-9))
    }
}

/// A column against its epochs, counted from 1.
fn points(history: &History, column: &[f64]) -> Vec<(f64, f64)> {
    history.epochs().iter().map(|epoch| (epoch + 1) as f64).zip(column.iter().copied()).collect()
}

impl Callback for Watch {
    fn on_train_begin(&mut self, _: &mut Training) -> Result<()> {
        self.begun = Instant::now();
        Ok(())
    }

    fn on_epoch_begin(&mut self, _: &mut Training, _: usize) -> Result<()> {
        if self.screen.is_none() {
            self.screen = Screen::open();
        }
        self.pace.begin(Instant::now());
        self.started = Instant::now();
        self.samples = 0;
        Ok(())
    }

    fn on_batch_end(&mut self, training: &mut Training, batch: &BatchEnd) -> Result<()> {
        self.samples = batch.samples();
        let last = batch.step + 1 == batch.steps;
        if last {
            self.pace.trained(Instant::now());
        }
        if self.drawn.elapsed() < PAUSE && !last {
            return Ok(());
        }
        let place = Place::of(training, batch, self.runs_to_come);
        let left = words(self.pace.left(self.started.elapsed().as_secs_f64(), &place));
        // What was measured in validation stays until it is measured anew.
        self.logs.extend(batch.logs(training));
        if training.history.is_empty() {
            if self.trail.len() >= TRAIL {
                let mut index = 0;
                self.trail.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
            }
            self.trail.push((training.epoch as f64 + place.done, self.logs.clone()));
        }
        let validating = if last && training.validation_samples > 0 { " · validating" } else { "" };
        let pace = format!("{}/{} · {left} left · {}{validating}", batch.step + 1, batch.steps, self.speed());
        self.draw(training, place.done, pace);
        Ok(())
    }

    fn on_epoch_recorded(&mut self, training: &mut Training) -> Result<()> {
        let last = |name: &str| Some((name.to_owned(), *training.history.get(name)?.last()?));
        self.logs = training.history.names().filter_map(last).collect();
        let pace = self.speed();
        self.draw(training, 0.0, pace);
        Ok(())
    }

    fn on_train_end(&mut self, training: &mut Training) -> Result<()> {
        self.watched.runs().push((self.name.clone(), training.history.clone()));
        if self.screen.take().is_some() {
            let values = said(&self.logs).into_iter().map(|(name, value)| format!(" · {name} {value}"));
            let (epochs, seconds) = (training.history.len(), self.begun.elapsed().as_secs_f64());
            let plural = if epochs == 1 { "epoch" } else { "epochs" };
            eprintln!(
                "{}, seed {}: {epochs} {plural} · {seconds:.1} s{}",
                self.name,
                self.seed,
                values.collect::<String>()
            );
        }
        Ok(())
    }
}
