//! One experiment, run into a folder.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ndarray::Ix2;

use super::{Experiment, ValidationData};
use crate::callbacks::{
    BackupAndRestore, BatchEnd, CSVLogger, Callback, ProgressBar, Training, Watched, from_config,
};
use crate::data::augmentation::{Augment, ImageDataGenerator};
use crate::data::{Data, Dataset, Features, Targets};
use crate::error::{Error, Result};
use crate::history::{History, Logs};
use crate::model::{Fit, Sequential};
use crate::report::{Classes, ReportText, RunFolder, RunReport, RunResult};

/// How to run an experiment.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The folder for what the run leaves. Default: none, nothing is written.
    pub out: Option<PathBuf>,
    /// Whether to go on with a run that was stopped in that folder.
    pub resume: bool,
    /// How many threads. Default: see [`Sequential::threads`].
    pub threads: Option<usize>,
    /// Whether to show progress.
    pub verbose: bool,
    /// Becomes true when the user wants to stop.
    pub interrupted: Option<&'static AtomicBool>,
    /// The command that repeats the run, for the report.
    pub command: String,
    /// What else the report says.
    pub text: ReportText,
    /// After how many epochs to stop, to go on later: the folder then holds a run that has not come to its end. Default: never.
    pub stop_after: Option<usize>,
    /// Where to show a live picture of training, in place of progress bars. Default: nowhere.
    pub watched: Option<Watched>,
    /// How many more runs like this come after it: progress shows the time left of all.
    pub runs_to_come: usize,
}

/// What a run leaves.
#[derive(Debug)]
pub struct Outcome {
    /// The trained model.
    pub model: Sequential,
    /// Its epochs.
    pub history: History,
    /// Loss and metrics on the test data, where there are any; what thinned networks say together as `mc_…`.
    pub test: Option<Logs>,
    /// What thinned networks say together of the validation data, where there are any and the experiment asks for it.
    pub validation: Option<Logs>,
    /// How the test data were classified, where they have classes with names.
    pub classes: Option<Classes>,
    /// Seconds that training took.
    pub seconds: f64,
    /// Whether the run had been done before, and was only read.
    pub was_done: bool,
}

impl Outcome {
    /// The numbers of the run, which had this seed.
    pub(super) fn result(&self, seed: u64) -> RunResult {
        RunResult {
            seed,
            history: self.history.clone(),
            test: self.test.clone().unwrap_or_default(),
            seconds: self.seconds,
        }
    }
}

/// Ends training when the user wants to stop.
#[derive(Debug)]
struct Interrupt(&'static AtomicBool);

impl Callback for Interrupt {
    fn on_batch_end(&mut self, training: &mut Training, _: &BatchEnd) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            training.interrupt();
        }
        Ok(())
    }
}

/// Stops training after an epoch, behind the backup of it.
#[derive(Debug)]
struct StopAfter(usize);

impl Callback for StopAfter {
    fn on_train_begin(&mut self, training: &mut Training) -> Result<()> {
        // Nothing is left to do where the backup is of that epoch or a later one.
        if training.epoch >= self.0 {
            training.interrupt();
        }
        Ok(())
    }

    fn on_epoch_recorded(&mut self, training: &mut Training) -> Result<()> {
        if training.epoch >= self.0 {
            training.interrupt();
        }
        Ok(())
    }
}

/// Runs an experiment on its data. A run that is done already in its folder is read, and its folder left as it is.
///
/// # Errors
/// Whatever is wrong with model, data or folder; [`Error::Interrupted`] after what is complete was saved.
pub fn run(experiment: &Experiment, data: &Dataset, options: &RunOptions) -> Result<Outcome> {
    run_watched(experiment, data, options, None)
}

