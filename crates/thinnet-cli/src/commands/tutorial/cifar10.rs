//! One network on CIFAR-10, in detail.

use thinnet::datasets::{self, Entry, Store};
use thinnet::experiment::{ComparisonOptions, Experiment, compare, run as run_one, tutorial_cifar10};
use thinnet::{Logs, Result};

use super::{announce, folder, options, thousands};
use crate::arguments::Tutorial;
use crate::exit::print;

pub(super) fn run(arguments: &Tutorial, threads: Option<usize>, epochs: usize) -> Result<()> {
    let (full, sample) = (datasets::find("cifar10")?, datasets::find("cifar10-sample")?);
    // Nobody wants a download of 170 MB without having asked for it.
    let is_here = Store::from_env().has(full)?;
    let entry = if is_here { full } else { sample };
    let samples = arguments.samples.map(|samples| samples as usize);
    let experiment = tutorial_cifar10(arguments.seed, epochs, entry, samples);
    let out = folder(arguments, if arguments.seeds == 1 { "report.html" } else { "comparison.csv" })?;
    let data = experiment.data()?;
    let name = if is_here { "CIFAR-10" } else { "a sample of CIFAR-10" };
    announce(arguments, threads, (name, &data), &experiment)?;
    if !is_here {
        print(&about_sample(sample, full))?;
    }
    if let Some(about) = experiment.about_augmentation() {
        print(&format!("{about}\n"))?;
    }
    print("As in the tutorial, validation is on the test data.\n\n")?;
    let run_options = options(arguments, threads, out.clone());
    let report = out.join("report.html");
    if arguments.seeds == 1 {
        print(&format!("{}\n", experiment.model()?.summary()))?;
        let outcome = run_one(&experiment, &data, &run_options)?;
        print(&format!(
            "{}\n{:.0} s of training.\nReport: {}  (curves.svg, curves.png, confusion.csv beside it)\n",
            measured(&outcome.test.unwrap_or_default()),
            outcome.seconds,
            report.display()
        ))
    } else {
        several(
            arguments,
            experiment,
            &data,
            ComparisonOptions {
                run: run_options,
                seeds: arguments.seeds as usize,
                data: format!(
                    "{name}, {} pictures to train on, {} to validate and test",
                    thousands(data.train.len()),
                    thousands(data.test.len())
                ),
            },
        )?;
        print(&format!("Report: {}  (one for each seed in the folders beside it)\n", report.display()))
    }
}

fn about_sample(sample: &Entry, full: &Entry) -> String {
    format!(
        "The whole of CIFAR-10 is not on this machine: this is a sample, {} of {} training pictures, and its accuracies say \
         little about the whole. `thinnet data fetch cifar10` downloads it ({:.0} MB); THINNET_DATA names a folder that has it.\n\n",
        thousands(sample.train),
        thousands(full.train),
        full.download_bytes() as f64 / 1e6
    )
}

fn measured(test: &Logs) -> String {
    test.iter().map(|(name, value)| format!("Test {name} {value:.4}")).collect::<Vec<_>>().join(", ")
}

/// The same network under several seeds.
fn several(
    arguments: &Tutorial,
    experiment: Experiment,
    data: &thinnet::data::Dataset,
    options: ComparisonOptions,
) -> Result<()> {
    let out = options.run.out.clone().unwrap_or_default();
    let comparison = compare(&[("cifar10".into(), experiment)], data, &options, |_, summary| {
        // A reader who has gone is noticed at the next result.
        let _ = print(&format!("{summary}\n"));
    })?;
    comparison.write(&out, &format!("A network on CIFAR-10, {} seeds", arguments.seeds), &[])?;
    print(&format!("{}\n", comparison.table()))
}
