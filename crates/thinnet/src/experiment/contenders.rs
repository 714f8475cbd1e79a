//! Any runs side by side: those of experiment files, which are trained, and those that folders hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::comparison::{own_folder, slug};
use super::jobs::checked;
use super::{Experiment, FinishedRun, Job, RunOptions, penalties, results};
use crate::config::to_map;
use crate::error::{Error, Result};
use crate::report::{Comparison, ModelRuns};

/// A model that is compared with others.
#[derive(Clone, Debug)]
pub struct Contender {
    name: String,
    entry: Entry,
}

#[derive(Clone, Debug)]
enum Entry {
    /// Is trained.
    Experiment(Box<Experiment>),
    /// Was trained before, once for each seed.
    Finished(Vec<FinishedRun>),
}

impl Contender {
    /// What paths hold: an experiment file (`sets` are overrides of its entries), the folder of a run, or a folder with a
    /// run's folder `seed-N` for each seed. Files are called by their model's name or by their own, folders by their own; where
    /// several are called alike, by more of their paths.
    ///
    /// # Errors
    /// A path that is none of these, a run that has not come to its end, the same path twice, seeds of different experiments
    /// in one folder, overrides without a file.
    pub fn read_all(paths: &[PathBuf], sets: &[String]) -> Result<Vec<Self>> {
        let entries = paths.iter().map(|path| Entry::read(path, sets)).collect::<Result<Vec<_>>>()?;
        if !sets.is_empty() && entries.iter().all(|entry| matches!(entry, Entry::Finished(_))) {
            let message = "overrides are for experiment files: what folders hold was trained before";
            return Err(Error::config("--set", message));
        }
        let names = names(paths, &entries)?;
        Ok(names.into_iter().zip(entries).map(|(name, entry)| Self { name, entry }).collect())
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is to be trained.
    pub fn is_trained(&self) -> bool {
        matches!(self.entry, Entry::Experiment(_))
    }

    fn experiment(&self) -> &Experiment {
        match &self.entry {
            Entry::Experiment(experiment) => experiment,
            Entry::Finished(runs) => &runs[0].experiment,
        }
    }
}

impl Entry {
    fn read(path: &Path, sets: &[String]) -> Result<Self> {
        if !path.exists() {
            let expected = "expected an experiment file (.toml), the folder of a run, or one with a folder seed-N for each seed";
            return Err(Error::file(path, format!("{expected}, got nothing of that name")));
        }
        if !path.is_dir() {
            return Ok(Self::Experiment(Box::new(Experiment::from_file(path, sets)?)));
        }
        if path.join("config.toml").exists() {
            return Ok(Self::Finished(vec![FinishedRun::read(path)?]));
        }
        let seeds = folders(path)?.into_iter().filter(|folder| holds_seed(folder)).collect::<Vec<_>>();
        if seeds.is_empty() {
            return Err(no_run(path)?);
        }
        let mut runs = seeds.iter().map(|folder| FinishedRun::read(folder)).collect::<Result<Vec<_>>>()?;
        runs.sort_by_key(|run| run.result.seed);
        if runs.windows(2).any(|pair| pair[0].result.seed == pair[1].result.seed) {
            return Err(Error::file(path, "expected a run for each seed, got two of the same seed"));
        }
        let parts = |experiment: &Experiment| {
            let Experiment { data, model, compile, fit, .. } = experiment.clone();
            (data, model, compile, fit)
        };
        let first = parts(&runs[0].experiment);
        if let Some(other) = runs.iter().find(|run| parts(&run.experiment) != first) {
            let message = format!(
                "expected one experiment with several seeds, got another with seed {} than with seed {}",
                other.result.seed, runs[0].result.seed
            );
            return Err(Error::file(path, message));
        }
        Ok(Self::Finished(runs))
    }
}

/// The folders in a folder, by name.
fn folders(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(path).map_err(Error::io("read", path))?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("read", path))?.path();
        if entry.is_dir() {
            folders.push(entry);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Whether a folder is called `seed-N` and holds a run.
fn holds_seed(folder: &Path) -> bool {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_seed = name.strip_prefix("seed-").is_some_and(|seed| seed.parse::<u64>().is_ok());
    is_seed && folder.join("config.toml").exists()
}

/// Why a folder cannot be compared, and what in it can be.
fn no_run(path: &Path) -> Result<Error> {
    let mut within = Vec::new();
    for folder in folders(path)? {
        if folder.join("config.toml").exists() || folders(&folder)?.iter().any(|folder| holds_seed(folder)) {
            within
                .push(folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default());
        }
    }
    let expected = "expected the folder of a run (with its config.toml), or one with a folder seed-N for each seed, got neither";
    Ok(Error::file(
        path,
        match within.is_empty() {
            true => expected.to_owned(),
            false => format!("{expected}: name those in it: {}", within.join(", ")),
        },
    ))
}

/// What each path is called: by so much of it as tells it from the others.
fn names(paths: &[PathBuf], entries: &[Entry]) -> Result<Vec<String>> {
    let candidates = |(path, entry): (&PathBuf, &Entry)| {
        let whole = std::fs::canonicalize(path).map_err(Error::io("read", path))?;
        let is_file = matches!(entry, Entry::Experiment(_));
        let own = if is_file { whole.with_extension("") } else { whole };
        let parts: Vec<String> = own
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .filter(|part| part != "/")
            .collect();
        let of_path = (0..parts.len()).rev().map(|start| parts[start..].join("/"));
        let of_model = match entry {
            Entry::Experiment(experiment) => experiment.model.name.clone(),
            Entry::Finished(_) => None,
        };
        Ok(of_model.into_iter().chain(of_path).collect::<Vec<String>>())
    };
    let candidates = paths.iter().zip(entries).map(candidates).collect::<Result<Vec<_>>>()?;
    let mut chosen = vec![0; paths.len()];
    loop {
        let name = |index: usize| &candidates[index][chosen[index]];
        let alike: BTreeSet<usize> =
            (0..paths.len()).filter(|&a| (0..paths.len()).any(|b| a != b && name(a) == name(b))).collect();
        if alike.is_empty() {
            return Ok((0..paths.len()).map(|index| name(index).clone()).collect());
        }
        if let Some(&end) = alike.iter().find(|&&index| chosen[index] + 1 == candidates[index].len()) {
            return Err(Error::Usage(format!("{} is given twice", paths[end].display())));
        }
        alike.into_iter().for_each(|index| chosen[index] += 1);
    }
}

/// Puts models side by side. Those of experiment files are trained with `seeds` seeds from their own on, as many runs at once as
/// there are threads, into a folder of `options.out` for each model and seed; the same bits for any number of threads. What
/// was trained before takes part with the seeds that it has.
///
/// ```no_run
/// use thinnet::experiment::{Contender, RunOptions, compare_all};
/// use thinnet::report::Versus;
///
/// let paths = ["experiments/basic.toml", "runs/rates/rate-0.3"].map(std::path::PathBuf::from);
/// let options = RunOptions { out: Some("runs/both".into()), ..RunOptions::default() };
/// let comparison = compare_all(&Contender::read_all(&paths, &[])?, &options, 5)?;
/// println!("{}\n{}", comparison.table(), comparison.verdict(Versus::Pairs).join("\n"));
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// Before anything is trained: fewer than two models, no seeds, models with different data, whatever is wrong with a model, a
/// folder that holds other runs. Later: as [`run_all`](super::run_all).
pub fn compare_all(contenders: &[Contender], options: &RunOptions, seeds: usize) -> Result<Comparison> {
    let [first, _, ..] = contenders else {
        return Err(Error::Usage("expected at least two models to compare".into()));
    };
    if seeds == 0 {
        return Err(Error::config("--seeds", "expected at least 1, got 0"));
    }
    for other in contenders {
        same_data(first, other)?;
    }
    let mut notes = Vec::new();
    let data = match contenders.iter().any(Contender::is_trained) {
        true => {
            let (data, of_data) = first.experiment().data_with_notes()?;
            notes.extend(of_data);
            Some(data)
        }
        false => None,
    };
    let mut jobs = Vec::new();
    let mut taken: Vec<String> = Vec::new();
    for contender in contenders {
        let (Entry::Experiment(experiment), Some(data)) = (&contender.entry, &data) else { continue };
        let of_model = own_folder(&slug(&contender.name), |name| !taken.iter().any(|other| other == name));
        for experiment in experiment.with_seeds(seeds)? {
            let seed = experiment.seed;
            let folder = |out: &PathBuf| out.join(&of_model).join(format!("seed-{seed}"));
            let out = options.out.as_ref().map(folder);
            jobs.push(Job { name: format!("{}, seed {seed}", contender.name), experiment, data, out });
        }
        taken.push(of_model);
    }
    let mut summaries = checked(&jobs, options.resume)?.into_iter().step_by(seeds);
    let described = |contender: &Contender| match (&contender.entry, &data) {
        (Entry::Experiment(experiment), Some(data)) => {
            (**experiment).clone().with_input_of(data)?.described()
        }
        (Entry::Experiment(experiment), None) => experiment.described(),
        (Entry::Finished(runs), _) => runs[0].described(),
    };
    let penalties_differ = penalties::differ(&contenders.iter().map(described).collect::<Result<Vec<_>>>()?);
    if penalties_differ {
        notes.insert(0, penalties::NOTE.to_owned());
    }
    let mut results = results(&jobs, options)?.into_iter();
    let models = contenders.iter().map(|Contender { name, entry }| match entry {
        Entry::Experiment(_) => ModelRuns {
            name: name.clone(),
            summary: summaries.next().unwrap_or_default(),
            runs: results.by_ref().take(seeds).collect(),
        },
        Entry::Finished(runs) => ModelRuns {
            name: name.clone(),
            summary: runs[0].summary.clone(),
            runs: runs.iter().map(|run| run.result.clone()).collect(),
        },
    });
    Ok(Comparison {
        models: models.collect(),
        data: data.as_ref().map_or_else(|| first.experiment().data.name(), |data| data.name.clone()),
        penalties_differ,
        notes,
        command: options.command.clone(),
    })
}

/// Makes sure that two models have the same data.
fn same_data(first: &Contender, other: &Contender) -> Result<()> {
    // The same file may be named from another folder.
    let whole = |value: &mut serde_json::Value| {
        if let Some(path) = value.as_str().and_then(|path| std::fs::canonicalize(path).ok()) {
            *value = path.to_string_lossy().into();
        }
    };
    let [a, b] = [first, other].map(|contender| {
        let mut data = to_map(&contender.experiment().data);
        data.values_mut().for_each(whole);
        data
    });
    let Some((key, value)) = b.iter().find(|(key, value)| a.get(*key) != Some(value)) else { return Ok(()) };
    let said = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => "nothing".to_owned(),
        Some(value) => value.to_string(),
    };
    Err(Error::Usage(format!(
        "{} has other data than {}: data.{key} is {}, there {}; models are compared on the same data",
        other.name,
        first.name,
        said(Some(value)),
        said(a.get(key))
    )))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::data::{Data, Dataset};
    use crate::experiment::run;

    fn experiment(folder: &Path, x: &str, model: &str) -> Experiment {
        let text = format!(
            "data = {{ x = \"{x}\", y = \"y.npy\" }}\ncompile.loss = \"mse\"\nfit.epochs = 1\nmodel = {{ {model} }}\n"
        );
        Experiment::from_toml(&text, folder, &[]).unwrap()
    }

    #[test]
    fn names_have_as_much_of_the_path_as_tells_them_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let paths = ["a/rate-0.1", "b/rate-0.1", "b/rate-0.2", "c/best"].map(path);
        paths.iter().for_each(|path| std::fs::create_dir_all(path).unwrap());
        let entries = || paths.iter().map(|_| Entry::Finished(Vec::new())).collect::<Vec<_>>();
        let found = names(&paths, &entries()).unwrap();
        assert_eq!(found, ["a/rate-0.1", "b/rate-0.1", "rate-0.2", "best"]);
        let twice = [paths[0].clone(), paths[1].join("../../a/rate-0.1")];
        let error = names(&twice, &entries()[..2]).unwrap_err().to_string();
        assert!(error.ends_with("a/rate-0.1 is given twice"), "{error}");
    }

