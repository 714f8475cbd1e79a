//! The page on what layers give: histograms, sparsity, correlations, filters.

mod figures;
mod page;
mod pictures;
mod verdict;

use std::path::Path;

use super::statistics::mean_interval;
use crate::data::Features;
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::inspection::{ActivationStudy, Group, InspectedLayer};

/// What the report of one or several [`ActivationStudy`]s says.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// use ndarray::Array2;
/// use thinnet::inspection::{ActivationStudy, Group, Inspection};
/// use thinnet::prelude::*;
/// use thinnet::report::{ActivationReport, ActivationSection};
///
/// let mut models = [Sequential::new().add(Dense::new(16).activation(Relu).input_shape([4])).add(Dense::new(3))];
/// let x = Array2::<f32>::ones((20, 4));
/// let layers = Inspection::common_layers(&mut models)?;
/// let inspection = Inspection { x: (&x).into(), layers: &layers, sampling: None };
/// let looked = inspection.look("m.safetensors", &mut models[0], &mut |_| Ok(()))?;
/// let groups = vec![Group { name: "plain".into(), models: vec![looked] }];
/// let study = ActivationStudy { layers, groups, inputs: 20, networks: None };
/// let section = ActivationSection { name: "", about: "", study: &study, input: None };
/// let report = ActivationReport { title: "Ones", data: "20 ones", sections: &[section], notes: &[], command: "" };
/// report.write(folder.path())?;
/// assert!(folder.path().join("report.html").exists() && folder.path().join("dense-activations.svg").exists());
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ActivationReport<'a> {
    /// The page's title.
    pub title: &'a str,
    /// What the inputs are called.
    pub data: &'a str,
    /// The studies, each of networks of one shape.
    pub sections: &'a [ActivationSection<'a>],
    /// What a reader must know before looking at the numbers.
    pub notes: &'a [String],
    /// The command that repeats it.
    pub command: &'a str,
}

/// A study with its name.
#[derive(Clone, Debug)]
pub struct ActivationSection<'a> {
    /// What its networks are called; empty where there is but one section. Its files begin with it.
    pub name: &'a str,
    /// What is to be said of them.
    pub about: &'a str,
    /// What was seen.
    pub study: &'a ActivationStudy,
    /// The only input, to be shown where it is a picture.
    pub input: Option<Features<'a>>,
}

/// A number of a layer: its name in the table and in `measures.csv`, and how it is written.
struct Column {
    title: &'static str,
    csv: &'static str,
    /// Whether it is a share, written in percent.
    is_share: bool,
    digits: usize,
    value: fn(&InspectedLayer) -> Option<f64>,
}

const COLUMNS: [Column; 4] = [
    Column { title: "dead units", csv: "dead_share", is_share: true, digits: 1, value: dead },
    Column {
        title: "zeros",
        csv: "sparsity",
        is_share: true,
        digits: 1,
        value: |layer| Some(layer.measures.sparsity),
    },
    Column {
        title: "mean activation",
        csv: "mean",
        is_share: false,
        digits: 3,
        value: |layer| Some(layer.measures.mean),
    },
    Column {
        title: "mean |correlation|",
        csv: "correlation",
        is_share: false,
        digits: 3,
        value: |layer| layer.measures.correlation,
    },
];

/// Of one observation nobody can say that a unit is dead.
fn dead(layer: &InspectedLayer) -> Option<f64> {
    (layer.statistics.observations() > 1).then_some(layer.measures.dead_share)
}

impl Column {
    /// The number as it is written.
    fn written(&self, value: f64) -> String {
        let Self { digits, .. } = *self;
        if self.is_share { format!("{:.digits$} %", 100.0 * value) } else { format!("{value:.digits$}") }
    }
}

