//! Experiments: a data set, a model and how it is trained, as a TOML file says it.
//!
//! ```toml
//! seed = 42
//! [data]
//! dataset = "mnist"            # or x, y, x_test, y_test: files, relative to this one; or folder: pictures by class
//! [model]
//! layers = [
//!   # Without input_shape, the data's.
//!   { class = "Dense", units = 128, activation = "relu", input_shape = [784] },
//!   { class = "Dropout", rate = 0.2 },
//!   { class = "Dense", units = 10, activation = "softmax" },
//! ]
//! [compile]
//! optimizer = "adam"
//! loss = "sparse_categorical_crossentropy"
//! metrics = ["accuracy"]
//! [fit]
//! epochs = 10
//! batch_size = 128
//! validation_split = 0.2
//! [augmentation]               # the options of ImageDataGenerator; without this table, images stay as they are
//! rotation_range = 15
//! horizontal_flip = true
//! ```
//!
//! Instead of a `dataset`, `[data]` may name the rows of one file, in the form of the UCI regression sets. `[values]` names
//! numbers and texts; `{…}` in any other text is computed from them by `+ - * / ^` and parentheses. Besides those of the
//! table, `samples` is the number of samples that are trained on, and `data_folder` the folder that `THINNET_DATA` names.
//!
//! ```toml
//! [values]
//! split = 0
//! rate = 0.05
//! tau = 0.2
//! [data]
//! table = "{data_folder}/uci/yacht/data.txt"         # columns separated by commas, semicolons or white space
//! target = 6                                         # by number from 0, or by name where there is a header; or a list
//! features = { file = "index_features.txt" }         # default: all other columns
//! train_rows = { file = "index_train_{split}.txt" }  # default: all that are not test_rows
//! test_rows = { file = "index_test_{split}.txt" }
//! standardize = true                                 # by the samples that are trained on; or "features"
//! [model]
//! layers = [
//!   { class = "Dropout", rate = "{rate}" },
//!   { class = "Dense", units = 50, activation = "relu",
//!     kernel_regularizer = { class = "L2", l2 = "{1e-4 * (1 - rate) / (2 * samples * tau)}" } },
//!   # …
//! ]
//! [monte_carlo]                                      # thinned networks say what they think of the test data, too
//! samples = 10000
//! tau = "{tau}"
//! ```

mod asking;
mod comparison;
mod contenders;
mod data;
mod expression;
mod finished;
mod jobs;
mod listing;
mod monte_carlo;
mod penalties;
mod profile;
mod repeat;
mod run;
mod set;
mod space;
mod sweep;
mod table;
mod targets;
mod text;
mod tune;
mod tutorial;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::parse;
use crate::data::Dataset;
use crate::data::augmentation::{Augment, ImageDataGenerator};
use crate::error::{Error, Result};
use crate::layers::{self, Layer};
use crate::model::Sequential;

pub use comparison::{ComparisonOptions, compare};
pub use contenders::{Contender, compare_all};
pub use data::{DataConfig, Standardize};
pub use finished::FinishedRun;
pub use jobs::{Job, results, run_all};
pub use listing::Listing;
pub use monte_carlo::MonteCarloConfig;
pub use profile::{ProfileOptions, profile};
pub use repeat::{Repeated, repeat};
pub use run::{Outcome, RunOptions, run};
pub use sweep::{SweepOptions, sweep};
pub use targets::TargetSource;
pub use tune::{Keep, Search, TuneConfig, TuneOptions, tune};
pub use tutorial::exercises::{
    ActivationExercise, ExerciseOptions, activations_with_dropout, dropout_rates, regularization,
    trainable_rates,
};
pub use tutorial::{cifar10 as tutorial_cifar10, mnist as tutorial_mnist, spatial as tutorial_spatial};

/// An experiment, checked as far as that is possible without its data.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The seed of all that is random. Default: 42.
    pub seed: u64,
    /// What to train and test on.
    pub data: DataConfig,
    /// The network.
    pub model: ModelConfig,
    /// Optimizer, loss and metrics.
    pub compile: CompileConfig,
    /// How to train.
    pub fit: FitConfig,
    /// Random changes of the training images. Default: none.
    pub augmentation: Option<ImageDataGenerator>,
    /// Callbacks, by class.
    pub callbacks: Vec<Value>,
    /// How thinned networks are asked when training is over. Default: not at all.
    pub monte_carlo: Option<MonteCarloConfig>,
    /// What [`tune()`] searches over. Default: nothing.
    pub tune: Option<TuneConfig>,
    /// Named values that `{EXPRESSION}`s in the other tables are computed from.
    pub values: Map<String, Value>,
}

/// `[model]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelConfig {
    /// The model's name.
    pub name: Option<String>,
    /// The layers, by class.
    pub layers: Vec<Value>,
    /// Keras 3's JSON, in place of the layers.
    pub file: Option<PathBuf>,
    /// Starting weights, as safetensors.
    pub weights: Option<PathBuf>,
}

/// `[compile]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompileConfig {
    /// Default: `rmsprop`, as in Keras.
    pub optimizer: Value,
    /// Must be given.
    pub loss: Value,
    /// Default: none.
    pub metrics: Vec<Value>,
}

