//! `thinnet evaluate`

use std::path::PathBuf;

use clap::Args;

use super::{Model, Sampling};

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    pub(crate) model: Model,
    #[command(flatten)]
    pub(crate) sampling: Sampling,
    /// The samples: .npy, .npz, IDX or CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Their targets
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: PathBuf,
    /// Say as well how well calibrated the probabilities are: NLL, Brier's score, (adaptive) calibration error
    #[arg(long)]
    pub(crate) calibration: bool,
    /// Where to draw the reliability diagram, as .svg or .png
    #[arg(long, value_name = "FILE", requires = "calibration")]
    pub(crate) reliability: Option<PathBuf>,
    /// Samples that the model was not trained on, to fit a temperature to
    #[arg(long, value_name = "FILE", requires = "calibration", requires = "validation_labels")]
    pub(crate) validation_input: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "FILE", requires = "validation_input")]
    pub(crate) validation_labels: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
