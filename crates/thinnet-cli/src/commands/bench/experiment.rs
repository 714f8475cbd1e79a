//! `thinnet bench FILE.toml`

use std::path::Path;

use thinnet::Result;
use thinnet::experiment::{Experiment, ProfileOptions, profile};

use super::dropout;
use crate::arguments::Bench;
use crate::exit::print;

pub(super) fn run(path: &Path, arguments: &Bench, threads: Option<usize>) -> Result<()> {
    let experiment = Experiment::from_file(path, &arguments.sets)?;
    let data = experiment.data()?;
    let mut options = ProfileOptions { threads, keep_spans: arguments.trace.is_some(), ..Default::default() };
    if let Some(steps) = arguments.steps {
        options.steps = steps;
    }
    if arguments.dropout {
        return dropout::experiment(&experiment, &data, &options, arguments.json);
    }
    let profile = profile(&experiment, &data, &options)?;
    if let Some(path) = &arguments.trace {
        profile.trace(path)?;
    }
    if arguments.json {
        return print(&format!("{}\n", profile.to_json()));
    }
    let mut text = profile.table();
    if let Some(path) = &arguments.trace {
        text += &format!("\nTrace: {} (open it at https://ui.perfetto.dev)\n", path.display());
    }
    print(&text)
}
