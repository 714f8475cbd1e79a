//! The operation of pooling layers.

use std::ops::Range;

use thinnet_kernels::pooling::{Pools, average, average_backward, max, max_backward, max_noted};

use crate::engine::{Context, Variables};
use crate::layers::arguments::Axis;
use crate::layers::{Largest, Transform};

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its largest value. In the backward pass the first of equals gets the whole gradient.
    Max,
    /// The mean of what it covers within the map.
    Average,
}

/// Windows of channels-last maps, channel by channel.
#[derive(Debug)]
pub(super) struct Pool {
    kind: Kind,
    pools: Pools,
    input_len: usize,
}

impl Pool {
    pub(super) fn new(kind: Kind, axes: [Axis; 2], channels: usize) -> Self {
        let [rows, columns] = axes.map(|axis| ranges(&axis));
        let width = axes[1].input;
        Self {
            kind,
            pools: Pools { rows, columns, width, channels },
            input_len: axes[0].input * width * channels,
        }
    }
}

/// What each window covers of an axis.
fn ranges(axis: &Axis) -> Vec<Range<usize>> {
    let within = |place: usize| place.saturating_sub(axis.before).min(axis.input);
    let window = |index: usize| index * axis.stride..index * axis.stride + axis.kernel;
    (0..axis.output).map(window).map(|window| within(window.start)..within(window.end)).collect()
}

impl Transform for Pool {
    fn output_len(&self) -> usize {
        self.pools.output_len()
    }

    fn scratch(&self, _: usize) -> usize {
        // Outputs and notes of a sample.
        if self.kind == Kind::Max { 2 * self.output_len() } else { 0 }
    }

    fn cost(&self) -> usize {
        self.input_len
    }

    fn forward(&self, _: &Context, _: Variables, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        let pool = if self.kind == Kind::Max { max } else { average };
        for (x, y) in x.chunks_exact(self.input_len).zip(y.chunks_exact_mut(self.output_len())) {
            pool(&self.pools, x, y);
        }
    }

    fn backward(
        &self,
        _: &Context,
        _: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let samples = x.chunks_exact(self.input_len).zip(dy.chunks_exact(self.output_len()));
        for ((x, dy), dx) in samples.zip(dx.chunks_exact_mut(self.input_len)) {
            match self.kind {
                Kind::Max => {
                    let (y, notes) = scratch[..2 * dy.len()].split_at_mut(dy.len());
                    max_noted(&self.pools, x, y, notes);
                    max_backward(&self.pools, notes, dy, dx);
                }
                Kind::Average => average_backward(&self.pools, dy, dx),
            }
        }
    }

    fn largest(&self) -> Option<&dyn Largest> {
        (self.kind == Kind::Max).then_some(self)
    }
}

impl Largest for Pool {
    fn channels(&self) -> usize {
        self.pools.channels
    }

    fn forward(&self, x: &[f32], y: &mut [f32], notes: &mut [f32]) {
        let outputs = y.chunks_exact_mut(self.output_len()).zip(notes.chunks_exact_mut(self.output_len()));
        for (x, (y, notes)) in x.chunks_exact(self.input_len).zip(outputs) {
            max_noted(&self.pools, x, y, notes);
        }
    }

    fn backward(&self, notes: &[f32], dy: &[f32], dx: &mut [f32]) {
        let outputs = notes.chunks_exact(self.output_len()).zip(dy.chunks_exact(self.output_len()));
        for ((notes, dy), dx) in outputs.zip(dx.chunks_exact_mut(self.input_len)) {
            max_backward(&self.pools, notes, dy, dx);
        }
    }
}
