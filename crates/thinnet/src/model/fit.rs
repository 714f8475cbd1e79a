//! Training.

use std::collections::BTreeMap;
use std::time::Instant;

use super::evaluate::{check_data, check_features, check_penalties, class_count};
use super::{BuiltModel, Compiled, Sequential, pool_of};
use crate::callbacks::{BatchEnd, Callback, ProgressBar, Training};
use crate::data::Data;
use crate::data::augmentation::{Ahead, Augment};
use crate::data::steps::Steps;
use crate::engine::{CheckedTargets, Inputs, Phase, Profile, Runner, Samples, Totals};
use crate::error::{Error, Result};
use crate::history::{History, Logs};
use crate::random::{Domain, Stream};
use crate::shape::Shape;

/// A weight for each class: what a sample of it counts in the loss. Classes that are not named count 1.
pub type ClassWeight = BTreeMap<usize, f64>;

/// How to train: Keras's arguments of `fit`, with its defaults.
///
/// ```
/// use thinnet::prelude::*;
/// let fit = Fit::new().epochs(10).batch_size(128).validation_split(0.2);
/// ```
#[derive(Debug)]
pub struct Fit<'a> {
    epochs: usize,
    initial_epoch: usize,
    batch_size: usize,
    steps_per_epoch: Option<usize>,
    shuffle: bool,
    validation_split: f64,
    validation_data: Option<Data<'a>>,
    validation_freq: usize,
    sample_weight: Option<Vec<f32>>,
    class_weight: Option<ClassWeight>,
    callbacks: Vec<Box<dyn Callback + 'a>>,
    augment: Option<Box<dyn Augment + 'a>>,
    profile: Option<&'a mut Profile>,
    verbose: bool,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Self {
            epochs: 1,
            initial_epoch: 0,
            batch_size: 32,
            steps_per_epoch: None,
            shuffle: true,
            validation_split: 0.0,
            validation_data: None,
            validation_freq: 1,
            sample_weight: None,
            class_weight: None,
            callbacks: Vec::new(),
            augment: None,
            profile: None,
            verbose: true,
        }
    }
}

impl<'a> Fit<'a> {
    /// One epoch in batches of 32, shuffled, without validation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The epoch to stop before. Default: 1.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// The epoch to start with, to go on with an earlier run. Default: 0.
    #[must_use]
    pub fn initial_epoch(mut self, epoch: usize) -> Self {
        self.initial_epoch = epoch;
        self
    }

