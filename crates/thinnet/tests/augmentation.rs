//! Image augmentation against fixed numbers of Keras.
//!
//! The numbers are made by `tools/keras_augmentation.py`, which says how.

use serde_json::Value;
use thinnet::data::augmentation::{Augment, ImageDataGenerator, Transform};
use thinnet::engine::{Context, Phase};
use thinnet::layers::{self, Operation};
use thinnet::prelude::*;
use thinnet::random::{Domain, Stream};

fn cases(key: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/augmentation.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    reference[key].as_array().unwrap().clone()
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn shape(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect()
}

/// As the script sets them.
fn image(len: usize, index: usize, low: f64, high: f64) -> Vec<f32> {
    let value = |e: usize| {
        let (e, i) = (e as f64, index as f64);
        (low + (high - low) * (0.5 + 0.5 * (1.0 + 0.7 * e + 1.3 * i + 0.37 * e * i).sin())) as f32
    };
    (0..len).map(value).collect()
}

#[track_caller]
fn close(name: &dyn std::fmt::Debug, got: &[f32], want: &[f32], bound: f32) {
    assert_eq!(got.len(), want.len());
    for (e, (got, want)) in got.iter().zip(want).enumerate() {
        let bound = bound * want.abs().max(1.0);
        assert!((got - want).abs() <= bound, "{name:?}: element {e} is {got}, expected {want}");
    }
}

/// `apply_transform` with each parameter alone and all at once, in each fill mode; brightness for one, three and four
/// channels, within and beyond 0 … 255.
#[test]
fn images_are_changed_as_by_keras() {
    for case in cases("transforms") {
        let shape = Shape::from(shape(&case["shape"]));
        let transform: Transform = serde_json::from_value(case["transform"].clone()).unwrap();
        let datagen = ImageDataGenerator::new().fill_mode(case["fill_mode"].as_str().unwrap()).cval(0.5);
        let x = image(shape.len(), 0, case["low"].as_f64().unwrap(), case["high"].as_f64().unwrap());
        let mut out = vec![f32::NAN; x.len()];
        datagen.apply_transform(&transform, &shape, &x, &mut out).unwrap();
        close(&(&shape, &transform, &datagen), &out, &floats(&case["output"]), 1e-5);
    }
}

#[test]
fn statistics_and_standardized_images_are_those_of_keras() {
    for case in cases("standardized") {
        let shape = shape(&case["shape"]);
        let (sample, len) = (Shape::from(&shape[1..]), shape[1..].iter().product());
        let mut datagen = ImageDataGenerator::from_config(case["options"].as_object().unwrap()).unwrap();
        let images: Vec<Vec<f32>> = (0..shape[0]).map(|i| image(len, i, -1.0, 2.0)).collect();
        datagen.fit(Features::floats(sample.clone(), images.concat())).unwrap();
        datagen.check(&sample).unwrap();
        for (key, got, bound) in [
            ("mean", datagen.mean(), 1e-5),
            ("std", datagen.std(), 1e-5),
            ("zca", datagen.zca_whitening_matrix(), 1e-4),
        ] {
            match (&case[key], got) {
                (Value::Null, got) => assert_eq!(got, None, "{key}"),
                (want, got) => close(&(&datagen, key), got.unwrap(), &floats(want), bound),
            }
        }
        for (mut x, want) in images.into_iter().zip(case["output"].as_array().unwrap()) {
            let mut scratch = vec![f32::NAN; datagen.scratch(&sample)];
            datagen.standardize(&sample, &mut x, &mut scratch);
            close(&datagen, &x, &floats(want), 1e-4);
        }
    }
}

/// Keras's own configurations of the layers that look pixels up, with ranges of one value.
#[test]
fn layers_change_images_as_those_of_keras() {
    for case in cases("layers") {
        let shape = Shape::from(shape(&case["shape"]));
        let layer = layers::from_value(&case["layer"]).unwrap();
        let operations = layer.build(&shape).unwrap().operations;
        let Ok([Operation::InPlace(operation)]) = <[_; 1]>::try_from(operations) else {
            panic!("one operation in place")
        };
        let stream = Stream::new(42, Domain::Layer(0));
        let cx = Context { phase: Phase::Training, stream, step: 0, first: 0, batch_size: 1 };
        let mut x = image(shape.len(), 0, -1.0, 2.0);
        operation.forward(&cx, &mut x, &mut vec![f32::NAN; operation.scratch()]);
        close(&layer, &x, &floats(&case["output"]), 1e-4);
    }
}
