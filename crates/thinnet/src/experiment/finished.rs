//! Runs that were done before, read from their folders.

use std::path::{Path, PathBuf};

use super::Experiment;
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::report::{RunFolder, RunResult};

/// What a run left in its folder: its numbers, without its model.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// The experiment, complete.
    pub experiment: Experiment,
    /// The model's summary table.
    pub summary: String,
    /// Its numbers.
    pub result: RunResult,
}

impl FinishedRun {
    /// Whether a folder holds a run that has come to its end.
    pub fn is_in(folder: &Path) -> bool {
        RunFolder::holds_done(folder)
    }

    /// Reads a run's folder.
    ///
    /// # Errors
    /// Where the folder holds no run, or one that has not come to its end; where a file of it is broken.
    pub fn read(folder: &Path) -> Result<Self> {
        if !folder.join("config.toml").exists() {
            return Err(Error::file(
                folder,
                "expected the folder of a run, got none (it has no config.toml)",
            ));
        }
        if !Self::is_in(folder) {
            return Err(Error::file(folder, "this run has not come to its end: go on with it with --resume"));
        }
        let experiment = Experiment::from_file(folder.join("config.toml"), &[])?;
        let path = folder.join("summary.txt");
        let summary = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let result = RunFolder::read_result(folder, experiment.seed)?;
        Ok(Self { folder: folder.to_owned(), experiment, summary, result })
    }

    /// The model that was trained, for its layers.
    pub(super) fn described(&self) -> Result<Sequential> {
        match self.experiment.model.file {
            // The file may be gone by now, or hold another model.
            Some(_) => Sequential::load(self.folder.join("model.safetensors")),
            None => self.experiment.described(),
        }
    }
}
