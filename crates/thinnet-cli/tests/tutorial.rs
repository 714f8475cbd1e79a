//! `thinnet tutorial`, by running it: on few samples, for few epochs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The tool with an empty cache and no data folder; whatever it would download it would ask a server that is not there.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("THINNET_CACHE", self.path("cache")).env_remove("THINNET_DATA");
        command.env("THINNET_MIRROR", "http://127.0.0.1:1");
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

    #[track_caller]
    fn fails(&self, arguments: &[&str], message: &str) {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(message) && error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    }
}

#[track_caller]
fn complete(folder: &Path) {
    for name in [
        "config.toml",
        "history.csv",
        "model.safetensors",
        "summary.txt",
        "curves.svg",
        "curves.png",
        "environment.json",
        "report.html",
    ] {
        assert!(fs::metadata(folder.join(name)).unwrap().len() > 0, "{name}");
    }
}

/// The page asks for nothing from elsewhere.
#[track_caller]
fn self_contained(page: &str) {
    let addresses = page.matches("://").count() - page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(addresses, 0);
}

#[test]
fn spatial_compares_three_networks_and_goes_on_where_it_was_stopped() {
    let bench = Bench::new();
    let arguments = ["tutorial", "spatial", "--samples", "200", "--out", "run", "--epochs", "1"];
    let text = bench.ok(&arguments);
    assert!(text.starts_with("Thinnet ") && text.contains("MNIST 200 + 10,000"), "{text}");
    assert_eq!(text.matches("Total params: 225,034").count(), 3, "{text}");
    assert!(text.contains("One seed cannot tell whether any of this is chance: try --seeds 5."), "{text}");
    for name in ["with-spatialdropout2d", "with-ordinary-dropout", "without-dropout"] {
        complete(&bench.path("run").join(name));
    }
    assert!(bench.path("run/curves.png").exists());
    let rows = fs::read_to_string(bench.path("run/comparison.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 3);
    let page = fs::read_to_string(bench.path("run/report.html")).unwrap();
    self_contained(&page);
    assert!(page.contains("MNIST, 160 digits to train on, 40 to validate, 10,000 to test"), "{page}");

    bench.fails(&arguments, "run holds a run already");
    // As if it had been stopped in the last model.
    for name in ["comparison.csv", "report.html", "without-dropout/report.html"] {
        fs::remove_file(bench.path("run").join(name)).unwrap();
    }
    bench.fails(&arguments, "holds a run already: go on with it with --resume");
    bench.ok(&[&arguments[..], &["--resume"]].concat());
    let without_times = |rows: &str| -> Vec<String> {
        rows.lines().map(|row| row.rsplit_once(',').unwrap().0.to_owned()).collect()
    };
    let again = fs::read_to_string(bench.path("run/comparison.csv")).unwrap();
    assert_eq!(without_times(&again), without_times(&rows));
    bench.fails(&[&arguments[..7], &["2", "--resume"]].concat(), "holds a run with another configuration");
}

#[test]
fn cifar10_says_that_it_is_a_sample_and_reports_class_by_class() {
    let bench = Bench::new();
    let arguments = ["tutorial", "cifar10", "--samples", "128", "--out", "run", "--epochs", "1"];
    let text = bench.ok(&arguments);
    assert!(text.contains("a sample of CIFAR-10 128 + 1,000"), "{text}");
    assert!(text.contains("this is a sample, 5,000 of 50,000 training pictures"), "{text}");
    assert!(
        text.contains("Total params: 2,168,362") && text.contains("of 1000 test samples are told right: "),
        "{text}"
    );
    complete(&bench.path("run"));
    let rows = fs::read_to_string(bench.path("run/confusion.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 10);
    let numbers = rows.lines().skip(1).flat_map(|row| row.split(',').skip(1));
    assert_eq!(numbers.map(|number| number.parse::<u64>().unwrap()).sum::<u64>(), 1000);
    let page = fs::read_to_string(bench.path("run/report.html")).unwrap();
    self_contained(&page);
    assert_eq!(page.matches("data:image/png;base64,").count(), 20);
    for part in [
        "What is taken for what?",
        "The whole of CIFAR-10 is not on this machine",
        "Validation is on the test data",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let model = thinnet::model::Sequential::load(bench.path("run/model.safetensors")).unwrap();
    assert_eq!((model.class_names().len(), model.class_names()[3].as_str()), (10, "cat"));
    bench.fails(&arguments, "run holds a run already");
    // The complete configuration, augmentation included, gives the same run again.
    bench.ok(&["train", "run/config.toml", "--out", "again"]);
    for name in ["model.safetensors", "history.csv", "confusion.csv", "config.toml"] {
        let read = |run: &str| fs::read(bench.path(run).join(name)).unwrap();
        assert!(read("run") == read("again"), "{name}");
    }

    let text = bench.ok(&[
        "tutorial",
        "cifar10",
        "--samples",
        "64",
        "--out",
        "two",
        "--epochs",
        "1",
        "--seeds",
        "2",
    ]);
    assert!(text.contains("±") && text.contains(", over all seeds."), "{text}");
    complete(&bench.path("two/seed-42"));
    complete(&bench.path("two/seed-43"));
    for name in ["comparison.csv", "confusion.csv", "curves.svg", "curves.png"] {
        assert!(bench.path("two").join(name).exists(), "{name}");
    }
    let page = fs::read_to_string(bench.path("two/report.html")).unwrap();
    self_contained(&page);
    assert!(page.contains("with each of 2 seeds") && page.contains("These are of seed 42."), "{page}");
    let sums = |run: &str| -> u64 {
        let text = fs::read_to_string(bench.path(run).join("confusion.csv")).unwrap();
        text.split([',', '\n']).filter_map(|cell| cell.parse::<u64>().ok()).sum()
    };
    assert_eq!(["two/seed-42", "two/seed-43", "two"].map(sums), [1000, 1000, 2000]);
}

#[test]
fn exercise_1_compares_rates_and_takes_more_seeds_later() {
    let bench = Bench::new();
    let arguments = ["tutorial", "exercise", "1", "--samples", "100", "--epochs", "1", "--out", "run"];
    let two = [&arguments[..], &["--seeds", "2"]].concat();
    let text = bench.ok(&two);
    assert!(text.starts_with("Thinnet ") && text.contains("exercise 1 of the tutorial"), "{text}");
    assert!(text.contains("paired t-tests over 2 seeds, with Holm's correction for 10 tests"), "{text}");
    assert!(text.trim_end().lines().last().unwrap().starts_with("Report: run/report.html"), "{text}");
    for rate in ["rate-0", "rate-0-1", "rate-0-3", "rate-0-5", "rate-0-7"] {
        for seed in ["seed-42", "seed-43"] {
            complete(&bench.path("run").join(rate).join(seed));
        }
    }
    for name in ["curves.svg", "curves.png", "rates.svg", "rates.png"] {
        assert!(bench.path("run").join(name).exists(), "{name}");
    }
    self_contained(&fs::read_to_string(bench.path("run/report.html")).unwrap());
    let rows = |path: &str| fs::read_to_string(bench.path(path)).unwrap();
    let before = rows("run/comparison.csv");
    assert_eq!(before.lines().count(), 1 + 5 * 2);

    bench.fails(&two, "run holds a run already");
    bench.ok(&[&arguments[..], &["--seeds", "3", "--resume"]].concat());
    let after = rows("run/comparison.csv");
    assert_eq!(after.lines().count(), 1 + 5 * 3);
    assert!(before.lines().all(|line| after.contains(line)), "{before}{after}");
}

#[test]
fn exercise_2_chooses_strengths_and_says_which_data_are_not_here() {
    let bench = Bench::new();
    let text = bench.ok(&[
        "tutorial",
        "exercise",
        "2",
        "--samples",
        "60",
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--out",
        "run",
    ]);
    assert!(text.contains("Fashion-MNIST is not on this machine and was left out"), "{text}");
    assert_eq!(text.matches("Chosen by validation loss: L2 ").count(), 2, "{text}");
    assert!(text.contains("One seed cannot tell which of these differences are chance"), "{text}");
    for set in ["mnist", "48-digits-of-mnist"] {
        let choices = fs::read_to_string(bench.path("run").join(set).join("choices.csv")).unwrap();
        assert_eq!(choices.lines().count(), 1 + 5 + 3 + 5 + 5, "{set}");
        let rows = fs::read_to_string(bench.path("run").join(set).join("comparison.csv")).unwrap();
        assert_eq!(rows.lines().count(), 1 + 6, "{set}");
    }
    self_contained(&fs::read_to_string(bench.path("run/report.html")).unwrap());
}

#[test]
fn exercise_3_learns_rates_by_the_number_of_samples() {
    let bench = Bench::new();
    let text = bench.ok(&[
        "tutorial",
        "exercise",
        "3",
        "--samples",
        "1500",
        "--epochs",
        "2",
        "--seeds",
        "2",
        "--out",
        "run",
    ]);
    assert!(text.contains("Concrete dropout on 1,000, 1,200 digits"), "{text}");
    assert_eq!(text.matches("The learned rate ").count(), 3, "{text}");
    let rates = fs::read_to_string(bench.path("run/rates.csv")).unwrap();
    assert_eq!(rates.lines().count(), 1 + 2 * 2);
    let first = "samples,seed,concrete_dropout_rate,concrete_dropout_1_rate,concrete_dropout_2_rate";
    assert!(rates.starts_with(first), "{rates}");
    self_contained(&fs::read_to_string(bench.path("run/report.html")).unwrap());
    // The report of a run shows the rates' paths, too.
    let run = bench.path("run/concrete-dropout/seed-42");
    complete(&run);
    assert!(run.join("rates.svg").exists() && run.join("rates.png").exists());
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("The learned rates end between"), "{page}");
}

#[test]
fn exercise_4_shows_activations_with_and_without_dropout() {
    let bench = Bench::new();
    let arguments = ["--samples", "100", "--epochs", "1", "--seeds", "2", "--out", "run"];
    let text = bench.ok(&[&["tutorial", "exercise", "4"], &arguments[..]].concat());
    assert!(text.contains("classifier, dense_1\n") && text.contains("autoencoder, dense\n"), "{text}");
    assert!(text.contains("of 2 paired seeds") && text.contains("autoencoder, first layer: "), "{text}");
    for name in [
        "activations.csv",
        "measures.csv",
        "classifier-dense-activations.svg",
        "classifier-dense_1-correlations.png",
        "autoencoder-dense-activations.png",
        "autoencoder-filters.svg",
    ] {
        assert!(bench.path("run").join(name).exists(), "{name}");
    }
    complete(&bench.path("run/autoencoder-without-dropout/seed-43"));
    let page = fs::read_to_string(bench.path("run/report.html")).unwrap();
    assert!(page.contains("Both of a pair have the same seed and start from the same weights."), "{page}");
    self_contained(&page);
    // Its runs are only read the second time.
    let again = bench.ok(&[&["tutorial", "exercise", "4", "--resume"], &arguments[..]].concat());
    assert_eq!(again, text);
}

#[test]
fn exercises_that_do_not_exist_are_wrong_usage() {
    let bench = Bench::new();
    for (arguments, message) in [
        (&["tutorial", "exercise", "5"][..], "5 is not in 1..=4"),
        (&["tutorial", "exercise"], "the following required arguments were not provided"),
        (&["tutorial", "exercise", "1", "--seeds", "0"], "0 is not in 1..=1000"),
        (&["tutorial", "exercise", "1", "--epochs", "0"], "0 is not in 1.."),
        (&["tutorial", "exercise", "1", "--samples", "0"], "0 is not in 1.."),
        (&["tutorial", "exercise", "1", "--resume"], "--out"),
        (&["tutorial", "mnist", "1"], "goes with `thinnet tutorial exercise` only"),
    ] {
        let output = bench.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn cifar10_is_stopped_in_order_and_gone_on_with() {
    let bench = Bench::new();
    let arguments = ["tutorial", "cifar10", "--samples", "128", "--epochs", "3"];
    let mut command = bench.command(&[&arguments[..], &["--out", "parts"]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let history = bench.path("parts/history.csv");
    while fs::read_to_string(&history).map_or(0, |text| text.lines().count()) < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "stopped in the middle");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "interrupted: what was complete is saved\n");
    bench.fails(&[&arguments[..], &["--out", "parts"]].concat(), "go on with it with --resume");
    bench.ok(&[&arguments[..], &["--out", "parts", "--resume"]].concat());
    bench.ok(&[&arguments[..], &["--out", "whole"]].concat());
    for name in ["model.safetensors", "history.csv", "confusion.csv"] {
        let read = |run: &str| fs::read(bench.path(run).join(name)).unwrap();
        assert!(read("parts") == read("whole"), "{name}");
    }
}
