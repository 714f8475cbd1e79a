//! Configurations: Keras's names, from TOML tables, Keras JSON and strings, with errors that name the key.
//!
//! Every configurable thing (layer, optimizer, loss, metric, initializer …) is a struct with serde's derives
//! whose field names and defaults are Keras's. [`Tagged`] splits "which class" from "with which arguments" in the
//! three spellings that users write, and [`parse`] reads the arguments.

mod argument;
mod axes;
mod known;
mod named_enum;
mod snake_case;
mod words;

pub(crate) use named_enum::named_enum;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
pub(crate) use snake_case::snake_case;
pub(crate) use words::words;

use crate::error::{Error, Result, nearest};

pub use argument::{Argument, Named};
pub use axes::Axes;
pub(crate) use known::{Inert, Known, read_known};

/// What Keras 3, and Keras 2 before it, writes beside `class_name`.
const BESIDE_CLASS_NAME: [&str; 9] = [
    "class_name",
    "config",
    "module",
    "registered_name",
    "build_config",
    "compile_config",
    "shared_object_id",
    "keras_version",
    "backend",
];

/// A class name and its arguments, from any of
///
/// - a string: `"adam"`,
/// - a TOML table: `{ class = "Adam", learning_rate = 0.01 }`,
/// - Keras 3's JSON: `{"module": "keras.optimizers", "class_name": "Adam", "config": {...}, "registered_name": null}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    /// The class or alias as written.
    pub class: String,
    /// The arguments as written.
    pub config: Map<String, Value>,
}

impl Tagged {
    /// Splits `value`; `kind` (`layer`, `optimizer` …) is for the error message.
    pub fn split(kind: &str, value: &Value) -> Result<Self> {
        let missing = || Error::config(kind, format!("expected a name or a table with `class`, got {value}"));
        match value {
            Value::String(class) => Ok(Self { class: class.clone(), config: Map::new() }),
            Value::Object(map) => {
                if let Some(class) = map.get("class_name") {
                    let class = class.as_str().ok_or_else(missing)?.to_owned();
                    // An argument that stands there would be lost without a word.
                    if let Some(key) = map.keys().find(|key| !BESIDE_CLASS_NAME.contains(&key.as_str())) {
                        return Err(Error::config(
                            class,
                            format!(
                                "unknown key `{key}` beside `class_name`: put it into `config`, or write `class` \
                                 instead of `class_name`"
                            ),
                        ));
                    }
                    let config = match map.get("config") {
                        None | Some(Value::Null) => Map::new(),
                        Some(Value::Object(config)) => config.clone(),
                        // Keras writes a plain function as {"class_name": "function", "config": "relu"}.
                        Some(Value::String(name)) if class == "function" => {
                            return Ok(Self { class: name.clone(), config: Map::new() });
                        }
                        Some(other) => {
                            return Err(Error::config(
                                class,
                                format!("`config` must be a table, got {other}"),
                            ));
                        }
                    };
                    Ok(Self { class, config })
                } else {
                    let mut config = map.clone();
                    let class = config.remove("class").ok_or_else(missing)?;
                    Ok(Self { class: class.as_str().ok_or_else(missing)?.to_owned(), config })
                }
            }
            _ => Err(missing()),
        }
    }

    /// The same in Keras 3's JSON form; `module` is Keras's, such as `keras.layers`.
    pub fn to_keras(module: &str, class: &str, config: Map<String, Value>) -> Value {
        serde_json::json!({ "module": module, "class_name": class, "config": config, "registered_name": null })
    }
}

