//! `thinnet summary`

use serde_json::{Value, json};
use thinnet::{Error, Result};

use super::model::described;
use crate::arguments::Summary;
use crate::exit::print;

pub(crate) fn run(arguments: &Summary) -> Result<()> {
    let mut model = described(&arguments.file)?;
    if !arguments.json {
        return print(&model.try_summary()?);
    }
    let config: Value = serde_json::from_str(&model.to_json()?)
        .map_err(|error| Error::config("summary", error.to_string()))?;
    let weights = model.get_weights()?;
    let variables: Vec<Value> = model
        .weight_names()?
        .iter()
        .zip(&weights)
        .map(|(name, array)| json!({"name": name, "shape": array.shape()}))
        .collect();
    let count = model.count_params()?;
    print(&format!("{}\n", json!({"total_params": count, "variables": variables, "model": config})))
}
