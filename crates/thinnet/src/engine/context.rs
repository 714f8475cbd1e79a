//! What an operation is given besides its buffers.

use std::ops::Range;

use crate::random::Stream;

/// What a pass is for. Part of the call, never a flag that a layer guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Dropout and noise are on; what the backward pass needs is kept.
    Training,
    /// Dropout and noise are off.
    Inference,
    /// Dropout and noise are on, as in training; everything else is as in inference: batch statistics stay as they are.
    MonteCarlo {
        /// Whether all inputs go through the same thinned network: the draws of the input at place 0.
        shared: bool,
    },
}

/// Where a piece of work stands: together with the seed, all that random draws depend on.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// What the pass is for.
    pub phase: Phase,
    /// The layer's own random stream.
    pub stream: Stream,
    /// The number of optimizer steps done before this one, since the model was made.
    pub step: u64,
    /// The first row's place in the batch; in Monte-Carlo prediction among all inputs.
    pub first: usize,
    /// How many samples the whole batch has.
    pub batch_size: usize,
}

impl Context {
    /// Whether this is a training pass.
    pub fn is_training(&self) -> bool {
        self.phase == Phase::Training
    }

    /// Whether dropout and noise are on.
    pub fn draws(&self) -> bool {
        matches!(self.phase, Phase::Training | Phase::MonteCarlo { .. })
    }

    /// The place that the draws of one of the rows depend on.
    pub fn place(&self, row: usize) -> usize {
        match self.phase {
            Phase::MonteCarlo { shared: true } => 0,
            _ => self.first + row,
        }
    }
}

/// An operation's variables, in the order of its layer's [`Built::variables`](crate::layers::Built::variables), what it
/// made of them, and what it summed over the batch.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    arena: &'a [f32],
    ranges: &'a [Range<usize>],
    sums: [&'a [f64]; 2],
    prepared: &'a [f32],
}

impl<'a> Variables<'a> {
    /// The variables at `ranges` of `arena`.
    pub fn new(arena: &'a [f32], ranges: &'a [Range<usize>]) -> Self {
        Self { arena, ranges, sums: [&[]; 2], prepared: &[] }
    }

    /// The same with an operation's [`BatchSums`](crate::layers::BatchSums) of the forward and the backward pass.
    #[must_use]
    pub fn with_sums(self, forward: &'a [f64], backward: &'a [f64]) -> Self {
        Self { sums: [forward, backward], ..self }
    }

    /// The same with what an operation's [`Prepare`](crate::layers::Prepare) made of them.
    #[must_use]
    pub fn with_prepared(self, prepared: &'a [f32]) -> Self {
        Self { prepared, ..self }
    }

    /// The parts that were prepared, one after the other.
    pub fn prepared(&self) -> &'a [f32] {
        self.prepared
    }

    /// The forward pass's sums over the batch.
    pub fn forward_sums(&self) -> &'a [f64] {
        self.sums[0]
    }

    /// The backward pass's sums over the batch.
    pub fn backward_sums(&self) -> &'a [f64] {
        self.sums[1]
    }

    /// The values of a variable.
    pub fn get(&self, index: usize) -> &'a [f32] {
        &self.arena[self.ranges[index].clone()]
    }
}

/// The whole batch as one operation saw it: for each shard, in order, the input's rows and the rows of the loss's
/// gradient by the operation's output.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    shards: &'a dyn Shards,
    operation: usize,
}

/// The shards of a batch.
pub(crate) trait Shards {
    /// How many there are.
    fn count(&self) -> usize;
    /// A shard's (x, dy) for an operation.
    fn part(&self, shard: usize, operation: usize) -> (&[f32], &[f32]);
}

impl<'a> Batch<'a> {
    /// The batch as `operation` saw it.
    pub(crate) fn new(shards: &'a dyn Shards, operation: usize) -> Self {
        Self { shards, operation }
    }

    /// (x, dy) of each shard.
    pub fn parts(self) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        (0..self.shards.count()).map(move |shard| self.shards.part(shard, self.operation))
    }
}
