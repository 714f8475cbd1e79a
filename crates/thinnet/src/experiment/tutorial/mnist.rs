//! "Complete Training Example with MNIST".

use serde_json::{Value, json};

use super::super::{DataConfig, Experiment, FitConfig, ModelConfig};
use super::{compiled, dropout, identifier, relu, softmax};

/// The tutorial's two models on MNIST, as printed (with `Dropout`, and with each `Dropout` replaced by another `Dense`),
/// and the fair counterpart: the first network with rates 0.
pub fn mnist(seed: u64, epochs: usize) -> Vec<(String, Experiment)> {
    let experiment = |name: &str, second: Value, fourth: Value| {
        let mut first = relu(128);
        first["input_shape"] = json!([784]);
        Experiment {
            seed,
            data: DataConfig { dataset: Some("mnist".into()), ..DataConfig::default() },
            model: ModelConfig {
                name: Some(identifier(name)),
                layers: vec![first, second, relu(64), fourth, softmax(10)],
                ..ModelConfig::default()
            },
            compile: compiled(),
            fit: FitConfig { epochs, batch_size: 128, validation_split: 0.2, ..FitConfig::default() },
            augmentation: None,
            callbacks: Vec::new(),
            monte_carlo: None,
            tune: None,
            values: serde_json::Map::new(),
        }
    };
    [
        ("with dropout", dropout(0.2), dropout(0.3)),
        ("as printed, without", relu(128), relu(64)),
        ("same network, rate 0", dropout(0.0), dropout(0.0)),
    ]
    .map(|(name, second, fourth)| (name.to_owned(), experiment(name, second, fourth)))
    .into()
}
