use std::fs;
use std::path::Path;

use ndarray::Array2;

use super::*;
use crate::metrics::{Direction, Metric};
use crate::prelude::*;

fn model() -> Sequential {
    let mut model = Sequential::new().add(Dense::new(1).activation(Sigmoid).input_shape([1]));
    model.compile("sgd", "binary_crossentropy", [Accuracy::default().name("hits")]).unwrap();
    model
}

fn try_fit(fit: Fit) -> Result<History> {
    let (x, y) = (Array2::<f32>::ones((4, 1)), Array2::<f32>::zeros((4, 1)));
    model().fit((&x, &y), fit.verbose(false))
}

/// Puts a scripted value into the logs.
#[derive(Debug)]
struct Script(&'static [f64]);

impl Callback for Script {
    fn on_epoch_end(&mut self, _: &mut Training, epoch: usize, logs: &mut Logs) -> Result<()> {
        logs.insert("score".into(), self.0[epoch]);
        Ok(())
    }
}

#[test]
fn epochs_without_validation_are_not_watched() {
    let folder = tempfile::tempdir().unwrap();
    let of_epoch = folder.path().join("{epoch}.safetensors").display().to_string();
    let named = folder.path().join("{epoch}-{val_loss:.1f}.safetensors").display().to_string();
    let mut stopping = EarlyStopping::new("val_loss").patience(1).min_delta(10.0);
    let fit = Fit::new()
        .epochs(8)
        .validation_split(0.5)
        .validation_freq(2)
        .callback(ReduceLROnPlateau::new("val_loss").patience(1).min_delta(10.0))
        .callback(ModelCheckpoint::new(of_epoch).save_best_only(true))
        .callback(ModelCheckpoint::new(named))
        .callback(&mut stopping);
    let history = try_fit(fit).unwrap();
    // The second validated epoch is not better by ten.
    assert_eq!((history.len(), stopping.stopped_epoch()), (4, Some(3)));
    assert_eq!(history["learning_rate"], [0.01; 4]);
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut epochs: Vec<char> =
        entries.filter_map(|entry| entry.unwrap().file_name().to_string_lossy().chars().next()).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, ['2', '2', '4', '4']);
}

#[test]
fn what_never_comes_is_told_before_training() {
    let message = |fit: Fit| {
        // The script has no value even for one epoch.
        try_fit(fit.epochs(3).callback(Script(&[]))).unwrap_err().to_string()
    };
    let none = "`val_loss` never comes, as there is no validation: give validation_split or validation_data";
    assert_eq!(message(Fit::new().callback(EarlyStopping::default())), format!("EarlyStopping: {none}"));
    assert_eq!(
        message(Fit::new().callback(ReduceLROnPlateau::default())),
        format!("ReduceLROnPlateau: {none}")
    );
    let checkpoint = ModelCheckpoint::new("best").save_best_only(true);
    assert_eq!(message(Fit::new().callback(checkpoint)), format!("ModelCheckpoint: {none}"));
    let checkpoint = ModelCheckpoint::new("{val_loss:.2f}");
    assert_eq!(message(Fit::new().callback(checkpoint)), format!("ModelCheckpoint: {none}"));
    assert_eq!(
        message(Fit::new().validation_split(0.5).validation_freq(4).callback(EarlyStopping::default())),
        "EarlyStopping: `val_loss` never comes, as no epoch is validated: lower validation_freq, 4, to the 3 epochs or less"
    );
    assert_eq!(
        message(Fit::new().callback(EarlyStopping::new("score"))),
        "EarlyStopping.mode: expected \"min\" or \"max\" for `score`: known is only which way loss, hits go"
    );
}

#[test]
fn a_metric_s_direction_does_not_depend_on_its_name() {
    let mut model = model();
    let mut training = Training::new(&mut model, 0, 1, 1);
    training.validation_samples = 1;
    let direction = |monitor: &str| Mode::Auto.direction("EarlyStopping", &training, monitor).unwrap();
    assert_eq!(["hits", "val_hits"].map(direction), [Direction::Up; 2]);
    assert_eq!(["loss", "val_loss"].map(direction), [Direction::Down; 2]);
    assert_eq!(AUC::default().direction(), Some(Direction::Up));
    assert_eq!(crate::metrics::RootMeanSquaredError::default().direction(), Some(Direction::Down));
    assert_eq!(
        crate::metrics::MeanSquaredError::default().name("accuracy").direction(),
        Some(Direction::Down)
    );
}

#[test]
fn nan_is_never_the_best() {
    let folder = tempfile::tempdir().unwrap();
    // The folders are made.
    let path = folder.path().join("best").join("{epoch}").join("model.safetensors").display().to_string();
    let checkpoint = ModelCheckpoint::new(path).monitor("score").mode(Mode::Min).save_best_only(true);
    let mut stopping = EarlyStopping::new("score").mode(Mode::Max).patience(2);
    let fit =
        Fit::new().callback(Script(&[f64::NAN, 2.0, 3.0, 1.0])).callback(checkpoint).callback(&mut stopping);
    assert_eq!(try_fit(fit.epochs(4)).unwrap().len(), 4);
    assert_eq!(stopping.best_epoch(), 2);
    let saved =
        |epoch: usize| folder.path().join("best").join(epoch.to_string()).join("model.safetensors").exists();
    assert_eq!([1, 2, 3, 4].map(saved), [false, true, false, true]);
}

fn epochs_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

#[test]
fn appended_rows_are_not_repeated_when_a_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, backup) = (folder.path().join("log.csv"), folder.path().join("backup"));
    let run = |epochs: usize, goes_on: bool| {
        let mut fit = Fit::new().epochs(epochs).callback(CSVLogger::new(&csv).append(true));
        if goes_on {
            fit = fit.callback(BackupAndRestore::new(&backup).delete_checkpoint(false));
        }
        try_fit(fit).unwrap();
        epochs_of(&csv)
    };
    assert_eq!(run(2, false), ["epoch", "0", "1"]);
    assert_eq!(run(2, true), ["epoch", "0", "1", "0", "1"]);
    // As where the run was killed between a row and its backup.
    fs::write(&csv, fs::read_to_string(&csv).unwrap() + "2,0.5,0.5\n").unwrap();
    assert_eq!(run(4, true), ["epoch", "0", "1", "0", "1", "2", "3"]);
    assert_eq!(run(4, true).len(), 7);
}

#[test]
fn rows_are_appended_on_lines_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("log.csv");
    fs::write(&csv, "epoch,hits,loss\n0,1,1.5").unwrap();
    try_fit(Fit::new().callback(CSVLogger::new(&csv).append(true))).unwrap();
    assert_eq!(epochs_of(&csv), ["epoch", "0", "0"]);
}
