//! "Real-World Application: Image Classification with Dropout".

use serde_json::{Value, json};

use super::super::{DataConfig, Experiment, FitConfig, ModelConfig, ValidationData};
use super::{compiled, dropout, max_pooling, relu, softmax};
use crate::data::augmentation::ImageDataGenerator;
use crate::data::datasets::Entry;

const BATCH: usize = 64;

/// The tutorial's network for CIFAR-10, as printed, on a data set of that kind: `cifar10` or `cifar10-sample`, all of it or
/// only the first `samples`. It validates on the test data, as the listing does.
pub fn cifar10(seed: u64, epochs: usize, data: &Entry, samples: Option<usize>) -> Experiment {
    let convolution = |filters: usize| -> Value {
        let same = "same";
        json!({"class": "Conv2D", "filters": filters, "kernel_size": [3, 3], "padding": same, "activation": "relu"})
    };
    let mut first = convolution(32);
    first["input_shape"] = json!([32, 32, 3]);
    let training = samples.map_or(data.train, |samples| samples.min(data.train));
    Experiment {
        seed,
        data: DataConfig { dataset: Some(data.name.into()), samples, ..DataConfig::default() },
        model: ModelConfig {
            name: Some("cifar10".into()),
            layers: vec![
                first,
                convolution(32),
                max_pooling(),
                dropout(0.25),
                convolution(64),
                convolution(64),
                max_pooling(),
                dropout(0.25),
                json!({"class": "Flatten"}),
                relu(512),
                dropout(0.5),
                softmax(10),
            ],
            ..ModelConfig::default()
        },
        compile: compiled(),
        fit: FitConfig {
            epochs,
            batch_size: BATCH,
            validation_data: Some(ValidationData::Test),
            steps_per_epoch: Some((training / BATCH).max(1)),
            ..FitConfig::default()
        },
        augmentation: Some(
            ImageDataGenerator::new()
                .rotation_range(15.0)
                .width_shift_range(0.1)
                .height_shift_range(0.1)
                .horizontal_flip(true),
        ),
        callbacks: Vec::new(),
        monte_carlo: None,
        tune: None,
        values: serde_json::Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::find;

    /// 896 + 9,248 + 18,496 + 36,928 for the convolutions, 4,096·512 + 512 and 512·10 + 10 for the dense layers.
    #[test]
    fn the_network_is_the_listing_s() {
        let experiment = cifar10(42, 20, find("cifar10").unwrap(), None);
        assert_eq!(experiment.model().unwrap().count_params().unwrap(), 2_168_362);
        assert_eq!(experiment.fit.steps_per_epoch, Some(781));
        assert!(experiment.augmentation.is_some());
        let few = cifar10(42, 20, find("cifar10-sample").unwrap(), Some(10));
        assert_eq!(few.fit.steps_per_epoch, Some(1));
    }

    /// The file that people start from is the tutorial's experiment.
    #[test]
    fn the_experiment_file_is_the_same() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments/cifar10.toml");
        let of_file = Experiment::from_file(path, &[]).unwrap();
        let expected = cifar10(42, 20, find("cifar10").unwrap(), None);
        assert_eq!(of_file.to_toml().unwrap(), expected.to_toml().unwrap());
    }
}
