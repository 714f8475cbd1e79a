//! The same experiment at every point of a grid, with several seeds each.

use std::path::Path;

use serde_json::Value;

use super::comparison::own_folder;
use super::data::DataConfig;
use super::jobs::checked;
use super::space::{MOST, Space, varied};
use super::{Experiment, Job, RunOptions, ValidationData, penalties, results};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::report::{ModelRuns, Sweep, SweepPoint, Validated, told, words};

/// How to sweep.
#[derive(Clone, Debug, Default)]
pub struct SweepOptions {
    /// As for a single run; `out` gets a folder for each point, and in it one for each seed.
    pub run: RunOptions,
    /// `KEY=VALUE` overrides of the file's entries.
    pub sets: Vec<String>,
    /// `KEY=VALUES`: the values of an entry, as TOML with commas between them, or a range of whole numbers, `0..19`. Every
    /// combination of the values of several entries is a point.
    pub vary: Vec<String>,
    /// With how many seeds each point is trained, from the file's own on.
    pub seeds: usize,
    /// The point that differences are told against, by its name or its folder. Default: the first.
    pub baseline: Option<String>,
}

/// Trains the experiment of a file at every point of a grid, as many runs at once as there are threads, and puts the
/// outcomes side by side. The results are the same bits for any number of threads. With `resume`, runs that are done are
/// read, and those that were stopped go on; there may be more seeds or values than before.
///
/// ```
/// use thinnet::experiment::{SweepOptions, sweep};
/// use thinnet::data::formats::npy;
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = |name: &str| folder.path().join(name);
/// npy::write(path("x.npy"), &ndarray::Array2::from_shape_fn((40, 3), |(i, j)| ((i * 3 + j) % 7) as f32))?;
/// npy::write(path("y.npy"), &ndarray::Array1::from_shape_fn(40, |i| (i % 2) as i64))?;
/// let text = r#"
///     data = { x = "x.npy", y = "y.npy", x_test = "x.npy", y_test = "y.npy" }
///     compile.loss = "sparse_categorical_crossentropy"
///     fit = { epochs = 2, validation_split = 0.25 }
///     model.layers = [
///         { class = "Dropout", rate = 0.2 },
///         { class = "Dense", units = 2, activation = "softmax" },
///     ]
/// "#;
/// std::fs::write(path("experiment.toml"), text).unwrap();
/// let options = SweepOptions { vary: vec!["model.layers.0.rate=0.0,0.5".into()], seeds: 3, ..SweepOptions::default() };
/// let sweep = sweep(path("experiment.toml"), &options)?;
/// let names: Vec<&str> = sweep.points.iter().map(|point| point.model.name.as_str()).collect();
/// assert_eq!(names, ["rate 0.0", "rate 0.5"]);
/// println!("{}\n{}", sweep.table(), sweep.sentences().join("\n"));
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// Before anything is trained: whatever is wrong with the file, its data or the model of a point, which is named; a key that
/// does not exist or comes twice, no values or the same one twice, a range that is not of whole numbers, no seeds, a folder
/// that holds other runs. Later: as [`run_all`](super::run_all).
pub fn sweep(path: impl AsRef<Path>, options: &SweepOptions) -> Result<Sweep> {
    let path = path.as_ref();
    let space = Space::new(&varied(&options.vary)?, true, "--vary ")?;
    check(&space, options)?;
    let base = Experiment::from_file(path, &options.sets)?;
    space.check(&base).map_err(|error| error.in_file(path))?;
    let points = points(path, &space, options)?;
    let baseline = match &options.baseline {
        None => 0,
        Some(name) => named(&points, name)?,
    };
    let data = Data::of(&points)?;
    let mut jobs = Vec::new();
    for point in &points {
        for experiment in point.experiment.with_seeds(options.seeds)? {
            let seed = experiment.seed;
            jobs.push(Job {
                name: format!("{}, seed {seed}", point.name),
                data: data.of_point(&experiment.data),
                experiment,
                out: options.run.out.as_ref().map(|out| out.join(&point.folder).join(format!("seed-{seed}"))),
            });
        }
    }
    let summaries = checked(&jobs, options.run.resume)?.into_iter().step_by(options.seeds);
    let mut results = results(&jobs, &options.run)?.into_iter();
    let keys: Vec<String> = space.keys().map(str::to_owned).collect();
    let first = &points[0].experiment;
    let validated = match first.fit.validation_data {
        Some(ValidationData::Test) => Validated::ByTest,
        None if first.fit.validation_split > 0.0 => Validated::HeldOut,
        None => Validated::Not,
    };
    let described = |Point { experiment, .. }: &Point| {
        experiment.clone().with_input_of(data.of_point(&experiment.data))?.described()
    };
    let penalties_differ = penalties::differ(&points.iter().map(described).collect::<Result<Vec<_>>>()?);
    let mut notes = Vec::new();
    if data.sets.len() > 1 {
        notes.push(
            "The points have different data: what differs between them may be the data's doing.".to_owned(),
        );
    }
    notes.extend(penalties_differ.then(|| penalties::NOTE.to_owned()));
    let points = points.into_iter().zip(summaries).map(|(point, summary)| SweepPoint {
        values: point.values,
        folder: point.folder,
        model: ModelRuns { name: point.name, summary, runs: results.by_ref().take(options.seeds).collect() },
    });
    Ok(Sweep {
        data: data.sets[0].1.name.clone(),
        keys,
        points: points.collect(),
        baseline,
        validated,
        penalties_differ,
        notes,
        command: options.run.command.clone(),
    })
}