impl Default for CompileConfig {
    fn default() -> Self {
        Self { optimizer: json!("rmsprop"), loss: Value::Null, metrics: Vec::new() }
    }
}

/// `[fit]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FitConfig {
    /// Default: 1.
    pub epochs: usize,
    /// Default: 32.
    pub batch_size: usize,
    /// Default: 0.
    pub validation_split: f64,
    /// After how many epochs the model is validated, again and again. Default: 1.
    pub validation_freq: usize,
    /// `test` validates on the test data, which are then no longer unseen. Default: what `validation_split` keeps.
    pub validation_data: Option<ValidationData>,
    /// Default: true.
    pub shuffle: bool,
    /// Default: as many as use all samples once.
    pub steps_per_epoch: Option<usize>,
    /// A weight for each class, by its number. Default: none.
    pub class_weight: Option<BTreeMap<String, f64>>,
}

/// What to validate on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationData {
    /// The test data.
    Test,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch_size: 32,
            validation_split: 0.0,
            validation_freq: 1,
            validation_data: None,
            shuffle: true,
            steps_per_epoch: None,
            class_weight: None,
        }
    }
}

/// The file's top level.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Top {
    seed: Option<u64>,
    data: Map<String, Value>,
    model: Map<String, Value>,
    compile: Map<String, Value>,
    fit: Map<String, Value>,
    augmentation: Option<Map<String, Value>>,
    callbacks: Vec<Value>,
    monte_carlo: Option<Map<String, Value>>,
    tune: Option<Map<String, Value>>,
    values: Map<String, Value>,
}

