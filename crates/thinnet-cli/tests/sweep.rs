//! `thinnet sweep`, by running the tool.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ndarray::{Array1, Array2};
use tempfile::TempDir;
use thinnet::data::formats::npy;

const EXPERIMENT: &str = r#"
seed = 5
[values]
units = 8
[data]
x = "x.npy"
y = "y.npy"
x_test = "x.npy"
y_test = "y.npy"
[model]
layers = [
  { class = "Dense", units = "{units}", activation = "relu" },
  { class = "Dropout", rate = 0.2 },
  { class = "Dense", units = 3, activation = "softmax" },
]
[compile]
optimizer = "adam"
loss = "sparse_categorical_crossentropy"
metrics = ["accuracy"]
[fit]
epochs = 4
batch_size = 16
validation_split = 0.25
"#;

/// A folder with small data and an experiment on them.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let x = Array2::from_shape_fn((120, 6), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
        let y = Array1::from_shape_fn(120, |i| (i * 7 % 11 % 3) as i64);
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
        command
            .args(["sweep", "e.toml"])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert_eq!(error, "", "progress is for terminals only");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str], message: &str) {
        let Output { status, stderr, .. } = self.command(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(message) && error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    }

    /// The rows of `sweep.csv` without their seconds.
    fn rows(&self, out: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(out).join("sweep.csv")).unwrap();
        text.lines().map(|row| row.rsplit_once(',').unwrap().0.to_owned()).collect()
    }
}

const RATES: [&str; 2] = ["--vary", "model.layers.1.rate=0,0.5"];

fn with<'a>(first: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [first, rest].concat()
}

