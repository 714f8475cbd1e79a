//! The tutorial's exercises.

mod activations;
mod dropout_rates;
mod regularization;
mod trainable_rates;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::comparison::slug;
use super::super::{
    CompileConfig, DataConfig, Experiment, FitConfig, Job, ModelConfig, Outcome, RunOptions, run_all,
};
use super::{compiled, dropout, identifier, relu, softmax};
use crate::data::Dataset;
use crate::error::Result;
use crate::model::thousands;
use crate::report::{ExerciseText, ModelRuns, RunResult};

pub use activations::{ActivationExercise, activations_with_dropout};
pub use dropout_rates::dropout_rates;
pub use regularization::regularization;
pub use trainable_rates::trainable_rates;

/// How an exercise is run.
#[derive(Clone, Debug)]
pub struct ExerciseOptions {
    /// As for a single run; `out` gets a folder for each model, and in it one for each seed.
    pub run: RunOptions,
    /// The first seed.
    pub seed: u64,
    /// How many seeds, from that on.
    pub seeds: usize,
    /// How many epochs each model is trained for.
    pub epochs: usize,
    /// Takes only this many of the training samples, the first ones. Default: all.
    pub samples: Option<usize>,
}

const BATCH: usize = 128;
const VALIDATION: f64 = 0.2;

/// The cross-entropy as a metric: what is left of the loss without what regularizers add to it.
const CROSS_ENTROPY: &str = "sparse_categorical_crossentropy";

/// A model that is trained with all seeds.
#[derive(Clone, Debug)]
struct Model<'a> {
    name: String,
    experiment: Experiment,
    data: &'a Dataset,
}

impl ExerciseOptions {
    /// The tutorial's network on a data set, with these layers after its input.
    fn experiment(&self, dataset: &str, layers: Vec<Value>) -> Experiment {
        Experiment {
            seed: self.seed,
            data: DataConfig {
                dataset: Some(dataset.into()),
                samples: self.samples,
                ..DataConfig::default()
            },
            model: ModelConfig { layers, ..ModelConfig::default() },
            compile: compiled(),
            fit: FitConfig {
                epochs: self.epochs,
                batch_size: BATCH,
                validation_split: VALIDATION,
                ..FitConfig::default()
            },
            augmentation: None,
            callbacks: Vec::new(),
            monte_carlo: None,
            tune: None,
            values: serde_json::Map::new(),
        }
    }

    fn text(&self, data: String) -> ExerciseText {
        ExerciseText { data, epochs: self.epochs, command: self.run.command.clone() }
    }

    /// Trains each model with all seeds, side by side; `finish` makes of each run what is kept. What all runs of a model
    /// gave comes together, with the model's summary.
    fn train<T: Send>(
        &self,
        models: &[Model],
        finish: impl Fn(&Job, Outcome) -> Result<T> + Sync,
    ) -> Result<Vec<(String, Vec<T>)>> {
        let mut jobs = Vec::new();
        let mut summaries = Vec::new();
        for Model { name, experiment, data } in models {
            let mut experiment = experiment.clone();
            experiment.model.name = Some(identifier(name));
            summaries.push(experiment.clone().with_input_of(data)?.model()?.summary());
            for experiment in experiment.with_seeds(self.seeds)? {
                // A folder for each seed, also for a single one: more can follow.
                let folder = |out: &PathBuf| out.join(slug(name)).join(format!("seed-{}", experiment.seed));
                let out = self.run.out.as_ref().map(folder);
                let name = format!("{name}, seed {}", experiment.seed);
                jobs.push(Job { name, experiment, data, out });
            }
        }
        let mut results = run_all(&jobs, &self.run, finish)?.into_iter();
        Ok(summaries
            .into_iter()
            .map(|summary| (summary, results.by_ref().take(self.seeds).collect()))
            .collect())
    }

    /// Trains each model with all seeds and keeps the numbers.
    fn model_runs(&self, models: &[Model]) -> Result<Vec<ModelRuns>> {
        let results =
            self.train(models, |job, outcome| Ok(without_penalty(outcome.result(job.experiment.seed))))?;
        let models = models.iter().zip(results);
        Ok(models
            .map(|(model, (summary, runs))| ModelRuns { name: model.name.clone(), summary, runs })
            .collect())
    }
}

/// How the tutorial compiles, with the cross-entropy by itself.
fn compiled_with_cross_entropy() -> CompileConfig {
    CompileConfig { metrics: vec![json!("accuracy"), json!(CROSS_ENTROPY)], ..compiled() }
}

/// The numbers of a run with the cross-entropy, where it was measured, in the place of the loss: losses to which different
/// penalties were added cannot be compared.
fn without_penalty(mut run: RunResult) -> RunResult {
    for prefix in ["", "val_"] {
        run.history.replace(&format!("{prefix}loss"), &format!("{prefix}{CROSS_ENTROPY}"));
    }
    if let Some(cross_entropy) = run.test.remove(CROSS_ENTROPY) {
        run.test.insert("loss".into(), cross_entropy);
    }
    run
}

/// The tutorial's network: two hidden layers, as `hidden` makes them of their number of units, and dropout behind each.
fn network(hidden: impl Fn(usize) -> Value, rate: f64) -> Vec<Value> {
    let mut first = hidden(128);
    first["input_shape"] = json!([784]);
    vec![first, dropout(rate), hidden(64), dropout(rate), softmax(10)]
}

/// How many of the samples are trained on.
fn trained_on(samples: usize) -> usize {
    (samples as f64 * (1.0 - VALIDATION)) as usize
}

/// What is said of a data set: `MNIST, 48,000 digits to train on, …`.
fn about(name: &str, things: &str, data: &Dataset) -> String {
    let training = trained_on(data.train.len());
    format!(
        "{name}: {} {things} to train on, {} to validate, {} to test",
        thousands(training),
        thousands(data.train.len() - training),
        thousands(data.test.len())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    pub(super) fn options() -> ExerciseOptions {
        ExerciseOptions { run: RunOptions::default(), seed: 42, seeds: 2, epochs: 1, samples: Some(100) }
    }

    #[test]
    fn the_network_is_the_tutorial_s() {
        let experiment = options().experiment("mnist", network(relu, 0.3));
        let (_, tutorial) = super::super::mnist(42, 1).swap_remove(0);
        assert_eq!(experiment.model().unwrap().count_params().unwrap(), 109_386);
        let without_rates = |experiment: &Experiment| {
            let layers = experiment.model.layers.iter();
            layers.filter(|layer| layer.get("rate").is_none()).cloned().collect::<Vec<_>>()
        };
        assert_eq!(without_rates(&experiment), without_rates(&tutorial));
    }

    #[test]
    fn what_regularizers_add_is_left_out_of_the_loss() {
        let logs = [
            ("loss", 2.0),
            ("val_loss", 3.0),
            (CROSS_ENTROPY, 0.5),
            ("val_sparse_categorical_crossentropy", 0.75),
        ];
        let mut history = History::default();
        history.push(0, logs.map(|(name, value)| (name.to_owned(), value)).into());
        let test = [("loss".to_owned(), 4.0), (CROSS_ENTROPY.to_owned(), 0.625)].into();
        let run = without_penalty(RunResult { seed: 1, history, test, seconds: 1.0 });
        assert_eq!(run.history.names().collect::<Vec<_>>(), ["loss", "val_loss"]);
        assert_eq!((run.history["loss"][0], run.history["val_loss"][0]), (0.5, 0.75));
        assert_eq!(run.test, [("loss".to_owned(), 0.625)].into());
    }
}
