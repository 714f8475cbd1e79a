//! The tutorial's convolutional networks against training histories of Keras, with dropout off.
//!
//! The numbers are made by `tools/keras_cnn_history.py`, which says how. They are compared with Keras's in double
//! precision: `spread` is how far a loss moves where the initial weights change by a millionth, since a relu or a
//! largest value then tips over here and there.

use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use thinnet::callbacks::BatchEnd;
use thinnet::data::{Data, Features, Targets};
use thinnet::prelude::*;

fn reference() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/cnn_history.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    value["histories"].as_array_mut().unwrap().drain(..).collect()
}

fn hash(stream: u32, element: u32) -> u32 {
    let mut h =
        element.wrapping_mul(2_654_435_761).wrapping_add(stream.wrapping_add(1).wrapping_mul(2_246_822_519));
    h = (h ^ (h >> 15)).wrapping_mul(2_246_822_519);
    h = (h ^ (h >> 13)).wrapping_mul(3_266_489_917);
    h ^ (h >> 16)
}

fn initial(shapes: &[Vec<usize>]) -> Vec<ArrayD<f32>> {
    let array = |(variable, shape): (usize, &Vec<usize>)| {
        let len: usize = shape.iter().product();
        let values = match shape[..] {
            [_] => vec![0.0; len],
            _ => {
                let outputs = shape[shape.len() - 1];
                let places: usize = shape[..shape.len() - 2].iter().product();
                let fans = places * (shape[shape.len() - 2] + outputs);
                let limit = (6.0 / fans as f64).sqrt();
                let unit = |element: u32| f64::from(hash(variable as u32, element) >> 8) / (1 << 24) as f64;
                (0..len as u32).map(|element| ((2.0 * unit(element) - 1.0) * limit) as f32).collect()
            }
        };
        ArrayD::from_shape_vec(IxDyn(shape), values).unwrap()
    };
    shapes.iter().enumerate().map(array).collect()
}