    /// Samples in a step. Default: 32.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Steps in an epoch; the next epoch goes on where it ended, and data that are used up start again, newly
    /// shuffled. Default: as many as use all samples once.
    #[must_use]
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.steps_per_epoch = Some(steps);
        self
    }

    /// Whether the samples come in a new order each time. Default: true.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The share of the samples that is kept for validation: the last ones, before shuffling. Default: 0.
    #[must_use]
    pub fn validation_split(mut self, share: f64) -> Self {
        self.validation_split = share;
        self
    }

    /// Data for validation; `validation_split` is then not used. Default: none.
    #[must_use]
    pub fn validation_data(mut self, data: impl Into<Data<'a>>) -> Self {
        self.validation_data = Some(data.into());
        self
    }

    /// After how many epochs the model is validated, again and again; in the history the others have NaN. Default: 1.
    #[must_use]
    pub fn validation_freq(mut self, epochs: usize) -> Self {
        self.validation_freq = epochs;
        self
    }

    /// What each sample counts in the loss. Default: 1.
    #[must_use]
    pub fn sample_weight(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.sample_weight = Some(weights.into());
        self
    }

    /// What the samples of each class count in the loss, times `sample_weight`; none is negative. Default: 1.
    #[must_use]
    pub fn class_weight(mut self, weights: impl Into<ClassWeight>) -> Self {
        self.class_weight = Some(weights.into());
        self
    }

    /// Adds a callback; give `&mut callback` to look at it afterwards.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Adds a callback that is boxed already, as [`callbacks::from_config`](crate::callbacks::from_config) gives it.
    #[must_use]
    pub fn boxed_callback(mut self, callback: Box<dyn Callback + 'a>) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Changes the training samples at random, anew each time that all were used; an
    /// [`ImageDataGenerator`](crate::data::augmentation::ImageDataGenerator) for example. This runs ahead of training on threads
    /// of its own and is a pure function of the model's seed, the pass over the data and the sample. Samples for validation
    /// are not changed at random, but standardized alike (scaled, centred, whitened); give those for `evaluate` and `predict`
    /// through [`Augment::standardized`]. A model that standardizes by itself
    /// ([`set_standardization`](Sequential::set_standardization)) takes no augmentation. Default: nothing.
    ///
    /// ```
    /// use thinnet::prelude::*;
    /// let datagen = ImageDataGenerator::new().rotation_range(15.0).horizontal_flip(true);
    /// let fit = Fit::new().epochs(20).batch_size(64).augment(datagen);
    /// ```
    #[must_use]
    pub fn augment(mut self, augment: impl Augment + 'a) -> Self {
        self.augment = Some(Box::new(augment));
        self
    }

    /// Notes where the time of each step goes. Results do not depend on it. Default: nothing is noted.
    #[must_use]
    pub fn profile(mut self, profile: &'a mut Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Whether progress is shown on standard error, where that is a terminal. Default: true.
    #[must_use]
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    fn check(&self, samples: usize) -> Result<()> {
        let error = |message: String| Err(Error::Usage(message));
        if self.batch_size == 0 || self.batch_size > 1 << 24 {
            return error(format!("batch_size must be from 1 to 16777216, got {}", self.batch_size));
        }
        if self.steps_per_epoch == Some(0) {
            return error("steps_per_epoch must be positive, got 0".into());
        }
        if self.validation_freq == 0 {
            return error("validation_freq must be positive, got 0".into());
        }
        if samples == 0 {
            return Err(Error::Data("expected at least one sample to train on, got none".into()));
        }
        if u32::try_from(samples).is_err() {
            return Err(Error::Data(format!("expected fewer than 2^32 samples, got {samples}")));
        }
        if let Some(weights) = &self.sample_weight {
            if weights.len() != samples {
                let count = weights.len();
                return Err(Error::Data(format!(
                    "expected {samples} sample weights, one a sample, got {count}"
                )));
            }
            if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
                return Err(Error::Data(format!("sample weights must be finite, got {weight}")));
            }
        }
        Ok(())
    }

    /// The samples that are trained on; the others validate.
    pub(crate) fn training_samples(&self, samples: usize) -> Result<usize> {
        if !(0.0..1.0).contains(&self.validation_split) {
            let message = format!("validation_split must be in [0, 1), got {}", self.validation_split);
            return Err(Error::Usage(message));
        }
        if self.validation_data.is_some() || self.validation_split == 0.0 {
            return Ok(samples);
        }
        let training = (samples as f64 * (1.0 - self.validation_split)).floor() as usize;
        if training == 0 || training == samples {
            let split = self.validation_split;
            return Err(Error::Data(format!(
                "validation_split {split} of {samples} samples leaves {training} for training and {} for validation: \
                 both need at least one",
                samples - training
            )));
        }
        Ok(training)
    }

    /// Each sample's weight, where any is given.
    fn weights(&self, targets: &CheckedTargets, output: &Shape) -> Result<Option<Vec<f32>>> {
        let Some(of_class) = &self.class_weight else { return Ok(self.sample_weight.clone()) };
        let classes = match targets {
            CheckedTargets::Classes(_) => class_count(output),
            CheckedTargets::Values { len: 1, .. } => {
                return Err(Error::Usage("class_weight needs class labels, integer or one-hot".into()));
            }
            CheckedTargets::Values { len, .. } => *len,
        };
        for (class, weight) in of_class {
            if *class >= classes {
                let last = classes - 1;
                return Err(Error::Usage(format!(
                    "class_weight must be of classes from 0 to {last}, got one of class {class}"
                )));
            }
            if !(*weight >= 0.0 && (*weight as f32).is_finite()) {
                return Err(Error::Usage(format!(
                    "class_weight must be from 0 to 3.4e38, got {weight:?} for class {class}"
                )));
            }
        }
        let weight = |class: usize| of_class.get(&class).copied().unwrap_or(1.0) as f32;
        let mut weights: Vec<f32> = match targets {
            CheckedTargets::Classes(classes) => classes.iter().map(|&class| weight(class as usize)).collect(),
            CheckedTargets::Values { len, values } => {
                let class =
                    |row: &[f32]| (0..*len).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)));
                values.chunks_exact(*len).map(|row| weight(class(row).unwrap_or(0))).collect()
            }
        };
        if let Some(of_sample) = &self.sample_weight {
            weights.iter_mut().zip(of_sample).for_each(|(weight, sample)| *weight *= sample);
        }
        Ok(Some(weights))
    }
}

