//! Activations as text: Keras's names and table forms, both ways.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Activation, Elu, Gelu, LeakyRelu, Relu};
use crate::config::{Named, Tagged, parse, to_map};
use crate::error::{Error, Result};

/// Every name of an activation, as Keras spells it in a string.
const NAMES: [&str; 14] = [
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "sigmoid",
    "tanh",
    "softplus",
    "swish",
    "silu",
    "softmax",
    "log_softmax",
];

/// The default slope of Keras's layer, which is not that of its function.
const LAYER_SLOPE: f64 = 0.3;

impl Activation {
    /// Reads a name, a table or Keras's JSON; `null` is [`Linear`](Self::Linear).
    ///
    /// ```
    /// use thinnet::activations::{Activation, Relu};
    /// let table = serde_json::json!({"class": "relu", "max_value": 6.0});
    /// assert_eq!(Activation::from_value(&table)?, Relu.max_value(6.0).into());
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn from_value(value: &Value) -> Result<Self> {
        if value.is_null() {
            return Ok(Self::Linear);
        }
        let Tagged { class, config } = Tagged::split("activation", value)?;
        Self::from_parts(&class, config)
    }

    fn from_parts(class: &str, mut config: Map<String, Value>) -> Result<Self> {
        if matches!(class, "ReLU" | "LeakyReLU" | "ELU" | "Softmax") {
            // A layer in the place of a function: what every layer has means nothing here.
            for key in ["name", "trainable", "dtype"] {
                config.remove(key);
            }
        }
        let plain = match class {
            "relu" | "Relu" | "ReLU" => return Ok(Self::Relu(parse(class, &config)?)),
            "leaky_relu" | "LeakyRelu" => return Ok(Self::LeakyRelu(parse(class, &config)?)),
            "LeakyReLU" => {
                config.entry("negative_slope").or_insert_with(|| LAYER_SLOPE.into());
                return Ok(Self::LeakyRelu(parse(class, &config)?));
            }
            "elu" | "Elu" | "ELU" => return Ok(Self::Elu(parse(class, &config)?)),
            "gelu" | "Gelu" => return Ok(Self::Gelu(parse(class, &config)?)),
            "relu6" => Self::Relu(Relu.max_value(6.0)),
            "linear" | "Linear" => Self::Linear,
            "selu" | "Selu" => Self::Selu,
            "sigmoid" | "Sigmoid" => Self::Sigmoid,
            "tanh" | "Tanh" => Self::Tanh,
            "softplus" | "Softplus" => Self::Softplus,
            "swish" | "Swish" | "silu" | "Silu" => Self::Swish,
            "softmax" | "Softmax" => {
                if config.remove("axis").is_some_and(|axis| axis != -1) {
                    let message =
                        "as an activation it goes over the last axis: use the layer Softmax for another";
                    return Err(Error::config(format!("{class}.axis"), message));
                }
                Self::Softmax
            }
            "log_softmax" | "LogSoftmax" => Self::LogSoftmax,
            _ => return Err(Error::unknown("activation", class, NAMES)),
        };
        match config.keys().next() {
            None => Ok(plain),
            Some(key) => Err(Error::config(class, format!("unknown argument `{key}`: it has none"))),
        }
    }

    /// Keras's name of the function.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu(_) => "relu",
            Self::LeakyRelu(_) => "leaky_relu",
            Self::Elu(_) => "elu",
            Self::Selu => "selu",
            Self::Gelu(_) => "gelu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Swish => "silu",
            Self::Softmax => "softmax",
            Self::LogSoftmax => "log_softmax",
        }
    }

    /// The name, or with arguments other than the defaults a table that Keras reads: its functions have no form with
    /// arguments, but the layers of the same meaning have (except for the approximate `gelu`).
    pub fn to_value(&self) -> Value {
        let layer = |class: &str, config| Tagged::to_keras("keras.layers", class, config);
        match self {
            Self::Relu(relu) if *relu != Relu => layer("ReLU", to_map(relu)),
            Self::LeakyRelu(leaky) if *leaky != LeakyRelu => layer("LeakyReLU", to_map(leaky)),
            Self::Elu(elu) if *elu != Elu => layer("ELU", to_map(elu)),
            Self::Gelu(gelu) if *gelu != Gelu => Tagged::to_keras("keras.activations", "gelu", to_map(gelu)),
            _ => self.name().into(),
        }
    }
}

impl Named for Activation {}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Softmax, Swish};
    use super::*;

    fn read(value: Value) -> Result<Activation, String> {
        Activation::from_value(&value).map_err(|error| error.to_string())
    }

    #[test]
    fn every_name_is_read_and_written_back() {
        for name in NAMES {
            let activation = read(json!(name)).unwrap();
            let written = serde_json::to_value(activation).unwrap();
            assert_eq!(read(written.clone()).unwrap(), activation);
            match name {
                "relu6" => assert_eq!(written["config"]["max_value"], 6.0),
                "swish" => assert_eq!(written, "silu"),
                _ => assert_eq!(written, name),
            }
        }
        assert_eq!(read(json!("swish")), Ok(Swish));
        assert_eq!(read(Value::Null), Ok(Activation::Linear));
    }

    #[test]
    fn arguments_survive_in_a_form_that_keras_reads() {
        let all: [Activation; 4] = [
            Relu.max_value(6.0).negative_slope(0.1).threshold(0.5).into(),
            LeakyRelu.negative_slope(0.3).into(),
            Elu.alpha(2.0).into(),
            Gelu.approximate(true).into(),
        ];
        for (activation, class) in all.into_iter().zip(["ReLU", "LeakyReLU", "ELU", "gelu"]) {
            let written = serde_json::to_value(activation).unwrap();
            assert_eq!(written["class_name"], class);
            assert_eq!(serde_json::from_value::<Activation>(written).unwrap(), activation);
        }
    }

    #[test]
    fn keras_layers_and_functions_are_read() {
        let config = json!({"name": "leaky_re_lu", "trainable": true, "dtype": "float32"});
        let layer = json!({"module": "keras.layers", "class_name": "LeakyReLU", "config": config});
        assert_eq!(read(layer), Ok(LeakyRelu.negative_slope(0.3).into()));
        let function = json!({"module": "builtins", "class_name": "function", "config": "softmax"});
        assert_eq!(read(function), Ok(Softmax));
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        for (value, message) in [
            (json!("rellu"), "unknown activation `rellu`: did you mean `relu`?"),
            (json!({"class": "relu", "max": 6.0}), "relu: unknown argument `max`: did you mean `max_value`?"),
            (json!({"class": "tanh", "slope": 6.0}), "tanh: unknown argument `slope`: it has none"),
            (json!({"class": "elu", "alpha": "x"}), "elu.alpha: invalid type: string \"x\", expected f64"),
            (
                json!({"class": "softmax", "axis": 1}),
                "softmax.axis: as an activation it goes over the last axis: use the layer Softmax for another",
            ),
            (json!(7), "activation: expected a name or a table with `class`, got 7"),
        ] {
            assert_eq!(read(value).unwrap_err(), message);
        }
    }

    #[test]
    fn arguments_out_of_range_are_explained() {
        let message = |activation: Activation| activation.check().unwrap_err();
        assert_eq!(message(Relu.max_value(0.0).into()), "max_value must be positive (or absent), got 0");
        assert_eq!(
            message(LeakyRelu.negative_slope(-0.1).into()),
            "negative_slope must be a number that is not negative, got -0.1"
        );
        assert_eq!(
            message(Elu.alpha(f64::NAN).into()),
            "alpha must be a number that is not negative, got NaN"
        );
    }
}
