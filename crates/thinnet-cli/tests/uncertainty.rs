//! Monte-Carlo dropout, calibration and data of another kind, by running the tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ndarray::{Array1, Array2, ArrayD, Axis};
use serde_json::Value;
use tempfile::TempDir;
use thinnet::data::formats::npy;
use thinnet::prelude::*;

/// A folder with small data and models that were trained on them.
struct Bench {
    folder: TempDir,
}

const EXPERIMENT: &str = r#"
seed = 5
[data]
x = "x.npy"
y = "y.npy"
x_test = "x.npy"
y_test = "y.npy"
[model]
layers = [
  { class = "Dense", units = 16, activation = "relu", input_shape = [6] },
  { class = "Dropout", rate = 0.2 },
  { class = "Dense", units = 3, activation = "softmax" },
]
[compile]
optimizer = "adam"
loss = "sparse_categorical_crossentropy"
metrics = ["accuracy"]
[fit]
epochs = 4
batch_size = 32
validation_split = 0.25
"#;

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let x = Array2::from_shape_fn((400, 6), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
        let y = Array1::from_shape_fn(400, |i| (i * 7 % 11 % 3) as i64);
        npy::write(bench.path("x.npy"), &x).unwrap();
        npy::write(bench.path("y.npy"), &y).unwrap();
        bench
    }

    /// Trains the experiment, changed in some places, into a folder.
    fn train(&self, out: &str, changes: &[(&str, &str)]) {
        let text = changes.iter().fold(EXPERIMENT.to_owned(), |text, (from, to)| text.replace(from, to));
        fs::write(self.path("e.toml"), text).unwrap();
        self.ok(&["train", "e.toml", "--out", out]);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn array(&self, name: &str) -> ArrayD<f32> {
        npy::read(self.path(name)).unwrap().into_f32()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.output().unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert_eq!(error, "", "progress is for terminals only");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, message: &str) {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(code == 2 || error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    fs::read(a).unwrap() == fs::read(b).unwrap()
}

const MODEL: [&str; 5] = ["predict", "--model", "run/model.safetensors", "--input", "x.npy"];

#[test]
fn the_files_of_monte_carlo_dropout_agree_with_each_other() {
    let bench = Bench::new();
    bench.train("run", &[]);
    let sampled = |files: [&str; 3], more: &[&str]| {
        let [mean, variance, all] = files;
        let arguments = ["--mc-samples", "20", "--output", mean, "--variance", variance, "--samples", all];
        let text = bench.ok(&[&MODEL, &arguments[..], more].concat());
        assert!(text.contains("mean of 20 thinned networks"), "{text}");
    };
    sampled(["m.npy", "v.npy", "s.npy"], &["--threads", "1"]);
    sampled(["m2.npy", "v2.npy", "s2.npy"], &["--threads", "3"]);
    for (a, b) in [("m.npy", "m2.npy"), ("v.npy", "v2.npy"), ("s.npy", "s2.npy")] {
        assert!(same_file(&bench.path(a), &bench.path(b)), "{a}");
    }
    let all = bench.array("s.npy");
    assert_eq!(all.shape(), [20, 400, 3]);
    let (mean, variance) = (all.mean_axis(Axis(0)).unwrap(), all.var_axis(Axis(0), 0.0));
    assert!((&bench.array("m.npy") - &mean).iter().all(|d| d.abs() < 1e-6));
    assert!((&bench.array("v.npy") - &variance).iter().all(|d| d.abs() < 1e-6));
    assert!(variance.iter().any(|&v| v > 1e-4));

    sampled(["m3.npy", "v3.npy", "s3.npy"], &["--seed", "8"]);
    assert!(!same_file(&bench.path("s.npy"), &bench.path("s3.npy")), "another seed, other masks");
    // Inputs repeat every eleven: with shared masks, so do all outputs of a sample.
    sampled(["m4.npy", "v4.npy", "s4.npy"], &["--shared-masks"]);
    let repeats = |name: &str| {
        let all = bench.array(name);
        all.index_axis(Axis(1), 0) == all.index_axis(Axis(1), 11)
    };
    assert!(repeats("s4.npy") && !repeats("s.npy"));
    assert_eq!(
        fs::read_dir(bench.folder.path())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".thinnet") })
            .count(),
        0
    );
}

