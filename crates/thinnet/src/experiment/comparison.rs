//! Several experiments side by side, over several seeds.

use std::path::PathBuf;

use super::{Experiment, RunOptions, run};
use crate::data::Dataset;
use crate::error::Result;
use crate::report::{Comparison, ModelRuns};

/// How to compare.
#[derive(Clone, Debug)]
pub struct ComparisonOptions {
    /// As for a single run; `out` gets a folder for each model.
    pub run: RunOptions,
    /// How many seeds, from the experiment's own on.
    pub seeds: usize,
    /// What is said of the data, in the report.
    pub data: String,
}

/// Trains each named experiment once for each seed, and puts the outcomes side by side. `before` is called before each
/// model's first run with its name and summary.
///
/// # Errors
/// As [`run`](super::run()).
pub fn compare(
    experiments: &[(String, Experiment)],
    data: &Dataset,
    options: &ComparisonOptions,
    mut before: impl FnMut(&str, &str),
) -> Result<Comparison> {
    let mut models = Vec::new();
    let mut runs_to_come = experiments.len() * options.seeds;
    for (name, experiment) in experiments {
        let mut summary = String::new();
        let mut runs = Vec::new();
        for index in 0..options.seeds {
            let mut experiment = experiment.clone().with_input_of(data)?;
            experiment.seed += index as u64;
            if index == 0 {
                summary = experiment.model()?.summary();
                if let Some(about) = experiment.about_augmentation() {
                    summary += &format!("\n{about}\n");
                }
                before(name, &summary);
            }
            let mut run_options = options.run.clone();
            runs_to_come -= 1;
            run_options.runs_to_come = runs_to_come;
            run_options.out =
                run_options.out.map(|out| folder(out.join(slug(name)), options.seeds, experiment.seed));
            let outcome = run(&experiment, data, &run_options)?;
            runs.push(outcome.result(experiment.seed));
        }
        models.push(ModelRuns { name: name.clone(), summary, runs });
    }
    Ok(Comparison {
        models,
        data: options.data.clone(),
        penalties_differ: false,
        notes: Vec::new(),
        command: options.run.command.clone(),
    })
}

/// Where the run of a seed goes: into the model's folder itself if it is the only one.
pub(super) fn folder(of_model: PathBuf, seeds: usize, seed: u64) -> PathBuf {
    if seeds == 1 { of_model } else { of_model.join(format!("seed-{seed}")) }
}

/// A name as file systems take it, short enough and with a number behind it where it is not free.
pub(super) fn own_folder(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    /// The bytes that every file system takes, with room for a number behind them.
    const LONGEST: usize = 120;
    let name = if name.is_empty() { "model" } else { name };
    let end = (0..=name.len().min(LONGEST)).rev().find(|&end| name.is_char_boundary(end));
    let name = &name[..end.unwrap_or(0)];
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| is_free(name)).expect("some number is free")
}

/// A folder's name for a model's: `same network, rate 0` is `same-network-rate-0`.
pub(super) fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_names_of_their_own_that_every_file_system_takes() {
        let mut taken: Vec<String> = Vec::new();
        for (name, folder) in [
            ("rate-0.1", "rate-0-1"),
            ("rate-0-1", "rate-0-1-2"),
            ("Rate 0,1", "rate-0-1-3"),
            ("rate 0 1 2", "rate-0-1-2-2"),
            ("…", "model"),
        ] {
            let own = own_folder(&slug(name), |name| !taken.iter().any(|other| other == name));
            assert_eq!(own, folder);
            taken.push(own);
        }
        // Three bytes each.
        let long = own_folder(&"字".repeat(130), |_| true);
        assert_eq!((long.len(), long.chars().count()), (120, 40));
        assert!(own_folder(&"字".repeat(130), |name| name != long).ends_with("字-2"));
    }
}
