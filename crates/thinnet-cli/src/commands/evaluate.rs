//! `thinnet evaluate`

use serde_json::json;
use thinnet::data::{Data, load_array};
use thinnet::{Error, Result};

use super::model::{fitting, trained};
use super::monte_carlo::sampling;
use crate::arguments::Evaluate;
use crate::exit::print;

pub(crate) fn run(arguments: &Evaluate, threads: Option<usize>) -> Result<()> {
    let mut model = trained(&arguments.model, threads)?;
    if model.compile_config().is_err() {
        return Err(Error::Usage(format!(
            "{} does not say which loss to measure: use a model file that training wrote, or an experiment",
            arguments.model.model.display()
        )));
    }
    let x = fitting(&mut model, load_array(&arguments.input)?.into_features()?)?;
    let y = load_array(&arguments.labels)?.into_targets()?;
    let logs = match sampling(&mut model, &arguments.sampling)? {
        None => model.evaluate(Data { x, y })?,
        Some(sampling) => {
            let prediction = model.predict_mc(&x, sampling)?;
            model.evaluate_predictive(&prediction, &y)?
        }
    };
    if arguments.json {
        return print(&format!("{}\n", json!(logs)));
    }
    print(&logs.iter().map(|(name, value)| format!("{name} {value:.4}\n")).collect::<String>())
}
