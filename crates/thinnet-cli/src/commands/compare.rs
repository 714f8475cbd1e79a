//! `thinnet compare`

use thinnet::experiment::{ComparisonOptions, Experiment, compare};
use thinnet::report::RunFolder;
use thinnet::{Error, Result};

use super::run_options;
use crate::arguments::Compare;
use crate::exit::print;

pub(crate) fn run(arguments: &Compare, threads: Option<usize>) -> Result<()> {
    let mut experiments = Vec::new();
    for path in &arguments.experiments {
        let experiment = Experiment::from_file(path, &arguments.sets)?;
        let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let name = experiment.model.name.clone().unwrap_or(stem);
        if experiments.iter().any(|(other, _)| *other == name) {
            return Err(Error::Usage(format!(
                "two experiments are called {name}: give each model its own `name`"
            )));
        }
        experiments.push((name, experiment));
    }
    let first = &experiments[0].1;
    if let Some((name, _)) = experiments.iter().find(|(_, other)| other.data != first.data) {
        return Err(Error::Usage(format!(
            "{name} has other data than the first experiment: they cannot be compared"
        )));
    }
    let (data, notes) = first.data_with_notes()?;
    for note in notes {
        print(&format!("{note}\n"))?;
    }
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next("compare"));
    let options = ComparisonOptions {
        run: run_options(out.clone(), false, threads, arguments.watch),
        seeds: arguments.seeds as usize,
        data: data.name.clone(),
    };
    let announce = |_: &str, summary: &str| eprintln!("{summary}");
    let comparison = compare(&experiments, &data, &options, announce)?;
    let versus = [experiments.len() - 1];
    comparison.write(&out, &format!("{} models on {}", experiments.len(), data.name), &versus)?;
    let report = out.join("report.html");
    print(&format!(
        "{}\n{}\nReport: {}\n",
        comparison.table(),
        comparison.verdict(&versus).join("\n"),
        report.display()
    ))
}
