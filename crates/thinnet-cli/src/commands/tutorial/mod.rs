//! `thinnet tutorial`

mod cifar10;
mod models;

use std::path::PathBuf;

use thinnet::data::Dataset;
use thinnet::experiment::{Experiment, tutorial_mnist, tutorial_spatial};
use thinnet::report::RunFolder;
use thinnet::{Error, Result};

use self::models::Comparison;
use crate::arguments::{Part, Tutorial};
use crate::exit::print;

pub(crate) fn run(arguments: &Tutorial, threads: Option<usize>) -> Result<()> {
    let epochs = |default: usize| arguments.epochs.map_or(default, |epochs| epochs as usize);
    match arguments.part {
        Part::Mnist => models::run(
            arguments,
            threads,
            Comparison {
                experiments: tutorial_mnist(arguments.seed, epochs(10)),
                title: "What dropout does on MNIST",
                versus: &[2],
            },
        ),
        Part::Spatial => models::run(
            arguments,
            threads,
            Comparison {
                experiments: tutorial_spatial(arguments.seed, epochs(5)),
                title: "What dropping whole feature maps does on MNIST",
                versus: &[2, 1],
            },
        ),
        Part::Cifar10 => cifar10::run(arguments, threads, epochs(20)),
    }
}

/// The first line: what is run on what, with what.
fn announce(
    arguments: &Tutorial,
    threads: Option<usize>,
    (of_data, data): (&str, &Dataset),
    experiment: &Experiment,
) -> Result<()> {
    let &Tutorial { seed, seeds, .. } = arguments;
    let used = experiment.model()?.threads(threads.unwrap_or_else(thinnet::default_threads)).thread_count();
    let of_seeds =
        if seeds == 1 { format!("seed {seed}") } else { format!("seeds {seed} to {}", seed + seeds - 1) };
    let plural = if used == 1 { "thread" } else { "threads" };
    print(&format!(
        "Thinnet {} · {of_data} {} + {} · {used} {plural}, {} · {of_seeds}\n\n",
        env!("CARGO_PKG_VERSION"),
        thousands(data.train.len()),
        thousands(data.test.len()),
        thinnet::kernels()
    ))
}

/// The folder to write to. `done` is the file that a run leaves there as its last but one.
fn folder(arguments: &Tutorial, done: &str) -> Result<PathBuf> {
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next("tutorial"));
    if !arguments.resume && out.join(done).exists() {
        let out = out.display();
        return Err(Error::Usage(format!("{out} holds a run already: choose another folder with --out")));
    }
    Ok(out)
}

/// 60000 is 60,000.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}
