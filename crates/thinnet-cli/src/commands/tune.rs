//! `thinnet tune`

use clap::ValueEnum;
use thinnet::Result;
use thinnet::experiment::{TuneOptions, tune};
use thinnet::report::RunFolder;

use super::varied;
use crate::arguments::Tune;
use crate::exit::print;

pub(crate) fn run(arguments: &Tune, threads: Option<usize>) -> Result<()> {
    let (out, run) = varied::options(&arguments.varied, threads);
    RunFolder::refuse_other(&out, Some("tune.toml"))?;
    let options = TuneOptions { run, sets: overrides(arguments)?, vary: arguments.varied.vary.clone() };
    let tuning = tune(&arguments.varied.experiment, &options)?;
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
    let mut sets = varied::overrides(&arguments.varied)?;
    if let Some(search) = arguments.search.and_then(|search| search.to_possible_value()) {
        sets.push(format!("tune.search={}", varied::text(&search.get_name().replace('-', "_"))));
    }
    if let Some(objective) = &arguments.objective {
        sets.push(format!("tune.objective={}", varied::text(objective)));
    }
    if let Some(budget) = &arguments.budget {
        sets.push(format!("tune.budget={}", varied::text(budget)));
    }
    if let Some(seeds) = arguments.seeds {
        sets.push(format!("tune.seeds={seeds}"));
    }
    Ok(sets)
}
