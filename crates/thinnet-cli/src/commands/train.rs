//! `thinnet train`

use thinnet::Result;
use thinnet::experiment::{Experiment, Outcome, RunOptions, run as run_experiment};
use thinnet::report::{ReportText, RunFolder};

use super::{quoted, run_options};
use crate::arguments::Train;
use crate::exit::print;

pub(crate) fn run(arguments: Train, threads: Option<usize>) -> Result<()> {
    let experiment = Experiment::from_file(&arguments.experiment, &arguments.sets)?;
    let stem =
        arguments.experiment.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let out = arguments.out.unwrap_or_else(|| RunFolder::next(&stem));
    let (data, notes) = experiment.data_with_notes()?;
    for note in notes {
        print(&format!("{note}\n"))?;
    }
    let experiment = experiment.with_input_of(&data)?;
    print(&format!("{}\n", experiment.model()?.try_summary()?))?;
    if let Some(about) = experiment.about_augmentation() {
        print(&format!("{about}\n"))?;
    }
    // The folder's complete experiment, in a grid of one point.
    let grid = format!("--vary fit.epochs={} --seeds 5", experiment.fit.epochs);
    let config = quoted(&out.join("config.toml").to_string_lossy());
    let more_seeds = Some(format!("thinnet sweep {config} {grid}"));
    let options = RunOptions {
        text: ReportText { more_seeds, ..ReportText::default() },
        ..run_options(out.clone(), arguments.resume, threads, arguments.watch)
    };
    let Outcome { history, test, validation, seconds, was_done, .. } =
        run_experiment(&experiment, &data, &options)?;
    let mut text = String::new();
    if was_done {
        text += "This run had come to its end before: nothing was left to train.\n";
    }
    let last = |name: &str| history.get(name).and_then(|column| column.last());
    for name in history.names() {
        if let Some(value) = last(name) {
            text += &format!("{name} {value:.4}\n");
        }
    }
    for (name, value) in validation.into_iter().flatten() {
        text += &format!("validation {name} {value:.4}\n");
    }
    for (name, value) in test.into_iter().flatten() {
        text += &format!("test {name} {value:.4}\n");
    }
    text += &format!(
        "{} in {seconds:.1} s\nReport: {}\n",
        match history.len() {
            1 => "1 epoch".to_owned(),
            epochs => format!("{epochs} epochs"),
        },
        out.join("report.html").display()
    );
    print(&text)
}
