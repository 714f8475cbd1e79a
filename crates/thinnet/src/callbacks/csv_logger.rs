//! `CSVLogger`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::seldom::Seldom;
use super::{Callback, CallbackState, Training};
use crate::error::{Error, Result};
use crate::files::write_whole;

/// Writes the history to a CSV file after each epoch, as Keras's callback: `epoch` from 0, then the names in
/// alphabetical order. The file is replaced as a whole each time.
///
/// ```
/// use thinnet::callbacks::CSVLogger;
/// let logger = CSVLogger::new("history.csv").separator(";");
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CSVLogger {
    filename: PathBuf,
    separator: Separator,
    append: bool,
    /// What the file held before this run, where it is appended to.
    #[serde(skip)]
    before: String,
    /// Where not every epoch is written at once.
    #[serde(skip)]
    seldom: Option<Seldom>,
    /// Whether the file may lack epochs.
    #[serde(skip)]
    behind: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Separator(String);

impl Default for Separator {
    fn default() -> Self {
        Self(",".into())
    }
}

impl CSVLogger {
    /// Writes to `filename`.
    pub fn new(filename: impl Into<PathBuf>) -> Self {
        Self { filename: filename.into(), ..Self::default() }
    }

    /// What stands between values. Default: a comma.
    #[must_use]
    pub fn separator(mut self, separator: impl Into<String>) -> Self {
        self.separator = Separator(separator.into());
        self
    }

    /// Whether rows are added to what the file already has. A run that [`BackupAndRestore`](super::BackupAndRestore) goes on
    /// with keeps its rows from before: they are not repeated. Default: false.
    #[must_use]
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    /// Writes less often than after each epoch where writing took more than a twentieth of the time since then, and at the end.
    #[must_use]
    pub(crate) fn seldom(mut self) -> Self {
        self.seldom = Some(Seldom::default());
        self
    }
}

impl Callback for CSVLogger {
    fn on_train_begin(&mut self, _: &mut Training) -> Result<()> {
        if self.filename.as_os_str().is_empty() {
            return Err(Error::config("CSVLogger", "expected a `filename`"));
        }
        let mut before = match fs::read_to_string(&self.filename) {
            Ok(text) if self.append => text,
            Ok(_) => String::new(),
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io("read", &self.filename)(error)),
        };
        if !before.is_empty() && !before.ends_with('\n') {
            before.push('\n');
        }
        self.before = before;
        // A run that is gone on with may have been stopped before its last epochs were written.
        self.behind = self.seldom.is_some();
        Ok(())
    }

    fn on_epoch_recorded(&mut self, training: &mut Training) -> Result<()> {
        self.behind = self.seldom.as_ref().is_some_and(|seldom| !seldom.is_due());
        if self.behind {
            return Ok(());
        }
        match self.seldom.take() {
            Some(mut seldom) => {
                let result = seldom.save(|| self.write(&self.text(training)));
                self.seldom = Some(seldom);
                result
            }
            None => self.write(&self.text(training)),
        }
    }

    fn on_train_end(&mut self, training: &mut Training) -> Result<()> {
        if !std::mem::take(&mut self.behind) {
            return Ok(());
        }
        let text = self.text(training);
        // A run that is only read leaves its file as it is.
        let is_written = fs::read_to_string(&self.filename).is_ok_and(|there| there == text);
        if is_written { Ok(()) } else { self.write(&text) }
    }

    fn state(&self) -> CallbackState {
        let values = json!({"filename": self.filename.to_string_lossy(), "before": self.before.len()});
        CallbackState { values, weights: None }
    }

    fn restore(&mut self, state: CallbackState) -> Result<()> {
        if state.values["filename"] != *self.filename.to_string_lossy() {
            return Ok(());
        }
        // What follows are the rows of the run that is gone on with: its history has them.
        let before = state.values["before"].as_u64().and_then(|len| self.before.get(..len as usize));
        if let Some(before) = before.filter(|before| before.is_empty() || before.ends_with('\n')) {
            self.before = before.to_owned();
        }
        Ok(())
    }
}

impl CSVLogger {
    /// What the file is to hold.
    fn text(&self, training: &Training) -> String {
        let table = training.history.to_csv(&self.separator.0);
        let rows = match self.before.is_empty() {
            true => &table[..],
            // The header stands there already.
            false => table.split_once('\n').map_or("", |(_, rows)| rows),
        };
        format!("{}{rows}", self.before)
    }

    fn write(&self, text: &str) -> Result<()> {
        write_whole(&self.filename, |out| out.write_all(text.as_bytes()))
    }
}
