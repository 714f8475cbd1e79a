//! What a model is to give, where that is not what the data say.

use serde::{Deserialize, Serialize};

use crate::data::{Data, Features, Targets};
use crate::shape::Shape;

/// Targets in place of the data's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetSource {
    /// The inputs themselves: the model is an autoencoder.
    Inputs,
}

impl TargetSource {
    /// The samples with these targets.
    pub(super) fn of(self, data: Data<'static>) -> Data<'static> {
        match self {
            Self::Inputs => Data { y: values(&data.x), x: data.x },
        }
    }

    /// Targets in the shape of a model's output, where they have as many elements.
    pub(super) fn fitted<'a>(self, y: Targets<'a>, output: &Shape) -> Targets<'a> {
        match y {
            Targets::Values { sample, values } if sample.len() == output.len() => {
                Targets::Values { sample: output.clone(), values }
            }
            other => other,
        }
    }
}

/// The samples' values as targets.
fn values(x: &Features) -> Targets<'static> {
    let sample = x.sample_shape().clone();
    let mut values = vec![0.0; x.len() * sample.len()];
    for (index, out) in values.chunks_exact_mut(sample.len().max(1)).enumerate() {
        x.gather(index, out);
    }
    Targets::Values { sample, values: values.into() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Experiment, RunOptions, run};
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn an_autoencoder_learns_its_inputs() {
        let text = r#"
            [data]
            dataset = "mnist"
            targets = "inputs"
            [model]
            layers = [
              { class = "Dense", units = 8, activation = "relu", input_shape = [12] },
              { class = "Dense", units = 12 },
            ]
            [compile]
            optimizer = "adam"
            loss = "mean_squared_error"
            [fit]
            epochs = 30
            batch_size = 8
        "#;
        let experiment = Experiment::from_toml(text, Path::new("."), &[]).unwrap();
        assert!(experiment.to_toml().unwrap().contains("targets = \"inputs\""));
        // Pictures of 3 × 4 whose targets say something else: what is learned is the pictures.
        let bytes: Vec<u8> =
            (0..64 * 12).map(|at| if at % 12 % 3 == at / 12 % 3 { 255 } else { 0 }).collect();
        let part =
            Data { x: Features::bytes([3, 4], bytes, 1.0 / 255.0), y: Targets::Classes(vec![0; 64].into()) };
        let part = TargetSource::Inputs.of(part);
        let data = Dataset { name: "m".into(), class_names: Vec::new(), train: part.clone(), test: part };
        let outcome = run(&experiment, &data, &RunOptions::default()).unwrap();
        let loss = &outcome.history["loss"];
        assert!(loss[29] < 0.5 * loss[0], "{loss:?}");
        assert!(outcome.test.unwrap()["loss"] < 0.15);
    }

    #[test]
    fn other_targets_are_an_error() {
        let text = "[data]\ndataset = \"mnist\"\ntargets = \"outputs\"";
        let error = Experiment::from_toml(text, Path::new("."), &[]).unwrap_err().to_string();
        assert!(error.contains("targets") && error.contains("inputs"), "{error}");
    }
}
