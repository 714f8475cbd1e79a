//! Many runs side by side, `thinnet sweep` and `thinnet compare`, by running the tool.

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
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
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

    /// The rows of a table of runs without their seconds.
    fn rows(&self, table: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(table)).unwrap();
        text.lines().map(|row| row.rsplit_once(',').unwrap().0.to_owned()).collect()
    }
}

const RATES: [&str; 4] = ["sweep", "e.toml", "--vary", "model.layers.1.rate=0,0.5"];

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
    let rows = bench.rows("grid/sweep.csv");
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
    assert_eq!(bench.rows("one/sweep.csv"), rows);
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
    assert_eq!(bench.rows("cut/sweep.csv"), bench.rows("whole/sweep.csv"));
    let model = |out: &str| fs::read(bench.path(out).join("rate-0.5/seed-6/model.safetensors")).unwrap();
    assert!(model("cut") == model("whole"));
    // More seeds and values join what is there, which is left as it is.
    let written =
        || fs::metadata(bench.path("cut/rate-0/seed-5/model.safetensors")).unwrap().modified().unwrap();
    let before = written();
    let more = [
        "sweep",
        "e.toml",
        "--vary",
        "model.layers.1.rate=0,0.25,0.5",
        "--seeds",
        "3",
        "--set",
        "fit.epochs=300",
    ];
    bench.ok(&with(&more, &["--out", "cut", "--resume"]));
    assert_eq!((bench.rows("cut/sweep.csv").len(), before), (1 + 3 * 3, written()));
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
    let sweep = |vary| with(&["sweep", "e.toml", "--vary", vary], &long);
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
        bench.fails(&sweep(vary), message);
    }
    bench.fails(&with(&["sweep", "e.toml"], &long), "--vary: expected at least one entry with its values");
    bench.fails(
        &with(&with(&RATES, &RATES[2..]), &long),
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
    let text =
        bench.ok(&["sweep", "e.toml", "--vary", penalty, "--vary", "data.samples=60,90", "--out", "noted"]);
    assert!(
        text.contains("different data") && text.contains("The models have different penalties"),
        "{text}"
    );
    assert!(text.contains("so nothing says which point to choose") && !text.contains("Test loss"), "{text}");
    assert!(text.contains("try --seeds 5"), "{text}");
    let text = bench.ok(&with(&RATES, &["--set", "fit.validation_split=0.0", "--out", "none"]));
    assert!(text.contains("Nothing was kept for validation"), "{text}");
}

/// A finished run has the penalties of its file, which says them in fewer words.
#[test]
fn a_run_has_no_other_penalties_than_its_file() {
    let bench = Bench::new();
    let text =
        EXPERIMENT.replace("activation = \"relu\"", "activation = \"relu\", kernel_regularizer = \"l2\"");
    fs::write(bench.path("e.toml"), text).unwrap();
    bench.ok(&["train", "e.toml", "--out", "run"]);
    let text = bench.ok(&["compare", "e.toml", "run", "--out", "same"]);
    assert!(!text.contains("penalties") && text.contains("test loss"), "{text}");
    fs::write(bench.path("plain.toml"), EXPERIMENT).unwrap();
    let text = bench.ok(&["compare", "plain.toml", "run", "--out", "other"]);
    assert!(text.contains("The models have different penalties") && !text.contains("Test loss:"), "{text}");
}

#[test]
fn files_whose_names_make_the_same_folder_have_one_each() {
    let bench = Bench::new();
    for name in ["rate-0.1.toml", "rate-0-1.toml"] {
        fs::copy(bench.path("e.toml"), bench.path(name)).unwrap();
    }
    bench.ok(&["compare", "rate-0.1.toml", "rate-0-1.toml", "--out", "both"]);
    for folder in ["rate-0-1", "rate-0-1-2"] {
        assert!(bench.path("both").join(folder).join("seed-5/report.html").exists(), "{folder}");
    }
}

