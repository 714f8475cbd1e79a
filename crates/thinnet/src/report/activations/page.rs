//! The page itself.

use maud::{Markup, html};

use super::{ActivationReport, ActivationSection};
use crate::error::Result;
use crate::model::thousands;
use crate::report::html::{again, folded, page, table};

impl ActivationReport<'_> {
    pub(super) fn page(&self) -> Result<String> {
        let mut sections = Vec::new();
        for section in self.sections {
            sections.push(section.body()?);
        }
        let single = self
            .sections
            .iter()
            .all(|section| section.study.groups.iter().all(|group| group.models.len() == 1));
        let correlated =
            self.tables().iter().any(|(_, rows)| rows[0].iter().any(|head| head.contains("correlation")));
        let body = html! {
            h2 { "What was run" }
            p { (self.data) }
            @for section in self.sections { (section.models(self.sections.len() > 1)) }
            @for note in self.notes { p.note { (note) } }
            h2 { "What happened" }
            ul { @for paragraph in self.verdict() { li { (paragraph) } } }
            @for section in &sections { (section) }
            p.quiet {
                "Zeros: the share of all activations that are exactly 0 (sparsity). Dead units: those that are 0 for every input. A unit is a neuron, or a channel of a map, "
                "of which each place counts."
                @if correlated { " Correlations are those of pairs of units that both change, over the inputs." }
            }
            h2 { "How sure is that" }
            p {
                @if single {
                    "These are the numbers of single trained models. An interval over inputs says what other inputs of the same kind would change, not what other seeds would. Give several models of "
                    "a kind, trained with other seeds, to tell the two apart."
                } @else {
                    "What stands after ± is half the 95 % interval of the mean over the seeds. Differences are those of pairs in the order given."
                }
            }
            h2 { "Where to look closer" }
            p { "Every unit: activations.csv; every layer of every model: measures.csv. Each chart lies beside this page as SVG and PNG." }
            (again(self.command))
        };
        Ok(page(self.title, &body))
    }
}

impl ActivationSection<'_> {
    fn models(&self, many: bool) -> Markup {
        let study = self.study;
        let list = html! { ul { @for group in &study.groups { li {
            (group.name) @if !is_named_alike(group) { ": " (group.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>().join(", ")) }
        } } } };
        html! {
            @if many { h3 { (self.name) } }
            @if !self.about.is_empty() { p { (self.about) } }
            p {
                (thousands(study.inputs)) @if study.inputs == 1 { " input" } @else { " inputs" }
                @match study.networks {
                    Some(1) => { ", dropout on, in one thinned network" }
                    Some(networks) => { ", dropout on, in " (thousands(networks)) " thinned networks" }
                    None => { ", dropout off, as in inference" }
                }
                "; layers: " (study.layers.join(", ")) "."
            }
            @if study.groups.iter().map(|group| group.models.len()).sum::<usize>() > 12 { (folded("The models", &list)) } @else { (list) }
        }
    }

    fn body(&self) -> Result<Markup> {
        let mut charts = Vec::new();
        for drawn in self.charts() {
            charts.push((drawn.markup()?, drawn));
        }
        let of = |layer: usize| {
            let start = self.file(&format!("{}-", self.study.layers[layer]));
            charts.iter().filter(move |(_, drawn)| {
                ["activations", "output", "correlations"]
                    .iter()
                    .any(|what| drawn.name == format!("{start}{what}"))
            })
        };
        let whole = |what: &str| {
            let name = self.file(what);
            charts.iter().filter(move |(_, drawn)| drawn.name == name)
        };
        Ok(html! {
            @for (markup, _) in whole("input") { (markup) }
            @for layer in 0..self.study.layers.len() {
                h3 { (self.title(layer)) }
                (table(&self.table(layer)))
                @for (markup, _) in of(layer) { (markup) }
            }
            @for (markup, _) in whole("filters") {
                h3 { @if !self.name.is_empty() { (self.name) ", " } "first-layer filters" }
                (markup)
            }
        })
    }
}

/// Whether a group is but one model, called as the group is.
fn is_named_alike(group: &crate::inspection::Group) -> bool {
    matches!(&group.models[..], [only] if only.name == group.name)
}
