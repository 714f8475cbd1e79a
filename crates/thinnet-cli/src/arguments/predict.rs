//! `thinnet predict`

use std::path::PathBuf;

use clap::Args;

use super::{Model, Sampling};

#[derive(Debug, Args)]
pub(crate) struct Predict {
    #[command(flatten)]
    pub(crate) model: Model,
    /// The inputs: .npy, .npz, IDX or CSV
    #[arg(long, value_name = "FILE", required_unless_present = "image")]
    pub(crate) input: Option<PathBuf>,
    /// Pictures to classify, PNG or JPEG: prints the three likeliest classes of each
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["input", "output", "labels"])]
    pub(crate) image: Vec<PathBuf>,
    /// Give pictures the size and the channels that the model expects
    #[arg(long, requires = "image", conflicts_with = "input")]
    pub(crate) resize: bool,
    /// Where to write the output, as .npy
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Targets, to say as well how good the output is
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sampling: Sampling,
    /// Where to write the variance over the thinned networks, as .npy
    #[arg(long, value_name = "FILE", requires = "mc_samples", conflicts_with = "image")]
    pub(crate) variance: Option<PathBuf>,
    /// Where to write the outputs of every thinned network, as .npy of shape (N, inputs, outputs)
    #[arg(long, value_name = "FILE", requires = "mc_samples", conflicts_with = "image")]
    pub(crate) samples: Option<PathBuf>,
    /// For regression: the share of targets that the intervals are to hold [default: 0.95]
    #[arg(long, value_name = "LEVEL", value_parser = level, requires = "mc_samples", conflicts_with = "image")]
    pub(crate) interval: Option<f64>,
    /// For regression: the variance of the targets around the true function (1/τ), which widens the intervals [default: 0]
    #[arg(long, value_name = "VARIANCE", value_parser = variance, requires = "mc_samples", conflicts_with = "image")]
    pub(crate) noise_variance: Option<f64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn level(text: &str) -> Result<f64, String> {
    let level = text.parse().ok().filter(|&level| 0.0 < level && level < 1.0);
    level.ok_or_else(|| "expected a level between 0 and 1, such as 0.95".into())
}

fn variance(text: &str) -> Result<f64, String> {
    let variance = text.parse().ok().filter(|&variance: &f64| variance >= 0.0 && variance.is_finite());
    variance.ok_or_else(|| "expected a variance from 0 on".into())
}
