//! `thinnet tune`, and tables of numbers as data, by running the tool.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A folder with two small sets in the form of the UCI regression sets.
struct Bench {
    folder: TempDir,
}

const EXPERIMENT: &str = r#"
seed = 5
[values]
set = "line"
split = 0
rate = 0.1
tau = 1.0
[data]
table = "{data_folder}/{set}/data.txt"
features = { file = "{data_folder}/{set}/index_features.txt" }
target = 2
train_rows = { file = "{data_folder}/{set}/index_train_{split}.txt" }
test_rows = { file = "{data_folder}/{set}/index_test_{split}.txt" }
standardize = true
[model]
layers = [
  { class = "Dropout", rate = "{rate}" },
  { class = "Dense", units = 8, activation = "relu",
    kernel_regularizer = { class = "L2", l2 = "{1e-4 * (1 - rate) / (2 * samples * tau)}" } },
  { class = "Dropout", rate = "{rate}" },
  { class = "Dense", units = 1 },
]
[compile]
optimizer = { class = "Adam", learning_rate = 0.02 }
loss = "mse"
metrics = ["mae"]
[fit]
epochs = 9
batch_size = 16
validation_split = 0.25
[monte_carlo]
samples = 50
tau = "{tau}"
"#;

const GRID: &str = r#"
[tune]
search = "grid"
keep = "best"
objective = "val_mc_log_likelihood"
[tune.vary]
"values.rate" = [0.0, 0.2]
"values.tau" = { file = "{data_folder}/{set}/tau_values.txt" }
[tune.each]
"values.set" = ["line", "wave"]
"values.split" = "0..1"
[tune.published]
mc_rmse = { file = "{data_folder}/{set}/published_rmse.txt" }
"#;

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for (set, separator) in [("line", "  "), ("wave", ",")] {
            fs::create_dir_all(bench.path(set)).unwrap();
            let row = |i: usize| {
                let (a, b) = (i as f64 * 0.5, 1000.0 + (i * 7 % 13) as f64);
                let y = if set == "line" { 300.0 + 4.0 * a - 2.0 * b } else { 50.0 * (a * 0.4).sin() };
                [a, b, y].map(|value| value.to_string()).join(separator)
            };
            let write = |name: &str, text: String| fs::write(bench.path(set).join(name), text).unwrap();
            let list = |rows: &mut dyn Iterator<Item = usize>| {
                rows.map(|row| row.to_string()).collect::<Vec<_>>().join("\n")
            };
            write("data.txt", (0..60).map(row).collect::<Vec<_>>().join("\n"));
            write("index_features.txt", "0 1\n".into());
            for split in 0..2 {
                write(&format!("index_train_{split}.txt"), list(&mut (0..60).filter(|i| i % 5 != split)));
                write(&format!("index_test_{split}.txt"), list(&mut (0..60).filter(|i| i % 5 == split)));
            }
            write("tau_values.txt", "0.01\n0.1\n".into());
            write("published_rmse.txt", "10.0\n12.0\n".into());
        }
        fs::write(bench.path("e.toml"), EXPERIMENT).unwrap();
        fs::write(bench.path("grid.toml"), format!("{EXPERIMENT}{GRID}")).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("THINNET_DATA", self.folder.path());
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
    fn fails(&self, arguments: &[&str], code: i32, message: &str) {
        let Output { status, stderr, .. } = self.command(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(message) && error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    }

    /// The rows of `tune.csv` without their seconds.
    fn trials(&self, out: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(out).join("tune.csv")).unwrap();
        let row = |line: &str| {
            let mut cells: Vec<&str> = line.splitn(7, ',').collect();
            cells.remove(5);
            cells.join(",")
        };
        text.lines().map(row).collect()
    }

    fn table(&self, out: &str) -> String {
        fs::read_to_string(self.path(out).join("table.csv")).unwrap()
    }
}

const RANDOM: [&str; 8] = [
    "tune",
    "e.toml",
    "--vary",
    "values.rate=0.0..0.5",
    "--vary",
    "compile.optimizer.learning_rate=1e-3..1e-1:log",
    "--vary",
    "model.layers.1.units=4..16",
];