/// Runs an experiment as [`run`] does, with one more callback.
pub(super) fn run_watched<'a>(
    experiment: &Experiment,
    data: &'a Dataset,
    options: &RunOptions,
    watch: Option<Box<dyn Callback + 'a>>,
) -> Result<Outcome> {
    let experiment = &experiment.clone().with_input_of(data)?;
    let (mut model, train, test) = prepared(experiment, data, options.threads)?;

    if let Some(monte_carlo) = &experiment.monte_carlo {
        monte_carlo.names(&model)?;
    }
    let (mut fit, augmentation) = fitting(experiment, &train)?;
    if let Some(ValidationData::Test) = experiment.fit.validation_data {
        fit = fit.validation_data(&test);
    }
    for callback in &experiment.callbacks {
        fit = fit.boxed_callback(from_config(callback)?);
    }
    if !test.is_empty() {
        // Not only when training is over.
        model.check(&test)?;
    }
    let folder = match &options.out {
        Some(path) => Some(RunFolder::open(path, &experiment.to_toml()?, options.resume)?),
        None => None,
    };
    if let Some(flag) = options.interrupted {
        fit = fit.callback(Interrupt(flag));
    }
    if let Some(folder) = &folder {
        fit = fit
            .callback(CSVLogger::new(folder.history()).seldom())
            // Kept after the end, so that a run can be looked at again without training.
            .callback(
                BackupAndRestore::new(folder.backup())
                    .delete_checkpoint(false)
                    .seldom()
                    .wanted_after(options.stop_after),
            );
    }
    if let Some(watched) = &options.watched {
        fit = fit.callback(watched.run(experiment.name(), experiment.seed, options.runs_to_come));
    } else if options.verbose {
        fit = fit.callback(ProgressBar::default().runs_to_come(options.runs_to_come));
    }
    if let Some(epochs) = options.stop_after {
        fit = fit.callback(StopAfter(epochs));
    }
    // Last, for callbacks find their states in a backup by their places.
    if let Some(watch) = watch {
        fit = fit.boxed_callback(watch);
    }
    let is_stopped = options.stop_after.is_some_and(|epochs| epochs < experiment.fit.epochs);
    let was_done = folder.as_ref().is_some_and(RunFolder::was_done);
    let start = Instant::now();
    let history = match model.fit(&train, fit) {
        Ok(history) => history,
        Err(error) => {
            if let Some(folder) = folder {
                folder.give_up();
            }
            return Err(error);
        }
    };
    let seconds =
        folder.as_ref().map_or(Ok(start.elapsed().as_secs_f64()), |f| f.add_seconds(start.elapsed()))?;
    if options.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed))
        && history.len() < experiment.fit.epochs
    {
        return Err(Error::Interrupted);
    }
    let standardized = match &augmentation {
        Some(augmentation) if !test.is_empty() => {
            augmentation.check(test.x.sample_shape()).map_err(place)?;
            augmentation.standardized(&test.x)
        }
        _ => Features::from(&test.x),
    };
    let mut measured = match test.is_empty() {
        true => None,
        false => Some(model.evaluate((&standardized, &test.y))?),
    };
    let mut validation = None;
    if let Some(monte_carlo) = &experiment.monte_carlo {
        if let Some(measured) = &mut measured {
            let test = Data::from((&standardized, &test.y));
            measured.extend(monte_carlo.measure(&mut model, &test, monte_carlo.samples)?);
        }
        let held_out = train.slice(experiment.training_samples(data)?..train.len());
        if !held_out.is_empty() {
            let x = match &augmentation {
                Some(augmentation) => augmentation.standardized(&held_out.x),
                None => Features::from(&held_out.x),
            };
            let samples = monte_carlo.validation_samples.unwrap_or(monte_carlo.samples);
            validation = Some(monte_carlo.measure(&mut model, &Data::from((&x, &held_out.y)), samples)?);
        }
    }
    let classes = classes(&mut model, &standardized, &data.test.y, &data.class_names)?;
    let mut outcome = Outcome { model, history, test: measured, validation, classes, seconds, was_done };
    if let Some(folder) = folder.as_ref().filter(|_| !was_done && !is_stopped) {
        outcome.model.save(folder.model())?;
        let summary = outcome.model.summary();
        let report = RunReport {
            name: &data.name,
            model: experiment.name(),
            experiment: &experiment.to_toml()?,
            summary: &summary,
            augmentation: experiment.about_augmentation(),
            text: &options.text,
            runs: &[outcome.result(experiment.seed)],
            classes: outcome.classes.as_slice(),
            // As the data set has them: pictures, also where the model takes them as rows.
            test: &data.test.x,
            command: &options.command,
        };
        folder.finish(&report, experiment.seed, outcome.model.thread_count())?;
    }
    Ok(outcome)
}

/// The model, and the data as it takes them, for training and for testing.
pub(super) fn prepared<'a>(
    experiment: &Experiment,
    data: &'a Dataset,
    threads: Option<usize>,
) -> Result<(Sequential, Data<'a>, Data<'a>)> {
    // Parts are taken of them before training checks them.
    data.train.check()?;
    let mut model = experiment.model()?;
    if let Some(threads) = threads {
        model = model.threads(threads);
    }
    model.set_class_names(data.class_names.iter().cloned());
    if experiment.data.standardizes() {
        let training = data.train.slice(0..experiment.training_samples(data)?);
        model.set_standardization(experiment.data.standardization(&training)?);
    }
    let (input, output) = (model.input_shape()?.clone(), model.output_shape()?.clone());
    // Samples whose elements are as many as the model's inputs are given its shape, as the tutorial does by hand.
    let fitting = |data| -> Data<'a> {
        let Data { x, y } = Data::from(data);
        let y = match experiment.data.targets {
            Some(targets) => targets.fitted(y, &output),
            None => y,
        };
        Data { x: x.clone().reshaped(input.clone()).unwrap_or(x), y }
    };
    Ok((model, fitting(&data.train), fitting(&data.test)))
}

