//! Layers against fixed numbers of Keras.
//!
//! The numbers are made by `tools/keras_layers.py`, which says how.

use serde_json::Value;

use super::testing::{Chain, inference, training};
use super::{Layer, from_value};
use crate::engine::Context;
use crate::shape::Shape;

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

/// Keras's numbers have seven digits, of sums of some dozens of products.
#[track_caller]
fn close(case: &str, what: &str, came: &[f32], expected: &[f32]) {
    assert_eq!(came.len(), expected.len(), "{case}: length of {what}");
    for (element, (&came, &expected)) in came.iter().zip(expected).enumerate() {
        let bound = 1e-5 * (1.0 + expected.abs());
        assert!((came - expected).abs() < bound, "{case}: {what}[{element}] is {came}, Keras has {expected}");
    }
}

#[test]
fn outputs_and_gradients_are_keras_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/layers.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = reference["cases"].as_array().unwrap();
    assert!(cases.len() > 100);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let layers: Vec<Box<dyn Layer>> =
            case["layers"].as_array().unwrap().iter().map(|layer| from_value(layer).unwrap()).collect();
        let shape: Vec<usize> = serde_json::from_value(case["input_shape"].clone()).unwrap();
        let mut chain = Chain::of(&layers, &Shape::from(shape));
        let weights = case["weights"].as_array().unwrap();
        let places: Vec<_> = chain
            .variables()
            .map(|(variable, range)| (variable.name, variable.shape.clone(), range))
            .collect();
        assert_eq!(weights.len(), places.len(), "{name}: variables");
        for (weight, (variable, shape, range)) in weights.iter().zip(&places) {
            assert!(weight["name"].as_str().unwrap().ends_with(&format!("/{variable}")), "{name}: {weight}");
            assert_eq!(weight["shape"], serde_json::json!(shape), "{name}: {variable}");
            chain.arena[range.clone()].copy_from_slice(&floats(&weight["values"]));
        }
        let (x, dy) = (floats(&case["x"]), floats(&case["dy"]));
        let cx = Context { batch_size: case["shapes"]["x"][0].as_u64().unwrap() as usize, ..training(0) };
        close(
            name,
            "y",
            &chain.forward(&Context { phase: inference().phase, ..cx }, &x),
            &floats(&case["y"]),
        );
        if let Some(y) = case.get("y_train") {
            close(name, "y in training", &chain.forward(&cx, &x), &floats(y));
        }
        let slopes = chain.backward(&cx, &x, &dy);
        close(name, "dx", &slopes.x, &floats(&case["dx"]));
        let by_name = |key: &str, name: &Value| -> Option<Vec<f32>> {
            let found = case[key].as_array()?.iter().find(|entry| entry["name"] == *name)?;
            Some(floats(&found["values"]))
        };
        let after = chain.learn(&cx, &x);
        for (weight, (variable, _, range)) in weights.iter().zip(&places) {
            if let Some(expected) = by_name("dweights", &weight["name"]) {
                close(name, &format!("d{variable}"), &slopes.arena[range.clone()], &expected);
            }
            if let Some(expected) = by_name("weights_after", &weight["name"]) {
                close(name, &format!("{variable} afterwards"), &after[range.clone()], &expected);
            }
        }
    }
}
