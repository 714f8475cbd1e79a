//! What training reports, epoch by epoch.

use std::collections::BTreeMap;
use std::ops::Index;
use std::path::Path;

use serde_json::{Value, json};

use crate::error::Result;
use crate::report::{Curves, Run};

/// The values of one epoch or batch by name: `loss`, `accuracy`, `val_loss` …, in alphabetical order.
pub type Logs = BTreeMap<String, f64>;

/// The record of a training run: one row an epoch.
///
/// ```
/// use thinnet::History;
/// let mut history = History::default();
/// history.push(0, [("loss".to_owned(), 0.5)].into());
/// history.push(1, [("loss".to_owned(), 0.25)].into());
/// assert_eq!(history["loss"], [0.5, 0.25]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    columns: BTreeMap<String, Vec<f64>>,
}

impl History {
    /// Appends an epoch (counted from 0). A value that earlier epochs did not have is NaN there.
    pub fn push(&mut self, epoch: usize, logs: Logs) {
        let rows = self.epochs.len();
        for name in logs.keys() {
            self.columns.entry(name.clone()).or_insert_with(|| vec![f64::NAN; rows]);
        }
        for (name, column) in &mut self.columns {
            column.push(logs.get(name).copied().unwrap_or(f64::NAN));
        }
        self.epochs.push(epoch);
    }

    /// The epochs' numbers, from 0.
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The number of epochs.
    pub fn len(&self) -> usize {
        self.epochs.len()
    }

    /// Whether no epoch was recorded.
    pub fn is_empty(&self) -> bool {
        self.epochs.is_empty()
    }

    /// A value's course, if it was recorded.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.columns.get(name).map(Vec::as_slice)
    }

    /// Puts one column into the place of another, if it was recorded.
    pub(crate) fn replace(&mut self, name: &str, by: &str) {
        if let Some(column) = self.columns.remove(by) {
            self.columns.insert(name.to_owned(), column);
        }
    }

    /// Draws accuracy and loss against the epochs into a file: SVG or PNG, by its ending.
    ///
    /// # Errors
    /// Where the ending is another one, or the file cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        Curves::new(&[Run { name: "the model".into(), histories: vec![self] }]).write(path)
    }

    /// The history as Keras's `CSVLogger` writes it: `epoch` from 0, then the names in alphabetical order; what is not
    /// a number as Python prints it.
    pub fn to_csv(&self, separator: &str) -> String {
        let names = std::iter::once("epoch").chain(self.names());
        let mut text = names.collect::<Vec<_>>().join(separator) + "\n";
        for (row, epoch) in self.epochs.iter().enumerate() {
            let values = self.columns.values().map(|column| python_float(column[row]));
            text += &(std::iter::once(epoch.to_string()).chain(values).collect::<Vec<_>>().join(separator)
                + "\n");
        }
        text
    }

    /// What [`to_csv`](Self::to_csv) wrote with commas, to the bit but for the signs of NaN.
    pub(crate) fn from_csv(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next()?.strip_prefix("epoch")?.split(',').skip(1).collect();
        let mut history = Self::default();
        for line in lines {
            let (epoch, values) = line.split_once(',').unwrap_or((line, ""));
            let values: Vec<f64> =
                values.split_terminator(',').map(str::parse).collect::<Result<_, _>>().ok()?;
            if values.len() != names.len() {
                return None;
            }
            let logs = names.iter().map(|&name| name.to_owned()).zip(values).collect();
            history.push(epoch.parse().ok()?, logs);
        }
        Some(history)
    }

    /// The history with its exact bits, which decimal numbers and JSON (that has no NaN) may lose.
    pub(crate) fn to_bits(&self) -> Value {
        let bits = |column: &Vec<f64>| column.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let columns: BTreeMap<_, _> =
            self.columns.iter().map(|(name, column)| (name, bits(column))).collect();
        json!({"epochs": self.epochs, "columns": columns})
    }

    /// What [`to_bits`](Self::to_bits) made.
    pub(crate) fn from_bits(bits: &Value) -> Option<Self> {
        let epochs: Vec<usize> = serde_json::from_value(bits["epochs"].clone()).ok()?;
        let columns: BTreeMap<String, Vec<u64>> = serde_json::from_value(bits["columns"].clone()).ok()?;
        let floats = |column: Vec<u64>| column.into_iter().map(f64::from_bits).collect();
        let columns: BTreeMap<String, Vec<f64>> =
            columns.into_iter().map(|(name, column)| (name, floats(column))).collect();
        columns.values().all(|column| column.len() == epochs.len()).then_some(Self { epochs, columns })
    }

    /// The names of what was recorded, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }
}

fn python_float(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { value.to_string() }
}

impl Index<&str> for History {
    type Output = [f64];

    /// A value's course. Panics where it was not recorded: see [`History::get`].
    fn index(&self, name: &str) -> &[f64] {
        self.get(name).unwrap_or_else(|| panic!("`{name}` was not recorded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_is_not_a_number_as_python_does() {
        let mut history = History::default();
        history.push(0, [("loss".to_owned(), 0.5)].into());
        let diverged = [("loss".to_owned(), f64::INFINITY), ("val_loss".to_owned(), -f64::NAN)];
        history.push(1, diverged.into());
        assert_eq!(history.to_csv(","), "epoch,loss,val_loss\n0,0.5,nan\n1,inf,nan\n");
        assert_eq!(History::from_csv(&history.to_csv(",")).unwrap().to_csv(","), history.to_csv(","));
    }

    #[test]
    fn what_was_written_is_read_again_to_the_bit() {
        let mut history = History::default();
        assert_eq!(History::from_csv(&history.to_csv(",")), Some(history.clone()));
        for epoch in 3..6 {
            let logs = [("loss".to_owned(), 1.0 / epoch as f64), ("val_loss".to_owned(), 1e-300)];
            history.push(epoch, logs.into());
        }
        assert_eq!(History::from_csv(&history.to_csv(",")), Some(history));
        for broken in ["", "loss\n1\n", "epoch,loss\n0\n", "epoch,loss\n0,1,2\n", "epoch,loss\n0,one\n"] {
            assert_eq!(History::from_csv(broken), None, "{broken}");
        }
    }
}
