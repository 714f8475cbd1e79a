//! "Spatial Dropout for CNN Models".

use serde_json::{Value, json};

use super::super::{DataConfig, Experiment, FitConfig, ModelConfig};
use super::{compiled, dropout, identifier, max_pooling, relu, softmax};

/// The tutorial's convolutional network on MNIST three times: as printed, with `SpatialDropout2D` after each convolution;
/// with ordinary `Dropout` of the same rates at the same places; and with all rates 0, that before the output too.
pub fn spatial(seed: u64, epochs: usize) -> Vec<(String, Experiment)> {
    let experiment = |name: &str, class: &str, [first, second, third]: [f64; 3]| {
        let convolution = |filters: usize| json!({"class": "Conv2D", "filters": filters, "kernel_size": [3, 3], "activation": "relu"});
        let after_convolution = |rate: f64| -> Value { json!({"class": class, "rate": rate}) };
        let mut input = convolution(32);
        input["input_shape"] = json!([28, 28, 1]);
        Experiment {
            seed,
            data: DataConfig { dataset: Some("mnist".into()), ..DataConfig::default() },
            model: ModelConfig {
                name: Some(identifier(name)),
                layers: vec![
                    input,
                    after_convolution(first),
                    max_pooling(),
                    convolution(64),
                    after_convolution(second),
                    max_pooling(),
                    json!({"class": "Flatten"}),
                    relu(128),
                    dropout(third),
                    softmax(10),
                ],
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
        ("with SpatialDropout2D", "SpatialDropout2D", [0.2, 0.3, 0.4]),
        ("with ordinary Dropout", "Dropout", [0.2, 0.3, 0.4]),
        ("without dropout", "SpatialDropout2D", [0.0; 3]),
    ]
    .map(|(name, class, rates)| (name.to_owned(), experiment(name, class, rates)))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_networks_differ_in_nothing_but_dropout() {
        let experiments = spatial(42, 5);
        let without_dropout = |experiment: &Experiment| {
            let layers = experiment.model.layers.iter();
            layers.filter(|layer| layer.get("rate").is_none()).cloned().collect::<Vec<_>>()
        };
        for (name, experiment) in &experiments {
            assert_eq!(without_dropout(experiment), without_dropout(&experiments[0].1), "{name}");
            assert_eq!(experiment.model().unwrap().count_params().unwrap(), 225_034, "{name}");
        }
        let rates = |experiment: &Experiment| {
            let layers = experiment.model.layers.iter();
            layers.filter_map(|layer| layer["rate"].as_f64()).collect::<Vec<_>>()
        };
        assert_eq!(rates(&experiments[0].1), [0.2, 0.3, 0.4]);
        assert_eq!(rates(&experiments[1].1), [0.2, 0.3, 0.4]);
        assert_eq!(rates(&experiments[2].1), [0.0; 3]);
    }

    /// The file that people start from is the tutorial's first model.
    #[test]
    fn the_experiment_file_is_the_first_of_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments/spatial-dropout.toml");
        let of_file = Experiment::from_file(path, &[]).unwrap();
        assert_eq!(of_file.to_toml().unwrap(), spatial(42, 5)[0].1.to_toml().unwrap());
    }
}
