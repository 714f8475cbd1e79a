//! `thinnet bench`, by running it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use ndarray::{Array1, Array4};
use serde_json::Value;
use tempfile::TempDir;
use thinnet::data::formats::npy;

const EXPERIMENT: &str = r#"
[data]
x = "x.npy"
y = "y.npy"
[model]
layers = [
  { class = "Conv2D", filters = 4, kernel_size = 3, activation = "relu" },
  { class = "SpatialDropout2D", rate = 0.2 },
  { class = "Flatten" },
  { class = "Dense", units = 3, activation = "softmax", name = "output" },
]
[compile]
optimizer = "adam"
loss = "sparse_categorical_crossentropy"
[fit]
epochs = 1000000
batch_size = 32
validation_split = 0.25
[augmentation]
horizontal_flip = true
"#;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let x =
            Array4::from_shape_fn((128, 8, 8, 1), |(i, a, b, _)| ((i * 7 + a * 13 + b) % 11) as f32 / 11.0);
        npy::write(folder.path("x.npy"), &x).unwrap();
        npy::write(folder.path("y.npy"), &Array1::from_shape_fn(128, |i| (i % 3) as i64)).unwrap();
        fs::write(folder.path("e.toml"), EXPERIMENT).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.arg("bench").args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

#[test]
fn an_experiment_is_timed_part_by_part_and_layer_by_layer() {
    let folder = Folder::new();
    let table = folder.ok(&["e.toml", "--steps", "6", "--threads", "1"]);
    for text in
        ["6 steps of 32 samples, 1 thread", "forward", "optimizer", "conv2d", "spatial_dropout2d", "output"]
    {
        assert!(table.contains(text), "{text} in {table}");
    }
    let json = folder.json(&["e.toml", "--steps", "6", "--set", "fit.batch_size=16", "--json"]);
    assert_eq!((&json["steps"], &json["batch"]), (&6.into(), &16.into()));
    let layers = json["layers"].as_array().unwrap();
    let names: Vec<_> = layers.iter().map(|layer| layer["layer"].as_str().unwrap()).collect();
    assert_eq!(names, ["conv2d", "spatial_dropout2d", "flatten", "output"]);
    assert!(number(&layers[0]["forward_ms"]) > 0.0 && number(&layers[0]["gradient_ms"]) > 0.0);
    assert_eq!(number(&layers[2]["forward_ms"]), 0.0, "Flatten is a view");
    let parts: f64 = json["parts"].as_array().unwrap().iter().map(|part| number(&part["ms"])).sum();
    let (min, max) = (number(&json["ms_per_step"]["min"]), number(&json["ms_per_step"]["max"]));
    assert!(min <= parts * 1.000_001 && parts <= max * 1.000_001, "{min} {parts} {max}");
    assert!(!folder.path("runs").exists(), "nothing is written");
}

