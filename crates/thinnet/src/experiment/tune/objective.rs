//! What candidates are judged by.

use crate::error::{Error, Result};
use crate::experiment::{Job, Outcome};

/// Finds out before anything is trained whether a run can be made, and judged after each of these numbers of epochs.
///
/// # Errors
/// What is wrong with its model, with the run's name; an objective that it will not have.
pub(super) fn check(objective: &str, job: &Job, judged: &[usize]) -> Result<()> {
    let (model, thinned) = job.built()?;
    let known = model.log_names()?.map(str::to_owned).chain(thinned);
    let known: Vec<String> = known.map(|name| format!("val_{name}")).collect();
    if !known.iter().any(|name| name == objective) {
        return Err(Error::unknown("objective", objective, known.iter().map(String::as_str)));
    }
    let freq = job.experiment.fit.validation_freq;
    if objective.starts_with("val_mc_") || freq == 0 {
        return Ok(());
    }
    if let Some(epochs) = judged.iter().find(|epochs| !epochs.is_multiple_of(freq)) {
        let message = format!(
            "expected an epoch of validation behind the {epochs} that candidates are judged after, got {freq}"
        );
        return Err(Error::config("fit.validation_freq", message));
    }
    Ok(())
}

/// The value that a run is judged by: that of its last epoch, or of its thinned networks.
pub(super) fn of(objective: &str, outcome: &Outcome) -> Result<f64> {
    let of_history = outcome.history.get(objective).and_then(|column| column.last()).copied();
    let of_thinned = || outcome.validation.as_ref()?.get(objective.strip_prefix("val_")?).copied();
    of_history.or_else(of_thinned).ok_or_else(|| Error::Training(format!("the run has no {objective}")))
}
