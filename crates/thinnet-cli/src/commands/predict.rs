//! `thinnet predict`

use std::path::{Path, PathBuf};

use ndarray::{ArrayD, Axis};
use serde_json::{Value, json};
use thinnet::data::formats::npy;
use thinnet::data::{Data, Features, Targets, load_array};
use thinnet::model::Sequential;
use thinnet::{Error, Logs, Result};

use super::model::{fitting, trained};
use super::{monte_carlo, pictures};
use crate::arguments::Predict;
use crate::exit::print;

pub(crate) fn run(arguments: &Predict, threads: Option<usize>) -> Result<()> {
    check_files(arguments)?;
    let mut model = trained(&arguments.model, threads)?;
    let sampling = monte_carlo::sampling(&mut model, &arguments.sampling)?;
    let Some(input) = &arguments.input else {
        return pictures::classify(&mut model, arguments, sampling);
    };
    let x = fitting(&mut model, load_array(input)?.into_features()?)?;
    let y = match &arguments.labels {
        None => None,
        Some(_) if model.compile_config().is_err() => {
            return Err(Error::Usage("--labels: the model does not say which loss to measure".into()));
        }
        Some(labels) => Some(load_array(labels)?.into_targets()?),
    };
    match sampling {
        Some(sampling) => monte_carlo::predict(&mut model, arguments, sampling, &x, y),
        None => predict(&mut model, arguments, x, y),
    }
}

/// Makes sure that no file is written over one that is read, or twice.
fn check_files(arguments: &Predict) -> Result<()> {
    let Predict { model, input, labels, output, variance, samples, .. } = arguments;
    let read = [Some(&model.model), model.weights.as_ref(), input.as_ref(), labels.as_ref()];
    // A file that is not there yet has a folder all the same.
    let whole = |path: &PathBuf| {
        path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => {
                let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                folder.canonicalize().map_or_else(|_| path.clone(), |folder| folder.join(name))
            }
            _ => path.clone(),
        })
    };
    let mut taken: Vec<PathBuf> = read.into_iter().flatten().map(whole).collect();
    for (option, path) in [("--output", output), ("--variance", variance), ("--samples", samples)] {
        let Some(path) = path else { continue };
        if taken.contains(&whole(path)) {
            let message = format!("{option}: {} is used already: choose another file", path.display());
            return Err(Error::Usage(message));
        }
        taken.push(whole(path));
    }
    Ok(())
}

fn predict(
    model: &mut Sequential,
    arguments: &Predict,
    x: Features<'static>,
    y: Option<Targets<'static>>,
) -> Result<()> {
    let output = model.predict(&x)?;
    let logs = y.map(|y| model.evaluate(Data { x, y })).transpose()?;
    if let Some(path) = &arguments.output {
        npy::write(path, &output)?;
    }
    if arguments.json {
        let mut result = json!({"shape": output.shape()});
        match &arguments.output {
            Some(path) => result["output"] = json!(path),
            None => result["predictions"] = rows(&output),
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
    print(&(text + &measured(&logs)))
}

/// The outputs of each input, one after the other.
pub(super) fn rows(outputs: &ArrayD<f32>) -> Value {
    json!(outputs.outer_iter().map(|row| row.iter().copied().collect::<Vec<_>>()).collect::<Vec<_>>())
}

/// Loss and metrics, a line each.
pub(super) fn measured(logs: &Option<Logs>) -> String {
    logs.iter().flatten().map(|(name, value)| format!("{name} {value:.4}\n")).collect()
}
