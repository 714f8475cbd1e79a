//! `thinnet predict`

use ndarray::Axis;
use serde_json::json;
use thinnet::data::formats::npy;
use thinnet::data::{Data, load_array};
use thinnet::{Error, Result};

use super::model::{fitting, trained};
use super::pictures;
use crate::arguments::Predict;
use crate::exit::print;

pub(crate) fn run(arguments: &Predict, threads: Option<usize>) -> Result<()> {
    let mut model = trained(&arguments.model, threads)?;
    let Some(input) = &arguments.input else {
        return pictures::classify(&mut model, arguments);
    };
    let x = fitting(&mut model, load_array(input)?.into_features()?)?;
    let output = model.predict(&x)?;
    let logs = match &arguments.labels {
        None => None,
        Some(_) if model.compile_config().is_err() => {
            return Err(Error::Usage("--labels: the model does not say which loss to measure".into()));
        }
        Some(labels) => Some(model.evaluate(Data { x, y: load_array(labels)?.into_targets()? })?),
    };
    if let Some(path) = &arguments.output {
        npy::write(path, &output)?;
    }
    if arguments.json {
        let mut result = json!({"shape": output.shape()});
        match &arguments.output {
            Some(path) => result["output"] = json!(path),
            None => {
                result["predictions"] = json!(
                    output
                        .outer_iter()
                        .map(|row| row.iter().copied().collect::<Vec<_>>())
                        .collect::<Vec<_>>()
                )
            }
        }
        if let Some(logs) = &logs {
            result["metrics"] = json!(logs);
        }
        return print(&format!("{result}\n"));
    }
    let mut text = String::new();
    match &arguments.output {
        Some(path) => {
            text += &format!(
                "{} predictions of shape {:?}: {}\n",
                output.len_of(Axis(0)),
                &output.shape()[1..],
                path.display()
            )
        }
        None => {
            for row in output.outer_iter() {
                text += &row.iter().map(|value| format!("{value:.6}")).collect::<Vec<_>>().join(" ");
                text.push('\n');
            }
        }
    }
    for (name, value) in logs.into_iter().flatten() {
        text += &format!("{name} {value:.4}\n");
    }
    print(&text)
}
