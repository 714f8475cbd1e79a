//! The page on how sure models are, and whether they are right to be.

mod figures;
mod page;

pub use figures::reliability_diagram;

use std::path::Path;

use super::statistics::mean_interval;
use crate::error::Result;
use crate::files::write_whole;
use crate::uncertainty::{Assessment, Method, Study};

/// What the report of a [`Study`] says.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// use ndarray::{Array1, Array2};
/// use thinnet::prelude::*;
/// use thinnet::report::UncertaintyReport;
/// use thinnet::uncertainty::{Study, StudyData};
///
/// let model = Sequential::new().add(Dropout::new(0.5).input_shape([4])).add(Dense::new(3).activation(Softmax));
/// let (x, y) = (Array2::<f32>::ones((30, 4)), Array1::from_shape_fn(30, |sample| (sample % 3) as u8));
/// let data = StudyData { validation: (&x, &y).into(), test: (&x, &y).into(), unknown: None };
/// let study = Study::run([model], &data, 20, &mut |_| Ok(()))?;
/// let report = UncertaintyReport { study: &study, models: &["m".into()], data: "ones", unknown: None, notes: &[], command: "" };
/// report.write(folder.path())?;
/// assert!(folder.path().join("report.html").exists());
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct UncertaintyReport<'a> {
    /// What was measured.
    pub study: &'a Study,
    /// What the models are called.
    pub models: &'a [String],
    /// What the data are called.
    pub data: &'a str,
    /// What the data of another kind are called.
    pub unknown: Option<&'a str>,
    /// What a reader must know of the data before looking at the numbers.
    pub notes: &'a [String],
    /// The command that repeats it.
    pub command: &'a str,
}

/// A number of a table: its name there and in `measures.csv`, its digits, and where it comes from.
struct Column {
    title: &'static str,
    digits: usize,
    value: fn(&Assessment) -> Option<f64>,
}

const AS_SAID: [Column; 5] = [
    Column { title: "accuracy", digits: 4, value: |run| Some(run.measures.accuracy) },
    Column { title: "NLL", digits: 4, value: |run| Some(run.measures.nll) },
    Column { title: "Brier", digits: 4, value: |run| Some(run.measures.brier) },
    Column { title: "ECE", digits: 4, value: |run| Some(run.measures.ece) },
    Column { title: "adaptive ECE", digits: 4, value: |run| Some(run.measures.adaptive_ece) },
];

const SCALED: [Column; 5] = [
    Column { title: "temperature", digits: 3, value: |run| Some(run.temperature.value()) },
    Column { title: "NLL", digits: 4, value: |run| Some(run.scaled.nll) },
    Column { title: "Brier", digits: 4, value: |run| Some(run.scaled.brier) },
    Column { title: "ECE", digits: 4, value: |run| Some(run.scaled.ece) },
    Column { title: "adaptive ECE", digits: 4, value: |run| Some(run.scaled.adaptive_ece) },
];

const UNKNOWN: [Column; 2] = [
    Column { title: "AUROC, entropy", digits: 4, value: |run| run.entropy.auroc },
    Column {
        title: "AUROC, mutual information (MI)",
        digits: 4,
        value: |run| run.information.as_ref()?.auroc,
    },
];

const REJECTION: [Column; 4] = [
    Column { title: "90 % kept, entropy", digits: 4, value: |run| Some(run.entropy.rejection.accuracy(0.1)) },
    Column { title: "AURC, entropy", digits: 5, value: |run| Some(run.entropy.rejection.aurc()) },
    Column {
        title: "90 % kept, MI",
        digits: 4,
        value: |run| Some(run.information.as_ref()?.rejection.accuracy(0.1)),
    },
    Column { title: "AURC, MI", digits: 5, value: |run| Some(run.information.as_ref()?.rejection.aurc()) },
];

