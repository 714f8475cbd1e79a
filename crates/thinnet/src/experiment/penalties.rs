//! What models add to their losses: where that differs, losses cannot be compared.

use serde_json::Value;

use super::Experiment;

/// Layers that add to the loss by themselves.
const LAYERS: [&str; 3] = ["ActivityRegularization", "ConcreteDropout", "VariationalDropout"];

/// What a reader must know where the experiments' penalties differ.
pub(super) fn note<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) -> Option<String> {
    let penalties = experiments.into_iter().map(|experiment| {
        let mut found = Vec::new();
        experiment.model.layers.iter().for_each(|layer| of_layer(layer, &mut found));
        found
    });
    let penalties: Vec<Vec<&Value>> = penalties.collect();
    penalties.iter().any(|other| *other != penalties[0]).then(|| {
        "The models have different penalties, which are part of every loss: compare accuracies or other metrics, not losses."
            .into()
    })
}

/// What a layer, or a layer within it, adds to the loss.
fn of_layer<'a>(layer: &'a Value, found: &mut Vec<&'a Value>) {
    match layer {
        Value::Object(map) => {
            if map.get("class").and_then(Value::as_str).is_some_and(|class| LAYERS.contains(&class)) {
                found.push(layer);
            }
            for (key, value) in map {
                match key.ends_with("_regularizer") {
                    true if value.is_null() => {}
                    true => found.push(value),
                    false => of_layer(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| of_layer(value, found)),
        _ => {}
    }
}
