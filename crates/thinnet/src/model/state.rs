//! Everything that training depends on, in a file: to go on after a stop as if there had been none.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use serde_json::{Value, json};

use super::file::{Contents, ReadFile};
use super::{BuiltModel, Compiled, Sequential};
use crate::error::{Error, Result};

/// The values of all variables, as [`Sequential::get_weights`] gives them.
type Weights = Vec<ArrayD<f32>>;

impl Sequential {
    /// Saves the variables, the optimizer's slots and counters, and what the caller needs to go on: `extra`, and sets
    /// of weights by name. Together with the model's description and the data, that determines every later bit.
    pub(crate) fn save_state(
        &self,
        path: &Path,
        extra: &Value,
        kept: &BTreeMap<String, Weights>,
    ) -> Result<()> {
        let (built, Compiled { optimization, .. }) = (self.built()?, self.compiled()?);
        let counters = json!({
            "iterations": optimization.iterations,
            // As bits, since the exact number matters.
            "carry": optimization.carry.to_bits(),
            "optimizer": optimization.optimizer.class_name(),
            "learning_rate": optimization.optimizer.config().get("learning_rate"),
        });
        let metadata = BTreeMap::from([
            ("thinnet.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("thinnet.counters", counters.to_string()),
            ("thinnet.extra", extra.to_string()),
        ]);
        let entries = &built.parameters.entries;
        let mut tensors = Vec::new();
        for entry in entries {
            tensors.push((
                entry.name.clone(),
                &entry.shape[..],
                &built.parameters.values()[entry.range.clone()],
            ));
        }
        for (slot, values) in optimization.optimizer.slots().iter().zip(&optimization.slots) {
            for entry in entries {
                let name = format!("optimizer/{slot}/{}", entry.name);
                tensors.push((name, &entry.shape[..], &values[entry.range.clone()]));
            }
        }
        for (name, weights) in kept {
            for (entry, values) in entries.iter().zip(weights) {
                let values = values
                    .as_slice()
                    .ok_or_else(|| Error::Usage("weights must be in standard order".into()))?;
                tensors.push((format!("{name}/{}", entry.name), &entry.shape[..], values));
            }
        }
        Contents { metadata, tensors }.write(path)
    }

    /// Restores what [`save_state`](Self::save_state) saved, and returns its `extra` and the sets of weights whose
    /// names `extra` lists under `kept`. Nothing is changed where the file is of another model or optimizer, or not
    /// whole.
    pub(crate) fn load_state(&mut self, path: &Path) -> Result<(Value, BTreeMap<String, Weights>)> {
        let file = ReadFile::open(path)?;
        file.check_version()?;
        let json = |key: &str| -> Result<Value> {
            serde_json::from_str(file.text(key)?)
                .map_err(|error| Error::file(path, format!("`{key}`: {error}")))
        };
        let (counters, extra) = (json("thinnet.counters")?, json("thinnet.extra")?);
        self.compiled()?;
        let (Some(BuiltModel { parameters, .. }), Some(Compiled { optimization, .. })) =
            (&mut self.built, &mut self.compiled)
        else {
            return Err(Error::Usage("the model is not compiled: call compile() first".into()));
        };
        let class = optimization.optimizer.class_name();
        if counters["optimizer"] != class {
            let came = &counters["optimizer"];
            return Err(Error::file(
                path,
                format!("is the state of a run with optimizer {came}, not \"{class}\""),
            ));
        }
        let number = |key: &str| {
            counters[key]
                .as_u64()
                .ok_or_else(|| Error::file(path, format!("`thinnet.counters.{key}` must be an integer")))
        };
        let (iterations, carry) = (number("iterations")?, f64::from_bits(number("carry")?));
        let learning_rate = serde_json::from_value(counters["learning_rate"].clone())
            .map_err(|error| Error::file(path, format!("`thinnet.counters.learning_rate`: {error}")))?;
        let mut values = parameters.values().to_vec();
        let mut slots = optimization.slots.clone();
        for entry in &parameters.entries {
            file.copy(&entry.name, &entry.shape, &mut values[entry.range.clone()])?;
            for (slot, values) in optimization.optimizer.slots().iter().zip(&mut slots) {
                let name = format!("optimizer/{slot}/{}", entry.name);
                file.copy(&name, &entry.shape, &mut values[entry.range.clone()])?;
            }
        }
        let names = extra["kept"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut kept = BTreeMap::new();
        for name in names {
            let mut weights = Vec::new();
            for entry in &parameters.entries {
                let mut array = ArrayD::zeros(IxDyn(&entry.shape));
                let values = array.as_slice_mut().expect("new arrays are in standard order");
                file.copy(&format!("{name}/{}", entry.name), &entry.shape, values)?;
                weights.push(array);
            }
            kept.insert(name.to_owned(), weights);
        }
        parameters.values_mut().1.copy_from_slice(&values);
        optimization.slots = slots;
        optimization.iterations = iterations;
        optimization.carry = carry;
        optimization.optimizer.base_mut().learning_rate = learning_rate;
        Ok((extra, kept))
    }
}
