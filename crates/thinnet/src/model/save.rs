//! Models as files and as Keras's JSON.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::file::{Contents, ReadFile};
use super::{Compiled, Sequential};
use crate::config::Tagged;
use crate::error::{Error, Result};
use crate::layers;

impl Sequential {
    /// The model's configuration as Keras 3's `model.to_json()` writes it.
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn to_json(&mut self) -> Result<String> {
        self.build()?;
        let built = self.built()?;
        let batch_shape: Vec<Value> =
            std::iter::once(Value::Null).chain(built.input.axes().iter().map(|&axis| json!(axis))).collect();
        let mut entries = Vec::new();
        if self.layers[0].class_name() != "InputLayer" {
            let config = json!({"name": "input_layer", "dtype": "float32", "batch_shape": batch_shape});
            let Value::Object(config) = config else { unreachable!("an object literal") };
            entries.push(Tagged::to_keras("keras.layers", "InputLayer", config));
        }
        for ((name, _), layer) in built.layers.iter().zip(&self.layers) {
            let mut config = Map::new();
            config.insert("name".into(), json!(name));
            // Keras's spatial dropouts take no `trainable`: they have no variables.
            if !layer.class_name().starts_with("SpatialDropout") {
                config.insert("trainable".into(), json!(layer.base().trainable));
            }
            config.insert("dtype".into(), json!("float32"));
            if layer.class_name() == "InputLayer" {
                config.remove("trainable");
                config.insert("batch_shape".into(), json!(batch_shape));
            } else {
                config.extend(layer.config());
            }
            entries.push(Tagged::to_keras("keras.layers", layer.class_name(), config));
        }
        let config = json!({
            "name": self.name,
            "trainable": true,
            "dtype": "float32",
            "layers": entries,
            "build_input_shape": batch_shape,
        });
        let model =
            json!({"module": "keras", "class_name": "Sequential", "config": config, "registered_name": null});
        Ok(model.to_string())
    }

    /// A model from Keras 3's `model.to_json()`, with new initial values.
    ///
    /// # Errors
    /// Where the text is not JSON, not a `Sequential`, or has layers or arguments that Thinnet does not know.
    pub fn from_json(text: &str) -> Result<Self> {
        let place = "Keras JSON";
        let value: Value =
            serde_json::from_str(text).map_err(|error| Error::config(place, error.to_string()))?;
        let Tagged { class, config } = Tagged::split("model", &value)?;
        if class != "Sequential" {
            return Err(Error::config(place, format!("expected a `Sequential` model, got a `{class}`")));
        }
        let mut model = Self::new();
        if let Some(name) = config.get("name").and_then(Value::as_str) {
            model.name = name.to_owned();
        }
        let Some(Value::Array(entries)) = config.get("layers") else {
            return Err(Error::config(place, "`config.layers` must be a list of layers"));
        };
        for (index, entry) in entries.iter().enumerate() {
            let tagged = Tagged::split(&format!("layers[{index}]"), entry)?;
            model.push(layers::from_config(&tagged.class, &tagged.config)?);
        }
        // Before Keras 3, or without an Input, the shape stands here.
        if let (Some(first), Some(Value::Array(axes))) =
            (model.layers.first_mut(), config.get("build_input_shape"))
        {
            let base = first.base_mut();
            if base.input_shape.is_none() {
                let axes = axes.iter().skip(1).map(|axis| axis.as_u64().map(|axis| axis as usize));
                base.input_shape = axes.collect();
            }
        }
        Ok(model)
    }