#[test]
fn a_folder_holds_results_of_one_kind() {
    let bench = Bench::new();
    let train = ["train", "e.toml", "--out"];
    let compare = ["compare", "e.toml", "swept/rate-0", "--out"];
    let tune = ["tune", "e.toml", "--vary", "model.layers.1.rate=0.1,0.2", "--search", "grid", "--out"];
    bench.ok(&with(&RATES, &["--out", "swept"]));
    bench.ok(&with(&train, &["run"]));
    bench.ok(&with(&compare, &["compared"]));
    bench.ok(&with(&tune, &["searched"]));
    for (command, own) in [
        (&train[..], "run"),
        (&with(&RATES, &["--out"]), "swept"),
        (&compare, "compared"),
        (&tune, "searched"),
    ] {
        for (out, what) in
            [("run", "a run"), ("swept", "a sweep"), ("compared", "a comparison"), ("searched", "a search")]
        {
            if out != own {
                let report = fs::read(bench.path(out).join("report.html")).unwrap();
                let message = format!("{out} holds {what} already: choose another folder with --out");
                bench.fails(&with(command, &[out]), &message);
                bench.fails(&with(command, &[out, "--resume"]), &message);
                assert!(fs::read(bench.path(out).join("report.html")).unwrap() == report);
            }
        }
    }
}

#[test]
fn a_corrected_run_takes_the_folder_of_the_one_that_failed() {
    let bench = Bench::new();
    npy::write(bench.path("short.npy"), &Array1::from_shape_fn(5, |i| i as i64 % 3)).unwrap();
    for entry in ["data.y=\"short.npy\"", "data.y_test=\"short.npy\""] {
        bench.fails(&["train", "e.toml", "--out", "run", "--set", entry], "5 targets");
        assert!(!bench.path("run").exists(), "{entry}");
    }
    bench.ok(&["train", "e.toml", "--out", "run"]);
}

#[test]
fn a_run_s_report_names_a_command_that_trains_with_more_seeds() {
    let bench = Bench::new();
    bench.ok(&["train", "e.toml", "--out", "run", "--set", "fit.epochs=2"]);
    let page = fs::read_to_string(bench.path("run/report.html")).unwrap();
    let (_, rest) = page.split_once("Train with more: <code>thinnet ").unwrap();
    let (command, _) = rest.split_once("</code>").unwrap();
    let arguments: Vec<&str> = command.split(' ').chain(["--out", "more"]).collect();
    let text = bench.ok(&arguments);
    assert!(text.contains("±"), "{text}");
    assert_eq!(bench.rows("more/sweep.csv").len(), 1 + 5);
}

/// A sweep over two rates with three seeds from 5 on in `rates`.
fn swept() -> Bench {
    let bench = Bench::new();
    bench.ok(&with(&RATES, &["--seeds", "3", "--out", "rates"]));
    bench
}

