//! TOML, to and from the trees that configurations are read from.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Reads TOML.
pub(super) fn read(text: &str) -> Result<Map<String, Value>> {
    toml::from_str(text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Error::config(format!("line {line}"), error.message().replace('\n', " "))
    })
}

/// Where an entry is null: what TOML writes as `nan` or `inf`, for a tree has no such numbers.
pub(super) fn find_null(value: &Value) -> Option<String> {
    let within = |key: String, value: &Value| {
        find_null(value).map(|rest| if rest.is_empty() { key.clone() } else { format!("{key}.{rest}") })
    };
    match value {
        Value::Null => Some(String::new()),
        Value::Object(map) => map.iter().find_map(|(key, value)| within(key.clone(), value)),
        Value::Array(list) => list.iter().enumerate().find_map(|(at, value)| within(at.to_string(), value)),
        _ => None,
    }
}

/// Writes TOML, which has no null: entries that are null are left out, and in lists (the free axes of a `noise_shape`)
/// they are −1.
pub(super) fn write(tree: &Value) -> Result<String> {
    toml::to_string(&without_null(tree)).map_err(|error| Error::config("experiment", error.to_string()))
}

fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_null(value))).collect())
        }
        Value::Array(list) => {
            let item = |value: &Value| if value.is_null() { Value::from(-1) } else { without_null(value) };
            Value::Array(list.iter().map(item).collect())
        }
        other => other.clone(),
    }
}

/// Keras's JSON of an object as a table with `class` and the arguments beside it.
pub(super) fn flat(keras: &Value) -> Value {
    let mut table = Map::new();
    table.insert("class".into(), keras["class_name"].clone());
    if let Value::Object(config) = &keras["config"] {
        table.extend(config.clone());
    }
    Value::Object(table)
}