#[test]
fn predictions_come_with_their_uncertainty() {
    let bench = Bench::new();
    bench.train("run", &[]);
    let mc = ["--mc-samples", "50", "--labels", "y.npy"];
    let text = bench.ok(&[&MODEL, &mc[..]].concat());
    assert!(text.starts_with("input   class   probability   entropy (nats)"), "{text}");
    assert!(text.contains("\naccuracy ") && text.lines().count() == 403, "{text}");
    let json: Value = serde_json::from_str(&bench.ok(&[&MODEL, &mc[..], &["--json"]].concat())).unwrap();
    let number = |name: &str| json[name][7].as_f64().unwrap();
    let (total, within) = (number("entropy"), number("expected_entropy"));
    assert!((number("mutual_information") - (total - within)).abs() < 1e-12 && total < 3_f64.ln());
    assert_eq!(json["predictions"][7].as_array().unwrap().len(), 3);
    let evaluate = ["evaluate", "--model", "run/model.safetensors", "--input", "x.npy", "--json"];
    let logs: Value = serde_json::from_str(&bench.ok(&[&evaluate, &mc[..]].concat())).unwrap();
    assert_eq!(json["metrics"], logs);

    let regression = [
        ("y.npy", "values.npy"),
        ("units = 3, activation = \"softmax\"", "units = 1"),
        ("sparse_categorical_crossentropy", "mse"),
        ("\"accuracy\"", "\"mae\""),
    ];
    let values = Array1::from_shape_fn(400, |i| (i * 7 % 11) as f32 / 11.0);
    npy::write(bench.path("values.npy"), &values).unwrap();
    bench.train("line", &regression);
    let model = ["predict", "--model", "line/model.safetensors", "--input", "x.npy", "--mc-samples", "50"];
    let text = bench.ok(&[&model[..], &["--noise-variance", "0.04"]].concat());
    let head: Vec<&str> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head.join(" "), "input mean standard deviation 95 % interval");
    let json = bench.ok(&[&model[..], &["--noise-variance", "0.04", "--interval", "0.5", "--json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let width =
        json["interval"]["upper"][0][0].as_f64().unwrap() - json["interval"]["lower"][0][0].as_f64().unwrap();
    let expected = 2.0 * 0.674_489_75 * (json["variance"][0][0].as_f64().unwrap() + 0.04).sqrt();
    assert!((width - expected).abs() < 1e-5, "{width} {expected}");
}

#[test]
fn what_cannot_be_sampled_is_said() {
    let bench = Bench::new();
    bench.train("run", &[]);
    bench.train("none", &[("rate = 0.2", "rate = 0.0")]);
    let mc = |model: &'static str, more: &[&'static str]| {
        [&["predict", "--model", model, "--input", "x.npy", "--output", "m.npy"], more].concat()
    };
    bench.fails(&mc("run/model.safetensors", &["--mc-samples", "0"]), 2, "0 is not in 1..");
    bench.fails(&mc("run/model.safetensors", &["--variance", "v.npy"]), 2, "--mc-samples");
    bench.fails(
        &mc("none/model.safetensors", &["--mc-samples", "5"]),
        1,
        "no dropout or noise with a rate above 0",
    );
    let nowhere = ["--mc-samples", "5", "--samples", "none-such/s.npy"];
    bench.fails(&mc("run/model.safetensors", &nowhere), 1, "cannot write none-such/s.npy");
    let nowhere = ["--mc-samples", "5", "--variance", "none-such/v.npy"];
    bench.fails(&mc("run/model.safetensors", &nowhere), 1, "none-such/v.npy: cannot be written");
    for (option, value, message) in [
        ("--interval", "1.5", "expected a level between 0 and 1"),
        ("--noise-variance", "nan", "expected a variance from 0 on"),
    ] {
        bench.fails(&mc("run/model.safetensors", &["--mc-samples", "5", option, value]), 2, message);
    }
    for (option, path) in [("--variance", "./m.npy"), ("--samples", "x.npy")] {
        let message = format!("{option}: {path} is used already");
        bench.fails(&mc("run/model.safetensors", &["--mc-samples", "5", option, path]), 1, &message);
    }
    let interval = ["--mc-samples", "5", "--interval", "0.5"];
    bench.fails(&mc("run/model.safetensors", &interval), 1, "--interval: is for a regression");
    assert!(!bench.path("m.npy").exists());
}

#[test]
fn pictures_come_with_a_table() {
    let bench = Bench::new();
    let mut model = Sequential::new()
        .add(Flatten::new().input_shape([4, 4]))
        .add(Dropout::new(0.5))
        .add(Dense::new(3).activation(Softmax));
    model.build().unwrap();
    model.set_class_names(["cat", "dog", "cow"]);
    model.save(bench.path("pets.safetensors")).unwrap();
    for (name, shade) in [("light.png", 250), ("dark.png", 3)] {
        let file = fs::File::create(bench.path(name)).unwrap();
        let mut encoder = png::Encoder::new(file, 4, 4);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[shade; 16]).unwrap();
    }
    let images =
        ["predict", "--model", "pets.safetensors", "--mc-samples", "50", "--image", "light.png", "dark.png"];
    let text = bench.ok(&images);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("picture ") && lines[0].contains("mutual information (nats)"), "{text}");
    assert!(lines[1].starts_with("light.png") && lines[2].starts_with("dark.png"), "{text}");
    assert!(["cat 0.", "dog 0.", "cow 0."].iter().all(|name| lines[1].contains(name)), "{text}");
    let json: Value = serde_json::from_str(&bench.ok(&[&images[..], &["--json"]].concat())).unwrap();
    let information = |picture: usize| json[picture]["mutual_information"].as_f64().unwrap();
    // Hardly anything is left to drop of what is nearly black.
    assert!(information(0) > 100.0 * information(1), "{json}");
    bench.fails(&[&images[..], &["--variance", "v.npy"]].concat(), 2, "--variance");
}

