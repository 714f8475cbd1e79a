//! What people look at: curves, tables, sentences, pages.

mod aligned;
mod classes;
mod comparison;
mod curves;
#[allow(dead_code, reason = "points are there for the pages of sweeps and searches")]
mod figure;
mod html;
mod profile;
mod run_folder;
mod run_report;
pub mod statistics;
mod uncertainty;

pub use aligned::aligned;
pub use classes::{ClassAccuracy, Classes, Mistake};
pub use comparison::{Comparison, ModelRuns, RunResult};
pub use curves::{Curves, Run};
pub use run_folder::RunFolder;
pub use run_report::{ReportText, RunReport};
pub use uncertainty::{UncertaintyReport, reliability_diagram};
