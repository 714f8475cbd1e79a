//! `thinnet tutorial`

mod cifar10;
mod exercises;
mod models;

use std::path::PathBuf;

use clap::CommandFactory;
use clap::error::ErrorKind;
use thinnet::Result;
use thinnet::data::Dataset;
use thinnet::experiment::{Experiment, tutorial_mnist, tutorial_spatial};
use thinnet::report::RunFolder;

use self::models::Comparison;
use super::refuse_done;
use crate::arguments::{Arguments, Part, Tutorial};
use crate::exit::print;

pub(crate) fn run(arguments: &Tutorial, threads: Option<usize>) -> Result<()> {
    if let Some(number) = arguments.exercise.filter(|_| arguments.part != Part::Exercise) {
        let message =
            format!("the number of an exercise, {number}, goes with `thinnet tutorial exercise` only");
        Arguments::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
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
        Part::Exercises => exercises::all(arguments, threads),
        Part::Exercise => exercises::one(arguments, threads),
    }
}

/// The first line: what is run on what, with what.
fn announce(
    arguments: &Tutorial,
    threads: Option<usize>,
    (of_data, data): (&str, &Dataset),
    experiment: &Experiment,
) -> Result<()> {
    let used = experiment.model()?.threads(threads.unwrap_or_else(thinnet::default_threads)).thread_count();
    print(&format!(
        "Thinnet {} · {of_data} {} + {} · {}\n\n",
        env!("CARGO_PKG_VERSION"),
        thousands(data.train.len()),
        thousands(data.test.len()),
        conditions(used, arguments.seed, arguments.seeds.unwrap_or(1))
    ))
}

/// With what something is run: `2 threads, avx2 · seeds 42 to 46`.
fn conditions(threads: usize, seed: u64, seeds: u64) -> String {
    let of_seeds = match seeds {
        1 => format!("seed {seed}"),
        _ => format!("seeds {seed} to {}", seed.saturating_add(seeds - 1)),
    };
    let plural = if threads == 1 { "thread" } else { "threads" };
    format!("{threads} {plural}, {} · {of_seeds}", thinnet::kernels())
}

/// The folder to write to, by default the next free one of this name. `done` is the file by which its results are known.
fn folder(arguments: &Tutorial, name: &str, done: &str) -> Result<PathBuf> {
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next(name));
    refuse_done(&out, arguments.resume, done)?;
    Ok(out)
}

/// 60000 is 60,000.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}