impl Sequential {
    /// Trains the model and returns the record of its epochs.
    ///
    /// The same seed, data and arguments give the same bits for any number of threads.
    ///
    /// # Errors
    /// Where the model is not compiled, the data do not fit the model, an argument is out of range, or a callback
    /// fails.
    pub fn fit<'a>(&mut self, data: impl Into<Data<'a>>, mut fit: Fit<'a>) -> Result<History> {
        let all = data.into();
        fit.check(all.len())?;
        if fit.augment.is_some() && self.standardization.is_some() {
            let message = "augmentation works on images as they are, and this model standardizes its inputs: leave out one of \
                           the two (featurewise_center and featurewise_std_normalization standardize images)";
            return Err(Error::Usage(message.into()));
        }
        check_features(self.built()?, &all.x)?;
        let all = self.standardized(all)?;
        let given = fit.validation_data.take().map(|data| {
            check_features(self.built()?, &data.x)?;
            self.standardized(data)
        });
        fit.validation_data = given.transpose()?;
        let (built, compiled) = (self.built()?, self.compiled()?);
        // Checked as a whole, so that a message tells the sample's place in the caller's data.
        let targets = check_data(built, &compiled.objective, &all)?;
        let weights = fit.weights(&targets, &built.plan.output)?;
        let training_samples = fit.training_samples(all.len())?;
        if let CheckedTargets::Classes(_) = targets {
            check_penalties(built, training_samples)?;
        }
        let validation = match &fit.validation_data {
            Some(data) => Some((Data::from(data), None)),
            None if training_samples < all.len() => {
                let held_out = training_samples..all.len();
                let weights = fit.sample_weight.as_ref().map(|weights| weights[held_out.clone()].to_vec());
                Some((all.slice(held_out), weights))
            }
            None => None,
        };
        if let Some(augment) = &fit.augment {
            augment.check(all.x.sample_shape()).map_err(|message| Error::config("augmentation", message))?;
        }
        let validation = validation.map(|(data, weights)| match &fit.augment {
            Some(augment) if augment.standardizes() && augment.check(data.x.sample_shape()).is_ok() => {
                let x = augment.standardized(&data.x).into_owned();
                (Data { x, y: data.y }, weights)
            }
            _ => (data, weights),
        });
        let validation = match &validation {
            Some((data, weights)) => {
                if data.is_empty() {
                    return Err(Error::Data(
                        "expected at least one sample of validation data, got none".into(),
                    ));
                }
                Some((&data.x, check_data(built, &compiled.objective, data)?, weights.as_deref()))
            }
            None => None,
        };

        let (BuiltModel { plan, parameters, planned, .. }, objective) = (built, &compiled.objective);
        let batch_size = fit.batch_size.min(training_samples);
        let mut runner =
            Runner::new(plan, parameters, Some(objective), Phase::Training, batch_size, self.thread_count());
        let mut profile = fit.profile.take();
        if let Some(profile) = &mut profile {
            profile.begin(planned, runner.threads(), batch_size);
            runner.profile();
        }
        let mut totals = Totals::new(objective);
        // Before callbacks write anything, for the system may refuse.
        pool_of(&mut self.pool, runner.threads())?;
        let stream = Stream::new(self.seed, Domain::Shuffle);
        let mut order = Steps::new(stream, fit.shuffle, training_samples as u32, batch_size);
        let steps = fit.steps_per_epoch.unwrap_or(order.in_a_pass());

