//! What people look at: curves, tables, sentences, pages.

mod activations;
mod aligned;
mod classes;
mod color_map;
mod comparison;
mod curves;
mod exercises;
mod figure;
mod html;
mod learned_rates;
mod measures;
mod pairs;
mod pictures;
mod profile;
mod run_folder;
mod run_report;
pub mod statistics;
mod tuning;
mod uncertainty;

pub use activations::{ActivationReport, ActivationSection};
pub use aligned::aligned;
pub use classes::{ClassAccuracy, Classes, Mistake};
pub use comparison::{Comparison, ModelRuns, RunResult};
pub use curves::{Curves, Run};
pub(crate) use exercises::best_by_validation;
pub use exercises::{
    Choice, DropoutRates, ExerciseLink, ExerciseText, RateRuns, RatesOfSize, Regularization, RegularizedSet,
    TrainableRates, exercise_index,
};
pub(crate) use learned_rates::is_report;
pub use run_folder::RunFolder;
pub use run_report::{ReportText, RunReport};
pub use tuning::{Chosen, Searched, Trial, Tuning};
pub use uncertainty::{UncertaintyReport, reliability_diagram};
