//! Metrics by name and from configurations.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    AUC, Accuracy, BinaryAccuracy, CategoricalAccuracy, MeanLoss, Metric, Precision, Recall,
    RootMeanSquaredError, SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy,
};
use crate::config::{Inert, Known, Tagged, parse, read_known};
use crate::error::{Error, Result};
use crate::losses::{self, Loss};

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

/// A loss as a metric: its arguments, and a name.
fn read_loss<L: Loss + Clone + Default + Serialize + DeserializeOwned + 'static>(
    class: &str,
    config: &Map<String, Value>,
) -> Result<Box<dyn Metric>> {
    let mut own = config.clone();
    let name = own.shift_remove("name");
    let metric = MeanLoss::new(parse::<L>(class, &own)?);
    match name {
        None | Some(Value::Null) => metric.into_metric(),
        Some(Value::String(name)) => metric.name(name).into_metric(),
        Some(other) => Err(Error::config(format!("{class}.name"), format!("expected a string, got {other}"))),
    }
}

/// Of names that differ in capitals only, the last is the one that is suggested.
const KNOWN: [Known<dyn Metric>; 17] = [
    Known { class: "Accuracy", aliases: &["acc", "accuracy"], read: read::<Accuracy> },
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
    Known {
        class: "TopKCategoricalAccuracy",
        aliases: &["top_k_categorical_accuracy"],
        read: read::<TopKCategoricalAccuracy>,
    },
    Known {
        class: "SparseTopKCategoricalAccuracy",
        aliases: &["sparse_top_k_categorical_accuracy"],
        read: read::<SparseTopKCategoricalAccuracy>,
    },
    Known { class: "AUC", aliases: &["auc"], read: read::<AUC> },
    Known { class: "Precision", aliases: &["precision"], read: read::<Precision> },
    Known { class: "Recall", aliases: &["recall"], read: read::<Recall> },
    Known {
        class: "RootMeanSquaredError",
        aliases: &["root_mean_squared_error"],
        read: read::<RootMeanSquaredError>,
    },
    Known {
        class: "MeanSquaredError",
        aliases: &["MSE", "mse", "mean_squared_error"],
        read: read_loss::<losses::MeanSquaredError>,
    },
    Known {
        class: "MeanAbsoluteError",
        aliases: &["MAE", "mae", "mean_absolute_error"],
        read: read_loss::<losses::MeanAbsoluteError>,
    },
    Known {
        class: "BinaryCrossentropy",
        aliases: &["BCE", "bce", "binary_crossentropy"],
        read: read_loss::<losses::BinaryCrossentropy>,
    },
    Known {
        class: "CategoricalCrossentropy",
        aliases: &["categorical_crossentropy"],
        read: read_loss::<losses::CategoricalCrossentropy>,
    },
    Known {
        class: "SparseCategoricalCrossentropy",
        aliases: &["sparse_categorical_crossentropy"],
        read: read_loss::<losses::SparseCategoricalCrossentropy>,
    },
    Known { class: "KLDivergence", aliases: &["kl_divergence"], read: read_loss::<losses::KLDivergence> },
    Known { class: "Huber", aliases: &["huber"], read: read_loss::<losses::Huber> },
];

/// What Keras writes for every metric, and for some.
const INERT: [Inert; 2] =
    [Inert { key: "dtype", accepted: &["float32", "null"] }, Inert { key: "axis", accepted: &["-1"] }];

fn from_tagged(tagged: &Tagged) -> Result<Box<dyn Metric>> {
    read_known("metric", &KNOWN, &INERT, tagged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_name_gives_its_class_and_is_the_key_in_logs() {
        for known in &KNOWN {
            for name in known.aliases.iter().chain([&known.class]) {
                let metric = name.into_metric().unwrap();
                assert_eq!((metric.class_name(), metric.name()), (known.class, *name));
            }
        }
    }

    #[test]
    fn a_class_has_its_name_in_snake_case() {
        for known in &KNOWN {
            let metric = json!({"class": known.class}).into_metric().unwrap();
            assert_eq!(metric.name(), *known.aliases.last().unwrap());
        }
    }

    #[test]
    fn configurations_come_back_the_same() {
        let metrics = [
            AUC::default().num_thresholds(50).curve(super::super::Curve::Pr).name("area").into_metric(),
            Precision::default().thresholds(0.25).top_k(2).into_metric(),
            SparseTopKCategoricalAccuracy::new(3).into_metric(),
            MeanLoss::new(losses::BinaryCrossentropy::default().from_logits(true)).name("bce").into_metric(),
            "acc".into_metric(),
        ];
        for metric in metrics {
            let metric = metric.unwrap();
            let written = Tagged::to_keras("keras.metrics", metric.class_name(), metric.config());
            let read = written.into_metric().unwrap();
            assert_eq!((read.class_name(), read.config()), (metric.class_name(), metric.config()));
        }
    }

    /// As Keras 3.15 writes them.
    #[test]
    fn keras_configurations_are_read() {
        let auc = json!({
            "module": "keras.metrics", "class_name": "AUC", "registered_name": null,
            "config": {"name": "auc_4", "dtype": "float32", "num_thresholds": 200, "curve": "ROC",
                       "summation_method": "interpolation", "multi_label": false, "num_labels": null,
                       "label_weights": null, "from_logits": false},
        });
        assert_eq!(auc.into_metric().unwrap().name(), "auc_4");
        let binary = json!({
            "module": "keras.metrics", "class_name": "BinaryCrossentropy", "registered_name": null,
            "config": {"name": "binary_crossentropy", "dtype": "float32", "from_logits": false, "label_smoothing": 0},
        });
        assert_eq!(binary.into_metric().unwrap().name(), "binary_crossentropy");
        let function =
            json!({"module": "builtins", "class_name": "function", "config": "mean_squared_error"});
        assert_eq!(function.into_metric().unwrap().name(), "mean_squared_error");
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let cases = [
            (json!("acuracy"), "unknown metric `acuracy`: did you mean `accuracy`?"),
            (json!({"class": "Precison"}), "unknown metric `Precison`: did you mean `Precision`?"),
            (json!({"class": "AUC", "curv": "PR"}), "AUC: unknown argument `curv`: did you mean `curve`?"),
            (
                json!({"class": "MeanSquaredError", "dtype": "float16"}),
                "MeanSquaredError.dtype: only float32 is supported, got float16",
            ),
            (
                json!({"class": "MeanSquaredError", "name": 3}),
                "MeanSquaredError.name: expected a string, got 3",
            ),
        ];
        for (value, message) in cases {
            assert_eq!(value.into_metric().unwrap_err().to_string(), message);
        }
    }
}
