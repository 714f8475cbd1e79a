//! `thinnet bench … --dropout`: a model with and without the layers that drop, in turns.

use serde_json::{Value, json};
use thinnet::data::Dataset;
use thinnet::experiment::{Experiment, ProfileOptions, profile};
use thinnet::prelude::*;
use thinnet::{Error, Result};

use super::{median, sorted};
use crate::exit::print;

/// Rounds in which both are timed.
pub(super) const ROUNDS: usize = 6;

/// Layers that hold no weights of others: without them, the layers around them meet.
const LAYERS: [&str; 9] = [
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "DropBlock2D",
    "StochasticDepth",
];

/// Takes these layers out of all lists of layers.
fn remove(value: &mut Value) {
    let class = |layer: &Value| {
        [&layer["class"], &layer["class_name"]]
            .into_iter()
            .find_map(|class| class.as_str().map(str::to_owned))
    };
    match value {
        Value::Array(values) => {
            values.retain(|layer| class(layer).is_none_or(|class| !LAYERS.contains(&&*class)));
            values.iter_mut().for_each(remove);
        }
        Value::Object(entries) => entries.values_mut().for_each(remove),
        _ => {}
    }
}

/// The same model without these layers, with initial values of its own.
pub(super) fn without(model: &mut Sequential) -> Result<Sequential> {
    let mut value: Value = serde_json::from_str(&model.to_json()?).unwrap_or_default();
    remove(&mut value["config"]["layers"]);
    Ok(Sequential::from_json(&value.to_string())?.threads(model.thread_count()))
}

/// What stands in a line of JSON beside the times with these layers: medians, in milliseconds.
pub(super) fn comparison(with: f64, without: f64) -> Value {
    json!({"without_ms_per_step": without, "share_of_step": with / without - 1.0})
}

/// An experiment's steps, with and without.
pub(super) fn experiment(
    experiment: &Experiment,
    data: &Dataset,
    options: &ProfileOptions,
    as_json: bool,
) -> Result<()> {
    let mut bare = experiment.clone();
    if bare.model.file.is_some() {
        let message =
            "--dropout is for an experiment that lists its layers under [model], not for one with a file";
        return Err(Error::Usage(message.into()));
    }
    let mut layers = Value::Array(bare.model.layers);
    remove(&mut layers);
    bare.model.layers = layers.as_array().cloned().unwrap_or_default();
    // Starting weights are named by layers that may have gone, and times do not depend on them.
    let mut experiment = experiment.clone();
    (experiment.model.weights, bare.model.weights) = (None, None);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.extend(profile(&experiment, data, options)?.step_seconds());
        without.extend(profile(&bare, data, options)?.step_seconds());
    }
    let [with, without] = [with, without].map(|times| 1e3 * median(&sorted(times)));
    if as_json {
        let dropout = comparison(with, without);
        return print(&format!("{}\n", json!({"ms_per_step": {"median": with}, "dropout": dropout})));
    }
    let percent = 100.0 * (with / without - 1.0);
    let how = match percent.abs() < 0.05 {
        true => "no longer or shorter".to_owned(),
        false => format!("{:.1} % {}", percent.abs(), if percent > 0.0 { "longer" } else { "shorter" }),
    };
    print(&format!(
        "A step takes {with:.3} ms with the layers that drop and {without:.3} ms without them: {how} (medians of {ROUNDS} rounds \
         in turns).\n"
    ))
}
