//! The tool, by running it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ndarray::{Array1, Array2};
use serde_json::Value;
use tempfile::TempDir;
use thinnet::data::formats::npy;
use thinnet::model::Sequential;

/// A folder with small data and an experiment on them.
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
        fs::write(bench.path("e.toml"), EXPERIMENT).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert_eq!(error, "", "progress is for terminals only");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    fs::read(a).unwrap() == fs::read(b).unwrap()
}

#[test]
fn without_an_input_shape_the_model_takes_that_of_the_data() {
    let bench = Bench::new();
    fs::write(bench.path("short.toml"), EXPERIMENT.replace(", input_shape = [6]", "")).unwrap();
    bench.ok(&["train", "e.toml", "--out", "said"]);
    bench.ok(&["train", "short.toml", "--out", "found"]);
    assert!(same_file(&bench.path("said/model.safetensors"), &bench.path("found/model.safetensors")));
    assert!(same_file(&bench.path("said/config.toml"), &bench.path("found/config.toml")));
    assert_eq!(bench.ok(&["summary", "short.toml"]), bench.ok(&["summary", "e.toml"]));
    let weights = ["--weights", "found/model.safetensors", "--input", "x.npy", "--labels", "y.npy"];
    bench.ok(&[&["evaluate", "--model", "short.toml"], &weights[..]].concat());
}

#[test]
fn training_leaves_a_complete_run_folder() {
    let bench = Bench::new();
    let text = bench.ok(&["train", "e.toml", "--out", "run"]);
    assert!(text.contains("Total params: 163") && text.contains("test accuracy"), "{text}");
    for name in [
        "config.toml",
        "history.csv",
        "model.safetensors",
        "summary.txt",
        "curves.svg",
        "curves.png",
        "report.html",
        "environment.json",
    ] {
        assert!(fs::metadata(bench.path("run").join(name)).unwrap().len() > 0, "{name}");
    }
    let history = fs::read_to_string(bench.path("run/history.csv")).unwrap();
    let mut lines = history.lines();
    assert_eq!(lines.next(), Some("epoch,accuracy,loss,val_accuracy,val_loss"));
    assert_eq!(lines.count(), 4);
    let environment: Value =
        serde_json::from_str(&fs::read_to_string(bench.path("run/environment.json")).unwrap()).unwrap();
    assert_eq!(environment["seed"], 5);
    let page = fs::read_to_string(bench.path("run/report.html")).unwrap();
    let addresses = page.matches("://").count() - page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(addresses, 0, "the report asks for nothing from elsewhere");

    // The complete configuration gives the same run again.
    bench.ok(&["train", "run/config.toml", "--out", "again"]);
    assert!(same_file(&bench.path("run/model.safetensors"), &bench.path("again/model.safetensors")));
    assert!(same_file(&bench.path("run/config.toml"), &bench.path("again/config.toml")));
}

