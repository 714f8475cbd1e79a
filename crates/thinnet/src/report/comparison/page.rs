//! The page of a comparison.

use std::path::Path;

use maud::html;

use super::{Comparison, Versus};
use crate::error::Result;
use crate::files::write_whole;
use crate::report::discussion::{courses, curves, every_epoch, tested, write_curves, write_figure};
use crate::report::html::{again, folded, page, table};
use crate::report::learned_rates;

/// Below the measures of models.
const MEASURES: &str = "Means over the seeds, with their 95 % intervals. What follows compares seed by seed, which can be surer.";

impl Comparison {
    /// Writes `comparison.csv`, `curves.svg`, `curves.png` (where there are many models, `curves-2.svg` … too), with several
    /// seeds `measures.svg` and `measures.png`, and `report.html` into a folder.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path, title: &str, versus: Versus) -> Result<()> {
        self.write_csv(folder.join("comparison.csv"))?;
        let models = self.models();
        let runs = courses(models.iter().copied());
        write_curves(&models, self.penalties_differ, folder)?;
        learned_rates::write(&runs, folder)?;
        let measures = self.measures(versus);
        if let Some(measures) = &measures {
            write_figure(measures, folder, "measures")?;
        }
        let body = html! {
            h2 { "What was run" }
            p { (self.models.len()) " models on " (self.data) ", " (self.seeds()) " each." }
            @for note in &self.notes { p.note { (note) } }
            @for model in &self.models { (folded(&model.name, &html! { pre { (model.summary) } })) }
            h2 { "What happened" }
            @if versus.tested().is_some() { ul { @for sentence in self.discussion() { li { (sentence) } } } }
            (table(&self.rows()))
            (curves(&models, self.penalties_differ)?)
            @if let Some(rates) = learned_rates::markup(&runs)? { (rates) }
            @if let Some(measures) = &measures { (measures.markup(MEASURES)?) }
            h2 { "How sure is that" }
            @for paragraph in self.verdict(versus) { p { (paragraph) } }
            @if let Some(against) = versus.tested() { (tested(&models, &self.common(), against)) }
            h2 { "Where to look closer" }
            (every_epoch(models.iter().copied()))
            (again(&self.command))
        };
        let page = page(title, &body);
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }

    /// How many seeds each model has, in words.
    fn seeds(&self) -> String {
        let counts = || self.models.iter().map(|model| model.runs.len());
        match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
            (1, 1) => "1 seed".into(),
            (least, most) if least == most => format!("{most} seeds"),
            (least, most) => format!("{least} to {most} seeds"),
        }
    }
}
