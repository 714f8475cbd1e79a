//! The page and the charts of a search.

use maud::{Markup, html};
use serde_json::Value;

use super::{Searched, Trial, Tuning, labels, words};
use crate::error::Result;
use crate::model::thousands;
use crate::report::figure::{Across, Figure, Joined, Line, Panel, Point, Points, Scale};
use crate::report::html::{again, folded, page, table};
use crate::report::varied::axis;

impl Tuning {
    pub(super) fn page(&self) -> Result<String> {
        let title = match &self.searches[..] {
            [_] => format!("A search on {}", self.data),
            searches => format!("{} searches, the best of each tested", searches.len()),
        };
        let candidates: usize = self.searches.iter().map(|search| search.trials.len()).sum();
        let epochs: usize =
            self.searches.iter().flat_map(|search| &search.trials).map(|trial| trial.trained).sum();
        let seconds: f64 =
            self.searches.iter().flat_map(|search| &search.trials).map(|trial| trial.seconds).sum();
        let body = html! {
            h2 { "What was run" }
            p {
                (self.search) " over " (labels(&self.varied).join(", ")) ": " (candidates) " candidates, "
                (thousands(epochs)) " epochs, " (format!("{seconds:.0}")) " s of training on one thread each. "
                "Candidates were judged by " (self.objective) ", of data that they were not trained on; test data were used once, \
                 at the end."
            }
            h2 { "What happened" }
            @if !self.comparisons().is_empty() {
                (table(&self.published_rows()))
                p.quiet { "What stands after ± is a standard error; behind the difference, half the 95 % interval." }
                (self.beside()?.markup("Points: the mean; whiskers: the 95 % interval of the paired difference.")?)
            }
            (self.effects()?.markup(self.about_effects())?)
            @if let [search] = &self.searches[..] {
                @if let Some(progress) = self.progress(search) {
                    (progress.markup("Each step is a candidate that was better than all before it.")?)
                }
                (table(&self.rows()))
            } @else {
                (table(&self.choices()))
            }
            h2 { "How sure is that" }
            @for sentence in self.sentences() { p { (sentence) } }
            h2 { "Where to look closer" }
            (self.closer())
            (again(&self.command))
        };
        Ok(page(&title, &body))
    }

    fn closer(&self) -> Markup {
        html! {
            @if self.searches.len() > 1 { (folded("What was chosen in each search", &table(&self.rows()))) }
            @for search in &self.searches {
                @let name = if search.name.is_empty() { "All candidates".to_owned() } else { format!("{}: all candidates", search.name) };
                (folded(&name, &table(&self.candidates(search, usize::MAX))))
            }
        }
    }

