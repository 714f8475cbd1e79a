//! What models add to their losses: where that differs, losses cannot be compared.

use serde_json::{Map, Value};

use super::complete_layer;
use crate::model::Sequential;

/// What a reader must know where penalties differ.
pub(super) const NOTE: &str = "The models have different penalties, which are part of every loss: compare accuracies or other metrics, \
                               not losses.";

/// Layers that add to the loss by themselves, and the arguments by which they do.
const LAYERS: [(&str, &[&str]); 2] = [
    (
        "ConcreteDropout",
        &["weight_regularizer", "dropout_regularizer", "length_scale", "precision", "samples", "spatial"],
    ),
    ("VariationalDropout", &["form", "kl_weight"]),
];

/// Whether models have different penalties. Their layers know what they ask of the data
/// ([`Experiment::with_input_of`](super::Experiment::with_input_of)), as those of finished runs do.
pub(super) fn differ(models: &[Sequential]) -> bool {
    let penalties: Vec<_> = models.iter().map(of_model).collect();
    penalties.windows(2).any(|pair| pair[0] != pair[1])
}

/// The penalties of a model, with all their arguments.
fn of_model(model: &Sequential) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for layer in model.layers() {
        of_layer(&complete_layer(&**layer), &mut found);
    }
    found
}

/// What a layer, or a layer within it, adds to the loss.
fn of_layer(layer: &Value, found: &mut Vec<(String, Value)>) {
    match layer {
        Value::Object(map) => {
            // A layer within another is in Keras's form.
            let class = map.get("class").or(map.get("class_name")).and_then(Value::as_str);
            let arguments = map.get("config").and_then(Value::as_object).unwrap_or(map);
            if let Some((class, names)) = LAYERS.iter().find(|(name, _)| class == Some(*name)) {
                let own =
                    names.iter().filter_map(|&name| Some((name.to_owned(), arguments.get(name)?.clone())));
                found.push(((*class).to_owned(), Value::Object(own.collect::<Map<_, _>>())));
            }
            for (key, value) in map {
                match key.ends_with("_regularizer") {
                    true if value.is_null() => {}
                    true => found.push((key.clone(), value.clone())),
                    false => of_layer(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| of_layer(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::experiment::Experiment;

    fn experiment(model: &str) -> Experiment {
        let text = format!(
            "data = {{ x = \"x.npy\", y = \"y.npy\" }}\ncompile.loss = \"mse\"\nmodel = {{ {model} }}\n"
        );
        Experiment::from_toml(&text, Path::new("."), &[]).unwrap()
    }

    fn differ(a: &str, b: &str) -> bool {
        super::differ(&[a, b].map(|model| experiment(model).described().unwrap()))
    }

    #[test]
    fn penalties_are_the_same_however_they_are_written() {
        let short =
            r#"layers = [{ class = "Dense", units = 2, input_shape = [3], kernel_regularizer = "l2" }]"#;
        let complete = experiment(short).to_toml().unwrap();
        let complete = Experiment::from_toml(&complete, Path::new("."), &[]).unwrap();
        assert!(!super::differ(&[experiment(short), complete].map(|read| read.described().unwrap())));
        let more =
            r#"layers = [{ class = "Dense", units = 2, kernel_regularizer = { class = "L2", l2 = 0.5 } }]"#;
        assert!(differ(short, more));
        let bias = r#"layers = [{ class = "Dense", units = 2, bias_regularizer = "l2" }]"#;
        assert!(differ(short, bias));
        assert!(!differ(short, &short.replace("units = 2", "units = 4")));
    }

    #[test]
    fn layers_with_penalties_of_their_own_differ_by_those_alone() {
        let concrete = |rest: &str, units: usize| {
            let dense = format!("{{ class = \"Dense\", units = {units} }}");
            format!("layers = [{{ class = \"ConcreteDropout\", layer = {dense}, {rest} }}]")
        };
        let first = concrete("dropout_regularizer = 0.1, seed = 1", 4);
        assert!(!differ(&first, &concrete("dropout_regularizer = 0.1, initial_rate = 0.3", 8)));
        assert!(differ(&first, &concrete("dropout_regularizer = 0.2", 4)));
        let within =
            format!("layers = [{{ class = \"Residual\", {} }}]", concrete("dropout_regularizer = 0.1", 4));
        assert!(differ(&within, &within.replace("0.1", "0.2")));
    }

    #[test]
    fn models_in_files_are_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, regularizer: &str| {
            let dense = format!("{{ class = \"Dense\", units = 2, input_shape = [3]{regularizer} }}");
            let mut model = experiment(&format!("layers = [{dense}]")).model().unwrap();
            let path = folder.path().join(name);
            std::fs::write(&path, model.to_json().unwrap()).unwrap();
            format!("file = \"{}\"", path.display())
        };
        let (with, without) = (file("a.json", ", kernel_regularizer = \"l2\""), file("b.json", ""));
        assert!(differ(&with, &without) && !differ(&with, &with));
    }
}
