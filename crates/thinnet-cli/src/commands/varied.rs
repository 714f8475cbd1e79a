//! What commands have in common that train an experiment with other values.

use std::path::PathBuf;

use thinnet::experiment::RunOptions;
use thinnet::report::RunFolder;
use thinnet::{Error, Result};

use super::run_options;
use crate::arguments::Varied;

/// The folder to write to, and how to run.
pub(super) fn options(arguments: &Varied, threads: Option<usize>) -> (PathBuf, RunOptions) {
    let stem =
        arguments.experiment.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next(&stem));
    let run = run_options(out.clone(), arguments.resume, threads, arguments.watch);
    (out, run)
}

/// The overrides of the file.
pub(super) fn overrides(arguments: &Varied) -> Result<Vec<String>> {
    let mut sets = arguments.sets.clone();
    if let Some(folder) = &arguments.data_folder {
        let folder = std::path::absolute(folder).map_err(Error::io("resolve", folder))?;
        sets.push(format!("values.data_folder={}", text(&folder.to_string_lossy())));
    }
    Ok(sets)
}

/// A TOML text.
pub(super) fn text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