    /// Saves the model: its configuration, its variables, how it was compiled, and its class names. The file is a safetensors file
    /// with tensors `LAYER/VARIABLE` in Keras's shapes; it appears whole or not at all.
    ///
    /// # Errors
    /// Where the model cannot be built or the file not written.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let mut metadata = std::collections::BTreeMap::from([
            ("thinnet.model", self.to_json()?),
            ("thinnet.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("thinnet.seed", self.seed.to_string()),
        ]);
        if let Some(compiled) = &self.compiled {
            metadata.insert("thinnet.compile", compiled.config().to_string());
        }
        if !self.class_names.is_empty() {
            metadata.insert("thinnet.classes", json!(self.class_names).to_string());
        }
        if let Some(standardization) = &self.standardization {
            metadata.insert("thinnet.standardization", json!(standardization).to_string());
        }
        let parameters = &self.built()?.parameters;
        let tensors = parameters.entries.iter().map(|entry| {
            let values = &parameters.values()[entry.range.clone()];
            (entry.name.clone(), &entry.shape[..], values)
        });
        Contents { metadata, tensors: tensors.collect() }.write(path.as_ref())
    }

    /// A model that [`save`](Self::save) wrote, compiled as it was.
    ///
    /// # Errors
    /// Where the file cannot be read, is not whole, is not a model, or is of a newer Thinnet.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = ReadFile::open(path)?;
        let text = file.text("thinnet.model")?;
        file.check_version()?;
        let with_path = |error: Error| Error::file(path, error.to_string());
        let mut model = Self::from_json(text).map_err(with_path)?;
        if let Some(seed) = file.metadata.get("thinnet.seed") {
            let invalid = |_| Error::file(path, format!("`thinnet.seed` must be an integer, got `{seed}`"));
            model.seed = seed.parse().map_err(invalid)?;
        }
        if let Some(text) = file.metadata.get("thinnet.classes") {
            let invalid =
                |error| Error::file(path, format!("`thinnet.classes` must be a list of names: {error}"));
            model.class_names = serde_json::from_str(text).map_err(invalid)?;
        }
        if let Some(text) = file.metadata.get("thinnet.standardization") {
            let invalid = |error| {
                Error::file(path, format!("`thinnet.standardization` must be means and deviations: {error}"))
            };
            model.standardization = Some(serde_json::from_str(text).map_err(invalid)?);
        }
        model.build().map_err(with_path)?;
        model.read_variables(&file)?;
        if let Some(text) = file.metadata.get("thinnet.compile") {
            let config: Value =
                serde_json::from_str(text).map_err(|error| Error::file(path, error.to_string()))?;
            let part = |key: &str| config.get(key).cloned().unwrap_or(Value::Null);
            let metrics = part("metrics").as_array().cloned().unwrap_or_default();
            model.compile(part("optimizer"), part("loss"), metrics).map_err(with_path)?;
        }
        Ok(model)
    }

    /// Replaces the variables' values by those of a safetensors file with tensors `LAYER/VARIABLE`.
    ///
    /// # Errors
    /// Where the file cannot be read, or lacks a variable of this model in its shape; nothing is changed then.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.build()?;
        self.read_variables(&ReadFile::open(path.as_ref())?)
    }

    fn read_variables(&mut self, file: &ReadFile) -> Result<()> {
        let Some(built) = &mut self.built else { return Err(Error::Usage("the model is not built".into())) };
        let mut values = built.parameters.values().to_vec();
        for entry in &built.parameters.entries {
            file.copy(&entry.name, &entry.shape, &mut values[entry.range.clone()])?;
        }
        built.parameters.values_mut().1.copy_from_slice(&values);
        Ok(())
    }
}

impl Compiled {
    /// Optimizer, loss and metrics in Keras's JSON.
    pub(super) fn config(&self) -> Value {
        let optimizer = &self.optimization.optimizer;
        let loss = &self.objective.loss;
        let metrics = self
            .objective
            .metrics
            .iter()
            .map(|metric| Tagged::to_keras("keras.metrics", metric.class_name(), metric.config()));
        json!({
            "optimizer": Tagged::to_keras("keras.optimizers", optimizer.class_name(), optimizer.config()),
            "loss": Tagged::to_keras("keras.losses", loss.class_name(), loss.config()),
            "metrics": metrics.collect::<Vec<_>>(),
        })
    }
}
