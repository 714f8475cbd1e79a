//! A Keras-style neural-network library built around dropout, fast on a CPU and reproducible to the bit.
//!
//! Everything that a program usually needs is in the [`prelude`]; [`Sequential`](model::Sequential) is where to start.
//!
//! ```
//! use thinnet::prelude::*;
//!
//! let mut model = Sequential::new()
//!     .add(Dense::new(128).activation(Relu).input_shape([784]))
//!     .add(Dropout::new(0.2))
//!     .add(Dense::new(10).activation(Softmax));
//! model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
//! assert_eq!(model.count_params()?, 101_770);
//! # Ok::<(), thinnet::Error>(())
//! ```
//!
//! The same seed gives the same bits, in masks, weights and history, for any number of threads and after a stop and
//! resume; on one set of kernels ([`kernels`]).

#![forbid(unsafe_code)]

pub mod activations;
pub mod callbacks;
mod canvas;
pub mod config;
pub mod constraints;
pub mod data;
pub mod engine;
mod error;
pub mod experiment;
pub mod files;
mod font;
mod history;
pub mod initializers;
pub mod inspection;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod optimizers;
mod peak;
pub mod prelude;
pub mod random;
pub mod regularizers;
pub mod report;
pub mod schedules;
mod shape;
pub mod uncertainty;

use std::ffi::OsStr;
use std::sync::LazyLock;

pub use data::datasets;
pub use error::{Error, Problem, Result, Suggestion, nearest};
pub use history::{History, Logs};
pub use peak::peak;
pub use shape::Shape;

/// The kernels in use: `avx512`, `avx2` or `portable`, the best that the processor has or the one that the environment variable
/// `THINNET_KERNELS` names.
pub fn kernels() -> String {
    thinnet_kernels::isa::current().to_string()
}

/// The machine's cores. Asking for them takes longer than a small model's prediction: the system reads files to answer.
static CORES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// How many threads a model uses that was not told otherwise: the environment variable `THINNET_THREADS`, else the
/// machine's cores.
pub fn default_threads() -> usize {
    std::env::var_os("THINNET_THREADS").and_then(|text| threads(&text)).unwrap_or_else(|| *CORES)
}

/// A number of threads from 1 to 1024.
fn threads(text: &OsStr) -> Option<usize> {
    text.to_str()?.parse().ok().filter(|threads| (1..=1024).contains(threads))
}

/// Checks the environment variables that Thinnet reads. Programs call it at their start; without, a value that makes no
/// sense is as if it were not set.
///
/// # Errors
/// Which variable is wrong, and what it may be.
pub fn check_environment() -> Result<()> {
    thinnet_kernels::isa::check_environment().map_err(Error::Usage)?;
    match std::env::var_os("THINNET_THREADS") {
        Some(text) if threads(&text).is_none() => {
            let text = text.to_string_lossy();
            Err(Error::Usage(format!("THINNET_THREADS={text}: expected a number from 1 to 1024")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_threads_have_both_limits() {
        for (text, expected) in
            [("1", Some(1)), ("1024", Some(1024)), ("0", None), ("1025", None), ("two", None)]
        {
            assert_eq!(threads(OsStr::new(text)), expected, "{text}");
        }
    }
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
