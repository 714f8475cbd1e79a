//! Entries of an experiment that were varied, and their values, as tables and charts have them.

use serde_json::Value;

use super::figure::{Across, Scale};

/// The last part of each key, or the whole key where others end alike.
pub(crate) fn labels(keys: &[String]) -> Vec<String> {
    let end = |key: &String| key.rsplit('.').next().unwrap_or(key).to_owned();
    let ends: Vec<String> = keys.iter().map(end).collect();
    let alone = |label: &String| ends.iter().filter(|other| *other == label).count() == 1;
    keys.iter().zip(&ends).map(|(key, label)| if alone(label) { label } else { key }.clone()).collect()
}

/// A value in words.
pub(crate) fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The values of a point as they are told: `rate 0.3, units 64`.
pub(crate) fn told(keys: &[String], values: &[Value]) -> String {
    let parts = labels(keys).into_iter().zip(values);
    parts.map(|(label, value)| format!("{label} {}", words(value))).collect::<Vec<_>>().join(", ")
}

/// A text as a cell of a CSV table.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// An axis for values of an entry, and the place of each on it: numbers have their own, others one after the other.
pub(super) fn axis(label: String, values: &[&Value]) -> (Across, Vec<f64>) {
    if let Some(numbers) = values.iter().map(|value| value.as_f64()).collect::<Option<Vec<f64>>>() {
        return (Across::Varied(label, Scale::of(&numbers)), numbers);
    }
    let mut choices: Vec<String> = Vec::new();
    let mut place = |value: &&Value| {
        let word = words(value);
        let place = choices.iter().position(|other| *other == word);
        place.unwrap_or_else(|| {
            choices.push(word);
            choices.len() - 1
        }) as f64
    };
    let places = values.iter().map(&mut place).collect();
    (Across::Choices(label, choices), places)
}
