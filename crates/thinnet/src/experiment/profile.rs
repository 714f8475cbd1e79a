//! Where the time of an experiment's training steps goes.

use super::Experiment;
use super::run::{fitting, prepared};
use crate::data::Dataset;
use crate::engine::Profile;
use crate::error::Result;

/// How to profile an experiment.
#[derive(Clone, Copy, Debug)]
pub struct ProfileOptions {
    /// How many steps to record. Default: 50.
    pub steps: usize,
    /// How many threads. Default: see [`Sequential::threads`](crate::model::Sequential::threads).
    pub threads: Option<usize>,
    /// Whether to keep each single piece of work, for [`Profile::trace`].
    pub keep_spans: bool,
}

impl Default for ProfileOptions {
    fn default() -> Self {
        Self { steps: 50, threads: None, keep_spans: false }
    }
}

/// Trains an experiment's model for some steps and notes where their time goes. Three steps before are not counted; there is
/// no validation, no callback is called, and nothing is written.
///
/// ```
/// use std::path::Path;
/// use thinnet::experiment::{Experiment, ProfileOptions, profile};
/// let text = r#"
///     data.dataset = "mnist"
///     model.layers = [{ class = "Dense", units = 10, activation = "softmax", input_shape = [784] }]
///     compile.loss = "sparse_categorical_crossentropy"
/// "#;
/// let experiment = Experiment::from_toml(text, Path::new("."), &[])?;
/// let profile = profile(&experiment, &experiment.data()?, &ProfileOptions { steps: 5, ..Default::default() })?;
/// assert_eq!((profile.step_seconds().len(), profile.batch_size()), (5, 32));
/// println!("{}", profile.table());
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// Whatever is wrong with the model, or with the data for it.
pub fn profile(experiment: &Experiment, data: &Dataset, options: &ProfileOptions) -> Result<Profile> {
    const WARM_UP: usize = 3;
    let experiment = experiment.clone().with_input_of(data)?;
    let (mut model, train, _) = prepared(&experiment, data, options.threads)?;
    let (fit, _) = fitting(&experiment, &train)?;
    let trained_on = train.slice(0..fit.training_samples(train.len())?);
    let mut profile = Profile::new();
    if options.keep_spans {
        profile = profile.keep_spans();
    }
    let fit = fit.epochs(1).steps_per_epoch(options.steps + WARM_UP).validation_split(0.0);
    model.fit(&trained_on, fit.profile(&mut profile))?;
    profile.skip(WARM_UP);
    Ok(profile)
}
