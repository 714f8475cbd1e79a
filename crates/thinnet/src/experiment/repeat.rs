//! One experiment over several seeds.

use super::comparison::folder;
use super::{Experiment, RunOptions, run};
use crate::data::Dataset;
use crate::error::Result;
use crate::report::{Classes, Comparison, ModelRuns, RunReport};

/// What the runs of an experiment leave.
#[derive(Debug)]
pub struct Repeated {
    /// The runs, as a comparison of the one model.
    pub runs: Comparison,
    /// How each run's model classified the test data; empty where they have no classes with names.
    pub classes: Vec<Classes>,
}

/// Runs an experiment with `seeds` seeds, from its own on. A single seed leaves its run in the folder itself; several
/// leave a folder `seed-N` each, and beside them `comparison.csv`, curves, confusion matrix and a report for all.
///
/// # Errors
/// As [`run`](super::run()).
pub fn repeat(
    experiment: &Experiment,
    data: &Dataset,
    options: &RunOptions,
    seeds: usize,
) -> Result<Repeated> {
    let first = experiment.clone().with_input_of(data)?;
    let summary = first.model()?.summary();
    let (mut runs, mut classes) = (Vec::new(), Vec::new());
    for (index, experiment) in first.with_seeds(seeds)?.into_iter().enumerate() {
        let mut options = RunOptions { runs_to_come: seeds - index - 1, ..options.clone() };
        options.out = options.out.map(|out| folder(out, seeds, experiment.seed));
        let outcome = run(&experiment, data, &options)?;
        runs.push(outcome.result(experiment.seed));
        classes.extend(outcome.classes);
    }
    if let Some(out) = options.out.as_ref().filter(|_| seeds > 1) {
        let report = RunReport {
            name: &data.name,
            model: first.name(),
            text: &options.text,
            experiment: &first.to_toml()?,
            summary: &summary,
            augmentation: first.about_augmentation(),
            runs: &runs,
            classes: &classes,
            test: &data.test.x,
            command: &options.command,
        };
        report.write(out)?;
    }
    let model = ModelRuns { name: first.name().into(), summary, runs };
    let runs = Comparison {
        models: vec![model],
        data: data.name.clone(),
        penalties_differ: false,
        notes: Vec::new(),
        command: options.command.clone(),
    };
    Ok(Repeated { runs, classes })
}