fn with<'a>(first: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [first, rest].concat()
}

#[test]
fn a_grid_is_searched_for_each_split_and_put_beside_what_was_published() {
    let bench = Bench::new();
    let text = bench.ok(&["tune", "grid.toml", "--out", "grid", "--threads", "3"]);
    for part in
        ["line", "wave", "mc_rmse", "within 2 s.e.", "4 searches with 16 candidates", "grid/report.html"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let trials = bench.trials("grid");
    assert_eq!(trials.len(), 17);
    assert!(
        trials[0].ends_with(
            ",val_mc_log_likelihood,\"values.set\",\"values.split\",\"values.rate\",\"values.tau\""
        )
    );
    let table = bench.table("grid");
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 5);
    assert!(rows[1].starts_with("\"line\",\"0\",") && rows[1].ends_with(",10"), "{}", rows[1]);
    assert!(rows[4].starts_with("\"wave\",\"1\",") && rows[4].ends_with(",12"), "{}", rows[4]);
    let config = fs::read_to_string(bench.path("grid/wave-1/best/config.toml")).unwrap();
    assert!(config.contains("validation_split = 0.0"), "the best is trained on all training data");
    let rate: f64 = rows[4].split(',').nth(2).unwrap().trim_matches('"').parse().unwrap();
    let tau: f64 = rows[4].split(',').nth(3).unwrap().trim_matches('"').parse().unwrap();
    let l2 = 1e-4 * (1.0 - rate) / (2.0 * 48.0 * tau);
    assert!(config.contains(&format!("l2 = {l2}")), "{l2}: {config}");
    assert!(!bench.path("grid/wave-1/candidate-001").exists(), "keep = \"best\"");
    let page = fs::read_to_string(bench.path("grid/report.html")).unwrap();
    for part in
        ["What was run", "How sure is that", "Ours less the published means", "thinnet tune grid.toml"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src=") && !page.contains("@import"), "the page needs no network");
    let again = bench.ok(&["tune", "grid.toml", "--out", "one", "--threads", "1"]);
    assert_eq!(again.replace("one/", "grid/"), text);
    assert_eq!((bench.trials("one"), bench.table("one")), (trials, table), "any number of threads");
}

#[test]
fn a_search_that_is_killed_goes_on_with_the_same_bits() {
    let bench = Bench::new();
    let options = ["--budget", "6 runs", "--set", "fit.epochs=300"];
    bench.ok(&with(&with(&RANDOM, &options), &["--out", "whole"]));
    let arguments = with(&with(&RANDOM, &options), &["--out", "cut", "--threads", "2"]);
    for pause in [30, 90, 150] {
        let mut resumed = arguments.clone();
        if bench.path("cut/tune.toml").exists() {
            resumed.push("--resume");
        }
        let mut child = bench.command(&resumed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut resumed = arguments.clone();
    if bench.path("cut/tune.toml").exists() {
        resumed.push("--resume");
    }
    bench.ok(&resumed);
    assert_eq!(bench.trials("cut"), bench.trials("whole"));
    assert_eq!(bench.table("cut"), bench.table("whole"));
    let model = |out: &str| fs::read(bench.path(out).join("best/model.safetensors")).unwrap();
    assert!(model("cut") == model("whole"));
    let done = bench.ok(&with(&arguments, &["--resume"]));
    assert!(done.contains("is the best of 6"), "{done}");
    bench.fails(&arguments, 1, "cut holds a search already: go on with it with --resume");
    bench.fails(
        &with(&arguments, &["--resume", "--seeds", "2"]),
        1,
        "cut holds another search (see its tune.toml): choose another folder with --out",
    );
}

/// Each rung goes on where the last one stopped: what a candidate comes to after all epochs is what it comes to in one go.
#[test]
fn successive_halving_trains_the_better_ones_for_longer() {
    let bench = Bench::new();
    let halving = ["--search", "successive-halving", "--budget", "9 runs", "--objective", "val_mae"];
    let text = bench.ok(&with(&with(&RANDOM, &halving), &["--out", "halving"]));
    assert!(text.contains("Candidate ") && text.contains("val_mae"), "{text}");
    let trials = bench.trials("halving");
    // As a kill before the last rung leaves it, but for its folders.
    let path = bench.path("halving/tune.csv");
    let rows = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = rows.lines().filter(|row| row.split(',').nth(2) != Some("9")).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    bench.ok(&with(&with(&RANDOM, &halving), &["--out", "halving", "--resume"]));
    assert_eq!(bench.trials("halving"), trials);
    let of_epochs = |epochs: &str| trials.iter().filter(|row| row.split(',').nth(2) == Some(epochs)).count();
    assert_eq!([of_epochs("1"), of_epochs("3"), of_epochs("9")], [9, 3, 1]);
    bench.ok(&with(&with(&RANDOM, &["--budget", "9 runs", "--objective", "val_mae"]), &["--out", "random"]));
    let last = trials.iter().find(|row| row.split(',').nth(2) == Some("9")).unwrap();
    assert!(bench.trials("random").contains(last), "{last}");
    let first: Vec<f64> = trials
        .iter()
        .filter(|row| row.split(',').nth(2) == Some("1"))
        .map(|row| row.split(',').nth(4).unwrap().parse().unwrap())
        .collect();
    let went_on = |row: &&String| row.split(',').nth(2) == Some("3");
    let candidates: Vec<usize> =
        trials.iter().filter(went_on).map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect();
    let worst = candidates.iter().map(|candidate| first[candidate - 1]).fold(0.0, f64::max);
    let better = first.iter().filter(|value| **value < worst).count();
    assert_eq!(better, 2, "the three best of the first rung went on");
}

#[test]
fn seeds_tell_the_best_from_the_others() {
    let bench = Bench::new();
    let text = bench.ok(&[
        "tune",
        "e.toml",
        "--vary",
        "compile.optimizer.learning_rate=0.02,1e-7",
        "--search",
        "grid",
        "--seeds",
        "3",
        "--out",
        "seeds",
    ]);
    assert!(text.contains("The other that went as far is worse by more than chance explains"), "{text}");
    assert!(bench.path("seeds/candidate-002/seed-7/report.html").exists());
    assert!(bench.path("seeds/best/seed-5/model.safetensors").exists());
    assert_eq!(bench.table("seeds").lines().count(), 4);
}

#[test]
fn a_time_ends_a_search() {
    let bench = Bench::new();
    let start = Instant::now();
    bench.ok(&with(&RANDOM, &["--budget", "1 s", "--out", "timed", "--threads", "2"]));
    assert!(start.elapsed() > Duration::from_secs(1) && bench.trials("timed").len() > 2);
}

#[test]
fn what_cannot_be_searched_is_told_in_a_line() {
    let bench = Bench::new();
    let vary = |rest: &[&'static str]| with(&["tune", "e.toml", "--vary", "values.rate=0.1,0.2"], rest);
    bench.fails(&["tune", "e.toml"], 1, "e.toml: tune: expected a table of what to search over, or --vary");
    bench.fails(&vary(&["--budget", "0"]), 1, "tune.budget: expected more than 0");
    bench.fails(&vary(&["--budget", "5 epochs"]), 1, "tune.budget: pays for 0 runs");
    bench.fails(
        &vary(&["--budget", "1", "--search", "grid"]),
        1,
        "pays for 1 candidates, the grid of the search has 2",
    );
    bench.fails(
        &vary(&["--objective", "loss"]),
        1,
        "tune.objective: expected a value of the validation data",
    );
    bench.fails(
        &vary(&["--set", "fit.validation_split=0.0"]),
        1,
        "fit.validation_split: expected a share to choose by",
    );
    bench.fails(
        &["tune", "grid.toml", "--set", r#"tune.each."values.split"=[1]"#],
        1,
        "tune.published.mc_rmse: expected a value for each of values.split, 1, got 2",
    );
    bench.fails(&["tune", "e.toml", "--vary", "fit.epohcs=1,2"], 1, "did you mean `epochs`?");
    bench.fails(&["tune", "e.toml", "--vary", "values.rate=0.5..0.1"], 1, "from a lower to a higher number");
    bench.fails(&["tune", "e.toml", "--vary", "values.rate"], 1, "expected KEY=V1,V2 or KEY=LOW..HIGH");
    assert_eq!(bench.command(&vary(&["--search", "greedy"])).output().unwrap().status.code(), Some(2));
    let mut command = bench.command(&["train", "e.toml"]);
    let output = command.env_remove("THINNET_DATA").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("THINNET_DATA names: set it, or give the folder as values.data_folder"),
        "{error}"
    );
    let elsewhere = bench.folder.path().to_str().unwrap();
    let mut command = bench.command(&["tune", "grid.toml", "--data-folder", elsewhere, "--out", "elsewhere"]);
    assert!(command.env_remove("THINNET_DATA").output().unwrap().status.success());
}

/// A search whose last run cannot be made, or cannot be judged, does not begin.
#[test]
fn what_is_wrong_with_any_candidate_is_told_before_any_is_trained() {
    let bench = Bench::new();
    let grid = |rest: &[&'static str]| {
        with(&["tune", "e.toml", "--search", "grid", "--set", "fit.epochs=100000000", "--out", "out"], rest)
    };
    bench.fails(&grid(&["--vary", "values.rate=0.1,0.2,1.5"]), 1, "candidate-003, seed 5: ");
    bench.fails(
        &grid(&["--vary", "values.rate=0.1,0.2", "--objective", "val_mc_los"]),
        1,
        "unknown objective `val_mc_los`: did you mean `val_mc_loss`?",
    );
    bench.fails(
        &grid(&["--vary", "values.rate=0.1,0.2", "--set", "fit.validation_freq=3"]),
        1,
        "fit.validation_freq: expected an epoch of validation behind the 100000000 that candidates are judged after, got 3",
    );
}

/// The model remembers how its data were standardized: the tool's other commands take and give numbers as they are.
#[test]
fn a_model_of_a_standardized_table_is_used_with_plain_numbers() {
    let bench = Bench::new();
    let text = bench.ok(&["train", "e.toml", "--set", "fit.epochs=100", "--out", "run"]);
    let line = |name: &str, text: &str| {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(line("test mc_rmse", &text) > 0.0 && line("test mc_log_likelihood", &text) < 0.0);
    let data = fs::read_to_string(bench.path("line/data.txt")).unwrap();
    let test: Vec<Vec<&str>> = data.lines().step_by(5).map(|row| row.split_whitespace().collect()).collect();
    let part = |columns: std::ops::Range<usize>| {
        test.iter().map(|row| row[columns.clone()].join(",")).collect::<Vec<_>>().join("\n") + "\n"
    };
    fs::write(bench.path("x.csv"), part(0..2)).unwrap();
    // A float among them, or they would be class numbers.
    fs::write(bench.path("y.csv"), part(2..3).replacen('\n', ".0\n", 1)).unwrap();
    let model = "run/model.safetensors";
    let measured = bench.ok(&["evaluate", "--model", model, "--input", "x.csv", "--labels", "y.csv"]);
    assert_eq!(line("mae", &measured), line("test mae", &text), "{measured}");
    let predicted = bench.ok(&["predict", "--model", model, "--input", "x.csv"]);
    let errors = predicted
        .lines()
        .zip(&test)
        .map(|(y, row)| (y.parse::<f64>().unwrap() - row[2].parse::<f64>().unwrap()).abs());
    let mae = errors.sum::<f64>() / test.len() as f64;
    assert!((mae - line("test mae", &text)).abs() < 1e-3, "{mae}");
    let thinned = bench.ok(&[
        "evaluate",
        "--model",
        model,
        "--input",
        "x.csv",
        "--labels",
        "y.csv",
        "--mc-samples",
        "50",
    ]);
    assert_eq!(line("mae", &thinned), line("test mc_mae", &text), "{thinned}");
}
