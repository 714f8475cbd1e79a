//! Several models side by side.

use thinnet::Result;
use thinnet::experiment::{ComparisonOptions, Experiment, compare};
use thinnet::report::Versus;

use super::super::run_options;
use super::{announce, folder, thousands};
use crate::arguments::Tutorial;
use crate::exit::print;

/// What is compared.
pub(super) struct Comparison {
    /// The models, on MNIST.
    pub(super) experiments: Vec<(String, Experiment)>,
    /// The report's title.
    pub(super) title: &'static str,
    /// The models that the first one is fairly compared with.
    pub(super) versus: &'static [usize],
}

pub(super) fn run(arguments: &Tutorial, threads: Option<usize>, comparison: Comparison) -> Result<()> {
    let Comparison { mut experiments, title, versus } = comparison;
    let out = folder(arguments, "tutorial", "comparison.csv")?;
    for (_, experiment) in &mut experiments {
        experiment.data.samples = arguments.samples.map(|samples| samples as usize);
    }
    let first = &experiments[0].1;
    let data = first.data()?;
    announce(arguments, threads, ("MNIST", &data), first)?;
    let training = (data.train.len() as f64 * (1.0 - first.fit.validation_split)) as usize;
    let options = ComparisonOptions {
        run: run_options(out.clone(), arguments.resume, threads, arguments.watch),
        seeds: arguments.seeds.unwrap_or(1) as usize,
        data: format!(
            "MNIST, {} digits to train on, {} to validate, {} to test",
            thousands(training),
            thousands(data.train.len() - training),
            thousands(data.test.len())
        ),
    };
    let comparison = compare(&experiments, &data, &options, |_, summary| {
        // A reader who has gone is noticed at the next result.
        let _ = print(&format!("{summary}\n"));
    })?;
    let versus = Versus::First(versus);
    comparison.write(&out, title, versus)?;
    print(&format!(
        "{}\n{}\nReport: {}  (curves.svg, curves.png, comparison.csv beside it)\n",
        comparison.table(),
        comparison.verdict(versus).join("\n"),
        out.join("report.html").display()
    ))
}