#[test]
fn overrides_mean_the_same_in_any_order_and_threads_change_nothing() {
    let bench = Bench::new();
    let sets = [
        "fit.epochs=2",
        "model.layers.1.rate=0.5",
        "compile.optimizer={ class = \"SGD\", learning_rate = 0.1 }",
    ];
    let mut arguments = vec!["train", "e.toml", "--out", "a", "--threads", "1"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    bench.ok(&arguments);
    let mut arguments = vec!["train", "e.toml", "--out", "b", "--threads", "3"];
    sets.iter().rev().for_each(|set| arguments.extend(["--set", set]));
    bench.ok(&arguments);
    for name in ["config.toml", "history.csv", "model.safetensors"] {
        assert!(same_file(&bench.path("a").join(name), &bench.path("b").join(name)), "{name}");
    }
}

#[test]
fn evaluate_and_predict_agree_with_the_library() {
    let bench = Bench::new();
    bench.ok(&["train", "e.toml", "--out", "run"]);
    let model = "run/model.safetensors";
    let json = bench.ok(&["evaluate", "--model", model, "--input", "x.npy", "--labels", "y.npy", "--json"]);
    let logs: Value = serde_json::from_str(&json).unwrap();
    let mut loaded = Sequential::load(bench.path(model)).unwrap();
    let x = npy::read(bench.path("x.npy")).unwrap().into_features().unwrap();
    let predictions = loaded.predict(&x).unwrap();
    let y = npy::read(bench.path("y.npy")).unwrap().into_targets().unwrap();
    let expected = loaded.evaluate(thinnet::data::Data { x: x.clone(), y }).unwrap();
    assert_eq!(logs, serde_json::json!(expected));
    bench.ok(&["predict", "--model", model, "--input", "x.npy", "--output", "p.npy"]);
    let written = npy::read(bench.path("p.npy")).unwrap().into_f32();
    assert_eq!(written, predictions);

    // Keras's JSON with weights is the same model, and so is the experiment with weights.
    fs::write(bench.path("model.json"), loaded.to_json().unwrap()).unwrap();
    for description in ["model.json", "e.toml"] {
        bench.ok(&[
            "predict",
            "--model",
            description,
            "--weights",
            model,
            "--input",
            "x.npy",
            "--output",
            "q.npy",
        ]);
        assert!(same_file(&bench.path("p.npy"), &bench.path("q.npy")), "{description}");
    }
    for file in ["e.toml", "model.json", model] {
        assert!(bench.ok(&["summary", file]).contains("Total params: 163"), "{file}");
    }
}

#[test]
fn regression_and_several_labels_work_from_files() {
    let bench = Bench::new();
    let y = Array2::from_shape_fn((400, 2), |(i, j)| if (i + j) % 3 == 0 { 1.0_f32 } else { 0.0 });
    npy::write(bench.path("labels.npy"), &y).unwrap();
    let values = Array1::from_shape_fn(400, |i| (i * 7 % 11) as f32 / 11.0);
    npy::write(bench.path("values.npy"), &values).unwrap();
    for (y, units, activation, loss, metric) in [
        ("labels.npy", 2, "sigmoid", "binary_crossentropy", "auc"),
        ("values.npy", 1, "linear", "mse", "mae"),
    ] {
        let text = EXPERIMENT
            .replace("y.npy", y)
            .replace(
                "units = 3, activation = \"softmax\"",
                &format!("units = {units}, activation = \"{activation}\""),
            )
            .replace("sparse_categorical_crossentropy", loss)
            .replace("\"accuracy\"", &format!("\"{metric}\""));
        fs::write(bench.path("other.toml"), text).unwrap();
        let text = bench.ok(&["train", "other.toml", "--out", loss]);
        assert!(text.contains(&format!("test {metric} ")), "{text}");
    }
}

#[test]
fn what_goes_wrong_is_said_in_one_line() {
    let bench = Bench::new();
    bench.ok(&["train", "e.toml", "--out", "run"]);
    fs::write(bench.path("key.toml"), EXPERIMENT.replace("epochs", "epoch")).unwrap();
    fs::write(bench.path("layer.toml"), EXPERIMENT.replace("Dropout", "Droput")).unwrap();
    fs::write(bench.path("rate.toml"), EXPERIMENT.replace("0.2 }", "1.5 }")).unwrap();
    fs::write(bench.path("loss.toml"), EXPERIMENT.replace("sparse_cat", "spare_cat")).unwrap();
    fs::write(bench.path("broken.toml"), "[fit\n").unwrap();
    fs::write(
        bench.path("set.toml"),
        EXPERIMENT.replace("x = \"x.npy\"\ny = \"y.npy\"", "dataset = \"mnits\""),
    )
    .unwrap();
    let bytes = fs::read(bench.path("run/model.safetensors")).unwrap();
    fs::write(bench.path("short.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    for (arguments, code, message) in [
        (&["train", "none.toml"][..], 1, "error: cannot read none.toml: No such file"),
        (&["train", "key.toml"], 1, "error: key.toml: fit: unknown argument `epoch`: did you mean `epochs`?"),
        (&["train", "layer.toml"], 1, "unknown layer `Droput`: did you mean `Dropout`?"),
        (
            &["train", "rate.toml"],
            1,
            "error: dropout: rate must be in [0, 1] (the fraction that is dropped), got 1.5",
        ),
        (&["train", "loss.toml"], 1, "did you mean `sparse_categorical_crossentropy`?"),
        (&["train", "broken.toml"], 1, "error: broken.toml: line 1: "),
        (&["train", "set.toml"], 1, "unknown dataset `mnits`: did you mean `mnist`?"),
        (&["train", "e.toml", "--set", "fit.epochs=many"], 1, "fit.epochs: invalid type: string \"many\""),
        (
            &["train", "e.toml", "--out", "run"],
            1,
            "error: run holds a run already: go on with it with --resume",
        ),
        (
            &["train", "e.toml", "--out", "run", "--resume", "--set", "seed=6"],
            1,
            "error: run holds a run with another configuration",
        ),
        (&["predict", "--model", "short.safetensors", "--input", "x.npy"], 1, "not a whole safetensors file"),
        (&["predict", "--model", "e.toml", "--input", "x.npy"], 1, "give them with --weights"),
        (&["predict", "--model", "x.npy", "--input", "x.npy"], 1, "expected an experiment (.toml)"),
        (&["data", "verify", "minst"], 1, "unknown dataset `minst`: did you mean `mnist`?"),
        (&["trian"], 2, "train"),
        (&["train"], 2, "<EXPERIMENT>"),
        (&["bench", "w9"], 2, "w1"),
    ] {
        let output = bench.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(code == 2 || error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
    assert!(!bench.path("runs").exists(), "a run that cannot start leaves no folder");
}

#[test]
fn resuming_a_finished_run_says_so_and_changes_nothing() {
    let bench = Bench::new();
    bench.ok(&["train", "e.toml", "--out", "run"]);
    let before = fs::read(bench.path("run/model.safetensors")).unwrap();
    let text = bench.ok(&["train", "e.toml", "--out", "run", "--resume"]);
    assert!(text.contains("had come to its end"), "{text}");
    assert!(fs::read(bench.path("run/model.safetensors")).unwrap() == before);
}

#[test]
fn a_run_that_was_killed_at_its_very_end_gets_its_whole_history() {
    let bench = Bench::new();
    bench.ok(&["train", "e.toml", "--out", "run"]);
    let history = bench.path("run/history.csv");
    let whole = fs::read_to_string(&history).unwrap();
    // The last epoch has its backup, but not all are in the table yet, and there is no report.
    let first: Vec<&str> = whole.lines().take(2).collect();
    fs::write(&history, first.join("\n") + "\n").unwrap();
    fs::remove_file(bench.path("run/report.html")).unwrap();
    bench.ok(&["train", "e.toml", "--out", "run", "--resume"]);
    assert_eq!(fs::read_to_string(&history).unwrap(), whole);
}

#[cfg(unix)]
mod stopped {
    use super::*;

    /// Epochs that no run gets through before it is stopped, and some that it does, while it is stopped several times.
    const ENDLESS: usize = 1_000_000;
    const SOME: usize = 300;

    fn long(bench: &Bench, epochs: usize) {
        let callbacks = "\n[[callbacks]]\nclass = \"ReduceLROnPlateau\"\nmonitor = \"loss\"\npatience = 3\nmin_delta = 1.0\n";
        let text = EXPERIMENT
            .replace("epochs = 4", &format!("epochs = {epochs}"))
            .replace("units = 16", "units = 512");
        fs::write(bench.path("long.toml"), text + callbacks).unwrap();
    }

    fn epochs(path: &Path) -> usize {
        fs::read_to_string(path).map_or(0, |text| text.lines().count().saturating_sub(1))
    }

    fn stop(bench: &Bench, out: &str, signal: &str, after: usize) -> Output {
        let mut arguments = vec!["train", "long.toml", "--out", out];
        if bench.path(out).exists() {
            arguments.push("--resume");
        }
        let child = bench.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let history = bench.path(out).join("history.csv");
        while epochs(&history) < after {
            std::thread::sleep(Duration::from_millis(2));
        }
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        child.wait_with_output().unwrap()
    }

    #[test]
    fn a_run_that_is_killed_again_and_again_ends_with_the_same_bits() {
        let bench = Bench::new();
        long(&bench, SOME);
        bench.ok(&["train", "long.toml", "--out", "whole"]);
        for (after, signal) in [(1, "-KILL"), (60, "-KILL"), (120, "-INT")] {
            stop(&bench, "parts", signal, after);
            // Whatever stands there is whole.
            let history = fs::read_to_string(bench.path("parts/history.csv")).unwrap();
            assert!(history.ends_with('\n'));
        }
        bench.ok(&["train", "long.toml", "--out", "parts", "--resume", "--threads", "1"]);
        for name in ["history.csv", "model.safetensors"] {
            assert!(same_file(&bench.path("whole").join(name), &bench.path("parts").join(name)), "{name}");
        }
    }

    #[test]
    fn ctrl_c_ends_in_order_with_130() {
        let bench = Bench::new();
        long(&bench, ENDLESS);
        let output = stop(&bench, "run", "-INT", 2);
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "interrupted: what was complete is saved\n");
    }

    #[test]
    fn a_second_run_into_a_folder_in_use_is_refused() {
        let bench = Bench::new();
        long(&bench, ENDLESS);
        let mut child =
            bench.command(&["train", "long.toml", "--out", "run"]).stdout(Stdio::null()).spawn().unwrap();
        while epochs(&bench.path("run/history.csv")) == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        let second = bench.run(&["train", "long.toml", "--out", "run", "--resume"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(second.status.code(), Some(1));
        let error = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(error.contains("run is in use by another run"), "{error}");
    }

    #[test]
    fn a_full_disk_is_an_error_of_one_line() {
        let bench = Bench::new();
        bench.ok(&["train", "e.toml", "--out", "run"]);
        let output = bench.run(&[
            "predict",
            "--model",
            "run/model.safetensors",
            "--input",
            "x.npy",
            "--output",
            "/dev/full/p.npy",
        ]);
        assert_eq!(output.status.code(), Some(1));
        let full = bench
            .command(&["summary", "e.toml"])
            .stdout(fs::File::create("/dev/full").unwrap())
            .output()
            .unwrap();
        assert_eq!(full.status.code(), Some(1));
        let error = String::from_utf8_lossy(&full.stderr).into_owned();
        assert!(error.starts_with("error: cannot write to standard output: No space left"), "{error}");
    }
}

#[test]
fn completions_and_help_are_there() {
    let bench = Bench::new();
    assert!(bench.ok(&["completions", "bash"]).contains("thinnet"));
    for command in [
        "tutorial",
        "train",
        "evaluate",
        "uncertainty",
        "predict",
        "summary",
        "compare",
        "sweep",
        "tune",
        "data",
        "bench",
        "completions",
    ] {
        assert!(bench.ok(&[command, "--help"]).contains("Examples:"), "{command}");
    }
    assert!(bench.ok(&["data", "list"]).starts_with("mnist"));
}

#[test]
fn the_bench_prints_the_line_of_the_other_libraries_benchmarks() {
    let bench = Bench::new();
    let line: Value = serde_json::from_str(&bench.ok(&["bench", "w4"])).unwrap();
    assert_eq!((&line["peer"], &line["workload"]), (&"thinnet".into(), &"w4".into()));
    assert!(line["ms_per_step"]["median"].as_f64().unwrap() > 0.0);
}

#[test]
fn unknown_kernels_and_numbers_of_threads_are_refused() {
    let bench = Bench::new();
    for (variable, value, expected) in [
        ("THINNET_KERNELS", "sse9", "expected one of portable, avx2, avx512"),
        ("THINNET_THREADS", "1025", "expected a number from 1 to 1024"),
    ] {
        let output = bench.command(&["data", "list"]).env(variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(error, format!("error: {variable}={value}: {expected}\n"));
    }
}

/// As where memory is limited: no system has the stack that the threads are to get.
#[test]
fn threads_that_cannot_be_started_are_an_error() {
    let bench = Bench::new();
    let stack = (1_u64 << 50).to_string();
    let mut command = bench.command(&["bench", "w1", "--threads", "2"]);
    let output = command.env("RUST_MIN_STACK", stack).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.starts_with("error: cannot start 2 threads: "), "{error}");
    assert!(error.ends_with(": give fewer with --threads or THINNET_THREADS\n"), "{error}");
}

#[test]
fn an_exported_data_set_is_read_back_with_the_same_values() {
    let bench = Bench::new();
    let text = bench.ok(&["data", "export", "mnist", "--out", "mnist"]);
    assert!(text.contains("60000 + 10000 samples of 28×28 as x.npy"), "{text}");
    let mnist = thinnet::datasets::mnist().unwrap();
    let x = npy::read(bench.path("mnist/x_test.npy")).unwrap().into_features().unwrap();
    let (mut own, mut exported) = ([0.0; 784], [0.0; 784]);
    for sample in [0, 9_999] {
        mnist.test.x.gather(sample, &mut own);
        x.gather(sample, &mut exported);
        assert_eq!(own, exported);
    }
    let y = npy::read(bench.path("mnist/y.npy")).unwrap().into_targets().unwrap();
    assert_eq!(y.len(), 60_000);
    assert_eq!(format!("{y:?}"), format!("{:?}", mnist.train.y));
    let output = bench.run(&["data", "export", "minst", "--out", "none"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `mnist`?"));
    assert!(!bench.path("none").exists());
}
