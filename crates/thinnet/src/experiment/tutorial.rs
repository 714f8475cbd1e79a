//! The tutorial's experiments.

use serde_json::{Value, json};

use super::{CompileConfig, DataConfig, Experiment, FitConfig, ModelConfig};

/// The tutorial's two models on MNIST, as printed (with `Dropout`, and with each `Dropout` replaced by another `Dense`),
/// and the fair counterpart: the first network with rates 0.
pub fn mnist(seed: u64, epochs: usize) -> Vec<(String, Experiment)> {
    let dense = |units: usize| json!({"class": "Dense", "units": units, "activation": "relu"});
    let dropout = |rate: f64| json!({"class": "Dropout", "rate": rate});
    let experiment = |name: &str, second: Value, fourth: Value| {
        let mut first = dense(128);
        first["input_shape"] = json!([784]);
        let last = json!({"class": "Dense", "units": 10, "activation": "softmax"});
        Experiment {
            seed,
            data: DataConfig { dataset: Some("mnist".into()), ..DataConfig::default() },
            model: ModelConfig {
                name: Some(name.replace([' ', ','], "_").replace("__", "_")),
                layers: vec![first, second, dense(64), fourth, last],
                ..ModelConfig::default()
            },
            compile: CompileConfig {
                optimizer: json!("adam"),
                loss: json!("sparse_categorical_crossentropy"),
                metrics: vec![json!("accuracy")],
            },
            fit: FitConfig { epochs, batch_size: 128, validation_split: 0.2, ..FitConfig::default() },
            callbacks: Vec::new(),
        }
    };
    [
        ("with dropout", dropout(0.2), dropout(0.3)),
        ("as printed, without", dense(128), dense(64)),
        ("same network, rate 0", dropout(0.0), dropout(0.0)),
    ]
    .map(|(name, second, fourth)| (name.to_owned(), experiment(name, second, fourth)))
    .into()
}
