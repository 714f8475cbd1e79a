//! Models from the files that `--model` takes.

use std::path::Path;

use thinnet::data::Features;
use thinnet::experiment::Experiment;
use thinnet::model::Sequential;
use thinnet::{Error, Result};

use crate::arguments::Model;

/// What a file is, by its ending.
enum Kind {
    Experiment,
    KerasJson,
    Saved,
}

fn kind(path: &Path) -> Result<Kind> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => Ok(Kind::Experiment),
        Some("json") => Ok(Kind::KerasJson),
        Some("safetensors") => Ok(Kind::Saved),
        _ => Err(Error::Usage(format!(
            "{}: expected an experiment (.toml), Keras's JSON (.json) or a model file (.safetensors)",
            path.display()
        ))),
    }
}

/// The model that a file describes; its variables have initial values where the file has none.
pub(crate) fn described(path: &Path) -> Result<Sequential> {
    match kind(path)? {
        Kind::Experiment => Experiment::from_file(path, &[])?.with_input_shape()?.model(),
        Kind::KerasJson => {
            let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
            Sequential::from_json(&text).map_err(|error| Error::file(path, error.to_string()))
        }
        Kind::Saved => Sequential::load(path),
    }
}

/// The trained model that the arguments name.
pub(crate) fn trained(arguments: &Model, threads: Option<usize>) -> Result<Sequential> {
    let Model { model: path, weights } = arguments;
    if weights.is_none() && !matches!(kind(path)?, Kind::Saved) {
        let path = path.display();
        return Err(Error::Usage(format!(
            "{path} describes a model without its weights: give them with --weights"
        )));
    }
    let mut model = described(path)?;
    if let Some(weights) = weights {
        model.load_weights(weights)?;
    }
    Ok(match threads {
        Some(threads) => model.threads(threads),
        None => model,
    })
}

/// Samples in the model's input shape, where they have as many elements.
pub(crate) fn fitting(model: &mut Sequential, features: Features<'static>) -> Result<Features<'static>> {
    let shape = model.input_shape()?.clone();
    Ok(features.clone().reshaped(shape).unwrap_or(features))
}
