//! All variables of a model, in one arena.

use std::ops::Range;

use thinnet_kernels::buffer::{ALIGNMENT, Buffer};

use crate::constraints::Constraint;
use crate::initializers::Initializer;
use crate::layers::Variable;
use crate::random::{Domain, Stream};
use crate::regularizers::Regularizer;

/// A variable's place in the arena and what is to be done with it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `LAYER/VARIABLE`
    pub(crate) name: String,
    pub(crate) layer: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) range: Range<usize>,
    pub(crate) trainable: bool,
    pub(crate) initializer: Initializer,
    pub(crate) regularizer: Option<Regularizer>,
    pub(crate) constraint: Option<Constraint>,
}

/// The table and the arena. Gradients and optimizer slots are arenas of the same layout.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) entries: Vec<Entry>,
    values: Buffer,
    changes: u64,
}

impl Parameters {
    /// Places the variables of all layers, each at the start of a cache line, and gives them their initial values.
    pub(crate) fn new<'a>(layers: impl Iterator<Item = (&'a str, bool, &'a [Variable])>, seed: u64) -> Self {
        let mut entries = Vec::new();
        let mut end = 0;
        for (layer, (name, trainable, variables)) in layers.enumerate() {
            for variable in variables {
                let start = usize::next_multiple_of(end, ALIGNMENT / size_of::<f32>());
                end = start + variable.shape.iter().product::<usize>();
                entries.push(Entry {
                    name: format!("{name}/{}", variable.name),
                    layer,
                    shape: variable.shape.clone(),
                    range: start..end,
                    trainable: trainable && variable.trainable,
                    initializer: variable.initializer.clone(),
                    regularizer: variable.regularizer.clone(),
                    constraint: variable.constraint.clone(),
                });
            }
        }
        let mut values = Buffer::zeros(end);
        for (index, entry) in entries.iter().enumerate() {
            let stream = Stream::new(seed, Domain::Initializer(index as u32));
            entry.initializer.fill(&entry.shape, stream, &mut values[entry.range.clone()]);
        }
        Self { entries, values, changes: 0 }
    }

    /// The arena.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The table, and the arena to change.
    pub(crate) fn values_mut(&mut self) -> (&[Entry], &mut [f32]) {
        self.changes += 1;
        (&self.entries, &mut self.values)
    }

    /// How often the arena was lent to be changed: what was made of its values holds while this stays the same.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// The number of elements of the variables that training changes, and of the others.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let count = |trainable| {
            let chosen = self.entries.iter().filter(|entry| entry.trainable == trainable);
            chosen.map(|entry| entry.range.len()).sum()
        };
        (count(true), count(false))
    }
}
