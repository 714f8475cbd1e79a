//! Learning curves: the tutorial's figure of accuracy and loss, for any number of models.

use std::path::Path;

use super::comparison::lowest;
use super::figure::number::value;
use super::figure::{Figure, Line, Panel};
use super::learned_rates::is_report;
use super::statistics::mean_interval;
use crate::error::Result;
use crate::history::History;

/// A model and its runs, one a seed.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// What the model is called.
    pub name: String,
    /// One history a seed; several are drawn as their mean with a 95 % band.
    pub histories: Vec<&'a History>,
}

/// Accuracy and loss against the epochs: one colour a model, training dashed, validation solid.
///
/// ```
/// use thinnet::History;
/// use thinnet::report::{Curves, Run};
///
/// let mut history = History::default();
/// for (epoch, loss) in [0.9, 0.5, 0.4].into_iter().enumerate() {
///     history.push(epoch, [("loss".to_owned(), loss)].into());
/// }
/// let runs = [Run { name: "small".into(), histories: vec![&history] }];
/// let curves = Curves::new(&runs);
/// assert_eq!(curves.title(), "Training loss falls from 0.9000 to 0.4000 in 3 epochs");
/// assert!(curves.svg()?.starts_with("<svg"));
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Debug)]
pub struct Curves<'a> {
    runs: &'a [Run<'a>],
    penalties_differ: bool,
}

impl<'a> Curves<'a> {
    /// The curves of some models.
    pub fn new(runs: &'a [Run<'a>]) -> Self {
        Self { runs, penalties_differ: false }
    }

    /// Whether the models have different penalties: their losses are not compared then.
    pub fn penalties_differ(mut self, differ: bool) -> Self {
        self.penalties_differ = differ;
        self
    }

    /// What the figure shows, in a sentence drawn from the numbers.
    pub fn title(&self) -> String {
        let several = self.runs.len() > 1;
        let of = |name: &str| if several { format!(" for “{name}”") } else { String::new() };
        let courses: Vec<_> = self.runs.iter().map(|run| (run, validated(run))).collect();
        let (mut lost, mut risen, mut near) = (Vec::new(), Vec::new(), Vec::new());
        for (run, losses) in &courses {
            match End::of(losses) {
                Some(End::NotFinite) => lost.push(run),
                Some(End::Above { epoch, low, end }) => risen.push(((end - low) / low.abs(), epoch, run)),
                Some(End::Near) => near.extend(losses.last().map(|&(epochs, loss)| (loss, epochs, run))),
                None => {}
            }
        }
        match &lost[..] {
            [] => {}
            [run] => return format!("Validation loss is NaN or infinite at the end{}", of(&run.name)),
            _ => {
                return format!(
                    "Validation loss is NaN or infinite at the end for {} of {} models",
                    lost.len(),
                    self.runs.len()
                );
            }
        }
        if let Some((_, epoch, run)) = risen.iter().max_by(|a, b| a.0.total_cmp(&b.0)) {
            return match risen.len() {
                1 => format!("Validation loss turns up after epoch {epoch}{}", of(&run.name)),
                count if self.penalties_differ => {
                    format!("Validation loss turns up for {count} of {} models", self.runs.len())
                }
                count => format!(
                    "Validation loss turns up for {count} of {} models, most{}, after epoch {epoch}",
                    self.runs.len(),
                    of(&run.name)
                ),
            };
        }
        if let Some((loss, epochs, run)) = near.iter().min_by(|a, b| a.0.total_cmp(&b.0))
            && several
        {
            if self.penalties_differ {
                return "Validation loss turns up for none of the models".into();
            }
            let plural = if *epochs == 1 { "epoch" } else { "epochs" };
            return format!(
                "Validation loss is lowest for “{}” after {epochs} {plural}: {}",
                run.name,
                value(*loss)
            );
        }
        let validation = courses.first().and_then(|(run, losses)| {
            let before = first_epoch(run) - 1;
            let losses: Vec<_> = losses.iter().map(|&(epoch, loss)| (epoch - before, loss)).collect();
            went("Validation loss", &losses)
        });
        let training = || {
            let (run, _) = courses.first()?;
            let losses = mean_course(run, "loss")?.into_iter().enumerate();
            let losses: Vec<_> = losses.map(|(index, (loss, _))| (index + 1, loss)).collect();
            Some(went("Training loss", &losses)? + &of(&run.name))
        };
        validation.or_else(training).unwrap_or_else(|| "Nothing was recorded".into())
    }

    /// The figure as SVG, with a value for each point that a browser shows under the pointer.
    ///
    /// # Errors
    /// Where it cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        self.figure().svg()
    }

    /// The figure as PNG.
    ///
    /// # Errors
    /// Where it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.figure().png()
    }

    /// Writes the figure: SVG or PNG, by the file's ending.
    ///
    /// # Errors
    /// Where the ending is another one, or the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.figure().write(path.as_ref())
    }

    pub(super) fn figure(&self) -> Figure {
        let has = |name: &str| self.runs.iter().any(|run| mean_course(run, name).is_some());
        // Without accuracy: the first metric in its place, if there is one.
        let metric = if has("accuracy") {
            Some("accuracy".to_owned())
        } else {
            let names = self.runs.iter().flat_map(|run| &run.histories).flat_map(|history| history.names());
            let mut metrics = names.filter(|name| {
                !name.starts_with("val_") && !["loss", "learning_rate"].contains(name) && !is_report(name)
            });
            metrics.next().map(str::to_owned)
        };
        let panels = metric.into_iter().chain(["loss".to_owned()]).map(|name| self.panel(&name)).collect();
        let names = self.runs.iter().map(|run| run.name.clone()).collect();
        Figure { title: self.title(), panels, names, phases: true }
    }

    fn panel(&self, name: &str) -> Panel {
        let mut lines = Vec::new();
        for (color, run) in self.runs.iter().enumerate() {
            for (prefix, phase, dashed) in [("", "training", true), ("val_", "validation", false)] {
                let Some(points) = mean_course(run, &format!("{prefix}{name}")) else { continue };
                let first = first_epoch(run);
                let points = points.into_iter().enumerate();
                let points =
                    points.map(|(index, (mean, half))| ((first + index) as f64, mean, half)).collect();
                lines.push(Line { label: format!("{}, {phase}", run.name), color, dashed, points });
            }
        }
        let name = name.replace('_', " ");
        Panel { name, lines, ..Panel::default() }
    }
}