/// How the experiment trains, without its callbacks and validation on test data; and its augmentation with the statistics of
/// the samples that are trained on.
pub(super) fn fitting<'a>(
    experiment: &Experiment,
    train: &Data,
) -> Result<(Fit<'a>, Option<ImageDataGenerator>)> {
    let mut fit = Fit::new()
        .epochs(experiment.fit.epochs)
        .batch_size(experiment.fit.batch_size)
        .validation_split(experiment.fit.validation_split)
        .validation_freq(experiment.fit.validation_freq)
        .shuffle(experiment.fit.shuffle)
        // A run shows the time left of all runs instead.
        .verbose(false);
    if let Some(steps) = experiment.fit.steps_per_epoch {
        fit = fit.steps_per_epoch(steps);
    }
    if let Some(weights) = &experiment.fit.class_weight {
        fit = fit.class_weight(class_weight(weights)?);
    }
    let Some(augmentation) = &experiment.augmentation else { return Ok((fit, None)) };
    let augmentation = fitted(augmentation, &train.slice(0..fit.training_samples(train.len())?))?;
    Ok((fit.augment(augmentation.clone()), Some(augmentation)))
}

/// How the model classifies the test data; `None` where they have no classes with names, or the model gives no probability
/// for each.
fn classes(model: &mut Sequential, x: &Features, y: &Targets, names: &[String]) -> Result<Option<Classes>> {
    let Targets::Classes(labels) = y else { return Ok(None) };
    if names.len() < 2 || labels.is_empty() || !model.ends_in_softmax() {
        return Ok(None);
    }
    let Ok(probabilities) = model.predict(x)?.into_dimensionality::<Ix2>() else { return Ok(None) };
    match probabilities.ncols() == names.len() {
        true => Classes::new(probabilities.view(), labels, names).map(Some),
        false => Ok(None),
    }
}

/// The augmentation with the statistics of the training data where it needs them. Data for validation do not count.
fn fitted(augmentation: &ImageDataGenerator, train: &Data) -> Result<ImageDataGenerator> {
    let mut augmentation = augmentation.clone();
    if augmentation.needs_statistics() {
        augmentation.fit(&train.x)?;
    }
    augmentation.check(train.x.sample_shape()).map_err(place)?;
    Ok(augmentation)
}

fn place(message: String) -> Error {
    Error::config("augmentation", message)
}

fn class_weight(weights: &std::collections::BTreeMap<String, f64>) -> Result<crate::model::ClassWeight> {
    let entry = |(class, weight): (&String, &f64)| match class.parse() {
        Ok(class) => Ok((class, *weight)),
        Err(_) => {
            Err(Error::config("fit.class_weight", format!("expected class numbers as keys, got `{class}`")))
        }
    };
    weights.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ndarray::{Array1, Array2};

    use super::*;

    #[test]
    fn targets_that_are_too_few_are_told_before_parts_are_taken() {
        let (x, y) = (Array2::<f32>::ones((12, 3)), Array1::<f32>::ones(5));
        let train = Data::from((&x, &y)).into_owned();
        let test = train.slice(0..0).into_owned();
        let data = Dataset { name: "small".into(), class_names: Vec::new(), train, test };
        for part in ["data.standardize = true", "augmentation.featurewise_center = true"] {
            let text = format!(
                "data.x = 'x.npy'\ndata.y = 'y.npy'\n{part}\ncompile.loss = 'mse'\n\
                 model.layers = [{{ class = 'Dense', units = 1, input_shape = [3] }}]"
            );
            let experiment = Experiment::from_toml(&text, Path::new("."), &[]).unwrap();
            let error = run(&experiment, &data, &RunOptions::default()).unwrap_err().to_string();
            assert_eq!(error, "expected one target for each sample, got 12 samples and 5 targets");
        }
    }

    #[test]
    fn a_run_that_cannot_be_trained_leaves_no_folder() {
        let text = r#"
            data = { x = "x.npy", y = "y.npy" }
            compile.loss = "sparse_categorical_crossentropy"
            model.layers = [{ class = "Dense", units = 2, activation = "softmax" }]
        "#;
        let experiment = Experiment::from_toml(text, Path::new("."), &[]).unwrap();
        let x = Array2::from_shape_fn((12, 3), |(i, j)| ((i * 7 + j) % 5) as f32);
        let of = |targets: usize| {
            let y = Array1::from_shape_fn(targets, |i| (i % 2) as i64);
            Data::from((&x, &y)).into_owned()
        };
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("runs/first");
        let options = RunOptions { out: Some(out.clone()), ..RunOptions::default() };
        let data = |train, test| Dataset { name: "small".into(), class_names: Vec::new(), train, test };
        for data in [data(of(5), of(12)), data(of(12), of(5))] {
            let error = run(&experiment, &data, &options).unwrap_err().to_string();
            assert!(error.contains("5 targets"), "{error}");
            assert!(!folder.path().join("runs").exists());
        }
        let outcome = run(&experiment, &data(of(12), of(12)), &options).unwrap();
        assert!(!outcome.was_done && out.join("report.html").exists());
    }
}