impl UncertaintyReport<'_> {
    /// Writes into a folder: `measures.csv` (a row for each way to predict and each model), `reliability.csv`, the figures
    /// `reliability`, `rejection` and, with data of another kind, `unknown` as `.svg` and `.png`, and `report.html`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.write_measures(&folder.join("measures.csv"))?;
        self.write_reliability(&folder.join("reliability.csv"))?;
        for (name, figure) in self.figures() {
            figure.write(&folder.join(format!("{name}.svg")))?;
            figure.write(&folder.join(format!("{name}.png")))?;
        }
        let page = self.page()?;
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }

    /// The tables, each with its title and its head: the means over the models, with half their 95 % intervals.
    pub fn tables(&self) -> Vec<(&'static str, Vec<Vec<String>>)> {
        let mut tables = vec![
            ("Calibration, as the networks say it", self.table(&AS_SAID)),
            ("Calibration at the temperature that was fitted to validation data", self.table(&SCALED)),
        ];
        if self.unknown.is_some() {
            tables.push(("Telling data of another kind", self.table(&UNKNOWN)));
        }
        tables.push(("Rejecting what is uncertain", self.table(&REJECTION)));
        tables
    }

    fn table(&self, columns: &[Column]) -> Vec<Vec<String>> {
        let head = std::iter::once(String::new()).chain(columns.iter().map(|column| column.title.to_owned()));
        let row = |method: &Method| {
            let cells = columns.iter().map(|column| {
                let Some((mean, half)) = mean(method, column.value) else { return "–".into() };
                let digits = column.digits;
                let interval = if half.is_finite() { format!(" ± {half:.digits$}") } else { String::new() };
                format!("{mean:.digits$}{interval}")
            });
            std::iter::once(method.name.to_owned()).chain(cells).collect()
        };
        std::iter::once(head.collect()).chain(self.study.methods.iter().map(row)).collect()
    }

    /// Each run with its method's name, and what the model is called that it is of.
    fn runs(&self) -> impl Iterator<Item = (&Method, &str, &Assessment)> {
        self.study.methods.iter().flat_map(|method| {
            let model = |index: usize| match method.runs.len() {
                1 if self.models.len() > 1 => "all",
                _ => self.models.get(index).map_or("", String::as_str),
            };
            method.runs.iter().enumerate().map(move |(index, run)| (method, model(index), run))
        })
    }

    fn write_measures(&self, path: &Path) -> Result<()> {
        let head = "method,model,temperature,accuracy,nll,brier,ece,adaptive_ece,scaled_nll,scaled_brier,scaled_ece,\
                    scaled_adaptive_ece,auroc_entropy,auroc_mutual_information,aurc_entropy,aurc_mutual_information";
        write_whole(path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(head.split(','))?;
            for (method, model, run) in self.runs() {
                let scaled = run.scaled.entries().into_iter().skip(1);
                let numbers = std::iter::once(run.temperature.value())
                    .chain(run.measures.entries().into_iter().chain(scaled).map(|(_, value)| value))
                    .map(Some);
                let information = run.information.as_ref();
                let signals = [
                    run.entropy.auroc,
                    information.and_then(|signal| signal.auroc),
                    Some(run.entropy.rejection.aurc()),
                    information.map(|signal| signal.rejection.aurc()),
                ];
                let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
                let names = [method.name.to_owned(), model.to_owned()].into_iter();
                csv.write_record(names.chain(numbers.chain(signals).map(cell)))?;
            }
            csv.flush()
        })
    }

    fn write_reliability(&self, path: &Path) -> Result<()> {
        write_whole(path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record("method,model,scaled,low,high,count,confidence,accuracy".split(','))?;
            for (method, model, run) in self.runs() {
                for (scaled, diagram) in run.reliability.iter().enumerate() {
                    for bin in diagram.bins() {
                        let numbers = [bin.low.to_string(), bin.high.to_string(), bin.count.to_string()];
                        let means = match bin.count {
                            0 => [String::new(), String::new()],
                            _ => [bin.confidence.to_string(), bin.accuracy.to_string()],
                        };
                        let names = [method.name.to_owned(), model.to_owned(), scaled.to_string()];
                        csv.write_record(names.iter().chain(&numbers).chain(&means))?;
                    }
                }
            }
            csv.flush()
        })
    }

    /// The method that the figures show: the sampled one, where there is one.
    fn shown(&self) -> &Method {
        let sampled = self.study.methods.iter().find(|method| method.name == "MC dropout");
        sampled.unwrap_or(&self.study.methods[0])
    }
}

/// The mean over the models, and half its interval, infinite for one.
fn mean(method: &Method, value: fn(&Assessment) -> Option<f64>) -> Option<(f64, f64)> {
    let values: Option<Vec<f64>> = method.runs.iter().map(value).collect();
    values.filter(|values| !values.is_empty()).map(|values| mean_interval(&values))
}
