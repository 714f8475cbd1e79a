//! `thinnet evaluate`

use serde_json::json;
use thinnet::data::{Data, Features, load_array};
use thinnet::model::Sequential;
use thinnet::report::reliability_diagram;
use thinnet::uncertainty::{Forecast, Predictive, Reliability, Sampling, Temperature};
use thinnet::{Error, Logs, Result};

use super::model::{fitting, trained};
use super::monte_carlo::sampling;
use crate::arguments::Evaluate;
use crate::exit::print;

pub(crate) fn run(arguments: &Evaluate, threads: Option<usize>) -> Result<()> {
    let mut model = trained(&arguments.model, threads)?;
    let is_compiled = model.compile_config().is_ok();
    if !is_compiled && !arguments.calibration {
        return Err(Error::Usage(format!(
            "{} does not say which loss to measure: use a model file that training wrote, or an experiment",
            arguments.model.model.display()
        )));
    }
    let x = fitting(&mut model, load_array(&arguments.input)?.into_features()?)?;
    let data = Data { x, y: load_array(&arguments.labels)?.into_targets()? };
    data.check()?;
    let sampling = sampling(&mut model, &arguments.sampling)?;
    let prediction = match sampling.is_some() || arguments.calibration {
        true => Some(predictive(&mut model, sampling, &data.x)?),
        false => None,
    };
    let mut logs = match (&prediction, sampling) {
        _ if !is_compiled => Logs::new(),
        (Some(prediction), Some(_)) => model.evaluate_predictive(prediction, &data.y)?,
        // Where one network is asked, its loss may come from logits, which know more than probabilities.
        _ => model.evaluate(&data)?,
    };
    if let Some(prediction) = prediction.filter(|_| arguments.calibration) {
        let forecast = Forecast::of(&prediction, &data.y)?;
        logs.extend(calibration(&mut model, arguments, sampling, &forecast)?);
    }
    if arguments.json {
        return print(&format!("{}\n", json!(logs)));
    }
    print(&logs.iter().map(|(name, value)| format!("{name} {value:.4}\n")).collect::<String>())
}

fn predictive(model: &mut Sequential, sampling: Option<Sampling>, x: &Features) -> Result<Predictive> {
    match sampling {
        Some(sampling) => model.predict_mc(x, sampling),
        None => model.predictive(x),
    }
}

/// The measures of calibration, also at the temperature that is fitted to validation data; draws the diagrams.
fn calibration(
    model: &mut Sequential,
    arguments: &Evaluate,
    sampling: Option<Sampling>,
    forecast: &Forecast,
) -> Result<Logs> {
    let mut logs: Logs =
        forecast.measures().entries().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let scaled = match (&arguments.validation_input, &arguments.validation_labels) {
        (Some(input), Some(labels)) => {
            let x = fitting(model, load_array(input)?.into_features()?)?;
            let y = load_array(labels)?.into_targets()?;
            let temperature = Temperature::fit(&Forecast::of(&predictive(model, sampling, &x)?, &y)?);
            logs.insert("temperature".into(), temperature.value());
            Some(temperature.apply(forecast))
        }
        _ => None,
    };
    if let Some(scaled) = &scaled {
        // Scaling does not change the accuracy.
        let measures = scaled.measures().entries().into_iter().skip(1);
        logs.extend(measures.map(|(name, value)| (format!("scaled_{name}"), value)));
    }
    if let Some(path) = &arguments.reliability {
        let before = Reliability::new(forecast, Reliability::BINS);
        let after = scaled.as_ref().map(|scaled| Reliability::new(scaled, Reliability::BINS));
        let diagrams = [("accuracy", Some(&before)), ("accuracy, after scaling", after.as_ref())];
        let diagrams = diagrams.into_iter().filter_map(|(name, diagram)| Some((name, diagram?)));
        reliability_diagram(&diagrams.collect::<Vec<_>>(), path)?;
    }
    Ok(logs)
}
