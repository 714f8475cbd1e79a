//! `[values]`: named values, and the places in an experiment that are computed from them.

use serde_json::{Map, Value};

use super::expression::{Failure, evaluate, is_name};
use crate::error::{Error, Result};

/// The name that stands for the number of samples that are trained on, once that is known.
pub(super) const SAMPLES: &str = "samples";
/// The name that stands for the folder of `THINNET_DATA`.
pub(super) const DATA_FOLDER: &str = "data_folder";

/// What names stand for.
pub(super) struct Values<'a> {
    given: &'a Map<String, Value>,
    /// The number of samples that are trained on, if it is known yet.
    samples: Option<usize>,
}

impl<'a> Values<'a> {
    /// The values of an experiment, whose data are not known yet.
    pub(super) fn new(given: &'a Map<String, Value>) -> Result<Self> {
        for (name, value) in given {
            if !is_name(name) || name == SAMPLES {
                let message =
                    format!("expected a name of letters, digits and _ other than `{SAMPLES}`, got `{name}`");
                return Err(Error::config("values", message));
            }
            if !(value.is_number() || value.is_string() || value.is_boolean()) {
                return Err(Error::config(
                    format!("values.{name}"),
                    format!("expected a number or a text, got {value}"),
                ));
            }
        }
        Ok(Self { given, samples: None })
    }

    /// The same once the number of training samples is known: now every expression must have a value.
    pub(super) fn with_samples(self, samples: usize) -> Self {
        Self { samples: Some(samples), ..self }
    }

