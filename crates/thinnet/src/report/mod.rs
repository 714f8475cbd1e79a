//! What people look at: curves, tables, sentences, pages.

mod activations;
mod aligned;
mod classes;
mod color_map;
mod comparison;
mod curves;
mod discussion;
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
mod sweep;
mod tuning;
mod uncertainty;
mod varied;

pub use activations::{ActivationReport, ActivationSection};
pub use aligned::aligned;
pub use classes::{ClassAccuracy, Classes, Mistake};
pub use comparison::{Comparison, ModelRuns, RunResult, Versus};
pub use curves::{Curves, Run};
pub(crate) use discussion::best_by_validation;
pub use exercises::{
    Choice, DropoutRates, ExerciseLink, ExerciseText, RateRuns, RatesOfSize, Regularization, RegularizedSet,
    TrainableRates, exercise_index,
};
pub(crate) use learned_rates::is_report;
pub use run_folder::RunFolder;
pub use run_report::{ReportText, RunReport};
pub use sweep::{Sweep, SweepPoint, Validated};
pub use tuning::{Chosen, Searched, Trial, Tuning};
pub use uncertainty::{UncertaintyReport, reliability_diagram};
pub(crate) use varied::{labels, quoted, told, words};
