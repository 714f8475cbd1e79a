//! The tutorial's experiments.

mod cifar10;
pub(super) mod exercises;
mod mnist;
mod spatial;

use serde_json::{Value, json};

pub use cifar10::cifar10;
pub use mnist::mnist;
pub use spatial::spatial;

use super::CompileConfig;

/// How the tutorial compiles every model.
fn compiled() -> CompileConfig {
    CompileConfig {
        optimizer: json!("adam"),
        loss: json!("sparse_categorical_crossentropy"),
        metrics: vec![json!("accuracy")],
    }
}

fn relu(units: usize) -> Value {
    json!({"class": "Dense", "units": units, "activation": "relu"})
}

fn softmax(units: usize) -> Value {
    json!({"class": "Dense", "units": units, "activation": "softmax"})
}

fn dropout(rate: f64) -> Value {
    json!({"class": "Dropout", "rate": rate})
}

fn max_pooling() -> Value {
    json!({"class": "MaxPooling2D", "pool_size": [2, 2]})
}

/// A model's name from what it is called: `same network, rate 0` is `same_network_rate_0`.
fn identifier(name: &str) -> String {
    name.replace([' ', ','], "_").replace("__", "_").to_lowercase()
}