/// Samples and validation samples as bytes.
fn data(case: &Value) -> [Data<'static>; 2] {
    let number = |key: &str| case[key].as_u64().unwrap() as usize;
    let (train, validation) = (number("train"), number("validation"));
    if case["data"] == "mnist" {
        let mnist = datasets::mnist().unwrap();
        return [mnist.train.take(train), mnist.test.take(validation)]
            .map(|data| Data { x: data.x.reshaped([28, 28, 1]).unwrap(), y: data.y });
    }
    let image = |n: usize| {
        (0..32 * 32 * 3).map(move |element| {
            let noise = hash(1000, (n * 32 * 32 * 3 + element) as u32) >> 25;
            noise as u8 + 14 * ((n % 10 + 3 * (element % 3)) % 10) as u8
        })
    };
    [0..train, train..train + validation].map(|images| {
        let classes: Vec<i64> = images.clone().map(|n| n as i64 % 10).collect();
        let bytes: Vec<u8> = images.flat_map(image).collect();
        let x = Features::bytes([32, 32, 3], bytes, 1.0 / 255.0);
        Data { x, y: Targets::Classes(classes.into()) }
    })
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(what: &str, came: f64, expected: f64, bound: f64) {
    assert!((came - expected).abs() <= bound, "{what}: {came}, Keras has {expected} (± {bound})");
}

/// Notes each step's loss: the running mean's increments.
#[derive(Debug, Default)]
struct Steps {
    losses: Vec<f64>,
    sum: f64,
}

impl Callback for Steps {
    fn on_batch_end(&mut self, training: &mut Training, end: &BatchEnd) -> thinnet::Result<()> {
        let mean = end.logs(training)["loss"];
        let sum = mean * (end.step + 1) as f64;
        self.losses.push(sum - if end.step == 0 { 0.0 } else { self.sum });
        self.sum = sum;
        Ok(())
    }
}

#[test]
fn histories_of_two_epochs() {
    for case in reference() {
        let name = case["name"].as_str().unwrap();
        let mut model = Sequential::from_json(&case["model"].to_string()).unwrap();
        model.compile(case["optimizer"].clone(), "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
        let shapes: Vec<Vec<usize>> =
            model.get_weights().unwrap().iter().map(|array| array.shape().to_vec()).collect();
        let weights = initial(&shapes);
        for (array, expected) in weights.iter().zip(case["initial"].as_array().unwrap()) {
            let sum = array.iter().map(|&value| f64::from(value)).sum::<f64>();
            close(&format!("{name}: {}", expected["name"]), sum, expected["sum"].as_f64().unwrap(), 1e-9);
        }
        model.set_weights(&weights).unwrap();
        let [train, validation] = data(&case);
        let batch_size = case["fit"]["batch_size"].as_u64().unwrap() as usize;
        let mut steps = Steps::default();
        let fit = Fit::new()
            .epochs(2)
            .batch_size(batch_size)
            .shuffle(false)
            .validation_data(&validation)
            .verbose(false)
            .callback(&mut steps);
        let history = model.fit(&train, fit).unwrap();
        let double = &case["float64"];
        let spread = floats(&case["spread"]["step_losses"]);
        for (step, expected) in floats(&double["step_losses"]).into_iter().enumerate() {
            let bound = 3.0 * spread[step] + 1e-5 * expected;
            close(&format!("{name}: loss of step {step}"), steps.losses[step], expected, bound);
        }
        for key in ["loss", "val_loss"] {
            let spread = floats(&case["spread"][key]);
            for (epoch, expected) in floats(&double["history"][key]).into_iter().enumerate() {
                let bound = 3.0 * spread[epoch] + 1e-5 * expected;
                close(&format!("{name}: {key} of epoch {epoch}"), history[key][epoch], expected, bound);
            }
        }
        for (key, samples) in [("accuracy", train.len()), ("val_accuracy", validation.len())] {
            for (epoch, expected) in floats(&double["history"][key]).into_iter().enumerate() {
                let two_samples = 2.001 / samples as f64;
                close(&format!("{name}: {key} of epoch {epoch}"), history[key][epoch], expected, two_samples);
            }
        }
    }
}

/// What a step of SGD with learning rate 1 takes away is the gradient.
#[test]
fn gradients_of_the_first_batch() {
    for case in reference() {
        let name = case["name"].as_str().unwrap();
        let mut model = Sequential::from_json(&case["model"].to_string()).unwrap();
        model.compile(SGD::new(1.0), "sparse_categorical_crossentropy", [] as [&str; 0]).unwrap();
        let shapes: Vec<Vec<usize>> =
            model.get_weights().unwrap().iter().map(|array| array.shape().to_vec()).collect();
        let before = initial(&shapes);
        model.set_weights(&before).unwrap();
        let [train, _] = data(&case);
        let batch_size = case["fit"]["batch_size"].as_u64().unwrap() as usize;
        model.train_on_batch(train.slice(0..batch_size)).unwrap();
        let after = model.get_weights().unwrap();
        let expected = case["float64"]["first_gradients"].as_array().unwrap();
        for ((before, after), expected) in before.iter().zip(&after).zip(expected) {
            let gradient: Vec<f64> = before.iter().zip(after).map(|(b, a)| f64::from(b - a)).collect();
            let what = format!("{name}: gradient of {}", expected["name"]);
            // The weights' last bit is about 1e-8.
            for (element, expected) in floats(&expected["first"]).into_iter().enumerate() {
                close(
                    &format!("{what}[{element}]"),
                    gradient[element],
                    expected,
                    3e-8 + 2e-5 * expected.abs(),
                );
            }
            let squares = gradient.iter().map(|g| g * g).sum::<f64>();
            let expected = expected["sum_of_squares"].as_f64().unwrap();
            close(&format!("{what}, squares"), squares, expected, 2e-5 * expected);
        }
    }
}

/// With one more argument, `trainable` among them, Keras would not read it.
#[test]
fn spatial_dropout_is_written_with_keras_s_arguments_only() {
    let mut model = Sequential::new().add(SpatialDropout1D::new(0.2).input_shape([4, 3]));
    let json: Value = serde_json::from_str(&model.to_json().unwrap()).unwrap();
    let config = json["config"]["layers"][1]["config"].as_object().unwrap();
    assert_eq!(config.keys().collect::<Vec<_>>(), ["name", "dtype", "rate", "seed"]);
}