/// What can be said before the file is read.
fn check(space: &Space, options: &SweepOptions) -> Result<()> {
    if options.seeds == 0 {
        return Err(Error::config("--seeds", "expected at least 1, got 0"));
    }
    if space.keys().next().is_none() {
        let message = "expected at least one entry with its values, such as model.layers.1.rate=0.1,0.3,0.5";
        return Err(Error::config("--vary", message));
    }
    let place = |key: &str| format!("--vary {key}");
    for key in space.keys() {
        match key.split('.').next() {
            Some("seed") => {
                return Err(Error::config(place(key), "seeds are not varied: say how many with --seeds"));
            }
            Some("tune") => {
                let message = "expected an entry that a run depends on: [tune] is for thinnet tune";
                return Err(Error::config(place(key), message));
            }
            _ => {}
        }
    }
    if space.size().is_none() {
        let message =
            format!("the grid has more than {MOST} points: thinnet tune takes some of them at random");
        return Err(Error::config("--vary", message));
    }
    Ok(())
}

/// A point of the grid.
struct Point {
    values: Vec<Value>,
    name: String,
    folder: String,
    experiment: Experiment,
}

fn points(path: &Path, space: &Space, options: &SweepOptions) -> Result<Vec<Point>> {
    let keys: Vec<String> = space.keys().map(str::to_owned).collect();
    let mut points: Vec<Point> = Vec::new();
    for number in 0..space.size().unwrap_or(0) {
        let values = space.combination(number);
        let experiment = Experiment::from_file(path, &space.overrides(&options.sets, &values)?)?;
        // Two long values may begin alike.
        let is_free = |name: &str| !points.iter().any(|point| point.folder.eq_ignore_ascii_case(name));
        let folder = own_folder(&folder(&keys, &values), is_free);
        points.push(Point { name: told(&keys, &values), values, folder, experiment });
    }
    Ok(points)
}

/// What a point's folder is called: `rate-0.3-units-64`.
fn folder(keys: &[String], values: &[Value]) -> String {
    let plain = |text: &str| {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_'));
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    };
    let part = |(label, value): (String, &Value)| match value {
        Value::Number(number) => format!("{}-{number}", plain(&label)),
        other => format!("{}-{}", plain(&label), plain(&words(other))),
    };
    let parts: Vec<String> = crate::report::labels(keys).into_iter().zip(values).map(part).collect();
    parts.join("-")
}

/// The point of a name or a folder.
fn named(points: &[Point], name: &str) -> Result<usize> {
    let found = points.iter().position(|point| point.name == name || point.folder == name);
    found.ok_or_else(|| Error::unknown("baseline", name, points.iter().map(|point| point.folder.as_str())))
}

/// The data of all points, each set once.
struct Data {
    sets: Vec<(DataConfig, Dataset)>,
}

impl Data {
    fn of(points: &[Point]) -> Result<Self> {
        let mut sets: Vec<(DataConfig, Dataset)> = Vec::new();
        for Point { experiment, .. } in points {
            if !sets.iter().any(|(config, _)| *config == experiment.data) {
                sets.push((experiment.data.clone(), experiment.data()?));
            }
        }
        Ok(Self { sets })
    }

    fn of_point(&self, config: &DataConfig) -> &Dataset {
        let set = self.sets.iter().find(|(other, _)| other == config);
        &set.unwrap_or(&self.sets[0]).1
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folders_are_readable() {
        let keys = ["model.layers.1.rate", "compile.optimizer"].map(str::to_owned);
        let of = |rate: Value, optimizer: Value| folder(&keys, &[rate, optimizer]);
        assert_eq!(of(json!(0.3), json!("adam")), "rate-0.3-optimizer-adam");
        let table = json!({"class": "SGD", "learning_rate": 0.1});
        assert_eq!(of(json!(-1), table), "rate--1-optimizer-class-SGD-learning_rate-0.1");
        assert_eq!(of(json!(0), json!("../a b")), "rate-0-optimizer-..-a-b");
        let alike = ["model.layers.1.rate", "model.layers.3.rate"].map(str::to_owned);
        assert_eq!(
            folder(&alike, &[json!(0.1), json!(0.2)]),
            "model.layers.1.rate-0.1-model.layers.3.rate-0.2"
        );
    }
}