/// Reads `config` as a `T`. Keys that `T` does not have are errors with the nearest key that it has; a value of a
/// wrong type is an error that names the key. Keys that are absent keep `T`'s defaults.
///
/// The known keys are those of `T::default()` as serde writes it, so `T` must not skip fields when serialized.
pub fn parse<T: Default + Serialize + DeserializeOwned>(
    place: &str,
    config: &Map<String, Value>,
) -> Result<T> {
    let mut known = to_map(&T::default());
    for (key, value) in config {
        if !known.contains_key(key) {
            // Keras writes what it was not given as null, its newest arguments among them.
            if value.is_null() {
                continue;
            }
            let hint = match nearest(key, known.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Err(Error::config(place, format!("unknown argument `{key}`: {hint}")));
        }
        // One key at a time, so that serde's complaint can be tied to the key.
        let mut one = to_map(&T::default());
        one.insert(key.clone(), value.clone());
        if let Err(error) = serde_json::from_value::<T>(Value::Object(one)) {
            return Err(Error::config(format!("{place}.{key}"), error.to_string()));
        }
        known.insert(key.clone(), value.clone());
    }
    serde_json::from_value(Value::Object(known)).map_err(|error| Error::config(place, error.to_string()))
}

/// Reads a value as TOML writes it; a bare word is a string.
pub(crate) fn read_value(text: &str) -> Value {
    let table: Result<Map<String, Value>, _> = toml::from_str(&format!("value = {text}"));
    table.ok().and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::from(text))
}

/// `value`'s fields as serde writes them.
pub fn to_map<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        // Only structs with named fields and string keys are configurations.
        other => unreachable!("a configuration must serialize to a table, got {other:?}"),
    }
}

/// Checks an argument that is at least 0 and worked with in f32.
pub(crate) fn not_negative(name: &str, value: f64) -> Result<(), String> {
    match () {
        _ if !(value >= 0.0 && value.is_finite()) => {
            Err(format!("{name} must be a number that is not negative, got {value}"))
        }
        _ if value > f64::from(f32::MAX) => Err(format!("{name} must be at most 3.4e38, got {value:e}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
    struct Sample {
        rate: f64,
        seed: Option<u64>,
    }

    fn sample(value: Value) -> Result<Sample> {
        parse("Dropout", value.as_object().unwrap())
    }

    #[test]
    fn the_three_spellings_mean_the_same() {
        let table = Tagged::split("layer", &json!({"class": "Dropout", "rate": 0.5})).unwrap();
        let keras = json!({"module": "keras.layers", "class_name": "Dropout", "config": {"rate": 0.5}});
        assert_eq!(table, Tagged::split("layer", &keras).unwrap());
        assert_eq!(Tagged::split("layer", &json!("Dropout")).unwrap().class, "Dropout");
    }

    #[test]
    fn an_argument_beside_class_name_is_an_error() {
        let outside = json!({"class_name": "L2", "l2": 100.0});
        assert_eq!(
            Tagged::split("regularizer", &outside).unwrap_err().to_string(),
            "L2: unknown key `l2` beside `class_name`: put it into `config`, or write `class` instead of `class_name`"
        );
        // All that Keras 3 and 2 write there.
        for (key, value) in [
            ("build_config", json!({"input_shape": [null, 3]})),
            ("compile_config", json!({"optimizer": "adam"})),
            ("shared_object_id", json!(3)),
            ("keras_version", json!("2.15.0")),
        ] {
            let mut keras = Tagged::to_keras("keras", "Sequential", Map::new());
            keras[key] = value;
            assert_eq!(Tagged::split("model", &keras).unwrap().class, "Sequential");
        }
    }

    #[test]
    fn unknown_and_ill_typed_arguments_are_named() {
        assert_eq!(sample(json!({"rate": 0.5})).unwrap(), Sample { rate: 0.5, seed: None });
        let unknown = sample(json!({"rat": 0.5})).unwrap_err().to_string();
        assert_eq!(unknown, "Dropout: unknown argument `rat`: did you mean `rate`?");
        let typed = sample(json!({"rate": "high"})).unwrap_err().to_string();
        assert!(typed.starts_with("Dropout.rate: invalid type: string \"high\""), "{typed}");
    }
}