        let mut callbacks = std::mem::take(&mut fit.callbacks);
        if fit.verbose {
            callbacks.push(Box::new(ProgressBar::default()));
        }
        let mut training = Training::new(self, fit.initial_epoch, fit.epochs, steps);
        training.validation_samples = validation.as_ref().map_or(0, |(x, ..)| x.len());
        training.validation_freq = fit.validation_freq;
        each(&mut callbacks, |callback| callback.on_train_begin(&mut training))?;
        for (callback, state) in callbacks.iter_mut().zip(training.take_restored()) {
            callback.restore(state)?;
        }
        let augment = fit.augment.as_deref();
        std::thread::scope(|scope| {
            let step_of = |epoch: usize| epoch.saturating_mul(steps) as u64;
            let range = step_of(training.epoch)..step_of(training.epochs);
            let (seed, threads) = (training.model.seed, training.model.thread_count());
            let ahead =
                augment.map(|augment| Ahead::start(scope, &all.x, augment, seed, &order, range, threads));
            while training.epoch < training.epochs && !training.stopped() {
                let epoch = training.epoch;
                each(&mut callbacks, |callback| callback.on_epoch_begin(&mut training, epoch))?;
                totals.clear();
                for step in 0..steps {
                    let index = step_of(epoch) + step as u64;
                    let begin = profile.is_some().then(Instant::now);
                    let rows = ahead.as_ref().map(|ahead| ahead.take(index)).map(|rows| {
                        rows.ok_or_else(|| {
                            Error::Usage("the augmentation of the samples has panicked".into())
                        })
                    });
                    let rows = rows.transpose()?;
                    let ready = profile.is_some().then(Instant::now);
                    let samples = Samples {
                        inputs: rows.as_deref().map_or(Inputs::All(&all.x), Inputs::Batch),
                        targets: Some(&targets),
                        weights: weights.as_deref(),
                        order: order.of(index),
                        first: 0,
                    };
                    training.model.train_step(&mut runner, samples, &mut totals)?;
                    if let (Some(profile), Some(begin), Some(ready)) = (&mut profile, begin, ready) {
                        profile.push(begin, ready, runner.workers());
                    }
                    if let (Some(ahead), Some(rows)) = (&ahead, rows) {
                        ahead.give_back(index, rows);
                    }
                    let end = BatchEnd { step, steps, totals: &totals };
                    each(&mut callbacks, |callback| callback.on_batch_end(&mut training, &end))?;
                    if training.stopped() {
                        break;
                    }
                }
                if training.interrupted() {
                    break;
                }
                let mut logs = totals.logs(&training.model.compiled()?.objective);
                let validated = (epoch + 1).is_multiple_of(fit.validation_freq);
                if let Some((features, targets, weights)) = validation.as_ref().filter(|_| validated) {
                    let of_validation = training.model.evaluate_checked(features, targets, *weights)?;
                    let named = |(name, value): (String, f64)| (format!("val_{name}"), value);
                    logs.extend(of_validation.into_iter().map(named));
                }
                logs.extend(training.model.reports());
                training.epoch += 1;
                each(&mut callbacks, |callback| callback.on_epoch_end(&mut training, epoch, &mut logs))?;
                training.history.push(epoch, logs);
                training.record_states(callbacks.iter().map(|callback| &**callback as &dyn Callback));
                each(&mut callbacks, |callback| callback.on_epoch_recorded(&mut training))?;
            }
            Ok::<_, Error>(())
        })?;
        each(&mut callbacks, |callback| callback.on_train_end(&mut training))?;
        Ok(training.history)
    }

    /// One step on one batch: its loss and metrics.
    ///
    /// # Errors
    /// Where the model is not compiled or the data do not fit it.
    pub fn train_on_batch<'a>(&mut self, data: impl Into<Data<'a>>) -> Result<Logs> {
        let data = data.into();
        Fit::new().check(data.len())?;
        check_features(self.built()?, &data.x)?;
        let data = self.standardized(data)?;
        let (built, compiled) = (self.built()?, self.compiled()?);
        let objective = &compiled.objective;
        let targets = check_data(built, objective, &data)?;
        let mut totals = Totals::new(objective);
        let kept = self.batch_runner.take().filter(|runner| runner.batch_size() == data.len());
        let built = self.built()?;
        let objective = &self.compiled()?.objective;
        let mut runner = kept.unwrap_or_else(|| {
            let threads = self.thread_count();
            Runner::new(&built.plan, &built.parameters, Some(objective), Phase::Training, data.len(), threads)
        });
        let order: Vec<u32> = (0..data.len() as u32).collect();
        let samples = Samples {
            inputs: Inputs::All(&data.x),
            targets: Some(&targets),
            weights: None,
            order: &order,
            first: 0,
        };
        self.train_step(&mut runner, samples, &mut totals)?;
        self.batch_runner = Some(runner);
        Ok(totals.logs(&self.compiled()?.objective))
    }

    /// The loss and metrics of some batches.
    pub(crate) fn running_logs(&self, totals: &Totals) -> Logs {
        self.compiled.as_ref().map(|compiled| totals.logs(&compiled.objective)).unwrap_or_default()
    }

    fn train_step(&mut self, runner: &mut Runner, samples: Samples, totals: &mut Totals) -> Result<()> {
        let pool = pool_of(&mut self.pool, runner.threads())?;
        let (Some(BuiltModel { parameters, plan, .. }), Some(Compiled { objective, optimization, .. })) =
            (&mut self.built, &mut self.compiled)
        else {
            return Err(Error::Usage("the model must stay compiled while it is trained".into()));
        };
        runner.train(pool, plan, parameters, optimization, objective, samples, totals);
        Ok(())
    }
}