    /// Replaces `{EXPRESSION}` within all texts of a tree. A text that is nothing else becomes what the expression gives, a
    /// number for example. What stands for something else (the `{epoch}` of a checkpoint's name) stays.
    pub(super) fn fill(&self, place: &str, tree: &mut Value) -> Result<()> {
        match tree {
            Value::Object(map) => {
                map.iter_mut().try_for_each(|(key, value)| self.fill(&format!("{place}.{key}"), value))
            }
            Value::Array(list) => list
                .iter_mut()
                .enumerate()
                .try_for_each(|(at, value)| self.fill(&format!("{place}.{at}"), value)),
            Value::String(text) if text.contains('{') => {
                let filled = self.filled(text).map_err(|message| Error::config(place, message))?;
                if let Some(value) = filled {
                    *tree = value;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The text with its expressions replaced; `None` where nothing is to be.
    fn filled(&self, text: &str) -> Result<Option<Value>, String> {
        let whole = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(whole) = whole.filter(|whole| !whole.contains(['{', '}'])) {
            return self.value(whole.trim());
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            out += before;
            let Some((inner, behind)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            match self.named(inner.trim()) {
                Some(Value::String(text)) => out += &text,
                Some(value) => out += &value.to_string(),
                None => out += &format!("{{{inner}}}"),
            }
            rest = behind;
        }
        Ok(Some(Value::String(out + rest)))
    }

    /// What a text between braces stands for; `None` where that is not known, or not yet.
    fn value(&self, inner: &str) -> Result<Option<Value>, String> {
        if is_name(inner) {
            return match self.named(inner) {
                Some(value) => Ok(Some(value)),
                None if self.samples.is_some() => Err(self.unknown(inner)),
                None => Ok(None),
            };
        }
        let number = |name: &str| self.named(name).and_then(|value| value.as_f64());
        match evaluate(inner, &number) {
            // Whole numbers may be meant for a layer's units.
            Ok(value) if value.fract() == 0.0 && value.abs() < 1e15 => Ok(Some(Value::from(value as i64))),
            Ok(value) => Ok(Some(Value::from(value))),
            Err(Failure::Unknown(name)) if name == SAMPLES => Ok(None),
            Err(Failure::Unknown(name)) => Err(self.unknown(&name)),
            Err(Failure::Malformed(message)) => Err(message),
        }
    }

    fn named(&self, name: &str) -> Option<Value> {
        match (self.given.get(name), name) {
            (Some(value), _) => Some(value.clone()),
            (None, SAMPLES) => self.samples.map(Value::from),
            (None, DATA_FOLDER) => {
                let folder = std::env::var_os("THINNET_DATA").filter(|folder| !folder.is_empty())?;
                std::path::absolute(folder).ok().map(|folder| folder.to_string_lossy().into_owned().into())
            }
            _ => None,
        }
    }

    fn unknown(&self, name: &str) -> String {
        let known = self.given.keys().map(String::as_str).chain([SAMPLES, DATA_FOLDER]);
        Error::unknown("value", name, known).to_string()
    }
}

/// Fills in an experiment's values wherever they are named, but for those that its data determine.
pub(super) fn fill(mut tree: Map<String, Value>) -> Result<Map<String, Value>> {
    let given = match tree.remove("values") {
        None => Map::new(),
        Some(Value::Object(given)) => of_each_other(given)?,
        Some(other) => return Err(Error::config("values", format!("expected a table, got {other}"))),
    };
    let values = Values::new(&given)?;
    for (key, value) in &mut tree {
        values.fill(key, value)?;
    }
    if !given.is_empty() {
        tree.insert("values".into(), Value::Object(given));
    }
    Ok(tree)
}

/// Values whose texts name other values, filled in.
fn of_each_other(mut given: Map<String, Value>) -> Result<Map<String, Value>> {
    // Each round fills in what names values that are texts or numbers by now; those that name each other in a circle stay.
    for _ in 0..given.len() {
        let mut filled = given.clone();
        for (name, value) in &mut filled {
            Values::new(&given)?.fill(&format!("values.{name}"), value)?;
        }
        if filled == given {
            break;
        }
        given = filled;
    }
    Ok(given)
}

/// Whether a tree has expressions that were not filled in.
pub(super) fn is_open(tree: &Value) -> bool {
    match tree {
        Value::Object(map) => map.values().any(is_open),
        Value::Array(list) => list.iter().any(is_open),
        Value::String(text) => text.starts_with('{') && text.ends_with('}'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(tree: Value, samples: Option<usize>) -> Result<Value, String> {
        let given = json!({"rate": 0.5, "tau": 0.25, "width": 8, "set": "yacht", "split": 3});
        let values = Values::new(given.as_object().unwrap()).unwrap();
        let values = match samples {
            Some(samples) => values.with_samples(samples),
            None => values,
        };
        let mut tree = tree;
        values.fill("model", &mut tree).map_err(|error| error.to_string())?;
        Ok(tree)
    }

    #[test]
    fn a_whole_text_becomes_a_value_and_a_part_of_one_text() {
        let tree = json!({
            "rate": "{rate}", "units": "{width * 2}", "file": "uci/{set}/index_{split}.txt", "name": "{set}",
            "list": [{"l2": "{1e-4 * (1 - rate) / (2 * samples * tau)}"}], "checkpoint": "{set}-{epoch:02d}-{val_loss}",
        });
        let early = filled(tree.clone(), None).unwrap();
        let l2 = "{1e-4 * (1 - rate) / (2 * samples * tau)}";
        assert_eq!(early["list"][0]["l2"], l2, "the number of samples is not known yet");
        assert_eq!((&early["rate"], &early["units"]), (&json!(0.5), &json!(16)));
        assert_eq!(early["file"], "uci/yacht/index_3.txt");
        assert_eq!(early["checkpoint"], "yacht-{epoch:02d}-{val_loss}");
        let late = filled(tree, Some(100)).unwrap();
        assert_eq!(late["list"][0]["l2"], 1e-4 * 0.5 / (2.0 * 100.0 * 0.25));
    }

    #[test]
    fn what_stands_for_nothing_is_told_with_its_place() {
        let typo = filled(json!({"layers": [{"rate": "{1 - rat}"}]}), None).unwrap_err();
        assert_eq!(typo, "model.layers.0.rate: unknown value `rat`: did you mean `rate`?");
        let typo = filled(json!({"rate": "{rat}"}), Some(10)).unwrap_err();
        assert_eq!(typo, "model.rate: unknown value `rat`: did you mean `rate`?");
        let broken = filled(json!({"rate": "{1 - (rate}"}), None).unwrap_err();
        assert_eq!(broken, "model.rate: a parenthesis is not closed");
        assert_eq!(filled(json!("{set"), Some(1)).unwrap(), "{set");
        let message = |given: Value| Values::new(given.as_object().unwrap()).err().unwrap().to_string();
        assert!(message(json!({"samples": 3})).contains("other than `samples`"));
        assert_eq!(message(json!({"a": [1]})), "values.a: expected a number or a text, got [1]");
    }
}
