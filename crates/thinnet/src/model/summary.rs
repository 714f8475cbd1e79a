//! The summary table, as Keras 2 prints it.

use std::fmt::Write;

use super::Sequential;
use crate::engine::Entry;
use crate::error::Result;

impl Sequential {
    /// The table of layers, output shapes and parameters, as the tutorial prints it.
    ///
    /// A model that is not built yet shows its layers' names and an error in place of the rest: call
    /// [`try_summary`](Self::try_summary) to have it as an error.
    pub fn summary(&mut self) -> String {
        self.try_summary()
            .unwrap_or_else(|error| format!("Model: \"{}\"\ncannot be built: {error}\n", self.name))
    }

    /// The table, or what is wrong with the model.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn try_summary(&mut self) -> Result<String> {
        self.build()?;
        let built = self.built()?;
        let mut rows = Vec::new();
        for ((name, output), layer) in built.layers.iter().zip(&self.layers) {
            // Keras's table leaves the input out.
            if layer.class_name() == "InputLayer" {
                continue;
            }
            let holds =
                |entry: &&Entry| entry.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
            let of_layer = built.parameters.entries.iter().filter(holds);
            let count: usize = of_layer.map(|entry| entry.range.len()).sum();
            rows.push([format!("{name} ({})", layer.class_name()), output.to_string(), count.to_string()]);
        }
        let (trainable, frozen) = built.parameters.counts();
        Ok(table(&self.name, &rows, trainable, frozen))
    }

    /// The number of elements of all variables.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn count_params(&mut self) -> Result<usize> {
        self.build()?;
        let (trainable, frozen) = self.built()?.parameters.counts();
        Ok(trainable + frozen)
    }
}

fn table(name: &str, rows: &[[String; 3]], trainable: usize, frozen: usize) -> String {
    // Keras's columns start at 0, 29 and 55 of 65; longer entries widen theirs.
    let header = ["Layer (type)", "Output Shape", "Param #"];
    let width = |column: usize, least: usize| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        least.max(longest + 2)
    };
    let widths = [width(0, 29), width(1, 26), width(2, 10)];
    let total = widths.iter().sum();
    let (thin, thick) = ("_".repeat(total), "=".repeat(total));
    let mut text = format!("Model: \"{name}\"\n{thin}\n");
    let line = |cells: [&str; 3], text: &mut String| {
        let [a, b, c] = widths;
        let line = format!("{:<a$}{:<b$}{:<c$}", cells[0], cells[1], cells[2]);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line(header, &mut text);
    text += &format!("{thick}\n");
    for (index, [layer, shape, count]) in rows.iter().enumerate() {
        if index > 0 {
            text += &format!("{thin}\n");
        }
        line([layer, shape, count], &mut text);
    }
    text += &format!(
        "{thick}\nTotal params: {}\nTrainable params: {}\nNon-trainable params: {}\n{thin}\n",
        thousands(trainable + frozen),
        thousands(trainable),
        thousands(frozen)
    );
    text
}

/// 109386 as `109,386`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn the_tutorial_s_table() {
        let mut model = Sequential::new()
            .add(Dense::new(128).activation(Relu).input_shape([784]))
            .add(Dropout::new(0.2))
            .add(Dense::new(64).activation(Relu))
            .add(Dropout::new(0.3))
            .add(Dense::new(10).activation(Softmax));
        let expected = "\
Model: \"sequential\"
_________________________________________________________________
Layer (type)                 Output Shape              Param #
=================================================================
dense (Dense)                (None, 128)               100480
_________________________________________________________________
dropout (Dropout)            (None, 128)               0
_________________________________________________________________
dense_1 (Dense)              (None, 64)                8256
_________________________________________________________________
dropout_1 (Dropout)          (None, 64)                0
_________________________________________________________________
dense_2 (Dense)              (None, 10)                650
=================================================================
Total params: 109,386
Trainable params: 109,386
Non-trainable params: 0
_________________________________________________________________
";
        assert_eq!(model.summary(), expected);
    }
}
