//! Against fixed numbers of Keras: training histories, models from its JSON, callbacks.
//!
//! The numbers are made by `tools/keras_reference.py`, which says how.

use ndarray::{Array2, ArrayD, IxDyn};
use serde_json::Value;
use thinnet::data::{Data, Features, Targets};
use thinnet::prelude::*;

const COUNT: usize = 2000;

fn reference() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/keras.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases<'a>(reference: &'a Value, key: &str) -> &'a [Value] {
    reference[key].as_array().unwrap()
}

/// As the script sets them.
fn set_weights(model: &mut Sequential) {
    let arrays = model.get_weights().unwrap().into_iter().enumerate().map(|(variable, array)| {
        let value = |element: usize| (0.1 * (1.0 + 0.7 * element as f64 + variable as f64).sin()) as f32;
        ArrayD::from_shape_vec(IxDyn(array.shape()), (0..array.len()).map(value).collect()).unwrap()
    });
    model.set_weights(&arrays.collect::<Vec<_>>()).unwrap();
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn digits() -> (Features<'static>, Vec<i64>) {
    let train = datasets::mnist().unwrap().train.take(COUNT);
    let Targets::Classes(classes) = &train.y else { panic!("digits are classes") };
    let classes = classes.to_vec();
    (train.x.reshaped(784).unwrap(), classes)
}

fn targets(name: &str, digits: &[i64]) -> Targets<'static> {
    let values =
        |len: usize, values: Vec<f32>| Targets::Values { sample: Shape::from(len), values: values.into() };
    match name {
        "digits" => Targets::Classes(digits.to_vec().into()),
        "one_hot" => values(
            10,
            digits.iter().flat_map(|&d| (0..10).map(move |c| f32::from(u8::from(c == d)))).collect(),
        ),
        "several" => {
            let labels = |d: i64| [d % 2 == 1, d % 3 == 0, d > 4].map(|label| f32::from(u8::from(label)));
            values(3, digits.iter().flat_map(|&d| labels(d)).collect())
        }
        "value" => values(1, digits.iter().map(|&d| d as f32 / 10.0).collect()),
        other => panic!("unknown targets {other}"),
    }
}

/// Each epoch's loss within 1e-4 relative; so are the metrics that are means, and accuracies within two samples.
#[test]
fn histories_of_three_epochs() {
    let (x, digits) = digits();
    let reference = reference();
    for case in cases(&reference, "histories") {
        let name = case["name"].as_str().unwrap();
        let mut model = Sequential::from_json(&case["model"].to_string()).unwrap();
        let metrics: Vec<Value> = case["metric"].as_str().into_iter().map(Value::from).collect();
        model
            .compile(case["optimizer"].clone(), case["loss"].clone(), metrics)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        set_weights(&mut model);
        let number = |key: &str| case["fit"][key].as_u64().unwrap() as usize;
        let mut fit = Fit::new()
            .epochs(number("epochs"))
            .batch_size(number("batch_size"))
            .validation_split(case["fit"]["validation_split"].as_f64().unwrap())
            .shuffle(false)
            .verbose(false);
        if case["sample_weight"] == true {
            fit = fit.sample_weight((0..COUNT).map(|i| (1 + i % 5) as f32 / 3.0).collect::<Vec<_>>());
        }
        if let Some(weights) = case["fit"]["class_weight"].as_object() {
            let entry =
                |(class, weight): (&String, &Value)| (class.parse().unwrap(), weight.as_f64().unwrap());
            fit = fit.class_weight(weights.iter().map(entry).collect::<thinnet::model::ClassWeight>());
        }
        let data = Data { x: x.clone(), y: targets(case["target"].as_str().unwrap(), &digits) };
        let history = model.fit(&data, fit).unwrap();
        for (column, expected) in case["history"].as_object().unwrap() {
            for (epoch, (came, expected)) in history[column].iter().zip(floats(expected)).enumerate() {
                let bound = if column.contains("accuracy") { 2.0 / 400.0 } else { 1e-4 * expected.abs() };
                assert!(
                    (came - expected).abs() <= bound,
                    "{name}, epoch {epoch}, {column}: {came}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn models_from_keras_s_json() {
    let reference = reference();
    for case in cases(&reference, "models") {
        let name = case["name"].as_str().unwrap();
        let mut model =
            Sequential::from_json(&case["model"].to_string()).unwrap_or_else(|e| panic!("{name}: {e}"));
        set_weights(&mut model);
        let shape: Vec<usize> = model.input_shape().unwrap().axes().to_vec();
        let len: usize = shape.iter().product();
        let x = (0..4 * len).map(|i| (0.3 * i as f64).sin() as f32).collect();
        let x = ArrayD::from_shape_vec(IxDyn(&[&[4], &shape[..]].concat()), x).unwrap();
        let y = model.predict(&x).unwrap();
        let expected_shape: Vec<usize> = serde_json::from_value(case["shape"].clone()).unwrap();
        assert_eq!(y.shape()[1..], expected_shape, "{name}");
        for (came, expected) in y.iter().zip(floats(&case["output"])) {
            assert!((f64::from(*came) - expected).abs() < 2e-6, "{name}: {came}, expected {expected}");
        }
        assert_eq!(model.count_params().unwrap() as u64, case["count"].as_u64().unwrap(), "{name}");
        let names: Vec<String> = serde_json::from_value(case["names"].clone()).unwrap();
        assert_eq!(model.weight_names().unwrap(), names, "{name}");

        // What we write is the same model to us again.
        let mut again = Sequential::from_json(&model.to_json().unwrap()).unwrap();
        again.set_weights(&model.get_weights().unwrap()).unwrap();
        assert_eq!(again.predict(&x).unwrap(), y, "{name}");
    }
}

/// Puts a scripted value into the logs.
#[derive(Debug)]
struct Script(Vec<f64>);

impl Callback for Script {
    fn on_epoch_end(
        &mut self,
        _: &mut Training,
        epoch: usize,
        logs: &mut thinnet::Logs,
    ) -> thinnet::Result<()> {
        logs.insert("score".into(), self.0[epoch]);
        Ok(())
    }
}

/// Notes the learning rate after each epoch.
#[derive(Debug, Default)]
struct Rates(Vec<f64>);

impl Callback for Rates {
    fn on_epoch_end(
        &mut self,
        training: &mut Training,
        _: usize,
        _: &mut thinnet::Logs,
    ) -> thinnet::Result<()> {
        self.0.push(training.model.learning_rate()?);
        Ok(())
    }
}

#[test]
fn callbacks_on_scripted_values() {
    let reference = reference();
    let (x, y) = (Array2::<f32>::zeros((2, 1)), Array2::<f32>::zeros((2, 1)));
    for case in cases(&reference, "callbacks") {
        let mut config = case["arguments"].clone();
        config["class"] = case["class"].clone();
        let mut model = Sequential::new().add(Dense::new(1).input_shape([1]));
        model.compile(SGD::new(1.0), "mse", [] as [&str; 0]).unwrap();
        let values = floats(&case["values"]);
        let mut rates = Rates::default();
        let fit = Fit::new()
            .epochs(values.len())
            .verbose(false)
            .callback(Script(values))
            .boxed_callback(thinnet::callbacks::from_config(&config).unwrap())
            .callback(&mut rates);
        model.fit((&x, &y), fit).unwrap();
        assert_eq!(rates.0.len() as u64, case["epochs"].as_u64().unwrap(), "{config}");
        for (came, expected) in rates.0.iter().zip(floats(&case["rates"])) {
            assert!((came - expected).abs() < 1e-6, "{config}: {came}, expected {expected}");
        }
    }
}
