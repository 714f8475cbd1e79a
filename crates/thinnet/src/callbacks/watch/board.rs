//! The picture of many runs that go on side by side.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::frame::Frame;
use super::plot::Curve;
use super::screen::Screen;
use crate::history::Logs;
use crate::report::is_report;

/// What the runs have reported so far.
#[derive(Debug)]
pub(crate) struct Board {
    runs: Mutex<Vec<Course>>,
}

/// The course of a run.
#[derive(Debug)]
struct Course {
    name: String,
    /// How many epochs are done.
    epochs: usize,
    /// Loss and accuracy, in training and in validation.
    columns: BTreeMap<String, Points>,
    /// The rates that are learned, and those that schedules give.
    rates: BTreeMap<String, Points>,
    ended: bool,
}

/// Values after epochs, which are counted from 1.
type Points = Vec<(f64, f64)>;

/// What a value is measured in: in training only where nothing is validated.
const PHASES: [(&str, &str); 2] = [("val_", "validation"), ("", "training")];

impl Course {
    /// The phase that a value is shown of, and its course there.
    fn of(&self, name: &str) -> Option<(&'static str, &Points)> {
        PHASES
            .iter()
            .find_map(|(prefix, phase)| Some((*phase, self.columns.get(&format!("{prefix}{name}"))?)))
    }

    /// The course of a value, if it is shown of that phase.
    fn in_phase(&self, name: &str, wanted: &str) -> Option<&Points> {
        self.of(name).filter(|(phase, _)| *phase == wanted).map(|(_, points)| points)
    }

    fn lowest(&self, phase: &str) -> Option<f64> {
        let losses = self.in_phase("loss", phase)?.iter().map(|(_, loss)| *loss);
        losses.filter(|loss| loss.is_finite()).min_by(f64::total_cmp)
    }
}

/// The colours of the board: those of curves in the legend's order.
const NAMES: [&str; 3] = ["ended", "running", "lowest loss so far"];

