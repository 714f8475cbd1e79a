//! Exercise 2: dropout beside other regularization.

use serde_json::{Value, json};

use super::{ExerciseOptions, Model, about, compiled_with_cross_entropy, network, relu, trained_on};
use crate::data::Dataset;
use crate::datasets::{self, Store};
use crate::error::Result;
use crate::experiment::{Experiment, comparison::slug};
use crate::model::thousands;
use crate::report::{Choice, ModelRuns, Regularization, RegularizedSet, best_by_validation};

/// What is tried of each strength.
const L2: [f64; 5] = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1];
const RATES: [f64; 3] = [0.1, 0.3, 0.5];
const MAX_NORM: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// Of MNIST, so many make a small data set: 1,000 to train on, 250 to validate.
const FEW: usize = 1_250;
/// Steps of an epoch on the small set, which are 12 or 13 passes over it.
const STEPS: usize = 100;

/// How the one network is regularized.
#[derive(Clone, Copy, Debug, Default)]
struct Strengths {
    l2: Option<f64>,
    rate: f64,
    max_norm: Option<f64>,
}

impl Strengths {
    fn layers(self) -> Vec<Value> {
        let hidden = |units: usize| {
            let mut layer = relu(units);
            if let Some(l2) = self.l2 {
                layer["kernel_regularizer"] = json!({"class": "L2", "l2": l2});
            }
            if let Some(max_value) = self.max_norm {
                layer["kernel_constraint"] = json!({"class": "MaxNorm", "max_value": max_value});
            }
            layer
        };
        network(hidden, self.rate)
    }
}

/// Exercise 2: the tutorial's network without regularization, with L2, dropout, both, and max-norm, each of the strength
/// that validation data choose: on MNIST, on 1,000 training samples of it, and on Fashion-MNIST where that is here. `before`
/// is told what follows.
///
/// # Errors
/// As [`run_all`](crate::experiment::run_all).
pub fn regularization(options: &ExerciseOptions, mut before: impl FnMut(&str)) -> Result<Regularization> {
    let few = ExerciseOptions { samples: Some(options.samples.unwrap_or(FEW).min(FEW)), ..options.clone() };
    let mut sets = Vec::new();
    sets.push(set(options, &mut before, ("MNIST", "mnist", "digits"), |_| {})?);
    let name = format!("{} digits of MNIST", thousands(trained_on(few.samples.unwrap_or(FEW))));
    // As many steps in each epoch as several passes over the few samples have.
    let many_passes = |experiment: &mut Experiment| experiment.fit.steps_per_epoch = Some(STEPS);
    sets.push(set(&few, &mut before, (&name, "mnist", "digits"), many_passes)?);
    let mut notes = Vec::new();
    let fashion = datasets::find("fashion-mnist")?;
    if Store::from_env().has(fashion)? {
        sets.push(set(options, &mut before, ("Fashion-MNIST", fashion.name, "pictures of clothes"), |_| {})?);
    } else {
        notes.push(
            "Fashion-MNIST is not on this machine and was left out: `thinnet data fetch fashion-mnist` downloads it, or \
             THINNET_DATA names a folder that has it; --resume then adds it to what is here."
                .to_owned(),
        );
    }
    let data = sets.iter().map(|set| set.name.clone()).collect::<Vec<_>>().join(", ");
    Ok(Regularization { sets, notes, text: options.text(data) })
}

/// The comparison on one data set.
fn set(
    options: &ExerciseOptions,
    before: &mut impl FnMut(&str),
    (name, dataset, things): (&str, &str, &str),
    adapt: impl Fn(&mut Experiment),
) -> Result<RegularizedSet> {
    let folder = slug(name);
    let mut options = options.clone();
    options.run.out = options.run.out.map(|out| out.join(&folder));
    let experiment = |strengths: Strengths| {
        let mut experiment = options.experiment(dataset, strengths.layers());
        experiment.compile = compiled_with_cross_entropy();
        adapt(&mut experiment);
        experiment
    };
    let data = experiment(Strengths::default()).data()?;
    let about = about(name, things, &data);
    before(&about);
    let tried = |what: &str,
                 values: &[f64],
                 strengths: &dyn Fn(f64) -> Strengths|
     -> Vec<(f64, String, Experiment)> {
        values.iter().map(|&value| (value, format!("{what} {value}"), experiment(strengths(value)))).collect()
    };
    let l2 = |l2| Strengths { l2: Some(l2), ..Strengths::default() };
    let max_norm = |max_norm| Strengths { max_norm: Some(max_norm), ..Strengths::default() };
    let mut neither = vec![(0.0, "neither".to_owned(), experiment(Strengths::default()))];
    let grids = [
        ("L2", tried("L2", &L2, &l2)),
        ("dropout rate", tried("dropout", &RATES, &|rate| Strengths { rate, ..Strengths::default() })),
        ("max-norm", tried("max-norm", &MAX_NORM, &max_norm)),
    ];
    let lengths: Vec<usize> = grids.iter().map(|(_, grid)| grid.len()).collect();
    let names = grids.each_ref().map(|(name, _)| *name);
    neither.extend(grids.into_iter().flat_map(|(_, grid)| grid));
    let mut runs = models(&options, &data, neither)?;
    let plain = runs.remove(0).1;
    let mut choices = Vec::new();
    for (name, length) in names.into_iter().zip(lengths) {
        choices.push(choice(name, runs.drain(..length).collect(), length - 1));
    }
    // A small norm is a strong bound.
    choices[2].strongest = 0;
    // Two together: dropout keeps its rate.
    let rate = choices[1].value();
    let max = choices[2].value();
    let mut together =
        tried(&format!("dropout {rate} and L2"), &L2, &|l2| Strengths { l2: Some(l2), rate, max_norm: None });
    together.push((
        max,
        format!("dropout {rate} and max-norm {max}"),
        experiment(Strengths { l2: None, rate, max_norm: Some(max) }),
    ));
    let mut together = models(&options, &data, together)?;
    let dropout_and_max_norm =
        together.pop().map(|(_, model)| ModelRuns { name: "dropout and max-norm".to_owned(), ..model });
    choices.push(choice("L2 beside dropout", together, L2.len() - 1));
    let chosen = |index: usize, name: &str| {
        let choice: &Choice = &choices[index];
        let mut model = choice.candidates[choice.chosen].1.clone();
        name.clone_into(&mut model.name);
        model
    };
    let mut compared = vec![
        plain,
        chosen(0, "L2"),
        chosen(1, "dropout"),
        chosen(3, "dropout and L2"),
        chosen(2, "max-norm"),
    ];
    compared.extend(dropout_and_max_norm);
    Ok(RegularizedSet { name: name.to_owned(), folder, data: about, models: compared, choices })
}

/// Trains models that each have a value.
fn models(
    options: &ExerciseOptions,
    data: &Dataset,
    models: Vec<(f64, String, Experiment)>,
) -> Result<Vec<(f64, ModelRuns)>> {
    let model = |(value, name, experiment)| (value, Model { name, experiment, data });
    let (values, models): (Vec<f64>, Vec<Model>) = models.into_iter().map(model).unzip();
    Ok(values.into_iter().zip(options.model_runs(&models)?).collect())
}

/// The strength of the lowest validation loss.
fn choice(name: &str, candidates: Vec<(f64, ModelRuns)>, strongest: usize) -> Choice {
    let chosen = best_by_validation(candidates.iter().map(|(_, model)| model)).unwrap_or(0);
    Choice { name: name.to_owned(), candidates, strongest, chosen }
}
