//! `--watch`, on a terminal that `script` makes and without one.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};

use ndarray::{Array1, Array2};
use tempfile::TempDir;
use thinnet::data::formats::npy;

const EXPERIMENT: &str = r#"
[data]
x = "x.npy"
y = "y.npy"
[model]
name = "small"
layers = [
  { class = "Dense", units = 16, activation = "relu", input_shape = [6] },
  { class = "Dropout", rate = { class = "Linear", end_rate = 0.5, steps = 60 } },
  { class = "Dense", units = 3, activation = "softmax" },
]
[compile]
optimizer = "adam"
loss = "sparse_categorical_crossentropy"
metrics = ["accuracy"]
[fit]
epochs = 6
batch_size = 32
validation_split = 0.25
"#;

fn bench() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let x = Array2::from_shape_fn((400, 6), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
    npy::write(folder.path().join("x.npy"), &x).unwrap();
    npy::write(folder.path().join("y.npy"), &Array1::from_shape_fn(400, |i| (i * 7 % 11 % 3) as i64))
        .unwrap();
    fs::write(folder.path().join("e.toml"), EXPERIMENT).unwrap();
    folder
}

#[test]
fn without_a_terminal_there_is_nothing_to_watch() {
    let folder = bench();
    let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
    command.args(["train", "e.toml", "--out", "run", "--watch"]).current_dir(folder.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(!String::from_utf8_lossy(&output.stdout).contains('\x1b'));
}

#[test]
fn a_terminal_shows_curves_and_is_given_back() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("not looked at: there is no `script` to make a terminal with");
        return;
    }
    let folder = bench();
    let line =
        format!("stty columns 80 rows 24; {} train e.toml --out run --watch", env!("CARGO_BIN_EXE_thinnet"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder.path());
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR").stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let (before, rest) = text.split_once("\x1b[?1049h").expect("the second screen is shown");
    let (pictures, after) = rest.split_once("\x1b[?1049l").expect("the first screen is shown again");
    assert!(before.contains("Total params") && pictures.ends_with("\x1b[?25h"), "{text}");
    let last = pictures.rsplit("\x1b[H").next().unwrap();
    for part in ["small · seed 42", "Epoch 6/6 ", "val_accuracy ", "dropout rate ", "training"] {
        assert!(last.contains(part), "{part}: {last}");
    }
    assert!(last.chars().any(|letter| ('\u{2801}'..='\u{28ff}').contains(&letter)), "{last}");
    assert!(last.contains("\x1b[38;5;25m"), "{last}");
    assert!(after.contains("small, seed 42: 6 epochs · ") && after.contains("Report: "), "{after}");
}
