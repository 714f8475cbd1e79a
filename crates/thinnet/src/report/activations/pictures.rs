//! Correlations, filters, maps and inputs as pictures, and the files that charts go to.

use std::path::Path;

use maud::Markup;
use ndarray::Array2;

use super::ActivationSection;
use crate::data::formats::image::picture_size;
use crate::error::Result;
use crate::inspection::{Filters, Group, Inspected};
use crate::report::color_map::ColorMap;
use crate::report::comparison::preposition;
use crate::report::figure::Figure;
use crate::report::pictures::{Panel, Pictures, Tile};

/// So many filters are shown at most, and units of a matrix.
const MOST_SHOWN: usize = 256;
/// A unit's field or a small kernel's weight is so many pixels large at most.
const MAGNIFIED: usize = 24;

/// A chart: what is drawn, the file's name without its ending, and what to say below.
pub(super) struct Chart {
    pub(super) name: String,
    caption: String,
    drawing: Drawing,
}

enum Drawing {
    Lines(Figure),
    Pictures(Pictures),
}

impl Chart {
    pub(super) fn markup(&self) -> Result<Markup> {
        match &self.drawing {
            Drawing::Lines(figure) => figure.markup(&self.caption),
            Drawing::Pictures(pictures) => pictures.markup(&self.caption),
        }
    }

    /// Writes it into a folder, as SVG and as PNG.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        ["svg", "png"].iter().try_for_each(|ending| {
            let path = folder.join(format!("{}.{ending}", self.name));
            match &self.drawing {
                Drawing::Lines(figure) => figure.write(&path),
                Drawing::Pictures(pictures) => pictures.write(&path),
            }
        })
    }
}

impl ActivationSection<'_> {
    /// All charts, in the page's order.
    pub(super) fn charts(&self) -> Vec<Chart> {
        let mut charts = Vec::new();
        let mut add = |name: String, drawing: Option<Drawing>, caption: &str| {
            charts.extend(drawing.map(|drawing| Chart { name, caption: caption.into(), drawing }));
        };
        let seeds = self.study.groups.iter().any(|group| group.models.len() > 1);
        let first = if seeds { " Of each kind, the first model is shown." } else { "" };
        add(self.file("input"), self.input_picture().map(Drawing::Pictures), "The input.");
        for layer in 0..self.study.layers.len() {
            let file = |what: &str| self.file(&format!("{}-{what}", self.study.layers[layer]));
            let pooled = if seeds { ", of all models of a kind together" } else { "" };
            let histograms = self.histograms(layer);
            let of_units =
                if histograms.panels.len() > 1 { ", and units which mean and which share" } else { "" };
            add(
                file("activations"),
                Some(Drawing::Lines(histograms)),
                &format!("How often activations have which size{of_units}{pooled}."),
            );
            add(
                file("output"),
                self.outputs(layer).map(Drawing::Pictures),
                &format!(
                    "What the layer gives for the input: a field for each unit, or a map for each channel.{first} Point at it to read its value."
                ),
            );
            add(
                file("correlations"),
                self.correlations(layer).map(Drawing::Pictures),
                &format!(
                    "How units go together over the inputs: orange, both are high at once; blue, one is low where the other is high; grey: a unit that never changes. Units are \
                     ordered so that those that go together lie together.{first} Point at a row to read of its unit."
                ),
            );
        }
        add(
            self.file("filters"),
            self.filters().map(Drawing::Pictures),
            &format!(
                "The weights by which each unit of the first layer multiplies the input; strokes and spots make weights near each other alike.{first} Point at a filter to read its range."
            ),
        );
        charts
    }

    /// A panel for the first model of each group; none where one has nothing to show.
    fn panels(&self, panel: impl Fn(&Group, &Inspected) -> Option<Panel>) -> Option<Vec<Panel>> {
        self.study.groups.iter().map(|group| panel(group, group.models.first()?)).collect()
    }

    fn correlations(&self, layer: usize) -> Option<Pictures> {
        let panels = self.panels(|group, model| {
            let correlations = model.layers[layer].statistics.correlations()?;
            model.layers[layer].measures.correlation?;
            Some(matrix(&group.name, &correlations))
        })?;
        let means = self.study.groups.iter().map(|group| {
            let mean = group.models.first().and_then(|model| model.layers[layer].measures.correlation);
            format!("{:.3} {}", mean.unwrap_or(f64::NAN), preposition(&group.name))
        });
        let title = format!(
            "{}: the mean |correlation| of two units is {}",
            self.title(layer),
            means.collect::<Vec<_>>().join(", ")
        );
        let scale = Some((ColorMap::BlueOrange { size: 1.0 }, "correlation of two units".into()));
        Some(Pictures { title, panels, scale })
    }

    fn filters(&self) -> Option<Pictures> {
        let all: Option<Vec<&Filters>> =
            self.study.groups.iter().map(|group| group.models.first()?.filters.as_ref()).collect();
        let all = all?;
        let size = f64::from(all.iter().map(|filters| filters.scale()).fold(0.0, f32::max));
        let map = ColorMap::BlueOrange { size };
        let is_colour = all.iter().any(|filters| filters.channels == 3);
        let panels =
            self.panels(|group, model| Some(filters_panel(&group.name, model.filters.as_ref()?, map)))?;
        let coherent =
            self.study.groups.iter().zip(&all).map(|(group, filters)| {
                format!("{:.2} {}", filters.mean_coherence(), preposition(&group.name))
            });
        let beginning = if self.name.is_empty() { "In".to_owned() } else { format!("{}: in", self.name) };
        let title = format!(
            "{beginning} first-layer filters, weights two places apart are correlated by {}",
            coherent.collect::<Vec<_>>().join(", ")
        );
        let scale = (!is_colour).then(|| (map, "weight".to_owned()));
        Some(Pictures { title, panels, scale })
    }

    /// What a layer gives for the only input.
    fn outputs(&self, layer: usize) -> Option<Pictures> {
        let all: Option<Vec<&Vec<f32>>> = self
            .study
            .groups
            .iter()
            .map(|group| group.models.first()?.layers[layer].output.as_ref())
            .collect();
        let values = || all.iter().flatten().flat_map(|output| output.iter()).map(|&value| f64::from(value));
        let (low, high) =
            values().fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let map = match low < 0.0 {
            true => ColorMap::BlueOrange { size: high.max(-low) },
            false => ColorMap::Viridis { low, high },
        };
        let panels = self.panels(|group, model| {
            let layer = &model.layers[layer];
            Some(output_panel(&group.name, layer.statistics.shape().axes(), layer.output.as_ref()?, map))
        })?;
        let active = self.study.groups.iter().zip(all.iter().flatten()).map(|(group, output)| {
            let active = output.iter().filter(|value| **value != 0.0).count();
            format!("{active} of {} {}", output.len(), preposition(&group.name))
        });
        let title = format!("{}: {} are not 0", self.title(layer), active.collect::<Vec<_>>().join(", "));
        Some(Pictures { title, panels, scale: Some((map, "activation".into())) })
    }

    fn input_picture(&self) -> Option<Pictures> {
        let input = self.input.as_ref()?;
        let (height, width, channels) = picture_size(input.sample_shape())?;
        if !matches!(channels, 1 | 3) {
            return None;
        }
        let mut values = vec![0.0; input.sample_shape().len()];
        input.gather(0, &mut values);
        let byte = |value: f32| (value * 255.0).round().clamp(0.0, 255.0) as u8;
        let pixels = values
            .chunks_exact(channels)
            .map(|pixel| std::array::from_fn(|channel| byte(pixel[channel % channels])));
        let tiles = vec![Tile { pixels: pixels.collect(), notes: Vec::new() }];
        let panels = vec![Panel { name: String::new(), height, width, tiles, columns: 1, magnified: 8 }];
        Some(Pictures { title: "The input".into(), panels, scale: None })
    }
}

