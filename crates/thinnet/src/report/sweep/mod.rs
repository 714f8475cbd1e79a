//! What a grid of runs came to.

mod figures;
mod page;
mod sentences;

use std::path::Path;

use serde_json::Value;

use super::comparison::{Column, csv, rows};
use super::discussion::{write_curves, write_figure};
use super::measures::Measure;
use super::varied::{quoted, words};
use super::{ModelRuns, aligned};
use crate::error::Result;
use crate::files::write_whole;

/// The outcome of [`sweep`](crate::experiment::sweep()).
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What the data are called; those of the first point.
    pub data: String,
    /// The entries that were varied.
    pub keys: Vec<String>,
    /// The points of the grid; the last entry's values change fastest.
    pub points: Vec<SweepPoint>,
    /// The number of the point that differences are told against, from 0.
    pub baseline: usize,
    /// What the models were validated by.
    pub validated: Validated,
    /// Whether the models have different penalties: their losses are not compared then, and do not choose.
    pub penalties_differ: bool,
    /// What a reader must know before looking at the numbers.
    pub notes: Vec<String>,
    /// The command that repeats it.
    pub command: String,
}

/// A point of a grid.
#[derive(Clone, Debug)]
pub struct SweepPoint {
    /// Its values, in the order of the keys.
    pub values: Vec<Value>,
    /// The folder of its runs, within the sweep's; each of them is in `seed-N`.
    pub folder: String,
    /// Its runs, one a seed.
    pub model: ModelRuns,
}

/// What models were validated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validated {
    /// Training data that were kept for it.
    HeldOut,
    /// The test data.
    ByTest,
    /// Nothing.
    Not,
}

impl Sweep {
    fn models(&self) -> Vec<&ModelRuns> {
        self.points.iter().map(|point| &point.model).collect()
    }

    /// What of all runs can be compared: what was tested, accuracy and loss first, and how far training and validation are apart.
    fn compared(&self) -> Vec<Measure> {
        let mut measures = Measure::all(&self.models());
        measures.retain(|measure| !self.penalties_differ || !measure.is_of_losses());
        measures
    }

    fn seeds(&self) -> usize {
        self.points.first().map_or(0, |point| point.model.runs.len())
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let models = self.models();
        rows(&models, &Column::with_validation(&models))
    }

    /// A row for each point, as aligned text: means with their 95 % intervals.
    pub fn table(&self) -> String {
        aligned(&self.rows())
    }

    /// Writes `sweep.csv` (a row for each run), `sweep.svg` and `sweep.png` (each number against what was varied),
    /// `curves.svg` and `curves.png` (where there are many points, `curves-2.svg` … too), and `report.html` into a folder.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let labels: Vec<String> = self.keys.iter().map(|key| quoted(key)).collect();
        let runs = self.points.iter().flat_map(|point| {
            let cells: Vec<String> = point.values.iter().map(cell).collect();
            point.model.runs.iter().map(move |run| (cells.clone(), run))
        });
        let text = csv(&labels, runs, &Column::with_validation(&self.models()));
        write_whole(folder.join("sweep.csv"), |out| out.write_all(text.as_bytes()))?;
        if let Some(figure) = self.figure() {
            write_figure(&figure, folder, "sweep")?;
        }
        write_curves(&self.models(), self.penalties_differ, folder)?;
        let page = self.page()?;
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }
}

/// A value as a cell of a CSV table.
fn cell(value: &Value) -> String {
    if value.is_number() { value.to_string() } else { quoted(&words(value)) }
}

#[cfg(test)]
mod tests;
