//! The exercises.

use std::path::Path;

use thinnet::Result;
use thinnet::experiment::{
    ExerciseOptions, RunOptions, activations_with_dropout, dropout_rates, regularization, trainable_rates,
};
use thinnet::report::{ExerciseLink, exercise_index};

use super::super::run_options;
use super::{conditions, folder};
use crate::arguments::Tutorial;
use crate::exit::print;

/// How many seeds tell an effect of the size that is to be expected from chance.
const SEEDS: u64 = 5;

const TITLES: [&str; 4] = [
    "Exercise 1: what the dropout rate does",
    "Exercise 2: dropout beside other regularization",
    "Exercise 3: dropout rates that are learned",
    "Exercise 4: activations with and without dropout",
];

/// One exercise, into a folder of its own.
pub(super) fn one(arguments: &Tutorial, threads: Option<usize>) -> Result<()> {
    let number = arguments.exercise.unwrap_or(1);
    let done = if number == 1 || number == 3 { "comparison.csv" } else { "report.html" };
    let out = folder(arguments, &format!("exercise-{number}"), done)?;
    announce(arguments, threads, &format!("exercise {number}"))?;
    let run = run_options(out.clone(), arguments.resume, threads, arguments.watch);
    exercise(arguments, number, &run, &out, None)?;
    print(&format!(
        "Report: {}  (charts as SVG and PNG, tables as CSV beside it)\n",
        out.join("report.html").display()
    ))
}

/// All exercises, each into a folder of its own, and a page that leads to them.
pub(super) fn all(arguments: &Tutorial, threads: Option<usize>) -> Result<()> {
    let out = folder(arguments, "exercises", "report.html")?;
    announce(arguments, threads, "the exercises")?;
    let run = run_options(out.clone(), arguments.resume, threads, arguments.watch);
    let mut links = Vec::new();
    let name = |number: u8| format!("exercise-{number}");
    for number in 1..=TITLES.len() as u8 {
        let title = TITLES[usize::from(number) - 1];
        print(&format!("{title}\n\n"))?;
        let exercise_1 = out.join(name(1));
        let sentences = exercise(arguments, number, &run, &out.join(name(number)), Some(&exercise_1))?;
        let report = format!("{}/report.html", name(number));
        links.push(ExerciseLink { title: title.into(), report, sentences });
    }
    exercise_index(&links, &run.command, &out)?;
    print(&format!(
        "Report: {}  (it leads to the report of each exercise)\n",
        out.join("report.html").display()
    ))
}

fn announce(arguments: &Tutorial, threads: Option<usize>, what: &str) -> Result<()> {
    let threads = threads.unwrap_or_else(thinnet::default_threads);
    let conditions = conditions(threads, arguments.seed, arguments.seeds.unwrap_or(SEEDS));
    print(&format!("Thinnet {} · {what} of the tutorial · {conditions}\n\n", env!("CARGO_PKG_VERSION")))
}

/// Runs an exercise into a folder and prints what came of it; answers with that in sentences. `exercise_1` is the folder of
/// exercise 1, where it was run with the same options.
fn exercise(
    arguments: &Tutorial,
    number: u8,
    run: &RunOptions,
    out: &Path,
    exercise_1: Option<&Path>,
) -> Result<Vec<String>> {
    let epochs = if number == 2 || number == 4 { 10 } else { 20 };
    let options = ExerciseOptions {
        run: RunOptions { out: Some(out.to_owned()), ..run.clone() },
        seed: arguments.seed,
        seeds: arguments.seeds.unwrap_or(SEEDS) as usize,
        epochs: arguments.epochs.unwrap_or(epochs) as usize,
        samples: arguments.samples.map(|samples| samples as usize),
    };
    // A reader who has gone is noticed at the next result.
    let before = |what: &str| drop(print(&format!("{what}\n")));
    let (table, sentences) = match number {
        1 => {
            let study = dropout_rates(&options)?;
            study.write(out)?;
            (study.table(), [study.discussion(), study.verdict()].concat())
        }
        2 => {
            let study = regularization(&options, before)?;
            study.write(out)?;
            (study.table(), study.verdict())
        }
        3 => {
            let study = trainable_rates(&options, exercise_1, before)?;
            study.write(out)?;
            (study.table(), [study.discussion(), study.verdict()].concat())
        }
        _ => {
            let study = activations_with_dropout(&options)?;
            study.write(out)?;
            (study.table(), study.verdict())
        }
    };
    print(&format!(
        "\n{table}\n{}\n",
        sentences.iter().map(|sentence| format!("{sentence}\n")).collect::<String>()
    ))?;
    Ok(sentences)
}
