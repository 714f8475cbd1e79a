//! Metrics by name and from configurations.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Accuracy, BinaryAccuracy, CategoricalAccuracy, Metric, SparseCategoricalAccuracy};
use crate::config::{Inert, Known, Tagged, parse, read_known};
use crate::error::{Error, Result};

/// What `compile` takes for a metric: a metric, Keras's name of one, or its configuration.
///
/// Names are Keras's class names and their lower-case forms, `acc`, and `mse`, `mae`, `bce`, each also in capitals.
/// What a metric is named by is its key in logs, as in Keras.
///
/// ```
/// use thinnet::metrics::IntoMetric;
///
/// assert_eq!("acc".into_metric()?.name(), "acc");
/// let table = serde_json::json!({"class": "BinaryAccuracy", "threshold": 0.3});
/// assert_eq!(table.into_metric()?.name(), "binary_accuracy");
/// let error = "acuracy".into_metric().unwrap_err();
/// assert_eq!(error.to_string(), "unknown metric `acuracy`: did you mean `accuracy`?");
/// # Ok::<(), thinnet::Error>(())
/// ```
pub trait IntoMetric {
    /// The metric behind a box.
    ///
    /// # Errors
    /// An unknown name or argument, an argument out of its range.
    fn into_metric(self) -> Result<Box<dyn Metric>>;
}

impl<M: Metric + 'static> IntoMetric for M {
    fn into_metric(self) -> Result<Box<dyn Metric>> {
        (Box::new(self) as Box<dyn Metric>).into_metric()
    }
}

impl IntoMetric for Box<dyn Metric> {
    fn into_metric(self) -> Result<Box<dyn Metric>> {
        self.validate().map_err(|message| Error::config(self.class_name(), message))?;
        Ok(self)
    }
}

impl IntoMetric for &str {
    fn into_metric(self) -> Result<Box<dyn Metric>> {
        let mut config = Map::new();
        config.insert("name".into(), self.into());
        from_tagged(&Tagged { class: self.to_owned(), config })
    }
}

impl IntoMetric for String {
    fn into_metric(self) -> Result<Box<dyn Metric>> {
        self.as_str().into_metric()
    }
}

/// A name, a table with `class`, or Keras 3's JSON.
impl IntoMetric for Value {
    fn into_metric(self) -> Result<Box<dyn Metric>> {
        match self.as_str() {
            Some(name) => name.into_metric(),
            None => from_tagged(&Tagged::split("metric", &self)?),
        }
    }
}

fn read<M: Metric + Default + Serialize + DeserializeOwned + 'static>(
    class: &str,
    config: &Map<String, Value>,
) -> Result<Box<dyn Metric>> {
    parse::<M>(class, config)?.into_metric()
}

const KNOWN: [Known<dyn Metric>; 4] = [
    Known { class: "Accuracy", aliases: &["accuracy", "acc"], read: read::<Accuracy> },
    Known { class: "BinaryAccuracy", aliases: &["binary_accuracy"], read: read::<BinaryAccuracy> },
    Known {
        class: "CategoricalAccuracy",
        aliases: &["categorical_accuracy"],
        read: read::<CategoricalAccuracy>,
    },
    Known {
        class: "SparseCategoricalAccuracy",
        aliases: &["sparse_categorical_accuracy"],
        read: read::<SparseCategoricalAccuracy>,
    },
];

/// What Keras writes for every metric, and for some.
const INERT: [Inert; 2] =
    [Inert { key: "dtype", accepted: &["float32", "null"] }, Inert { key: "axis", accepted: &["-1"] }];

fn from_tagged(tagged: &Tagged) -> Result<Box<dyn Metric>> {
    read_known("metric", &KNOWN, &INERT, tagged)
}