/// A matrix of correlations, its units in an order that shows which go together.
fn matrix(name: &str, correlations: &Array2<f64>) -> Panel {
    let order = order(correlations);
    let each = order.len().div_ceil(MOST_SHOWN);
    let shown: Vec<usize> = order.iter().copied().step_by(each.max(1)).collect();
    let map = ColorMap::BlueOrange { size: 1.0 };
    let pixels = shown.iter().flat_map(|&a| shown.iter().map(move |&b| map.color(correlations[[a, b]])));
    let note = |&unit: &usize| {
        let others = || {
            (0..order.len()).filter(|&other| other != unit).map(|other| (other, correlations[[unit, other]]))
        };
        let finite = || others().filter(|(_, value)| value.is_finite());
        let most = finite().max_by(|a, b| a.1.total_cmp(&b.1));
        let least = finite().min_by(|a, b| a.1.total_cmp(&b.1));
        match (most, least) {
            (Some((with, most)), Some((against, least))) => {
                format!(
                    "unit {unit}: highest correlation {most:.2}, with unit {with}; lowest {least:.2}, with unit {against}"
                )
            }
            _ => format!("unit {unit} never changes"),
        }
    };
    let part = if each > 1 { format!(" ({} of {} units)", shown.len(), order.len()) } else { String::new() };
    let tiles = vec![Tile { pixels: pixels.collect(), notes: shown.iter().map(note).collect() }];
    Panel {
        name: format!("{name}{part}"),
        height: shown.len(),
        width: shown.len(),
        tiles,
        columns: 1,
        magnified: MAGNIFIED,
    }
}

/// Units by their part in what most of them have in common (the first principal component); those that never change last.
fn order(correlations: &Array2<f64>) -> Vec<usize> {
    /// Enough for a direction; more digits would not change the picture.
    const ROUNDS: usize = 60;
    let known = correlations.mapv(|value| if value.is_finite() { value } else { 0.0 });
    let count = known.nrows();
    // A start that no symmetry of the units hides the component from.
    let mut direction = ndarray::Array1::from_shape_fn(count, |unit| 1.0 + (unit as f64 * 0.618).fract());
    for _ in 0..ROUNDS {
        let next = known.dot(&direction);
        let length = next.dot(&next).sqrt();
        if length == 0.0 {
            break;
        }
        direction = next / length;
    }
    let mut order: Vec<usize> = (0..count).collect();
    let never = |unit: usize| !correlations[[unit, unit]].is_finite();
    order.sort_by(|&a, &b| never(a).cmp(&never(b)).then(direction[b].total_cmp(&direction[a])));
    order
}

