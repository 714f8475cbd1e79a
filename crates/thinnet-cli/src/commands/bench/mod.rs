//! `thinnet bench`

mod dropout;
mod experiment;
mod kernels;
mod scaling;
mod workload;

use thinnet::{Error, Result};

use crate::arguments::{Bench, Subject};

pub(crate) fn run(arguments: &Bench, threads: Option<usize>) -> Result<()> {
    check(arguments)?;
    match &arguments.subject {
        Subject::Workload(workload) => workload::run(*workload, arguments, threads),
        Subject::Kernels => kernels::run(arguments, threads),
        Subject::Scaling => scaling::run(arguments, threads),
        Subject::Experiment(path) => experiment::run(path, arguments, threads),
    }
}

/// Refuses options that would do nothing.
fn check(arguments: &Bench) -> Result<()> {
    let Bench { subject, augment, predict, mc, memory, sets, trace, .. } = arguments;
    let of_workloads = [
        ("--augment", *augment),
        ("--predict", predict.is_some()),
        ("--mc", mc.is_some()),
        ("--memory", *memory),
    ];
    let of_experiments = [("--set", !sets.is_empty()), ("--trace", trace.is_some())];
    let refused =
        |options: &[(&'static str, bool)], whom: &str| match options.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Error::Usage(format!("{option} is for {whom}"))),
            None => Ok(()),
        };
    if !matches!(subject, Subject::Workload(_)) {
        refused(&of_workloads, "w1 to w4")?;
    }
    if matches!(subject, Subject::Kernels | Subject::Scaling) {
        refused(&[("--dropout", arguments.dropout)], "w1 to w4 and experiment files (.toml)")?;
    }
    if !matches!(subject, Subject::Experiment(_)) {
        refused(&of_experiments, "an experiment file (.toml)")?;
    }
    Ok(())
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
