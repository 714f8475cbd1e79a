//! Pages that need nothing else: their parts, and the page of a comparison.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::curves::{Curves, Run};
use super::{Comparison, learned_rates};
use crate::error::Result;
use crate::files::write_whole;
use crate::history::History;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Below the measures of models.
const MEASURES: &str = "Means over the seeds, with their 95 % intervals. What follows compares seed by seed, which can be surer.";

/// What a browser may load for a page: nothing but what is in it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

pub(super) fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                // An empty icon, or browsers ask for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { h1 { (title) } (body) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

pub(super) fn figure(runs: &[Run]) -> Result<Markup> {
    Curves::new(runs).figure().markup("Dashed: training, solid: validation.")
}

pub(super) fn table(rows: &[Vec<String>]) -> Markup {
    let (head, body) = rows.split_first().map_or((&[][..], rows), |(head, body)| (&head[..], body));
    html! {
        div.scroll { table {
            thead { tr { @for cell in head { th scope="col" { (cell) } } } }
            tbody { @for row in body { tr { @for (index, cell) in row.iter().enumerate() {
                @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
            } } } }
        } }
    }
}

pub(super) fn epochs(history: &History) -> Markup {
    let names: Vec<&str> = history.names().collect();
    let head = std::iter::once("epoch".to_owned()).chain(names.iter().map(|&name| name.to_owned())).collect();
    let row = |(index, epoch): (usize, &usize)| {
        let values = names.iter().map(|name| format!("{:.4}", history[name][index]));
        std::iter::once((epoch + 1).to_string()).chain(values).collect()
    };
    let rows: Vec<Vec<String>> =
        std::iter::once(head).chain(history.epochs().iter().enumerate().map(row)).collect();
    table(&rows)
}

pub(super) fn folded(title: &str, content: &Markup) -> Markup {
    html! { details { summary { (title) } (content) } }
}

pub(super) fn again(command: &str) -> Markup {
    html! { h2 { "Run it again" } pre.command { code { (command) } } p { "The same seed gives the same numbers, to the bit, on any number of threads." } }
}

impl Comparison {
    fn histories(&self) -> Vec<Run<'_>> {
        self.models
            .iter()
            .map(|model| Run {
                name: model.name.clone(),
                histories: model.runs.iter().map(|run| &run.history).collect(),
            })
            .collect()
    }

    /// Writes `comparison.csv`, `curves.svg`, `curves.png`, with several seeds `measures.svg` and `measures.png`, and
    /// `report.html` into a folder. `versus` are the models that
    /// the verdict compares the first one with.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path, title: &str, versus: &[usize]) -> Result<()> {
        self.write_csv(folder.join("comparison.csv"))?;
        let runs = self.histories();
        let curves = Curves::new(&runs);
        curves.write(folder.join("curves.svg"))?;
        curves.write(folder.join("curves.png"))?;
        learned_rates::write(&runs, folder)?;
        let measures = self.measures();
        if let Some(measures) = &measures {
            measures.write(&folder.join("measures.svg"))?;
            measures.write(&folder.join("measures.png"))?;
        }
        let seeds = self.models.first().map_or(0, |model| model.runs.len());
        let body = html! {
            h2 { "What was run" }
            p { (self.models.len()) " models on " (self.data) ", " (seeds) @if seeds == 1 { " seed" } @else { " seeds" } " each." }
            @for model in &self.models { (folded(&model.name, &html! { pre { (model.summary) } })) }
            h2 { "What happened" }
            (table(&self.rows()))
            (figure(&runs)?)
            @if let Some(rates) = learned_rates::markup(&runs)? { (rates) }
            @if let Some(measures) = &measures { (measures.markup(MEASURES)?) }
            h2 { "How sure is that" }
            @for paragraph in self.verdict(versus) { p { (paragraph) } }
            h2 { "Where to look closer" }
            @for model in &self.models {
                @for run in &model.runs {
                    (folded(&format!("{}, seed {}: every epoch", model.name, run.seed), &epochs(&run.history)))
                }
            }
            (again(&self.command))
        };
        let page = page(title, &body);
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }
}
