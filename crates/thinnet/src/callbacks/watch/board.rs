//! The picture of many runs that go on side by side.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::frame::Frame;
use super::plot::Curve;
use super::screen::Screen;
use crate::history::Logs;

/// What the runs have reported so far.
#[derive(Debug)]
pub(crate) struct Board {
    runs: Mutex<Vec<Course>>,
}

/// The course of a run.
#[derive(Debug)]
struct Course {
    name: String,
    /// Loss after each epoch, with the epoch counted from 1; of validation, where there is one.
    losses: Vec<(f64, f64)>,
    accuracies: Vec<(f64, f64)>,
    ended: bool,
}

impl Course {
    fn lowest(&self) -> f64 {
        self.losses.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min)
    }
}

/// The colours of the board: those of curves in the legend's order.
const NAMES: [&str; 3] = ["ended", "running", "lowest loss so far"];

impl Board {
    /// Runs of these names, none of which has begun.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        let course = |name| Course { name, losses: Vec::new(), accuracies: Vec::new(), ended: false };
        Self { runs: Mutex::new(names.map(course).collect()) }
    }

    fn runs(&self) -> MutexGuard<'_, Vec<Course>> {
        // Each change is a push or a flag, which is done or not.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up an epoch, counted from 0, of the run with that number.
    pub(crate) fn epoch(&self, run: usize, epoch: usize, logs: &Logs) {
        let value = |name: &str| logs.get(&format!("val_{name}")).or_else(|| logs.get(name));
        let course = &mut self.runs()[run];
        let at = (epoch + 1) as f64;
        course.losses.extend(value("loss").map(|loss| (at, *loss)));
        course.accuracies.extend(value("accuracy").map(|accuracy| (at, *accuracy)));
    }

    /// The run with that number has ended.
    pub(crate) fn end(&self, run: usize) {
        self.runs()[run].ended = true;
    }

    /// Draws the runs; `done` is the share of all epochs, and `text` is said beside it.
    pub(crate) fn draw(&self, screen: &mut Screen, done: f64, text: &str) {
        let (width, height) = screen.size();
        let picture = self.frame(done, text).text(width, height, console::colors_enabled_stderr());
        screen.draw(&picture);
    }

    fn frame(&self, done: f64, text: &str) -> Frame {
        let runs = self.runs();
        let known = || runs.iter().filter(|run| !run.losses.is_empty());
        let best = known().min_by(|a, b| a.lowest().total_cmp(&b.lowest()));
        let is_best = |run: &Course| best.is_some_and(|best| std::ptr::eq(best, run));
        let color = |run: &Course| match run.ended {
            _ if is_best(run) => 2,
            true => 0,
            false => 1,
        };
        let mut order: Vec<&Course> = known().collect();
        // What matters most is drawn last.
        order.sort_by_key(|run| color(run));
        let chart = |name: &str, of: fn(&Course) -> &Vec<(f64, f64)>| {
            let curve = |run: &&Course| Curve { color: color(run), dashed: false, points: of(run).clone() };
            (name.to_owned(), order.iter().map(curve).filter(|curve| !curve.points.is_empty()).collect())
        };
        let charts: Vec<(String, Vec<Curve>)> = vec![
            chart("validation loss", |run| &run.losses),
            chart("validation accuracy", |run| &run.accuracies),
        ];
        let going_on = known().filter(|run| !run.ended).count();
        let mut values: Vec<(String, String)> = best
            .iter()
            .map(|run| ("lowest loss".to_owned(), format!("{:.4} of {}", run.lowest(), run.name)))
            .collect();
        let running = known().filter(|run| !run.ended).map(|run| {
            let epoch = run.losses.last().map_or(0.0, |(epoch, _)| *epoch);
            (run.name.clone(), format!("after epoch {epoch}"))
        });
        values.extend(running);
        Frame {
            title: format!("{} runs, {} of them going on", runs.len(), going_on),
            head: "Epochs".into(),
            epochs: known().flat_map(|run| &run.losses).map(|(epoch, _)| *epoch).fold(1.0, f64::max),
            done,
            pace: text.to_owned(),
            values,
            charts: charts.into_iter().filter(|(_, curves)| !curves.is_empty()).collect(),
            names: NAMES.map(str::to_owned).to_vec(),
            phases: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_shows_the_best_and_what_runs() {
        let board = Board::new(["rate 0.1", "rate 0.5", "rate 0.9"].map(str::to_owned).into_iter());
        assert!(board.frame(0.0, "").text(80, 24, false).starts_with("3 runs, 0 of them going on\nEpochs "));
        let logs = |loss: f64| Logs::from([("loss".to_owned(), 9.0), ("val_loss".to_owned(), loss)]);
        for (epoch, (one, two)) in [(0.5, 0.6), (0.4, 0.3), (f64::NAN, 0.35)].into_iter().enumerate() {
            board.epoch(0, epoch, &logs(one));
            board.epoch(1, epoch, &logs(two));
        }
        board.end(0);
        let text = board.frame(0.5, "12 s left").text(80, 24, false);
        assert!(
            text.starts_with("3 runs, 1 of them going on\nEpochs ━") && text.contains("12 s left"),
            "\n{text}"
        );
        assert!(text.contains("lowest loss 0.3000 of rate 0.5 · rate 0.5 after epoch 3"), "\n{text}");
        assert!(text.contains("validation loss") && !text.contains("validation accuracy"), "\n{text}");
        assert!(text.ends_with("━━ ended   ━━ running   ━━ lowest loss so far\n"), "\n{text}");
    }
}
