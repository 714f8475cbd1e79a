//! The commands, one file each.

mod activations;
mod bench;
mod compare;
mod completions;
mod data;
mod evaluate;
mod model;
mod monte_carlo;
mod pictures;
mod predict;
mod summary;
mod sweep;
mod train;
mod tune;
mod tutorial;
mod uncertainty;
mod varied;

use std::path::{Path, PathBuf};

use thinnet::callbacks::Watched;
use thinnet::experiment::RunOptions;
use thinnet::report::RunFolder;
use thinnet::{Error, Result};

use crate::arguments::{Arguments, Command};
use crate::exit::on_interrupt;

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let threads = arguments.threads;
    match arguments.command {
        Command::Tutorial(tutorial) => tutorial::run(&tutorial, threads),
        Command::Train(train) => train::run(train, threads),
        Command::Evaluate(evaluate) => evaluate::run(&evaluate, threads),
        Command::Activations(activations) => activations::run(&activations, threads),
        Command::Uncertainty(uncertainty) => uncertainty::run(&uncertainty, threads),
        Command::Predict(predict) => predict::run(&predict, threads),
        Command::Summary(summary) => summary::run(&summary),
        Command::Compare(compare) => compare::run(&compare, threads),
        Command::Sweep(sweep) => sweep::run(&sweep, threads),
        Command::Tune(tune) => tune::run(&tune, threads),
        Command::Data(data) => data::run(data),
        Command::Bench(bench) => bench::run(&bench, threads),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// How a command runs experiments into a folder; with `watch`, it shows a live picture where there is a terminal.
fn run_options(out: PathBuf, resume: bool, threads: Option<usize>, watch: bool) -> RunOptions {
    RunOptions {
        out: Some(out),
        resume,
        threads,
        verbose: true,
        watched: if watch { Watched::on_terminal() } else { None },
        interrupted: Some(on_interrupt()),
        command: own_command(),
        ..RunOptions::default()
    }
}

/// Makes sure that no other results are overwritten: `done` is the file by which those of this kind are known.
fn refuse_done(out: &Path, resume: bool, done: &str) -> Result<()> {
    if !resume && out.join(done).exists() {
        return Err(Error::Usage(format!(
            "{} holds a run already: go on with it with --resume, or choose another folder with --out",
            out.display()
        )));
    }
    RunFolder::refuse_other(out, Some(done))
}

/// The command as the user gave it, to give it again.
fn own_command() -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    std::iter::once("thinnet".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = argument.chars().all(|c| c.is_alphanumeric() || "-_./=,:".contains(c));
    if plain { argument.to_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}
