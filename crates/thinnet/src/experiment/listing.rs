//! Lists in an experiment: written there, or in a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::read_value;
use crate::error::{Error, Result};

/// Several numbers or names: `[0, 1, 5]`, a single one, or `{ file = "index.txt" }`, a file with one after the other, separated
/// by white space or commas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Listing {
    /// Those of a file.
    File {
        /// Its path.
        file: PathBuf,
    },
    /// Those written here.
    List(Vec<Value>),
    /// Only this one.
    One(Value),
}

impl Listing {
    /// The path of its file, where it has one.
    pub(super) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File { file } => Some(file),
            _ => None,
        }
    }

    /// The numbers and names; `place` is for messages.
    ///
    /// # Errors
    /// Where the file cannot be read, or there is nothing, or something else than numbers and names.
    pub(crate) fn items(&self, place: &str) -> Result<Vec<Value>> {
        let items = match self {
            Self::File { file } => {
                let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
                let words =
                    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
                words.map(read_value).collect()
            }
            Self::List(items) => items.clone(),
            Self::One(item) => vec![item.clone()],
        };
        if items.is_empty() {
            return Err(Error::config(place, "expected at least one entry, got none"));
        }
        if let Some(other) = items.iter().find(|item| !(item.is_number() || item.is_string())) {
            let message =
                format!("expected numbers or names, a list of them or {{ file = \"…\" }}, got {other}");
            return Err(Error::config(place, message));
        }
        Ok(items)
    }

    /// Numbers of rows below `count`.
    ///
    /// # Errors
    /// As [`items`](Self::items), and for anything that is not such a number.
    pub(super) fn rows(&self, place: &str, count: usize, table: &Path) -> Result<Vec<usize>> {
        let row = |item: Value| {
            // numpy writes whole numbers as floats.
            let number = item.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0);
            number.map(|number| number as usize).filter(|&row| row < count).ok_or_else(|| {
                let message = format!(
                    "expected numbers of rows from 0 to {}, as {} has, got {item}",
                    count - 1,
                    table.display()
                );
                match self {
                    Self::File { file } => Error::file(file, message),
                    _ => Error::config(place, message),
                }
            })
        };
        self.items(place)?.into_iter().map(row).collect()
    }
}
