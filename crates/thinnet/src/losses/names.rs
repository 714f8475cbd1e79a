//! Losses by name and from configurations.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Loss, MeanSquaredError, SparseCategoricalCrossentropy};
use crate::config::{Inert, Known, Tagged, parse, read_known};
use crate::error::{Error, Result};

/// What `compile` takes for a loss: a loss, Keras's name of one, or its configuration.
///
/// Names are Keras's class names and their lower-case forms, and `mse`, `mae`, `bce`, `kld`, each also in capitals.
///
/// ```
/// use thinnet::losses::{IntoLoss, SparseCategoricalCrossentropy};
///
/// let by_value = SparseCategoricalCrossentropy::default().from_logits(true).into_loss()?;
/// let by_table = serde_json::json!({"class": "SparseCategoricalCrossentropy", "from_logits": true}).into_loss()?;
/// assert_eq!(by_value.config(), by_table.config());
/// assert_eq!("msse".into_loss().unwrap_err().to_string(), "unknown loss `msse`: did you mean `mse`?");
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
const KNOWN: [Known<dyn Loss>; 2] = [
    Known {
        class: "SparseCategoricalCrossentropy",
        aliases: &["sparse_categorical_crossentropy"],
        read: read::<SparseCategoricalCrossentropy>,
    },
    Known {
        class: "MeanSquaredError",
        aliases: &["MSE", "mse", "mean_squared_error"],
        read: read::<MeanSquaredError>,
    },
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
