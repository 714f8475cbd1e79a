//! The charts of a sweep: each number against what was varied.

use serde_json::Value;

use super::Sweep;
use crate::report::discussion::CURVES;
use crate::report::figure::{Across, Figure, Joined, Panel, Point, Points};
use crate::report::measures::{Measure, Source};
use crate::report::varied::{axis, labels, words};

/// Points that are joined: they differ in one entry alone.
struct Group {
    /// Their values of the other entries.
    name: String,
    points: Vec<usize>,
}

impl Sweep {
    /// What is drawn and told: what chooses, what was tested, and how training went.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let models = self.models();
        let known = |measure: &Measure| measure.is_known(&models);
        let chooses = Some(Measure::VALIDATION_LOSS).filter(|loss| !self.penalties_differ && known(loss));
        let epoch = Some(Measure::BEST_EPOCH).filter(known);
        chooses.into_iter().chain(self.compared()).chain(epoch).collect()
    }

    /// Each number against what was varied; `None` where nothing was measured.
    pub(super) fn figure(&self) -> Option<Figure> {
        let models = self.models();
        let measures = self.measures();
        let is_tested = |measure: &&Measure| matches!(measure.source, Source::Test(_));
        let first = measures.iter().find(is_tested).or(measures.first())?.clone();
        let title = match self.along(&first) {
            Some(course) => format!("{} {course}", first.capitalized()),
            None => first.extremes(&models).unwrap_or_else(|| first.capitalized()),
        };
        let (panels, names) = match self.lines() {
            Some((across, groups)) => {
                let panels = measures.iter().map(|measure| self.panel(measure, across, &groups)).collect();
                (panels, groups.into_iter().map(|group| group.name).collect())
            }
            None => ((0..self.keys.len()).map(|key| self.scattered(&first, key)).collect(), Vec::new()),
        };
        Some(Figure { title, panels, names, phases: false })
    }

    /// Which entry goes across, and the groups of points that differ in it alone; `None` where they are too many to be told
    /// apart.
    fn lines(&self) -> Option<(usize, Vec<Group>)> {
        (0..self.keys.len()).find_map(|across| {
            let groups = self.groups(across);
            (groups.len() <= CURVES).then_some((across, groups))
        })
    }

    fn groups(&self, across: usize) -> Vec<Group> {
        let labels = labels(&self.keys);
        let mut groups: Vec<Group> = Vec::new();
        for (index, point) in self.points.iter().enumerate() {
            let others = labels.iter().zip(&point.values).enumerate().filter(|(key, _)| *key != across);
            let others: Vec<String> =
                others.map(|(_, (label, value))| format!("{label} {}", words(value))).collect();
            let name = others.join(", ");
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.points.push(index),
                None => groups.push(Group { name, points: vec![index] }),
            }
        }
        groups
    }

    /// The axis of an entry, and the place of each point on it.
    fn axis(&self, key: usize) -> (Across, Vec<f64>) {
        let values: Vec<&Value> = self.points.iter().map(|point| &point.values[key]).collect();
        axis(labels(&self.keys).swap_remove(key), &values)
    }

    fn point(&self, measure: &Measure, index: usize, at: f64) -> Option<Point> {
        let model = &self.points[index].model;
        let mean = measure.mean(model).filter(|(mean, _)| mean.is_finite())?;
        Some(Point { note: model.name.clone(), ..Point::new(at, mean) })
    }

    /// A number against one entry, a line for each group.
    fn panel(&self, measure: &Measure, key: usize, groups: &[Group]) -> Panel {
        let (across, places) = self.axis(key);
        let is_number = matches!(across, Across::Varied(..));
        let of_group = |(color, group): (usize, &Group)| {
            // Choices have room beside each other.
            let aside =
                if is_number { 0.0 } else { 0.1 * (color as f64 - (groups.len() as f64 - 1.0) / 2.0) };
            let mut points: Vec<Point> = group
                .points
                .iter()
                .filter_map(|&index| self.point(measure, index, places[index] + aside))
                .collect();
            points.sort_by(|a, b| a.at.total_cmp(&b.at));
            let label = if group.name.is_empty() { measure.name.to_string() } else { group.name.clone() };
            let joined = if is_number { Joined::Solid } else { Joined::Not };
            Points { label, color, joined, points }
        };
        let points = groups.iter().enumerate().map(of_group).collect();
        Panel { name: measure.name.to_string(), across, points, ..Panel::default() }
    }

    /// A number of every point against one entry.
    fn scattered(&self, measure: &Measure, key: usize) -> Panel {
        let (across, places) = self.axis(key);
        let points = (0..self.points.len()).filter_map(|index| self.point(measure, index, places[index]));
        let points = Points {
            label: measure.name.to_string(),
            color: 0,
            joined: Joined::Not,
            points: points.collect(),
        };
        Panel { name: measure.name.to_string(), across, points: vec![points], ..Panel::default() }
    }
}
