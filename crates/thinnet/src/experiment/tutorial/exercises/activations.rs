//! Exercise 4: activations with and without dropout.

use std::path::Path;

use serde_json::json;

use super::{ExerciseOptions, Model, dropout, network, relu, trained_on};
use crate::data::{Dataset, Features};
use crate::error::Result;
use crate::experiment::{CompileConfig, Experiment, Job, Outcome, TargetSource};
use crate::inspection::{ActivationStudy, Group, Inspection};
use crate::model::thousands;
use crate::report::{ActivationReport, ActivationSection, aligned};

/// What came of the exercise.
#[derive(Clone, Debug)]
pub struct ActivationExercise {
    data: String,
    command: String,
    /// The tutorial's classifier, and an autoencoder.
    networks: Vec<Network>,
}

/// A network with and without dropout.
#[derive(Clone, Debug)]
struct Network {
    name: &'static str,
    about: &'static str,
    study: ActivationStudy,
}

const KINDS: [&str; 2] = ["with dropout", "without dropout"];

/// Exercise 4: trains two networks on MNIST with and without dropout and looks into them on the test data: the tutorial's classifier,
/// and an autoencoder with 256 rectifiers such as Srivastava et al. 2014 draw their figures 7 and 8 from. Both of a pair have the
/// same layers and start from the same weights; only the rates differ.
///
/// # Errors
/// As [`run_all`](crate::experiment::run_all).
pub fn activations_with_dropout(options: &ExerciseOptions) -> Result<ActivationExercise> {
    let mut networks = Vec::new();
    let mut of_data = String::new();
    for Described { name, about, layers, kinds } in [classifier(options), autoencoder(options)] {
        let data = kinds[0].data()?;
        of_data = describe(options, &data);
        let layers: Vec<String> = layers.iter().map(|&layer| layer.to_owned()).collect();
        let models = KINDS.iter().zip(kinds).map(|(kind, experiment)| Model {
            name: format!("{name} {kind}"),
            experiment,
            data: &data,
        });
        let look = |job: &Job, outcome: Outcome| {
            let mut model = outcome.model;
            let x = Features::from(&data.test.x);
            let x = x.clone().reshaped(model.input_shape()?.clone()).unwrap_or(x);
            let inspection = Inspection { x, layers: &layers, sampling: None };
            inspection.look(&format!("seed {}", job.experiment.seed), &mut model, &mut |_| Ok(()))
        };
        let seen = options.train(&models.collect::<Vec<_>>(), look)?;
        let groups = KINDS.iter().zip(seen).map(|(kind, (_, models))| Group { name: (*kind).into(), models });
        let groups = groups.collect();
        let study = ActivationStudy { layers, groups, inputs: data.test.len(), networks: None };
        networks.push(Network { name, about, study });
    }
    Ok(ActivationExercise { data: of_data, command: options.run.command.clone(), networks })
}

fn describe(options: &ExerciseOptions, data: &Dataset) -> String {
    let &ExerciseOptions { seeds, epochs, .. } = options;
    format!(
        "Two networks on MNIST, with and without dropout, {seeds} {} each, {epochs} {}, {} digits to train on. Both of \
         a pair have the same seed and start from the same weights. What is shown are the layers' outputs for the {} test digits, \
         which no network was trained on.",
        if seeds == 1 { "seed" } else { "seeds" },
        if epochs == 1 { "epoch" } else { "epochs" },
        thousands(trained_on(data.train.len())),
        thousands(data.test.len())
    )
}

impl ActivationExercise {
    /// The tables, as aligned text.
    pub fn table(&self) -> String {
        self.with_report(|report| {
            let tables = report.tables();
            tables.iter().map(|(title, rows)| format!("{title}\n{}\n", aligned(rows))).collect()
        })
    }

    /// What the numbers say, in whole sentences.
    pub fn verdict(&self) -> Vec<String> {
        self.with_report(|report| report.verdict())
    }

    /// Writes the report and its charts into a folder.
    ///
    /// # Errors
    /// As [`ActivationReport::write`].
    pub fn write(&self, out: &Path) -> Result<()> {
        self.with_report(|report| report.write(out))
    }

    fn with_report<T>(&self, then: impl FnOnce(&ActivationReport) -> T) -> T {
        let section = self.networks.iter().map(|Network { name, about, study }| ActivationSection {
            name,
            about,
            study,
            input: None,
        });
        let sections: Vec<ActivationSection> = section.collect();
        then(&ActivationReport {
            title: "What dropout does to activations",
            data: &self.data,
            sections: &sections,
            notes: &[],
            command: &self.command,
        })
    }
}

/// A network that is to be looked into.
struct Described {
    name: &'static str,
    about: &'static str,
    layers: &'static [&'static str],
    /// As [`KINDS`] are.
    kinds: [Experiment; 2],
}

/// The tutorial's network, and the same with rates of 0.
fn classifier(options: &ExerciseOptions) -> Described {
    let experiment = |[first, second]: [f64; 2]| {
        let mut layers = network(relu, 0.0);
        (layers[1], layers[3]) = (dropout(first), dropout(second));
        options.experiment("mnist", layers)
    };
    Described {
        name: "classifier",
        about: "The tutorial's network: 784 inputs, 128 and 64 rectifiers, 10 classes. With dropout, the rates are 0.2 and 0.3 behind the \
                hidden layers; without, 0.",
        layers: &["dense", "dense_1"],
        kinds: [experiment([0.2, 0.3]), experiment([0.0, 0.0])],
    }
}

/// The network of Srivastava et al. 2014, figures 7 and 8: one hidden layer of 256 rectifiers, a rate of 0.5.
fn autoencoder(options: &ExerciseOptions) -> Described {
    let experiment = |rate: f64| {
        let mut input = relu(256);
        input["input_shape"] = json!([784]);
        let output = json!({"class": "Dense", "units": 784, "activation": "sigmoid"});
        let mut experiment = options.experiment("mnist", vec![input, dropout(rate), output]);
        experiment.data.targets = Some(TargetSource::Inputs);
        let metrics = vec![json!("mean_squared_error")];
        experiment.compile =
            CompileConfig { loss: json!("binary_crossentropy"), metrics, ..experiment.compile };
        experiment
    };
    Described {
        name: "autoencoder",
        about: "An autoencoder: 784 inputs, 256 rectifiers, 784 outputs that are to be the inputs. With dropout, the rate is 0.5 behind the \
                hidden layer, as in figures 7 and 8 of Srivastava et al. 2014; without, 0.",
        layers: &["dense"],
        kinds: [experiment(0.5), experiment(0.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::options;
    use super::*;

    #[test]
    fn the_networks_of_a_pair_differ_in_nothing_but_their_rates() {
        for Described { kinds, .. } in [classifier(&options()), autoencoder(&options())] {
            let without_rates = |experiment: &Experiment| {
                let layers = experiment.model.layers.iter();
                layers.filter(|layer| layer.get("rate").is_none()).cloned().collect::<Vec<_>>()
            };
            assert_eq!(without_rates(&kinds[0]), without_rates(&kinds[1]));
            let weights = |experiment: &Experiment| experiment.model().unwrap().get_weights().unwrap();
            assert_eq!(weights(&kinds[0]), weights(&kinds[1]));
        }
    }

    /// The tutorial's rates, which the first of its models has.
    #[test]
    fn the_classifier_is_the_tutorial_s() {
        let [with, _] = classifier(&options()).kinds;
        let tutorial = crate::experiment::tutorial_mnist(42, 10);
        assert_eq!(with.model.layers, tutorial[0].1.model.layers);
    }
}
