//! The engine: what runs a model. It knows operations and memory, not layers.
//!
//! - `parameters`: all variables of a model in one aligned arena, with a table of (name, shape, range).
//! - `plan`: which operations run fused and where each activation lives.
//! - `blocks`: which nodes run for a few rows at a time, while these are in the cache.
//! - `profile`: where a step's time goes, for whoever asks.
//! - `prepared`: what operations make of their variables before a batch, such as packed weights.
//! - `samples`: the samples of a batch.
//! - `objective`: the loss and the metrics, and their sums over batches.
//! - `shard`: a few samples of a batch, with memory of their own: forward, loss and backward, on one thread.
//! - `runner`: a whole batch: shards side by side, then pieces of the arena side by side.
//! - `outputs`: what a model says of any number of samples, by plain and by Monte-Carlo prediction.
//!
//! The order of every floating-point sum is fixed by the plan and the batch size, never by the threads.

mod blocks;
mod context;
mod objective;
mod outputs;
mod parameters;
mod plan;
mod prepared;
mod profile;
mod runner;
mod samples;
mod shard;

#[cfg(test)]
pub(crate) use context::Shards;
pub use context::{Batch, Context, Phase, Variables};
pub(crate) use objective::{Objective, Totals};
pub(crate) use outputs::Outputs;
pub(crate) use parameters::{Entry, Parameters};
pub(crate) use plan::{Plan, PlannedLayer};
pub use profile::{Profile, Span, Work};
pub(crate) use runner::{Optimization, Runner};
pub(crate) use samples::{CheckedTargets, Inputs, Samples};