impl ActivationSection<'_> {
    /// A file's name of this section.
    fn file(&self, name: &str) -> String {
        let words = self.name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let parts = words.chain([name]).collect::<Vec<_>>().join("-");
        parts.to_lowercase().replace(['/', ' '], "-")
    }

    /// A column's number in each model of a group, for a layer.
    fn values(group: &Group, layer: usize, column: &Column) -> Option<Vec<f64>> {
        group.models.iter().map(|model| (column.value)(&model.layers[layer])).collect()
    }

    /// The table of a layer: a row for each group.
    fn table(&self, layer: usize) -> Vec<Vec<String>> {
        let groups = &self.study.groups;
        let used: Vec<&Column> = COLUMNS
            .iter()
            .filter(|column| groups.iter().any(|group| Self::values(group, layer, column).is_some()))
            .collect();
        let head = std::iter::once(String::new()).chain(used.iter().map(|column| column.title.to_owned()));
        let cell = |group: &Group, column: &Column| {
            let Some(values) = Self::values(group, layer, column) else { return "–".into() };
            let (mean, half) = mean_interval(&values);
            let interval =
                if half.is_finite() { format!(" ± {}", column.written(half)) } else { String::new() };
            format!("{}{interval}", column.written(mean)).replace(" % ±", " ±")
        };
        let row = |group: &Group| {
            std::iter::once(group.name.clone()).chain(used.iter().map(|column| cell(group, column))).collect()
        };
        std::iter::once(head.collect()).chain(groups.iter().map(row)).collect()
    }

    /// The layer's name, behind the section's.
    fn title(&self, layer: usize) -> String {
        let layer = &self.study.layers[layer];
        if self.name.is_empty() { layer.clone() } else { format!("{}, {layer}", self.name) }
    }
}

impl ActivationReport<'_> {
    /// The tables, each with its title: a row for each kind of model.
    pub fn tables(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let of_section = |section: &ActivationSection| {
            let tables =
                (0..section.study.layers.len()).map(|layer| (section.title(layer), section.table(layer)));
            tables.collect::<Vec<_>>()
        };
        self.sections.iter().flat_map(of_section).collect()
    }

    /// Writes `report.html`, `activations.csv` (a row a unit), `measures.csv` (a row a layer), and each chart as SVG and PNG.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        self.write_units(&folder.join("activations.csv"))?;
        self.write_measures(&folder.join("measures.csv"))?;
        for section in self.sections {
            for chart in section.charts() {
                chart.write(folder)?;
            }
        }
        let page = self.page()?;
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }

    fn write_units(&self, path: &Path) -> Result<()> {
        write_whole(path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record("network,kind,model,layer,unit,mean,deviation,active,largest,dead".split(','))?;
            for (section, group, model) in self.models() {
                for (layer, name) in model.layers.iter().zip(&section.study.layers) {
                    for (index, unit) in layer.statistics.units().iter().enumerate() {
                        let numbers = [unit.mean, unit.deviation, unit.active, f64::from(unit.largest)];
                        let names = [section.name, &group.name, &model.name, name].map(str::to_owned);
                        let numbers = numbers.iter().map(f64::to_string);
                        let dead = unit.is_dead().to_string();
                        csv.write_record(
                            names.into_iter().chain([index.to_string()]).chain(numbers).chain([dead]),
                        )?;
                    }
                }
            }
            csv.flush()
        })
    }

    fn write_measures(&self, path: &Path) -> Result<()> {
        write_whole(path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            let names = ["network", "kind", "model", "layer"].into_iter();
            csv.write_record(
                names.chain(COLUMNS.iter().map(|column| column.csv)).chain(["filter_coherence"]),
            )?;
            for (section, group, model) in self.models() {
                for (layer, name) in model.layers.iter().zip(&section.study.layers) {
                    let of_layer = COLUMNS.iter().map(|column| (column.value)(layer));
                    let filters = model.filters.as_ref().filter(|filters| filters.layer == *name);
                    let numbers = of_layer.chain([filters.map(crate::inspection::Filters::mean_coherence)]);
                    let cells =
                        numbers.map(|value| value.map_or_else(String::new, |value| value.to_string()));
                    let names = [section.name, &group.name, &model.name, name].map(str::to_owned);
                    csv.write_record(names.into_iter().chain(cells))?;
                }
            }
            csv.flush()
        })
    }

    /// Every model with its section and its group.
    fn models(
        &self,
    ) -> impl Iterator<Item = (&ActivationSection<'_>, &Group, &crate::inspection::Inspected)> {
        self.sections.iter().flat_map(|section| {
            let groups = section.study.groups.iter();
            groups.flat_map(move |group| group.models.iter().map(move |model| (section, group, model)))
        })
    }
}
