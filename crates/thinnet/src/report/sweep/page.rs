//! The page of a sweep.

use maud::{Markup, html};

use super::Sweep;
use crate::error::Result;
use crate::report::discussion::{about_intervals, curves, tested};
use crate::report::html::{again, folded, page, table};
use crate::report::pairs::listed;
use crate::report::varied::{labels, words};

impl Sweep {
    pub(super) fn page(&self) -> Result<String> {
        let models = self.models();
        let seeds = self.seeds();
        let baseline = &self.points[self.baseline];
        let title = format!("A sweep over {} on {}", listed(&labels(&self.keys)), self.data);
        let body = html! {
            h2 { "What was run" }
            p { (self.about()) }
            @for note in &self.notes { p.note { (note) } }
            (folded(&format!("The model of “{}”", baseline.model.name), &html! { pre { (baseline.model.summary) } }))
            h2 { "What happened" }
            ul { @for sentence in self.discussion() { li { (sentence) } } }
            @if let Some(figure) = self.figure() {
                (figure.markup(if seeds > 1 { "Means over the seeds, with their 95 % intervals." } else { "" })?)
            }
            (table(&self.rows()))
            (about_intervals(seeds))
            (curves(&models, self.penalties_differ)?)
            h2 { "How sure is that" }
            @if models.len() > 1 {
                p { "Differences are those from “" (baseline.model.name) "”; --baseline chooses another point." }
            }
            @for paragraph in self.verdict() { p { (paragraph) } }
            (tested(&models, &self.compared(), self.against()))
            h2 { "Where to look closer" }
            (self.closer())
            (again(&self.command))
        };
        Ok(page(&title, &body))
    }

    /// What was run, in a sentence or two.
    fn about(&self) -> String {
        let of_key = |(key, label): (usize, String)| {
            let mut values: Vec<String> = Vec::new();
            for point in &self.points {
                let value = words(&point.values[key]);
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            format!("{label} ({})", values.join(", "))
        };
        let keys: Vec<String> = labels(&self.keys).into_iter().enumerate().map(of_key).collect();
        let runs = || self.points.iter().flat_map(|point| &point.model.runs);
        let seconds: f64 = runs().map(|run| run.seconds).sum();
        let epochs: usize = runs().map(|run| run.history.len()).sum();
        format!(
            "One experiment with every {} {}: {}, {} each, on {}. {epochs} epochs, {seconds:.0} s of training.",
            if keys.len() > 1 { "combination of" } else { "value of" },
            listed(&keys),
            counted(self.points.len(), "point"),
            counted(self.seeds(), "seed"),
            self.data
        )
    }

    /// The reports of all runs.
    fn closer(&self) -> Markup {
        let links = html! {
            ul { @for point in &self.points {
                li {
                    (point.model.name) ": "
                    @for (index, run) in point.model.runs.iter().enumerate() {
                        @if index > 0 { ", " }
                        a href=(format!("{}/seed-{}/report.html", point.folder, run.seed)) { "seed " (run.seed) }
                    }
                }
            } }
        };
        html! {
            p { "Every run has a folder of its own, with its model and its own report; sweep.csv has a row for each." }
            (folded("The reports of all runs", &links))
        }
    }
}

/// `1 seed`, `3 seeds`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