    #[test]
    fn data_are_the_same_from_wherever_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("within");
        std::fs::create_dir(&within).unwrap();
        ["x.npy", "y.npy", "z.npy", "within/y.npy"]
            .iter()
            .for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        let contender = |name: &str, folder: &Path, x: &str, y: &str| {
            let mut experiment = experiment(folder, x, "file = \"model.json\"");
            experiment.data.y = Some(folder.join(y));
            Contender { name: name.into(), entry: Entry::Experiment(Box::new(experiment)) }
        };
        let first = contender("a", folder.path(), "x.npy", "y.npy");
        same_data(&first, &contender("b", &within, "../x.npy", "../y.npy")).unwrap();
        for (x, y, key) in [("../z.npy", "../y.npy", "x"), ("../x.npy", "y.npy", "y")] {
            let error = same_data(&first, &contender("b", &within, x, y)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("b has other data than a: data.{key} is ")), "{error}");
        }
    }

    #[test]
    fn finished_runs_are_compared_without_the_file_of_their_model() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (x, y) = (Array2::<f32>::zeros((8, 3)), Array1::<f32>::zeros(8));
        let train = Data::from((&x, &y)).into_owned();
        let data = Dataset { name: "zeros".into(), class_names: Vec::new(), test: train.clone(), train };
        let dense = "layers = [{ class = \"Dense\", units = 1, input_shape = [3]";
        let with = format!("{dense}, kernel_regularizer = \"l2\" }}]");
        for (name, model) in [("with", &with), ("without", &format!("{dense} }}]"))] {
            let mut model = experiment(folder.path(), "x.npy", model).model().unwrap();
            std::fs::write(path("model.json"), model.to_json().unwrap()).unwrap();
            let of_file = experiment(folder.path(), "x.npy", "file = \"model.json\"");
            let options = RunOptions { out: Some(path(name)), ..RunOptions::default() };
            run(&of_file, &data, &options).unwrap();
        }
        let in_place = experiment(folder.path(), "x.npy", &with);
        run(&in_place, &data, &RunOptions { out: Some(path("in-place")), ..RunOptions::default() }).unwrap();
        std::fs::remove_file(path("model.json")).unwrap();
        for (others, differ) in [(["with", "without"], true), (["with", "in-place"], false)] {
            let contenders = Contender::read_all(&others.map(path), &[]).unwrap();
            let comparison = compare_all(&contenders, &RunOptions::default(), 1).unwrap();
            assert_eq!(comparison.penalties_differ, differ);
        }
    }
}
