//! Exercise 3: trainable rates.

use std::path::Path;

use serde_json::{Value, json};

use super::dropout_rates::{fixed, models};
use super::{ExerciseOptions, Model, about, compiled_with_cross_entropy, relu, softmax, trained_on};
use crate::data::Dataset;
use crate::error::Result;
use crate::experiment::Experiment;
use crate::model::thousands;
use crate::report::{RatesOfSize, TrainableRates, best_by_validation};

/// The prior's length scale l.
const LENGTH_SCALE: f64 = 0.01;
/// Numbers of samples to train on, besides all.
const SIZES: [usize; 3] = [1_000, 4_000, 16_000];

/// Where the network's three rates are.
const PLACES: [&str; 3] =
    ["of the inputs", "behind the first hidden layer", "behind the second hidden layer"];

/// Exercise 3: concrete dropout on MNIST beside the best fixed rate of exercise 1, and its rates by the number of samples.
/// The fixed rates are those of exercise 1 in that folder, where it was run there with the same options. `before` is told what
/// follows.
///
/// # Errors
/// As [`run_all`](crate::experiment::run_all).
pub fn trainable_rates(
    options: &ExerciseOptions,
    exercise_1: Option<&Path>,
    mut before: impl FnMut(&str),
) -> Result<TrainableRates> {
    let mut of_fixed = options.clone();
    if let Some(folder) = exercise_1 {
        of_fixed.run.out = Some(folder.to_owned());
        of_fixed.run.resume = true;
    }
    let data = fixed(options, 0.0).data()?;
    let about = about("MNIST", "digits", &data);
    before(&format!("Fixed rates on {about}"));
    let mut fixed = of_fixed.model_runs(&models(&of_fixed, &data))?;
    let best = best_by_validation(&fixed).unwrap_or(0);
    // The best, and none where that is another.
    fixed.truncate(best + 1);
    fixed.drain(1.min(best)..best);
    fixed.reverse();

    let all = trained_on(data.train.len());
    let sizes: Vec<usize> = SIZES.into_iter().filter(|&size| size < all).chain([all]).collect();
    let said: Vec<String> = sizes.iter().map(|&size| thousands(size)).collect();
    before(&format!("Concrete dropout on {} digits", said.join(", ")));
    let parts: Vec<Dataset> =
        sizes.iter().map(|&size| Dataset { train: data.train.take(size), ..data.clone() }).collect();
    let model = |(&samples, part)| {
        let mut experiment = concrete(options, samples);
        if samples == all {
            return Model { name: "concrete dropout".to_owned(), experiment, data: &data };
        }
        experiment.data.samples = Some(samples);
        experiment.fit.validation_split = 0.0;
        experiment.fit.steps_per_epoch = Some(all.div_ceil(experiment.fit.batch_size));
        Model { name: format!("{} digits", thousands(samples)), experiment, data: part }
    };
    let by_size: Vec<Model> = sizes.iter().zip(&parts).map(model).collect();
    let by_size = options.model_runs(&by_size)?;
    let by_size: Vec<RatesOfSize> =
        sizes.into_iter().zip(by_size).map(|(samples, model)| RatesOfSize { samples, model }).collect();
    let concrete = by_size[by_size.len() - 1].model.clone();
    let places = PLACES.map(str::to_owned).to_vec();
    Ok(TrainableRates { concrete, fixed, places, sizes: by_size, text: options.text(about) })
}

/// Concrete dropout before each dense layer, weighted for so many samples to train on.
fn concrete(options: &ExerciseOptions, samples: usize) -> Experiment {
    let layer = |dense: Value| json!({"class": "ConcreteDropout", "layer": dense, "length_scale": LENGTH_SCALE, "samples": samples});
    let mut first = layer(relu(128));
    first["input_shape"] = json!([784]);
    let layers = vec![first, layer(relu(64)), layer(softmax(10))];
    Experiment { compile: compiled_with_cross_entropy(), ..options.experiment("mnist", layers) }
}
