//! `--set KEY=VALUE`.

use serde_json::{Map, Value};

use crate::config::read_value;
use crate::error::{Error, Result};

/// Overrides entries of the tree: `fit.epochs=3`, `model.layers.1.rate=0.5`, `compile.optimizer={ class = "SGD" }`. As in TOML,
/// a key in quotation marks may have dots: `tune.each."values.split"=[0, 1]`. The order of the overrides does not matter: what
/// encloses is set before what is within. A name that something is set within, such as `optimizer = "adam"`, becomes a table of
/// that class.
pub(super) fn apply(tree: &mut Map<String, Value>, sets: &[String]) -> Result<()> {
    let mut overrides = Vec::new();
    for set in sets {
        let Some((key, value)) = set.split_once('=') else {
            return Err(Error::config(format!("--set {set}"), "expected KEY=VALUE, such as fit.epochs=3"));
        };
        overrides.push((key.trim(), read_value(value.trim())));
    }
    overrides.sort_by(|a, b| a.0.cmp(b.0));
    if let Some(pair) = overrides.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::config(format!("--set {}", pair[0].0), "the same key is set twice"));
    }
    let mut root = Value::Object(std::mem::take(tree));
    for (key, value) in overrides {
        let place = || format!("--set {key}");
        let mut at = &mut root;
        for part in parts(key) {
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
            if let Value::String(name) = at {
                *at = Value::Object(Map::from_iter([("class".to_owned(), Value::from(name.as_str()))]));
            }
            at = match at {
                Value::Object(map) if !part.is_empty() => map.entry(part).or_insert(Value::Null),
                Value::Array(list) => {
                    let len = list.len();
                    let index = part.parse().ok().filter(|index: &usize| *index < len);
                    let Some(index) = index else {
                        let message = format!("expected an index below {len} in place of `{part}`");
                        return Err(Error::config(place(), message));
                    };
                    &mut list[index]
                }
                _ => return Err(Error::config(place(), format!("there is nothing to set at `{part}`"))),
            };
        }
        *at = value;
    }
    if let Value::Object(map) = root {
        *tree = map;
    }
    Ok(())
}

/// The override that gives an entry a value.
pub(super) fn assignment(key: &str, value: &Value) -> Result<String> {
    let value = toml::Value::try_from(value).map_err(|error| Error::config(key, error.to_string()))?;
    Ok(format!("{key}={value}"))
}

/// The parts of a key: what stands between dots, or between quotation marks.
fn parts(key: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let split = key.split(move |c| {
        quoted ^= c == '"';
        c == '.' && !quoted
    });
    split.map(|part| part.strip_prefix('"').and_then(|part| part.strip_suffix('"')).unwrap_or(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(sets: &[&str]) -> Result<Value, String> {
        let tree = json!({"fit": {"epochs": 10}, "model": {"layers": [{"class": "Dense"}, {"rate": 0.2}]}});
        let mut tree = tree.as_object().unwrap().clone();
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        apply(&mut tree, &sets).map_err(|error| error.to_string())?;
        Ok(Value::Object(tree))
    }

    #[test]
    fn entries_are_overridden_in_any_order() {
        let sets = [
            "fit.epochs=3",
            "model.layers.1.rate=0.5",
            "compile.loss=mse",
            "data={ dataset = \"mnist\" }",
            "data.samples=7",
        ];
        let expected = set(&sets).unwrap();
        assert_eq!(expected["fit"]["epochs"], 3);
        assert_eq!(expected["model"]["layers"][1]["rate"], 0.5);
        assert_eq!(expected["compile"]["loss"], "mse");
        assert_eq!(expected["data"], json!({"dataset": "mnist", "samples": 7}));
        let mut reversed = sets;
        reversed.reverse();
        assert_eq!(set(&reversed).unwrap(), expected);
    }

    #[test]
    fn a_name_becomes_a_table_where_something_is_set_within() {
        let set = set(&["compile.optimizer=adam", "compile.optimizer.learning_rate=0.1"]).unwrap();
        assert_eq!(set["compile"]["optimizer"], json!({"class": "adam", "learning_rate": 0.1}));
    }

    #[test]
    fn every_value_can_be_given() {
        for value in
            [json!(0.5), json!("a \"b\""), json!([1, [2.0, true]]), json!({"class": "SGD", "a": {"b": 1}})]
        {
            let assignment = assignment("fit.x", &value).unwrap();
            assert_eq!(set(&[assignment.as_str()]).unwrap()["fit"]["x"], value, "{assignment}");
        }
    }

    #[test]
    fn a_key_in_quotation_marks_may_have_dots() {
        let expected = json!({"epochs": 10, "a.b": {"c": 2, "d": 3}});
        assert_eq!(set(&[r#"fit."a.b".c=2"#, r#"fit."a.b"."d"=3"#]).unwrap()["fit"], expected);
    }

    #[test]
    fn what_cannot_be_set_is_explained() {
        for (sets, message) in [
            (&["epochs"][..], "--set epochs: expected KEY=VALUE, such as fit.epochs=3"),
            (
                &["model.layers.7.rate=0.5"],
                "--set model.layers.7.rate: expected an index below 2 in place of `7`",
            ),
            (&["fit.epochs.x=1"], "--set fit.epochs.x: there is nothing to set at `x`"),
            (&["fit.epochs=1", "fit.epochs=2"], "--set fit.epochs: the same key is set twice"),
        ] {
            assert_eq!(set(sets).unwrap_err(), message);
        }
    }
}