/// How a validation loss ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// More than 5 % above its lowest, which it has after this epoch, counted from 1.
    Above { epoch: usize, low: f64, end: f64 },
    /// Within 5 % of its lowest.
    Near,
    /// NaN or infinite.
    NotFinite,
}

impl End {
    /// Of losses with their epochs, as [`validated`] gives them. A loss may be negative: a layer may subtract an entropy.
    pub(super) fn of(losses: &[(usize, f64)]) -> Option<Self> {
        let (_, end) = *losses.last()?;
        if !end.is_finite() {
            return Some(Self::NotFinite);
        }
        let (index, low) = lowest(losses.iter().map(|(_, loss)| *loss))?;
        let risen = end - low > 0.05 * low.abs();
        Some(if risen { Self::Above { epoch: losses[index].0, low, end } } else { Self::Near })
    }
}

/// The mean validation loss after each epoch in which it was measured, with the epoch, counted from 1.
pub(super) fn validated(run: &Run) -> Vec<(usize, f64)> {
    let losses = mean_course(run, "val_loss").unwrap_or_default();
    let training = mean_course(run, "loss").unwrap_or_default();
    // `validation_freq` leaves NaN in the first epoch and between; where training diverged, its loss is NaN too.
    let now_and_then = losses.first().is_some_and(|(loss, _)| loss.is_nan());
    let left_out =
        |index: usize| now_and_then && training.get(index).is_some_and(|(loss, _)| loss.is_finite());
    let losses = losses.into_iter().enumerate();
    let measured = losses.filter(|&(index, (loss, _))| !loss.is_nan() || !left_out(index));
    let first = first_epoch(run);
    measured.map(|(index, (loss, _))| (first + index, loss)).collect()
}

/// The first epoch of a history, counted from 1: another one after an `initial_epoch`.
fn first_epoch(run: &Run) -> usize {
    run.histories.first().and_then(|history| history.epochs().first()).unwrap_or(&0) + 1
}

