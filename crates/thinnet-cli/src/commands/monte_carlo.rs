//! Monte-Carlo dropout for `predict` and `evaluate`.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::ArrayD;
use serde_json::{Map, Value, json};
use thinnet::data::formats::npy;
use thinnet::data::{Data, Features, Targets};
use thinnet::model::Sequential;
use thinnet::report::aligned;
use thinnet::uncertainty::{Predictive, Sampling};
use thinnet::{Error, Result};

use super::pictures;
use super::predict::{measured, rows};
use crate::arguments::{self, Predict};
use crate::exit::{on_interrupt, print};

/// The thinned networks that are asked for; an error where the model has none.
pub(super) fn sampling(model: &mut Sequential, arguments: &arguments::Sampling) -> Result<Option<Sampling>> {
    let Some(samples) = arguments.mc_samples else { return Ok(None) };
    if !model.is_stochastic()? {
        return Err(Error::Usage(
            "--mc-samples: the model has no dropout or noise with a rate above 0, so that all samples would be the same: \
             leave --mc-samples out, or take a model that was trained with dropout"
                .into(),
        ));
    }
    let sampling = Sampling::new(samples as usize).shared_masks(arguments.shared_masks);
    Ok(Some(match arguments.seed {
        Some(seed) => sampling.seed(seed),
        None => sampling,
    }))
}

/// `thinnet predict --mc-samples`
pub(super) fn predict(
    model: &mut Sequential,
    arguments: &Predict,
    sampling: Sampling,
    x: &Features,
    y: Option<Targets>,
) -> Result<()> {
    check(model, arguments, x, y.as_ref())?;
    let prediction = sampled(model, arguments, sampling, x)?;
    let logs = y.map(|y| model.evaluate_predictive(&prediction, &y)).transpose()?;
    let files = [
        ("output", &arguments.output, Some(&prediction.mean)),
        ("variance", &arguments.variance, Some(&prediction.variance)),
        // Written as it was sampled.
        ("samples", &arguments.samples, None),
    ];
    let (level, noise_variance) =
        (arguments.interval.unwrap_or(0.95), arguments.noise_variance.unwrap_or(0.0));
    let interval = match prediction.is_classification() {
        true => None,
        false => Some(prediction.interval(level, noise_variance)?),
    };
    for (_, path, array) in files {
        if let (Some(path), Some(array)) = (path, array) {
            npy::write(path, array)?;
        }
    }
    if arguments.json {
        let mut result = Map::new();
        result.insert("shape".into(), json!(prediction.mean.shape()));
        result.insert("mc_samples".into(), json!(sampling.samples()));
        for (name, path, array) in files {
            match (path, array) {
                (Some(path), _) => result.insert(name.into(), json!(path)),
                (None, Some(array)) => {
                    let name = if name == "output" { "predictions" } else { name };
                    result.insert(name.into(), rows(array))
                }
                (None, None) => None,
            };
        }
        result.extend(uncertainties(&prediction)?);
        if let Some((lower, upper)) = &interval {
            let interval = json!({
                "level": level, "noise_variance": noise_variance,
                "lower": rows(lower), "upper": rows(upper),
            });
            result.insert("interval".into(), interval);
        }
        if let Some(logs) = &logs {
            result.insert("metrics".into(), json!(logs));
        }
        return print(&format!("{}\n", Value::Object(result)));
    }
    let mut text = String::new();
    for (name, path, _) in files {
        let name = if name == "output" { "mean" } else { name };
        if let Some(path) = path {
            text += &format!("{name} of {} thinned networks: {}\n", sampling.samples(), path.display());
        }
    }
    if arguments.output.is_none() {
        text += &match &interval {
            None => aligned(&classified(model, &prediction)?),
            Some(interval) => aligned(&regressed(&prediction, interval, level)),
        };
    }
    print(&(text + &measured(&logs)))
}