fn filters_panel(name: &str, filters: &Filters, map: ColorMap) -> Panel {
    let (_, size) = map.ends();
    let count = filters.count().min(MOST_SHOWN);
    let tile = |filter: usize| {
        let weights = filters.get(filter);
        let pixels = weights.chunks_exact(filters.channels).map(|pixel| match *pixel {
            [weight] => map.color(f64::from(weight)),
            _ => std::array::from_fn(|channel| {
                let weight = f64::from(pixel[channel]);
                (127.5 * (1.0 + weight / size.max(1e-30))).round().clamp(0.0, 255.0) as u8
            }),
        });
        let (low, high) =
            weights.iter().fold((f32::MAX, f32::MIN), |(low, high), &w| (low.min(w), high.max(w)));
        let note = format!(
            "filter {filter}: weights {low:.3} to {high:.3}, coherence {:.2}",
            filters.coherence(filter)
        );
        Tile { pixels: pixels.collect(), notes: vec![note] }
    };
    let columns = (count as f64).sqrt().ceil() as usize;
    let part = if count < filters.count() {
        format!(" (the first {count} of {})", filters.count())
    } else {
        String::new()
    };
    Panel {
        name: format!("{name}{part}"),
        height: filters.height,
        width: filters.width,
        tiles: (0..count).map(tile).collect(),
        columns: columns.max(1),
        magnified: MAGNIFIED,
    }
}

/// A layer's output for one input: a map for each channel, else a field for each number.
fn output_panel(name: &str, axes: &[usize], output: &[f32], map: ColorMap) -> Panel {
    let color = |value: f32| map.color(f64::from(value));
    let (height, width, tiles): (usize, usize, Vec<Tile>) = match *axes {
        [height, width, channels] if height * width > 1 => {
            let tile = |channel: usize| {
                let values = || output[channel..].iter().step_by(channels).copied();
                let mean = values().map(f64::from).sum::<f64>() / (height * width) as f64;
                let largest = values().fold(f32::MIN, f32::max);
                let note = format!("channel {channel}: mean {mean:.3}, largest {largest:.3}");
                Tile { pixels: values().map(color).collect(), notes: vec![note] }
            };
            (height, width, (0..channels.min(MOST_SHOWN)).map(tile).collect())
        }
        _ => {
            let tile = |(unit, &value): (usize, &f32)| Tile {
                pixels: vec![color(value)],
                notes: vec![format!("unit {unit}: {value:.4}")],
            };
            (1, 1, output.iter().enumerate().map(tile).collect())
        }
    };
    let columns = match (height, width) {
        // Twice as wide as high.
        (1, 1) => (2.0 * tiles.len() as f64).sqrt().ceil() as usize,
        _ => (tiles.len() as f64).sqrt().ceil() as usize,
    };
    Panel { name: name.to_owned(), height, width, tiles, columns: columns.max(1), magnified: MAGNIFIED }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two camps that go against each other, their members mixed, and a dead unit.
    #[test]
    fn units_that_go_together_lie_together() {
        let camp = |unit: usize| if unit.is_multiple_of(2) { 1.0 } else { -1.0 };
        let correlations = Array2::from_shape_fn((9, 9), |(a, b)| match (a, b) {
            _ if a == 4 || b == 4 => f64::NAN,
            _ if a == b => 1.0,
            _ => 0.6 * camp(a) * camp(b),
        });
        let order = order(&correlations);
        assert_eq!(order[8], 4);
        let changes = order[..8].windows(2).filter(|pair| camp(pair[0]) != camp(pair[1])).count();
        assert_eq!(changes, 1, "{order:?}");
        let panel = matrix("m", &correlations);
        assert_eq!((panel.width, panel.tiles[0].notes.len()), (9, 9));
        assert_eq!(panel.tiles[0].notes[8], "unit 4 never changes");
        assert!(panel.tiles[0].notes[0].contains("highest correlation 0.60"), "{}", panel.tiles[0].notes[0]);
    }

    #[test]
    fn large_matrices_are_thinned_out() {
        let panel = matrix("m", &Array2::from_elem((600, 600), 0.5));
        assert_eq!(panel.name, "m (200 of 600 units)");
        assert_eq!(panel.tiles[0].pixels.len(), 200 * 200);
    }

    #[test]
    fn outputs_are_maps_or_fields() {
        let map = ColorMap::Viridis { low: 0.0, high: 1.0 };
        let maps = output_panel("m", &[2, 3, 4], &[0.5; 24], map);
        assert_eq!((maps.height, maps.width, maps.tiles.len(), maps.columns), (2, 3, 4, 2));
        let fields = output_panel("m", &[128], &[0.5; 128], map);
        assert_eq!((fields.height, fields.tiles.len(), fields.columns), (1, 128, 16));
        assert_eq!(fields.tiles[7].notes, ["unit 7: 0.5000"]);
    }
}