#[test]
fn files_and_folders_are_compared_over_the_seeds_that_they_share() {
    let bench = swept();
    let compare = [
        "compare",
        "rates/rate-0",
        "e.toml",
        "rates/rate-0.5",
        "--set",
        "model.layers.1.rate=0.5",
        "--seeds",
        "3",
    ];
    let text = bench.ok(&with(&compare, &["--out", "all", "--threads", "2"]));
    for part in [
        "rate-0.5",
        "±",
        "paired t-tests over 3 seeds, with Holm's correction for 3 tests",
        "all/report.html",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let rows = bench.rows("all/comparison.csv");
    assert_eq!(rows.len(), 1 + 3 * 3);
    let of = |name: &str| -> Vec<String> {
        rows.iter().filter_map(|row| row.strip_prefix(&format!("\"{name}\","))).map(str::to_owned).collect()
    };
    assert_eq!(of("e"), of("rate-0.5"), "the same experiment, trained here and there");
    for name in
        ["report.html", "curves.svg", "measures.png", "e/seed-5/model.safetensors", "e/seed-7/history.csv"]
    {
        assert!(bench.path("all").join(name).exists(), "{name}");
    }
    // What compare has trained is a model with several seeds for the next comparison.
    let text =
        bench.ok(&["compare", "all/e", "rates/rate-0", "rates/rate-0.5", "--baseline", "e", "--out", "next"]);
    assert!(text.contains("from “e”") && !text.contains("“rate-0” and “rate-0.5”"), "{text}");
    bench.fails(&with(&compare, &["--out", "all"]), "all holds a run already: go on with it with --resume");
    fs::remove_dir_all(bench.path("all/e/seed-6")).unwrap();
    fs::remove_file(bench.path("all/e/seed-7/report.html")).unwrap();
    bench.ok(&with(&compare, &["--out", "all", "--resume", "--threads", "1"]));
    assert_eq!(bench.rows("all/comparison.csv"), rows);
}

#[test]
fn what_does_not_pair_is_said() {
    let bench = swept();
    bench.ok(&with(&RATES, &["--seeds", "2", "--set", "seed=20", "--out", "later"]));
    let text = bench.ok(&["compare", "rates/rate-0", "later/rate-0", "--out", "welch"]);
    assert!(text.contains("rates/rate-0") && text.contains("later/rate-0"), "{text}");
    assert!(text.contains("Welch's t-test of 3 and 2 runs, which share fewer than two seeds"), "{text}");
    let one = "later/rate-0/seed-20";
    let text = bench.ok(&["compare", "rates/rate-0", "rates/rate-0.5", one, "--out", "some"]);
    assert!(
        text.contains("Nothing is said of “rate-0” and “seed-20”; of “rate-0.5” and “seed-20”"),
        "{text}"
    );
    let text = bench.ok(&["compare", "rates/rate-0/seed-5", one, "--out", "none"]);
    assert!(text.contains("One seed cannot tell"), "{text}");
}

#[test]
fn regressions_are_compared_by_what_they_have() {
    let bench = Bench::new();
    let y = Array1::from_shape_fn(120, |i| (i % 11) as f32 / 3.0);
    npy::write(bench.path("y.npy"), &y).unwrap();
    let text = EXPERIMENT
        .replace("units = 3, activation = \"softmax\"", "units = 1")
        .replace("sparse_categorical_crossentropy", "mse")
        .replace("\"accuracy\"", "\"mae\"");
    fs::write(bench.path("e.toml"), text).unwrap();
    let text = bench.ok(&with(&RATES, &["--seeds", "2", "--out", "rates"]));
    for part in ["test mae", "Validation − training loss", "in test loss"] {
        assert!(text.contains(part) && !text.contains("accuracy"), "{part}: {text}");
    }
    let text = bench.ok(&["compare", "rates/rate-0", "rates/rate-0.5", "--out", "both"]);
    assert!(text.contains("The difference in test mae") && !text.contains("accuracy"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_told_in_a_line() {
    let bench = swept();
    let first = "rates/rate-0";
    fs::create_dir(bench.path("empty")).unwrap();
    let neither = "expected the folder of a run (with its config.toml), or one with a folder seed-N for each seed, got neither";
    bench.fails(&["compare", first, "empty"], &format!("empty: {neither}"));
    bench.fails(
        &["compare", first, "rates"],
        &format!("rates: {neither}: name those in it: rate-0, rate-0.5"),
    );
    bench.fails(
        &["compare", first, "none"],
        "none: expected an experiment file (.toml), the folder of a run,",
    );
    bench.fails(&["compare", first, "rates/../rates/rate-0"], "is given twice");
    bench.fails(&["compare", first, "rates/rate-0.5", "--baseline", "rate-05"], "did you mean `rate-0.5`?");
    bench.fails(&["compare", first, "rates/rate-0.5", "--seeds", "2"], "--seeds is for experiment files");
    bench.fails(
        &["compare", first, "rates/rate-0.5", "--set", "fit.epochs=2"],
        "--set: overrides are for experiment files",
    );
    bench.fails(
        &["compare", first, "e.toml", "--set", "data.samples=60", "--out", "out"],
        "e has other data than rate-0: data.samples is 60, there nothing",
    );
    bench.fails(
        &["compare", first, "e.toml", "--set", "model.layers.1.rate=1.5", "--out", "out"],
        "e, seed 5: dropout: rate",
    );
    assert!(!bench.path("out").exists());
    fs::remove_file(bench.path("rates/rate-0.5/seed-6/report.html")).unwrap();
    bench.fails(
        &["compare", first, "rates/rate-0.5"],
        "seed-6: this run has not come to its end: go on with it with --resume",
    );
    fs::remove_dir_all(bench.path("rates/rate-0.5/seed-6")).unwrap();
    fs::rename(bench.path("rates/rate-0/seed-6"), bench.path("rates/rate-0.5/seed-6")).unwrap();
    bench.fails(
        &["compare", first, "rates/rate-0.5"],
        "rates/rate-0.5: expected one experiment with several seeds, got another with seed 6 than with seed 5",
    );
}