fn each<'a>(
    callbacks: &mut [Box<dyn Callback + 'a>],
    mut call: impl FnMut(&mut dyn Callback) -> Result<()>,
) -> Result<()> {
    callbacks.iter_mut().try_for_each(|callback| call(&mut **callback))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::ClassWeight;
    use crate::data::Standardization;
    use crate::prelude::*;

    #[test]
    fn a_model_that_standardizes_takes_no_augmentation() {
        let (x, y) = (Array2::<f32>::ones((3, 4)).into_shape_with_order((3, 2, 2)).unwrap(), array![0, 1, 0]);
        let data = Data::from((&x, &y));
        let mut model = Sequential::new().add(Flatten::new().input_shape([2, 2])).add(Dense::new(2));
        model.compile("sgd", "mse", [] as [&str; 0]).unwrap();
        model.set_standardization(Standardization::of(&data).unwrap());
        let fit = Fit::new().verbose(false).augment(ImageDataGenerator::new().rescale(0.05));
        let message = model.fit(&data, fit).unwrap_err().to_string();
        assert!(message.contains("this model standardizes its inputs: leave out one"), "{message}");
    }

    #[test]
    fn class_weights_that_would_wreck_training_are_told() {
        let fit = |class: usize, weight: f64| {
            let mut model = Sequential::new().add(Dense::new(3).activation(Softmax).input_shape([2]));
            model.compile("sgd", "sparse_categorical_crossentropy", [] as [&str; 0]).unwrap();
            let (x, y) = (Array2::<f32>::ones((3, 2)), array![0, 1, 2]);
            let weights = ClassWeight::from([(class, weight)]);
            model
                .fit((&x, &y), Fit::new().verbose(false).class_weight(weights))
                .map_err(|error| error.to_string())
        };
        assert!(fit(2, 0.0).is_ok());
        for (class, weight, message) in [
            (0, -5.0, "class_weight must be from 0 to 3.4e38, got -5.0 for class 0"),
            (0, 1e300, "class_weight must be from 0 to 3.4e38, got 1e300 for class 0"),
            (1, f64::NAN, "class_weight must be from 0 to 3.4e38, got NaN for class 1"),
            (7, 2.0, "class_weight must be of classes from 0 to 2, got one of class 7"),
        ] {
            assert_eq!(fit(class, weight), Err(message.to_owned()));
        }
    }
}
