//! `thinnet tutorial`

use thinnet::experiment::{ComparisonOptions, RunOptions, compare, tutorial_mnist};
use thinnet::report::RunFolder;
use thinnet::{Error, Result, datasets};

use super::own_command;
use crate::arguments::{Part, Tutorial};
use crate::exit::{on_interrupt, print};

/// The model that the first one, with dropout, is fairly compared with.
const FAIR: usize = 2;

pub(crate) fn run(arguments: &Tutorial, threads: Option<usize>) -> Result<()> {
    let Part::Mnist = arguments.part;
    let (seed, seeds) = (arguments.seed, arguments.seeds);
    let experiments = tutorial_mnist(seed, arguments.epochs as usize);
    let used =
        experiments[0].1.model()?.threads(threads.unwrap_or_else(thinnet::default_threads)).thread_count();
    let of_seeds =
        if seeds == 1 { format!("seed {seed}") } else { format!("seeds {seed} to {}", seed + seeds - 1) };
    let plural = if used == 1 { "thread" } else { "threads" };
    let version = env!("CARGO_PKG_VERSION");
    let kernels = thinnet::kernels();
    print(&format!(
        "Thinnet {version} · MNIST 60,000 + 10,000 · {used} {plural}, {kernels} · {of_seeds}\n\n"
    ))?;
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next("tutorial"));
    if out.join("comparison.csv").exists() {
        let out = out.display();
        return Err(Error::Usage(format!("{out} holds a run already: choose another folder with --out")));
    }
    let data = datasets::mnist()?;
    let options = ComparisonOptions {
        run: RunOptions {
            out: Some(out.clone()),
            threads,
            verbose: true,
            interrupted: Some(on_interrupt()),
            command: own_command(),
            ..RunOptions::default()
        },
        seeds: seeds as usize,
        data: "MNIST, 48,000 digits to train on, 12,000 to validate, 10,000 to test".into(),
    };
    let comparison = compare(&experiments, &data, &options, |_, summary| {
        // A reader who has gone is noticed at the next result.
        let _ = print(&format!("{summary}\n"));
    })?;
    comparison.write(&out, "What dropout does on MNIST", FAIR)?;
    print(&format!(
        "{}\n{}\nReport: {}  (curves.svg, curves.png, comparison.csv beside it)\n",
        comparison.table(),
        comparison.verdict(FAIR),
        out.join("report.html").display()
    ))
}
