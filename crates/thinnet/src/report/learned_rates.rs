//! The paths of rates that layers learn, from what they report in the history.

use std::path::Path;

use maud::Markup;

use super::curves::{Run, mean_course};
use super::figure::{Figure, Line, Panel};
use crate::error::Result;

/// Whether a column of a history is what a layer reports of itself: a learned rate, or its share of weights that are off.
pub(crate) fn is_report(name: &str) -> bool {
    name.ends_with("_sparsity") || learner(name).is_some()
}

/// The layer whose learned rate a column of a history is.
fn learner(name: &str) -> Option<&str> {
    name.strip_suffix("_rate").filter(|layer| !matches!(*layer, "learning" | "val_learning"))
}

/// The names of the layers whose learned rates the runs recorded, in the order of the model: `dense`, `dense_1`, `dense_10`.
pub(super) fn learners(runs: &[Run]) -> Vec<String> {
    let names = runs.iter().flat_map(|run| &run.histories).flat_map(|history| history.names());
    let mut layers: Vec<String> = names.filter_map(learner).map(str::to_owned).collect();
    layers.sort_by_key(|layer| numbered(layer));
    layers.dedup();
    layers
}

/// A layer's kind and number, the first of which has none.
fn numbered(layer: &str) -> (String, usize) {
    let parts = layer.rsplit_once('_').and_then(|(kind, number)| Some((kind, number.parse().ok()?)));
    let (kind, number) = parts.unwrap_or((layer, 0));
    (kind.to_owned(), number)
}

/// The learned rates against the epochs: a panel for each model that has any, a colour for each layer. `names` are what the rates
/// are called, in the order of [`learners`]. `None` where no rates are learned.
pub(super) fn figure(runs: &[Run], names: &[String]) -> Option<Figure> {
    let layers = learners(runs);
    let mut panels = Vec::new();
    let mut ends: Vec<(f64, &str)> = Vec::new();
    for run in runs {
        let mut lines = Vec::new();
        for (color, (layer, name)) in layers.iter().zip(names).enumerate() {
            let Some(course) = mean_course(run, &format!("{layer}_rate")) else { continue };
            ends.extend(course.last().map(|(rate, _)| (*rate, name.as_str())));
            let points = course.iter().enumerate();
            let points = points.map(|(epoch, (mean, half))| ((epoch + 1) as f64, *mean, *half)).collect();
            lines.push(Line { label: name.clone(), color, dashed: false, points });
        }
        if !lines.is_empty() {
            let name = if runs.len() > 1 { format!("rate, {}", run.name) } else { "rate".into() };
            panels.push(Panel { name, lines, ..Panel::default() });
        }
    }
    let least = ends.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let most = ends.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let title = match &ends[..] {
        [(rate, layer)] => format!("The learned rate of {layer} ends at {rate:.3}"),
        _ => format!(
            "The learned rates end between {:.3} ({}) and {:.3} ({})",
            least.0, least.1, most.0, most.1
        ),
    };
    Some(Figure { title, panels, names: names.to_vec(), phases: false })
}

/// What is to be said below the figure.
const CAPTION: &str = "The rates that layers learn, after each epoch.";

/// The figure on a page, where rates are learned.
pub(super) fn markup(runs: &[Run]) -> Result<Option<Markup>> {
    figure(runs, &learners(runs)).map(|figure| figure.markup(CAPTION)).transpose()
}

/// Writes `rates.svg` and `rates.png` into a folder, where rates are learned.
pub(super) fn write(runs: &[Run], folder: &Path) -> Result<()> {
    let Some(figure) = figure(runs, &learners(runs)) else { return Ok(()) };
    figure.write(&folder.join("rates.svg"))?;
    figure.write(&folder.join("rates.png"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    fn history(rates: [f64; 2]) -> History {
        let mut history = History::default();
        for epoch in 0..2 {
            let logs = [
                ("dense_10_rate", rates[0]),
                ("dense_2_rate", rates[epoch]),
                ("learning_rate", 0.1),
                ("loss", 0.5),
            ];
            history.push(epoch, logs.map(|(name, value)| (name.to_owned(), value)).into());
        }
        history
    }

    #[test]
    fn rates_are_drawn_layer_by_layer_and_the_title_follows_the_numbers() {
        let (first, second) = (history([0.1, 0.3]), history([0.2, 0.4]));
        let runs = [Run { name: "a".into(), histories: vec![&first, &second] }];
        let figure = figure(&runs, &learners(&runs)).unwrap();
        assert_eq!(figure.title, "The learned rates end between 0.150 (dense_10) and 0.350 (dense_2)");
        assert_eq!(figure.names, ["dense_2", "dense_10"]);
        let [panel] = &figure.panels[..] else { panic!("one panel a model") };
        let [line, _] = &panel.lines[..] else { panic!("one line a layer") };
        assert_eq!((line.points[0].0, line.points[1].0), (1.0, 2.0));
        assert!((line.points[1].1 - 0.35).abs() < 1e-12 && line.points[1].2 > 0.0);
    }

    #[test]
    fn a_learning_rate_is_not_a_dropout_rate() {
        let mut history = History::default();
        history.push(0, [("learning_rate".to_owned(), 0.1), ("loss".to_owned(), 0.5)].into());
        assert!(figure(&[Run { name: "a".into(), histories: vec![&history] }], &[]).is_none());
        assert!(is_report("variational_dropout_sparsity") && is_report("concrete_dropout_1_rate"));
        assert!(!is_report("learning_rate") && !is_report("mean_absolute_error"));
    }
}
