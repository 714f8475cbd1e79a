//! Losses by name and from configurations.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    BinaryCrossentropy, CategoricalCrossentropy, Huber, KLDivergence, Loss, MeanAbsoluteError,
    MeanSquaredError, SparseCategoricalCrossentropy,
};
use crate::config::{Inert, Known, Tagged, parse, read_known};
use crate::error::{Error, Result};

/// What `compile` takes for a loss: a loss, Keras's name of one, or its configuration.
///
/// Names are Keras's class names and their lower-case forms, and `mse`, `mae`, `bce`, `kld`, each also in capitals.
///
/// ```
/// use thinnet::losses::{Huber, IntoLoss};
///
/// let by_value = Huber::new(0.5).into_loss()?;
/// let by_table = serde_json::json!({"class": "Huber", "delta": 0.5}).into_loss()?;
/// assert_eq!(by_value.config(), by_table.config());
/// assert_eq!("hubber".into_loss().unwrap_err().to_string(), "unknown loss `hubber`: did you mean `huber`?");
/// # Ok::<(), thinnet::Error>(())
/// ```
pub trait IntoLoss {
    /// The loss behind a box.
    ///
    /// # Errors
    /// An unknown name or argument, an argument out of its range.
    fn into_loss(self) -> Result<Box<dyn Loss>>;
}

impl<L: Loss + 'static> IntoLoss for L {
    fn into_loss(self) -> Result<Box<dyn Loss>> {
        (Box::new(self) as Box<dyn Loss>).into_loss()
    }
}

impl IntoLoss for Box<dyn Loss> {
    fn into_loss(self) -> Result<Box<dyn Loss>> {
        self.validate().map_err(|message| Error::config(self.class_name(), message))?;
        Ok(self)
    }
}

impl IntoLoss for &str {
    fn into_loss(self) -> Result<Box<dyn Loss>> {
        from_tagged(&Tagged { class: self.to_owned(), config: Map::new() })
    }
}

impl IntoLoss for String {
    fn into_loss(self) -> Result<Box<dyn Loss>> {
        self.as_str().into_loss()
    }
}

/// A name, a table with `class`, or Keras 3's JSON.
impl IntoLoss for Value {
    fn into_loss(self) -> Result<Box<dyn Loss>> {
        from_tagged(&Tagged::split("loss", &self)?)
    }
}

fn read<L: Loss + Default + Serialize + DeserializeOwned + 'static>(
    class: &str,
    config: &Map<String, Value>,
) -> Result<Box<dyn Loss>> {
    parse::<L>(class, config)?.into_loss()
}

/// Of names that differ in capitals only, the last is the one that is suggested.
const KNOWN: [Known<dyn Loss>; 7] = [
    Known {
        class: "CategoricalCrossentropy",
        aliases: &["categorical_crossentropy"],
        read: read::<CategoricalCrossentropy>,
    },
    Known {
        class: "SparseCategoricalCrossentropy",
        aliases: &["sparse_categorical_crossentropy"],
        read: read::<SparseCategoricalCrossentropy>,
    },
    Known {
        class: "BinaryCrossentropy",
        aliases: &["BCE", "bce", "binary_crossentropy"],
        read: read::<BinaryCrossentropy>,
    },
    Known {
        class: "MeanSquaredError",
        aliases: &["MSE", "mse", "mean_squared_error"],
        read: read::<MeanSquaredError>,
    },
    Known {
        class: "MeanAbsoluteError",
        aliases: &["MAE", "mae", "mean_absolute_error"],
        read: read::<MeanAbsoluteError>,
    },
    Known { class: "Huber", aliases: &["huber"], read: read::<Huber> },
    Known { class: "KLDivergence", aliases: &["KLD", "kld", "kl_divergence"], read: read::<KLDivergence> },
];

/// What Keras writes for every loss.
const INERT: [Inert; 5] = [
    Inert { key: "name", accepted: &[] },
    Inert { key: "dtype", accepted: &["float32", "null"] },
    Inert { key: "reduction", accepted: &["sum_over_batch_size", "mean", "auto"] },
    Inert { key: "axis", accepted: &["-1"] },
    Inert { key: "ignore_class", accepted: &["null"] },
];

fn from_tagged(tagged: &Tagged) -> Result<Box<dyn Loss>> {
    read_known("loss", &KNOWN, &INERT, tagged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_name_gives_its_class() {
        for known in &KNOWN {
            for name in known.aliases.iter().chain([&known.class]) {
                assert_eq!(name.into_loss().unwrap().class_name(), known.class);
            }
        }
    }

    #[test]
    fn configurations_come_back_the_same() {
        let losses = [
            CategoricalCrossentropy::default().from_logits(true).label_smoothing(0.1).into_loss(),
            BinaryCrossentropy::default().label_smoothing(0.2).into_loss(),
            Huber::new(2.0).into_loss(),
            "kld".into_loss(),
        ];
        for loss in losses {
            let loss = loss.unwrap();
            let written = Tagged::to_keras("keras.losses", loss.class_name(), loss.config());
            let read = written.into_loss().unwrap();
            assert_eq!((read.class_name(), read.config()), (loss.class_name(), loss.config()));
        }
    }

    /// As Keras 3.15 writes them.
    #[test]
    fn keras_configurations_are_read() {
        let binary = json!({
            "module": "keras.losses", "class_name": "BinaryCrossentropy", "registered_name": null,
            "config": {"name": "binary_crossentropy", "reduction": "sum_over_batch_size", "from_logits": true,
                       "label_smoothing": 0.0, "axis": -1},
        });
        assert_eq!(binary.into_loss().unwrap().config()["from_logits"], true);
        let sparse = json!({
            "module": "keras.losses", "class_name": "SparseCategoricalCrossentropy", "registered_name": null,
            "config": {"name": "sparse_categorical_crossentropy", "reduction": "sum_over_batch_size",
                       "from_logits": false, "ignore_class": null},
        });
        assert_eq!(sparse.into_loss().unwrap().class_name(), "SparseCategoricalCrossentropy");
        let function = json!({
            "module": "builtins", "class_name": "function", "config": "mean_squared_error",
            "registered_name": "function",
        });
        assert_eq!(function.into_loss().unwrap().class_name(), "MeanSquaredError");
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let cases = [
            (
                json!("sparse_categorical_crosentropy"),
                "unknown loss `sparse_categorical_crosentropy`: did you mean `sparse_categorical_crossentropy`?",
            ),
            (json!({"class": "Hubber"}), "unknown loss `Hubber`: did you mean `Huber`?"),
            (
                json!({"class": "Huber", "dleta": 1.0}),
                "Huber: unknown argument `dleta`: did you mean `delta`?",
            ),
            (json!({"class": "Huber", "delta": -1.0}), "Huber: delta must be a positive number, got -1"),
            (
                json!({"class": "Huber", "reduction": "sum"}),
                "Huber.reduction: only sum_over_batch_size is supported, got sum",
            ),
            (json!(3), "loss: expected a name or a table with `class`, got 3"),
        ];
        for (value, message) in cases {
            assert_eq!(value.into_loss().unwrap_err().to_string(), message);
        }
    }
}
