//! `thinnet tune`

use clap::ValueEnum;
use thinnet::experiment::{TuneOptions, tune};
use thinnet::report::RunFolder;
use thinnet::{Error, Result};

use super::run_options;
use crate::arguments::Tune;
use crate::exit::print;

pub(crate) fn run(arguments: &Tune, threads: Option<usize>) -> Result<()> {
    let stem =
        arguments.experiment.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next(&stem));
    let options = TuneOptions {
        run: run_options(out.clone(), arguments.resume, threads, arguments.watch),
        sets: overrides(arguments)?,
    };
    let tuning = tune(&arguments.experiment, &options)?;
    tuning.write(&out)?;
    print(&format!(
        "{}\n{}\nReport: {}  (table.csv, tune.csv beside it)\n",
        tuning.table(),
        tuning.sentences().join("\n"),
        out.join("report.html").display()
    ))
}

/// What the options say, as overrides of the file.
fn overrides(arguments: &Tune) -> Result<Vec<String>> {
    let mut sets = arguments.sets.clone();
    if let Some(folder) = &arguments.data_folder {
        let folder = std::path::absolute(folder).map_err(Error::io("resolve", folder))?;
        sets.push(format!("values.data_folder={}", text(&folder.to_string_lossy())));
    }
    if let Some(search) = arguments.search.and_then(|search| search.to_possible_value()) {
        sets.push(format!("tune.search={}", text(&search.get_name().replace('-', "_"))));
    }
    if let Some(objective) = &arguments.objective {
        sets.push(format!("tune.objective={}", text(objective)));
    }
    if let Some(budget) = &arguments.budget {
        sets.push(format!("tune.budget={}", text(budget)));
    }
    if let Some(seeds) = arguments.seeds {
        sets.push(format!("tune.seeds={seeds}"));
    }
    if !arguments.vary.is_empty() {
        sets.push(format!("tune.vary={{ {} }}", varied(&arguments.vary)?));
    }
    Ok(sets)
}

/// `KEY=VALUES` of all options as entries of a TOML table. They take the place of the file's.
fn varied(options: &[String]) -> Result<String> {
    let entry = |option: &String| {
        let Some((key, values)) = option.split_once('=').map(|(key, values)| (key.trim(), values.trim()))
        else {
            let message = "expected KEY=V1,V2 or KEY=LOW..HIGH, such as model.layers.1.rate=0.1..0.5";
            return Err(Error::Usage(format!("--vary {option}: {message}")));
        };
        Ok(format!("{} = {}", text(key), text(values)))
    };
    Ok(options.iter().map(entry).collect::<Result<Vec<_>>>()?.join(", "))
}

/// A TOML text.
fn text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