#[test]
fn calibration_is_measured_and_mended() {
    let bench = Bench::new();
    bench.train("run", &[]);
    let evaluate =
        ["evaluate", "--model", "run/model.safetensors", "--input", "x.npy", "--labels", "y.npy", "--json"];
    let logs =
        |more: &[&str]| -> Value { serde_json::from_str(&bench.ok(&[&evaluate, more].concat())).unwrap() };
    let plain = logs(&[]);
    let measured = logs(&["--calibration"]);
    assert_eq!(measured["accuracy"], plain["accuracy"]);
    let number = |logs: &Value, name: &str| logs[name].as_f64().unwrap();
    assert!((number(&measured, "nll") - number(&plain, "loss")).abs() < 1e-4);
    assert!(measured.get("temperature").is_none());
    let fitted = ["--validation-input", "x.npy", "--validation-labels", "y.npy", "--reliability", "r.svg"];
    let scaled = logs(&[&["--calibration"], &fitted[..]].concat());
    assert!(number(&scaled, "temperature") > 0.0);
    assert!(number(&scaled, "scaled_nll") <= number(&scaled, "nll"), "fitted to the same data");
    assert!(fs::read_to_string(bench.path("r.svg")).unwrap().contains("accuracy, after scaling"));
    let sampled = logs(&["--calibration", "--mc-samples", "20"]);
    assert_ne!(sampled["ece"], measured["ece"]);
    bench.fails(&[&evaluate[..], &["--reliability", "r.svg"]].concat(), 2, "--calibration");
    bench.fails(&[&evaluate[..], &["--calibration", "--reliability", "r.gif"]].concat(), 1, ".svg or .png");
}

#[test]
fn the_report_on_uncertainty_is_complete_and_repeatable() {
    let bench = Bench::new();
    bench.train("one", &[]);
    bench.train("two", &[("seed = 5", "seed = 6")]);
    npy::write(bench.path("noise.npy"), &Array2::from_shape_fn((50, 6), |(i, j)| (i * 31 % 17 * j) as f32))
        .unwrap();
    let models = ["one/model.safetensors", "two/model.safetensors"];
    let common = ["--data", "e.toml", "--ood", "noise.npy", "--mc-samples", "10"];
    let uncertainty = |models: &[&'static str], more: &[&'static str]| {
        [&["uncertainty", "--model"], models, &common, more].concat()
    };
    let text = bench.ok(&uncertainty(&models, &["--out", "both", "--threads", "1"]));
    for part in ["deterministic", "MC dropout", "ensemble", "±", "AUROC", "Report: both/report.html"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    bench.ok(&uncertainty(&models, &["--out", "again", "--threads", "3"]));
    for name in [
        "measures.csv",
        "reliability.csv",
        "reliability.svg",
        "rejection.svg",
        "unknown.svg",
        "reliability.png",
    ] {
        assert!(same_file(&bench.path("both").join(name), &bench.path("again").join(name)), "{name}");
    }
    let measures = fs::read_to_string(bench.path("both/measures.csv")).unwrap();
    assert_eq!(measures.lines().count(), 1 + 2 + 2 + 1, "{measures}");
    let page = fs::read_to_string(bench.path("both/report.html")).unwrap();
    let addresses = page.matches("://").count() - page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(addresses, 0, "the report asks for nothing from elsewhere");

    let json = bench.ok(&uncertainty(&models[..1], &["--json", "--out", "one-json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["validation"].as_u64(), json["test"].as_u64(), json["ood"].as_u64()),
        (Some(100), Some(400), Some(50))
    );
    assert!(json["methods"].get("ensemble").is_none());
    let area = json["methods"]["MC dropout"][0]["mutual_information"]["auroc"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&area));

    bench.train("none", &[("rate = 0.2", "rate = 0.0")]);
    let text = bench.ok(&uncertainty(&["none/model.safetensors"], &["--out", "without"]));
    assert!(!text.contains("MC dropout") && text.contains("no dropout"), "{text}");
    bench.fails(&uncertainty(&models, &["--out", "both"]), 1, "both holds a report already");
    bench.fails(&uncertainty(&models, &["--validation-split", "1.5"]), 1, "--validation-split");
    bench.fails(&["uncertainty", "--model", models[0], "--data", "mnits"], 1, "did you mean `mnist`?");
    bench.fails(
        &["uncertainty", "--model", models[0], "--data", "e.toml", "--ood", "fashion"],
        1,
        "did you mean `fashion-mnist`?",
    );
    bench.fails(&["uncertainty", "--model", models[0], "--data", "mnist"], 1, "expected samples of shape");
    assert!(!bench.path("runs").exists(), "what cannot start leaves no folder");
}