/// Finds what is wrong before the sampling, which may take long.
fn check(model: &Sequential, arguments: &Predict, x: &Features, y: Option<&Targets>) -> Result<()> {
    let regression =
        arguments.interval.map(|_| "--interval").or(arguments.noise_variance.map(|_| "--noise-variance"));
    if let (Some(option), true) = (regression, model.gives_probabilities()) {
        let message = format!(
            "{option}: is for a regression, and this model's outputs are probabilities: leave it out"
        );
        return Err(Error::Usage(message));
    }
    if let Some(y) = y {
        Data { x: x.slice(0..x.len()), y: y.slice(0..y.len()) }.check()?;
    }
    for path in [&arguments.output, &arguments.variance].into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(Err(error)) = folder.map(std::fs::metadata) {
            return Err(Error::file(path, format!("cannot be written: {error}")));
        }
    }
    Ok(())
}

/// Samples, and writes every sample to the file that is asked for.
fn sampled(
    model: &mut Sequential,
    arguments: &Predict,
    sampling: Sampling,
    x: &Features,
) -> Result<Predictive> {
    let interrupted = on_interrupt();
    let Some(path) = &arguments.samples else {
        return model.predict_mc_each(x, sampling, |_| go_on(interrupted));
    };
    let one = [&[sampling.samples(), x.len()], model.output_shape()?.axes()].concat();
    let mut prediction = None;
    npy::write_parts(path, &one, |write| {
        let each = |outputs: ndarray::ArrayViewD<f32>| {
            write(outputs.as_slice().unwrap_or_default())?;
            go_on(interrupted)
        };
        prediction = Some(model.predict_mc_each(x, sampling, each)?);
        Ok(())
    })?;
    prediction.ok_or(Error::Interrupted)
}

fn go_on(interrupted: &AtomicBool) -> Result<()> {
    if interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
}

/// Each input's entropies by name; none for a regression.
pub(super) fn uncertainties(prediction: &Predictive) -> Result<Map<String, Value>> {
    let mut entries = Map::new();
    if prediction.is_classification() {
        for (name, values) in [
            ("entropy", prediction.entropy()?),
            ("expected_entropy", prediction.expected_entropy()?),
            ("mutual_information", prediction.mutual_information()?),
        ] {
            entries.insert(name.into(), json!(values.to_vec()));
        }
    }
    Ok(entries)
}

/// A table of classes with their entropies, or of the probabilities of several labels.
fn classified(model: &Sequential, prediction: &Predictive) -> Result<Vec<Vec<String>>> {
    let (entropy, information) = (prediction.entropy()?, prediction.mutual_information()?);
    let probabilities = prediction.probabilities().ok();
    let labels = prediction.label_probabilities()?;
    let said = match probabilities {
        Some(_) => &["class", "probability"][..],
        None => &["mean probability of each label"],
    };
    let head = [&["input"], said, &["entropy (nats)", "mutual information (nats)"]].concat();
    let mut table = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
    for (input, labels) in labels.outer_iter().enumerate() {
        let mut row = vec![input.to_string()];
        match &probabilities {
            Some(probabilities) => {
                let (class, probability) = pictures::likeliest(&probabilities.row(input).to_vec())[0];
                row.extend([pictures::name(model, class), format!("{probability:.4}")]);
            }
            None => row.push(labels.iter().map(|p| format!("{p:.4}")).collect::<Vec<_>>().join(" ")),
        }
        row.extend([entropy[input], information[input]].map(|value| format!("{value:.4}")));
        table.push(row);
    }
    Ok(table)
}

/// A table of means, standard deviations and intervals.
fn regressed(
    prediction: &Predictive,
    (lower, upper): &(ArrayD<f32>, ArrayD<f32>),
    level: f64,
) -> Vec<Vec<String>> {
    let inputs = prediction.mean.shape()[0];
    let outputs = prediction.mean.len() / inputs.max(1);
    let interval = format!("{} % interval", (level * 1e4).round() / 100.0);
    let mut head = vec!["input".to_owned(), "mean".into(), "standard deviation".into(), interval];
    if outputs > 1 {
        head.insert(1, "output".into());
    }
    let mut table = vec![head];
    let bounds = lower.iter().zip(upper);
    for (at, ((mean, variance), (lower, upper))) in
        prediction.mean.iter().zip(&prediction.variance).zip(bounds).enumerate()
    {
        let mut row = vec![(at / outputs).to_string()];
        if outputs > 1 {
            row.push((at % outputs).to_string());
        }
        row.extend([
            format!("{mean:.6}"),
            format!("{:.6}", variance.sqrt()),
            format!("{lower:.6} to {upper:.6}"),
        ]);
        table.push(row);
    }
    table
}