/// How a loss went, in a sentence, with the number of epochs until then.
fn went(what: &str, losses: &[(usize, f64)]) -> Option<String> {
    let ((_, first), (epochs, last)) = (losses.first()?, losses.last()?);
    let [from, to] = [first, last].map(|&loss| value(loss));
    Some(match losses.len() {
        1 if *epochs == 1 => format!("{what} is {to} after one epoch"),
        1 => format!("{what} is {to} after {epochs} epochs"),
        _ if losses.iter().all(|&(_, loss)| value(loss) == to) => {
            format!("{what} stays at {to} for {epochs} epochs")
        }
        _ => {
            // A fall that the printed numbers do not show is none to a reader.
            let verb = if last < first && from != to { "falls" } else { "goes" };
            format!("{what} {verb} from {from} to {to} in {epochs} epochs")
        }
    })
}

/// The mean of a value over the seeds after each epoch, and half its interval (0 for one seed); the epochs that all
/// seeds have.
pub(super) fn mean_course(run: &Run, name: &str) -> Option<Vec<(f64, f64)>> {
    let columns: Option<Vec<&[f64]>> = run.histories.iter().map(|history| history.get(name)).collect();
    let columns = columns.filter(|columns| !columns.is_empty())?;
    let epochs = columns.iter().map(|column| column.len()).min().filter(|&epochs| epochs > 0)?;
    let at = |epoch: usize| {
        let values: Vec<f64> = columns.iter().map(|column| column[epoch]).collect();
        let (mean, half) = mean_interval(&values);
        (mean, if half.is_finite() { half } else { 0.0 })
    };
    Some((0..epochs).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(columns: &[(&str, &[f64])]) -> History {
        let mut history = History::default();
        for epoch in 0..columns[0].1.len() {
            history.push(
                epoch,
                columns.iter().map(|(name, values)| ((*name).to_owned(), values[epoch])).collect(),
            );
        }
        history
    }

    #[test]
    fn titles_say_what_the_numbers_show() {
        let turning = history(&[("loss", &[0.5, 0.3, 0.1]), ("val_loss", &[0.4, 0.3, 0.35])]);
        let worse = history(&[("loss", &[0.5, 0.3, 0.1]), ("val_loss", &[0.2, 0.3, 0.4])]);
        let falling = history(&[("loss", &[0.5, 0.3, 0.2]), ("val_loss", &[0.4, 0.3, 0.25])]);
        let training = history(&[("loss", &[0.5, 0.25])]);
        let run = |name: &str, history| Run { name: name.into(), histories: vec![history] };
        for (runs, title) in [
            (vec![run("a", &falling), run("b", &turning)], "Validation loss turns up after epoch 2 for “b”"),
            (vec![run("b", &turning)], "Validation loss turns up after epoch 2"),
            (
                vec![run("a", &turning), run("b", &worse), run("c", &falling)],
                "Validation loss turns up for 2 of 3 models, most for “b”, after epoch 1",
            ),
            (vec![run("a", &falling)], "Validation loss falls from 0.4000 to 0.2500 in 3 epochs"),
            (
                vec![run("a", &falling), run("b", &falling)],
                "Validation loss is lowest for “a” after 3 epochs: 0.2500",
            ),
            (vec![run("a", &training)], "Training loss falls from 0.5000 to 0.2500 in 2 epochs"),
            (
                vec![run("a", &training), run("b", &training)],
                "Training loss falls from 0.5000 to 0.2500 in 2 epochs for “a”",
            ),
        ] {
            assert_eq!(Curves::new(&runs).title(), title);
        }
        // Where penalties differ, each loss is told by itself.
        for (runs, title) in [
            (vec![run("a", &falling), run("b", &falling)], "Validation loss turns up for none of the models"),
            (vec![run("a", &falling), run("b", &turning)], "Validation loss turns up after epoch 2 for “b”"),
            (vec![run("a", &turning), run("b", &worse)], "Validation loss turns up for 2 of 2 models"),
        ] {
            assert_eq!(Curves::new(&runs).penalties_differ(true).title(), title);
        }
    }

    #[test]
    fn epochs_count_from_the_initial_one() {
        let title = |losses: [f64; 3]| {
            let mut history = History::default();
            for (epoch, loss) in losses.into_iter().enumerate() {
                history.push(10 + epoch, [("val_loss".to_owned(), loss)].into());
            }
            Curves::new(&[Run { name: "m".into(), histories: vec![&history] }]).title()
        };
        assert_eq!(title([0.5, 0.3, 0.4]), "Validation loss turns up after epoch 12");
        assert_eq!(title([0.5, 0.4, 0.3]), "Validation loss falls from 0.5000 to 0.3000 in 3 epochs");
    }

    #[test]
    fn titles_are_true_of_losses_that_do_not_fall() {
        const NAN: f64 = f64::NAN;
        let title = |losses: &[&[f64]]| {
            let histories: Vec<History> =
                losses.iter().map(|losses| history(&[("val_loss", losses)])).collect();
            let run = |history| Run { name: "m".into(), histories: vec![history] };
            Curves::new(&histories.iter().map(run).collect::<Vec<_>>()).title()
        };
        for (losses, said) in [
            (&[1.13602, 1.13598, 1.13601][..], "stays at 1.1360 for 3 epochs"),
            (&[0.5, 0.49, 0.51], "goes from 0.5000 to 0.5100 in 3 epochs"),
            (&[1.77e-7, 9e-8, 6.45e-8], "falls from 1.77e-7 to 6.45e-8 in 3 epochs"),
            (&[0.5004, 0.51, 0.5002], "falls from 0.5004 to 0.5002 in 3 epochs"),
            (&[0.50004, 0.51, 0.50002], "goes from 0.5000 to 0.5000 in 3 epochs"),
            (&[0.5], "is 0.5000 after one epoch"),
            (&[0.5, 0.4, NAN], "is NaN or infinite at the end"),
            (&[NAN, NAN], "is NaN or infinite at the end"),
            (&[0.5, f64::INFINITY], "is NaN or infinite at the end"),
            (&[0.5, -0.1, -0.3], "falls from 0.5000 to -0.3000 in 3 epochs"),
            (&[-0.3, -0.31, -0.2], "turns up after epoch 2"),
        ] {
            assert_eq!(title(&[losses]), format!("Validation loss {said}"));
        }
        let diverged = &[0.5, NAN][..];
        let one = title(&[&[0.5, 0.4], diverged, &[0.5, 0.6]]);
        assert_eq!(one, "Validation loss is NaN or infinite at the end for “m”");
        let two = title(&[diverged, &[0.5, 0.4], diverged]);
        assert_eq!(two, "Validation loss is NaN or infinite at the end for 2 of 3 models");
    }

    #[test]
    fn an_epoch_without_validation_is_no_divergence() {
        const NAN: f64 = f64::NAN;
        let title = |history| Curves::new(&[Run { name: "m".into(), histories: vec![history] }]).title();
        let every_second =
            history(&[("loss", &[0.5, 0.4, 0.3, 0.2, 0.1]), ("val_loss", &[NAN, 0.5, NAN, 0.3, NAN])]);
        assert_eq!(title(&every_second), "Validation loss falls from 0.5000 to 0.3000 in 4 epochs");
        let diverged = history(&[("loss", &[0.5, 0.4, NAN, NAN]), ("val_loss", &[NAN, 0.5, NAN, NAN])]);
        assert_eq!(title(&diverged), "Validation loss is NaN or infinite at the end");
    }

    #[test]
    fn every_kind_of_history_can_be_drawn() {
        let nan = history(&[("loss", &[0.5, f64::NAN, 0.1]), ("mae", &[0.4, f64::INFINITY, 0.35])]);
        let one = history(&[("loss", &[0.5]), ("accuracy", &[0.4])]);
        let flat = history(&[("loss", &[0.5, 0.5]), ("val_loss", &[0.5, 0.5])]);
        for history in [&nan, &one, &flat, &History::default()] {
            let runs = [Run { name: "<b> & \"c\"".into(), histories: vec![history] }];
            let svg = Curves::new(&runs).svg().unwrap();
            assert!(svg.ends_with("</svg>\n") && !svg.contains("<b>"), "{svg}");
            // Nothing is fetched: the only address is the namespace's name.
            assert_eq!(svg.matches("http").count(), 1);
            let png = Curves::new(&runs).png().unwrap();
            assert!(png::Decoder::new(std::io::Cursor::new(png)).read_info().is_ok());
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let message = History::default().plot("curves.jpg").unwrap_err().to_string();
        assert_eq!(message, "curves.jpg: a figure's name must end in .svg or .png");
    }
}