#[test]
fn a_trace_has_a_row_for_each_thread_and_the_steps() {
    let folder = Folder::new();
    folder.ok(&["e.toml", "--steps", "3", "--threads", "2", "--trace", "trace.json"]);
    let trace: Value = serde_json::from_str(&fs::read_to_string(folder.path("trace.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let rows: Vec<_> = events.iter().filter(|event| event["ph"] == "M").collect();
    assert_eq!(rows.last().unwrap()["args"]["name"], "steps");
    let pieces: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(pieces.iter().filter(|event| event["cat"] == "step").count(), 3);
    assert!(pieces.iter().any(|event| event["name"] == "conv2d forward"));
    for event in pieces {
        assert!(number(&event["ts"]) >= 0.0 && number(&event["dur"]) >= 0.0);
        assert!(rows.iter().any(|row| row["tid"] == event["tid"]), "{event}");
    }
    let output = folder.run(&["e.toml", "--steps", "3", "--trace", "none/trace.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: cannot write none/trace.json: "));
}

#[test]
fn workloads_are_timed_in_other_ways_too() {
    let folder = Folder::new();
    let line = folder.json(&["w4", "--predict", "3", "--steps", "2"]);
    assert_eq!((&line["peer"], &line["batch"]), (&"thinnet".into(), &3.into()));
    assert!(number(&line["ms_per_predict"]["median"]) > 0.0);
    let line = folder.json(&["w4", "--mc", "5", "--steps", "1"]);
    assert_eq!((&line["inputs"], &line["samples"]), (&1000.into(), &5.into()));
    assert!(number(&line["ms_per_predict_mc"]["median"]) > 0.0);
    if cfg!(target_os = "linux") {
        let line = folder.json(&["w1", "--memory", "--steps", "1"]);
        // The samples alone are 50,000 × 784 bytes.
        assert!(number(&line["peak_memory_mib"]) > 37.0, "{line}");
    }
}

#[test]
fn what_dropout_costs_is_measured_in_turns() {
    let folder = Folder::new();
    let line = folder.json(&["w4", "--dropout", "--steps", "4", "--threads", "1"]);
    let (with, without) =
        (number(&line["ms_per_step"]["median"]), number(&line["dropout"]["without_ms_per_step"]));
    assert!((with / without - 1.0 - number(&line["dropout"]["share_of_step"])).abs() < 1e-9, "{line}");
    let text = folder.ok(&["e.toml", "--dropout", "--steps", "3"]);
    assert!(text.starts_with("A step takes ") && text.contains(" ms without them: "), "{text}");
}

#[test]
fn the_line_of_a_training_step_is_the_same_as_ever() {
    let line = Folder::new().ok(&["w4", "--steps", "3", "--threads", "1"]);
    let keys = [
        r#"{"peer":"thinnet","workload":"w4","batch":128,"ms_per_step":{"min":"#,
        r#","threads":1,"kernels":""#,
    ];
    assert!(line.starts_with(keys[0]) && line.contains(keys[1]) && line.lines().count() == 1, "{line}");
}

#[test]
fn kernels_are_measured_against_the_peak() {
    let folder = Folder::new();
    let json = folder.json(&["kernels", "--threads", "1", "--steps", "1", "--json"]);
    assert!(number(&json["peak"][0]["gflops"]) > 0.1);
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8 * 2);
    for row in rows {
        let on = &row["on"][0];
        let (rate, share) = (number(&on["gflops"]), number(&on["share_of_peak"]));
        assert!(
            rate > 0.0 && (share * number(&json["peak"][0]["gflops"]) / rate - 1.0).abs() < 1e-9,
            "{row}"
        );
    }
    // 2 · 128 · 784 · 128 operations; twice as many for both gradients.
    assert!((number(&rows[0]["gflop"]) - 0.025_690_112).abs() < 1e-12);
    assert!((number(&rows[1]["gflop"]) - 0.051_380_224).abs() < 1e-12);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let folder = Folder::new();
    for (arguments, code, message) in [
        (&["kernel"][..], 2, "did you mean `kernels`?"),
        (
            &["e.tml"],
            2,
            "expected w1, w2, w3, w4, kernels, scaling, or an experiment file that ends in .toml",
        ),
        (&["none.toml"], 1, "error: cannot read none.toml: "),
        (&["w1", "--augment"], 1, "error: --augment is for networks of images: w2 and w3"),
        (&["w1", "--trace", "t.json"], 1, "error: --trace is for an experiment file (.toml)"),
        (&["kernels", "--set", "a=1"], 1, "error: --set is for an experiment file (.toml)"),
        (&["kernels", "--dropout"], 1, "error: --dropout is for w1 to w4 and experiment files (.toml)"),
        (&["e.toml", "--mc", "3"], 1, "error: --mc is for w1 to w4"),
        (&["w1", "--predict", "0"], 2, "expected a number from 1 to 1000000"),
        (&["w1", "--predict", "1", "--mc", "1"], 2, "cannot be used with"),
    ] {
        let output = folder.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}