impl Experiment {
    /// Reads an experiment from a file; `sets` are `KEY=VALUE` overrides.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, an unknown key (with the nearest known one), a value of a wrong type.
    pub fn from_file(path: impl AsRef<Path>, sets: &[String]) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::from_toml(&text, folder, sets).map_err(|error| error.in_file(path))
    }

    /// Reads an experiment from text. Paths in it are relative to `folder`.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_toml(text: &str, folder: &Path, sets: &[String]) -> Result<Self> {
        let mut tree = text::read(text)?;
        set::apply(&mut tree, sets)?;
        for (key, value) in &tree {
            if let Some(rest) = text::find_null(value) {
                let place = if rest.is_empty() { key.clone() } else { format!("{key}.{rest}") };
                return Err(Error::config(place, "expected a finite number"));
            }
        }
        Self::from_tree(tree, folder)
    }

    fn from_tree(tree: Map<String, Value>, folder: &Path) -> Result<Self> {
        let tree = values::fill(tree)?;
        let top: Top = parse("experiment", &tree)?;
        let mut experiment = Self {
            seed: top.seed.unwrap_or(crate::model::DEFAULT_SEED),
            data: parse("data", &top.data)?,
            model: parse("model", &top.model)?,
            compile: parse("compile", &top.compile)?,
            fit: parse("fit", &top.fit)?,
            augmentation: top.augmentation.as_ref().map(ImageDataGenerator::from_config).transpose()?,
            callbacks: top.callbacks,
            monte_carlo: top.monte_carlo.as_ref().map(|table| parse("monte_carlo", table)).transpose()?,
            tune: top.tune.as_ref().map(|table| parse("tune", table)).transpose()?,
            values: top.values,
        };
        // Absolute, so that the complete configuration means the same wherever it is kept.
        let mut absolute = |path: &mut PathBuf| {
            *path = std::path::absolute(folder.join(&*path)).map_err(Error::io("resolve", &*path))?;
            Ok(())
        };
        let ModelConfig { file, weights, .. } = &mut experiment.model;
        let paths = experiment.data.paths_mut().into_iter().chain([file, weights].into_iter().flatten());
        paths.into_iter().try_for_each(&mut absolute)?;
        if let Some(tune) = &mut experiment.tune {
            tune.resolve(&mut absolute)?;
        }
        experiment.check()?;
        Ok(experiment)
    }

    fn check(&self) -> Result<()> {
        self.data.check()?;
        let ModelConfig { layers, file, .. } = &self.model;
        match (layers.is_empty(), file) {
            (true, None) => Err(Error::config("model", "expected `layers`, or a `file` with Keras's JSON")),
            (false, Some(_)) => Err(Error::config("model", "expected either `layers` or a `file`, got both")),
            _ => Ok(()),
        }?;
        if self.compile.loss.is_null() {
            return Err(Error::config("compile", "expected a `loss`"));
        }
        if self.fit.validation_data.is_some() && self.fit.validation_split != 0.0 {
            let message = "expected either `validation_split` or `validation_data`, got both";
            return Err(Error::config("fit", message));
        }
        self.monte_carlo.as_ref().map_or(Ok(()), MonteCarloConfig::check)?;
        let is_classification = self.compile.loss.to_string().to_lowercase().contains("crossentropy");
        if self.data.standardize == Some(Standardize::All(true)) && is_classification {
            let message = "class numbers and labels cannot be standardized: say standardize = \"features\"";
            return Err(Error::config("data.standardize", message));
        }
        if let Some(augmentation) = &self.augmentation {
            if self.data.standardizes() {
                let message = "does not go with `augmentation`, which works on images as they are: leave out one of the \
                               two (augmentation.featurewise_center and featurewise_std_normalization standardize images)";
                return Err(Error::config("data.standardize", message));
            }
            augmentation.check_arguments().map_err(|message| Error::config("augmentation", message))?;
            let split = augmentation.validation_split;
            if split != 0.0 {
                let message = format!("expected 0 in an experiment, got {split}: set fit.validation_split");
                return Err(Error::config("augmentation.validation_split", message));
            }
        }
        self.callbacks.iter().try_for_each(|callback| crate::callbacks::from_config(callback).map(drop))
    }

    /// What the model is called; `model` where nothing is said.
    pub fn name(&self) -> &str {
        self.model.name.as_deref().unwrap_or("model")
    }

    /// The experiment with each of `count` seeds, from its own on.
    ///
    /// # Errors
    /// Where seeds end before.
    pub fn with_seeds(&self, count: usize) -> Result<Vec<Self>> {
        let seed = |index: usize| {
            let seed = self.seed.checked_add(index as u64).ok_or_else(|| {
                Error::Usage(format!(
                    "{count} seeds from {} on: the last seed is {}, start with a smaller one",
                    self.seed,
                    u64::MAX
                ))
            })?;
            Ok(Self { seed, ..self.clone() })
        };
        (0..count).map(seed).collect()
    }

    fn layer(&self, index: usize) -> Result<Box<dyn Layer>> {
        layers::from_value(&self.model.layers[index])
            .map_err(|error| Error::config(format!("model.layers.{index}"), error.to_string()))
    }

    /// The model, built and compiled, with its starting weights.
    ///
    /// # Errors
    /// Everything that is wrong with the model; also where its first layer says no input shape: see
    /// [`with_input_shape`](Self::with_input_shape).
    pub fn model(&self) -> Result<Sequential> {
        let mut model = self.described()?.seed(self.seed);
        let CompileConfig { optimizer, loss, metrics } = &self.compile;
        model.compile(optimizer.clone(), loss.clone(), metrics.clone())?;
        if let Some(path) = &self.model.weights {
            model.load_weights(path)?;
        }
        Ok(model)
    }

    /// The model as it is described, with nothing built yet.
    fn described(&self) -> Result<Sequential> {
        let ModelConfig { name, layers: list, file, .. } = &self.model;
        let mut model = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
                Sequential::from_json(&text).map_err(|error| Error::file(path, error.to_string()))?
            }
            None => Sequential::new(),
        };
        for index in 0..list.len() {
            model.push(self.layer(index)?);
        }
        Ok(match name {
            Some(name) => model.name(name.clone()),
            None => model,
        })
    }

    /// The data; test data are empty where none are given.
    ///
    /// # Errors
    /// Where a file cannot be read or the data set not be had.
    pub fn data(&self) -> Result<Dataset> {
        Ok(self.data_with_notes()?.0)
    }

    /// The data, and what is to be said of them: that pictures were skipped.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub fn data_with_notes(&self) -> Result<(Dataset, Vec<String>)> {
        self.data.load()
    }

    /// The experiment as complete TOML, defaults included: it gives the same run again.
    ///
    /// # Errors
    /// Where a layer or the compile section cannot be read.
    pub fn to_toml(&self) -> Result<String> {
        let mut complete = self.clone();
        for layer in &mut complete.model.layers {
            *layer = complete_layer(&*layers::from_value(layer)?);
        }
        let compiled = self.model_config_only()?;
        complete.compile.optimizer = text::flat(&compiled["optimizer"]);
        complete.compile.loss = text::flat(&compiled["loss"]);
        let tree = json!({
            "seed": complete.seed,
            "data": complete.data,
            "model": complete.model,
            "compile": complete.compile,
            "fit": complete.fit,
            "augmentation": complete.augmentation.map(|augmentation| augmentation.to_config()),
            "callbacks": complete.callbacks,
            "monte_carlo": complete.monte_carlo,
            "values": (!complete.values.is_empty()).then_some(complete.values),
        });
        text::write(&tree)
    }

    /// What is done to the images, in words, if anything is.
    pub fn about_augmentation(&self) -> Option<String> {
        let augmentation = self.augmentation.as_ref()?;
        let mut text = format!("The training images are changed at random in every epoch: {augmentation}.");
        if augmentation.standardizes() {
            text += " What of this is not random (scaling, centring, whitening) is done to the validation and test \
                     images too. The model does not do it itself: give it images that were changed alike.";
        }
        Some(text)
    }

    fn model_config_only(&self) -> Result<Value> {
        let mut without_weights = self.clone();
        without_weights.model.weights = None;
        without_weights.model()?.compile_config()
    }
}

/// A layer's table with all its arguments.
fn complete_layer(layer: &dyn Layer) -> Value {
    let mut table = Map::from_iter([("class".to_owned(), json!(layer.class_name()))]);
    table.extend(layers::to_config(layer));
    Value::Object(table)
}