impl Board {
    /// Runs of these names, none of which has begun.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        let course =
            |name| Course { name, epochs: 0, columns: BTreeMap::new(), rates: BTreeMap::new(), ended: false };
        Self { runs: Mutex::new(names.map(course).collect()) }
    }

    fn runs(&self) -> MutexGuard<'_, Vec<Course>> {
        // Each change is a push or a flag, which is done or not.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up an epoch, counted from 0, of the run with that number, with the rates that schedules give after it.
    pub(crate) fn epoch(&self, run: usize, epoch: usize, logs: &Logs, scheduled: &[(String, f64)]) {
        let course = &mut self.runs()[run];
        course.epochs = epoch + 1;
        let at = course.epochs as f64;
        for (name, value) in logs {
            let columns = match name.strip_prefix("val_").unwrap_or(name) {
                "loss" | "accuracy" => &mut course.columns,
                _ if is_report(name) && name.ends_with("_rate") => &mut course.rates,
                _ => continue,
            };
            columns.entry(name.clone()).or_default().push((at, *value));
        }
        for (name, rate) in scheduled {
            course.rates.entry(name.clone()).or_default().push((at, *rate));
        }
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
        let known = || runs.iter().filter(|run| run.epochs > 0);
        // A loss in training says nothing beside one in validation.
        let lowest = PHASES.iter().find_map(|(_, phase)| {
            let lowest = known().filter_map(|run| Some((run.lowest(phase)?, run)));
            Some((*phase, lowest.min_by(|a, b| a.0.total_cmp(&b.0))?))
        });
        let is_best = |run: &Course| lowest.is_some_and(|(_, (_, best))| std::ptr::eq(best, run));
        let color = |run: &Course| match run.ended {
            _ if is_best(run) => 2,
            true => 0,
            false => 1,
        };
        let mut order: Vec<&Course> = known().collect();
        // What matters most is drawn last.
        order.sort_by_key(|run| color(run));
        let curve = |run: &Course, points: &Points| Curve {
            color: color(run),
            dashed: false,
            points: points.clone(),
        };
        let mut charts: Vec<(String, Vec<Curve>)> = Vec::new();
        for (_, phase) in PHASES {
            for name in ["loss", "accuracy"] {
                let curves = order.iter().filter_map(|run| Some(curve(run, run.in_phase(name, phase)?)));
                charts.push((format!("{phase} {name}"), curves.collect()));
            }
        }
        let rates = order.iter().flat_map(|run| run.rates.values().map(|points| curve(run, points)));
        charts.push(("rates".to_owned(), rates.collect()));
        let going_on = known().filter(|run| !run.ended).count();
        let mut values: Vec<(String, String)> = lowest
            .iter()
            .map(|(phase, (loss, run))| {
                (format!("lowest {phase} loss"), format!("{loss:.4} of {}", run.name))
            })
            .collect();
        let running = known()
            .filter(|run| !run.ended)
            .map(|run| (run.name.clone(), format!("after epoch {}", run.epochs)));
        values.extend(running);
        Frame {
            title: format!("{} runs, {} of them going on", runs.len(), going_on),
            head: "Epochs".into(),
            epochs: known().map(|run| run.epochs).max().unwrap_or(1) as f64,
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
            board.epoch(0, epoch, &logs(one), &[]);
            board.epoch(1, epoch, &logs(two), &[]);
        }
        board.end(0);
        let text = board.frame(0.5, "12 s left").text(80, 24, false);
        assert!(
            text.starts_with("3 runs, 1 of them going on\nEpochs ━") && text.contains("12 s left"),
            "\n{text}"
        );
        assert!(
            text.contains("lowest validation loss 0.3000 of rate 0.5 · rate 0.5 after epoch 3"),
            "\n{text}"
        );
        assert!(text.contains("validation loss") && !text.contains("validation accuracy"), "\n{text}");
        assert!(text.ends_with("━━ ended   ━━ running   ━━ lowest loss so far\n"), "\n{text}");
    }

    /// The names of the charts, and the best run.
    fn shown(board: &Board) -> (Vec<String>, String) {
        let frame = board.frame(0.5, "");
        let best = frame.values.into_iter().next().map(|(name, value)| format!("{name} {value}"));
        (frame.charts.into_iter().map(|(name, _)| name).collect(), best.unwrap_or_default())
    }

    #[test]
    fn charts_are_called_what_they_hold_and_the_best_is_one_of_a_kind() {
        let logs = |values: &[(&str, f64)]| {
            values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let board = Board::new(["a", "b"].map(str::to_owned).into_iter());
        board.epoch(0, 0, &logs(&[("loss", 0.1), ("accuracy", 0.9)]), &[]);
        let charts = ["training loss", "training accuracy"];
        assert_eq!(
            shown(&board),
            (charts.map(str::to_owned).to_vec(), "lowest training loss 0.1000 of a".into())
        );
        // The other one's loss in training would be lower.
        board.epoch(1, 0, &logs(&[("loss", 0.05), ("val_loss", 0.3)]), &[]);
        let charts = ["validation loss", "training loss", "training accuracy"];
        assert_eq!(
            shown(&board),
            (charts.map(str::to_owned).to_vec(), "lowest validation loss 0.3000 of b".into())
        );
        let frame = board.frame(0.5, "");
        assert!(frame.charts.iter().all(|(_, curves)| curves.len() == 1), "{frame:?}");
    }

    #[test]
    fn learned_and_scheduled_rates_have_a_chart() {
        let board = Board::new(["a".to_owned()].into_iter());
        let logs = [("loss", 0.5), ("learning_rate", 0.001), ("dense_rate", 0.1), ("dense_1_rate", 0.2)];
        let logs: Logs = logs.map(|(name, value)| (name.to_owned(), value)).into();
        board.epoch(0, 0, &logs, &[("dropout rate".to_owned(), 0.3)]);
        let frame = board.frame(0.5, "");
        let (name, curves) = &frame.charts[1];
        let rates: Vec<f64> = curves.iter().map(|curve| curve.points[0].1).collect();
        assert_eq!((name.as_str(), rates), ("rates", vec![0.2, 0.1, 0.3]));
    }
}
