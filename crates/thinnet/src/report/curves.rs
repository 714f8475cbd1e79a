//! Learning curves: the tutorial's figure of accuracy and loss, for any number of models.

use std::path::Path;

use super::comparison::lowest;
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
/// assert_eq!(curves.title(), "Training loss falls from 0.900 to 0.400 in 3 epochs");
/// assert!(curves.svg()?.starts_with("<svg"));
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Debug)]
pub struct Curves<'a> {
    runs: &'a [Run<'a>],
}

impl<'a> Curves<'a> {
    /// The curves of some models.
    pub fn new(runs: &'a [Run<'a>]) -> Self {
        Self { runs }
    }

    /// What the figure shows, in a sentence drawn from the numbers.
    pub fn title(&self) -> String {
        let several = self.runs.len() > 1;
        let of = |name: &str| if several { format!(" for “{name}”") } else { String::new() };
        let courses = self.runs.iter().filter_map(|run| Some((run, mean_course(run, "val_loss")?)));
        // How far each validation loss has risen above its best, as a share of it.
        let risen = courses.clone().filter_map(|(run, losses)| {
            let (best, low) = lowest(losses.iter().map(|(mean, _)| *mean))?;
            let last = losses.last()?.0;
            (last > low * 1.05).then_some((last / low, best + 1, run))
        });
        let count = risen.clone().count();
        if let Some((_, epoch, run)) = risen.max_by(|a, b| a.0.total_cmp(&b.0)) {
            return match count {
                1 => format!("Validation loss turns up after epoch {epoch}{}", of(&run.name)),
                _ => format!(
                    "Validation loss turns up for {count} of {} models, most{}, after epoch {epoch}",
                    self.runs.len(),
                    of(&run.name)
                ),
            };
        }
        let lowest = courses.filter_map(|(run, losses)| Some((losses.last()?.0, losses.len(), run)));
        if let Some((loss, epochs, run)) = lowest.min_by(|a, b| a.0.total_cmp(&b.0)) {
            let lowest = if several { "Validation loss is lowest" } else { "Validation loss falls to" };
            let plural = if epochs == 1 { "epoch" } else { "epochs" };
            return match several {
                true => format!("{lowest}{} after {epochs} {plural}: {loss:.3}", of(&run.name)),
                false => format!("{lowest} {loss:.3} in {epochs} {plural}"),
            };
        }
        let training = self.runs.first().and_then(|run| mean_course(run, "loss"));
        match training.as_deref() {
            Some([first, .., last]) => {
                let (from, to, epochs) = (first.0, last.0, training.as_deref().map_or(0, <[_]>::len));
                let verb = if to < from { "falls" } else { "goes" };
                format!("Training loss {verb} from {from:.3} to {to:.3} in {epochs} epochs")
            }
            Some([only]) => format!("Training loss is {:.3} after one epoch", only.0),
            _ => "Nothing was recorded".into(),
        }
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
                let first =
                    run.histories.first().and_then(|history| history.epochs().first()).unwrap_or(&0) + 1;
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
            (vec![run("a", &falling)], "Validation loss falls to 0.250 in 3 epochs"),
            (vec![run("a", &training)], "Training loss falls from 0.500 to 0.250 in 2 epochs"),
        ] {
            assert_eq!(Curves::new(&runs).title(), title);
        }
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
