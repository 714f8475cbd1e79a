//! A Keras-style neural-network library built around dropout.

#![forbid(unsafe_code)]

pub mod activations;
pub mod callbacks;
pub mod config;
pub mod constraints;
pub mod data;
pub mod engine;
mod error;
pub mod files;
mod history;
pub mod initializers;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod optimizers;
pub mod prelude;
pub mod random;
pub mod regularizers;
pub mod schedules;
mod shape;

pub use data::datasets;
pub use error::{Error, Problem, Result, Suggestion, nearest};
pub use history::{History, Logs};
pub use shape::Shape;
