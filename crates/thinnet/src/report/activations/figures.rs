//! Histograms of activations and of units.

use super::{ActivationSection, COLUMNS};
use crate::inspection::{Group, Histogram, Unit};
use crate::report::comparison::preposition;
use crate::report::figure::{Across, Bar, Figure, Panel};

/// Bars of a histogram over all activations, about.
const BARS: f64 = 40.0;
/// Bars of a histogram over units.
const UNIT_BARS: usize = 24;

impl ActivationSection<'_> {
    /// How activations, units' means and the shares in which they are active are distributed.
    pub(super) fn histograms(&self, layer: usize) -> Figure {
        let groups = &self.study.groups;
        let mut panels = vec![self.activations(layer)];
        let one = groups
            .iter()
            .flat_map(|group| &group.models)
            .all(|model| model.layers[layer].statistics.observations() == 1);
        if !one {
            let highest = |of: fn(&Unit) -> f64| {
                units(groups, layer)
                    .flat_map(|(_, units)| units)
                    .map(|unit| of(&unit))
                    .fold(f64::MIN, f64::max)
            };
            let lowest =
                units(groups, layer).flat_map(|(_, units)| units).map(|unit| unit.mean).fold(0.0, f64::min);
            let mean = |unit: &Unit| unit.mean;
            let top = highest(mean).max(lowest + 1e-6);
            panels.push(self.of_units(layer, "mean activation of a unit", lowest, top, mean));
            panels
                .push(self.of_units(layer, "share of inputs that activate it", 0.0, 1.0, |unit| unit.active));
        }
        let zeros = |group: &Group| {
            let values: Vec<f64> =
                group.models.iter().map(|model| model.layers[layer].measures.sparsity).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            format!("{} {}", COLUMNS[1].written(mean), preposition(&group.name))
        };
        let zeros: Vec<String> = groups.iter().map(zeros).collect();
        let title = format!("{}: shares of activations that are 0: {}", self.title(layer), zeros.join(", "));
        Figure {
            title,
            panels,
            names: groups.iter().map(|group| group.name.clone()).collect(),
            phases: false,
        }
    }

    fn activations(&self, layer: usize) -> Panel {
        let pooled: Vec<Histogram> = self.study.groups.iter().map(|group| pooled(group, layer)).collect();
        let ends = |histogram: &Histogram| (low_end(histogram), high_end(histogram));
        let (low, high) =
            pooled.iter().map(ends).fold((0.0_f64, 0.0_f64), |(low, high), (l, h)| (low.min(l), high.max(h)));
        let width = pooled.iter().map(Histogram::width).fold(((high - low) / BARS).max(1e-9), f64::max);
        let mut bars = Vec::new();
        for (color, (histogram, group)) in pooled.into_iter().zip(&self.study.groups).enumerate() {
            let mut histogram = histogram;
            histogram.widen_to(width);
            let count = histogram.count();
            for (from, to, values) in
                histogram.bins().filter(|&(from, to, values)| values > 0 && to > low && from < high)
            {
                let height = values as f64 / count as f64;
                let note =
                    format!("{}, {from:.3} to {to:.3}: {:.2} % of activations", group.name, 100.0 * height);
                bars.push(Bar { low: from, high: to, height, color, interval: None, note });
            }
        }
        let (from, to) =
            bars.iter().fold((low, high), |(low, high), bar| (low.min(bar.low), high.max(bar.high)));
        Panel {
            name: "share of activations".into(),
            across: Across::Values("activation that is not 0", from, to.max(from + 1e-6)),
            bars,
            ..Panel::default()
        }
    }

    fn of_units(&self, layer: usize, name: &'static str, low: f64, high: f64, of: fn(&Unit) -> f64) -> Panel {
        let width = (high - low) / UNIT_BARS as f64;
        let mut bars = Vec::new();
        for (color, (group, units)) in units(&self.study.groups, layer).enumerate() {
            let mut counts = [0_usize; UNIT_BARS];
            for unit in &units {
                counts[(((of(unit) - low) / width) as usize).min(UNIT_BARS - 1)] += 1;
            }
            for (index, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (from, to) = (low + index as f64 * width, low + (index + 1) as f64 * width);
                let height = count as f64 / units.len() as f64;
                let note =
                    format!("{}, {name} {from:.3} to {to:.3}: {count} of {} units", group.name, units.len());
                bars.push(Bar { low: from, high: to, height, color, interval: None, note });
            }
        }
        let (name, across) = ("share of units".into(), Across::Values(name, low, high));
        Panel { name, across, bars, ..Panel::default() }
    }
}

/// The units of all models of each group.
fn units(groups: &[Group], layer: usize) -> impl Iterator<Item = (&Group, Vec<Unit>)> {
    groups.iter().map(move |group| {
        let models = group.models.iter();
        (group, models.flat_map(|model| model.layers[layer].statistics.units()).collect())
    })
}

/// The activations of all models of a group.
fn pooled(group: &Group, layer: usize) -> Histogram {
    let mut all = Histogram::default();
    group.models.iter().for_each(|model| all.merge(model.layers[layer].statistics.histogram()));
    all
}

/// Above this, one in a thousand of the activations that are not 0.
fn high_end(histogram: &Histogram) -> f64 {
    let bins: Vec<_> = histogram.bins().collect();
    end(bins.iter().rev().map(|&(_, to, count)| (to, count)), histogram)
}

/// Below this, one in a thousand of them.
fn low_end(histogram: &Histogram) -> f64 {
    let bins: Vec<_> = histogram.bins().collect();
    end(bins.iter().map(|&(from, _, count)| (from, count)), histogram)
}

fn end(bins: impl Iterator<Item = (f64, u64)>, histogram: &Histogram) -> f64 {
    let few = (histogram.count() - histogram.zeros()) / 1000;
    let mut beyond = 0;
    for (border, count) in bins {
        beyond += count;
        if beyond > few {
            return border;
        }
    }
    0.0
}
