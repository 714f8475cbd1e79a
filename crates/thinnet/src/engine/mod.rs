//! The engine: what runs a model. It knows operations and memory, not layers.

mod context;

pub use context::{Batch, Context, Phase, Variables};
