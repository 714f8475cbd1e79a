//! `thinnet activations`, by running the tool.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use ndarray::{Array1, Array2, Array4};
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
  { class = "Dense", units = 12, activation = "relu", name = "hidden", input_shape = [16] },
  { class = "Dropout", rate = 0.5 },
  { class = "Dense", units = 3, activation = "softmax" },
]
[compile]
optimizer = "adam"
loss = "sparse_categorical_crossentropy"
[fit]
epochs = 2
batch_size = 32
"#;

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let x = Array2::from_shape_fn((200, 16), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
        let y = Array1::from_shape_fn(200, |i| (i * 7 % 11 % 3) as i64);
        npy::write(bench.path("x.npy"), &x).unwrap();
        npy::write(bench.path("y.npy"), &y).unwrap();
        bench
    }

    /// Trains the experiment, changed in some places, into a folder, and says where the model is.
    fn train(&self, out: &str, changes: &[(&str, &str)]) -> String {
        let text = changes.iter().fold(EXPERIMENT.to_owned(), |text, (from, to)| text.replace(from, to));
        fs::write(self.path("e.toml"), text).unwrap();
        self.ok(&["train", "e.toml", "--out", out]);
        format!("{out}/model.safetensors")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
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

#[test]
fn two_models_are_compared_and_every_number_is_that_of_the_library() {
    let bench = Bench::new();
    let [with, without] = [bench.train("with", &[]), bench.train("without", &[("rate = 0.5", "rate = 0.0")])];
    let command = ["activations", "--model", &with, &without, "--data", "e.toml"];
    let text = bench.ok(&[&command, &["--out", "seen"][..]].concat());
    assert!(text.starts_with("hidden\n"), "{text}");
    assert!(text.contains("95 % interval over inputs"), "{text}");
    assert!(text.contains("In a filter, weights two places apart"), "16 inputs are a picture: {text}");
    assert!(text.contains("one model of each kind cannot tell"), "{text}");
    assert!(text.trim_end().lines().last().unwrap().starts_with("Report: seen/report.html"), "{text}");
    for name in ["activations", "correlations"] {
        for ending in ["svg", "png"] {
            assert!(bench.path(&format!("seen/hidden-{name}.{ending}")).exists(), "{name}.{ending}");
        }
    }
    assert!(bench.path("seen/filters.svg").exists() && !bench.path("seen/input.svg").exists());
    let page = fs::read_to_string(bench.path("seen/report.html")).unwrap();
    for address in ["http://", "https://"] {
        let rest = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!rest.contains(address), "the page needs nothing else");
    }

    let threads = |threads: &str, out: &str| {
        let more = ["--out", out, "--json", "--threads", threads];
        serde_json::from_str::<Value>(&bench.ok(&[&command, &more[..]].concat())).unwrap()
    };
    let result = threads("1", "one");
    assert_eq!(result["kinds"], threads("3", "three")["kinds"]);
    assert_eq!(
        fs::read(bench.path("one/activations.csv")).unwrap(),
        fs::read(bench.path("three/activations.csv")).unwrap()
    );

    let mut model = Sequential::load(bench.path(&with)).unwrap();
    let x = npy::read(bench.path("x.npy")).unwrap().into_f32();
    let activations = model.activations(&x, "hidden").unwrap();
    let zeros = activations.iter().filter(|value| **value == 0.0).count() as f64;
    let layer = &result["kinds"][0]["models"][0]["layers"]["hidden"];
    assert_eq!(layer["sparsity"], zeros / activations.len() as f64);
    assert_eq!((&layer["units"], &layer["observations"]), (&Value::from(12), &Value::from(200)));
    let rows = fs::read_to_string(bench.path("one/activations.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 2 * 12);
    let first: Vec<&str> = rows.lines().nth(1).unwrap().split(',').collect();
    let mean = activations.column(0).iter().map(|&value| f64::from(value)).sum::<f64>() / 200.0;
    assert!((first[5].parse::<f64>().unwrap() - mean).abs() < 1e-6, "{first:?} {mean}");
}

trait Column {
    fn column(&self, index: usize) -> ndarray::ArrayViewD<'_, f32>;
}

impl Column for ndarray::ArrayD<f32> {
    fn column(&self, index: usize) -> ndarray::ArrayViewD<'_, f32> {
        self.index_axis(ndarray::Axis(1), index)
    }
}

#[test]
fn kinds_of_models_are_compared_in_pairs() {
    let bench = Bench::new();
    let model = |kind: &str, rate: &str, seed: &str| {
        bench.train(
            &format!("{kind}/seed-{seed}"),
            &[("rate = 0.5", rate), ("seed = 5", &format!("seed = {seed}"))],
        )
    };
    let with = ["5", "6", "7"].map(|seed| model("with dropout", "rate = 0.5", seed));
    let without = ["5", "6", "7"].map(|seed| model("without", "rate = 0.0", seed));
    let arguments: Vec<&str> = ["activations", "--data", "e.toml", "--model"]
        .into_iter()
        .chain(with.iter().map(String::as_str))
        .chain(["--against"])
        .chain(without.iter().map(String::as_str))
        .collect();
    let text = bench.ok(&[&arguments, &["--out", "seen"][..]].concat());
    assert!(text.contains("95 % interval of 3 paired seeds"), "{text}");
    assert!(text.contains("with dropout") && text.contains(" without: "), "{text}");
    bench.fails(
        &arguments[..arguments.len() - 1],
        1,
        "expected as many models of one kind as of the other, to be compared in pairs, got 3 and 2 with --against",
    );
}

#[test]
fn one_input_is_shown_as_it_is() {
    let bench = Bench::new();
    let model = bench.train("with", &[]);
    let command = ["activations", "--model", &model, "--data", "e.toml", "--index", "3"];
    let text = bench.ok(&[&command, &["--out", "seen"][..]].concat());
    assert!(!text.contains("dead"), "of one input nobody can say that a unit is dead: {text}");
    for name in ["input.png", "hidden-output.svg", "hidden-activations.svg"] {
        assert!(bench.path(&format!("seen/{name}")).exists(), "{name}");
    }
    assert!(!bench.path("seen/hidden-correlations.svg").exists());
    // With dropout on, half of what it lets through is gone.
    let sampled = ["--layer", "hidden", "dropout", "--mc-samples", "400", "--json", "--out", "sampled"];
    let result: Value = serde_json::from_str(&bench.ok(&[&command, &sampled[..]].concat())).unwrap();
    let layers = &result["kinds"][0]["models"][0]["layers"];
    let active = |layer: &str| 1.0 - layers[layer]["sparsity"].as_f64().unwrap();
    // 400 masks of 12 units: six standard errors are 0.043 of a share.
    assert!((active("dropout") - 0.5 * active("hidden")).abs() < 0.05, "{layers}");
}

#[test]
fn convolutions_show_their_maps_and_kernels() {
    let bench = Bench::new();
    let mut model = Sequential::new()
        .add(Conv2D::new(4, 3).activation(Relu).input_shape([8, 8, 3]))
        .add(Residual::new().add(Conv2D::new(4, 3).padding(Padding::Same).activation(Relu)))
        .add(GlobalAveragePooling2D::new())
        .add(Dense::new(2).activation(Softmax));
    model.build().unwrap();
    model.save(bench.path("cnn.safetensors")).unwrap();
    let x =
        Array4::from_shape_fn((5, 8, 8, 3), |(n, i, j, c)| ((n * 31 + i * 7 + j * 5 + c) % 13) as f32 / 13.0);
    npy::write(bench.path("maps.npy"), &x).unwrap();
    let command = ["activations", "--model", "cnn.safetensors", "--input", "maps.npy"];
    let text = bench.ok(&[&command, &["--out", "seen"][..]].concat());
    assert!(text.contains("conv2d\n") && text.contains("residual/conv2d\n"), "{text}");
    assert!(
        bench.path("seen/residual-conv2d-correlations.png").exists()
            && bench.path("seen/filters.png").exists()
    );
    bench.ok(&[&command, &["--index", "4", "--out", "one"][..]].concat());
    assert!(bench.path("one/residual-conv2d-output.png").exists() && bench.path("one/input.svg").exists());
}

#[test]
fn what_does_not_fit_is_explained() {
    let bench = Bench::new();
    let model = bench.train("with", &[]);
    let with = |more: &[&str]| {
        ["activations", "--model", &model].iter().chain(more).map(|a| (*a).to_owned()).collect::<Vec<_>>()
    };
    let fails = |more: &[&str], code: i32, message: &str| {
        let arguments = with(more);
        bench.fails(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), code, message);
    };
    fails(&["--data", "e.toml", "--layer", "hiden"], 1, "unknown layer `hiden`: did you mean `hidden`?");
    fails(
        &["--data", "e.toml", "--index", "200"],
        1,
        "--index: expected a number from 0 to 199, got 200 (x, test samples)",
    );
    fails(&["--data", "e.toml", "--index", "x"], 2, "invalid value 'x' for '--index <N>'");
    fails(&["--data", "mnist"], 1, "expected samples of shape (None, 16), got (None, 28, 28)");
    fails(&["--data", "e.toml", "--mc-samples", "0"], 2, "0 is not in 1..");
    fails(&["--data", "e.toml", "--input", "x.npy"], 2, "cannot be used with");
    fails(&["--input", "missing.npy"], 1, "missing.npy");
    bench.fails(&["activations", "--model", "e.toml"], 1, "describes a model without its weights");
    let seven = [&model; 7].map(String::as_str);
    let arguments = ["activations", "--model"].into_iter().chain(seven).collect::<Vec<_>>();
    bench.fails(&arguments, 1, "expected at most 6 models side by side, got 7");
    fs::create_dir(bench.path("full")).unwrap();
    fs::write(bench.path("full/report.html"), "").unwrap();
    fails(
        &["--data", "e.toml", "--out", "full"],
        1,
        "full holds a report already: choose another folder with --out",
    );
}
