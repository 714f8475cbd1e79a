//! What people look at: curves, tables, sentences, pages.

mod classification;
mod comparison;
mod curves;
mod figure;
mod html;
mod run_folder;
pub mod statistics;

pub use classification::Classification;
pub use comparison::{Comparison, ModelRuns, RunResult};
pub use curves::{Curves, Run};
pub use html::RunReport;
pub use run_folder::RunFolder;