    /// How often each value was chosen.
    fn choices(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["entry".to_owned(), "value".to_owned(), "chosen".to_owned()]];
        for (index, label) in labels(&self.varied).into_iter().enumerate() {
            let mut counts: Vec<(String, usize)> = Vec::new();
            for best in self.searches.iter().filter_map(Searched::best) {
                let value = words(&best.values[index]);
                match counts.iter_mut().find(|(other, _)| *other == value) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((value, 1)),
                }
            }
            counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            rows.extend(
                counts.into_iter().map(|(value, count)| vec![label.clone(), value, count.to_string()]),
            );
        }
        rows
    }

    fn about_effects(&self) -> &'static str {
        match self.searches.len() {
            1 if self.rungs().len() > 1 => {
                "Each point is a candidate, as it was when it was left behind or had come to its end. Only those of the same \
                 colour can be compared."
            }
            1 => "Each point is a candidate.",
            _ => {
                "Each point is the mean over all candidates with that value, of how far they are from the best of their search; \
                  whiskers: its 95 % interval."
            }
        }
    }

    /// The objective against each entry that was varied.
    fn effects(&self) -> Result<Figure> {
        let labels = labels(&self.varied);
        let panels = labels.iter().enumerate().map(|(index, label)| self.effect(index, label)).collect();
        let title = match self.searches.len() {
            1 => format!("{} of each candidate", self.objective),
            _ => format!("What each value costs in {}", self.objective),
        };
        let names = match &self.rungs()[..] {
            [_] => Vec::new(),
            rungs => rungs.iter().map(|epochs| after(*epochs)).collect(),
        };
        Ok(Figure { title, panels, names, ..Figure::default() })
    }

    /// After how many epochs candidates were judged for the last time, the most first; of several searches only the most.
    fn rungs(&self) -> Vec<usize> {
        let [search] = &self.searches[..] else { return vec![self.epochs] };
        let mut rungs: Vec<usize> = search.trials.iter().map(|trial| trial.epochs).collect();
        rungs.sort_by(|a, b| b.cmp(a));
        rungs.dedup();
        rungs
    }

    fn effect(&self, index: usize, label: &str) -> Panel {
        let rungs = self.rungs();
        // (value, the objective or its distance from the best of the search, candidate)
        let mut found = Vec::new();
        for search in &self.searches {
            let Some(best) = search.best() else { continue };
            for trial in search.trials.iter().filter(|trial| rungs.contains(&trial.epochs)) {
                let mean = trial.objective().0;
                let value = if self.searches.len() == 1 { mean } else { (mean - best.objective().0).abs() };
                if value.is_finite() {
                    found.push((&trial.values[index], value, trial));
                }
            }
        }
        let values: Vec<&Value> = found.iter().map(|(value, ..)| *value).collect();
        let (across, places) = axis(label.to_owned(), &values);
        if self.searches.len() == 1 {
            let of_rung = |(color, epochs): (usize, &usize)| {
                let here = found.iter().zip(&places).filter(|((.., trial), _)| trial.epochs == *epochs);
                let points = here.map(|((.., trial), &at)| Point {
                    note: format!("candidate {} ({})", trial.number + 1, self.told(trial)),
                    ..Point::new(at, trial.objective())
                });
                let label = if rungs.len() == 1 { self.objective.clone() } else { after(*epochs) };
                Points { label, color, joined: Joined::Not, points: points.collect() }
            };
            let points = rungs.iter().enumerate().map(of_rung).collect();
            return Panel { name: self.objective.clone(), across, points, ..Panel::default() };
        }
        let mut different = places.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        let mean = |&at: &f64| {
            let here = found.iter().zip(&places).filter(|(_, place)| **place == at);
            let values: Vec<f64> = here.map(|((_, value, _), _)| *value).collect();
            Point::new(at, crate::report::statistics::mean_interval(&values))
        };
        let points = different.iter().map(mean).collect();
        let name = "distance from the best".to_owned();
        let points = vec![Points { label: name.clone(), color: 0, joined: Joined::Not, points }];
        Panel { name, across, points, ..Panel::default() }
    }

    /// The best objective so far against the epochs spent, where several candidates have come to their end.
    fn progress(&self, search: &Searched) -> Option<Figure> {
        let full = search.best().map_or(0, |best| best.epochs);
        let (mut spent, mut best, mut points) = (0, f64::NAN, Vec::new());
        let mut trials: Vec<&Trial> = search.trials.iter().collect();
        trials.sort_by_key(|trial| (trial.epochs, trial.number));
        for trial in trials {
            spent += trial.trained;
            let mean = trial.objective().0;
            if trial.epochs < full || !trial.is_finite() {
                continue;
            }
            if best.is_nan() || (self.up && mean > best) || (!self.up && mean < best) {
                best = mean;
            }
            points.push((spent as f64, best, 0.0));
        }
        if points.len() < 2 {
            return None;
        }
        let line = Line { label: "best so far".into(), color: 0, dashed: false, points };
        let panel = Panel {
            name: self.objective.clone(),
            across: Across::Varied("epochs spent".into(), Scale::Linear),
            lines: vec![line],
            ..Panel::default()
        };
        Some(Figure {
            title: "The best so far against what was spent".into(),
            panels: vec![panel],
            ..Figure::default()
        })
    }

    /// Ours less the published means, in standard errors of those.
    fn beside(&self) -> Result<Figure> {
        let comparisons = self.comparisons();
        let mut groups: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for beside in &comparisons {
            if !groups.contains(&beside.group) {
                groups.push(beside.group.clone());
            }
            if !names.contains(&beside.name) {
                names.push(beside.name.clone());
            }
        }
        let points = names.iter().enumerate().map(|(color, name)| {
            let of_name =
                comparisons.iter().filter(|beside| beside.name == *name && beside.theirs.1.is_finite());
            let point = |beside: &super::published::Beside| {
                let place = groups.iter().position(|group| *group == beside.group).unwrap_or(0) as f64;
                let aside = 0.16 * (color as f64 - (names.len() as f64 - 1.0) / 2.0);
                let half = beside.difference.1 / beside.theirs.1;
                Point {
                    note: format!("ours {:.3}, published {:.3}", beside.ours.0, beside.theirs.0),
                    ..Point::new(place + aside, (beside.distance(), half))
                }
            };
            Points { label: name.clone(), color, joined: Joined::Not, points: of_name.map(point).collect() }
        });
        let panel = Panel {
            name: "standard errors of the published mean".into(),
            points: points.collect(),
            across: Across::Choices(labels(&self.each).first().cloned().unwrap_or_default(), groups),
            ..Panel::default()
        };
        Ok(Figure {
            title: "Ours less the published means".into(),
            panels: vec![panel],
            names,
            phases: false,
        })
    }
}

/// What candidates that were judged after so many epochs are called.
fn after(epochs: usize) -> String {
    format!("after {epochs} {}", if epochs == 1 { "epoch" } else { "epochs" })
}