#[test]
fn a_grid_has_a_folder_for_each_point_and_seed_and_the_same_bits_on_any_number_of_threads() {
    let bench = Bench::new();
    let grid = with(&RATES, &["--vary", "compile.optimizer=adam,{ class = \"SGD\", learning_rate = 0.1 }"]);
    let grid = with(&grid, &["--vary", "values.units=4..5", "--seeds", "2"]);
    let text = bench.ok(&with(
        &grid,
        &["--out", "grid", "--threads", "3", "--baseline", "rate 0.5, optimizer adam, units 4"],
    ));
    for part in [
        "rate 0, optimizer adam, units 4",
        "±",
        "Validation chooses “",
        "from “rate 0.5, optimizer adam, units 4”",
        "grid/report.html",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let rows = bench.rows("grid");
    assert_eq!(rows.len(), 1 + 8 * 2);
    assert!(rows[0].starts_with(
        "\"model.layers.1.rate\",\"compile.optimizer\",\"values.units\",seed,val_loss,test_loss,"
    ));
    let config = "grid/rate-0.5-optimizer-class-SGD-learning_rate-0.1-units-5/seed-6/config.toml";
    let config = fs::read_to_string(bench.path(config)).unwrap();
    assert!(
        config.contains("rate = 0.5")
            && config.contains("units = 5")
            && config.contains("learning_rate = 0.1")
    );
    let page = fs::read_to_string(bench.path("grid/report.html")).unwrap();
    for part in [
        "What was run",
        "which must not choose",
        "rate-0-optimizer-adam-units-4/seed-5/report.html",
        "thinnet sweep",
    ] {
        assert!(page.contains(part), "{part}");
    }
    bench.ok(&with(&grid, &["--out", "one", "--threads", "1"]));
    assert_eq!(bench.rows("one"), rows);
}

#[test]
fn a_sweep_that_is_killed_goes_on_with_the_same_bits() {
    let bench = Bench::new();
    let arguments = with(&RATES, &["--seeds", "2", "--set", "fit.epochs=300"]);
    bench.ok(&with(&arguments, &["--out", "whole"]));
    let cut = with(&arguments, &["--out", "cut", "--threads", "2", "--resume"]);
    for pause in [30, 90, 150] {
        let mut child = bench.command(&cut).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    bench.ok(&cut);
    assert_eq!(bench.rows("cut"), bench.rows("whole"));
    let model = |out: &str| fs::read(bench.path(out).join("rate-0.5/seed-6/model.safetensors")).unwrap();
    assert!(model("cut") == model("whole"));
    // More seeds and values join what is there, which is left as it is.
    let written =
        || fs::metadata(bench.path("cut/rate-0/seed-5/model.safetensors")).unwrap().modified().unwrap();
    let before = written();
    let more = ["--vary", "model.layers.1.rate=0,0.25,0.5", "--seeds", "3", "--set", "fit.epochs=300"];
    bench.ok(&with(&more, &["--out", "cut", "--resume"]));
    assert_eq!((bench.rows("cut").len(), before), (1 + 3 * 3, written()));
    bench.fails(&with(&arguments, &["--out", "whole"]), "holds a run already: go on with it with --resume");
    bench.fails(
        &with(&RATES, &["--out", "whole", "--resume", "--seeds", "3"]),
        "whole/rate-0/seed-5 holds a run with another configuration",
    );
}

#[test]
fn what_cannot_be_swept_is_told_before_anything_is_trained() {
    let bench = Bench::new();
    let long = ["--set", "fit.epochs=100000000", "--out", "out"];
    for (vary, message) in [
        ("fit.epohcs=1,2", "e.toml: fit: unknown argument `epohcs`: did you mean `epochs`?"),
        ("model.layers.1.rat=0.1,0.2", "unknown argument `rat`: did you mean `rate`?"),
        ("values.unit=4,8", "unknown value `unit`: did you mean `units`?"),
        ("model.layers.9.rate=0.1", "model.layers.9.rate: expected an index below 3 in place of `9`"),
        ("fit.batch_size=16,many", "e.toml: fit.batch_size: invalid type: string \"many\""),
        ("model.layers.1.rate=0.1,1.5", "rate 1.5, seed 5: dropout: rate must be in [0, 1]"),
        ("model.layers.1.rate=", "--vary model.layers.1.rate: expected at least one value, got none"),
        (
            "model.layers.1.rate=0.1,0.2,0.1",
            "--vary model.layers.1.rate: expected each value once, got 0.1 twice",
        ),
        ("model.layers.1.rate=0.1..0.5", "--vary model.layers.1.rate: a grid needs a list of values"),
        ("model.layers.1.rate", "--vary model.layers.1.rate: expected KEY=V1,V2"),
        ("values.units=1..200000", "--vary values.units: expected at most 100000 values"),
        ("seed=1,2", "--vary seed: seeds are not varied: say how many with --seeds"),
        ("tune.budget=1,2", "--vary tune.budget: expected an entry that a run depends on"),
    ] {
        bench.fails(&with(&["--vary", vary], &long), message);
    }
    bench.fails(&long, "--vary: expected at least one entry with its values");
    bench.fails(
        &with(&with(&RATES, &RATES), &long),
        "--vary model.layers.1.rate: the same key is varied twice",
    );
    bench.fails(
        &with(&with(&RATES, &long), &["--baseline", "rate-0.55"]),
        "unknown baseline `rate-0.55`: did you mean `rate-0.5`?",
    );
    bench.fails(
        &with(&with(&RATES, &long), &["--set", "model.layers.1.rate=0.3"]),
        "model.layers.1.rate: the same key is set twice",
    );
    assert!(!bench.path("out").exists());
    assert_eq!(bench.command(&with(&RATES, &["--seeds", "0"])).output().unwrap().status.code(), Some(2));
}

#[test]
fn what_a_reader_must_know_is_said() {
    let bench = Bench::new();
    let penalty =
        "model.layers.0.kernel_regularizer={ class = \"L2\", l2 = 0.1 },{ class = \"L2\", l2 = 0.01 }";
    let text = bench.ok(&["--vary", penalty, "--vary", "data.samples=60,90", "--out", "noted"]);
    assert!(text.contains("different data") && text.contains("different penalties"), "{text}");
    assert!(text.contains("try --seeds 5"), "{text}");
    let text = bench.ok(&with(&RATES, &["--set", "fit.validation_split=0.0", "--out", "none"]));
    assert!(text.contains("Nothing was kept for validation"), "{text}");
}
